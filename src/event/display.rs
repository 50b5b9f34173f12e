//! One screen that shows how things stand, and what a person asks for at it.

use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use super::Sink;
use crate::lab::report::GoalReport;
use crate::lab::{GoalId, Verdict};

/// What a person at the screen asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    VerifyAll,
    Hint,
    Next,
    Logs,
    Reset,
    Open,
    Quit,
}

/// How a lab stands while it is watched.
#[derive(Debug, Clone, Default)]
pub struct WatchView {
    pub title: String,
    /// What is going on, or what is waited for.
    pub state: String,
    /// Name, and whether it is ready.
    pub services: Vec<(String, bool)>,
    pub goals: Vec<WatchedGoal>,
    /// The goal whose failing check is shown.
    pub shown: Option<GoalReport>,
    /// A text that is shown instead: a hint, a service's last lines, a question.
    pub note: Option<(String, String)>,
}

/// A goal on the screen.
#[derive(Debug, Clone)]
pub struct WatchedGoal {
    pub goal: GoalId,
    pub title: String,
    /// `None` until it was judged.
    pub verdict: Option<Verdict>,
    /// It is being judged again.
    pub running: bool,
    /// Milliseconds.
    pub took: u64,
}

/// Where a lab is shown while it is watched.
pub trait Display: Send + Sync {
    /// Shows this instead of what was shown before.
    fn show(&self, view: &WatchView);
    /// What is typed from now on. Can be asked for once.
    fn keys(&self) -> Receiver<Key>;
    /// Gives the terminal back.
    fn close(&self);
    /// Where events go meanwhile.
    fn sink(&self) -> Arc<dyn Sink>;
}
