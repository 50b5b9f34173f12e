//! `list`, `show`, `hint`, `solution`, `status`, `progress`, `history`: what there is and how it stands.

use std::collections::BTreeSet;
use std::time::Duration;

use similar::TextDiff;

use super::app::{App, Opened};
use super::notes::Notes;
use super::stack_images::Images;
use super::{Failure, Outcome};
use crate::docker::DockerEngine;
use crate::docker::world::DockerWorld;
use crate::environment::ContainerState;
use crate::environment::engine::{Engine, Usage};
use crate::lab::view::{GoalRow, HistoryRow, LabRow, ProgressRow, ServiceRow, StatusView, View};
use crate::lab::{GoalId, Lab, Owner, ServiceName};
use crate::record::Record;
use crate::workspace::solution::Solution;

/// The roadmap, without asking the engine.
///
/// # Errors
/// The labs or the record cannot be read.
pub fn list(app: &App) -> Result<Outcome, Failure> {
    let record = app.record()?;
    let mut labs = Vec::new();
    for outline in app.outlines()? {
        let states = record.goal_states(&outline.id)?;
        let reached =
            outline.goals.iter().filter(|(id, ..)| states.get(id).is_some_and(|state| state.ever.is_some())).count();
        labs.push(LabRow {
            month: outline.month,
            reached,
            goals: outline.goals.len(),
            points: outline.goals.iter().map(|(.., points)| points).sum(),
            id: outline.id,
            slug: outline.slug,
            title: outline.title,
        });
    }
    Ok(Outcome::ok(View::List { root: app.root(), labs }))
}

/// The lab's brief, or a goal's task.
///
/// # Errors
/// There is no such lab or goal.
pub fn show(app: &App, words: &[String]) -> Result<Outcome, Failure> {
    let (outline, goals) = app.lab_and(words)?;
    let opened = app.open(&outline)?;
    if let Some(goal) = goals.first() {
        let goal = find_goal(&opened.lab, goal)?;
        return Ok(Outcome::ok(View::Show {
            title: format!("{} · {} points", goal.title, goal.points),
            markdown: goal.task.clone(),
        }));
    }
    let path = opened.lab.folder.join("README.md");
    let markdown = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))?;
    let goals: String = rows(&opened.lab, &app.record()?)?
        .iter()
        .map(|goal| {
            let mark = if goal.now.as_deref() == Some("passed") { "x" } else { " " };
            format!("* [{mark}] `{}` {} ({} points)\n", goal.goal, goal.title, goal.points)
        })
        .collect();
    Ok(Outcome::ok(View::Show {
        title: opened.lab.title.clone(),
        markdown: format!("{markdown}\n## Goals\n\n{goals}"),
    }))
}

/// The lab and the goal of `[LAB] [GOAL]`: the next goal, when none is named.
fn goal_meant(app: &App, words: &[String]) -> Result<(Opened, Record, String), Failure> {
    let (outline, goals) = app.lab_and(words)?;
    let (opened, record) = (app.open(&outline)?, app.record()?);
    let id = match goals {
        [name] => name.clone(),
        [] => super::start::next_task(&opened.lab, &record)?
            .map(|(goal, _)| goal)
            .ok_or_else(|| Failure::usage(format!("every goal of {} is reached", opened.lab.id)))?,
        _ => return Err(Failure::usage("one goal at a time")),
    };
    Ok((opened, record, id))
}

fn find_goal<'l>(lab: &'l Lab, name: &str) -> Result<&'l crate::lab::Goal, Failure> {
    lab.goal(name).ok_or_else(|| {
        let near = crate::catalog::diagnostic::nearest(name, lab.goals.iter().map(|goal| goal.id.as_str()));
        let known: Vec<&str> = lab.goals.iter().map(|goal| goal.id.as_str()).collect();
        let hint =
            near.map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        Failure::usage(format!("{} has no goal `{name}`", lab.id)).hint(hint)
    })
}

/// The next hint of a goal, or of the next goal.
///
/// # Errors
/// There is no such goal, or there are no more hints.
pub fn hint(app: &App, words: &[String]) -> Result<Outcome, Failure> {
    let (opened, record, id) = goal_meant(app, words)?;
    let goal = find_goal(&opened.lab, &id)?;
    let taken =
        record.goal_states(opened.lab.id.as_str())?.get(goal.id.as_str()).map_or(0, |state| state.hints) as usize;
    let number = (taken + 1).min(goal.hints.len());
    let text = goal.hints.get(number - 1).cloned().unwrap_or_default();
    record.add_shown(
        opened.lab.id.as_str(),
        goal.id.as_str(),
        "hint",
        u32::try_from(number).unwrap_or(u32::MAX),
        &app.now(),
    )?;
    Ok(Outcome::ok(View::Hint { goal: goal.id.to_string(), number, of: goal.hints.len(), text }))
}

/// The reference solution of a goal as a diff against what it builds on.
///
/// # Errors
/// It was not agreed to; there is no such goal.
pub async fn solution(app: &App, words: &[String]) -> Result<Outcome, Failure> {
    let (opened, record, id) = goal_meant(app, words)?;
    let goal = find_goal(&opened.lab, &id)?;
    let question = format!("show the solution of `{id}`? the record will remember");
    if !app.agreed(&question).await {
        let hint = format!(
            "`labrunner hint {id}` leads without giving away; `labrunner solution {id} --yes` shows it, and the record remembers"
        );
        return Err(Failure::usage(format!("the solution of `{id}` is only shown if you really want it")).hint(hint));
    }
    let goals: Vec<GoalId> = opened.lab.goals.iter().map(|goal| goal.id.clone()).collect();
    let mut before = BTreeSet::new();
    closure(&opened.lab, goal, &mut before);
    before.remove(&goal.id);
    let mut after = before.clone();
    after.insert(goal.id.clone());
    let solution = Solution::read(&opened.lab.folder, &opened.lab.starter)?;
    let (old, new) = (solution.render(&goals, &before)?, solution.render(&goals, &after)?);
    let text = |tree: &crate::workspace::tree::Tree, path: &std::path::PathBuf| {
        tree.0.get(path).map(|content| String::from_utf8_lossy(&content.bytes).into_owned()).unwrap_or_default()
    };
    let paths: BTreeSet<_> = old.0.keys().chain(new.0.keys()).collect();
    let diff: String = paths
        .into_iter()
        .filter(|path| old.0.get(*path) != new.0.get(*path))
        .map(|path| {
            let (a, b) = (text(&old, path), text(&new, path));
            TextDiff::from_lines(&a, &b)
                .unified_diff()
                .header(&format!("a/{}", path.display()), &format!("b/{}", path.display()))
                .to_string()
        })
        .collect();
    record.add_shown(opened.lab.id.as_str(), goal.id.as_str(), "solution", 1, &app.now())?;
    Ok(Outcome::ok(View::Diff { title: format!("{}: {}", goal.id, goal.title), diff }))
}

fn closure(lab: &Lab, goal: &crate::lab::Goal, set: &mut BTreeSet<GoalId>) {
    if set.insert(goal.id.clone()) {
        goal.requires.iter().filter_map(|id| lab.goal(id.as_str())).for_each(|goal| closure(lab, goal, set));
    }
}

fn rows(lab: &Lab, record: &Record) -> Result<Vec<GoalRow>, Failure> {
    let states = record.goal_states(lab.id.as_str())?;
    let row = |goal: &crate::lab::Goal| {
        let state = states.get(goal.id.as_str()).cloned().unwrap_or_default();
        GoalRow {
            goal: goal.id.to_string(),
            title: goal.title.clone(),
            points: goal.points,
            ever: state.ever,
            now: state.now,
            attempts: state.attempts,
            hints: state.hints,
        }
    };
    Ok(lab.goals.iter().map(row).collect())
}

/// Services and goals of a lab.
///
/// # Errors
/// The engine does not answer.
pub async fn status(app: &App, name: Option<&str>) -> Result<Outcome, Failure> {
    let opened = app.open(&app.choose(name)?)?;
    let engine = app.engine().await?;
    let services = services(app, &opened, &engine).await?;
    let view = StatusView {
        lab: opened.lab.id.to_string(),
        title: opened.lab.title.clone(),
        workspace: opened.workspace.clone(),
        services,
        goals: rows(&opened.lab, &app.record()?)?,
    };
    Ok(Outcome::ok(View::Status(view)))
}

/// How long `status` waits for a service to show that it is ready.
const GLANCE: Duration = Duration::from_secs(2);

async fn look(world: &DockerWorld, service: &ServiceName) -> Option<bool> {
    let looked = tokio::time::timeout(GLANCE, world.probe_ready(service)).await;
    Some(looked.is_ok_and(|looked| looked.is_ok()))
}

async fn services(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Vec<ServiceRow>, Failure> {
    super::reaching::decide(app, opened, engine, &mut Notes::read(&opened.folder)).await?;
    let observed = engine.observe(&opened.identity).await?;
    let world = opened.world(engine, Images::new());
    let mut rows = Vec::new();
    for (name, service) in &opened.lab.stack.services {
        let owner = if opened.lab.owner_of(name) == Owner::Learner { "you" } else { "lab" };
        let image = service.image.clone().unwrap_or_else(|| "built from the workspace".into());
        let mut found = false;
        for one in observed.of(name) {
            found = true;
            let state = match one.exit_code {
                Some(code) => format!("{} ({code})", one.state.word()),
                None => one.state.word().to_owned(),
            };
            let ports = one.ports.iter().map(|(target, host, port)| format!("{host}:{port} → {target}")).collect();
            let running = one.state == ContainerState::Running;
            let (usage, ready) = match running {
                true => tokio::join!(engine.usage(&one.id), look(&world, name)),
                false => (Ok(Usage::default()), None),
            };
            let usage = usage.unwrap_or_default();
            rows.push(ServiceRow {
                service: name.to_string(),
                owner: owner.into(),
                state,
                ready,
                memory: usage.memory,
                disk: usage.disk,
                ports,
                image: image.clone(),
            });
        }
        if !found {
            rows.push(ServiceRow {
                service: name.to_string(),
                owner: owner.into(),
                state: "not there".into(),
                ready: None,
                memory: None,
                disk: None,
                ports: Vec::new(),
                image,
            });
        }
    }
    Ok(rows)
}

/// What was reached, in every lab that was tried.
///
/// # Errors
/// The record cannot be read.
pub fn progress(app: &App) -> Result<Outcome, Failure> {
    let record = app.record()?;
    let mut labs = Vec::new();
    for outline in app.outlines()? {
        let states = record.goal_states(&outline.id)?;
        let goals = outline.goals.iter().map(|(id, title, points)| {
            let state = states.get(id).cloned().unwrap_or_default();
            GoalRow {
                goal: id.clone(),
                title: title.clone(),
                points: u32::try_from(*points).unwrap_or(0),
                ever: state.ever,
                now: state.now,
                attempts: state.attempts,
                hints: state.hints,
            }
        });
        labs.push(ProgressRow { lab: outline.id.clone(), title: outline.title.clone(), goals: goals.collect() });
    }
    Ok(Outcome::ok(View::Progress { labs }))
}

/// The last attempts.
///
/// # Errors
/// The record cannot be read.
pub fn history(app: &App, name: Option<&str>, most: u32) -> Result<Outcome, Failure> {
    let lab = name.map(|name| app.choose(Some(name))).transpose()?.map(|outline| outline.id);
    let attempts = app.record()?.history(lab.as_deref(), most)?;
    let row = |one: crate::record::AttemptRow| HistoryRow {
        id: one.id,
        lab: one.lab,
        began: one.began,
        seed: one.seed,
        verdicts: one.verdicts,
    };
    Ok(Outcome::ok(View::History { attempts: attempts.into_iter().map(row).collect() }))
}
