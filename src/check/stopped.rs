//! Why a check ended before its end, and the words for it.

use std::time::Duration;

use serde_json::Value;

use super::world::{Observation, Unobservable};
use crate::lab::{Kind, Verdict};

/// Why a check ended early.
pub(super) struct Stopped {
    pub step: String,
    pub line: usize,
    pub message: String,
    pub expected: Option<String>,
    pub observed: Option<String>,
    pub problem: Option<Unobservable>,
    pub otherwise: Option<Verdict>,
    pub waited: Option<Duration>,
    pub probe: Option<(Kind, Value)>,
    pub data: Value,
    pub defect: bool,
}

impl Stopped {
    /// The check's own time limit.
    pub fn over_time(limit: Duration) -> Self {
        let message = format!("the check did not end within {} s", limit.as_secs());
        Self { message, ..Self::at("check", 0) }
    }

    /// The step cannot be carried out on any workspace.
    pub fn defect(step: &str, line: usize, why: String) -> Self {
        let problem = Some(Unobservable::Definition(why.clone()));
        Self { message: why, problem, defect: true, ..Self::at(step, line) }
    }

    /// Nothing is known yet but the step.
    pub fn at(step: &str, line: usize) -> Self {
        Self {
            step: step.to_owned(),
            line,
            message: String::new(),
            expected: None,
            observed: None,
            problem: None,
            otherwise: None,
            waited: None,
            probe: None,
            data: Value::Null,
            defect: false,
        }
    }
}

/// A value as a failure shows it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('\n') => format!("\n{text}"),
        other => other.to_string(),
    }
}

/// The rest of an observation that helps to understand one value of it.
pub(super) fn context(observation: &Observation, key: &str) -> String {
    let text = |name: &str| {
        observation.fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty() && name != key)
    };
    if let Some(body) = text("body") {
        let status = observation.fields.get("status").map(ToString::to_string).unwrap_or_default();
        return format!("\nthe whole answer, status {status}:\n{}", readable(body));
    }
    match (text("stderr"), text("stdout")) {
        (Some(stderr), _) => format!("\nstandard error:\n{}", stderr.trim_end()),
        (None, Some(stdout)) => format!("\nstandard output:\n{}", stdout.trim_end()),
        _ => String::new(),
    }
}

/// Django's error pages are long; as text their first lines say it all.
fn readable(body: &str) -> String {
    let is_page = body.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
    let title = is_page.then(|| Some(body.split_once("<title>")?.1.split_once("</title>")?.0)).flatten();
    match title {
        Some(title) => {
            let title = title.replace("&#x27;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
            format!("(a page) {}", title.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        None => body.trim_end().to_owned(),
    }
}

/// What could not be seen, in words.
pub(super) fn words(problem: &Unobservable) -> String {
    match problem {
        Unobservable::Service { what, .. } | Unobservable::Machine(what) | Unobservable::Definition(what) => {
            what.clone()
        }
        Unobservable::TimedOut { service: Some(service), after } => {
            format!("`{service}` gave no answer within {} s", after.as_secs_f64())
        }
        Unobservable::TimedOut { service: None, after } => format!("no answer within {} s", after.as_secs_f64()),
    }
}
