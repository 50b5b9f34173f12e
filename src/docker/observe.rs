//! The engine's listings and inspections as the environment reads them.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, ContainerSummaryStateEnum, EndpointSettings,
    PortMap,
};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder};

use serde_json::{Value, json};

use super::{DockerEngine, call, limit};
use crate::environment::engine::{ContainerFacts, Observed, ObservedResource};
use crate::environment::identity::{self, Identity};
use crate::environment::{ContainerState, EngineError, EngineFault, ObservedContainer};
use crate::lab::ServiceName;

/// What the engine lists by: the labels of an environment.
fn filters(identity: &Identity) -> HashMap<&'static str, Vec<String>> {
    let lab = format!("{}={}", identity::LAB, identity.lab);
    HashMap::from([("label", vec![lab, format!("{}={}", identity::INSTANCE, identity.instance)])])
}

impl DockerEngine {
    /// The containers of an environment, for whoever needs no more of it.
    pub(super) async fn containers_of(&self, identity: &Identity) -> Result<Vec<ObservedContainer>, EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters(identity)).build();
        let list = call("list containers", limit::LOOK, self.docker.list_containers(Some(options))).await?;
        self.all_ours(identity, list.iter().filter_map(|container| container.labels.as_ref()))?;
        Ok(list.into_iter().filter_map(container).collect())
    }

    fn all_ours<'a>(
        &self,
        identity: &Identity,
        mut labels: impl Iterator<Item = &'a HashMap<String, String>>,
    ) -> Result<(), EngineError> {
        labels.find(|labels| !self.is_ours(labels)).map_or(Ok(()), |labels| Err(foreign(identity, labels)))
    }

    pub(super) async fn look_at(&self, identity: &Identity) -> Result<Observed, EngineError> {
        let filters = filters(identity);
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let (containers, networks, volumes) = tokio::try_join!(
            self.containers_of(identity),
            call("list networks", limit::LOOK, self.docker.list_networks(Some(networks))),
            call("list volumes", limit::LOOK, self.docker.list_volumes(Some(volumes))),
        )?;
        let labels = networks.iter().filter_map(|network| network.labels.as_ref());
        self.all_ours(identity, labels.chain(volumes.volumes.iter().flatten().map(|volume| &volume.labels)))?;
        let key = |labels: Option<HashMap<String, String>>| {
            labels.and_then(|mut map| map.remove(identity::NAME)).unwrap_or_default()
        };
        Ok(Observed {
            containers,
            networks: networks
                .into_iter()
                .map(|network| ObservedResource {
                    name: network.name.unwrap_or_default(),
                    id: network.id.unwrap_or_default(),
                    key: key(network.labels),
                    base: None,
                })
                .collect(),
            volumes: volumes
                .volumes
                .unwrap_or_default()
                .into_iter()
                .map(|mut volume| ObservedResource {
                    id: volume.name.clone(),
                    name: volume.name,
                    base: volume.labels.remove(identity::BASE),
                    key: key(Some(volume.labels)),
                })
                .collect(),
        })
    }

    /// Whether this labrunner made it, or one from before there were owners.
    pub(super) fn is_ours(&self, labels: &HashMap<String, String>) -> bool {
        labels.get(identity::OWNER).is_none_or(|owner| **owner == *self.owner)
    }

    pub(super) async fn all_environments(&self) -> Result<Vec<Identity>, EngineError> {
        let filters = HashMap::from([("label", vec![identity::LAB.to_owned()])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let (containers, networks, volumes) = tokio::try_join!(
            call("list containers", limit::LOOK, self.docker.list_containers(Some(containers))),
            call("list networks", limit::LOOK, self.docker.list_networks(Some(networks))),
            call("list volumes", limit::LOOK, self.docker.list_volumes(Some(volumes))),
        )?;
        let labels = containers
            .into_iter()
            .filter_map(|container| container.labels)
            .chain(networks.into_iter().filter_map(|network| network.labels))
            .chain(volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.labels));
        let ours = labels.filter(|labels| self.is_ours(labels));
        let mut found: Vec<Identity> = ours.filter_map(|labels| identity_of(&labels)).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    pub(super) async fn all_subnets(&self) -> Result<Vec<String>, EngineError> {
        let networks = call("list networks", limit::LOOK, self.docker.list_networks(None)).await?;
        Ok(networks
            .into_iter()
            .filter_map(|network| network.ipam?.config)
            .flatten()
            .filter_map(|config| config.subnet)
            .collect())
    }

    /// An image's configuration, layers and history, as `image` steps show it.
    pub(super) async fn describe_image(&self, name: &str) -> Result<Value, EngineError> {
        let operation = format!("inspect image {name}");
        let (image, history) = tokio::try_join!(
            call(operation.clone(), limit::LOOK, self.docker.inspect_image(name)),
            call(operation, limit::LOOK, self.docker.image_history(name)),
        )?;
        let config = image.config.unwrap_or_default();
        let environment: BTreeMap<String, String> = config
            .env
            .unwrap_or_default()
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let history: Vec<Value> =
            history.into_iter().map(|step| json!({ "instruction": step.created_by, "size": step.size })).collect();
        Ok(json!({
            "id": image.id,
            "user": config.user,
            "size": image.size,
            "environment": environment,
            "command": config.cmd,
            "entrypoint": config.entrypoint,
            "workdir": config.working_dir,
            "exposed": config.exposed_ports,
            "volumes": config.volumes,
            "labels": config.labels,
            "healthcheck": config.healthcheck.and_then(|check| check.test),
            "layers": image.root_fs.and_then(|root| root.layers),
            "history": history,
        }))
    }

    /// The value of a variable that an image sets.
    ///
    /// # Errors
    /// The engine does not know the image, or does not answer.
    pub async fn image_variable(&self, image: &str, name: &str) -> Result<Option<String>, EngineError> {
        let found = call(format!("inspect image {image}"), limit::LOOK, self.docker.inspect_image(image)).await?;
        let variables = found.config.and_then(|config| config.env).unwrap_or_default();
        let value = variables.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned));
        Ok(value)
    }

    pub(super) async fn facts(&self, id: &str) -> Result<ContainerFacts, EngineError> {
        call(format!("inspect container {id}"), limit::LOOK, self.docker.inspect_container(id, None)).await.map(facts)
    }
}

fn foreign(identity: &Identity, labels: &HashMap<String, String>) -> EngineError {
    let owner = labels.get(identity::OWNER).map_or("another folder", String::as_str);
    EngineError {
        operation: format!("use {identity}"),
        fault: EngineFault::Foreign,
        message: format!("it is on the engine already and belongs to the labrunner with its state in `{owner}`"),
    }
}

fn identity_of(labels: &HashMap<String, String>) -> Option<Identity> {
    Some(Identity {
        lab: labels.get(identity::LAB)?.parse().ok()?,
        instance: labels.get(identity::INSTANCE)?.parse().ok()?,
    })
}

fn container(summary: ContainerSummary) -> Option<ObservedContainer> {
    let labels = summary.labels.unwrap_or_default();
    let networks = summary.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    Some(ObservedContainer {
        service: ServiceName::new(labels.get(identity::SERVICE)?).ok()?,
        replica: labels.get(identity::REPLICA)?.parse().ok()?,
        spec: labels.get(identity::SPEC).cloned().unwrap_or_default(),
        generation: labels.get(identity::GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0),
        name: summary
            .names
            .unwrap_or_default()
            .first()
            .map(|name| name.trim_start_matches('/').to_owned())
            .unwrap_or_default(),
        state: summary.state.map_or(ContainerState::Unknown, |state| match state {
            ContainerSummaryStateEnum::CREATED => ContainerState::Created,
            ContainerSummaryStateEnum::RUNNING => ContainerState::Running,
            ContainerSummaryStateEnum::PAUSED => ContainerState::Paused,
            ContainerSummaryStateEnum::RESTARTING => ContainerState::Restarting,
            ContainerSummaryStateEnum::EXITED | ContainerSummaryStateEnum::DEAD => ContainerState::Exited,
            ContainerSummaryStateEnum::REMOVING => ContainerState::Removing,
            _ => ContainerState::Unknown,
        }),
        // "Exited (137) 2 minutes ago": the listing has the code nowhere else.
        exit_code: summary
            .status
            .as_deref()
            .and_then(|status| status.strip_prefix("Exited (")?.split(')').next()?.parse().ok()),
        image_id: summary.image_id.unwrap_or_default(),
        addresses: addresses(networks),
        ports: summary
            .ports
            .unwrap_or_default()
            .into_iter()
            .filter_map(|port| Some((port.private_port, port.ip.unwrap_or_default(), port.public_port?)))
            .collect(),
        id: summary.id?,
    })
}

fn addresses(networks: HashMap<String, EndpointSettings>) -> BTreeMap<String, IpAddr> {
    networks.into_iter().filter_map(|(name, endpoint)| Some((name, endpoint.ip_address?.parse().ok()?))).collect()
}

fn published(ports: PortMap) -> Vec<(u16, String, u16)> {
    ports
        .into_iter()
        .flat_map(|(port, bindings)| {
            let target: Option<u16> = port.split('/').next().and_then(|number| number.parse().ok());
            bindings.unwrap_or_default().into_iter().filter_map(move |binding| {
                Some((target?, binding.host_ip.unwrap_or_default(), binding.host_port?.parse().ok()?))
            })
        })
        .collect()
}

fn facts(response: ContainerInspectResponse) -> ContainerFacts {
    let state = response.state.unwrap_or_default();
    let config = response.config.unwrap_or_default();
    let host = response.host_config.unwrap_or_default();
    let settings = response.network_settings.unwrap_or_default();
    let networks = settings.networks.unwrap_or_default();
    let set = |time: Option<String>| time.filter(|time| !time.starts_with("0001-"));
    ContainerFacts {
        id: response.id.unwrap_or_default(),
        state: state.status.map_or(ContainerState::Unknown, |status| match status {
            ContainerStateStatusEnum::CREATED => ContainerState::Created,
            ContainerStateStatusEnum::RUNNING => ContainerState::Running,
            ContainerStateStatusEnum::PAUSED => ContainerState::Paused,
            ContainerStateStatusEnum::RESTARTING => ContainerState::Restarting,
            ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD => ContainerState::Exited,
            ContainerStateStatusEnum::REMOVING => ContainerState::Removing,
            _ => ContainerState::Unknown,
        }),
        exit_code: state.exit_code,
        oom_killed: state.oom_killed.unwrap_or(false),
        error: state.error.filter(|error| !error.is_empty()),
        health: state
            .health
            .and_then(|health| health.status)
            .map(|status| status.to_string())
            .filter(|text| text != "none"),
        restarts: response.restart_count.and_then(|count| count.try_into().ok()).unwrap_or(0),
        started_at: set(state.started_at),
        finished_at: set(state.finished_at),
        image: config.image.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        hostname: config.hostname.unwrap_or_default(),
        memory_limit: host.memory.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0),
        environment: config
            .env
            .unwrap_or_default()
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        command: response.path.into_iter().chain(response.args.unwrap_or_default()).collect(),
        networks: networks
            .iter()
            .map(|(name, endpoint)| (name.clone(), endpoint.aliases.clone().unwrap_or_default()))
            .collect(),
        addresses: addresses(networks),
        ports: published(settings.ports.unwrap_or_default()),
    }
}
