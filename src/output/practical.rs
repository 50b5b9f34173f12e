//! A practical, for people.

use super::render::{markdown_text, table};
use super::text::{Paint, sanitise};
use crate::lab::view::{ReviewPart, ReviewView};

/// Where it stands, or how it went.
pub(super) fn text(review: &ReviewView, width: u16, paint: Paint) -> String {
    let judged = match &review.report {
        Some(report) => super::failure::report(report, usize::from(width), paint) + "\n",
        None => String::new(),
    };
    judged + &if review.over { over(review, width, paint) } else { asked(review, width, paint) }
}

fn asked(review: &ReviewView, width: u16, paint: Paint) -> String {
    let Some(part) = review.parts.iter().find(|part| part.outcome.is_none()) else { return String::new() };
    let (number, all) = review.place;
    let head = format!("goal {number} of {all}, {} minutes left: {}", review.left_minutes, sanitise(&part.title));
    let workspace = review.workspace.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    format!(
        "{}\n\n{}\n  workspace  {workspace}\n  judge      labrunner review check\n  go on      labrunner review skip\n",
        paint.strong(&head),
        markdown_text(&review.task, width, paint.0)
    )
}

fn over(review: &ReviewView, width: u16, paint: Paint) -> String {
    let passed = |part: &&ReviewPart| part.outcome.as_deref() == Some("passed");
    let head = format!(
        "the practical is over: {} of {} goals shown",
        review.parts.iter().filter(passed).count(),
        review.parts.len()
    );
    let row = |part: &ReviewPart| {
        vec![
            part.lab.clone(),
            part.goal.clone(),
            part.outcome.clone().unwrap_or_default(),
            part.tries.to_string(),
            part.minutes.map_or_else(String::new, |minutes| format!("{minutes} min")),
        ]
    };
    let rows = table(&["lab", "goal", "", "tries", "time"], review.parts.iter().map(row).collect(), width);
    let gaps = review.parts.iter().filter(|part| !passed(part));
    let again: String =
        gaps.map(|part| format!("  {}: labrunner show {} {}\n", sanitise(&part.title), part.lab, part.goal)).collect();
    let again = if again.is_empty() { String::new() } else { format!("\n{}\n{again}", paint.strong("to do again")) };
    format!("{}\n\n{rows}{again}", paint.strong(&head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(outcomes: [Option<&str>; 2]) -> ReviewView {
        let part = |goal: &str, outcome: Option<&str>| ReviewPart {
            lab: "month-4".into(),
            goal: goal.into(),
            title: format!("Title of {goal}"),
            tries: 2,
            minutes: outcome.map(|_| 12),
            outcome: outcome.map(str::to_owned),
        };
        ReviewView {
            report: None,
            left_minutes: 85,
            place: (2, 2),
            task: "# Do it\n\nNow.\n".into(),
            workspace: Some("/home/ana/labrunner/workspace/review-month-4-b".into()),
            parts: vec![part("a", outcomes[0]), part("b", outcomes[1])],
            over: outcomes[1].is_some(),
        }
    }

    #[test]
    fn the_learner_is_told_what_is_asked_and_what_is_to_be_done_again() {
        let asked = text(&review([Some("passed"), None]), 80, Paint(false));
        assert!(asked.starts_with("goal 2 of 2, 85 minutes left: Title of b\n"), "{asked}");
        assert!(asked.contains("labrunner review check") && asked.contains("review-month-4-b"), "{asked}");
        let over = text(&review([Some("passed"), Some("skipped")]), 80, Paint(false));
        assert!(over.contains("1 of 2 goals shown"), "{over}");
        assert!(over.contains("Title of b: labrunner show month-4 b") && !over.contains("Title of a"), "{over}");
        let good = text(&review([Some("passed"), Some("passed")]), 80, Paint(false));
        assert!(!good.contains("to do again"), "{good}");
    }
}
