//! What has to be done, and why: a pure function of wanted and observed.

use std::collections::BTreeSet;

use super::engine::{ContainerState, Observed, ObservedContainer, ObservedResource};
use super::identity;
use super::wanted::{ContainerSpec, NetworkSpec, VolumeSpec, Wanted};
use crate::lab::ServiceName;
use crate::lab::stack::Condition;

/// What happens to a container.
#[derive(Debug, Clone, PartialEq)]
pub enum ContainerAction {
    /// It runs as it should.
    Keep(ObservedContainer),
    Start(ObservedContainer),
    Unpause(ObservedContainer),
    Create,
    /// The old one goes first.
    Recreate(ObservedContainer),
}

impl ContainerAction {
    /// The word for `--dry-run`.
    pub fn word(&self) -> &'static str {
        match self {
            ContainerAction::Keep(_) => "keep",
            ContainerAction::Start(_) => "start",
            ContainerAction::Unpause(_) => "unpause",
            ContainerAction::Create => "create",
            ContainerAction::Recreate(_) => "recreate",
        }
    }
}

/// One container of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedContainer {
    pub spec: ContainerSpec,
    pub action: ContainerAction,
    pub reason: String,
}

/// The way from observed to wanted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub networks: Vec<NetworkSpec>,
    pub volumes: Vec<VolumeSpec>,
    pub containers: Vec<PlannedContainer>,
    /// Networks that share a name: of each name one may stay.
    pub doubled: Vec<ObservedResource>,
    /// Containers that are no longer wanted.
    pub surplus: Vec<(ObservedContainer, String)>,
}

impl Plan {
    /// Whether everything is as it should be.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
            && self.volumes.is_empty()
            && self.doubled.is_empty()
            && self.surplus.is_empty()
            && self.containers.iter().all(|container| matches!(container.action, ContainerAction::Keep(_)))
    }

    /// The plan as (step, reason), in the order in which things are done.
    pub fn describe(&self) -> Vec<(String, String)> {
        let removals =
            self.surplus.iter().map(|(old, reason)| (format!("remove container {}", old.name), reason.clone()));
        let networks =
            self.networks.iter().map(|network| (format!("create network {}", network.name), "not found".into()));
        let volumes = self.volumes.iter().map(|volume| (format!("create volume {}", volume.name), "not found".into()));
        let containers = self.containers.iter().map(|planned| {
            (format!("{} container {}", planned.action.word(), planned.spec.name), planned.reason.clone())
        });
        removals.chain(networks).chain(volumes).chain(containers).collect()
    }
}

/// What is added where services cannot be reached otherwise; it is made, and made anew, when it is needed.
pub const RELAY: &str = "relay";

/// Plans how `observed` becomes `wanted`.
pub fn plan(wanted: Wanted, observed: &Observed) -> Plan {
    let surplus = observed
        .containers
        .iter()
        .filter(|container| container.service != ServiceName::own(RELAY))
        .filter(|container| {
            !wanted.containers.iter().any(|spec| spec.service == container.service && spec.replica == container.replica)
        })
        .map(|container| (container.clone(), "the lab no longer has it".to_owned()))
        .collect();
    let twice = |name: &str| observed.networks.iter().filter(|one| one.name == name).count() > 1;
    let doubled = observed.networks.iter().filter(|one| twice(&one.name)).cloned().collect();
    let missing = |existing: &[ObservedResource], name: &str| !existing.iter().any(|one| one.name == name);
    let networks: Vec<_> =
        wanted.networks.into_iter().filter(|network| missing(&observed.networks, &network.name)).collect();
    let volumes = wanted.volumes.into_iter().filter(|volume| missing(&observed.volumes, &volume.name)).collect();
    let one_shots: BTreeSet<ServiceName> = wanted.containers.iter().flat_map(one_shots).collect();
    let containers = wanted
        .containers
        .into_iter()
        .map(|spec| {
            let new_network =
                spec.networks.iter().any(|(name, ..)| networks.iter().any(|network| network.name == *name));
            let existing = observed
                .containers
                .iter()
                .find(|container| container.service == spec.service && container.replica == spec.replica);
            let (action, reason) = decide(&spec, existing, new_network, one_shots.contains(&spec.service));
            PlannedContainer { spec, action, reason: reason.to_owned() }
        })
        .collect();
    Plan { networks, volumes, containers, doubled, surplus }
}

/// The services that `spec` waits for to complete.
pub fn one_shots(spec: &ContainerSpec) -> impl Iterator<Item = ServiceName> + '_ {
    awaited(spec, Condition::CompletedSuccessfully)
}

/// The services that `spec` waits for to be healthy.
pub fn healthy_first(spec: &ContainerSpec) -> impl Iterator<Item = ServiceName> + '_ {
    awaited(spec, Condition::Healthy)
}

fn awaited(spec: &ContainerSpec, condition: Condition) -> impl Iterator<Item = ServiceName> + '_ {
    let met = spec.definition.depends_on.iter().filter(move |(_, dependency)| dependency.condition == condition);
    met.map(|(service, _)| service.clone())
}

fn decide(
    spec: &ContainerSpec,
    existing: Option<&ObservedContainer>,
    new_network: bool,
    one_shot: bool,
) -> (ContainerAction, &'static str) {
    let Some(existing) = existing else {
        return (ContainerAction::Create, "not found");
    };
    let recreate = |reason| (ContainerAction::Recreate(existing.clone()), reason);
    if existing.image_id != spec.image_id {
        return recreate("its image changed");
    }
    if spec.labels.get(identity::SPEC) != Some(&existing.spec) {
        return recreate("its definition changed");
    }
    if new_network {
        return recreate("its network is new");
    }
    match existing.state {
        // A container that was created and never started may lack its files or networks: an earlier
        // command was killed between the two.
        ContainerState::Created => recreate("it was never started"),
        // A command that was killed in the middle of a check had cut it off, or somebody else has.
        ContainerState::Running if spec.networks.iter().any(|(name, ..)| !existing.addresses.contains_key(name)) => {
            recreate("it is cut off from its network")
        }
        ContainerState::Removing => recreate("its removal was not finished"),
        ContainerState::Running | ContainerState::Restarting => (ContainerAction::Keep(existing.clone()), "it runs"),
        ContainerState::Paused => (ContainerAction::Unpause(existing.clone()), "it is paused"),
        ContainerState::Exited if one_shot && existing.exit_code == Some(0) => {
            (ContainerAction::Keep(existing.clone()), "it completed")
        }
        ContainerState::Exited => (ContainerAction::Start(existing.clone()), "it is stopped"),
        ContainerState::Unknown => (ContainerAction::Start(existing.clone()), "its state is unknown"),
    }
}
