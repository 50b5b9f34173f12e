//! Back to pristine: a service is emptied where that can be proven, and made anew where it cannot.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::app::{App, Opened};
use super::failure::Failure;
use super::notes::Notes;
use super::stack_images::Images;
use super::users::{begin_again, users};
use crate::docker::DockerEngine;
use crate::environment::ContainerState;
use crate::environment::apply;
use crate::environment::engine::{Engine, Observed};
use crate::environment::first_data::key_of;
use crate::environment::ready::Prober;
use crate::event::{Event, ServiceState};
use crate::lab::ServiceName;
use crate::lab::stack::MountSource;

/// How services came back to what they were when new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pristine {
    /// Their `reset:` steps ran, and what they hold is what they held when new.
    pub emptied: BTreeSet<ServiceName>,
    /// Their containers and volumes were removed; the next start makes them anew.
    pub removed: BTreeSet<ServiceName>,
    /// Services of the learner that use those: stopped, so that they begin again with the next start.
    pub stopped: BTreeSet<ServiceName>,
}

/// The services that `names` mean; none named means all.
pub fn meant(opened: &Opened, names: &[String]) -> BTreeSet<ServiceName> {
    let all = opened.lab.stack.services.keys();
    all.filter(|name| names.is_empty() || names.iter().any(|one| one == name.as_str())).cloned().collect()
}

/// Brings `services` back to pristine. Networks and ports stay.
///
/// # Errors
/// The engine refuses.
pub async fn pristine(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    services: &BTreeSet<ServiceName>,
) -> Result<Pristine, Failure> {
    let mut notes = Notes::read(&opened.folder);
    super::reaching::decide(app, opened, engine, &mut notes).await?;
    let observed = engine.observe(&opened.identity).await?;
    let world = opened.world(engine, Images::new());
    // One container whose first content is known, ready, and steps that bring it back there.
    let baseline = |service: &ServiceName| {
        let mut containers = observed.of(service);
        let (Some(only), None) = (containers.next(), containers.next()) else { return None };
        let fit = only.state == ContainerState::Running && notes.ready.contains(&only.id) && world.resets(service);
        fit.then(|| notes.baselines.get(&only.id)).flatten()
    };
    let (hopeful, rest): (BTreeSet<ServiceName>, BTreeSet<ServiceName>) =
        services.iter().cloned().partition(|service| baseline(service).is_some());
    let users = users(opened, services);
    // Nobody may write into what is being emptied. What is to be removed need not be gone for that.
    let writers = observed.containers.iter().filter(|one| users.contains(&one.service) || rest.contains(&one.service));
    let stops = writers
        .filter(|one| !hopeful.is_empty() || users.contains(&one.service))
        .map(|one| async { begin_again(opened, engine, one).await });
    join_all(stops).await.into_iter().collect::<Result<Vec<()>, Failure>>()?;
    let emptying = join_all(hopeful.iter().map(|service| async {
        let same = match baseline(service) {
            Some(fingerprint) => world.reset(service, fingerprint).await,
            None => false,
        };
        (service.clone(), same)
    }));
    let (emptying, removed) = tokio::join!(emptying, remove_services(app, opened, engine, &observed, &rest));
    removed?;
    let (emptied, failed): (Vec<_>, Vec<_>) = emptying.into_iter().partition(|(_, same)| *same);
    let names = |list: Vec<(ServiceName, bool)>| list.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let (emptied, failed) = (names(emptied), names(failed));
    for service in &emptied {
        app.sink.emit(Event::Service { service: service.clone(), state: ServiceState::Emptied });
    }
    if !failed.is_empty() {
        // Perhaps it is not the service that differs: what is made anew is looked at anew.
        notes.first_baselines.clear();
        notes.write(&opened.folder)?;
    }
    remove_services(app, opened, engine, &observed, &failed).await?;
    Ok(Pristine { emptied, removed: rest.into_iter().chain(failed).collect(), stopped: users })
}

/// Removes everything labelled.
///
/// # Errors
/// The engine refuses.
pub async fn remove_all(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<(), Failure> {
    let observed = engine.observe(&opened.identity).await?;
    Ok(apply::remove(engine, &observed, app.sink.as_ref()).await?)
}

/// Removes the containers of these services and the volumes that only they use. Networks stay.
///
/// # Errors
/// The engine refuses.
pub async fn remove_services(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    observed: &Observed,
    services: &BTreeSet<ServiceName>,
) -> Result<(), Failure> {
    let volumes = |wanted: bool| -> BTreeSet<&str> {
        let stack = opened.lab.stack.services.iter().filter(|(name, _)| services.contains(*name) == wanted);
        let mounts = stack.flat_map(|(_, service)| &service.mounts);
        let names = mounts.filter_map(|mount| match &mount.source {
            MountSource::Volume { name, .. } => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    };
    let (theirs, others) = (volumes(true), volumes(false));
    let own: BTreeSet<String> = services.iter().map(key_of).collect();
    let mut doomed = observed.clone();
    doomed.networks.clear();
    doomed.containers.retain(|one| services.contains(&one.service));
    doomed.volumes.retain(|one| {
        own.contains(&one.key) || theirs.contains(one.key.as_str()) && !others.contains(one.key.as_str())
    });
    Ok(apply::remove(engine, &doomed, app.sink.as_ref()).await?)
}
