//! Whose fault it is that something was not as expected, with the engine's evidence.

use std::collections::BTreeSet;

use super::world::{ContainerView, Unobservable, World};
use crate::lab::{Owner, ServiceName, Verdict};

/// A judgement on what went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    pub verdict: Verdict,
    pub evidence: Vec<String>,
}

const LOG_LINES: usize = 8;

/// Judges a failed step. `proposed` is what the step's own rules say (failed, or its `else:`); the
/// machine's troubles overrule it. `faulted` are the services that this check itself has broken.
pub async fn rule<W: World>(
    world: &W,
    proposed: Verdict,
    problem: Option<&Unobservable>,
    faulted: &BTreeSet<ServiceName>,
) -> Ruling {
    if let Some(Unobservable::Definition(_)) = problem {
        return Ruling { verdict: Verdict::Defect, evidence: Vec::new() };
    }
    if let Err(why) = world.engine().await {
        return Ruling {
            verdict: Verdict::Undecided,
            evidence: vec![format!("the container engine does not answer: {why}")],
        };
    }
    let mut evidence = Vec::new();
    let mut learner_down = false;
    let mut machine = Vec::new();
    for service in world.services().keys().filter(|service| !faulted.contains(*service)) {
        let Ok(view) = world.container(service, 1).await else { continue };
        let owner = world.owner(service);
        match state(&view, owner) {
            State::Fine => {}
            State::ByHand(words) => machine.push(format!("`{service}` {words}")),
            State::Down(words) if owner == Owner::Lab => {
                machine.push(format!(
                    "`{service}` belongs to the lab and {words}; `labrunner reset {service}` makes it anew"
                ));
            }
            State::Down(words) => {
                learner_down = true;
                evidence.push(format!("`{service}` {words}"));
                let lines = world.logs(service, None, Some(LOG_LINES)).await.unwrap_or_default();
                evidence.extend(lines.into_iter().map(|line| format!("  {service} | {line}")));
            }
        }
    }
    if let Some(Unobservable::Machine(why)) = problem {
        machine.push(why.clone());
    }
    if !machine.is_empty() {
        return Ruling { verdict: Verdict::Undecided, evidence: machine };
    }
    let lab_service = match problem {
        Some(Unobservable::Service { service, .. } | Unobservable::TimedOut { service: Some(service), .. }) => {
            (world.owner(service) == Owner::Lab && !faulted.contains(service)).then_some(service)
        }
        _ => None,
    };
    if let Some(service) = lab_service {
        evidence.push(format!("`{service}` belongs to the lab and runs, but does not answer as it should"));
        return Ruling { verdict: Verdict::Undecided, evidence };
    }
    let verdict = if learner_down { Verdict::Failed } else { proposed };
    Ruling { verdict, evidence }
}

enum State {
    Fine,
    /// Somebody or something outside the lab did this.
    ByHand(String),
    Down(String),
}

fn state(view: &ContainerView, owner: Owner) -> State {
    let code = view.exit_code.unwrap_or(-1);
    match view.state.as_str() {
        "paused" => State::ByHand("was paused by hand; unpause it, or run `labrunner start`".into()),
        "running" if !view.connected => {
            State::ByHand("was disconnected from the lab's network; run `labrunner reset`".into())
        }
        // A learner's image that does not build leaves no container; that was reported when it was built.
        "missing" if owner == Owner::Learner => State::Down("has no container".into()),
        "missing" => State::ByHand("has no container any more; run `labrunner start`".into()),
        "restarting" => State::Down(format!("crashes again and again (exit code {code}, {} restarts)", view.restarts)),
        "exited" if code == 0 => State::Fine,
        "exited" if view.oom_killed => {
            State::Down(format!("ran out of its own memory limit and was killed (exit code {code})"))
        }
        "exited" => State::Down(format!("has exited with code {code}")),
        _ => State::Fine,
    }
}
