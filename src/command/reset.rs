//! `reset`, `undo`, `stop`, `down`: back to pristine, and nothing of the learner's lost.

use std::time::Duration;

use super::app::{App, Opened};
use super::up::{recover, remove_all, remove_services, up};
use super::{Failure, Outcome, exit_code};
use crate::docker::DockerEngine;
use crate::environment::engine::Engine;
use crate::environment::intent::Intent;
use crate::environment::{ContainerState, Identity};
use crate::event::{Event, ServiceState};
use crate::lab::Owner;
use crate::lab::view::View;
use crate::workspace::solution::Solution;
use crate::workspace::tree::ignored;

/// What `reset` was asked to do.
#[derive(Debug, Clone, Default)]
pub struct ResetRequest {
    pub services: Vec<String>,
    /// The files too: the workspace becomes the starter again.
    pub workspace: bool,
    /// Only say what would be lost and kept.
    pub plan: bool,
}

/// Makes services (all, when none is named) anew with their data, and the workspace if asked.
///
/// # Errors
/// The engine refuses; a service is unknown; the workspace cannot be saved.
pub async fn reset(app: &App, name: Option<&str>, request: &ResetRequest) -> Result<Outcome, Failure> {
    let opened = app.open(&app.choose(name)?)?;
    for service in &request.services {
        if !opened.lab.stack.services.contains_key(service.as_str()) {
            let known: Vec<&str> = opened.lab.stack.services.keys().map(|one| one.as_str()).collect();
            return Err(Failure::usage(format!("{} has no service `{service}`", opened.lab.id))
                .hint(format!("there are {}", known.join(", "))));
        }
    }
    if request.plan {
        return Ok(Outcome::ok(View::Plan {
            title: format!("reset {} would", opened.identity),
            steps: plan(&opened, request),
        }));
    }
    let engine = super::doctor::engine(app).await?;
    let _lock = app.lock(&opened)?;
    let record = app.record()?;
    recover(app, &opened, &engine).await?;
    let mut done = Vec::new();
    if request.workspace {
        let snapshot = opened.saves.save(&opened.workspace)?;
        record.add_reset(opened.lab.id.as_str(), app.instance.as_str(), "workspace", Some(&snapshot), &app.now())?;
        let solution = Solution::read(&opened.lab.folder, &opened.lab.starter)?;
        let kept = ignored(&opened.lab.workspace_ignore);
        solution.starter().materialise(&opened.workspace, &kept)?;
        done.push("the workspace is the starter again (`labrunner undo` takes that back)".to_owned());
    }
    if !request.workspace || !request.services.is_empty() {
        let intent = Intent::Reset { services: request.services.clone() };
        opened.journal.begin(&intent)?;
        remove_services(app, &opened, &engine, &request.services).await?;
        opened.journal.done(&intent)?;
        let what = if request.services.is_empty() { "all services".to_owned() } else { request.services.join(", ") };
        record.add_reset(opened.lab.id.as_str(), app.instance.as_str(), &what, None, &app.now())?;
        done.push(format!("{what}: made anew, with empty data"));
    }
    let up = up(app, &opened, &engine).await?;
    let down: Vec<String> =
        up.failed.iter().map(|(service, why)| format!("`{service}` is not ready: {}", why.reason)).collect();
    let labs_own = up.failed.keys().any(|service| opened.lab.owner_of(service) == Owner::Lab);
    done.extend(down);
    let code = if labs_own { exit_code::UNDECIDED } else { exit_code::OK };
    Ok(Outcome { code, view: View::Done { text: done.join("\n") } })
}

fn plan(opened: &Opened, request: &ResetRequest) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    let all = request.services.is_empty();
    if request.workspace {
        steps.push((
            "replace the workspace by the starter".into(),
            "it is saved first; `labrunner undo` brings it back".into(),
        ));
    }
    if !request.workspace || !all {
        for name in opened
            .lab
            .stack
            .services
            .keys()
            .filter(|name| all || request.services.iter().any(|one| one == name.as_str()))
        {
            steps.push((format!("make `{name}` anew"), "its data is lost, and cannot be brought back".into()));
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
    let record = app.record()?;
    let (lab, instance) = (opened.lab.id.as_str(), app.instance.as_str());
    let Some(snapshot) = record.last_snapshot(lab, instance)? else {
        return Err(Failure::usage(format!("no workspace of {lab} was reset: there is nothing to undo")));
    };
    // Undoing is a change like any other: what is there now is saved too, so that it can be undone.
    let now = opened.saves.save(&opened.workspace)?;
    let intent = Intent::Workspace { snapshot: snapshot.clone() };
    opened.journal.begin(&intent)?;
    record.add_reset(lab, instance, "undo", Some(&now), &app.now())?;
    opened.saves.restore(&snapshot, &opened.workspace)?;
    opened.journal.done(&intent)?;
    let text = format!(
        "the workspace `{}` is back as it was; `labrunner undo` once more returns here",
        opened.workspace.display()
    );
    Ok(Outcome::ok(View::Done { text }))
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

/// Removes everything of a lab, or of all labs, from the engine. Workspaces and the record stay.
///
/// # Errors
/// The engine refuses.
pub async fn down(app: &App, name: Option<&str>, all: bool) -> Result<Outcome, Failure> {
    let engine = app.engine().await?;
    if all {
        return down_all(app, &engine).await;
    }
    let opened = app.open(&app.choose(name)?)?;
    let _lock = app.lock(&opened)?;
    let there = !engine.observe(&opened.identity).await?.is_empty();
    for intent in opened.journal.open_intents()? {
        opened.journal.done(&intent)?;
        if let Intent::Workspace { snapshot } = &intent {
            opened.saves.restore(snapshot, &opened.workspace)?;
        }
    }
    opened.journal.begin(&Intent::Down)?;
    remove_all(app, &opened, &engine).await?;
    opened.journal.done(&Intent::Down)?;
    let text = match there {
        true => format!(
            "{} is removed from the engine; the workspace `{}` and the record stay",
            opened.identity,
            opened.workspace.display()
        ),
        false => format!("{} has nothing on the engine", opened.identity),
    };
    Ok(Outcome::ok(View::Done { text }))
}

async fn down_all(app: &App, engine: &DockerEngine) -> Result<Outcome, Failure> {
    let environments: Vec<Identity> = engine.environments().await?;
    for identity in &environments {
        let folder = app.state.join("environments").join(format!("{}--{}", identity.lab, identity.instance));
        let _lock = crate::environment::lock::Lock::take(&folder, &app.typed)?;
        let observed = engine.observe(identity).await?;
        crate::environment::apply::remove(engine, &observed, app.sink.as_ref()).await?;
    }
    let names: Vec<String> = environments.iter().map(ToString::to_string).collect();
    let text = match names.as_slice() {
        [] => "nothing of labrunner is on the engine".to_owned(),
        names => format!("removed from the engine: {}", names.join(", ")),
    };
    Ok(Outcome::ok(View::Done { text }))
}
