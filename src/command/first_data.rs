//! Keeps what databases make of an empty folder, so that a lab starts without waiting for that again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use super::app::{App, Opened};
use crate::docker::DockerEngine;
use crate::environment::engine::{Engine, ExecRequest, Observed};
use crate::environment::first_data::{self, Base, FirstData, Kept, Shelved, key_of, layer_of};
use crate::environment::plan::Plan;
use crate::environment::wanted::{ContainerSpec, VolumeSpec};
use crate::environment::{ContainerState, EngineError, EngineFault};
use crate::event::Event;
use crate::lab::ServiceName;
use crate::lab::stack::{Mount, MountSource};

/// How long a database may take for its first data.
const DEADLINE: Duration = Duration::from_secs(60);
/// Databases whose first data is kept, each some 40 MB.
const MOST: usize = 8;

/// The first data that a plan can use, and what there is to make.
pub struct Shelf {
    pub kept: Kept,
    missing: Vec<(ContainerSpec, FirstData)>,
}

impl Shelf {
    /// Looks what the engine has.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn look(
        opened: &Opened,
        engine: &DockerEngine,
        plan: &Plan,
        observed: &Observed,
    ) -> Result<Self, EngineError> {
        let mut shelf = Self { kept: Kept::none(&opened.identity, plan, observed), missing: Vec::new() };
        if opened.as_written || first_data::made(plan).next().is_none() {
            return Ok(shelf);
        }
        let mut folders = BTreeMap::new();
        for image in first_data::made(plan).map(|spec| &spec.image) {
            if let Ok(Some(folder)) = engine.image_variable(image, "PGDATA").await {
                folders.insert(image.clone(), folder);
            }
        }
        let shelved = engine.shelved().await?;
        let is_there = |base: &Base| shelved.contains(&Shelved::Data { volume: base.volume.clone() });
        for (service, first) in first_data::wanted(plan, &folders) {
            let known = shelved.iter().find_map(|one| match one {
                Shelved::Whole { key, base, .. } if *key == first.key && is_there(base) => Some(Some(base.clone())),
                Shelved::Unusable { key, .. } if *key == first.key => Some(None),
                _ => None,
            });
            match known {
                Some(Some(base)) => drop(shelf.kept.found.insert(service, (first, base))),
                Some(None) => {}
                None => {
                    let planned = plan.containers.iter().find(|one| one.spec.service == service);
                    shelf.missing.extend(planned.map(|planned| (planned.spec.clone(), first)));
                }
            }
        }
        Ok(shelf)
    }

    /// Makes what was missing, for the next time, but not of what has `failed`. That it cannot be made is no trouble of
    /// this command.
    pub async fn fill(&self, app: &App, opened: &Opened, engine: &DockerEngine, failed: impl Fn(&ServiceName) -> bool) {
        // One that another command makes just now need not be made twice.
        let Some(_turn) = self.missing.first().and_then(|_| turn(&app.state)) else { return };
        let told = |error: EngineError, what: &str| {
            app.sink.emit(Event::Warning { text: format!("{what}: {error}") });
        };
        for (spec, first) in self.missing.iter().filter(|(spec, _)| !failed(&spec.service)) {
            let text = format!("keeping what `{}` makes of an empty folder: the next start is faster", spec.service);
            app.sink.emit(Event::Note { text });
            if let Err(error) = make(opened, engine, spec, first).await {
                told(error, &format!("the first data of `{}` cannot be kept", spec.service));
            }
        }
        if let Err(error) = forget(engine, MOST).await {
            told(error, "old first data cannot be removed");
        }
    }
}

/// Removes first data but for the newest `most`, and what killed commands have left of it. What volumes of
/// environments lie over stays.
///
/// # Errors
/// The engine does not answer.
async fn forget(engine: &DockerEngine, most: usize) -> Result<(), EngineError> {
    let shelved = engine.shelved().await?;
    let (mut marks, mut kept, mut data) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for one in shelved.into_iter().rev() {
        match one {
            Shelved::Data { volume } => drop(data.insert(volume)),
            Shelved::Whole { base, .. } if kept.len() < most => drop(kept.insert(base.volume)),
            Shelved::Unusable { .. } if most > 0 => {}
            Shelved::Whole { mark, .. } | Shelved::Unusable { mark, .. } => marks.push(mark),
        }
    }
    for mark in marks {
        engine.remove_volume(&mark).await?;
    }
    // Who lays a volume over one looks at it once more after that: those that come later do not use it.
    kept.extend(engine.bases_in_use().await?);
    for volume in data.difference(&kept) {
        match engine.remove_volume(volume).await {
            Err(error) if error.fault == EngineFault::Conflict => {}
            other => other?,
        }
    }
    Ok(())
}

/// Removes all first data that no environment needs.
///
/// # Errors
/// The engine does not answer.
pub async fn forget_all(app: &App, engine: &DockerEngine) -> Result<(), EngineError> {
    match turn(&app.state) {
        Some(_turn) => forget(engine, 0).await,
        None => {
            let text = "another command makes first data of a database just now: that stays".into();
            app.sink.emit(Event::Note { text });
            Ok(())
        }
    }
}

/// A lock that nobody waits for; `None` when another command has it.
fn turn(state: &Path) -> Option<File> {
    let folder = state.join("turns");
    std::fs::create_dir_all(&folder).ok()?;
    let file = File::create(folder.join("first-data")).ok()?;
    file.try_lock().ok().map(|()| file)
}

/// A container of the same image and settings makes its first data in a volume, and is stopped as it wants to be.
async fn make(
    opened: &Opened,
    engine: &DockerEngine,
    spec: &ContainerSpec,
    first: &FirstData,
) -> Result<(), EngineError> {
    let number = super::verify::fresh_seed();
    let volume = engine.make_base(&first.key, number).await?;
    let alone = alone(opened, spec, first, &volume, number);
    let id = engine.create(&alone).await?;
    let made = async {
        engine.start(&id).await?;
        ready(engine, &id).await?;
        engine.stop(&id, DEADLINE).await?;
        let facts = engine.inspect(&id).await?;
        if facts.exit_code != Some(0) {
            return Err(failed(format!("it did not stop well (exit code {:?})", facts.exit_code)));
        }
        engine.root_of(&id, &first.target).await
    };
    let made = made.await;
    engine.remove(&id).await?;
    let base = Base { volume, root: made? };
    match lies_over(opened, engine, &alone, first, &base).await {
        Ok(()) => engine.mark_first_data(&first.key, Some(&base)).await,
        // A full disk says nothing about what the engine can do.
        Err(error) if error.fault != EngineFault::Other => Err(error),
        Err(error) => {
            engine.mark_first_data(&first.key, None).await?;
            engine.remove_volume(&base.volume).await?;
            Err(error)
        }
    }
}

/// A container like `spec` with nothing around it, and its data in a volume of its own. It is labelled as a service that
/// no lab has, so that the next plan removes it should this command be killed.
fn alone(opened: &Opened, spec: &ContainerSpec, first: &FirstData, volume: &str, number: u64) -> ContainerSpec {
    let mut alone = spec.clone();
    let service = ServiceName::own("first");
    alone.labels = opened.identity.container_labels(&service, 1);
    alone.name = format!("{}-first-{number:x}", opened.identity.project());
    alone.service = service;
    alone.networks.clear();
    alone.bindings.clear();
    alone.beneath.clear();
    alone.definition.ports.clear();
    alone.definition.network_mode = Some("none".into());
    alone.definition.networks.clear();
    alone.definition.mounts.retain(|mount| mount.target != first.target);
    let source = MountSource::Volume { name: volume.to_owned(), nocopy: false, subpath: None };
    alone.definition.mounts.push(Mount { target: first.target.clone(), read_only: false, source });
    alone.volumes.insert(volume.to_owned(), volume.to_owned());
    alone
}

/// Tries whether this engine can lay a volume over the data: not all kernels and folders can.
async fn lies_over(
    opened: &Opened,
    engine: &DockerEngine,
    alone: &ContainerSpec,
    first: &FirstData,
    base: &Base,
) -> Result<(), EngineError> {
    let key = key_of(&alone.service);
    let labels = opened.identity.resource_labels("volume", &key);
    let name = format!("{}.data", alone.name);
    let driver_opts = BTreeMap::new();
    let over = VolumeSpec { key: key.clone(), name: name.clone(), labels, driver: None, driver_opts };
    let image = (alone.image.clone(), alone.image_id.clone());
    let tried = async {
        engine.lay(&opened.identity, &over, base, &image).await?;
        let mut container = alone.clone();
        container.volumes.insert(base.volume.clone(), name.clone());
        let id = engine.create(&container).await?;
        // Looking into it mounts it.
        let seen = engine.root_of(&id, &first.target).await;
        engine.remove(&id).await?;
        match seen? == base.root {
            true => Ok(()),
            false => Err(failed("a volume over it looks different".into())),
        }
    };
    let tried = tried.await;
    engine.remove_volume(&name).await?;
    engine.remove_volume(&layer_of(&name)).await?;
    tried
}

fn failed(message: String) -> EngineError {
    EngineError { operation: "make first data".into(), fault: EngineFault::Other, message }
}

/// Waits until the server takes connections: while it initialises, it listens to nobody but itself.
async fn ready(engine: &DockerEngine, id: &str) -> Result<(), EngineError> {
    let argv = ["pg_isready", "-q", "-h", "127.0.0.1"].map(str::to_owned).to_vec();
    let began = Instant::now();
    loop {
        let asked = ExecRequest { argv: argv.clone(), ..ExecRequest::default() };
        if engine.exec(id, &asked).await.is_ok_and(|done| done.code == 0) {
            return Ok(());
        }
        let facts = engine.inspect(id).await?;
        if facts.state != ContainerState::Running || began.elapsed() > DEADLINE {
            return Err(failed(format!("its server does not answer (it is {})", facts.state.word())));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
