//! What stands in the way of judging before the first check: a service of the lab that is down, a machine
//! that cannot run anything.

use super::app::{App, Opened};
use super::failure::Failure;
use super::pristine::remove_services;
use super::up::{Up, up};
use super::users::users_begin_again;
use crate::docker::DockerEngine;
use crate::environment::engine::Engine;
use crate::environment::ready::NotReady;
use crate::event::Event;
use crate::lab::report::{CheckReport, Failure as Why, GoalReport};
use crate::lab::{Goal, Owner, ServiceName, Verdict};

/// Why nothing can be judged, and what that makes of every goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub verdict: Verdict,
    pub why: String,
}

/// Brings the environment up for judging. A service of the lab that does not get ready is made anew once.
///
/// # Errors
/// As [`up`].
pub async fn up_to_judge(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Up, Failure> {
    let first = up(app, opened, engine).await?;
    let Some((service, why)) = down(opened, &first).filter(|(_, why)| !why.machine) else { return Ok(first) };
    let text = format!("`{service}` belongs to the lab and is not ready ({}): it is made anew once", why.reason);
    app.sink.emit(Event::Note { text });
    let observed = engine.observe(&opened.identity).await?;
    let anew = [service.clone()].into();
    // Those that use it may have put into it what they need when they began: they begin again.
    users_begin_again(opened, engine, &observed, &anew).await?;
    remove_services(app, opened, engine, &observed, &anew).await?;
    up(app, opened, engine).await
}

/// The trouble that is left; remembered, because the same again is the lab's defect.
///
/// # Errors
/// The state folder cannot be written.
pub fn trouble(opened: &Opened, up: &mut Up) -> Result<Option<Trouble>, Failure> {
    if let Some((service, why)) = up.failed.iter().find(|(_, why)| why.machine) {
        let why = format!("`{service}` could not be started: {}", why.reason);
        return Ok(Some(Trouble { verdict: Verdict::Undecided, why }));
    }
    let Some((service, why)) = down(opened, up) else {
        if up.notes.troubled.take().is_some() {
            up.notes.write(&opened.folder)?;
        }
        return Ok(None);
    };
    let log: String = why.log.iter().map(|line| format!("\n  {service} | {line}")).collect();
    let again = up.notes.troubled.as_deref() == Some(service.as_str());
    let text = match again {
        false => format!("`{service}` belongs to the lab, was made anew, and is not ready: {}{log}", why.reason),
        true => format!(
            "`{service}` belongs to the lab and was not ready the last time either, each time after it was made anew: {}{log}",
            why.reason
        ),
    };
    let verdict = if again { Verdict::Defect } else { Verdict::Undecided };
    up.notes.troubled = Some(service.to_string());
    up.notes.write(&opened.folder)?;
    Ok(Some(Trouble { verdict, why: text }))
}

/// The first service of the lab that is down; one that waits for another is not the first.
fn down<'u>(opened: &Opened, up: &'u Up) -> Option<(&'u ServiceName, &'u NotReady)> {
    let mut labs = up.failed.iter().filter(|(service, _)| opened.lab.owner_of(service) == Owner::Lab);
    let waits = |service: &ServiceName| {
        let definition = opened.lab.stack.services.get(service);
        definition.is_some_and(|one| one.depends_on.keys().any(|other| up.failed.contains_key(other)))
    };
    labs.find(|(service, _)| !waits(service))
}

/// A goal that cannot be judged.
pub fn cannot(goal: &Goal, trouble: &Trouble) -> GoalReport {
    let failure = Why {
        message: match trouble.verdict {
            Verdict::Defect => "this lab is broken: a service of its own does not run".into(),
            _ => "nothing can be judged while the lab does not run".into(),
        },
        expected: None,
        observed: None,
        reproduce: Some("labrunner status".into()),
        evidence: vec![trouble.why.clone()],
        step: "start".into(),
        line: 0,
        waited: None,
        data: serde_json::Value::Null,
    };
    let took = std::time::Duration::ZERO;
    let check = CheckReport {
        name: "the lab runs".into(),
        verdict: trouble.verdict,
        took,
        retries: 0,
        failure: Some(failure),
        left_out: None,
    };
    GoalReport {
        goal: goal.id.clone(),
        title: goal.title.clone(),
        points: goal.points,
        verdict: trouble.verdict,
        already_true: false,
        blocked_by: Vec::new(),
        checks: vec![check],
        changed_since_pass: None,
        next_hint: None,
        took,
    }
}
