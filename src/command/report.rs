//! `report`: what was reached, for showing to others.

use super::app::App;
use super::{Failure, Outcome};
use crate::catalog::discover::Outline;
use crate::lab::view::{ReportGoal, ReportLab, ReportView, View};
use crate::record::Record;

/// Every lab that was tried, or one, from the record alone.
///
/// # Errors
/// There is no such lab; the record cannot be read.
pub fn report(app: &App, name: Option<&str>) -> Result<Outcome, Failure> {
    let record = app.record()?;
    let only = name.map(|name| app.choose(Some(name))).transpose()?.map(|outline| outline.id);
    let mut labs = Vec::new();
    for outline in app.outlines()? {
        if only.as_ref().is_some_and(|only| *only != outline.id) {
            continue;
        }
        let goals = reported(&record, &outline)?;
        if goals.iter().all(|goal| goal.attempts == 0 && goal.hints == 0) && only.is_none() {
            continue;
        }
        labs.push(ReportLab { lab: outline.id.clone(), title: outline.title.clone(), goals });
    }
    Ok(Outcome::ok(View::Report(ReportView { made: app.now(), labs })))
}

/// What the record knows of each goal of a lab.
///
/// # Errors
/// The record cannot be read.
pub fn reported(record: &Record, outline: &Outline) -> Result<Vec<ReportGoal>, Failure> {
    let states = record.goal_states(&outline.id)?;
    let last = record.last_verdicts(&outline.id)?;
    let goal = |(id, title, points): &(String, String, i64)| {
        let state = states.get(id).cloned().unwrap_or_default();
        let last = last.get(id).cloned().unwrap_or_default();
        ReportGoal {
            goal: id.clone(),
            title: title.clone(),
            points: u32::try_from(*points).unwrap_or(0),
            first_reached: state.ever,
            verdict: last.verdict,
            message: last.message,
            judged: last.judged,
            attempts: state.attempts,
            hints: state.hints,
        }
    };
    Ok(outline.goals.iter().map(goal).collect())
}
