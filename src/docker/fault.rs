//! Deliberate faults of the running lab, and what undoes them.

use super::world::{DockerWorld, machine};
use crate::check::World;
use crate::check::world::Unobservable;
use crate::environment::engine::{Engine, ExecRequest};
use crate::environment::intent::Intent;
use crate::environment::{ContainerState, EngineError, EngineFault, ObservedContainer};
use crate::lab::stack::Service;
use crate::lab::{Fault, ServiceName};

/// The file that fills a tmpfs.
const FILLING: &str = ".labrunner-filling";
/// How long a service may take to be ready again after a fault.
const READY: std::time::Duration = std::time::Duration::from_secs(60);

impl DockerWorld {
    /// Does this to the service's containers, written down before it is done.
    pub(super) async fn break_on_purpose(
        &self,
        fault: Fault,
        service: &ServiceName,
        replica: Option<u32>,
    ) -> Result<(), Unobservable> {
        let intent = Intent::Fault { fault: fault.word().into(), services: vec![service.to_string()] };
        self.journal.begin(&intent).map_err(|error| Unobservable::Machine(error.to_string()))?;
        let grace = self.lab.stack.services.get(service).and_then(|one| one.stop_grace_period);
        let grace = grace.unwrap_or(std::time::Duration::from_secs(10));
        for container in self.containers(service, replica).await? {
            let done = match fault {
                Fault::Stop => self.engine.stop(&container.id, grace).await,
                Fault::Kill => self.engine.kill(&container.id).await,
                Fault::Pause => self.engine.pause(&container.id).await,
                Fault::Restart => self.engine.restart(&container.id, grace).await,
                Fault::Disconnect => {
                    let mut done = Ok(());
                    for (network, ..) in self.attachments(&container) {
                        done = done.and(self.engine.disconnect(&container.id, &network).await);
                    }
                    done
                }
                Fault::Fill => self.fill(service, &container.id).await,
                Fault::Delay(by) => self.delay(&container, by).await,
            };
            match done {
                // Killing what is dead already changes nothing.
                Err(error) if error.fault == EngineFault::Conflict && fault == Fault::Kill => {}
                other => other.map_err(|error| machine(&error))?,
            }
        }
        if fault == Fault::Restart {
            self.mend(service, replica).await?;
        }
        Ok(())
    }

    /// Undoes faults and waits until the service is ready.
    pub(super) async fn mend(&self, service: &ServiceName, replica: Option<u32>) -> Result<(), Unobservable> {
        for container in self.containers(service, replica).await? {
            self.undo_delay(&container).await.map_err(|error| machine(&error))?;
            match container.state {
                ContainerState::Paused => self.engine.unpause(&container.id).await.map_err(|error| machine(&error))?,
                ContainerState::Running => {
                    self.rejoin(&container).await.map_err(|error| machine(&error))?;
                    self.make_room(service, &container.id).await.map_err(|error| machine(&error))?;
                }
                ContainerState::Restarting => {}
                _ => self.start_again(service, &container.id).await?,
            }
        }
        self.ready(service, replica).await?;
        // One replica is mended; what was done to the others is still to be undone.
        let broken = |one: &ObservedContainer| one.state != ContainerState::Running;
        if replica.is_some() && self.containers(service, None).await?.iter().any(broken) {
            return Ok(());
        }
        let failed = |error: crate::environment::intent::JournalError| Unobservable::Machine(error.to_string());
        for intent in self.journal.open_intents().map_err(failed)? {
            if matches!(&intent, Intent::Fault { services, .. } if services.iter().any(|one| one == service.as_str())) {
                self.journal.done(&intent).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Starts a container that was ended on purpose; an engine that says so and does not do it is to blame, not the
    /// service.
    async fn start_again(&self, service: &ServiceName, id: &str) -> Result<(), Unobservable> {
        let before = self.engine.inspect(id).await.map_err(|error| machine(&error))?;
        self.engine.start(id).await.map_err(|error| machine(&error))?;
        let after = self.engine.inspect(id).await.map_err(|error| machine(&error))?;
        // One that runs may have been started again by its restart policy, and not by us.
        if after.state != ContainerState::Running && after.started_at == before.started_at {
            return Err(Unobservable::Machine(format!("the engine took `{service}` to start, and did not start it")));
        }
        Ok(())
    }

    /// Waits until a service shows its `ready:` sign again.
    async fn ready(&self, service: &ServiceName, replica: Option<u32>) -> Result<(), Unobservable> {
        let began = std::time::Instant::now();
        let limit = self.lab.ready.get(service).and_then(|step| step.within).unwrap_or(READY);
        loop {
            let state = self.container(service, replica.unwrap_or(1)).await?.state;
            // The sign speaks of the first replica; any other one is ready when it runs.
            let probed = match replica {
                None | Some(1) => self.probe_ready(service).await,
                Some(_) if state == "running" => Ok(()),
                Some(_) => Err(format!("its container is {state}")),
            };
            let why = match probed {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            if state == "exited" || began.elapsed() > limit {
                let what = format!("`{service}` did not become ready again: {why}");
                return Err(Unobservable::Service { service: service.clone(), what });
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
    }

    /// Joins a running container to those of its networks that it is not on.
    async fn rejoin(&self, container: &ObservedContainer) -> Result<(), EngineError> {
        for (network, aliases, address) in self.attachments(container) {
            if !container.addresses.contains_key(&network) {
                self.engine.connect(&container.id, &network, &aliases, address.as_deref()).await?;
            }
        }
        Ok(())
    }

    async fn as_root(&self, container: &str, command: String) -> Result<i64, EngineError> {
        let argv = vec!["/bin/sh".into(), "-c".into(), command];
        let request = ExecRequest { argv, user: Some("0".into()), ..ExecRequest::default() };
        self.engine.exec(container, &request).await.map(|output| output.code)
    }

    /// Writes more than there is room for into every tmpfs of a container that has a size.
    async fn fill(&self, service: &ServiceName, container: &str) -> Result<(), EngineError> {
        let definition = self.lab.stack.services.get(service);
        for (path, size) in definition.into_iter().flat_map(Service::sized_tmpfs) {
            let command = format!("head -c {} /dev/zero > '{path}/{FILLING}'", size + 4096);
            if self.as_root(container, command).await? == 0 {
                return Err(EngineError {
                    operation: format!("fill {path} of `{service}`"),
                    fault: EngineFault::Other,
                    message: "it took more than its size".into(),
                });
            }
        }
        Ok(())
    }

    /// Takes away what filled a container's tmpfs.
    async fn make_room(&self, service: &ServiceName, container: &str) -> Result<(), EngineError> {
        let definition = self.lab.stack.services.get(service);
        for (path, _) in definition.into_iter().flat_map(Service::sized_tmpfs) {
            self.as_root(container, format!("rm -f '{path}/{FILLING}'")).await?;
        }
        Ok(())
    }

    /// Undoes what the engine cannot see, after a command that was killed in the middle of a fault.
    pub async fn undo_unseen(&self, service: &ServiceName) -> Result<(), EngineError> {
        let observed = self.engine.observe(&self.identity).await?;
        for container in observed.of(service).filter(|one| one.state == ContainerState::Running) {
            self.undo_delay(container).await?;
            self.make_room(service, &container.id).await?;
        }
        Ok(())
    }
}
