//! Steps that name no service where none or several could be meant: known before the lab runs.

use std::collections::BTreeMap;

use crate::check::probe::only_one;
use crate::lab::check::{Action, MAIN, Step};
use crate::lab::stack::Service;
use crate::lab::{Lab, ServiceName};

/// Every step of the lab for which no service can be told.
pub fn services(lab: &Lab) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |step: &Step, stack: &str, place: &str| {
        let Action::Probe { kind, fields } = &step.action else { return };
        let Some(services) = services_of(lab, stack).filter(|_| fields.get("service").is_none()) else { return };
        if let Some(Err(why)) = only_one(*kind, services) {
            found.push(format!("{place}, line {}: a `{}` step says no service, and {why}", step.line, kind.word()));
        }
    };
    for (service, step) in &lab.ready {
        step.visit(MAIN, &mut |step, stack| look(step, stack, &format!("`ready` of `{service}`")));
    }
    for (service, steps) in &lab.reset {
        let place = format!("`reset` of `{service}`");
        steps.iter().for_each(|step| step.visit(MAIN, &mut |step, stack| look(step, stack, &place)));
    }
    for (name, copy) in &lab.stacks {
        let place = format!("the stack `{name}`");
        let steps = copy.ready.values().chain(&copy.setup);
        steps.for_each(|step| step.visit(name, &mut |step, stack| look(step, stack, &place)));
    }
    for goal in &lab.goals {
        let place = format!("the goal `{}`", goal.id);
        for check in &goal.checks {
            let steps = check.steps.iter();
            steps.for_each(|step| step.visit(&check.stack, &mut |step, stack| look(step, stack, &place)));
        }
    }
    found
}

/// `None` where a learner's own Compose file says which services there are.
fn services_of<'l>(lab: &'l Lab, stack: &str) -> Option<&'l BTreeMap<ServiceName, Service>> {
    match lab.stacks.get(stack) {
        Some(copy) if copy.compose.is_some() => None,
        Some(copy) => Some(&copy.stack.as_ref().unwrap_or(&lab.stack).services),
        None => Some(&lab.stack.services),
    }
}
