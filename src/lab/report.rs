//! What a round of judging found out: the one account that screen, record, JSON and JUnit share.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::id::{GoalId, LabId};
use super::verdict::Verdict;

/// One round over the asked goals of a lab.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LabReport {
    pub lab: LabId,
    pub title: String,
    pub instance: String,
    /// Give it again with `--seed` for the same random values.
    pub seed: u64,
    pub goals: Vec<GoalReport>,
    #[serde(rename = "took_ms", serialize_with = "millis")]
    #[cfg_attr(test, schemars(with = "u64"))]
    pub took: Duration,
    /// Where the images came from, for example `registry` or `recipe`.
    pub image_sources: Vec<(String, String)>,
}

/// What became of one goal.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GoalReport {
    pub goal: GoalId,
    pub title: String,
    pub points: u32,
    pub verdict: Verdict,
    /// It passes although the workspace still equals the starter.
    pub already_true: bool,
    /// The required goals that did not pass, when blocked.
    pub blocked_by: Vec<GoalId>,
    pub checks: Vec<CheckReport>,
    /// What is not as it was when the goal last passed: files, images, services that the engine had to start again;
    /// `None` when it never passed.
    pub changed_since_pass: Option<Vec<String>>,
    /// The next hint, when there is one that was not shown yet, as the command that shows it.
    pub next_hint: Option<String>,
    #[serde(rename = "took_ms", serialize_with = "millis")]
    #[cfg_attr(test, schemars(with = "u64"))]
    pub took: Duration,
}

/// What became of one check.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckReport {
    pub name: String,
    pub verdict: Verdict,
    #[serde(rename = "took_ms", serialize_with = "millis")]
    #[cfg_attr(test, schemars(with = "u64"))]
    pub took: Duration,
    /// How often a step had to be tried again before it held, or before it was given up.
    pub retries: u32,
    pub failure: Option<Failure>,
    /// Checks that use an optional setting without a value are left out; this says which.
    pub left_out: Option<String>,
}

/// Why a check did not pass.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// What a learner reads first.
    pub message: String,
    /// In words; absent when there was nothing to compare.
    pub expected: Option<String>,
    /// Whole, not cut.
    pub observed: Option<String>,
    /// A command that makes the observation again.
    pub reproduce: Option<String>,
    /// What the engine says about the services involved: exits, out of memory, last log lines.
    pub evidence: Vec<String>,
    /// The step, as `name` or `kind`, and its line in `lab.yaml`.
    pub step: String,
    pub line: usize,
    /// How long the step was retried; absent when it was observed once.
    #[serde(rename = "waited_ms", serialize_with = "some_millis")]
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub waited: Option<Duration>,
    /// The observation as data, for the record.
    pub data: Value,
}

impl LabReport {
    /// How many of the judged goals have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.goals.iter().filter(|goal| goal.verdict == verdict).count()
    }
}

fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(time.as_millis())
}

fn some_millis<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => millis(time, serializer),
        None => serializer.serialize_none(),
    }
}
