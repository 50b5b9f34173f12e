//! Files for an engine that does not see this machine's: brought to it before services start, and back when they
//! have written some.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::app::{App, Carrying, Opened};
use super::failure::Failure;
use super::notes::Notes;
use crate::docker::DockerEngine;
use crate::environment::carried::{self, Load, carried};
use crate::environment::engine::{Engine, Observed};
use crate::environment::lock::Lock;
use crate::environment::wanted::{VolumeSpec, volume_name};
use crate::event::Event;
use crate::workspace::tree::{Content, Tree, ignored, ignored_names};

/// Decides whether the environment's files are mounted or copied, unless `LABRUNNER_FILES` says it; what an engine
/// behind a socket sees is asked once.
///
/// # Errors
/// The variable says something else than `auto`, `mount` or `copy`; the engine does not answer; a file that is bound
/// cannot be read.
pub async fn decide(app: &App, opened: &Opened, engine: &DockerEngine, notes: &mut Notes) -> Result<(), Failure> {
    let copied = match app.environment.get("LABRUNNER_FILES").map(String::as_str) {
        Some("copy") => true,
        Some("mount") => false,
        None | Some("" | "auto") if !engine.is_local() => true,
        None | Some("" | "auto") => match notes.files_seen {
            Some(seen) => !seen,
            None => !*notes.files_seen.insert(engine.sees_files().await?),
        },
        Some(other) => {
            let failure = Failure::usage(format!("LABRUNNER_FILES is `{other}`"));
            return Err(failure.hint("it has to be `auto`, `mount` or `copy`"));
        }
    };
    notes.copied = copied;
    prepare(opened, copied)
}

fn prepare(opened: &Opened, copied: bool) -> Result<(), Failure> {
    let own = [opened.workspace.as_path(), opened.lab.folder.as_path()];
    let carrying = if copied {
        let made = carried(&opened.lab.stack, &own);
        let (stack, folders) =
            made.map_err(|error| Failure::engine(format!("a file that a service mounts cannot be read: {error}")))?;
        Some(Carrying { stack, folders })
    } else {
        None
    };
    opened.set_carrying(carrying);
    Ok(())
}

/// Brings what changed here to the engine, and what services have written there back. What changed on both sides
/// is as it is here.
///
/// # Errors
/// The engine refuses, a file cannot be read or written.
pub async fn carry(
    opened: &Opened,
    engine: &DockerEngine,
    notes: &mut Notes,
    observed: &Observed,
) -> Result<(), Failure> {
    let Some(carrying) = opened.carrying() else { return Ok(()) };
    let identity = &opened.identity;
    let ignore = ignored(&opened.lab.workspace_ignore);
    let (mut loads, mut trees) = (Vec::new(), Vec::new());
    for one in &carrying.folders {
        let name = volume_name(&carrying.stack, identity, &one.volume);
        let known = if observed.volumes.iter().any(|volume| volume.name == name) {
            notes.carried.get(&name).cloned().unwrap_or_default()
        } else {
            let labels = identity.resource_labels("volume", &one.volume);
            let driver_opts = BTreeMap::new();
            let spec = VolumeSpec { key: one.volume.clone(), name: name.clone(), labels, driver: None, driver_opts };
            engine.create_volume(&spec).await?;
            BTreeMap::new()
        };
        let tree = if one.folder.is_dir() { Tree::read(&one.folder, &ignore)? } else { Tree::default() };
        let hashes = tree.manifest();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        loads.push(Load {
            volume: name,
            write: tree
                .0
                .iter()
                .filter(|(path, _)| known.get(&text(path)) != hashes.get(&text(path)))
                .map(|(path, content)| (text(path), (content.bytes.clone(), content.executable)))
                .collect(),
            remove: known.keys().filter(|path| !hashes.contains_key(*path)).cloned().collect(),
            ignored: ignored_names(&opened.lab.workspace_ignore),
            owner: owner(&opened.workspace),
            known,
        });
        trees.push(tree);
    }
    for (number, path, bytes, executable) in engine.carry(identity, &loads).await? {
        let path = PathBuf::from(path);
        let within = path.components().all(|part| matches!(part, Component::Normal(_)));
        let counts = within && !ignore.matched_path_or_any_parents(&path, false).is_ignore();
        let Some(one) = carrying.folders.get(number) else { continue };
        // A link of the learner's may lead out of the workspace; nothing of a service's goes that way.
        let through_a_link = path.ancestors().any(|part| one.folder.join(part).is_symlink());
        if let (true, false, Some(tree)) = (counts, through_a_link, trees.get_mut(number)) {
            let content = Content { bytes, executable };
            content.write(&one.folder.join(&path))?;
            tree.0.insert(path, content);
        }
    }
    for (load, tree) in loads.into_iter().zip(trees) {
        notes.carried.insert(load.volume, tree.manifest());
    }
    notes.write(&opened.folder)
}

/// Brings back what services have written, where files were copied: what is on the engine decides that, whatever would
/// be decided now. For a command that holds the environment.
///
/// # Errors
/// The engine refuses, a file cannot be read or written, the files are those of another workspace.
pub async fn brought_back(opened: &Opened, engine: &DockerEngine, _lock: &Lock) -> Result<(), Failure> {
    let observed = engine.observe(&opened.identity).await?;
    let mut keys =
        observed.volumes.iter().map(|volume| volume.key.as_str()).filter(|key| carried::is_key(key)).peekable();
    if keys.peek().is_none() {
        return Ok(());
    }
    if !keys.any(|key| key == carried::key(&opened.workspace)) {
        return Err(Failure::engine(
            "they are those of another workspace; a start with that `--workspace` brings them back",
        ));
    }
    prepare(opened, true)?;
    carry(opened, engine, &mut Notes::read(&opened.folder), &observed).await
}

/// The same; a failure is told, and stands in nobody's way.
pub async fn bring_back(app: &App, opened: &Opened, engine: &DockerEngine, lock: &Lock) {
    if let Err(failure) = brought_back(opened, engine, lock).await {
        let text = format!("files that services have written could not be brought back: {}", failure.message);
        app.sink.emit(Event::Note { text });
    }
}

/// The same after a command that holds no lock: where another one holds the environment, that one brings files back.
pub async fn bring_back_if_free(app: &App, opened: &Opened, engine: &DockerEngine) {
    if let Ok(lock) = app.lock(opened) {
        bring_back(app, opened, engine, &lock).await;
    }
}

/// Numbers of the user and the group that a folder belongs to.
#[cfg(unix)]
pub(super) fn owner(folder: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    folder.metadata().ok().map(|facts| (facts.uid(), facts.gid()))
}

#[cfg(not(unix))]
pub(super) fn owner(_: &Path) -> Option<(u32, u32)> {
    None
}
