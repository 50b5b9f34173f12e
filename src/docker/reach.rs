//! How services are reached: at their containers' addresses where this machine shares the engine's network, through
//! a relay in the lab's network elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::relay::Relay;
use super::{DockerEngine, call, limit};
use crate::environment::engine::{Engine, Observed};
use crate::environment::plan::RELAY;
use crate::environment::wanted::ContainerSpec;
use crate::environment::{ContainerState, EngineError, Identity, identity};
use crate::lab::stack::{Limits, Service};
use crate::lab::{OWN_IMAGE, ServiceName};

/// How an environment's services are reached; shared by all who look at it.
#[derive(Clone, Default)]
pub enum Reach {
    #[default]
    Direct,
    Relay(Arc<tokio::sync::Mutex<Option<Relay>>>),
}

impl Reach {
    /// Through a relay, which begins when it is first needed.
    pub fn relay() -> Self {
        Self::Relay(Arc::default())
    }

    /// Whether a relay is needed.
    pub fn is_relay(&self) -> bool {
        matches!(self, Self::Relay(_))
    }

    /// Where on this machine `address`, of a container of the environment, can be connected.
    pub(super) async fn to(
        &self,
        address: SocketAddr,
        engine: &DockerEngine,
        identity: &Identity,
    ) -> Result<SocketAddr, EngineError> {
        let Self::Relay(relay) = self else { return Ok(address) };
        let running = {
            let mut relay = relay.lock().await;
            match relay.as_ref().filter(|relay| relay.is_alive()) {
                Some(running) => running.clone(),
                None => {
                    let container = engine.relay_container(identity).await?;
                    relay.insert(Relay::begin(engine, &container).await?).clone()
                }
            }
        };
        running.reach(address).await
    }
}

/// Where an engine runs, as it says itself.
pub(super) struct Whereabouts {
    pub(super) desktop: bool,
    pub(super) rootless: bool,
    /// Under this machine's own name: a socket may lead elsewhere, through ssh or into a container.
    pub(super) here: bool,
    data: Option<PathBuf>,
}

impl DockerEngine {
    /// Whether containers' addresses mean something on this machine. Docker Desktop and rootless engines keep their
    /// networks to themselves, and an engine behind TCP has a machine of its own.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn is_beside(&self) -> Result<bool, EngineError> {
        if !self.is_local() || !cfg!(target_os = "linux") {
            return Ok(false);
        }
        let engine = self.whereabouts().await?;
        Ok(engine.here && !engine.desktop && !engine.rootless)
    }

    /// Where an engine on this machine keeps its data; `None` for one that is elsewhere.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn data_folder(&self) -> Result<Option<PathBuf>, EngineError> {
        if !self.is_local() || !cfg!(target_os = "linux") {
            return Ok(None);
        }
        let engine = self.whereabouts().await?;
        Ok(engine.data.filter(|_| engine.here && !engine.desktop))
    }

    pub(super) async fn whereabouts(&self) -> Result<Whereabouts, EngineError> {
        let info = call("ask the engine about itself", limit::LOOK, self.docker.info()).await?;
        let this_machine = rustix::system::uname();
        Ok(Whereabouts {
            desktop: info.operating_system.is_some_and(|name| name.contains("Docker Desktop")),
            rootless: info.security_options.unwrap_or_default().iter().any(|option| option.contains("rootless")),
            data: info.docker_root_dir.map(Into::into),
            here: info.name.is_some_and(|name| this_machine.nodename().to_bytes() == name.as_bytes()),
        })
    }

    /// The relay's container, made if there is none that runs in the environment's present networks.
    async fn relay_container(&self, identity: &Identity) -> Result<String, EngineError> {
        let observed = self.observe(identity).await?;
        let spec = relay(identity, &observed, &self.own_image().await?);
        let there: Vec<_> = observed.of(&spec.service).collect();
        let fits = there.iter().find(|one| {
            one.state == ContainerState::Running
                && one.image_id == spec.image_id
                && spec.networks.iter().all(|(name, ..)| one.addresses.contains_key(name))
        });
        if let Some(one) = fits {
            return Ok(one.id.clone());
        }
        for old in there {
            self.remove(&old.id).await?;
        }
        let id = self.create(&spec).await?;
        self.start(&id).await?;
        Ok(id)
    }

    /// The image of labrunner's own containers.
    pub(super) async fn own_image(&self) -> Result<(String, String), EngineError> {
        let missing = |why: String| EngineError {
            operation: format!("find the image `{OWN_IMAGE}` for a container of labrunner's own"),
            fault: crate::environment::EngineFault::NotFound,
            message: why,
        };
        let found = crate::image::present(self, &[OWN_IMAGE.to_owned()]).await;
        let found = found.map_err(|error| missing(error.to_string()))?.remove(OWN_IMAGE);
        found.map(|one| (one.name, one.id)).ok_or_else(|| missing("it is not on the engine".into()))
    }
}

fn relay(identity: &Identity, observed: &Observed, image: &(String, String)) -> ContainerSpec {
    let definition = Service { command: Some(waiting()), ..Service::default() };
    let networks = observed.networks.iter().map(|one| (one.name.clone(), Vec::new(), None)).collect();
    let name = format!("{}-relay", identity.project());
    ContainerSpec { networks, ..own_container(identity, ServiceName::own(RELAY), name, image, definition) }
}

/// A command that does nothing until it is stopped.
pub(super) fn waiting() -> Vec<String> {
    ["python3", "-c", "import signal; signal.pause()"].map(str::to_owned).to_vec()
}

/// A container of labrunner's own in an environment. No lab has a service of its name, so the next plan removes it
/// should this command be killed, unless the plan knows it.
pub(super) fn own_container(
    identity: &Identity,
    service: ServiceName,
    name: String,
    image: &(String, String),
    definition: Service,
) -> ContainerSpec {
    let mut labels = identity.container_labels(&service, 1);
    labels.insert(identity::SPEC.into(), service.to_string());
    labels.insert(identity::GENERATION.into(), "0".into());
    let definition = Service {
        entrypoint: Some(Vec::new()),
        init: Some(true),
        security_opt: vec!["no-new-privileges:true".into()],
        limits: Limits { memory: definition.limits.memory.or(Some(256 << 20)), pids: Some(64), ..Limits::default() },
        ..definition
    };
    ContainerSpec {
        name,
        replica: 1,
        image: image.0.clone(),
        image_id: image.1.clone(),
        definition,
        networks: Vec::new(),
        volumes: BTreeMap::new(),
        beneath: Vec::new(),
        bindings: Vec::new(),
        labels,
        stop_grace: Duration::ZERO,
        service,
    }
}
