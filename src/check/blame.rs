//! Whose fault it is that something was not as expected, with the engine's evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::probe;
use super::world::{ContainerView, Unobservable, World};
use crate::lab::stack::Condition;
use crate::lab::{Kind, Owner, ServiceName, Verdict};

/// A judgement on what went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    pub verdict: Verdict,
    pub evidence: Vec<String>,
}

/// Services that were not ready when judging began: why, and their last lines.
pub type Unready = BTreeMap<ServiceName, (String, Vec<String>)>;

const LOG_LINES: usize = 8;
/// How long the engine may take to notice that a process has ended.
const SETTLE: Duration = Duration::from_secs(1);

/// Judges a failed step. `proposed` is what the step's own rules say (failed, or its `else:`); the
/// machine's troubles overrule it. `faulted` are the services that this check itself has broken.
pub async fn rule<W: World>(
    world: &W,
    proposed: Verdict,
    problem: Option<&Unobservable>,
    faulted: &BTreeSet<ServiceName>,
    unready: &Unready,
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
    let mut found = look_around(world, faulted, unready).await;
    // A process is gone a moment before the engine knows: a silent service is looked at again for a while.
    // Whether it was killed for its memory the engine knows later still.
    let silent = matches!(problem, Some(Unobservable::Service { .. }));
    let began = Instant::now();
    while silent && (found.is_empty() || found.killed) && began.elapsed() < SETTLE {
        tokio::time::sleep(SETTLE / 10).await;
        found = look_around(world, faulted, unready).await;
    }
    let Around { mut evidence, mut machine, learner_down, .. } = found;
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

/// What the services are doing, besides running as they should.
#[derive(Default)]
struct Around {
    evidence: Vec<String>,
    machine: Vec<String>,
    learner_down: bool,
    /// A process was killed, and nobody has said why.
    killed: bool,
}

impl Around {
    fn is_empty(&self) -> bool {
        self.evidence.is_empty() && self.machine.is_empty()
    }
}

async fn look_around<W: World>(world: &W, faulted: &BTreeSet<ServiceName>, unready: &Unready) -> Around {
    let mut around = Around::default();
    for (service, definition) in world.services().iter().filter(|(service, _)| !faulted.contains(*service)) {
        // Nobody was to start it.
        if definition.scale == 0 || !definition.profiles.is_empty() {
            continue;
        }
        let Ok(view) = world.container(service, 1).await else { continue };
        let owner = world.owner(service);
        let one_shot = world.services().values().any(|other| {
            let dependency = other.depends_on.get(service);
            dependency.is_some_and(|one| one.condition == Condition::CompletedSuccessfully)
        });
        let told = |around: &mut Around, (reason, log): &(String, Vec<String>)| {
            around.evidence.push(format!("`{service}` was not ready when judging began: {reason}"));
            around.evidence.extend(log.iter().map(|line| format!("  {service} | {line}")));
        };
        around.killed |= view.state == "exited" && view.exit_code == Some(137) && !view.oom_killed;
        match (state(&view, owner, one_shot), unready.get(service)) {
            // It was not ready and is not there: what was said then says why.
            (State::NoImage, Some(known)) => {
                around.learner_down = true;
                told(&mut around, known);
            }
            (State::Fine, Some(known)) => told(&mut around, known),
            (State::Fine | State::NoImage, _) => {}
            (State::ByHand(words), _) => around.machine.push(format!("`{service}` {words}")),
            (State::Down(words), _) if owner == Owner::Lab => {
                around.machine.push(format!(
                    "`{service}` belongs to the lab and {words}; `labrunner reset {service}` makes it anew"
                ));
            }
            (State::Down(words), _) => {
                around.learner_down = true;
                around.evidence.push(format!("`{service}` {words}"));
                let lines = world.logs(service, None, Some(LOG_LINES)).await.unwrap_or_default();
                around.evidence.extend(lines.into_iter().map(|line| format!("  {service} | {line}")));
            }
        }
    }
    around
}

/// The last lines of a learner's service that has answered with an error of its own (HTTP status 500 and above): what
/// went wrong stands there, and not in the answer.
pub async fn server_error<W: World>(kind: Kind, fields: &Value, seen: &Value, world: &W) -> Vec<String> {
    let status = seen.get("fields").and_then(|fields| fields.get("status")).and_then(Value::as_u64);
    let service = probe::service_of(kind, &probe::Fields(fields), world);
    let service = service.filter(|service| kind == Kind::Http && world.owner(service) == Owner::Learner);
    let (Some(500..), Some(service)) = (status, service) else { return Vec::new() };
    let lines = world.logs(&service, None, Some(2 * LOG_LINES)).await.unwrap_or_default();
    let mut evidence: Vec<String> = lines.into_iter().map(|line| format!("  {service} | {line}")).collect();
    if !evidence.is_empty() {
        evidence.insert(0, format!("`{service}` has written last:"));
    }
    evidence
}

enum State {
    Fine,
    NoImage,
    /// Somebody or something outside the lab did this.
    ByHand(String),
    Down(String),
}

fn state(view: &ContainerView, owner: Owner, one_shot: bool) -> State {
    let code = view.exit_code.unwrap_or(-1);
    match view.state.as_str() {
        "paused" => State::ByHand("was paused by hand; unpause it, or run `labrunner start`".into()),
        "running" if !view.connected => {
            State::ByHand("was disconnected from the lab's network; run `labrunner reset`".into())
        }
        "running" if !view.named => State::ByHand(
            "has lost its name in the lab's network: others look for it in vain; run `labrunner reset`".into(),
        ),
        // A learner's image that does not build leaves no container; that was reported when it was built.
        "missing" if owner == Owner::Learner && !view.has_image => State::NoImage,
        "missing" => State::ByHand("has no container any more: somebody removed it; run `labrunner start`".into()),
        "restarting" => State::Down(format!("crashes again and again (exit code {code}, {} restarts)", view.restarts)),
        "exited" if code == 0 && one_shot => State::Fine,
        "exited" if view.oom_killed => {
            State::Down(format!("ran out of its own memory limit and was killed (exit code {code})"))
        }
        // Nothing inside a container can kill its first process (pid_namespaces(7)).
        "exited" if code == 137 => State::ByHand(
            "was killed from outside (exit code 137): by hand, or by this machine for want of memory".into(),
        ),
        "exited" if code == 0 => State::Down("has ended (exit code 0)".into()),
        "exited" => State::Down(format!("has exited with code {code}")),
        _ => State::Fine,
    }
}
