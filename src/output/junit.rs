//! Verdicts as JUnit's XML: a suite for each goal, a case for each check.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::failure::goal_block;
use super::text::Paint;
use crate::lab::Verdict;
use crate::lab::report::{CheckReport, GoalReport, LabReport};
use crate::lab::view::View;

/// The document; `None` for an answer without verdicts.
///
/// # Errors
/// It cannot be written as XML; in words.
pub fn junit(view: &View) -> Option<Result<String, String>> {
    let View::Verify(report) = view else { return None };
    Some(document(report).to_string().map_err(|error| error.to_string()))
}

fn document(report: &LabReport) -> Report {
    let mut document = Report::new(report.lab.to_string());
    document.set_time(report.took);
    document.add_test_suites(report.goals.iter().map(|goal| suite(report, goal)));
    document
}

fn suite(report: &LabReport, goal: &GoalReport) -> TestSuite {
    let mut suite = TestSuite::new(format!("{}.{}", report.lab, goal.goal));
    suite.set_time(goal.took);
    if goal.verdict == Verdict::Blocked {
        let by: Vec<&str> = goal.blocked_by.iter().map(|id| id.as_str()).collect();
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("waits for {}", by.join(", ")));
        suite.add_test_case(TestCase::new(goal.title.clone(), status));
    }
    suite.add_test_cases(goal.checks.iter().map(|check| {
        let mut case = TestCase::new(check.name.clone(), status(goal, check));
        case.set_classname(format!("{}.{}", report.lab, goal.goal));
        case.set_time(check.took);
        case
    }));
    suite
}

/// Failed is a failure. What could not be judged is an error: a pipeline has to stop, and nobody is to blame.
fn status(goal: &GoalReport, check: &CheckReport) -> TestCaseStatus {
    let kind = match check.verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Failed => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    if let Some(failure) = &check.failure {
        status.set_message(failure.message.clone());
    }
    status.set_type(check.verdict.word());
    let alone = GoalReport { checks: vec![check.clone()], ..goal.clone() };
    status.set_description(goal_block(&alone, Paint(false)));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::Failure;
    use std::time::Duration;

    #[test]
    fn each_verdict_has_its_place() {
        let check = |name: &str, verdict| CheckReport {
            name: name.into(),
            verdict,
            took: Duration::from_millis(1500),
            retries: 0,
            failure: (verdict != Verdict::Passed).then(|| Failure {
                message: "a < b \u{1b}[31m".into(),
                expected: None,
                observed: None,
                reproduce: None,
                evidence: Vec::new(),
                step: "http".into(),
                line: 1,
                waited: None,
                data: serde_json::Value::Null,
            }),
            left_out: None,
        };
        let goal = |id: &str, verdict, checks| GoalReport {
            goal: crate::lab::GoalId::new(id).unwrap(),
            title: "A goal".into(),
            points: 1,
            verdict,
            already_true: false,
            blocked_by: Vec::new(),
            checks,
            changed_since_pass: None,
            next_hint: None,
            took: Duration::from_secs(2),
        };
        let checks =
            vec![check("holds", Verdict::Passed), check("fails", Verdict::Failed), check("odd", Verdict::Defect)];
        let report = LabReport {
            lab: "month-3".parse().unwrap(),
            title: "T".into(),
            instance: "default".into(),
            seed: 1,
            goals: vec![goal("one", Verdict::Defect, checks), goal("two", Verdict::Blocked, Vec::new())],
            took: Duration::from_secs(3),
            image_sources: Vec::new(),
        };
        let text = document(&report).to_string().unwrap();
        assert!(text.contains("tests=\"4\" skipped=\"1\" failures=\"1\" errors=\"1\""), "{text}");
        assert!(text.contains("message=\"a &lt; b "), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains("<skipped message=\"waits for \""), "{text}");
    }
}
