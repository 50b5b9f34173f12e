//! Brings a lab's environment to where it should be: recovered, built, running, with the workspace's code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::app::{App, Opened};
use super::failure::Failure;
use super::notes::Notes;
use crate::docker::DockerEngine;
use crate::docker::world::DockerWorld;
use crate::environment::ContainerState;
use crate::environment::apply::{self, Context, apply};
use crate::environment::engine::{Engine, Observed};
use crate::environment::intent::Intent;
use crate::environment::plan::{ContainerAction, Plan, plan};
use crate::environment::ready::NotReady;
use crate::environment::subnet::{Subnet, free_subnets, host_routes};
use crate::environment::wanted::{Choices, wanted};
use crate::event::Event;
use crate::image::ensure::{Means, Ready};
use crate::image::{self, BuildRequest, DIGEST, ImageEngine, ImageError, Reference};
use crate::lab::{Owner, Reload, ServiceName};
use crate::workspace::tree::{Tree, ignored};

/// Addresses for our networks.
const POOL: &str = "10.213.0.0/16";
/// How long one service may take to be ready.
const DEADLINE: Duration = Duration::from_secs(90);

/// An environment that is up, as far as it could be.
pub struct Up {
    pub world: DockerWorld,
    /// Services that are not ready.
    pub failed: BTreeMap<ServiceName, NotReady>,
    pub begun: BTreeSet<ServiceName>,
    pub notes: Notes,
    /// Content of the workspace that runs now.
    pub files: Tree,
}

/// Plans what [`up`] would do.
///
/// # Errors
/// As [`up`].
pub async fn planned(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Plan, Failure> {
    let notes = Notes::read(&opened.folder);
    let (images, _) = images(app, opened, engine, &mut BTreeMap::new()).await?;
    let observed = engine.observe(&opened.identity).await?;
    Ok(plan_for(opened, &notes, &images, &observed, notes.subnet.clone()))
}

/// Finishes or undoes what a killed command left open, then brings everything up.
///
/// # Errors
/// The engine refuses, or an image of the lab cannot be had. Services of the learner that fail are in the result.
pub async fn up(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Up, Failure> {
    super::consent::consent(app, opened)?;
    recover(app, opened, engine).await?;
    let mut notes = Notes::read(&opened.folder);
    let files = Tree::read(&opened.workspace, &ignored(&opened.lab.workspace_ignore))?;
    let hash = files.hash();
    let mut failed = BTreeMap::new();
    let mut sources = BTreeMap::new();
    let (images, broken) = images(app, opened, engine, &mut sources).await?;
    failed.extend(broken);
    let observed = engine.observe(&opened.identity).await?;
    if notes.subnet.is_none() || observed.networks.is_empty() {
        notes.subnet = subnet(app, opened, engine).await?;
    }
    notes.generation += 1;
    let mut plan = plan_for(opened, &notes, &images, &observed, notes.subnet.clone());
    let stale = take_up_code(opened, engine, &mut plan, &notes, &hash).await?;
    let world = DockerWorld {
        engine: engine.clone(),
        identity: opened.identity.clone(),
        lab: opened.lab.clone(),
        workspace: opened.workspace.clone(),
        journal: opened.journal.clone(),
        images,
    };
    // A restarted service has to show itself again.
    let known_ready = std::mem::take(&mut notes.ready);
    let known_ready = observed
        .containers
        .iter()
        .filter(|one| known_ready.contains(&one.id) && !stale.contains(&one.service))
        .map(|one| one.id.clone())
        .collect();
    let deadlines = opened.lab.ready.iter().filter_map(|(name, step)| Some((name.clone(), step.within?))).collect();
    let context = Context {
        engine,
        identity: &opened.identity,
        prober: &world,
        sink: app.sink.as_ref(),
        deadline: DEADLINE,
        deadlines: &deadlines,
        starts: 2 * std::thread::available_parallelism().map_or(2, usize::from),
        known_ready: &known_ready,
    };
    let outcome = apply(&plan, &context).await?;
    failed.extend(outcome.failed);
    let after = engine.observe(&opened.identity).await?;
    for (service, port, wanted) in &outcome.moved_ports {
        let found = after.of(service).flat_map(|one| &one.ports).find(|(target, ..)| target == port);
        if let Some((_, _, host)) = found {
            notes.ports.insert(format!("{service}:{port}"), *host);
            let text =
                format!("port {wanted} of this machine is taken: `{service}` answers on 127.0.0.1:{host} instead");
            app.sink.emit(Event::Note { text });
        }
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
    notes.sources = sources;
    notes.write(&opened.folder)?;
    let begun = outcome.begun.into_iter().chain(stale).collect();
    Ok(Up { world, failed, begun, notes, files })
}

/// Finishes or undoes what a killed command left open.
///
/// # Errors
/// The engine or the state folder refuses.
pub async fn recover(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<(), Failure> {
    for intent in opened.journal.open_intents()? {
        match &intent {
            Intent::Down => {
                note(app, "an interrupted `down` is finished first");
                remove_all(app, opened, engine).await?;
            }
            Intent::Reset { services } => {
                note(app, "an interrupted `reset` is finished first");
                remove_services(app, opened, engine, services).await?;
            }
            // The plan starts or unpauses what a fault has stopped.
            Intent::Fault { fault, services } => {
                note(app, &format!("an interrupted check had done `{fault}` to {}: it is undone", services.join(", ")));
            }
            Intent::Workspace { snapshot } => {
                note(app, "an interrupted change of the workspace is finished first");
                opened.saves.restore(snapshot, &opened.workspace)?;
            }
        }
        opened.journal.done(&intent)?;
    }
    Ok(())
}

fn note(app: &App, text: &str) {
    app.sink.emit(Event::Note { text: text.to_owned() });
}

/// Removes everything labelled.
///
/// # Errors
/// The engine refuses.
pub async fn remove_all(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<(), Failure> {
    let observed = engine.observe(&opened.identity).await?;
    Ok(apply::remove(engine, &observed, app.sink.as_ref()).await?)
}

/// Removes the containers of these services (all, when none is named) and the volumes that only they use.
/// Networks stay.
///
/// # Errors
/// The engine refuses.
pub async fn remove_services(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    services: &[String],
) -> Result<(), Failure> {
    let mut observed = engine.observe(&opened.identity).await?;
    observed.networks.clear();
    let named = |name: &str| services.is_empty() || services.iter().any(|one| one == name);
    let kept: BTreeSet<&str> = opened
        .lab
        .stack
        .services
        .iter()
        .filter(|(name, _)| !named(name.as_str()))
        .flat_map(|(_, service)| &service.mounts)
        .filter_map(|mount| match &mount.source {
            crate::lab::stack::MountSource::Volume { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let used: BTreeSet<&str> = opened
        .lab
        .stack
        .services
        .iter()
        .filter(|(name, _)| named(name.as_str()))
        .flat_map(|(_, service)| &service.mounts)
        .filter_map(|mount| match &mount.source {
            crate::lab::stack::MountSource::Volume { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    observed.containers.retain(|one| named(one.service.as_str()));
    observed.volumes.retain(|volume| used.contains(volume.key.as_str()) && !kept.contains(volume.key.as_str()));
    Ok(apply::remove(engine, &observed, app.sink.as_ref()).await?)
}

type Images = BTreeMap<ServiceName, (String, String)>;

/// Brings in what the stack names, builds what it builds.
async fn images(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    sources: &mut BTreeMap<String, String>,
) -> Result<(Images, BTreeMap<ServiceName, NotReady>), Failure> {
    let stack = &opened.lab.stack;
    let means = Means { policy: app.policy, base: &app.base, scratch: app.cache.join("tmp"), sink: app.sink.as_ref() };
    let named: Vec<String> =
        stack.services.values().filter(|one| one.build.is_none()).filter_map(|one| one.image.clone()).collect();
    let ready = image::ensure(engine, &named, &means).await?;
    sources.extend(ready.iter().map(|(name, one)| (name.clone(), one.source.word().to_owned())));
    let mut images = Images::new();
    let mut broken = BTreeMap::new();
    let mut built: BTreeMap<String, Result<(String, String), NotReady>> = BTreeMap::new();
    for (name, service) in &stack.services {
        let Some(build) = &service.build else {
            if let Some(one) = service.image.as_ref().and_then(|image| ready.get(image)) {
                images.insert(name.clone(), (one.name.clone(), one.id.clone()));
            }
            continue;
        };
        // Services that build the same share one image.
        let key = format!("{build:?}");
        match built.get(&key) {
            Some(Ok(same)) => {
                images.insert(name.clone(), same.clone());
                continue;
            }
            Some(Err(same)) => {
                broken.insert(name.clone(), same.clone());
                continue;
            }
            None => {}
        }
        match build_image(opened, engine, name, build, &means).await {
            Ok(one) => {
                built.insert(key, Ok(one.clone()));
                images.insert(name.clone(), one);
            }
            Err(error) if opened.lab.owner_of(name) == Owner::Learner && is_learners(&error) => {
                let (reason, log) = match error {
                    ImageError::Build { message, log, .. } => {
                        (format!("its image does not build: {message}"), log.lines().map(str::to_owned).collect())
                    }
                    other => (format!("its image does not build: {other}"), Vec::new()),
                };
                let state = crate::event::ServiceState::Failed(reason.clone());
                app.sink.emit(Event::Service { service: name.clone(), state });
                let why = NotReady { reason, log };
                built.insert(key, Err(why.clone()));
                broken.insert(name.clone(), why);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((images, broken))
}

fn is_learners(error: &ImageError) -> bool {
    matches!(
        error,
        ImageError::Build { .. } | ImageError::File { .. } | ImageError::NoRecipe { .. } | ImageError::Refused { .. }
    )
}

async fn build_image(
    opened: &Opened,
    engine: &DockerEngine,
    name: &ServiceName,
    build: &crate::lab::stack::Build,
    means: &Means<'_>,
) -> Result<(String, String), ImageError> {
    let dockerfile = build.dockerfile.as_deref().unwrap_or("Dockerfile");
    let prepare = |replace: &dyn Fn(&str) -> Option<String>| {
        image::build::prepare(&build.context, dockerfile, build.dockerfile_inline.as_deref(), replace)
    };
    let first = prepare(&|_| None)?;
    let bases: BTreeMap<String, Ready> = image::ensure(engine, &first.from, means).await?;
    let prepared = prepare(&|name| bases.get(name).map(|one| one.name.clone()).filter(|other| *other != name))?;
    let ids: Vec<&str> = bases.values().map(|one| one.id.as_str()).collect();
    let digest = format!("{}-{}", prepared.digest, short_hash(&format!("{ids:?}{:?}{:?}", build.args, build.target)));
    let image = Reference::local(&format!("{}/{name}", opened.identity.project()), "latest").to_string();
    if let Some(facts) = engine.find(&image).await?
        && facts.digest.as_ref() == Some(&digest)
        && !build.no_cache
    {
        return Ok((image, facts.id));
    }
    let began = Instant::now();
    means.sink.emit(Event::ImageBegan { image: image.clone(), how: "build" });
    let mut labels = build.labels.clone();
    labels.insert(DIGEST.into(), digest);
    let request = BuildRequest {
        name: image.clone(),
        context: prepared.context,
        dockerfile: "Dockerfile.labrunner".into(),
        args: build.args.clone(),
        target: build.target.clone(),
        labels,
        no_cache: build.no_cache,
    };
    engine
        .build(request, &|line| means.sink.emit(Event::ImageLine { image: image.clone(), line: line.to_owned() }))
        .await?;
    means.sink.emit(Event::ImageDone { image: image.clone(), took: began.elapsed() });
    let facts = engine.find(&image).await?;
    let facts = facts.ok_or_else(|| ImageError::Engine(format!("`{image}` was built and is not on the engine")))?;
    Ok((image, facts.id))
}

fn short_hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

async fn subnet(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Option<String>, Failure> {
    let mut taken: Vec<Subnet> = engine.subnets().await?.iter().filter_map(|text| Subnet::parse(text)).collect();
    taken.extend(host_routes());
    let pool = app.environment.get("LABRUNNER_SUBNETS").map_or(POOL, String::as_str);
    let pool = Subnet::parse(pool).ok_or_else(|| Failure::usage(format!("`{pool}` is no network like {POOL}")))?;
    Ok(free_subnets(pool, &taken, &opened.identity.project()).next().map(|subnet| subnet.to_string()))
}

fn plan_for(opened: &Opened, notes: &Notes, images: &Images, observed: &Observed, subnet: Option<String>) -> Plan {
    let owners = opened.lab.stack.services.keys().map(|name| (name.clone(), opened.lab.owner_of(name))).collect();
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
        owners: &owners,
        subnet,
        ports: &ports,
        workspace_user: owner_of_folder(&opened.workspace),
        as_written: false,
        cpus: std::thread::available_parallelism().map_or(1.0, |count| usize::from(count) as f64),
    };
    plan(wanted(&opened.lab.stack, &choices), observed)
}

#[cfg(unix)]
fn owner_of_folder(path: &std::path::Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|facts| format!("{}:{}", facts.uid(), facts.gid()))
}

#[cfg(not(unix))]
fn owner_of_folder(_: &std::path::Path) -> Option<String> {
    None
}

/// How long a service that reloads by itself gets before it is restarted.
const RELOAD: Duration = Duration::from_secs(3);

/// Makes the learner's containers that run older code run the workspace's; returns which were restarted.
async fn take_up_code(
    opened: &Opened,
    engine: &DockerEngine,
    plan: &mut Plan,
    notes: &Notes,
    hash: &str,
) -> Result<Vec<ServiceName>, Failure> {
    let changed = newest_change(&opened.workspace);
    let mut stale = Vec::new();
    for planned in &mut plan.containers {
        let ContainerAction::Keep(existing) = &planned.action else { continue };
        let current = notes.running_code.get(&existing.id).is_some_and(|code| code == hash);
        if current || opened.lab.owner_of(&planned.spec.service) != Owner::Learner {
            continue;
        }
        if existing.exit_code.is_some() {
            planned.action = ContainerAction::Start(existing.clone());
            planned.reason = "it ran with older code".into();
        } else {
            stale.push((planned.spec.service.clone(), existing.id.clone(), planned.spec.stop_grace));
        }
    }
    let restarts = stale.iter().map(|(service, id, grace)| async move {
        let by_itself = opened.lab.reload_of(service) == Reload::Itself && reloads(engine, id, changed).await?;
        if !by_itself {
            engine.restart(id, *grace).await?;
        }
        Ok::<ServiceName, Failure>(service.clone())
    });
    futures_util::future::join_all(restarts).await.into_iter().collect()
}

/// Whether a process of the container is younger than the newest change, within a while.
async fn reloads(engine: &DockerEngine, id: &str, changed: i64) -> Result<bool, Failure> {
    let began = Instant::now();
    while began.elapsed() < RELOAD {
        if engine.process_starts(id).await?.into_iter().any(|start| start > changed) {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}

/// When a file of the workspace last changed, seconds of the Unix epoch.
fn newest_change(folder: &std::path::Path) -> i64 {
    let times =
        walkdir::WalkDir::new(folder).into_iter().flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = times.max().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    newest.and_then(|time| time.as_secs().try_into().ok()).unwrap_or(i64::MAX)
}
