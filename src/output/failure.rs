//! A command that failed, and a goal that did not pass.

use super::text::{Paint, fit, indent, sanitise, seconds};
use crate::lab::Verdict;
use crate::lab::report::{CheckReport, GoalReport, LabReport};

/// A failed command for people.
pub fn failure_text(message: &str, hints: &[String], colour: bool) -> String {
    let paint = Paint(colour);
    let message = sanitise_keeping_style(message, colour);
    // Findings about files carry their own titles.
    let mut text = if message.trim_start_matches('\u{1b}').contains("error[") {
        format!("{message}\n")
    } else {
        format!("{}: {message}\n", paint.bad("error"))
    };
    for hint in hints {
        text.push_str(&format!("{}: {}\n", paint.strong("hint"), sanitise(hint)));
    }
    text
}

fn sanitise_keeping_style(text: &str, colour: bool) -> String {
    if colour { text.to_owned() } else { sanitise(text) }
}

/// A failed command for programs.
pub fn failure_json(code: u8, message: &str, hints: &[String]) -> String {
    serde_json::json!({ "schema": super::SCHEMA, "kind": "error", "exit_code": code, "message": message, "hints": hints }).to_string() + "\n"
}

/// A round of judging.
pub fn report(report: &LabReport, width: usize, paint: Paint) -> String {
    let mut text = format!("{} · seed {}\n\n", paint.strong(&sanitise(&report.title)), report.seed);
    for goal in &report.goals {
        text.push_str(&line(goal, width, paint));
        if goal.verdict != Verdict::Passed && goal.verdict != Verdict::Blocked {
            goal.checks
                .iter()
                .filter(|check| check.verdict != Verdict::Passed)
                .for_each(|check| text.push_str(&block(goal, check, paint)));
        }
    }
    // A block has its own empty line behind it.
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text.push_str(&summary(report, paint));
    text
}

/// One goal that did not pass: its checks that did not hold, in full.
pub(super) fn goal_block(goal: &GoalReport, paint: Paint) -> String {
    let checks = goal.checks.iter().filter(|check| check.verdict != Verdict::Passed);
    format!("{}\n{}", goal.goal, checks.map(|check| block(goal, check, paint)).collect::<String>())
}

/// Width of the mark and the verdict's word, with the spaces around them.
const MARGIN: usize = 12;

fn line(goal: &GoalReport, width: usize, paint: Paint) -> String {
    let (mark, rest) = match goal.verdict {
        Verdict::Passed if goal.already_true => {
            (paint.odd("= passed   "), "already true on the untouched starter, so it is not counted".to_owned())
        }
        Verdict::Passed => (paint.good("✓ passed   "), with_retries(goal)),
        Verdict::Failed => (paint.bad("✗ failed   "), seconds(goal.took.as_millis())),
        Verdict::Undecided => (paint.odd("? undecided"), seconds(goal.took.as_millis())),
        Verdict::Defect => (paint.odd("! defect   "), seconds(goal.took.as_millis())),
        Verdict::Blocked => {
            let by: Vec<&str> = goal.blocked_by.iter().map(|id| id.as_str()).collect();
            return format!(
                "{} {} {}\n",
                paint.faint("· blocked  "),
                goal.goal,
                paint.faint(&format!("waits for {}", by.join(", ")))
            );
        }
    };
    let room = width.saturating_sub(MARGIN + goal.goal.as_str().len() + rest.chars().count() + 4);
    let title = fit(&sanitise(&goal.title), room);
    format!("{mark} {} {} {}\n", goal.goal, paint.faint(&title), paint.faint(&format!("· {rest}")))
}

/// How long a goal took, and how often something had to be looked at again before it held.
fn with_retries(goal: &GoalReport) -> String {
    let took = seconds(goal.took.as_millis());
    match goal.checks.iter().map(|check| check.retries).sum::<u32>() {
        0 => took,
        1 => format!("{took}, 1 retry"),
        many => format!("{took}, {many} retries"),
    }
}

/// Message, expected, observed, what changed, how to see it, the next hint: in this order.
fn block(goal: &GoalReport, check: &CheckReport, paint: Paint) -> String {
    let Some(failure) = &check.failure else { return String::new() };
    let mut lines = vec![paint.strong(&sanitise(&failure.message))];
    match check.verdict {
        Verdict::Undecided => lines.push(paint.odd("this could not be judged; it does not count against you")),
        Verdict::Defect => lines.push(paint.odd("this is a mistake of the lab, not yours; it does not count")),
        _ => {}
    }
    lines.push(format!("{} {}", paint.faint("check    "), sanitise(&check.name)));
    let mut part = |name: &str, value: &str| {
        let value = sanitise(value);
        match value.contains('\n') {
            true => lines.push(format!("{}\n{}", paint.faint(name), indent(value.trim_start_matches('\n'), 4))),
            false => lines.push(format!("{} {value}", paint.faint(&format!("{name:<9}")))),
        }
    };
    if let Some(expected) = &failure.expected {
        part("expected", expected);
    }
    if let Some(observed) = &failure.observed {
        part("observed", observed);
    }
    if let Some(waited) = failure.waited {
        part("waited", &format!("{}, looking again and again", seconds(waited.as_millis())));
    }
    if !failure.evidence.is_empty() {
        part("evidence", &failure.evidence.join("\n"));
    }
    if let Some(changed) = &goal.changed_since_pass {
        let files = if changed.is_empty() { "nothing that labrunner knows of".to_owned() } else { changed.join(", ") };
        part("changed", &format!("{files}, since this goal last passed"));
    }
    if let Some(command) = &failure.reproduce {
        part("see it", command);
    }
    if let Some(hint) = goal.next_hint.as_ref().filter(|_| check.verdict == Verdict::Failed) {
        part("next", hint);
    }
    format!("{}\n\n", indent(&lines.join("\n"), 2))
}

fn summary(report: &LabReport, paint: Paint) -> String {
    let counted = |goal: &&GoalReport| goal.verdict == Verdict::Passed && !goal.already_true;
    let passed = report.goals.iter().filter(counted).count();
    let mut parts = vec![format!("{passed} of {} goals passed", report.goals.len())];
    for verdict in [Verdict::Failed, Verdict::Blocked, Verdict::Undecided, Verdict::Defect] {
        let count = report.count(verdict);
        if count > 0 {
            parts.push(format!("{count} {verdict}"));
        }
    }
    let points: u32 = report.goals.iter().filter(counted).map(|goal| goal.points).sum();
    let all: u32 = report.goals.iter().map(|goal| goal.points).sum();
    parts.push(format!("{points} of {all} points"));
    parts.push(seconds(report.took.as_millis()));
    format!("{}\n", paint.strong(&parts.join(" · ")))
}
