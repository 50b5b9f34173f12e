//! `lab lint`: every mistake of a lab, without an engine.

use super::app::App;
use super::lint_services::services;
use super::lint_words::words;
use super::prove::proof;
use super::{Failure, Outcome, exit_code};
use crate::catalog::diagnostic::{Diagnostic, Severity};
use crate::catalog::render::Sources;
use crate::catalog::{render, schema};
use crate::event::Event;
use crate::lab::view::{FindingRow, View};
use crate::lab::{GoalId, Lab};
use crate::workspace::solution::Solution;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How a lint is asked for.
pub struct LintRequest<'a> {
    pub names: &'a [String],
    /// An outdated proof is a mistake too.
    pub proven: bool,
    /// Mend what needs no thought.
    pub fix: bool,
    /// The commands that there are, for texts that name some.
    pub verbs: &'a [String],
}

/// Lints the named labs, or all.
///
/// # Errors
/// A name is unknown; a file that is to be mended cannot be written.
pub fn lint(app: &App, request: &LintRequest<'_>) -> Result<Outcome, Failure> {
    let outlines = match request.names {
        [] => app.outlines()?,
        names => names.iter().map(|name| app.choose(Some(name))).collect::<Result<_, _>>()?,
    };
    let (mut findings, mut blocks) = (Vec::new(), Vec::new());
    for outline in &outlines {
        let read = || app.read(outline, &app.root().join("workspace").join(&outline.id));
        let mut reading = read();
        // What was mended may have hidden more.
        while request.fix && mend(app, &reading.findings)? {
            reading = read();
        }
        findings.extend(reading.findings.iter().map(|one| row(app, one, &reading.sources)));
        if !reading.findings.is_empty() {
            blocks.push(render::render(&reading.findings, &reading.sources, &app.here, app.colour));
        }
        if let Some(lab) = &reading.lab {
            let proof = request.proven.then(|| unproven(lab)).flatten();
            for finding in beyond(lab).into_iter().chain(words(lab, request.verbs)).chain(services(lab)).chain(proof) {
                blocks.push(format!("error: {}: {finding}", lab.id));
                findings.push(whole(app, lab, finding));
            }
        }
    }
    let count = |severity: &str| findings.iter().filter(|one| one.severity == severity).count();
    let (errors, warnings) = (count("error"), count("warning"));
    let code = if errors == 0 { exit_code::OK } else { exit_code::USAGE };
    Ok(Outcome {
        code,
        view: View::Lint { labs: outlines.len(), errors, warnings, findings, text: blocks.join("\n\n") },
    })
}

/// Mends what needs no thought; `false` when nothing became different.
fn mend(app: &App, findings: &[Diagnostic]) -> Result<bool, Failure> {
    let mut fixes: BTreeMap<(&Path, usize), (usize, &str)> = BTreeMap::new();
    for finding in findings {
        if let (Some(span), Some(fix)) = (finding.span, &finding.fix) {
            fixes.insert((&finding.file, span.start), (span.end, fix));
        }
    }
    let mut changed = false;
    // From the end, so that places before stay where they are.
    for ((file, start), (end, fix)) in fixes.iter().rev() {
        let failed = |error: std::io::Error| Failure::engine(format!("cannot mend `{}`: {error}", file.display()));
        let mut text = std::fs::read_to_string(file).map_err(failed)?;
        let Some(before) = text.get(*start..*end).map(str::to_owned) else { return Ok(false) };
        changed |= before != *fix;
        text.replace_range(*start..*end, fix);
        std::fs::write(file, text).map_err(failed)?;
        let note = format!("{}: `{before}` is `{fix}` now", file.display());
        app.sink.emit(Event::Note { text: note });
    }
    Ok(changed)
}

fn row(app: &App, finding: &Diagnostic, sources: &Sources) -> FindingRow {
    let place = render::place(finding, sources);
    FindingRow {
        severity: if finding.severity == Severity::Error { "error" } else { "warning" }.into(),
        code: finding.code.into(),
        file: finding.file.strip_prefix(&app.here).unwrap_or(&finding.file).display().to_string(),
        line: place.map(|(line, ..)| line),
        column: place.map(|(_, column, _)| column),
        end_column: place.map(|(.., end)| end),
        message: finding.message.clone(),
        hint: finding.hint.clone(),
    }
}

/// A mistake that lies beyond `lab.yaml`.
fn whole(app: &App, lab: &Lab, message: String) -> FindingRow {
    let file = lab.folder.join("lab.yaml");
    FindingRow {
        severity: "error".into(),
        code: "lab".into(),
        file: file.strip_prefix(&app.here).unwrap_or(&file).display().to_string(),
        line: None,
        column: None,
        end_column: None,
        message,
        hint: None,
    }
}

/// The format as JSON Schema.
pub fn schema() -> Outcome {
    Outcome::ok(View::Raw { text: schema::text() })
}

/// What is wrong with the lab's proof.
fn unproven(lab: &Lab) -> Option<String> {
    let again = format!("`labrunner lab prove {} --write` proves it", lab.id);
    let Some(proven) = proof::proven_digest(&lab.folder) else {
        return Some(format!("it has no `proof.json`; {again}"));
    };
    match proof::provable_digest(lab) {
        Ok(digest) if digest == proven => None,
        Ok(_) => Some(format!("it has changed since it was proven; {again}")),
        Err(failure) => Some(failure.message),
    }
}

/// Mistakes that lie beyond `lab.yaml`: in the solution, its variants, the brief.
fn beyond(lab: &Lab) -> Vec<String> {
    let mut found = Vec::new();
    if !lab.folder.join("README.md").is_file() {
        found.push("there is no `README.md`, the lab's brief".to_owned());
    }
    let solution = match Solution::read(&lab.folder, &lab.starter) {
        Ok(solution) => solution,
        Err(error) => return vec![error.to_string()],
    };
    let goals: Vec<GoalId> = lab.goals.iter().map(|goal| goal.id.clone()).collect();
    let all: BTreeSet<GoalId> = goals.iter().cloned().collect();
    let whole = match solution.render(&goals, &all) {
        Ok(whole) => whole,
        Err(error) => return vec![error.to_string()],
    };
    if let Ok(none) = solution.render(&goals, &BTreeSet::new()) {
        let starter = solution.starter();
        let paths: BTreeSet<_> = none.0.keys().chain(starter.0.keys()).collect();
        for path in paths.into_iter().filter(|path| none.0.get(*path) != starter.0.get(*path)) {
            found.push(format!(
                "`solution/{}` changes the starter where no goal asks for it: mark the lines with the goal they \
                 belong to (`goal: …`, `end`), or give the file to one in `solution.yaml`",
                path.display()
            ));
        }
    }
    for miss in &solution.near_misses {
        match solution.changed(&whole, &miss.changes()) {
            Err(error) => found.push(format!("the near miss `{}`: {error}", miss.name)),
            Ok(tree) if tree == whole => found.push(format!("the near miss `{}` is the solution itself", miss.name)),
            Ok(_) => {}
        }
        if miss.fails.is_empty() {
            found.push(format!("the near miss `{}` names no goal that it fails", miss.name));
        }
        for goal in miss.fails.keys().filter(|goal| lab.goal(goal).is_none()) {
            found.push(format!("the near miss `{}` names `{goal}`, which is no goal", miss.name));
        }
    }
    for right in &solution.also_right {
        match solution.changed(&whole, &right.changes()) {
            Err(error) => found.push(format!("the other right solution `{}`: {error}", right.name)),
            Ok(tree) if tree == whole => {
                found.push(format!("the other right solution `{}` is the solution itself", right.name));
            }
            Ok(_) => {}
        }
    }
    for goal in &lab.goals {
        if goal.hints.len() < 3 {
            found.push(format!(
                "the goal `{}` has {} hints; three lead without giving away",
                goal.id,
                goal.hints.len()
            ));
        }
        let without: BTreeSet<GoalId> = all.iter().filter(|one| **one != goal.id).cloned().collect();
        let same = solution.render(&goals, &without).is_ok_and(|tree| tree == whole);
        if same && !solution.near_misses.iter().any(|miss| miss.fails.contains_key(goal.id.as_str())) {
            found.push(format!("no line of the solution belongs to `{}`, and no near miss fails it", goal.id));
        }
    }
    found
}
