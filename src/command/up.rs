//! Brings a lab's environment to where it should be: recovered, built, running, with the workspace's code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::app::{App, Opened};
use super::disk_guard::DiskGuard;
use super::failure::Failure;
use super::first_data::Shelf;
use super::notes::Notes;
use super::pristine::{meant, remove_all, remove_services};
use super::stack_images::{self, Images, images};
use super::throwaway::{Purpose, sweep};
use super::users::users_begin_again;
use crate::docker::DockerEngine;
use crate::docker::world::DockerWorld;
use crate::environment::apply::{Context, apply};
use crate::environment::engine::{Engine, Observed};
use crate::environment::head_start::head_start;
use crate::environment::intent::Intent;
use crate::environment::plan::{ContainerAction, Plan, PlannedContainer, plan};
use crate::environment::ready::NotReady;
use crate::environment::subnet::{Subnet, free_subnets, host_routes};
use crate::environment::wanted::{Choices, wanted};
use crate::environment::{ContainerState, EngineFault};
use crate::event::Event;
use crate::lab::{Owner, ServiceName};
use crate::workspace::tree::{Tree, ignored};

/// Addresses for our networks.
const POOL: &str = "10.213.0.0/16";
/// How often other addresses are tried when somebody else was faster.
const SUBNET_TRIES: usize = 5;
/// How long one service may take to be ready.
const DEADLINE: Duration = Duration::from_secs(90);

/// An environment that is up, as far as it could be.
pub struct Up {
    pub world: DockerWorld,
    /// Services that are not ready.
    pub failed: BTreeMap<ServiceName, NotReady>,
    pub begun: BTreeSet<ServiceName>,
    pub notes: Notes,
    /// What is on the engine now.
    pub observed: Observed,
    /// Content of the workspace that runs now.
    pub files: Tree,
    /// Stops a lab that fills the disk.
    pub disk: DiskGuard,
}

/// What [`up`] would do, a step with its reason each; changes nothing.
///
/// # Errors
/// As [`up`].
pub async fn planned(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Vec<(String, String)>, Failure> {
    let mut notes = Notes::read(&opened.folder);
    super::carrying::decide(app, opened, engine, &mut notes).await?;
    let (images, mut steps) = stack_images::planned(opened, engine).await?;
    let observed = engine.observe(&opened.identity).await?;
    steps.extend(plan_for(opened, &notes, &images, &observed, notes.subnet.clone()).describe());
    Ok(steps)
}

/// Finishes or undoes what a killed command left open, then brings everything up.
///
/// # Errors
/// The engine refuses, or an image of the lab cannot be had. Services of the learner that fail are in the result.
pub async fn up(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Up, Failure> {
    super::consent::consent(app, opened).await?;
    recover(app, opened, engine).await?;
    let disk = DiskGuard::watch(app, opened, engine)?;
    let mut notes = Notes::read(&opened.folder);
    super::reaching::decide(app, opened, engine, &mut notes).await?;
    super::carrying::decide(app, opened, engine, &mut notes).await?;
    let mut failed = BTreeMap::new();
    let mut sources = BTreeMap::new();
    let (images, broken) = images(app, opened, engine, &mut sources).await?;
    failed.extend(broken);
    let observed = engine.observe(&opened.identity).await?;
    super::carrying::carry(opened, engine, &mut notes, &observed).await?;
    let files = Tree::read(&opened.workspace, &ignored(&opened.lab.workspace_ignore))?;
    let hash = files.code_hash();
    if notes.subnet.is_none() || observed.networks.is_empty() {
        notes.subnet = subnet(app, opened, engine, &[]).await?;
    }
    notes.generation += 1;
    let mut plan = plan_for(opened, &notes, &images, &observed, notes.subnet.clone());
    let stale = super::code::take_up(opened, engine, &mut plan, &notes, &hash).await?;
    let world = opened.world(engine, images);
    // A restarted service has to show itself again.
    let known_ready = std::mem::take(&mut notes.ready);
    let known_ready = observed
        .containers
        .iter()
        .filter(|one| known_ready.contains(&one.id) && !stale.contains(&one.service))
        // One that ends again and again is not ready because it once was.
        .filter(|one| one.state == ContainerState::Running)
        .map(|one| one.id.clone())
        .collect();
    let shelf = Shelf::look(opened, engine, &plan, &observed).await?;
    let deadlines = opened.lab.ready.iter().filter_map(|(name, step)| Some((name.clone(), step.within?))).collect();
    let first_baselines = notes.first_baselines.clone();
    let first = head_start(&plan, &notes.took).filter(|_| !opened.as_written).cloned();
    let context = Context {
        engine,
        identity: &opened.identity,
        prober: &world,
        sink: app.sink.as_ref(),
        deadline: DEADLINE,
        deadlines: &deadlines,
        starts: 2 * std::thread::available_parallelism().map_or(2, usize::from),
        known_ready: &known_ready,
        first: first.as_ref(),
        first_data: &shelf.kept,
        first_baselines: &first_baselines,
        as_written: opened.as_written,
    };
    let mut refused: Vec<String> = Vec::new();
    let outcome = loop {
        match apply(&plan, &context).await {
            // Somebody makes a network with these addresses just now; the engine may not show it yet.
            Err(error) if error.fault == EngineFault::AddressesTaken && refused.len() < SUBNET_TRIES => {
                refused.extend(notes.subnet.take());
                notes.subnet = subnet(app, opened, engine, &refused).await?;
                let observed = engine.observe(&opened.identity).await?;
                plan = plan_for(opened, &notes, &world.images(), &observed, notes.subnet.clone());
            }
            // What was stopped for want of space cannot be started either.
            other => {
                disk.check()?;
                break other?;
            }
        }
    };
    disk.check()?;
    failed.extend(outcome.failed);
    // Where nothing was done, what was seen is there.
    let after = match plan.is_empty() && stale.is_empty() {
        true => observed,
        false => engine.observe(&opened.identity).await?,
    };
    for (service, port, wanted) in &outcome.moved_ports {
        let found = after.of(service).flat_map(|one| &one.ports).find(|(target, ..)| target == port);
        if let Some((_, _, host)) = found {
            notes.ports.insert(format!("{service}:{port}"), *host);
            let text =
                format!("port {wanted} of this machine is taken: `{service}` answers on 127.0.0.1:{host} instead");
            app.sink.emit(Event::Note { text });
        }
    }
    // What was built anew has taken the name of what was built before.
    let made = |one: &PlannedContainer| matches!(one.action, ContainerAction::Create | ContainerAction::Recreate(_));
    if plan.containers.iter().any(|one| one.spec.definition.build.is_some() && made(one))
        && let Err(error) = engine.forget_images(&opened.identity, true).await
    {
        app.sink.emit(Event::Warning { text: error.to_string() });
    }
    notes.running_code = after
        .containers
        .iter()
        .filter(|one| opened.lab.owner_of(&one.service) == Owner::Learner)
        .map(|one| (one.id.clone(), hash.clone()))
        .collect();
    notes.ready = after
        .containers
        .iter()
        .filter(|one| one.state == ContainerState::Running && !failed.contains_key(&one.service))
        .map(|one| one.id.clone())
        .collect();
    let took = outcome.took.into_iter().map(|(name, took)| (name.to_string(), took.as_millis() as u64));
    notes.took.extend(took);
    notes.baselines.extend(outcome.baselines);
    notes.first_baselines.extend(outcome.first_baselines);
    notes.baselines.retain(|id, _| after.containers.iter().any(|one| one.id == *id));
    notes.sources = sources;
    notes.write(&opened.folder)?;
    shelf.fill(app, opened, engine, |service| failed.contains_key(service)).await;
    let begun = outcome.begun.into_iter().chain(stale).collect();
    Ok(Up { world, failed, begun, notes, observed: after, files, disk })
}

/// Finishes or undoes what a killed command left open.
///
/// # Errors
/// The engine or the state folder refuses.
pub async fn recover(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<(), Failure> {
    if !opened.lab.stacks.is_empty() {
        sweep(app, engine, Purpose::Copy).await?;
    }
    for intent in opened.journal.open_intents()? {
        match &intent {
            Intent::Down => {
                note(app, "an interrupted `down` is finished first");
                remove_all(app, opened, engine).await?;
            }
            Intent::Reset { services } => {
                note(app, "an interrupted `reset` is finished first");
                let observed = engine.observe(&opened.identity).await?;
                let services = meant(opened, services);
                users_begin_again(opened, engine, &observed, &services).await?;
                remove_services(app, opened, engine, &observed, &services).await?;
            }
            // The plan starts, unpauses or makes anew what a fault has hit; it does not see what is full or late.
            Intent::Fault { fault, services } => {
                let world = opened.world(engine, Images::new());
                let hit: Vec<ServiceName> = services.iter().filter_map(|name| ServiceName::new(name).ok()).collect();
                for service in &hit {
                    world.undo_unseen(service).await?;
                }
                // One that was restarted runs, and may not be ready yet.
                let observed = engine.observe(&opened.identity).await?;
                let mut notes = Notes::read(&opened.folder);
                notes
                    .ready
                    .retain(|id| !observed.containers.iter().any(|one| one.id == *id && hit.contains(&one.service)));
                notes.write(&opened.folder)?;
                note(app, &format!("an interrupted check had done `{fault}` to {}: it is undone", services.join(", ")));
            }
            Intent::Starter { .. } | Intent::Workspace { .. } => {
                let elsewhere = intent.workspace().flatten().is_some_and(|one| one != opened.workspace);
                match super::reset::finish_workspace(app, opened, &intent) {
                    // The lab goes on in another folder, and that one waits.
                    Err(failure) if elsewhere => {
                        app.sink.emit(Event::Warning { text: failure.message });
                        continue;
                    }
                    other => other?,
                }
            }
        }
        opened.journal.done(&intent)?;
    }
    Ok(())
}

fn note(app: &App, text: &str) {
    app.sink.emit(Event::Note { text: text.to_owned() });
}

async fn subnet(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    refused: &[String],
) -> Result<Option<String>, Failure> {
    let known = engine.subnets().await?;
    let mut taken: Vec<Subnet> = known.iter().chain(refused).filter_map(|text| Subnet::parse(text)).collect();
    taken.extend(host_routes());
    let pool = app.environment.get("LABRUNNER_SUBNETS").map_or(POOL, String::as_str);
    let pool = Subnet::parse(pool).ok_or_else(|| Failure::usage(format!("`{pool}` is no network like {POOL}")))?;
    Ok(free_subnets(pool, &taken, &opened.identity.project()).next().map(|subnet| subnet.to_string()))
}

fn plan_for(opened: &Opened, notes: &Notes, images: &Images, observed: &Observed, subnet: Option<String>) -> Plan {
    let ports = notes
        .ports
        .iter()
        .filter_map(|(key, port)| {
            let (service, target) = key.rsplit_once(':')?;
            Some(((ServiceName::new(service).ok()?, target.parse().ok()?), *port))
        })
        .collect();
    let choices = Choices {
        identity: &opened.identity,
        generation: notes.generation,
        images,
        subnet,
        ports: &ports,
        defaults: opened.defaults(),
    };
    plan(wanted(&opened.stack(), &choices), observed)
}
