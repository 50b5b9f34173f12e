//! The environments that checks are judged in: the learner's, and the lab's throwaway copies of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;

use super::app::{App, Opened};
use super::disk_guard::DiskGuard;
use super::failure::Failure;
use super::own_stack::{self, take_over};
use super::replay;
use super::throwaway::{Purpose, Throwaway, unpublish};
use super::trouble::{trouble, up_to_judge};
use super::up::Up;
use crate::check::blame::Unready;
use crate::check::steps::perform;
use crate::check::world::{Observation, Unobservable};
use crate::check::{Scene, Scenes, World};
use crate::docker::DockerEngine;
use crate::docker::world::DockerWorld;
use crate::environment::ready::NotReady;
use crate::event::{Event, Quiet};
use crate::lab::change::Changes;
use crate::lab::{Files, Lab, Owner, StackCopy};
use crate::workspace::WorkspaceError;
use crate::workspace::change::apply;
use crate::workspace::solution::Solution;
use crate::workspace::tree::{Tree, ignored};

/// Environments, each made when a check first asks for it.
pub(super) struct Stage<'a> {
    app: App,
    opened: &'a Opened,
    engine: DockerEngine,
    files: &'a Tree,
    disk: &'a DiskGuard,
    main: Scene<DockerWorld>,
    copies: BTreeMap<String, OnceCell<Result<Copy, Unobservable>>>,
}

struct Copy {
    inner: Throwaway,
    /// It is taken away already.
    gone: AtomicBool,
    scene: Scene<DockerWorld>,
}

impl<'a> Stage<'a> {
    /// The learner's environment, up as it is.
    pub async fn new(app: &App, opened: &'a Opened, up: &'a Up) -> Self {
        let copies = opened.lab.stacks.keys().map(|name| (name.clone(), OnceCell::new())).collect();
        let main = scene(opened, up).await;
        let app = App { sink: Arc::new(Quiet(app.sink.clone())), ..app.clone() };
        Self { app, opened, engine: up.world.engine.clone(), files: &up.files, disk: &up.disk, main, copies }
    }

    /// Removes every copy that was made.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn close(self) -> Result<(), Failure> {
        self.take_away(&BTreeSet::new()).await
    }

    /// Removes the copies that were made and are not `needed`.
    async fn take_away(&self, needed: &BTreeSet<&str>) -> Result<(), Failure> {
        let made = self.copies.iter().filter(|(name, _)| !needed.contains(name.as_str()));
        for copy in made.filter_map(|(_, cell)| cell.get()?.as_ref().ok()) {
            if !copy.gone.swap(true, Ordering::Relaxed) {
                copy.inner.close(&self.app, &self.engine).await?;
            }
        }
        Ok(())
    }

    async fn make(&self, name: &str, copy: &StackCopy) -> Result<Copy, Unobservable> {
        if let Some(why) = self.disk.struck() {
            return Err(Unobservable::Machine(why.to_owned()));
        }
        let text = format!("`{name}`, a copy of the environment, is started for a check");
        self.app.sink.emit(Event::Note { text });
        let outlines = self.app.outlines().map_err(machine)?;
        let outline = outlines.iter().find(|one| one.id == self.opened.lab.id.as_str());
        let outline = outline.ok_or_else(|| Unobservable::Machine(format!("{} is gone", self.opened.lab.id)))?;
        let mut inner = Throwaway::new(&self.app, outline, Purpose::Copy).map_err(machine)?;
        self.disk.covers(&inner.opened.identity);
        let lab = &inner.opened.lab;
        // Read anew for the copy's own workspace.
        let copy = lab.stacks.get(name).cloned().unwrap_or_else(|| copy.clone());
        let copy = &copy;
        let mut files = match copy.files {
            Files::Learner => self.files.clone(),
            Files::Starter => Solution::read(&lab.folder, &lab.starter).map_err(machine)?.starter().clone(),
        };
        apply(&mut files, &copy.changes, &lab.folder).map_err(|error| unfit(copy.files, error))?;
        files.materialise(&inner.opened.workspace, &ignored(&lab.workspace_ignore)).map_err(machine)?;
        match &copy.compose {
            Some(own) => take_over(&mut inner.opened, own, copy)?,
            None => differ(&mut inner.opened.lab, copy),
        }
        match self.start(&inner, copy).await {
            Ok(scene) => Ok(Copy { inner, gone: AtomicBool::new(false), scene }),
            Err(problem) => {
                inner.close(&self.app, &self.engine).await.map_err(machine)?;
                Err(problem)
            }
        }
    }

    async fn start(&self, inner: &Throwaway, copy: &StackCopy) -> Result<Scene<DockerWorld>, Unobservable> {
        let scene = self.bring_up(&inner.opened, copy).await?;
        let setup = perform(&copy.setup, &scene.world).await;
        setup.map_err(|why| Unobservable::Machine(format!("its setup failed: {why}")))?;
        Ok(scene)
    }

    /// Brings a copy to where it should be; what does not get ready there is the learner's.
    async fn bring_up(&self, opened: &Opened, copy: &StackCopy) -> Result<Scene<DockerWorld>, Unobservable> {
        let mut up = Box::pin(up_to_judge(&self.app, opened, &self.engine)).await.map_err(machine)?;
        if let Some(trouble) = trouble(opened, &mut up).map_err(machine)? {
            return Err(Unobservable::Machine(trouble.why));
        }
        let mut scene = scene(opened, &up).await;
        if copy.compose.is_some() {
            scene.world.lab.ready.clone_from(&copy.ready);
            let late = own_stack::unready(&scene.world, copy).await;
            let known = scene.unready.get_mut().unwrap_or_else(PoisonError::into_inner);
            for (service, why) in late {
                known.entry(service).or_insert(why);
            }
        }
        Ok(scene)
    }

    /// Brings a copy up once more; it stays the one that checks know.
    async fn bring_up_again(&self, stack: &str, copy: &Copy) -> Result<(), Unobservable> {
        let Some(meant) = self.opened.lab.stacks.get(stack) else { return Ok(()) };
        let fresh = self.bring_up(&copy.inner.opened, meant).await?;
        *copy.scene.world.images.lock().unwrap_or_else(PoisonError::into_inner) = fresh.world.images();
        copy.scene.world.forget();
        let unready = fresh.unready.into_inner().unwrap_or_else(PoisonError::into_inner);
        *copy.scene.unready.lock().unwrap_or_else(PoisonError::into_inner) = unready;
        Ok(())
    }

    async fn copy(&self, stack: &str) -> Option<Result<&Copy, Unobservable>> {
        let (cell, copy) = (self.copies.get(stack)?, self.opened.lab.stacks.get(stack)?);
        Some(cell.get_or_init(|| self.make(stack, copy)).await.as_ref().map_err(Clone::clone))
    }
}

impl Scenes for Stage<'_> {
    type World = DockerWorld;

    async fn scene(&self, stack: &str) -> Result<&Scene<DockerWorld>, Unobservable> {
        match self.copy(stack).await {
            Some(copy) => copy.map(|copy| &copy.scene),
            None => Ok(&self.main),
        }
    }

    async fn release(&self, needed: &BTreeSet<&str>) {
        if let Err(failure) = self.take_away(needed).await {
            self.app.sink.emit(Event::Warning { text: failure.message });
        }
    }

    async fn change(&self, stack: &str, changes: &Changes) -> Result<(), Unobservable> {
        let Some(copy) = self.copy(stack).await else {
            return Err(Unobservable::Definition("`change` would edit the learner's own files".into()));
        };
        let copy = copy?;
        let opened = &copy.inner.opened;
        let ignore = ignored(&opened.lab.workspace_ignore);
        let mut files = Tree::read(&opened.workspace, &ignore).map_err(machine)?;
        let whose = self.opened.lab.stacks.get(stack).map_or(Files::Learner, |copy| copy.files);
        apply(&mut files, changes, &opened.lab.folder).map_err(|error| unfit(whose, error))?;
        files.materialise(&opened.workspace, &ignore).map_err(machine)?;
        // Whether the learner's own set-up notices a saved file is what is judged.
        if opened.as_written {
            return Ok(());
        }
        self.bring_up_again(stack, copy).await
    }

    async fn compose(&self, stack: &str, fields: &Value) -> Result<Observation, Unobservable> {
        let meant = self.opened.lab.stacks.get(stack).and_then(|copy| copy.compose.as_ref());
        let asked = |key: &str| fields[key].as_bool().unwrap_or(false);
        if !fields["files"].is_null() {
            let workspace = match self.copy(stack).await {
                Some(copy) => copy?.inner.opened.workspace.clone(),
                None => self.opened.workspace.clone(),
            };
            return own_stack::read(&workspace, fields, meant, &self.opened.lab.needs);
        }
        let (Some(copy), Some(_)) = (self.copy(stack).await, meant) else {
            let why = format!("`{stack}` is no stack with `compose`: it cannot be taken down and up");
            return Err(Unobservable::Definition(why));
        };
        let copy = copy?;
        if asked("down") {
            own_stack::down(&copy.inner.opened, &self.engine, asked("volumes")).await.map_err(machine)?;
            copy.scene.world.forget();
        }
        if asked("up") {
            self.bring_up_again(stack, copy).await?;
        }
        let unready = copy.scene.unready.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(own_stack::observed(&unready, copy.scene.world.services()))
    }

    async fn replay(&self, stack: &str, fields: &Value, limit: Duration) -> Result<Observation, Unobservable> {
        let (opened, world) = match self.copy(stack).await {
            Some(copy) => copy.map(|copy| (&copy.inner.opened, &copy.scene.world))?,
            None => (self.opened, &self.main.world),
        };
        replay::observe(&self.app, opened, world, fields, limit).await
    }
}

/// Makes a lab what its copy is to be.
fn differ(lab: &mut Lab, copy: &StackCopy) {
    if let Some(stack) = &copy.stack {
        lab.stack = stack.clone();
        unpublish(&mut lab.stack);
    }
    lab.ready.extend(copy.ready.clone());
    let owners: Vec<_> = lab.stack.services.keys().map(|name| (name.clone(), lab.owner_of(name))).collect();
    for (service, owner) in owners {
        let Some(definition) = lab.stack.services.get_mut(&service) else { continue };
        definition.scale = copy.scale.get(&service).copied().unwrap_or(definition.scale);
        for (name, value) in copy.environment.iter().filter(|_| owner == Owner::Learner) {
            match value {
                Some(value) => definition.environment.insert(name.clone(), value.clone()),
                None => definition.environment.remove(name),
            };
        }
    }
}

fn machine(failure: impl Into<Failure>) -> Unobservable {
    Unobservable::Machine(failure.into().message)
}

/// An edit that does not fit: the learner's files may be anything, the lab's own are as they are.
fn unfit(whose: Files, error: WorkspaceError) -> Unobservable {
    match (whose, error) {
        (Files::Learner, WorkspaceError::Variant(why)) => {
            Unobservable::Machine(format!("the workspace is not what this check knows how to change: {why}"))
        }
        (_, error) => Unobservable::Definition(error.to_string()),
    }
}

async fn scene(opened: &Opened, up: &Up) -> Scene<DockerWorld> {
    Scene {
        world: opened.world(&up.world.engine, up.world.images()),
        constants: constants(opened, up).await,
        unready: Mutex::new(unready(up)),
        clients: Default::default(),
    }
}

fn unready(up: &Up) -> Unready {
    let lines = |why: &NotReady| {
        let log = why.log.iter().rev().take(8).rev().cloned().collect();
        (why.reason.clone(), log)
    };
    up.failed.iter().map(|(service, why)| (service.clone(), lines(why))).collect()
}

async fn constants(opened: &Opened, up: &Up) -> BTreeMap<String, Value> {
    let mut map = BTreeMap::from([
        ("WORKSPACE".to_owned(), opened.workspace.display().to_string().into()),
        ("LAB".to_owned(), opened.lab.folder.display().to_string().into()),
    ]);
    for (name, service) in &opened.lab.stack.services {
        if let Some(port) = service.ports.first()
            && let Some(host) = up.world.published(name, port.target).await
        {
            map.insert(format!("PORT_{}", name.as_str().replace('-', "_")), host.into());
        }
    }
    map
}
