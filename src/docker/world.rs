//! What checks ask of the running lab, answered by Docker.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::DockerEngine;
use super::address::Addresses;
use super::reach::Reach;
use crate::check::World;
use crate::check::world::{Command, ContainerView, Origin, Output, Unobservable};
use crate::environment::defaults::Defaults;
use crate::environment::engine::{Engine, ExecOutput, ExecRequest};
use crate::environment::intent::Journal;
use crate::environment::wanted::{attachments, network_name};
use crate::environment::{ContainerState, EngineError, EngineFault, Identity, ObservedContainer};
use crate::lab::practical::{Practicals, Taken};
use crate::lab::stack::Service;
use crate::lab::{Fault, Lab, Owner, ServiceName};

/// A lab's environment as checks see it.
pub struct DockerWorld {
    pub engine: DockerEngine,
    pub identity: Identity,
    pub lab: Lab,
    pub workspace: PathBuf,
    /// The volume of the stack that stands for the workspace where the engine does not see it.
    pub workspace_volume: Option<String>,
    pub journal: Journal,
    /// Name and id of each service's image on the engine; others after a `change`.
    pub images: Mutex<BTreeMap<ServiceName, (String, String)>>,
    /// Containers that commands were run in before: asking the engine for them takes longer than most commands.
    pub known: Mutex<BTreeMap<ServiceName, String>>,
    pub reach: Reach,
    /// The services are the learner's own choice: one that is asked for and is not there is their mistake.
    pub as_written: bool,
    /// What containers have where the lab says nothing.
    pub defaults: Option<Defaults>,
    pub addresses: Addresses,
    pub practicals: Practicals,
}

impl DockerWorld {
    pub(super) async fn containers(
        &self,
        service: &ServiceName,
        replica: Option<u32>,
    ) -> Result<Vec<ObservedContainer>, Unobservable> {
        self.knows_of(service)?;
        let containers = self.engine.containers_of(&self.identity).await.map_err(|error| machine(&error))?;
        let fits =
            |one: &ObservedContainer| one.service == *service && replica.is_none_or(|replica| one.replica == replica);
        Ok(containers.into_iter().filter(fits).collect())
    }

    /// # Errors
    /// The learner's own Compose file has no such service.
    pub(super) fn knows_of(&self, service: &ServiceName) -> Result<(), Unobservable> {
        let services = &self.lab.stack.services;
        if !self.as_written || services.contains_key(service) {
            return Ok(());
        }
        let names: Vec<&str> = services.keys().map(|name| name.as_str()).collect();
        let what = format!("your Compose file has no service `{service}`; there are {}", names.join(", "));
        Err(Unobservable::Learner(what))
    }

    pub(super) async fn one(&self, service: &ServiceName) -> Result<ObservedContainer, Unobservable> {
        let mut all = self.containers(service, None).await?;
        all.sort_by_key(|one| one.replica);
        let missing =
            || Unobservable::Service { service: service.clone(), what: format!("`{service}` has no container") };
        all.into_iter().next().ok_or_else(missing)
    }

    /// Name and id of a service's image.
    pub(super) fn image_of(&self, service: &ServiceName) -> Option<(String, String)> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// The name under which an image is on the engine: its own, or that of its recipe's.
    pub(super) async fn present(&self, image: &str) -> Result<String, Unobservable> {
        let found = crate::image::present(&self.engine, &[image.to_owned()]).await;
        let found = found.map_err(|error| Unobservable::Machine(error.to_string()))?.remove(image);
        found.map(|ready| ready.name).ok_or_else(|| {
            Unobservable::Definition(format!("there is no image `{image}` on the engine, and no recipe for it"))
        })
    }

    /// Name and id of each service's image.
    pub fn images(&self) -> BTreeMap<ServiceName, (String, String)> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was known of containers: they are others now.
    pub fn forget(&self) {
        self.known().clear();
        self.addresses.forget();
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ServiceName, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn network(&self) -> String {
        network_name(&self.lab.stack, &self.identity, "default")
    }

    pub(super) fn attachments(&self, container: &ObservedContainer) -> Vec<(String, Vec<String>, Option<String>)> {
        let stack = &self.lab.stack;
        let service = stack.services.get(&container.service);
        service.map_or_else(Vec::new, |service| {
            attachments(stack, &self.identity, &container.service, service, container.replica)
        })
    }

    fn blame(&self, service: &ServiceName, error: &EngineError) -> Unobservable {
        match error.fault {
            EngineFault::Unreachable | EngineFault::NoSpace => machine(error),
            _ => Unobservable::Service { service: service.clone(), what: error.to_string() },
        }
    }
}

/// A command of a check, as the engine is asked for it.
pub fn asked(command: &Command) -> ExecRequest {
    ExecRequest {
        argv: command.argv.clone(),
        user: command.user.clone(),
        environment: command.environment.clone(),
        working_dir: command.working_dir.clone(),
        stdin: command.stdin.clone().map(String::into_bytes),
        whole: false,
    }
}

/// What a command has left, as checks read it.
pub fn told(output: ExecOutput) -> Output {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Output { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr), timed_out: false }
}

pub(super) fn machine(error: &EngineError) -> Unobservable {
    Unobservable::Machine(error.to_string())
}

impl World for DockerWorld {
    fn services(&self) -> &BTreeMap<ServiceName, Service> {
        &self.lab.stack.services
    }

    fn owner(&self, service: &ServiceName) -> Owner {
        self.lab.owner_of(service)
    }

    fn workspace(&self) -> &Path {
        &self.workspace
    }

    fn lab_folder(&self) -> &Path {
        &self.lab.folder
    }

    fn practicals(&self) -> Result<Vec<Taken>, Unobservable> {
        if let Practicals::Recorded(taken) = &self.practicals {
            return Ok(taken.clone());
        }
        let broken = |error: String| Unobservable::Definition(format!("`{}`: {error}", Practicals::FILE));
        match std::fs::read(self.workspace.join(Practicals::FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(broken(error.to_string())),
        }
    }

    async fn address(&self, service: &ServiceName, port: u16) -> Result<SocketAddr, Unobservable> {
        self.address_of(service, port).await
    }

    fn is_direct(&self) -> bool {
        !self.reach.is_relay()
    }

    async fn published(&self, service: &ServiceName, port: u16) -> Option<u16> {
        // An engine on another machine publishes there.
        if !self.engine.is_local() {
            return None;
        }
        let container = self.one(service).await.ok()?;
        container.ports.iter().find(|(target, ..)| *target == port).map(|(.., host)| *host)
    }

    async fn exec(&self, service: &ServiceName, command: &Command) -> Result<Output, Unobservable> {
        let request = asked(command);
        let known = self.known().get(service).cloned();
        let output = match known {
            Some(id) => self.engine.exec(&id, &request).await.ok(),
            None => None,
        };
        let output = match output {
            Some(output) => output,
            // It is another container by now, or it does not run: the engine knows.
            None => {
                self.known().remove(service);
                let container = self.one(service).await?;
                if container.state != ContainerState::Running {
                    let what = format!("`{service}` does not run: its container is {}", container.state.word());
                    return Err(Unobservable::Service { service: service.clone(), what });
                }
                let output = self.engine.exec(&container.id, &request).await;
                let output = output.map_err(|error| self.blame(service, &error))?;
                self.known().insert(service.clone(), container.id);
                output
            }
        };
        Ok(told(output))
    }

    async fn run(&self, origin: &Origin, command: &Command) -> Result<Output, Unobservable> {
        self.run_fresh(origin, command).await
    }

    async fn image(&self, origin: &Origin) -> Result<Value, Unobservable> {
        let name = match origin {
            Origin::Image(image) => self.present(image).await?,
            Origin::Service(service) => {
                self.knows_of(service)?;
                let what = || format!("`{service}` has no image: it does not build");
                let missing = || Unobservable::Service { service: service.clone(), what: what() };
                self.image_of(service).ok_or_else(missing)?.0
            }
        };
        self.engine.describe_image(&name).await.map_err(|error| match error.fault {
            EngineFault::NotFound => Unobservable::Definition(format!("there is no image `{name}` on the engine")),
            _ => machine(&error),
        })
    }

    async fn image_files(&self, origin: &Origin, find: &[String], search: Option<&str>) -> Result<Value, Unobservable> {
        let id = self.image(origin).await?["id"].as_str().unwrap_or_default().to_owned();
        super::layers::files(&self.engine, &id, find, search).await
    }

    async fn processes(&self, service: &ServiceName, replica: u32) -> Result<Vec<Value>, Unobservable> {
        let containers = self.containers(service, Some(replica)).await?;
        let Some(container) = containers.first() else { return Ok(Vec::new()) };
        let found = self.engine.processes(&container.id).await.map_err(|error| self.blame(service, &error))?;
        let shown = |(pid, uid, command)| json!({ "pid": pid, "uid": uid, "command": command });
        Ok(found.into_iter().map(shown).collect())
    }

    async fn container(&self, service: &ServiceName, replica: u32) -> Result<ContainerView, Unobservable> {
        let Some(found) = self.containers(service, Some(replica)).await?.into_iter().next() else {
            let document = json!({ "state": "missing" });
            let has_image = self.image_of(service).is_some();
            return Ok(ContainerView {
                state: "missing".into(),
                document,
                has_image,
                named: true,
                ..ContainerView::default()
            });
        };
        let facts = self.engine.inspect(&found.id).await.map_err(|error| machine(&error))?;
        let document = json!({
            "state": facts.state.word(),
            "exit_code": facts.exit_code,
            "health": facts.health,
            "restarts": facts.restarts,
            "oom_killed": facts.oom_killed,
            "user": facts.user,
            "image": facts.image,
            "memory_limit": facts.memory_limit,
            "environment": facts.environment,
            "command": facts.command,
            "started_at": facts.started_at,
            "ports": facts.ports.iter().map(|(target, ..)| *target).collect::<Vec<_>>(),
        });
        let expected = self.attachments(&found);
        Ok(ContainerView {
            state: facts.state.word().to_owned(),
            exit_code: facts.exit_code,
            oom_killed: facts.oom_killed,
            restarts: facts.restarts,
            hostname: facts.hostname,
            has_image: true,
            connected: expected.is_empty() || expected.iter().any(|(name, ..)| facts.networks.contains_key(name)),
            named: expected.iter().all(|(network, aliases, _)| {
                let there = facts.networks.get(network);
                there.is_none_or(|there| aliases.iter().all(|name| there.contains(name)))
            }),
            document,
        })
    }

    async fn logs(
        &self,
        service: &ServiceName,
        since: Option<Instant>,
        tail: Option<usize>,
    ) -> Result<Vec<String>, Unobservable> {
        let container = self.one(service).await?;
        let since = match since {
            Some(moment) => {
                let now = self.engine.clock().await.map_err(|error| self.blame(service, &error))?;
                Some(before(now, moment.elapsed()))
            }
            None => None,
        };
        let lines = self.engine.logs(&container.id, tail, since).await.map_err(|error| self.blame(service, &error))?;
        Ok(lines.into_iter().map(|line| line.text).collect())
    }

    async fn fault(&self, fault: Fault, service: &ServiceName, replica: Option<u32>) -> Result<(), Unobservable> {
        let done = self.break_on_purpose(fault, service, replica).await;
        self.addresses.forget();
        done
    }

    async fn heal(&self, service: &ServiceName, replica: Option<u32>) -> Result<(), Unobservable> {
        self.addresses.forget();
        let done = self.mend(service, replica).await;
        self.addresses.forget();
        done
    }

    async fn engine(&self) -> Result<(), String> {
        self.engine.containers_of(&self.identity).await.map(drop).map_err(|error| error.message)
    }
}

/// What the engine's clock said so long ago, in seconds of the Unix epoch: not later than that. `now` is in milliseconds.
fn before(now: i64, elapsed: Duration) -> i64 {
    now.saturating_sub(elapsed.as_millis().try_into().unwrap_or(i64::MAX)).div_euclid(1000)
}

impl DockerWorld {
    /// One look at a service's `ready:` step; a service without one is ready when it runs, and is healthy if the engine
    /// looks after its health.
    pub async fn probe_ready(&self, service: &ServiceName) -> Result<(), String> {
        match self.lab.ready.get(service) {
            Some(step) => crate::check::steps::look_once(step, self).await,
            None => match self.container(service, 1).await {
                Ok(view) if view.state == "running" => match view.document["health"].as_str() {
                    None | Some("healthy") => Ok(()),
                    Some(health) => Err(format!("its health is {health}")),
                },
                Ok(view) => Err(format!("its container is {}", view.state)),
                Err(problem) => Err(format!("{problem:?}")),
            },
        }
    }
}

impl crate::environment::ready::Prober for DockerWorld {
    fn knows(&self, service: &ServiceName) -> bool {
        self.lab.ready.contains_key(service)
    }

    async fn probe(&self, service: &ServiceName, _replica: u32) -> Result<(), String> {
        self.probe_ready(service).await
    }

    fn resets(&self, service: &ServiceName) -> bool {
        let known = self.lab.stack.services.get(service).is_some_and(crate::check::fingerprint::empties);
        known || self.lab.reset.contains_key(service)
    }

    async fn reset(&self, service: &ServiceName, fingerprint: &str) -> bool {
        match self.lab.reset.get(service) {
            Some(steps) => {
                let done = crate::check::steps::perform(steps, self).await.is_ok();
                done && self.fingerprint(service).await.as_deref() == Some(fingerprint)
            }
            None => crate::check::fingerprint::empty(service, self, fingerprint).await,
        }
    }

    async fn fingerprint(&self, service: &ServiceName) -> Option<String> {
        crate::check::fingerprint::fingerprint(service, self).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_the_engines_time() {
        assert_eq!(before(1_000_000, Duration::from_millis(400)), 999);
        assert_eq!(before(1_000_000, Duration::from_secs(30)), 970);
        // An engine whose clock stands at its beginning, or before it.
        assert_eq!(before(500, Duration::from_secs(2)), -2);
        assert_eq!(before(0, Duration::MAX), -9_223_372_036_854_776);
    }
}
