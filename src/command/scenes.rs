//! The environments that checks are judged in: the learner's, and the lab's throwaway copies of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OnceCell;

use super::app::{App, Opened};
use super::failure::Failure;
use super::throwaway::{Purpose, Throwaway};
use super::trouble::{trouble, up_to_judge};
use super::up::Up;
use crate::check::blame::Unready;
use crate::check::steps::perform;
use crate::check::world::Unobservable;
use crate::check::{Scene, Scenes, World};
use crate::docker::DockerEngine;
use crate::docker::world::DockerWorld;
use crate::environment::ready::NotReady;
use crate::event::{Event, Quiet};
use crate::lab::{Files, Owner, StackCopy};
use crate::workspace::solution::Solution;
use crate::workspace::tree::ignored;

/// Environments, each made when a check first asks for it.
pub(super) struct Stage<'a> {
    app: App,
    opened: &'a Opened,
    engine: DockerEngine,
    files: &'a crate::workspace::tree::Tree,
    main: Scene<DockerWorld>,
    copies: BTreeMap<String, OnceCell<Result<Copy, Unobservable>>>,
}

struct Copy {
    inner: Throwaway,
    scene: Scene<DockerWorld>,
}

impl<'a> Stage<'a> {
    /// The learner's environment, up as it is.
    pub async fn new(app: &App, opened: &'a Opened, up: &'a Up) -> Self {
        let copies = opened.lab.stacks.keys().map(|name| (name.clone(), OnceCell::new())).collect();
        let main = scene(opened, up).await;
        let app = App { sink: Arc::new(Quiet(app.sink.clone())), ..app.clone() };
        Self { app, opened, engine: up.world.engine.clone(), files: &up.files, main, copies }
    }

    /// Removes every copy that was made.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn close(self) -> Result<(), Failure> {
        for copy in self.copies.into_values().filter_map(OnceCell::into_inner).flatten() {
            copy.inner.close(&self.app, &self.engine).await?;
        }
        Ok(())
    }

    async fn make(&self, name: &str, copy: &StackCopy) -> Result<Copy, Failure> {
        let text = format!("`{name}`, a copy of the environment, is started for a check");
        self.app.sink.emit(Event::Note { text });
        let outlines = self.app.outlines()?;
        let outline = outlines.iter().find(|one| one.id == self.opened.lab.id.as_str());
        let outline = outline.ok_or_else(|| Failure::usage(format!("{} is gone", self.opened.lab.id)))?;
        let mut inner = Throwaway::new(&self.app, outline, Purpose::Copy)?;
        let ignore = ignored(&inner.opened.lab.workspace_ignore);
        match copy.files {
            Files::Learner => self.files.materialise(&inner.opened.workspace, &ignore)?,
            Files::Starter => Solution::read(&inner.opened.lab.folder, &inner.opened.lab.starter)?
                .starter()
                .materialise(&inner.opened.workspace, &ignore)?,
        }
        let owners: Vec<_> = inner
            .opened
            .lab
            .stack
            .services
            .keys()
            .map(|name| (name.clone(), inner.opened.lab.owner_of(name)))
            .collect();
        for (service, owner) in owners {
            let Some(definition) = inner.opened.lab.stack.services.get_mut(&service) else { continue };
            definition.scale = copy.scale.get(&service).copied().unwrap_or(definition.scale);
            for (name, value) in copy.environment.iter().filter(|_| owner == Owner::Learner) {
                match value {
                    Some(value) => definition.environment.insert(name.clone(), value.clone()),
                    None => definition.environment.remove(name),
                };
            }
        }
        match self.start(&inner, copy).await {
            Ok(scene) => Ok(Copy { inner, scene }),
            Err(failure) => {
                inner.close(&self.app, &self.engine).await?;
                Err(failure)
            }
        }
    }

    async fn start(&self, inner: &Throwaway, copy: &StackCopy) -> Result<Scene<DockerWorld>, Failure> {
        let mut up = Box::pin(up_to_judge(&self.app, &inner.opened, &self.engine)).await?;
        if let Some(trouble) = trouble(&inner.opened, &mut up)? {
            return Err(Failure::engine(trouble.why));
        }
        let scene = scene(&inner.opened, &up).await;
        perform(&copy.setup, &scene.world).await.map_err(|why| Failure::engine(format!("its setup failed: {why}")))?;
        Ok(scene)
    }
}

impl Scenes for Stage<'_> {
    type World = DockerWorld;

    async fn scene(&self, stack: &str) -> Result<&Scene<DockerWorld>, Unobservable> {
        let (Some(cell), Some(copy)) = (self.copies.get(stack), self.opened.lab.stacks.get(stack)) else {
            return Ok(&self.main);
        };
        let made = cell
            .get_or_init(|| async {
                self.make(stack, copy).await.map_err(|failure| Unobservable::Machine(failure.message))
            })
            .await;
        made.as_ref().map(|copy| &copy.scene).map_err(Clone::clone)
    }
}

async fn scene(opened: &Opened, up: &Up) -> Scene<DockerWorld> {
    Scene {
        world: opened.world(&up.world.engine, up.world.images.clone()),
        constants: constants(opened, up).await,
        unready: unready(up),
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
