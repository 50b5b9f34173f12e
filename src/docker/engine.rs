//! The environment's port, spoken to Docker.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::NetworkDisconnectRequest;
use bollard::query_parameters::{
    EventsOptionsBuilder, InspectContainerOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder, RestartContainerOptionsBuilder, StatsOptionsBuilder,
    StopContainerOptionsBuilder, TopOptionsBuilder,
};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::lines::Lines;
use super::{DockerEngine, call, limit, translate};
use crate::environment::engine::{
    ContainerFacts, Engine, EngineEvent, ExecOutput, ExecRequest, LogLine, Observed, Usage,
};
use crate::environment::first_data::Base;
use crate::environment::identity::{self, Identity};
use crate::environment::wanted::{ContainerSpec, NetworkSpec, VolumeSpec};
use crate::environment::{ContainerState, EngineError, EngineFault};

/// How long a network's removal waits for the ends of containers that are gone.
const ENDPOINTS: std::time::Duration = std::time::Duration::from_secs(3);

impl Engine for DockerEngine {
    async fn observe(&self, identity: &Identity) -> Result<Observed, EngineError> {
        self.look_at(identity).await
    }

    async fn environments(&self) -> Result<Vec<Identity>, EngineError> {
        self.all_environments().await
    }

    async fn subnets(&self) -> Result<Vec<String>, EngineError> {
        self.all_subnets().await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        self.make_network(spec).await
    }

    async fn remove_network(&self, id: &str) -> Result<(), EngineError> {
        let operation = format!("remove network {}", short(id));
        let began = std::time::Instant::now();
        loop {
            match unless_gone(call(&operation, limit::REMOVE, self.docker.remove_network(id)).await) {
                // The engine lets a container's end of a network go a moment after the container.
                Err(error) if error.message.contains("active endpoints") && began.elapsed() < ENDPOINTS => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError> {
        self.make_volume(spec).await
    }

    async fn lay(
        &self,
        identity: &Identity,
        spec: &VolumeSpec,
        base: &Base,
        image: &(String, String),
    ) -> Result<(), EngineError> {
        self.make_over(identity, spec, base, image).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveVolumeOptionsBuilder::new().force(true).build();
        let operation = format!("remove volume {name}");
        unless_gone(call(operation, limit::REMOVE, self.docker.remove_volume(name, Some(options))).await)
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        self.make_container(spec).await
    }

    async fn start(&self, id: &str) -> Result<(), EngineError> {
        call(format!("start container {}", short(id)), limit::START, self.docker.start_container(id, None)).await
    }

    async fn stop(&self, id: &str, grace: Duration) -> Result<(), EngineError> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let operation = format!("stop container {}", short(id));
        call(operation, grace + limit::REMOVE, self.docker.stop_container(id, Some(options))).await
    }

    async fn kill(&self, id: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        call(format!("kill container {}", short(id)), limit::REMOVE, self.docker.kill_container(id, Some(options)))
            .await
    }

    async fn restart(&self, id: &str, grace: Duration) -> Result<(), EngineError> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = RestartContainerOptionsBuilder::new().t(seconds).build();
        let operation = format!("restart container {}", short(id));
        call(operation, grace + limit::START, self.docker.restart_container(id, Some(options))).await
    }

    async fn pause(&self, id: &str) -> Result<(), EngineError> {
        call(format!("pause container {}", short(id)), limit::LOOK, self.docker.pause_container(id)).await
    }

    async fn unpause(&self, id: &str) -> Result<(), EngineError> {
        call(format!("unpause container {}", short(id)), limit::LOOK, self.docker.unpause_container(id)).await
    }

    async fn disconnect(&self, id: &str, network: &str) -> Result<(), EngineError> {
        let request = NetworkDisconnectRequest { container: id.to_owned(), force: Some(true) };
        let operation = format!("cut {} off from {network}", short(id));
        let result = call(operation, limit::LOOK, self.docker.disconnect_network(network, request)).await;
        match result {
            Err(error) if error.message.contains("is not connected") => Ok(()),
            other => other,
        }
    }

    async fn connect(
        &self,
        id: &str,
        network: &str,
        aliases: &[String],
        address: Option<&str>,
    ) -> Result<(), EngineError> {
        self.join(id, network, aliases, address).await
    }

    async fn remove(&self, id: &str) -> Result<(), EngineError> {
        let options = || RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let operation = format!("remove container {}", short(id));
        self.sessions.forget(id);
        let result = call(&operation, limit::REMOVE, self.docker.remove_container(id, Some(options()))).await;
        match result {
            // Somebody else removes it already; or thousands of files go slowly on some disks, and the engine is still
            // at it, or done by now.
            Err(error) if matches!(error.fault, EngineFault::Conflict | EngineFault::Unreachable) => {
                match self.facts(id).await {
                    Ok(facts) if facts.state == ContainerState::Removing => self.gone(id).await,
                    Err(gone) if gone.fault == EngineFault::NotFound => Ok(()),
                    _ => Err(error),
                }
            }
            other => unless_gone(other),
        }
    }

    async fn inspect(&self, id: &str) -> Result<ContainerFacts, EngineError> {
        self.facts(id).await
    }

    async fn logs(&self, id: &str, tail: Option<usize>, since: Option<i64>) -> Result<Vec<LogLine>, EngineError> {
        let tail = tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let mut options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&tail);
        if let Some(since) = since.and_then(|since| since.try_into().ok()) {
            options = options.since(since);
        }
        let operation = || format!("read the log of container {}", short(id));
        let mut stream = self.docker.logs(id, Some(options.build()));
        let mut lines = Lines::default();
        let read = async {
            while let Some(piece) = stream.next().await {
                lines.add(piece.map_err(|error| translate(operation(), &error))?);
            }
            Ok(())
        };
        let late = |_| EngineError {
            operation: operation(),
            fault: EngineFault::Unreachable,
            message: "it gave no answer".into(),
        };
        tokio::time::timeout(limit::START, read).await.map_err(late)??;
        Ok(lines.finish())
    }

    async fn clock(&self) -> Result<i64, EngineError> {
        let info = call("ask the engine for its time", limit::LOOK, self.docker.info()).await?;
        let told = info.system_time.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        told.map(jiff::Timestamp::as_millisecond).ok_or_else(|| EngineError {
            operation: "ask the engine for its time".into(),
            fault: EngineFault::Other,
            message: "it does not tell it".into(),
        })
    }

    async fn exec(&self, id: &str, request: &ExecRequest) -> Result<ExecOutput, EngineError> {
        self.run_in_session(id, request).await
    }

    async fn usage(&self, id: &str) -> Result<Usage, EngineError> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let mut stats = Box::pin(self.docker.stats(id, Some(options)));
        let size = InspectContainerOptionsBuilder::new().size(true).build();
        let (stats, inspected) = tokio::join!(
            tokio::time::timeout(limit::LOOK, stats.next()),
            call("measure a container", limit::LOOK, self.docker.inspect_container(id, Some(size))),
        );
        let memory = stats.ok().flatten().and_then(Result::ok).and_then(|stats| stats.memory_stats);
        let memory = memory.and_then(|memory| {
            // As `docker stats` counts: pages of files can be given back at any time (cgroups v2 and v1).
            let stats = memory.stats.unwrap_or_default();
            let files = stats.get("inactive_file").or_else(|| stats.get("total_inactive_file")).copied();
            memory.usage.map(|usage| usage.saturating_sub(files.unwrap_or(0)))
        });
        Ok(Usage { memory, disk: inspected?.size_rw.and_then(|bytes| bytes.try_into().ok()) })
    }

    async fn process_starts(&self, id: &str) -> Result<Vec<i64>, EngineError> {
        let options = TopOptionsBuilder::new().ps_args("-eo pid,etimes").build();
        let top = call("list processes", limit::LOOK, self.docker.top_processes(id, Some(options))).await?;
        let now = jiff::Timestamp::now().as_second();
        let ages = top.processes.unwrap_or_default();
        Ok(ages.iter().filter_map(|row| row.last()?.trim().parse::<i64>().ok()).map(|age| now - age).collect())
    }

    async fn processes(&self, id: &str) -> Result<Vec<(i64, i64, String)>, EngineError> {
        let options = TopOptionsBuilder::new().ps_args("-eo pid,uid,args").build();
        let top = call("list processes", limit::LOOK, self.docker.top_processes(id, Some(options))).await?;
        let process = |row: &Vec<String>| match row.as_slice() {
            [pid, uid, command @ ..] => Some((pid.trim().parse().ok()?, uid.trim().parse().ok()?, command.join(" "))),
            _ => None,
        };
        Ok(top.processes.unwrap_or_default().iter().filter_map(process).collect())
    }

    fn events(&self, identity: &Identity) -> mpsc::Receiver<EngineEvent> {
        let (sender, receiver) = mpsc::channel(256);
        let label = format!("{}={}", identity::LAB, identity.lab);
        let instance = format!("{}={}", identity::INSTANCE, identity.instance);
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("label", vec![label, instance]),
            // `health_status` makes the engine compare by prefix, which leaves out the noise of execs.
            (
                "event",
                ["create", "start", "die", "oom", "destroy", "health_status", "pause", "unpause"]
                    .map(String::from)
                    .to_vec(),
            ),
        ]);
        let mut stream = Box::pin(self.docker.events(Some(EventsOptionsBuilder::new().filters(&filters).build())));
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let actor = message.actor.unwrap_or_default();
                let exit_code =
                    actor.attributes.as_ref().and_then(|all| all.get("exitCode")).and_then(|code| code.parse().ok());
                let event = EngineEvent {
                    container: actor.id.unwrap_or_default(),
                    action: message.action.unwrap_or_default(),
                    exit_code,
                };
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

impl DockerEngine {
    /// Waits until a container whose removal is under way is gone.
    async fn gone(&self, id: &str) -> Result<(), EngineError> {
        let mut waited = Duration::ZERO;
        let pause = Duration::from_millis(50);
        loop {
            match self.facts(id).await {
                Err(error) if error.fault == EngineFault::NotFound => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) if waited > limit::GONE => {
                    return Err(EngineError {
                        operation: format!("remove container {}", short(id)),
                        fault: EngineFault::Conflict,
                        message: "its removal does not come to an end".into(),
                    });
                }
                Ok(_) => tokio::time::sleep(pause).await,
            }
            waited += pause;
        }
    }
}

fn short(id: &str) -> &str {
    &id[..id.len().min(12)]
}

fn unless_gone(result: Result<(), EngineError>) -> Result<(), EngineError> {
    match result {
        Err(error) if error.fault == EngineFault::NotFound => Ok(()),
        other => other,
    }
}
