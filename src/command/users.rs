//! Who uses a service, and begins again when it is reset.

use std::collections::BTreeSet;
use std::time::Duration;

use super::app::Opened;
use super::failure::Failure;
use crate::check::probe;
use crate::docker::DockerEngine;
use crate::environment::ContainerState;
use crate::environment::engine::{Engine, Observed, ObservedContainer};
use crate::lab::stack::{Condition, MountSource};
use crate::lab::{Owner, ServiceName};

/// The services that depend on one of `services`, however far, without those themselves: the learner's, and what runs
/// once, whoever owns it, where all that it can have prepared is among `services`.
pub fn users(opened: &Opened, services: &BTreeSet<ServiceName>) -> BTreeSet<ServiceName> {
    let stack = &opened.lab.stack.services;
    let mut reached = services.clone();
    loop {
        let more: Vec<ServiceName> = stack
            .iter()
            .filter(|(name, service)| {
                !reached.contains(*name) && service.depends_on.keys().any(|one| reached.contains(one))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        reached.extend(more);
    }
    let runs_once = one_shots(opened);
    reached.retain(|name| {
        !services.contains(name)
            && match runs_once.contains(name) {
                // What is still there it would find where it wants to put it.
                true => dependencies(opened, name).iter().all(|one| services.contains(one) || !keeps(opened, one)),
                false => opened.lab.owner_of(name) == Owner::Learner,
            }
    });
    reached
}

/// Sees to it that those who use `services` begin again with the next start.
///
/// # Errors
/// The engine refuses.
pub async fn users_begin_again(
    opened: &Opened,
    engine: &DockerEngine,
    observed: &Observed,
    services: &BTreeSet<ServiceName>,
) -> Result<(), Failure> {
    let users = users(opened, services);
    for one in observed.containers.iter().filter(|one| users.contains(&one.service)) {
        begin_again(opened, engine, one).await?;
    }
    Ok(())
}

/// Sees to it that one of them does.
///
/// # Errors
/// The engine refuses.
pub async fn begin_again(opened: &Opened, engine: &DockerEngine, container: &ObservedContainer) -> Result<(), Failure> {
    match container.state {
        // One that completed stays completed, so what it did (a migration, first rows) is done by a new one.
        _ if one_shots(opened).contains(&container.service) => Ok(engine.remove(&container.id).await?),
        ContainerState::Exited | ContainerState::Created => Ok(()),
        _ => Ok(engine.stop(&container.id, Duration::ZERO).await?),
    }
}

/// The services that others wait for to complete.
fn one_shots(opened: &Opened) -> BTreeSet<ServiceName> {
    let all = opened.lab.stack.services.values();
    let waited_for = all.flat_map(|service| &service.depends_on);
    let complete = waited_for.filter(|(_, dependency)| dependency.condition == Condition::CompletedSuccessfully);
    complete.map(|(name, _)| name.clone()).collect()
}

/// What a service depends on, however far.
fn dependencies(opened: &Opened, of: &ServiceName) -> BTreeSet<ServiceName> {
    let mut found = BTreeSet::new();
    let mut next = vec![of];
    while let Some(service) = next.pop().and_then(|name| opened.lab.stack.services.get(name)) {
        next.extend(service.depends_on.keys().filter(|one| found.insert((*one).clone())));
    }
    found
}

/// Whether a service keeps what is put into it: a database, a broker, whatever has a volume.
fn keeps(opened: &Opened, name: &ServiceName) -> bool {
    let Some(service) = opened.lab.stack.services.get(name) else { return false };
    let volume = service.mounts.iter().any(|mount| matches!(mount.source, MountSource::Volume { .. }));
    volume || opened.lab.reset.contains_key(name) || probe::sign_of(name, service).is_some()
}
