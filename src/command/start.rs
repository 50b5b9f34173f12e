//! `start`: a workspace, the images, the stack, and the first task.

use std::path::Path;
use std::time::Instant;

use super::app::{App, Opened};
use super::up::{Up, planned, up};
use super::{Failure, Outcome, exit_code};
use crate::environment::engine::Observed;
use crate::event::Event;
use crate::lab::view::{StartView, View};
use crate::lab::{Lab, Owner};
use crate::record::Record;
use crate::workspace::solution::Solution;
use crate::workspace::tree::{Tree, ignored};

/// Starts a lab. `workspace` is a folder of the learner's own, remembered from now on.
///
/// # Errors
/// The lab has mistakes, the engine cannot be reached, an image cannot be had, another command holds the lab.
pub async fn start(app: &App, name: Option<&str>, workspace: Option<&Path>, dry_run: bool) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let outline = app.choose(name)?;
    let opened = match workspace {
        Some(folder) if folder.is_dir() => app.open_at(&outline, folder)?,
        Some(folder) => {
            return Err(Failure::usage(format!("there is no folder `{}`", folder.display()))
                .hint("`--workspace` takes a project that exists"));
        }
        None => app.open(&outline)?,
    };
    let engine = super::doctor::engine(app).await?;
    let _lock = app.lock(&opened)?;
    if dry_run {
        let mut steps = Vec::new();
        if !opened.workspace.exists() {
            let step = format!("make the workspace {}", opened.workspace.display());
            steps.push((step, "it is not there; made from the starter".to_owned()));
        }
        steps.extend(planned(app, &opened, &engine).await?);
        return Ok(Outcome::ok(View::Plan { title: format!("start {} would", opened.identity), steps }));
    }
    let record = app.record()?;
    if workspace.is_some() {
        record.set_workspace(opened.lab.id.as_str(), app.instance.as_str(), &opened.workspace, &app.now())?;
    }
    app.sink.emit(Event::StartBegan { lab: opened.lab.id.clone(), services: opened.lab.stack.services.len() });
    let created = make_workspace(&opened)?;
    let up = up(app, &opened, &engine).await?;
    let urls = urls(&up.observed, engine.is_local());
    let labs_own = up.failed.keys().any(|service| opened.lab.owner_of(service) == Owner::Lab);
    let view = StartView {
        lab: opened.lab.id.to_string(),
        title: opened.lab.title.clone(),
        workspace: opened.workspace.clone(),
        created,
        urls,
        not_ready: not_ready(&up),
        task: next_task(&opened.lab, &record)?,
        took: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        begun: up.begun.len(),
    };
    let code = if labs_own { exit_code::UNDECIDED } else { exit_code::OK };
    Ok(Outcome { code, view: View::Start(view) })
}

/// Services that are not ready: name, why, last lines.
pub fn not_ready(up: &Up) -> Vec<(String, String, Vec<String>)> {
    up.failed.iter().map(|(service, why)| (service.to_string(), why.reason.clone(), why.log.clone())).collect()
}

/// Makes the workspace from the starter, unless there is one. Never writes into one that exists.
///
/// # Errors
/// The starter cannot be read or the workspace not be written.
pub fn make_workspace(opened: &Opened) -> Result<bool, Failure> {
    let exists = std::fs::read_dir(&opened.workspace).is_ok_and(|mut entries| entries.next().is_some());
    if exists {
        return Ok(false);
    }
    let solution = Solution::read(&opened.lab.folder, &opened.lab.starter)?;
    lay_out(solution.starter(), &opened.workspace)?;
    Ok(true)
}

/// Makes a workspace of these files: beside and renamed, so that it is whole or not there, whenever this is killed.
///
/// # Errors
/// It cannot be written.
pub fn lay_out(files: &Tree, workspace: &Path) -> Result<(), Failure> {
    let name = workspace.file_name().unwrap_or_default().to_string_lossy();
    let beside = workspace.with_file_name(format!(".{name}.new"));
    let failed = |error: std::io::Error| {
        Failure::engine(format!("cannot make the workspace `{}`: {error}", workspace.display()))
    };
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(failed)?;
    }
    files.materialise(&beside, &ignored(&[]))?;
    std::fs::rename(&beside, workspace).map_err(failed)
}

fn urls(observed: &Observed, local: bool) -> Vec<(String, String)> {
    let mut urls: Vec<(String, String)> = observed
        .containers
        .iter()
        .flat_map(|one| one.ports.iter().map(|(target, _, host)| (one.service.to_string(), *target, *host)))
        .map(|(service, target, host)| (service, address(target, host)))
        .map(|(service, url)| match local {
            true => (service, url),
            false => (service, format!("{url} on the engine's machine")),
        })
        .collect();
    urls.sort();
    urls.dedup();
    urls
}

/// The first goal that has not been reached and whose requirements have.
///
/// # Errors
/// The record cannot be read.
pub fn next_task(lab: &Lab, record: &Record) -> Result<Option<(String, String)>, Failure> {
    let states = record.goal_states(lab.id.as_str())?;
    let reached = |id: &str| states.get(id).is_some_and(|state| state.now.as_deref() == Some("passed"));
    let next = lab
        .goals
        .iter()
        .find(|goal| !reached(goal.id.as_str()) && goal.requires.iter().all(|required| reached(required.as_str())));
    Ok(next.map(|goal| (goal.id.to_string(), goal.task.clone())))
}

/// What is typed to get to a published port; by the number inside, as registered with IANA, and a page where it says
/// nothing.
pub(super) fn address(target: u16, host: u16) -> String {
    match target {
        22 | 25 | 1025 | 5432 | 5672 | 6379 | 9092 => format!("127.0.0.1:{host}"),
        443 | 8443 => format!("https://127.0.0.1:{host}/"),
        _ => format!("http://127.0.0.1:{host}/"),
    }
}
