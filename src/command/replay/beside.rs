//! Containers beside a job: started in its network, and waited for.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Hall, limits};
use crate::check::World;
use crate::check::workflow::{Awaited, Beside};
use crate::check::world::{Origin, Unobservable};
use crate::environment::engine::{Engine, ExecRequest};
use crate::lab::stack::{Mount, MountSource, Service, repository};

/// How long a container beside a job may take to be healthy.
const HEALTHY: Duration = Duration::from_secs(120);
/// How long one is waited for whose ports do not answer. Source: GitLab Runner's `wait_for_services_timeout`.
const LISTENING: Duration = Duration::from_secs(30);

impl Hall<'_> {
    /// Starts a container beside a job, and waits for it as the platform would.
    ///
    /// # Errors
    /// It cannot be started, or does not get healthy.
    pub(super) async fn begin_beside(&self, job: &str, beside: &Beside) -> Result<(), Unobservable> {
        let image = self.image(&beside.image).await?;
        let name = image.0.clone();
        let definition = Service {
            command: beside.command.clone(),
            environment: beside.environment.clone().into_iter().collect(),
            network_mode: Some(format!("container:{job}")),
            limits: limits(),
            mounts: self.in_memory(&name).await?,
            ..Service::default()
        };
        let id = self.begin("beside", image, definition).await?;
        self.open().remove(&id);
        self.open().entry(job.to_owned()).or_default().push(id.clone());
        match &beside.awaited {
            Awaited::Nothing => Ok(()),
            Awaited::Ports => self.listening(job, name).await,
            Awaited::Health(command) if self.says(&id, command, HEALTHY, |_| true).await => Ok(()),
            Awaited::Health(_) => {
                let what = format!("`{}` beside a job was not healthy after {} s", beside.name, HEALTHY.as_secs());
                Err(Unobservable::Learner(what))
            }
        }
    }

    /// The volumes of a database, in memory: it makes a thousand files, and all of them go with the job. Other images
    /// may have brought something into theirs, and keep them.
    async fn in_memory(&self, image: &str) -> Result<Vec<Mount>, Unobservable> {
        if repository(image) != "postgres" {
            return Ok(Vec::new());
        }
        let image = self.world.image(&Origin::Image(image.to_owned())).await?;
        let volumes = image["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mount = |target: &str| Mount {
            target: target.to_owned(),
            read_only: false,
            source: MountSource::Tmpfs { size: None, mode: None },
        };
        Ok(volumes.map(mount).collect())
    }

    /// Waits until somebody listens at the ports that an image names; whoever never does is not waited for in vain.
    async fn listening(&self, job: &str, image: String) -> Result<(), Unobservable> {
        let image = self.world.image(&Origin::Image(image)).await?;
        let ports: Vec<u16> = image["exposed"].as_array().into_iter().flatten().filter_map(tcp_port).collect();
        // Containers beside a job share its network.
        let table = "cat /proc/net/tcp; cat /proc/net/tcp6 || true";
        self.says(job, table, LISTENING, |table| ports.iter().all(|port| listens(table, *port))).await;
        Ok(())
    }

    /// Whether a command comes to end well within the limit, with an output that is as wanted.
    async fn says(&self, id: &str, command: &str, limit: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let argv = ["/bin/sh", "-c", command].map(str::to_owned).to_vec();
        let began = Instant::now();
        loop {
            let done = self.engine.exec(id, &ExecRequest { argv: argv.clone(), ..ExecRequest::default() }).await;
            if done.is_ok_and(|done| done.code == 0 && wanted(&String::from_utf8_lossy(&done.stdout))) {
                return true;
            }
            if began.elapsed() > limit {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The number of `5432/tcp`.
fn tcp_port(exposed: &Value) -> Option<u16> {
    exposed.as_str()?.strip_suffix("/tcp")?.parse().ok()
}

/// Whether somebody listens at a port. Source: proc_pid_net(5), /proc/pid/net/tcp: behind its number each line has
/// local address, remote address and state, in hexadecimal digits; 0A is a socket that listens.
fn listens(table: &str, port: u16) -> bool {
    let local = format!(":{port:04X}");
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .any(|words| words.get(1).is_some_and(|address| address.ends_with(&local)) && words.get(3) == Some(&"0A"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_listen_are_found() {
        let table = "  sl  local_address rem_address   st tx_queue\n   0: 00000000:1538 00000000:0000 0A 00000000:00000000\n   \
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000\n";
        assert!(listens(table, 5432));
        assert!(!listens(table, 8080), "somebody is connected, and nobody listens");
        assert!(!listens(table, 80));
        assert_eq!((tcp_port(&"5432/tcp".into()), tcp_port(&"53/udp".into())), (Some(5432), None));
    }
}
