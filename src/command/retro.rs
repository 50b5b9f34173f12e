//! `retro`: a page on which a month is looked back at, with what the record tells on it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;

use super::app::{App, Opened};
use super::{Failure, Outcome};
use crate::lab::retrospective::{self, FILE, Past, Round};
use crate::lab::view::View;

/// Drafts or refreshes the page, opens it in the learner's editor, and says what it still lacks.
///
/// # Errors
/// The lab has no workspace yet, the record cannot be read, the page cannot be written, the editor cannot be run.
pub fn retro(app: &App, name: Option<&str>) -> Result<Outcome, Failure> {
    let outline = app.choose(name)?;
    let opened = app.open(&outline)?;
    if !opened.workspace.is_dir() {
        return Err(Failure::usage(format!("{} has not been started yet", opened.lab.id))
            .hint(format!("`labrunner start {}` begins it", opened.lab.id)));
    }
    let past = past(app, &opened)?;
    let path = opened.workspace.join(FILE);
    let failed = |error: std::io::Error| Failure::engine(format!("cannot write `{}`: {error}", path.display()));
    let there = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::engine(format!("cannot read `{}`: {error}", path.display()))),
    };
    let page = match &there {
        None => Some(retrospective::draft(&opened.lab.title, &past)),
        Some(text) => retrospective::refreshed(text, &past).filter(|page| page != text),
    };
    if let Some(page) = page {
        write(&path, &page).map_err(failed)?;
    }
    if let Some(editor) = editor(app) {
        edit(&editor, &path)?;
    }
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    Ok(Outcome::ok(View::Done { text: told(&opened, &past, &path, &text) }))
}

/// What the record tells of a lab.
///
/// # Errors
/// It cannot be read.
pub fn past(app: &App, opened: &Opened) -> Result<Past, Failure> {
    let record = app.record()?;
    let lab = opened.lab.id.as_str();
    let mut rounds: Vec<Round> = record
        .history(Some(lab), u32::MAX)?
        .into_iter()
        .filter_map(|row| Some(Round { began: row.began.parse().ok()?, verdicts: row.verdicts }))
        .collect();
    rounds.reverse();
    let hints: BTreeMap<String, u32> =
        record.goal_states(lab)?.into_iter().map(|(goal, state)| (goal, state.hints)).collect();
    let goals: Vec<String> = opened.lab.goals.iter().map(|goal| goal.id.to_string()).collect();
    Ok(Past::of(&rounds, &goals, &hints, record.resets(lab)?))
}

/// As a whole, and in the place of a file that nobody else opens meanwhile.
fn write(path: &Path, page: &str) -> std::io::Result<()> {
    let beside = path.with_extension("md.new");
    std::fs::write(&beside, page)?;
    std::fs::rename(&beside, path)
}

/// The learner's editor, where there is a learner.
fn editor(app: &App) -> Option<String> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return None;
    }
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| app.environment.get(*name));
    named.filter(|name| !name.trim().is_empty()).cloned()
}

fn edit(editor: &str, path: &Path) -> Result<(), Failure> {
    let words = shell_words::split(editor).ok().filter(|words| !words.is_empty());
    let Some(words) = words else {
        return Err(Failure::usage(format!("`{editor}` is no command of an editor (VISUAL, EDITOR)")));
    };
    let status = Command::new(&words[0]).args(&words[1..]).arg(path).status();
    let status = status.map_err(|error| {
        Failure::engine(format!("your editor `{}` cannot be run: {error}", words[0]))
            .hint(format!("the page is there all the same: {}", path.display()))
    })?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::engine(format!("your editor `{}` ended with {status}", words[0]))
            .hint(format!("the page is there all the same: {}", path.display()))),
    }
}

fn told(opened: &Opened, past: &Past, path: &Path, page: &str) -> String {
    let facts: String = past.lines().iter().map(|line| format!("  {line}\n")).collect();
    let lab = &opened.lab.id;
    let missing = retrospective::unanswered(page);
    let judged = opened.lab.goals.iter().find(|goal| goal.id.as_str() == "retrospective");
    let next = match (missing.as_slice(), judged) {
        ([], Some(goal)) => format!("answered; `labrunner verify {lab} {}` judges it", goal.id),
        ([], None) => "answered".to_owned(),
        (missing, _) => format!("still to answer: {}", missing.join(", ")),
    };
    format!("{lab} in retrospect\n{facts}{}\n{next}", path.display())
}
