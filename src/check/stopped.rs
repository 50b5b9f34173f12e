//! Why a check ended before its end, and the words for it.

use std::time::Duration;

use serde_json::Value;

use super::world::{Observation, Unobservable};
use crate::lab::{Kind, Verdict};

/// Why a check ended early.
pub(super) struct Stopped {
    pub step: String,
    pub line: usize,
    /// Where the step looked, if not in the check's own environment.
    pub stack: Option<String>,
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
    /// The check's own time limit; `last` is the step that it was at, its line, and what was seen last.
    pub fn over_time(limit: Duration, last: Option<(String, usize, String)>) -> Self {
        let message = format!("the check did not end within {} s", limit.as_secs());
        let Some((step, line, seen)) = last else { return Self { message, ..Self::at("check", 0) } };
        let seen = if seen.is_empty() { "nothing yet".to_owned() } else { seen };
        let observed = format!("it was at `{step}` (line {line} of lab.yaml); last seen: {seen}");
        Self { message, observed: Some(observed), waited: Some(limit), ..Self::at(&step, line) }
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
            stack: None,
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
    if let Some(failures) = text("failures") {
        return format!("\nwhat failed, and what it wrote last:\n{}", last_lines(failures));
    }
    if let Some(log) = text("log") {
        return format!("\nwhat the jobs wrote last:\n{}", last_lines(log));
    }
    match (text("stderr"), text("stdout")) {
        (Some(stderr), _) => format!("\nstandard error:\n{}", stderr.trim_end()),
        (None, Some(stdout)) => format!("\nstandard output:\n{}", stdout.trim_end()),
        _ => String::new(),
    }
}

/// Lines of a long log that a failure shows.
const LOG_LINES: usize = 30;

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let before = lines.len().saturating_sub(LOG_LINES);
    let more = if before > 0 { format!("… {before} lines before\n") } else { String::new() };
    format!("{more}{}", lines[before..].join("\n"))
}

/// Lines of a page that a failure shows; the command beside it shows all of it.
const PAGE_LINES: usize = 16;

/// A page as a reader sees it; everything else as it is.
fn readable(body: &str) -> String {
    let start = body.trim_start().to_lowercase();
    if !start.starts_with("<!doctype html") && !start.starts_with("<html") {
        return body.trim_end().to_owned();
    }
    let text = page_text(body);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let more = lines.len().saturating_sub(PAGE_LINES);
    let rest = if more > 0 { format!("\n… and {more} more lines") } else { String::new() };
    format!("(a page) {}{rest}", lines[..lines.len() - more].join("\n"))
}

/// The text of an HTML page, tags, scripts and styles left out.
fn page_text(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let end = match name.as_str() {
            "script" | "style" => tag.find(&format!("</{name}")).map_or(tag.len(), |at| at + 2 + name.len()),
            _ => 0,
        };
        rest = tag[end..].split_once('>').map_or("", |(_, after)| after);
        if !matches!(name.as_str(), "a" | "b" | "i" | "em" | "strong" | "span" | "code") {
            text.push('\n');
        }
    }
    text.push_str(rest);
    let entities = [("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " ")];
    let text = entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter));
    text.replace("&amp;", "&")
}

/// What could not be seen, in words.
pub(super) fn words(problem: &Unobservable) -> String {
    match problem {
        Unobservable::Service { what, .. }
        | Unobservable::Learner(what)
        | Unobservable::Machine(what)
        | Unobservable::Definition(what) => what.clone(),
        Unobservable::TimedOut { service: Some(service), after } => {
            format!("`{service}` gave no answer within {} s", after.as_secs_f64())
        }
        Unobservable::TimedOut { service: None, after } => format!("no answer within {} s", after.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_is_shown_as_text() {
        let page = "<!DOCTYPE html><html><head><style>p > b { color: red }</style><title>Error</title></head>\n\
                    <body><h1>It&#x27;s <em>full</em></h1><p>No space &lt;left&gt;</p></body></html>";
        assert_eq!(super::readable(page), "(a page) Error\nIt's full\nNo space <left>");
        assert_eq!(super::readable("{\"a\": \"<b>\"}\n"), "{\"a\": \"<b>\"}");
        assert!(super::readable(&format!("<html>{}", "<p>x".repeat(30))).ends_with("… and 14 more lines"));
    }
}
