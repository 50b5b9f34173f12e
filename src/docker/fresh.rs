//! Containers that are made for one command, and removed after it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::world::{DockerWorld, machine};
use crate::check::world::{Command, Origin, Output, Unobservable};
use crate::environment::engine::Engine;
use crate::environment::wanted::{ContainerSpec, attachments};
use crate::environment::{ContainerState, EngineError};
use crate::lab::ServiceName;
use crate::lab::stack::{Logging, Mount, MountSource, RestartPolicy, Service};

impl DockerWorld {
    /// Runs a command in a fresh container of a service's settings, or of an image with the workspace in it.
    pub(super) async fn run_fresh(&self, origin: &Origin, command: &Command) -> Result<Output, Unobservable> {
        let (name, mut definition, image) = match origin {
            Origin::Service(service) => {
                self.knows_of(service)?;
                let definition = self.lab.stack.services.get(service).cloned();
                let definition = definition
                    .ok_or_else(|| Unobservable::Definition(format!("`{service}` is no service of this lab")))?;
                let image = self.image_of(service);
                let missing =
                    || Unobservable::Service { service: service.clone(), what: format!("`{service}` has no image") };
                (service.clone(), definition, image.ok_or_else(missing)?)
            }
            Origin::Image(image) => {
                let source = match self.workspace_volume.clone() {
                    Some(name) => MountSource::Volume { name, nocopy: true, subpath: None },
                    None => MountSource::Bind { path: self.workspace.clone(), create: false },
                };
                let mount = Mount { target: "/workspace".into(), read_only: true, source };
                let definition =
                    Service { mounts: vec![mount], working_dir: Some("/workspace".into()), ..Service::default() };
                let name = ServiceName::new("run").map_err(|error| Unobservable::Definition(error.to_string()))?;
                let image = self.present(image).await?;
                (name, definition, (image.clone(), image))
            }
        };
        if !command.argv.is_empty() {
            definition.command = Some(command.argv.clone());
            definition.entrypoint = Some(Vec::new());
        }
        // What it says is read from its log, and none of that may be thrown away for being long.
        definition.logging = Some(Logging {
            driver: Some("json-file".into()),
            options: BTreeMap::from([("max-size".into(), "128m".into()), ("max-file".into(), "1".into())]),
        });
        definition.restart = RestartPolicy::No;
        definition.healthcheck = None;
        if let Some(defaults) = &self.defaults {
            defaults.add_to(&mut definition);
        }
        definition.environment.retain(|name, _| !command.without.contains(name));
        definition.environment.extend(command.environment.iter().cloned());
        definition.working_dir = command.working_dir.clone().or(definition.working_dir);
        let mut nonce = [0_u8; 8];
        getrandom::fill(&mut nonce).map_err(|error| Unobservable::Machine(error.to_string()))?;
        // On the service's networks, and under none of its names.
        let networks = match origin {
            Origin::Service(service) => attachments(&self.lab.stack, &self.identity, service, &definition, 1)
                .into_iter()
                .map(|(network, ..)| (network, Vec::new(), None))
                .collect(),
            Origin::Image(_) => vec![(self.network(), Vec::new(), None)],
        };
        let volumes = definition.mounts.iter().filter_map(|mount| match &mount.source {
            MountSource::Volume { name, .. } => Some((name.clone(), self.identity.resource_name(name))),
            _ => None,
        });
        let spec = ContainerSpec {
            name: format!("{}-run-{:x}", self.identity.project(), u64::from_le_bytes(nonce)),
            replica: 1,
            image: image.0,
            image_id: image.1,
            networks,
            volumes: volumes.collect(),
            beneath: Vec::new(),
            bindings: Vec::new(),
            // Labelled as a service that no lab has, so that the next plan removes it should this command be killed.
            labels: self.identity.container_labels(&ServiceName::own("run"), 1),
            stop_grace: std::time::Duration::ZERO,
            service: name,
            definition,
        };
        self.fresh(&spec, command.limit).await.map_err(|error| machine(&error))
    }

    /// Runs a container to its end and removes it, whatever happens.
    async fn fresh(&self, spec: &ContainerSpec, limit: Option<Duration>) -> Result<Output, EngineError> {
        let id = self.engine.create(spec).await?;
        let result = async {
            self.engine.start(&id).await?;
            let began = Instant::now();
            let mut timed_out = false;
            let facts = loop {
                let facts = self.engine.inspect(&id).await?;
                if facts.state == ContainerState::Exited {
                    break facts;
                }
                if !timed_out && limit.is_some_and(|limit| began.elapsed() > limit) {
                    timed_out = true;
                    self.engine.kill(&id).await?;
                }
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            };
            let lines = self.engine.logs(&id, None, None).await?;
            let text = |stderr: bool| -> String {
                lines.iter().filter(|line| line.stderr == stderr).map(|line| format!("{}\n", line.text)).collect()
            };
            let code = facts.exit_code.unwrap_or(-1);
            let mut stderr = text(true);
            if facts.oom_killed {
                stderr.push_str("(it was ended because it ran out of memory)\n");
            }
            Ok(Output { code, stdout: text(false), stderr, timed_out })
        };
        let result = result.await;
        self.engine.remove(&id).await?;
        result
    }
}
