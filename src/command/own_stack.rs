//! Copies whose services are the learner's own Compose files.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::app::Opened;
use super::failure::Failure;
use super::throwaway::unpublish;
use crate::catalog::own::{self, OwnError};
use crate::check::World;
use crate::check::blame::Unready;
use crate::check::probe::Fields;
use crate::check::steps::perform;
use crate::check::world::{Observation, Unobservable};
use crate::docker::DockerEngine;
use crate::docker::world::DockerWorld;
use crate::environment::engine::Engine;
use crate::event::Silent;
use crate::lab::definition::Need;
use crate::lab::stack::Service;
use crate::lab::{OwnCompose, Owner, ServiceName, StackCopy};

/// How many of a service's last lines a failure shows.
const LOG_LINES: usize = 8;

/// Puts the learner's services in the place of the lab's.
///
/// # Errors
/// The files are wrong, or ask for what labrunner does not do.
pub fn take_over(opened: &mut Opened, own: &OwnCompose, copy: &StackCopy) -> Result<(), Unobservable> {
    let lab = &mut opened.lab;
    lab.stack = own::read(&opened.workspace, own, &copy.environment, &lab.needs).map_err(unusable)?;
    unpublish(&mut lab.stack);
    lab.owner = lab.stack.services.keys().map(|name| (name.clone(), Owner::Learner)).collect();
    for (name, count) in &copy.scale {
        if let Some(service) = lab.stack.services.get_mut(name) {
            service.scale = *count;
        }
    }
    // Whoever waits for whom is the files' business; whether they can be judged is asked when all are up.
    lab.ready.clear();
    lab.reset.clear();
    lab.reload.clear();
    opened.as_written = true;
    Ok(())
}

/// Waits until the services show their signs; those that do not, and why.
pub async fn unready(world: &DockerWorld, copy: &StackCopy) -> Unready {
    let looks = copy.ready.iter().map(|(service, step)| async move {
        let why = perform(std::slice::from_ref(step), world).await.err()?;
        let lines = world.logs(service, None, Some(LOG_LINES)).await.unwrap_or_default();
        Some((service.clone(), (format!("it was not ready: {why}"), lines)))
    });
    join_all(looks).await.into_iter().flatten().collect()
}

/// What the learner's files say.
///
/// # Errors
/// The files are wrong, or the step is.
pub fn read(
    workspace: &Path,
    fields: &Value,
    names: Option<&OwnCompose>,
    allowed: &[Need],
) -> Result<Observation, Unobservable> {
    let files = Fields(fields).texts("files")?;
    let value = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let given = fields["environment"].as_object().into_iter().flatten();
    let environment: BTreeMap<_, _> = given.map(|(name, one)| (name.clone(), value(one))).collect();
    let own = OwnCompose { files, names: names.map(|own| own.names.clone()).unwrap_or_default(), overlays: Vec::new() };
    let stack = own::read(workspace, &own, &environment, allowed).map_err(unusable)?;
    let services: Vec<&str> = stack.services.keys().map(|name| name.as_str()).collect();
    Ok(Observation::new(json!({ "services": services }), own::document(&stack)))
}

/// As `docker compose down`: containers are asked to end, and go with their networks; volumes only when that is said.
///
/// # Errors
/// The engine refuses.
pub async fn down(opened: &Opened, engine: &DockerEngine, volumes: bool) -> Result<(), Failure> {
    let mut observed = engine.observe(&opened.identity).await?;
    let stops = observed.containers.iter().map(|container| {
        let definition = opened.lab.stack.services.get(&container.service);
        let grace = definition.and_then(|service| service.stop_grace_period);
        engine.stop(&container.id, grace.unwrap_or(std::time::Duration::from_secs(10)))
    });
    join_all(stops).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    if !volumes {
        observed.volumes.clear();
    }
    Ok(crate::environment::apply::remove(engine, &observed, &Silent).await?)
}

/// What bringing a copy up gave, as an observation.
pub fn observed(unready: &Unready, services: &BTreeMap<ServiceName, Service>) -> Observation {
    let services: Vec<&str> = services.keys().map(|name| name.as_str()).collect();
    let unready: BTreeMap<&str, &str> = unready.iter().map(|(name, (why, _))| (name.as_str(), why.as_str())).collect();
    Observation::new(json!({ "services": services, "unready": unready }), Value::Null)
}

fn unusable(error: OwnError) -> Unobservable {
    match error {
        OwnError::Wrong(why) => Unobservable::Learner(why),
        OwnError::Beyond(why) => Unobservable::Machine(why),
    }
}
