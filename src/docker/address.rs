//! Where a service answers, as the engine tells it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::world::{DockerWorld, machine};
use crate::check::world::Unobservable;
use crate::environment::ContainerState;
use crate::lab::ServiceName;
use crate::lab::check::Target;

/// How long an address is good without asking the engine again: no container ends, and another one gets its address,
/// in so short a time.
const GOOD: Duration = Duration::from_millis(100);

/// Addresses of services, and when the engine told them.
#[derive(Default)]
pub struct Addresses {
    told: Mutex<BTreeMap<ServiceName, (Instant, IpAddr)>>,
    /// Held by who asks the engine.
    asking: tokio::sync::Mutex<()>,
}

impl Addresses {
    /// Containers are others now.
    pub fn forget(&self) {
        self.told().clear();
    }

    fn recent(&self, service: &ServiceName) -> Option<IpAddr> {
        let told = self.told().get(service).copied();
        told.filter(|(when, _)| when.elapsed() < GOOD).map(|(_, address)| address)
    }

    fn note(&self, service: &ServiceName, asked: Instant, address: IpAddr) {
        self.told().insert(service.clone(), (asked, address));
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<ServiceName, (Instant, IpAddr)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DockerWorld {
    /// Where a port of a service, or of one of its replicas, is reached from here.
    ///
    /// # Errors
    /// There is no such service, it does not run, or the engine does not answer.
    pub(super) async fn address_of(&self, service: &ServiceName, port: u16) -> Result<SocketAddr, Unobservable> {
        let mut replica = None;
        if !self.lab.stack.services.contains_key(service) {
            match Target::parse(service.as_str()) {
                Some((name, Some(one))) if self.lab.stack.services.contains_key(&name) => replica = Some((name, one)),
                _ => {
                    self.knows_of(service)?;
                    return Err(Unobservable::Definition(format!("`{service}` is no service of this lab")));
                }
            }
        }
        if let Some(address) = self.addresses.recent(service) {
            return self.reached(address, port).await;
        }
        // Many steps ask at once: one asks the engine, and the others hear what it was told.
        let _asking = self.addresses.asking.lock().await;
        if let Some(address) = self.addresses.recent(service) {
            return self.reached(address, port).await;
        }
        let asked = Instant::now();
        let container = match &replica {
            Some((name, one)) => {
                let missing =
                    || Unobservable::Service { service: name.clone(), what: format!("there is no `{service}`") };
                self.containers(name, Some(*one)).await?.into_iter().next().ok_or_else(missing)?
            }
            None => self.one(service).await?,
        };
        let address = container.addresses.get(&self.network()).or_else(|| container.addresses.values().next()).copied();
        match address {
            Some(address) if container.state == ContainerState::Running => {
                self.addresses.note(service, asked, address);
                self.reached(address, port).await
            }
            None if container.state == ContainerState::Running => {
                let what = format!("`{service}` runs, and is cut off from its network");
                Err(Unobservable::Service { service: service.clone(), what })
            }
            _ => {
                let what = format!("`{service}` does not run: its container is {}", container.state.word());
                Err(Unobservable::Service { service: service.clone(), what })
            }
        }
    }

    async fn reached(&self, address: IpAddr, port: u16) -> Result<SocketAddr, Unobservable> {
        let address = SocketAddr::new(address, port);
        self.reach.to(address, &self.engine, &self.identity).await.map_err(|error| machine(&error))
    }
}
