//! What a step expects, said and unsaid.

use serde_json::Value;

use super::compare::describe;
use super::scope::CheckScope;
use super::select::key_text;
use crate::lab::Kind;
use crate::lab::check::{Action, Key, Operator, Predicate, Step};
use crate::lab::expression::Tree;

/// All that a step expects, in words.
pub(super) fn expected(step: &Step, default: Option<&(Key, Predicate)>, scope: &CheckScope<'_>) -> String {
    let said = step.expect.iter().map(|one| (&one.key, &one.predicate));
    let unsaid = default.map(|(key, predicate)| (key, predicate));
    let parts: Vec<String> = said
        .chain(unsaid)
        .map(|(key, predicate)| format!("{} {}", key_text(key, scope), describe(predicate, scope)))
        .collect();
    parts.join(", ")
}

/// What holds where `expect` does not name the field.
pub(super) fn default_expectation(kind: Kind, step: &Step) -> Option<(Key, Predicate)> {
    let literal = |value: Value| Tree::Literal(value);
    let (field, operator) = match kind {
        Kind::Http => ("status", Operator::Lt(literal(400.into()))),
        Kind::Exec | Kind::Run => ("code", Operator::Equals(literal(0.into()))),
        Kind::Amqp => match &step.action {
            Action::Probe { fields, .. } if fields.get("publish").is_some() => {
                ("routed", Operator::Equals(literal(true.into())))
            }
            _ => return None,
        },
        Kind::Redis | Kind::Kafka | Kind::Sql => ("error", Operator::Equals(literal(Value::Null))),
        Kind::Load => ("errors", Operator::Equals(literal(0.into()))),
        Kind::Evidence => ("exists", Operator::Equals(literal(true.into()))),
        Kind::Tcp => ("open", Operator::Equals(literal(true.into()))),
        Kind::Compose => match &step.action {
            Action::Probe { fields, .. } if fields.get("up").is_some() => ("unready", Operator::IsEmpty(true)),
            _ => return None,
        },
        Kind::Celery => match &step.action {
            Action::Probe { fields, .. } if fields.get("ping").is_some() => {
                ("alive", Operator::Equals(literal(true.into())))
            }
            _ => return None,
        },
        _ => return None,
    };
    let named = step.expect.iter().any(|one| matches!(&one.key, Key::Field(path) if path[0] == field));
    (!named).then(|| (Key::Field(vec![field.to_owned()]), Predicate(vec![operator])))
}
