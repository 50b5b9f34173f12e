//! The fault `delay`: a stand-in (`delay.py`) takes a service's place in its networks, name and address, and passes
//! everything on late. Connections that stand are broken by that and made again, through the stand-in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::DockerEngine;
use super::reach::own_container;
use super::world::DockerWorld;
use crate::environment::engine::{Engine, ExecRequest};
use crate::environment::wanted::ContainerSpec;
use crate::environment::{ContainerState, EngineError, EngineFault, ObservedContainer};
use crate::lab::ServiceName;
use crate::lab::stack::Service;

const PROGRAM: &str = include_str!("delay.py");
/// How long the stand-in may take to listen.
const READY: Duration = Duration::from_secs(20);

impl DockerWorld {
    /// Puts a stand-in before a container, which from now on is known to it alone.
    pub(super) async fn delay(&self, container: &ObservedContainer, by: Duration) -> Result<(), EngineError> {
        let service = &container.service;
        let ports = listening(&self.engine, &container.id).await?;
        if ports.is_empty() {
            return Err(failed(service, "it listens at no TCP port"));
        }
        let image = self.engine.own_image().await?;
        for (number, (network, aliases, _)) in self.attachments(container).into_iter().enumerate() {
            let Some(place) = container.addresses.get(&network).copied() else { continue };
            self.engine.disconnect(&container.id, &network).await?;
            // It has the address before the service gets another one.
            let spec = self.stand_in(container, number, &image, (network.clone(), aliases, place), by, &ports);
            let id = self.engine.create(&spec).await?;
            self.engine.start(&id).await?;
            self.listens(service, &id).await?;
            self.engine.connect(&container.id, &network, &[hidden_name(container)], None).await?;
        }
        Ok(())
    }

    /// Waits until the stand-in says that it listens.
    async fn listens(&self, service: &ServiceName, id: &str) -> Result<(), EngineError> {
        let began = Instant::now();
        loop {
            let said = self.engine.logs(id, None, None).await?;
            if said.iter().any(|line| line.text == "ready") {
                return Ok(());
            }
            let state = self.engine.inspect(id).await?.state;
            if state != ContainerState::Running || began.elapsed() > READY {
                let last = said.last().map_or_else(|| "it said nothing".to_owned(), |line| line.text.clone());
                return Err(failed(service, &format!("its stand-in does not listen: {last}")));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Removes a container's stand-ins and gives it its names and addresses back, if it has lost them.
    pub(super) async fn undo_delay(&self, container: &ObservedContainer) -> Result<(), EngineError> {
        let observed = self.engine.observe(&self.identity).await?;
        let name = stand_in_name(container);
        let mut places: BTreeMap<String, IpAddr> = BTreeMap::new();
        for stand_in in observed.containers.iter().filter(|one| one.service == name) {
            places.extend(stand_in.addresses.clone());
            self.engine.remove(&stand_in.id).await?;
        }
        let joined = self.engine.inspect(&container.id).await?.networks;
        for (network, aliases, address) in self.attachments(container) {
            let Some(names) = joined.get(&network) else { continue };
            if !aliases.iter().all(|alias| names.contains(alias)) {
                let place = places.get(&network).and_then(|place| self.fixed(&network, *place));
                self.engine.disconnect(&container.id, &network).await?;
                self.engine.connect(&container.id, &network, &aliases, address.or(place).as_deref()).await?;
            }
        }
        Ok(())
    }

    /// An address to ask for: engines give one that is asked for only in networks whose subnet we have chosen.
    fn fixed(&self, network: &str, place: IpAddr) -> Option<String> {
        (network == self.network()).then(|| place.to_string())
    }

    fn stand_in(
        &self,
        container: &ObservedContainer,
        number: usize,
        image: &(String, String),
        (network, aliases, place): (String, Vec<String>, IpAddr),
        by: Duration,
        ports: &[u16],
    ) -> ContainerSpec {
        let address = self.fixed(&network, place);
        let mut command = vec!["python3".to_owned(), "-c".into(), PROGRAM.into(), hidden_name(container)];
        command.push(by.as_secs_f64().to_string());
        command.extend(ports.iter().map(u16::to_string));
        let definition = Service {
            command: Some(command),
            // Ports below 1024 are anybody's in there.
            sysctls: BTreeMap::from([("net.ipv4.ip_unprivileged_port_start".into(), "0".into())]),
            ..Service::default()
        };
        let name = format!("{}-delay-{}-{}-{number}", self.identity.project(), container.service, container.replica);
        ContainerSpec {
            networks: vec![(network, aliases, address)],
            ..own_container(&self.identity, stand_in_name(container), name, image, definition)
        }
    }
}

/// What a container's stand-ins are called among the services.
fn stand_in_name(container: &ObservedContainer) -> ServiceName {
    ServiceName::own(&format!("delay-{}-{}", container.service, container.replica))
}

/// The name under which a stand-in finds the service that it stands in for.
fn hidden_name(container: &ObservedContainer) -> String {
    format!("delayed-{}-{}", container.service, container.replica)
}

/// The TCP ports at which processes of a container listen for others. Source: proc_pid_net(5), `/proc/net/tcp`.
async fn listening(engine: &DockerEngine, container: &str) -> Result<Vec<u16>, EngineError> {
    let argv = ["cat", "/proc/net/tcp", "/proc/net/tcp6"].map(str::to_owned).to_vec();
    let output = engine.exec(container, &ExecRequest { argv, ..ExecRequest::default() }).await?;
    Ok(ports(&String::from_utf8_lossy(&output.stdout)))
}

fn ports(table: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut columns = line.split_whitespace().skip(1);
        let (local, state) = (columns.next()?, columns.nth(1)?);
        let (address, port) = local.split_once(':')?;
        // 0A is LISTEN; an address that ends in 7F is one of loopback's, in the byte order of x86 and ARM.
        let others = state == "0A" && !(address.len() == 8 && address.ends_with("7F"));
        others.then(|| u16::from_str_radix(port, 16).ok())?
    };
    let mut ports: Vec<u16> = table.lines().filter_map(port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn failed(service: &ServiceName, why: &str) -> EngineError {
    EngineError { operation: format!("delay `{service}`"), fault: EngineFault::Other, message: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_others_can_reach_counts() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
                     \x20  0: 00000000:1F90 00000000:0000 0A 00000000:00000000\n\
                     \x20  1: 0B00007F:A5C1 00000000:0000 0A 00000000:00000000\n\
                     \x20  2: 020013AC:1F90 030013AC:C001 01 00000000:00000000\n\
                     \x20  0: 00000000000000000000000000000000:18EB 00000000000000000000000000000000:0000 0A 0:0\n";
        assert_eq!(ports(table), [6379, 8080]);
    }
}
