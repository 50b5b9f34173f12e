//! What commands answer, as data: the one source of the human text and of `--format json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::report::LabReport;

/// The answer of a command.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum View {
    List {
        root: PathBuf,
        labs: Vec<LabRow>,
    },
    Start(StartView),
    Show {
        title: String,
        markdown: String,
    },
    Verify(Box<LabReport>),
    Hint {
        goal: String,
        number: usize,
        of: usize,
        text: String,
    },
    Diff {
        title: String,
        diff: String,
    },
    Status(StatusView),
    Plan {
        title: String,
        steps: Vec<(String, String)>,
    },
    Progress {
        labs: Vec<ProgressRow>,
    },
    History {
        attempts: Vec<HistoryRow>,
    },
    Report(ReportView),
    Portfolio(PortfolioView),
    Review(Box<ReviewView>),
    Doctor {
        findings: Vec<Finding>,
    },
    Images {
        images: Vec<ImageRow>,
    },
    Prove {
        labs: Vec<ProveView>,
    },
    /// Findings about a lab, already rendered; empty when there are none.
    Lint {
        labs: usize,
        errors: usize,
        warnings: usize,
        findings: Vec<FindingRow>,
        /// The same for people, with the lines that are meant.
        #[serde(skip)]
        text: String,
    },
    /// One plain sentence.
    Done {
        text: String,
    },
    /// Text as it is: logs, completions, a command's output.
    Raw {
        text: String,
    },
}

/// A lab in the list.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LabRow {
    pub month: i64,
    pub id: String,
    pub slug: String,
    pub title: String,
    pub reached: usize,
    pub goals: usize,
    pub points: i64,
}

/// What `start` reports.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StartView {
    pub lab: String,
    pub title: String,
    pub workspace: PathBuf,
    pub created: bool,
    /// Service, URL.
    pub urls: Vec<(String, String)>,
    /// Service, why, last lines.
    pub not_ready: Vec<(String, String, Vec<String>)>,
    /// Goal and its task text.
    pub task: Option<(String, String)>,
    /// Milliseconds.
    pub took: u64,
    pub begun: usize,
}

/// What `status` reports.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusView {
    pub lab: String,
    pub title: String,
    pub workspace: PathBuf,
    pub services: Vec<ServiceRow>,
    pub goals: Vec<GoalRow>,
}

/// A service of an environment.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceRow {
    pub service: String,
    pub owner: String,
    pub state: String,
    /// Whether it answers as the lab says it should; absent when it does not run.
    pub ready: Option<bool>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes written over its image.
    pub disk: Option<u64>,
    pub ports: Vec<String>,
    pub image: String,
}

/// A goal with what is known of it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GoalRow {
    pub goal: String,
    pub title: String,
    pub points: u32,
    pub ever: Option<String>,
    pub now: Option<String>,
    pub attempts: u32,
    pub hints: u32,
}

/// What was reached, for showing to others.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportView {
    pub made: String,
    pub labs: Vec<ReportLab>,
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportLab {
    pub lab: String,
    pub title: String,
    pub goals: Vec<ReportGoal>,
}

/// A goal, from the record alone. Times are RFC 3339.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportGoal {
    pub goal: String,
    pub title: String,
    pub points: u32,
    pub first_reached: Option<String>,
    /// The last one.
    pub verdict: Option<String>,
    /// What was read last when it did not pass.
    pub message: Option<String>,
    pub judged: Option<String>,
    pub attempts: u32,
    pub hints: u32,
}

/// A learner's year, for a site.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortfolioView {
    pub made: String,
    /// How the learner wants to be called.
    pub name: Option<String>,
    /// The folder that the site is written into.
    pub out: PathBuf,
    pub months: Vec<PortfolioMonth>,
}

impl PortfolioView {
    /// Marks a folder that a portfolio was written into before.
    pub const MARK: &str = ".labrunner-portfolio";
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortfolioMonth {
    pub month: i64,
    pub lab: String,
    pub title: String,
    pub summary: Option<String>,
    pub goals: Vec<ReportGoal>,
    /// What of the roadmap each goal teaches.
    pub roadmap: BTreeMap<String, String>,
    /// Spent on it; an estimate.
    pub minutes: u64,
    /// What the record tells, a line each.
    pub past: Vec<String>,
    /// Markdown, where it was answered.
    pub retrospective: Option<String>,
    pub posts: Vec<Post>,
    /// The number of goals of a lab that nobody has tried yet.
    pub untouched: Option<usize>,
}

impl PortfolioMonth {
    /// A lab that is still to come.
    pub fn untouched(month: i64, lab: &str, title: &str, goals: usize) -> Self {
        Self {
            month,
            lab: lab.to_owned(),
            title: title.to_owned(),
            summary: None,
            goals: Vec::new(),
            roadmap: BTreeMap::new(),
            minutes: 0,
            past: Vec::new(),
            retrospective: None,
            posts: Vec::new(),
            untouched: Some(goals),
        }
    }

    /// Goals that pass, and all goals.
    pub fn reached(&self) -> (usize, usize) {
        let passed = self.goals.iter().filter(|goal| goal.verdict.as_deref() == Some("passed")).count();
        (passed, self.untouched.unwrap_or(self.goals.len()))
    }
}

/// A note of the learner's.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Post {
    /// Its file, without `.md`.
    pub name: String,
    pub title: String,
    pub markdown: String,
}

/// A practical, going on or over.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReviewView {
    /// What was judged just now.
    pub report: Option<LabReport>,
    pub left_minutes: u64,
    /// The number of the goal that is asked for, and of how many.
    pub place: (usize, usize),
    /// Its text.
    pub task: String,
    pub workspace: Option<PathBuf>,
    pub parts: Vec<ReviewPart>,
    pub over: bool,
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReviewPart {
    pub lab: String,
    pub goal: String,
    pub title: String,
    pub tries: u32,
    pub minutes: Option<u64>,
    pub outcome: Option<String>,
}

/// A lab's progress.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProgressRow {
    pub lab: String,
    pub title: String,
    pub goals: Vec<GoalRow>,
}

/// An attempt.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistoryRow {
    pub id: i64,
    pub lab: String,
    pub began: String,
    pub seed: u64,
    /// Goal, verdict.
    pub verdicts: Vec<(String, String)>,
}

/// Something that `doctor` looked at.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    pub ok: bool,
    pub what: String,
    pub detail: String,
    /// Commands that repair it.
    pub fix: Vec<String>,
}

/// An image of the labs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImageRow {
    pub image: String,
    /// `registry`, `recipe`, or nothing when it is not there.
    pub source: Option<String>,
    pub recipe: Option<String>,
    /// Bytes.
    pub size: u64,
}

/// What `lab prove` found.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProveView {
    pub lab: String,
    pub goals: Vec<String>,
    pub cells: Vec<CellRow>,
    /// Goal and check that failed in no variant.
    pub never_failed: Vec<(String, String)>,
    pub left: Vec<String>,
    /// Variants that were not run, for want of time.
    pub not_run: Vec<String>,
    /// Environments that worked side by side.
    pub jobs: usize,
    /// Milliseconds.
    pub took: u64,
}

/// A mistake of a lab.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FindingRow {
    /// `error` or `warning`
    pub severity: String,
    /// Stable, like `unknown-key`.
    pub code: String,
    pub file: String,
    /// From 1; `None` where the lab as a whole is meant.
    pub line: Option<usize>,
    /// In characters, from 1.
    pub column: Option<usize>,
    /// Behind the last character.
    pub end_column: Option<usize>,
    pub message: String,
    pub hint: Option<String>,
}

/// One run of one variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CellRow {
    pub variant: String,
    pub round: usize,
    /// Goal, verdict, of those that were judged; in the order of the lab.
    pub verdicts: Vec<(String, String)>,
    /// What is wrong with it; empty when all is as it has to be.
    pub wrong: Vec<String>,
    pub seed: u64,
    /// Milliseconds.
    pub took: u64,
}

impl CellRow {
    /// What was found of a goal; `None` when this round did not judge it.
    pub fn verdict(&self, goal: &str) -> Option<&str> {
        self.verdicts.iter().find(|(id, _)| id == goal).map(|(_, verdict)| verdict.as_str())
    }
}
