//! `review`: a timed practical over the labs that were done before. No hints, other random values, one goal at a time,
//! in a workspace that has everything but that goal.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use super::app::{App, Opened};
use super::pristine::{meant, pristine, remove_all};
use super::start::lay_out;
use super::trouble::up_to_judge;
use super::verify::{fresh_seed, round};
use super::{Failure, Outcome, exit_code};
use crate::lab::check::Action;
use crate::lab::id::InstanceName;
use crate::lab::practical::{self, Candidate, Part, Practical, Taken, TakenGoal};
use crate::lab::view::{ReviewPart, ReviewView, View};
use crate::lab::{GoalId, Kind, Lab, Verdict};
use crate::record::{AttemptRow, Record};
use crate::workspace::solution::Solution;

/// What is done with a practical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Begin one, or show where the present one stands.
    Show,
    /// Judge the goal that is asked for.
    Check,
    /// Go on without it.
    Skip,
    /// End it before its time.
    End,
}

/// Begins a practical of `goals` goals in `minutes`, or goes on with the one that is open.
///
/// # Errors
/// Nothing was reached yet that could be asked for; nothing is open that could be judged; as `start` and `verify`.
pub async fn review(app: &App, act: Act, goals: usize, minutes: u32) -> Result<Outcome, Failure> {
    let record = app.record()?;
    let open = record.open_practical()?;
    let now = Timestamp::now();
    let (id, mut practical) = match (open, act) {
        (Some(open), _) => open,
        (None, Act::Show) => {
            let seed = fresh_seed();
            let drawn = practical::draw(&candidates(app, now)?, goals, seed);
            if drawn.len() < goals {
                return Err(Failure::usage(format!(
                    "a practical asks for {goals} goals that you have reached before; there are {}",
                    drawn.len()
                ))
                .hint("`--goals 1` makes a smaller one; `labrunner progress` shows what was reached"));
            }
            let practical = Practical::new(&drawn, minutes, seed, now);
            (record.begin_practical(&practical)?, practical)
        }
        (None, _) => {
            return Err(Failure::usage("no practical is going on").hint("`labrunner review` begins one"));
        }
    };
    let mut report = None;
    let begun = practical.parts.iter().position(|part| part.began.is_some() && part.outcome.is_none());
    if practical.left(now).is_zero()
        && let Some(part) = begun.map(|index| &practical.parts[index])
    {
        leave(app, id, part).await?;
    }
    if let Some(part) = practical.current(now) {
        match act {
            Act::Show => {}
            Act::Check => {
                let judged = check(app, id, part).await?;
                part.tries += 1;
                if judged.goals.iter().any(|goal| goal.goal.as_str() == part.goal && goal.verdict == Verdict::Passed) {
                    part.outcome = Some(practical::Outcome::Passed);
                }
                report = Some(judged);
            }
            Act::Skip => part.outcome = Some(practical::Outcome::Skipped),
            Act::End => {}
        }
        if part.outcome.is_some() {
            part.ended = Some(Timestamp::now());
            leave(app, id, part).await?;
        }
    }
    if act == Act::End {
        for part in practical.parts.iter_mut().filter(|part| part.outcome.is_none()) {
            part.outcome = Some(practical::Outcome::Skipped);
            part.ended = Some(now);
            if part.began.is_some() {
                leave(app, id, part).await?;
            }
        }
    }
    let now = Timestamp::now();
    let next = practical.current(now).map(|part| part.clone());
    let place = match &next {
        Some(part) => Some(prepare(app, id, part)?),
        None => None,
    };
    record.keep_practical(id, &practical, next.is_none())?;
    let passed = practical.gaps().next().is_none();
    let code = match (&next, &report) {
        (None, _) if !passed => exit_code::FAILED,
        (Some(_), Some(report)) => super::verify::code(&report.goals),
        _ => exit_code::OK,
    };
    let view = ReviewView {
        report,
        left_minutes: u64::try_from(practical.left(now).as_mins()).unwrap_or(0),
        place: practical.place(),
        task: place.as_ref().map(|(opened, _)| task(&opened.lab, next.as_ref())).unwrap_or_default(),
        workspace: place.map(|(_, workspace)| workspace),
        parts: practical.parts.iter().map(told).collect(),
        over: next.is_none(),
    };
    Ok(Outcome { code, view: View::Review(Box::new(view)) })
}

/// The practicals that are over, and which of their gaps have passed since.
///
/// # Errors
/// The record cannot be read.
pub fn taken(record: &Record) -> Result<Vec<Taken>, Failure> {
    let history = record.history(None, u32::MAX)?;
    let since = |part: &Part, ended: Timestamp| {
        let later = |row: &&AttemptRow| row.began.parse::<Timestamp>().is_ok_and(|began| began > ended);
        let rounds = history.iter().filter(|row| row.lab == part.lab).filter(later);
        let mut verdicts = rounds.flat_map(|row| &row.verdicts);
        verdicts.any(|(goal, verdict)| *goal == part.goal && verdict == Verdict::Passed.word())
    };
    let told = |practical: Practical| {
        let ended = practical.ended();
        let goal = |part: &Part| TakenGoal {
            lab: part.lab.clone(),
            goal: part.goal.clone(),
            outcome: part.outcome.unwrap_or(practical::Outcome::Late),
            redone: since(part, ended),
        };
        Taken { ended, minutes: practical.minutes, goals: practical.parts.iter().map(goal).collect() }
    };
    Ok(record.practicals()?.into_iter().map(told).collect())
}

fn task(lab: &Lab, part: Option<&Part>) -> String {
    part.and_then(|part| lab.goal(&part.goal)).map(|goal| goal.task.clone()).unwrap_or_default()
}

fn told(part: &Part) -> ReviewPart {
    let minutes = part.began.zip(part.ended).map(|(began, ended)| ended.duration_since(began).as_mins());
    ReviewPart {
        lab: part.lab.clone(),
        goal: part.goal.clone(),
        title: part.title.clone(),
        tries: part.tries,
        minutes: minutes.and_then(|minutes| u64::try_from(minutes).ok()),
        outcome: part.outcome.map(|outcome| match outcome {
            practical::Outcome::Passed => "passed".to_owned(),
            practical::Outcome::Skipped => "skipped".to_owned(),
            practical::Outcome::Late => "not reached in time".to_owned(),
        }),
    }
}

/// The goals that were reached before, of labs that have a solution without each of them.
fn candidates(app: &App, now: Timestamp) -> Result<Vec<Candidate>, Failure> {
    let record = app.record()?;
    let mut found = Vec::new();
    for outline in app.outlines()? {
        let states = record.goal_states(&outline.id)?;
        if states.values().all(|state| state.ever.is_none()) {
            continue;
        }
        let lab = app.open(&outline)?.lab;
        let history = record.history(Some(&outline.id), u32::MAX)?;
        for (goal, title) in to_do(&lab)? {
            let Some(state) = states.get(goal).filter(|state| state.ever.is_some()) else { continue };
            let mut rounds = history.iter().rev().flat_map(|row| &row.verdicts).filter(|(name, _)| *name == goal);
            let failures = rounds.by_ref().take_while(|(_, verdict)| verdict != "passed").count();
            let last = state.now_since.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
            found.push(Candidate {
                lab: outline.id.clone(),
                goal: goal.to_owned(),
                title: title.to_owned(),
                failures,
                hints: state.hints,
                weeks: last.map_or(0.0, |last| now.duration_since(last).as_secs_f64() / (7.0 * 86_400.0)),
                lapsed: state.now.as_deref() == Some("failed"),
            });
        }
    }
    Ok(found)
}

/// Goals that take work in a running lab: there is a solution without them, and more than files is looked at.
fn to_do(lab: &Lab) -> Result<Vec<(&str, &str)>, Failure> {
    let solution = Solution::read(&lab.folder, &lab.starter)?;
    let goals: Vec<GoalId> = lab.goals.iter().map(|goal| goal.id.clone()).collect();
    let whole = solution.render(&goals, &goals.iter().cloned().collect())?;
    let mut found = Vec::new();
    for goal in &lab.goals {
        let without = goals.iter().filter(|one| **one != goal.id).cloned().collect();
        let steps = goal.checks.iter().flat_map(|check| &check.steps);
        let written = steps.into_iter().all(|step| matches!(step.action, Action::Probe { kind: Kind::File, .. }));
        if !written && solution.render(&goals, &without)? != whole {
            found.push((goal.id.as_str(), goal.title.as_str()));
        }
    }
    Ok(found)
}

/// The lab of a goal as the practical has it: an instance and a workspace of its own, another one in each
/// practical: nobody finds the answers of the last time.
fn opened(app: &App, id: i64, part: &Part) -> Result<(App, Opened), Failure> {
    let instance = match app.instance.as_str() {
        "default" => "review".to_owned(),
        other => format!("{other}-review"),
    };
    let instance = InstanceName::new(&instance).map_err(|error| Failure::usage(error.to_string()))?;
    let app = App { instance, ..app.clone() };
    let outline = app.choose(Some(&part.lab))?;
    let workspace = app.root().join("workspace").join(format!("{}-{id}-{}-{}", app.instance, part.lab, part.goal));
    let opened = app.open_at(&outline, &workspace)?;
    Ok((app, opened))
}

/// Makes the workspace, once: the solution without the goal.
fn prepare(app: &App, id: i64, part: &Part) -> Result<(Opened, PathBuf), Failure> {
    let (_, opened) = opened(app, id, part)?;
    if !opened.workspace.exists() {
        let lab = &opened.lab;
        let solution = Solution::read(&lab.folder, &lab.starter)?;
        let goals: Vec<GoalId> = lab.goals.iter().map(|goal| goal.id.clone()).collect();
        let without: BTreeSet<GoalId> = goals.iter().filter(|goal| goal.as_str() != part.goal).cloned().collect();
        lay_out(&solution.render(&goals, &without)?, &opened.workspace)?;
    }
    let workspace = opened.workspace.clone();
    Ok((opened, workspace))
}

/// Judges the goal that is asked for, with values that nobody has seen.
async fn check(app: &App, id: i64, part: &Part) -> Result<crate::lab::report::LabReport, Failure> {
    prepare(app, id, part)?;
    let (app, opened) = opened(app, id, part)?;
    let engine = super::doctor::engine(&app).await?;
    let _lock = app.lock(&opened)?;
    pristine(&app, &opened, &engine, &meant(&opened, &[])).await?;
    let mut up = up_to_judge(&app, &opened, &engine).await?;
    let goals = opened.lab.goals.iter().map(|goal| goal.id.clone());
    let (asked, known): (BTreeSet<GoalId>, BTreeSet<GoalId>) = goals.partition(|goal| goal.as_str() == part.goal);
    round(&app, &opened, &mut up, &asked, &known, fresh_seed(), None).await
}

/// Takes the lab off the engine; the workspace stays, for whoever wants to look at it again.
async fn leave(app: &App, id: i64, part: &Part) -> Result<(), Failure> {
    let (app, opened) = opened(app, id, part)?;
    let engine = super::doctor::engine(&app).await?;
    let _lock = app.lock(&opened)?;
    remove_all(&app, &opened, &engine).await
}
