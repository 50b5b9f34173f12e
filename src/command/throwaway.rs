//! Environments that are made for a while and never touch the learner's: rooms of `prove`, copies for checks.

use std::path::{Path, PathBuf};

use super::app::{App, Opened};
use super::failure::Failure;
use super::pristine::remove_all;
use super::verify::fresh_seed;
use crate::catalog::discover::Outline;
use crate::docker::DockerEngine;
use crate::environment::Identity;
use crate::environment::engine::{Engine, Observed};
use crate::environment::intent::Journal;
use crate::environment::lock::Lock;
use crate::event::Event;
use crate::lab::id::InstanceName;
use crate::lab::practical::Practicals;
use crate::lab::stack::Stack;

/// What a throwaway environment is for; its instance's name begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Prove,
    /// One of the lab's `stacks`.
    Copy,
}

/// Folders of runs that are younger than this are left alone.
const YOUNG: std::time::Duration = std::time::Duration::from_secs(600);

impl Purpose {
    /// What an instance of this name was made for; `None` for a learner's own.
    pub fn of(instance: &InstanceName) -> Option<Self> {
        [Purpose::Prove, Purpose::Copy].into_iter().find(|purpose| instance.as_str().starts_with(purpose.prefix()))
    }

    fn is_of(self, identity: &Identity) -> bool {
        Self::of(&identity.instance) == Some(self)
    }

    fn prefix(self) -> &'static str {
        match self {
            Purpose::Prove => "prove-",
            Purpose::Copy => "copy-",
        }
    }
}

/// An environment of its own, with a workspace of its own.
pub struct Throwaway {
    pub opened: Opened,
    _lock: Lock,
    /// Holds the workspace; removed when this is.
    _folder: tempfile::TempDir,
}

impl Throwaway {
    /// Makes an empty workspace and takes an instance's name; nothing runs yet.
    ///
    /// # Errors
    /// The lab has mistakes, or no folder can be made.
    pub fn new(app: &App, outline: &Outline, purpose: Purpose) -> Result<Self, Failure> {
        let failed = |error| Failure::engine(format!("no temporary folder: {error}"));
        let folder = tempfile::tempdir().map_err(failed)?;
        // The engine's mounts need a folder that other users can enter.
        open_to_all(folder.path())?;
        let workspace = folder.path().join("workspace");
        std::fs::create_dir_all(&workspace).map_err(failed)?;
        let mut opened = app.open_at(outline, &workspace)?;
        let instance = format!("{}{:x}", purpose.prefix(), fresh_seed());
        opened.identity.instance = InstanceName::new(&instance).map_err(|error| Failure::usage(error.to_string()))?;
        opened.folder = folder_of(app, &opened.identity);
        opened.journal = Journal::new(&opened.folder);
        if purpose == Purpose::Prove {
            opened.practicals = Practicals::OfVariant;
        }
        unpublish(&mut opened.lab.stack);
        let lock = app.lock(&opened)?;
        Ok(Self { opened, _lock: lock, _folder: folder })
    }

    /// Removes the environment; returns what is on the engine all the same.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn close(&self, app: &App, engine: &DockerEngine) -> Result<Observed, Failure> {
        if let Err(failure) = remove_all(app, &self.opened, engine).await {
            app.sink.emit(Event::Warning { text: failure.message });
        }
        // What was built for it goes with it; the engine's build cache keeps what the next one can use.
        forget_images(app, engine, &self.opened.identity).await;
        let left = engine.observe(&self.opened.identity).await?;
        if left.is_empty() {
            // An environment of our own leaves no trace; what could not be removed, the next run tries again.
            let _ = std::fs::remove_dir_all(&self.opened.folder);
        }
        Ok(left)
    }
}

async fn forget_images(app: &App, engine: &DockerEngine, identity: &Identity) {
    if let Err(error) = engine.forget_images(identity, false).await {
        app.sink.emit(Event::Warning { text: error.to_string() });
    }
}

/// Such an environment needs no ports of this machine, and the learner's own may be in use.
pub fn unpublish(stack: &mut Stack) {
    stack.services.values_mut().flat_map(|service| &mut service.ports).for_each(|port| port.published = None);
}

/// Removes what an earlier run that was killed has left: environments that nobody holds.
///
/// # Errors
/// The engine refuses.
pub async fn sweep(app: &App, engine: &DockerEngine, purpose: Purpose) -> Result<(), Failure> {
    let environments = engine.environments().await?;
    for identity in environments.iter().filter(|one| purpose.is_of(one)) {
        let folder = folder_of(app, identity);
        // One that is held belongs to a run beside this one, and so may one that this machine's records do not know.
        let known = folder.is_dir();
        if known && let Ok(_lock) = Lock::take(&folder, &app.typed) {
            let observed = engine.observe(identity).await?;
            // Its folder stays: the engine may still be at a call of the killed run, and what comes of that is known by
            // the folder to be ours. It goes when nothing has come for a while.
            if let Err(error) = crate::environment::apply::remove(engine, &observed, app.sink.as_ref()).await {
                let text = format!("something of an earlier run cannot be removed: {error}");
                app.sink.emit(Event::Warning { text });
            }
        }
    }
    for identity in left_behind(app, purpose) {
        let folder = folder_of(app, &identity);
        if let Ok(_lock) = Lock::take(&folder, &app.typed) {
            // Also of one that was killed while it built, and had nothing else on the engine yet.
            forget_images(app, engine, &identity).await;
        }
    }
    forget_folders(app, purpose, &environments);
    Ok(())
}

/// The environments whose folders are there.
fn left_behind(app: &App, purpose: Purpose) -> Vec<Identity> {
    let folders = std::fs::read_dir(app.state.join("environments")).into_iter().flatten().flatten();
    let all = folders.filter_map(|folder| Identity::of_key(folder.file_name().to_str()?));
    all.filter(|identity| purpose.is_of(identity)).collect()
}

/// Where an environment's lock, journal and notes are.
pub(super) fn folder_of(app: &App, identity: &Identity) -> PathBuf {
    app.state.join("environments").join(identity.key())
}

/// Removes the folders of runs that were killed and have nothing on the engine.
fn forget_folders(app: &App, purpose: Purpose, on_engine: &[Identity]) {
    for identity in left_behind(app, purpose).iter().filter(|identity| !on_engine.contains(identity)) {
        let folder = folder_of(app, identity);
        // A run that begins just now has a folder first and its lock a moment later.
        let age = folder.metadata().and_then(|facts| facts.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > YOUNG)
            && let Ok(_lock) = Lock::take(&folder, &app.typed)
        {
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(unix)]
fn open_to_all(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| Failure::engine(format!("`{}`: {error}", path.display())))
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> Result<(), Failure> {
    Ok(())
}
