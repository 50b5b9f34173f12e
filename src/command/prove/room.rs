//! One environment for proving: variants are judged in it one after the other.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use super::variants::{Variant, wrongs};
use crate::catalog::discover::Outline;
use crate::command::Failure;
use crate::command::app::{App, Opened};
use crate::command::pristine::{meant, pristine, remove_all};
use crate::command::trouble::up_to_judge;
use crate::command::verify::{fresh_seed, round};
use crate::docker::DockerEngine;
use crate::environment::engine::Engine;
use crate::environment::intent::Journal;
use crate::environment::lock::Lock;
use crate::lab::GoalId;
use crate::lab::id::InstanceName;
use crate::lab::report::LabReport;
use crate::lab::view::CellRow;
use crate::workspace::tree::ignored;

/// What every instance made for proving is called, before a number of its own.
const PREFIX: &str = "prove-";

/// An environment of its own, which never touches the learner's.
pub(super) struct Room<'a> {
    app: &'a App,
    engine: &'a DockerEngine,
    pub opened: Opened,
    _lock: Lock,
    /// Holds the workspace; removed when the room is.
    _folder: tempfile::TempDir,
}

impl<'a> Room<'a> {
    /// Makes a workspace and takes an instance's name; nothing runs yet.
    ///
    /// # Errors
    /// The lab has mistakes, or no folder can be made.
    pub fn new(app: &'a App, engine: &'a DockerEngine, outline: &Outline) -> Result<Self, Failure> {
        let failed = |error| Failure::engine(format!("no temporary folder: {error}"));
        let folder = tempfile::tempdir().map_err(failed)?;
        // The engine's mounts need a folder that other users can enter.
        open_to_all(folder.path())?;
        let workspace = folder.path().join("workspace");
        std::fs::create_dir_all(&workspace).map_err(failed)?;
        let mut opened = app.open_at(outline, &workspace)?;
        let instance = format!("{PREFIX}{:x}", fresh_seed());
        opened.identity.instance = InstanceName::new(&instance).map_err(|error| Failure::usage(error.to_string()))?;
        opened.folder = app.state.join("environments").join(format!("{}--{instance}", opened.lab.id));
        opened.journal = Journal::new(&opened.folder);
        for service in opened.lab.stack.services.values_mut() {
            // Proving needs no ports of this machine, and the learner's own may be in use.
            service.ports.iter_mut().for_each(|port| port.published = None);
        }
        let lock = app.lock(&opened)?;
        Ok(Self { app, engine, opened, _lock: lock, _folder: folder })
    }

    /// Judges one variant.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn cell(&self, variant: &Variant, number: usize) -> Result<(CellRow, LabReport), Failure> {
        let began = Instant::now();
        let seed = fresh_seed();
        let (app, opened) = (self.app, &self.opened);
        variant.files.materialise(&opened.workspace, &ignored(&opened.lab.workspace_ignore))?;
        // Data of one variant must not help or hurt the next.
        pristine(app, opened, self.engine, &meant(opened, &[])).await?;
        let mut up = up_to_judge(app, opened, self.engine).await?;
        let asked: BTreeSet<GoalId> = opened.lab.goals.iter().map(|goal| goal.id.clone()).collect();
        let report = round(app, opened, &mut up, &asked, seed, None).await?;
        let row = CellRow {
            variant: variant.name.clone(),
            round: number,
            verdicts: report.goals.iter().map(|goal| (goal.goal.to_string(), goal.verdict.word().to_owned())).collect(),
            wrong: wrongs(&variant.must, &report),
            seed,
            took: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        };
        Ok((row, report))
    }

    /// Removes the environment; returns the names of what is on the engine all the same.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn close(self) -> Result<Vec<String>, Failure> {
        remove_all(self.app, &self.opened, self.engine).await?;
        let left = self.engine.observe(&self.opened.identity).await?;
        // An environment of our own leaves no trace.
        let _ = std::fs::remove_dir_all(&self.opened.folder);
        let containers = left.containers.iter().map(|one| one.name.clone());
        Ok(containers.chain(left.networks.iter().chain(&left.volumes).map(|one| one.name.clone())).collect())
    }
}

/// Removes what an earlier run that was killed has left: rooms that nobody holds.
///
/// # Errors
/// The engine refuses.
pub(super) async fn sweep(app: &App, engine: &DockerEngine) -> Result<(), Failure> {
    for identity in engine.environments().await?.into_iter().filter(|one| one.instance.as_str().starts_with(PREFIX)) {
        let folder = app.state.join("environments").join(format!("{}--{}", identity.lab, identity.instance));
        // One that is held belongs to a run beside this one, and so may one that this machine's records do not know.
        let known = folder.is_dir();
        if known && let Ok(_lock) = Lock::take(&folder, &app.typed) {
            let observed = engine.observe(&identity).await?;
            crate::environment::apply::remove(engine, &observed, app.sink.as_ref()).await?;
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
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
