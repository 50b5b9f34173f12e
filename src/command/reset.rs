//! `reset`, `undo`, `stop`: back to pristine, and nothing of the learner's lost.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::app::{App, Opened};
use super::pristine::{Pristine, meant, pristine};
use super::up::{recover, up};
use super::{Failure, Outcome, exit_code};
use crate::check::fingerprint;
use crate::environment::ContainerState;
use crate::environment::engine::Engine;
use crate::environment::intent::Intent;
use crate::event::{Event, ServiceState};
use crate::lab::view::View;
use crate::lab::{Owner, ServiceName};
use crate::workspace::solution::Solution;
use crate::workspace::tree::ignored;

/// What `reset` was asked to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResetRequest {
    /// The files too: the workspace becomes the starter again.
    pub workspace: bool,
    /// Only say what would be lost and kept.
    pub plan: bool,
}

struct Asked<'a> {
    /// None named means all.
    services: &'a [String],
    workspace: bool,
    plan: bool,
}

/// Makes services (all, when none is named) anew with their data, and the workspace if asked.
///
/// # Errors
/// The engine refuses; a service is unknown; the workspace cannot be saved.
pub async fn reset(app: &App, words: &[String], request: &ResetRequest) -> Result<Outcome, Failure> {
    let (outline, services) = app.lab_and(words)?;
    let opened = app.open(&outline)?;
    let request = &Asked { services, workspace: request.workspace, plan: request.plan };
    for service in request.services {
        if !opened.lab.stack.services.contains_key(service.as_str()) {
            return Err(super::inside::no_service(&opened.lab, service));
        }
    }
    if request.plan {
        return Ok(Outcome::ok(View::Plan {
            title: format!("reset {} would", opened.identity),
            steps: plan(&opened, request),
        }));
    }
    let engine = super::doctor::engine(app).await?;
    let lock = app.lock(&opened)?;
    let record = app.record()?;
    recover(app, &opened, &engine).await?;
    super::carrying::bring_back(app, &opened, &engine, &lock).await;
    let mut done = Vec::new();
    if request.workspace {
        let solution = Solution::read(&opened.lab.folder, &opened.lab.starter)?;
        solution.starter().no_link_in_the_way(&opened.workspace)?;
        let snapshot = opened.saves.save(&opened.workspace)?;
        let saved = Some((snapshot.as_str(), opened.workspace.as_path()));
        record.add_reset(opened.lab.id.as_str(), app.instance.as_str(), "workspace", saved, &app.now())?;
        let intent = Intent::Starter { workspace: Some(opened.workspace.clone()) };
        opened.journal.begin(&intent)?;
        starter_again(&opened, &opened.workspace)?;
        opened.journal.done(&intent)?;
        done.push("the workspace is the starter again (`labrunner undo` takes that back)".to_owned());
    }
    if !request.workspace || !request.services.is_empty() {
        let intent = Intent::Reset { services: request.services.to_vec() };
        opened.journal.begin(&intent)?;
        let pristine = pristine(app, &opened, &engine, &meant(&opened, request.services)).await?;
        opened.journal.done(&intent)?;
        let what = if request.services.is_empty() { "all services".to_owned() } else { request.services.join(", ") };
        record.add_reset(opened.lab.id.as_str(), app.instance.as_str(), &what, None, &app.now())?;
        done.extend(said(&pristine));
    }
    let up = up(app, &opened, &engine).await?;
    let down: Vec<String> =
        up.failed.iter().map(|(service, why)| format!("`{service}` is not ready: {}", why.reason)).collect();
    let labs_own = up.failed.keys().any(|service| opened.lab.owner_of(service) == Owner::Lab);
    done.extend(down);
    if done.is_empty() {
        let lab = &opened.lab.id;
        done.push(format!(
            "{lab} runs nothing that could be reset; `labrunner reset {lab} --workspace` resets your files"
        ));
    }
    let code = if labs_own { exit_code::UNDECIDED } else { exit_code::OK };
    Ok(Outcome { code, view: View::Done { text: done.join("\n") } })
}

/// Finishes a change of a workspace that a killed command has left half done: of that one, whichever is the lab's now.
///
/// # Errors
/// A file cannot be read or written.
pub fn finish_workspace(app: &App, opened: &Opened, intent: &Intent) -> Result<(), Failure> {
    let Some(workspace) = intent.workspace() else { return Ok(()) };
    let workspace = workspace.unwrap_or(&opened.workspace);
    if !workspace.exists() {
        // Somebody has removed it meanwhile, and does not want it back.
        return Ok(());
    }
    // Somebody may have gone on working in the half-changed files.
    let kept = opened.saves.save(workspace)?;
    let text = format!(
        "an interrupted change of the workspace `{}` is finished first; its files as they were are kept in `{}`",
        workspace.display(),
        opened.saves.path(&kept).display()
    );
    app.sink.emit(Event::Note { text });
    match intent {
        Intent::Workspace { snapshot, .. } => Ok(opened.saves.restore(snapshot, workspace)?),
        _ => starter_again(opened, workspace),
    }
}

/// Makes a workspace the starter; files that the lab's ignore list names stay.
///
/// # Errors
/// A file cannot be read or written.
fn starter_again(opened: &Opened, workspace: &Path) -> Result<(), Failure> {
    let solution = Solution::read(&opened.lab.folder, &opened.lab.starter)?;
    Ok(solution.starter().materialise(workspace, &ignored(&opened.lab.workspace_ignore))?)
}

/// What was done, a line for each way.
fn said(pristine: &Pristine) -> Vec<String> {
    let line = |services: &BTreeSet<ServiceName>, what: &str| {
        let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
        (!names.is_empty()).then(|| format!("{}: {what}", names.join(", ")))
    };
    let lines = [
        line(&pristine.emptied, "emptied, and found to be as when new"),
        line(&pristine.removed, "made anew, with empty data"),
        line(&pristine.stopped, "started again, because it uses what was reset"),
    ];
    lines.into_iter().flatten().collect()
}

fn plan(opened: &Opened, request: &Asked<'_>) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    let all = request.services.is_empty();
    if request.workspace {
        steps.push((
            "replace the workspace by the starter".into(),
            "it is saved first; `labrunner undo` brings it back".into(),
        ));
    }
    if !request.workspace || !all {
        let meant = meant(opened, request.services);
        for (name, service) in opened.lab.stack.services.iter().filter(|(name, _)| meant.contains(*name)) {
            let step = match opened.lab.reset.contains_key(name) || fingerprint::empties(service) {
                true => format!("empty `{name}`, or make it anew if it is not as when new after that"),
                false => format!("make `{name}` anew"),
            };
            steps.push((step, "its data is lost, and cannot be brought back".into()));
        }
    }
    steps.push(("keep the record".into(), "nothing of it is ever lost".into()));
    if !request.workspace {
        steps.push(("keep the workspace".into(), "files are only replaced with `--workspace`".into()));
    }
    steps
}

/// Takes the last reset of the workspace back.
///
/// # Errors
/// There is nothing to take back, or a file cannot be written.
pub fn undo(app: &App, name: Option<&str>) -> Result<Outcome, Failure> {
    let opened = app.open(&app.choose(name)?)?;
    let _lock = app.lock(&opened)?;
    let back = |more: &str| {
        let text = format!("the workspace `{}` is back as it was{more}", opened.workspace.display());
        Ok(Outcome::ok(View::Done { text }))
    };
    let here = |intent: &Intent| intent.workspace().is_some_and(|one| one.is_none_or(|one| one == opened.workspace));
    let unfinished: Vec<Intent> = opened.journal.open_intents()?.into_iter().filter(here).collect();
    // An undo that was interrupted is what is asked for; a reset need not be finished to be taken back.
    if let Some(undo) = unfinished.iter().find(|intent| matches!(intent, Intent::Workspace { .. })) {
        finish_workspace(app, &opened, undo)?;
        for intent in &unfinished {
            opened.journal.done(intent)?;
        }
        return back("");
    }
    let record = app.record()?;
    let (lab, instance) = (opened.lab.id.as_str(), app.instance.as_str());
    let Some(snapshot) = record.last_snapshot(lab, instance, &opened.workspace)? else {
        let workspace = opened.workspace.display();
        return Err(Failure::usage(format!(
            "the workspace `{workspace}` of {lab} was not reset: there is nothing to undo"
        )));
    };
    // Undoing is a change like any other: what is there now is saved too, so that it can be undone.
    let now = opened.saves.save(&opened.workspace)?;
    let intent = Intent::Workspace { snapshot: snapshot.clone(), workspace: Some(opened.workspace.clone()) };
    opened.journal.begin(&intent)?;
    for intent in &unfinished {
        opened.journal.done(intent)?;
    }
    record.add_reset(lab, instance, "undo", Some((&now, &opened.workspace)), &app.now())?;
    opened.saves.restore(&snapshot, &opened.workspace)?;
    opened.journal.done(&intent)?;
    back("; `labrunner undo` once more returns here")
}

/// Stops the services; data stays.
///
/// # Errors
/// The engine refuses.
pub async fn stop(app: &App, name: Option<&str>) -> Result<Outcome, Failure> {
    let opened = app.open(&app.choose(name)?)?;
    let engine = app.engine().await?;
    let _lock = app.lock(&opened)?;
    recover(app, &opened, &engine).await?;
    let observed = engine.observe(&opened.identity).await?;
    let running =
        observed.containers.iter().filter(|one| !matches!(one.state, ContainerState::Exited | ContainerState::Created));
    let stops = running.map(|one| async {
        if one.state == ContainerState::Paused {
            engine.unpause(&one.id).await?;
        }
        let grace = opened.lab.stack.services.get(&one.service).and_then(|service| service.stop_grace_period);
        engine.stop(&one.id, grace.unwrap_or(Duration::from_secs(10))).await?;
        app.sink.emit(Event::Service { service: one.service.clone(), state: ServiceState::Stopped });
        Ok::<(), crate::environment::EngineError>(())
    });
    let stopped = futures_util::future::join_all(stops).await;
    let count = stopped.len();
    stopped.into_iter().collect::<Result<Vec<_>, _>>()?;
    let text = match count {
        0 => format!("{} does not run", opened.identity),
        _ => format!("{} is stopped; its data stays, `labrunner start` goes on", opened.identity),
    };
    Ok(Outcome::ok(View::Done { text }))
}
