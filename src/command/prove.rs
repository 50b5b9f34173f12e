//! `lab prove`: the lab judged against its own starter, solution and variants, in an environment of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::app::{App, Opened};
use super::up::{remove_all, remove_services, up};
use super::verify::{fresh_seed, round};
use super::{Failure, Outcome, exit_code};
use crate::docker::DockerEngine;
use crate::environment::engine::Engine;
use crate::event::Event;
use crate::lab::id::InstanceName;
use crate::lab::report::LabReport;
use crate::lab::view::{CellRow, ProveView, View};
use crate::lab::{GoalId, Lab, Verdict};
use crate::workspace::solution::Solution;
use crate::workspace::tree::{Tree, ignored};

/// What proving was asked to do.
#[derive(Debug, Clone, Default)]
pub struct ProveRequest {
    pub repeat: usize,
    pub budget: Option<Duration>,
    /// Only variants whose names contain this.
    pub only: Option<String>,
    /// Write `proof.json` into the lab.
    pub write: bool,
}

/// A variant of the workspace and what judging it has to give.
struct Variant {
    name: String,
    files: Tree,
    must: BTreeMap<GoalId, Must>,
}

#[derive(Debug, Clone)]
enum Must {
    Pass,
    /// With these words in a message, if any are given.
    Fail(Option<String>),
    Blocked,
    /// Anything but passing.
    NotPass,
    /// Whatever.
    Free,
}

/// Proves a lab.
///
/// # Errors
/// The lab has mistakes or the engine refuses. A wrong cell is no error: it is in the view, and exit code 1.
pub async fn prove(app: &App, name: &str, request: &ProveRequest) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let outline = app.choose(Some(name))?;
    let folder = tempfile::tempdir().map_err(|error| Failure::engine(format!("no temporary folder: {error}")))?;
    // The engine's mounts need a folder that other users can enter.
    let workspace = folder.path().join("workspace");
    open_to_all(folder.path())?;
    std::fs::create_dir_all(&workspace).map_err(|error| Failure::engine(format!("no temporary folder: {error}")))?;
    let mut opened = app.open_at(&outline, &workspace)?;
    let instance = format!("prove-{:x}", fresh_seed());
    opened.identity.instance = InstanceName::new(&instance).map_err(|error| Failure::usage(error.to_string()))?;
    opened.folder = app.state.join("environments").join(format!("{}--{instance}", opened.lab.id));
    opened.journal = crate::environment::intent::Journal::new(&opened.folder);
    for service in opened.lab.stack.services.values_mut() {
        // Proving needs no ports of this machine, and the learner's own may be in use.
        service.ports.iter_mut().for_each(|port| port.published = None);
    }
    let engine = super::doctor::engine(app).await?;
    let _lock = app.lock(&opened)?;
    sweep(app, &engine).await?;
    let mut variants = variants(&opened.lab)?;
    if let Some(only) = &request.only {
        variants.retain(|variant| variant.name.contains(only.as_str()));
        if variants.is_empty() {
            return Err(Failure::usage(format!("no variant is called like `{only}`")));
        }
    }
    let mut cells = Vec::new();
    let mut not_run = Vec::new();
    let mut failed_somewhere: BTreeSet<(String, String)> = BTreeSet::new();
    let mut first_error = None;
    'rounds: for number in 1..=request.repeat.max(1) {
        for variant in &variants {
            if request.budget.is_some_and(|budget| began.elapsed() > budget) {
                not_run.push(format!("{} (round {number})", variant.name));
                continue;
            }
            let seed = fresh_seed();
            match cell(app, &opened, &engine, variant, number, seed).await {
                Ok((row, report)) => {
                    let checks =
                        report.goals.iter().flat_map(|goal| goal.checks.iter().map(move |check| (goal, check)));
                    failed_somewhere.extend(
                        checks
                            .filter(|(_, check)| check.verdict == Verdict::Failed)
                            .map(|(goal, check)| (goal.goal.to_string(), check.name.clone())),
                    );
                    let state = if row.wrong.is_empty() { "right" } else { "WRONG" };
                    let text = format!(
                        "{state}: {} (round {number}, {:.1} s){}",
                        row.variant,
                        row.took as f64 / 1000.0,
                        indent(&row.wrong)
                    );
                    app.sink.emit(Event::Note { text });
                    cells.push(row);
                }
                Err(failure) => {
                    first_error = Some(failure);
                    break 'rounds;
                }
            }
        }
    }
    remove_all(app, &opened, &engine).await?;
    let left = engine.observe(&opened.identity).await?;
    let left: Vec<String> = left
        .containers
        .iter()
        .map(|one| one.name.clone())
        .chain(left.networks.iter().chain(&left.volumes).map(|one| one.name.clone()))
        .collect();
    // An environment of our own leaves no trace.
    let _ = std::fs::remove_dir_all(&opened.folder);
    if let Some(failure) = first_error {
        return Err(failure);
    }
    let never_failed = opened
        .lab
        .goals
        .iter()
        .flat_map(|goal| goal.checks.iter().map(|check| (goal.id.to_string(), check.name.clone())))
        .filter(|pair| request.only.is_none() && !failed_somewhere.contains(pair))
        .collect();
    let view = ProveView {
        lab: opened.lab.id.to_string(),
        goals: opened.lab.goals.iter().map(|goal| goal.id.to_string()).collect(),
        cells,
        never_failed,
        left,
        not_run,
        took: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
    };
    let good = view.cells.iter().all(|cell| cell.wrong.is_empty()) && view.left.is_empty();
    if request.write && good && view.not_run.is_empty() && request.only.is_none() {
        write_proof(&opened.lab, &view)?;
    }
    Ok(Outcome { code: if good { exit_code::OK } else { exit_code::FAILED }, view: View::Prove(view) })
}

/// Removes what an earlier run that was killed has left: environments for proving that nobody holds.
async fn sweep(app: &App, engine: &DockerEngine) -> Result<(), Failure> {
    for identity in engine.environments().await?.into_iter().filter(|one| one.instance.as_str().starts_with("prove-")) {
        let folder = app.state.join("environments").join(format!("{}--{}", identity.lab, identity.instance));
        // One that is held belongs to a run beside this one, and so may one that this machine's records do not know.
        let known = folder.is_dir();
        if known && let Ok(_lock) = crate::environment::lock::Lock::take(&folder, &app.typed) {
            let observed = engine.observe(&identity).await?;
            crate::environment::apply::remove(engine, &observed, app.sink.as_ref()).await?;
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

fn indent(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n    {line}")).collect()
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

async fn cell(
    app: &App,
    opened: &Opened,
    engine: &DockerEngine,
    variant: &Variant,
    number: usize,
    seed: u64,
) -> Result<(CellRow, LabReport), Failure> {
    let began = Instant::now();
    variant.files.materialise(&opened.workspace, &ignored(&opened.lab.workspace_ignore))?;
    // Data of one variant must not help or hurt the next.
    remove_services(app, opened, engine, &[]).await?;
    let up = up(app, opened, engine).await?;
    let asked: BTreeSet<GoalId> = opened.lab.goals.iter().map(|goal| goal.id.clone()).collect();
    let report = round(app, opened, &up, &asked, seed, None).await?;
    let wrong = wrongs(&variant.must, &report);
    let row = CellRow {
        variant: variant.name.clone(),
        round: number,
        verdicts: report.goals.iter().map(|goal| (goal.goal.to_string(), goal.verdict.word().to_owned())).collect(),
        wrong,
        seed,
        took: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
    };
    Ok((row, report))
}

/// What of a report is not as it has to be.
fn wrongs(must: &BTreeMap<GoalId, Must>, report: &LabReport) -> Vec<String> {
    let mut wrong = Vec::new();
    for goal in &report.goals {
        let messages: Vec<&str> = goal
            .checks
            .iter()
            .filter_map(|check| check.failure.as_ref())
            .map(|failure| failure.message.as_str())
            .collect();
        let seen = || {
            let observed = goal
                .checks
                .iter()
                .filter_map(|check| check.failure.as_ref())
                .filter_map(|failure| failure.observed.as_deref());
            let evidence =
                goal.checks.iter().filter_map(|check| check.failure.as_ref()).flat_map(|failure| &failure.evidence);
            let parts: Vec<&str> =
                messages.iter().copied().chain(observed).chain(evidence.map(String::as_str)).collect();
            shorten(&parts.join(" | "))
        };
        let expected = match must.get(&goal.goal).unwrap_or(&Must::Free) {
            _ if goal.verdict == Verdict::Defect => "no defect",
            _ if goal.verdict == Verdict::Undecided => "a decision",
            Must::Pass if goal.verdict != Verdict::Passed => "passed",
            Must::Fail(_) if goal.verdict != Verdict::Failed => "failed",
            Must::Fail(Some(words)) if !messages.iter().any(|message| message.contains(words.as_str())) => {
                wrong.push(format!("{}: failed, but not with the words \"{words}\": {}", goal.goal, seen()));
                continue;
            }
            Must::Blocked if goal.verdict != Verdict::Blocked => "blocked",
            Must::NotPass if goal.verdict == Verdict::Passed => "not passed",
            _ => continue,
        };
        wrong.push(format!("{}: {}, expected {expected}: {}", goal.goal, goal.verdict, seen()));
    }
    wrong
}

/// Enough to recognise the trouble; running the cell again shows all of it.
fn shorten(text: &str) -> String {
    let line: String = text.replace('\n', " ").chars().take(400).collect();
    if line.len() < text.len() { format!("{line}…") } else { line }
}

fn variants(lab: &Lab) -> Result<Vec<Variant>, Failure> {
    let solution = Solution::read(&lab.folder, &lab.starter)?;
    let goals: Vec<GoalId> = lab.goals.iter().map(|goal| goal.id.clone()).collect();
    let all: BTreeSet<GoalId> = goals.iter().cloned().collect();
    let whole = solution.render(&goals, &all)?;
    let every =
        |must: Must| -> BTreeMap<GoalId, Must> { goals.iter().map(|goal| (goal.clone(), must.clone())).collect() };
    let starter = lab
        .goals
        .iter()
        .map(|goal| (goal.id.clone(), if goal.requires.is_empty() { Must::Fail(None) } else { Must::NotPass }))
        .collect();
    let mut variants = vec![
        Variant { name: "starter".into(), files: solution.starter().clone(), must: starter },
        Variant { name: "solution".into(), files: whole.clone(), must: every(Must::Pass) },
    ];
    for goal in &goals {
        let without: BTreeSet<GoalId> = all.iter().filter(|one| *one != goal).cloned().collect();
        let files = solution.render(&goals, &without)?;
        if files == whole {
            continue;
        }
        let mut must = every(Must::Pass);
        dependants(lab, goal).into_iter().for_each(|one| drop(must.insert(one, Must::Blocked)));
        must.insert(goal.clone(), Must::Fail(None));
        variants.push(Variant { name: format!("minus {goal}"), files, must });
    }
    for miss in &solution.near_misses {
        let mut must = every(Must::Pass);
        for goal in miss.fails.keys().filter_map(|goal| lab.goal(goal)) {
            dependants(lab, &goal.id).into_iter().for_each(|one| drop(must.insert(one, Must::Free)));
        }
        for (goal, words) in &miss.fails {
            if let Some(goal) = lab.goal(goal) {
                must.insert(goal.id.clone(), Must::Fail(Some(words.clone())));
            }
        }
        variants.push(Variant {
            name: format!("near miss {}", miss.name),
            files: solution.edited(&whole, &miss.edits, None)?,
            must,
        });
    }
    for right in &solution.also_right {
        let files = solution.edited(&whole, &right.edits, right.overlay.as_deref())?;
        variants.push(Variant { name: format!("also right {}", right.name), files, must: every(Must::Pass) });
    }
    Ok(variants)
}

/// The goals that require `goal`, directly or not.
fn dependants(lab: &Lab, goal: &GoalId) -> BTreeSet<GoalId> {
    let mut found: BTreeSet<GoalId> = BTreeSet::new();
    loop {
        let more: Vec<GoalId> = lab
            .goals
            .iter()
            .filter(|one| {
                !found.contains(&one.id)
                    && one.requires.iter().any(|required| required == goal || found.contains(required))
            })
            .map(|one| one.id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Digest of everything in a lab's folder but the proof itself.
///
/// # Errors
/// A file cannot be read.
pub fn lab_digest(folder: &Path) -> Result<String, Failure> {
    let mut tree = Tree::read(folder, &ignored(&[]))?;
    tree.0.remove(Path::new("proof.json"));
    Ok(tree.hash())
}

fn write_proof(lab: &Lab, view: &ProveView) -> Result<(), Failure> {
    let path = lab.folder.join("proof.json");
    let proof = serde_json::json!({
        "schema": 1,
        "lab": view.lab,
        "digest": lab_digest(&lab.folder)?,
        "labrunner": env!("CARGO_PKG_VERSION"),
        "proven": jiff::Timestamp::now().to_string(),
        "took_ms": view.took,
        "cells": view.cells,
        "never_failed": view.never_failed,
    });
    let text = serde_json::to_string_pretty(&proof).unwrap_or_default() + "\n";
    std::fs::write(&path, text).map_err(|error| Failure::engine(format!("cannot write `{}`: {error}", path.display())))
}
