//! `verify`: brings the running code up to date, judges, records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::json;

use super::app::{App, Opened};
use super::scenes::Stage;
use super::start::make_workspace;
use super::trouble::{Trouble, cannot, trouble, up_to_judge};
use super::up::Up;
use super::{Failure, Outcome, exit_code};
use crate::catalog::diagnostic::nearest;
use crate::check::{Judge, World, judge};
use crate::event::{Discreet, Event};
use crate::lab::report::{GoalReport, LabReport};
use crate::lab::secrets::Secrets;
use crate::lab::view::View;
use crate::lab::{GoalId, Lab, Owner, Verdict};
use crate::record::{LastPass, NewAttempt, NewVerdict, Record};
use crate::workspace::solution::Solution;
use crate::workspace::tree::patterns;

/// Judges goals of a lab (all, when none is named) and records the verdicts.
///
/// # Errors
/// As `start`; a goal that is named does not exist.
pub async fn verify(app: &App, words: &[String], seed: Option<u64>) -> Result<Outcome, Failure> {
    let (outline, goals) = app.lab_and(words)?;
    let opened = app.open(&outline)?;
    let asked = asked(&opened.lab, goals)?;
    let engine = super::doctor::engine(app).await?;
    let _lock = app.lock(&opened)?;
    make_workspace(&opened)?;
    let seed = seed.unwrap_or_else(fresh_seed);
    let began = app.now();
    let mut up = up_to_judge(app, &opened, &engine).await?;
    let mut record = app.record()?;
    let report = round(app, &opened, &mut up, &asked, &BTreeSet::new(), seed, Some(&record)).await?;
    // What was seen is told, recorded or not.
    let kept = keep(app, &opened, &up, &mut record, &report, &began);
    let code = if kept.is_ok() { code(&report.goals) } else { exit_code::ENGINE };
    Ok(Outcome { code, view: View::Verify(Box::new(report)) })
}

/// The exit code that verdicts mean.
pub fn code(goals: &[GoalReport]) -> u8 {
    let any = |verdict: Verdict| goals.iter().any(|goal| goal.verdict == verdict);
    if any(Verdict::Failed) {
        exit_code::FAILED
    } else if any(Verdict::Undecided) || any(Verdict::Defect) {
        exit_code::UNDECIDED
    } else {
        exit_code::OK
    }
}

/// A seed that nobody has used.
pub fn fresh_seed() -> u64 {
    let mut bytes = [0_u8; 4];
    // Without a source of randomness any number will do; it is recorded either way.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes).into()
}

fn asked(lab: &Lab, goals: &[String]) -> Result<BTreeSet<GoalId>, Failure> {
    if goals.is_empty() {
        return Ok(lab.goals.iter().map(|goal| goal.id.clone()).collect());
    }
    goals
        .iter()
        .map(|name| {
            lab.goal(name).map(|goal| goal.id.clone()).ok_or_else(|| {
                let near = nearest(name, lab.goals.iter().map(|goal| goal.id.as_str()));
                let failure = Failure::usage(format!("{} has no goal `{name}`", lab.id));
                match near {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure.hint(format!("`labrunner show {}` lists its goals", lab.id)),
                }
            })
        })
        .collect()
}

/// One round of judging in an environment that is up. Goals of `known` have passed and are not judged again.
///
/// # Errors
/// The record cannot be read.
pub async fn round(
    app: &App,
    opened: &Opened,
    up: &mut Up,
    asked: &BTreeSet<GoalId>,
    known: &BTreeSet<GoalId>,
    seed: u64,
    record: Option<&Record>,
) -> Result<LabReport, Failure> {
    let began = Instant::now();
    let trouble = trouble(opened, up)?;
    let up = &*up;
    let stage = Stage::new(app, opened, up).await;
    let secrets = Secrets::of(&opened.lab.stack);
    let sink = Discreet { sink: app.sink.as_ref(), secrets: &secrets };
    let judging = Judge { scenes: &stage, sink: &sink, seed, settings: &opened.settings };
    let mut goals = match trouble {
        Some(trouble) => {
            opened.lab.goals.iter().filter(|goal| asked.contains(&goal.id)).map(|goal| cannot(goal, &trouble)).collect()
        }
        None => judge(&judging, &opened.lab.goals, asked, known).await,
    };
    if let Err(failure) = stage.close().await {
        // The verdicts stand; the next command removes what is left of a copy.
        let text = format!("a copy of the environment could not be removed: {}", failure.message);
        app.sink.emit(Event::Warning { text });
    }
    if let Some(why) = up.disk.struck() {
        let full = Trouble { verdict: Verdict::Undecided, why: why.to_owned() };
        for report in goals.iter_mut().filter(|report| report.verdict != Verdict::Passed) {
            if let Some(goal) = opened.lab.goal(report.goal.as_str()) {
                *report = cannot(goal, &full);
            }
        }
    }
    let solution = Solution::read(&opened.lab.folder, &opened.lab.starter)?;
    let untouched = solution.starter().manifest() == up.files.manifest();
    for goal in &mut goals {
        secrets.mask_goal(goal);
        goal.already_true = untouched && goal.verdict == Verdict::Passed;
        if let Some(record) = record {
            after_the_fact(opened, up, record, goal).await?;
        }
    }
    Ok(LabReport {
        lab: opened.lab.id.clone(),
        title: opened.lab.title.clone(),
        instance: app.instance.to_string(),
        seed,
        goals,
        took: began.elapsed(),
        image_sources: up.notes.sources.clone().into_iter().collect(),
    })
}

/// What the learner's services that did not get ready said, for failures that they may explain.
async fn after_the_fact(opened: &Opened, up: &Up, record: &Record, goal: &mut GoalReport) -> Result<(), Failure> {
    if !matches!(goal.verdict, Verdict::Failed) {
        return Ok(());
    }
    let lab = opened.lab.id.as_str();
    if let Some(before) = record.last_pass(lab, goal.goal.as_str())? {
        goal.changed_since_pass = Some(changes(opened, up, &before, goal.goal.as_str()).await);
    }
    let shown = record.goal_states(lab)?.get(goal.goal.as_str()).map_or(0, |state| state.hints);
    let hints = opened.lab.goal(goal.goal.as_str()).map_or(0, |goal| goal.hints.len());
    if (shown as usize) < hints {
        goal.next_hint = Some(format!("labrunner hint {}", goal.goal));
    }
    Ok(())
}

/// What is not as it was when the goal passed, the likeliest first: files that the goal looks at, other files,
/// images of the lab, services that do not keep running.
async fn changes(opened: &Opened, up: &Up, before: &LastPass, goal: &str) -> Vec<String> {
    let now = up.files.manifest();
    let names: BTreeSet<&String> = before.files.keys().chain(now.keys()).collect();
    let files = names.into_iter().filter(|name| before.files.get(*name) != now.get(*name));
    let inputs = opened.lab.goal(goal).map(|goal| patterns(&goal.inputs));
    let looked_at = |name: &String| inputs.as_ref().is_some_and(|inputs| inputs.matched(name, false).is_ignore());
    let (mut found, others): (Vec<String>, Vec<String>) = files.cloned().partition(looked_at);
    found.extend(others);
    for (service, (_, id)) in up.world.images() {
        // What the learner builds is new whenever their files are, and those were named.
        let labs = opened.lab.owner_of(&service) == Owner::Lab;
        if labs && before.images.get(service.as_str()).is_some_and(|then| *then != id) {
            found.push(format!("the image of `{service}`"));
        }
    }
    for service in opened.lab.stack.services.keys() {
        let view = up.world.container(service, 1).await.unwrap_or_default();
        if let Some(times @ 1..) = view.document["restarts"].as_u64() {
            found.push(format!("`{service}` (started again {times} times by the engine)"));
        }
    }
    found
}

/// Writes the round down.
pub(super) fn keep(
    app: &App,
    opened: &Opened,
    up: &Up,
    record: &mut Record,
    report: &LabReport,
    began: &str,
) -> Result<(), Failure> {
    let attempt = NewAttempt {
        lab: report.lab.to_string(),
        instance: report.instance.clone(),
        seed: report.seed,
        began: began.to_owned(),
        ended: app.now(),
        workspace_hash: up.files.hash(),
        manifest: json!(up.files.manifest()).to_string(),
        git_commit: git_commit(&opened.workspace),
        images: json!(
            up.world.images().into_iter().map(|(name, (_, id))| (name.to_string(), id)).collect::<BTreeMap<_, _>>()
        )
        .to_string(),
    };
    let verdicts: Vec<NewVerdict> = report
        .goals
        .iter()
        .map(|goal| NewVerdict {
            goal: goal.goal.to_string(),
            verdict: goal.verdict,
            points: goal.points,
            already_true: goal.already_true,
            message: goal.checks.iter().find_map(|check| check.failure.as_ref()).map(|failure| failure.message.clone()),
            detail: serde_json::to_string(&goal.checks).unwrap_or_default(),
            took: goal.took,
        })
        .collect();
    if let Err(error) = record.add_attempt(&attempt, &verdicts) {
        app.sink.emit(Event::Warning { text: format!("the verdicts could not be recorded: {error}") });
        return Err(error.into());
    }
    Ok(())
}

/// The commit of the workspace, if it is a repository of its own.
fn git_commit(workspace: &std::path::Path) -> Option<String> {
    // Else git would tell of a repository that the workspace happens to lie in.
    if !workspace.join(".git").exists() {
        return None;
    }
    let output =
        std::process::Command::new("git").arg("-C").arg(workspace).args(["rev-parse", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
