//! What can be announced while work goes on. Whoever shows it implements [`Sink`].

pub mod display;

use std::time::Duration;

use crate::lab::secrets::Secrets;
use crate::lab::{GoalId, LabId, ServiceName, Verdict};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A lab is being brought up.
    StartBegan {
        lab: LabId,
        services: usize,
    },
    /// An image is being brought in. `how` is `pull`, `build` or `recipe`.
    ImageBegan {
        image: String,
        how: &'static str,
    },
    /// Progress of one layer of a pull; sizes in bytes.
    ImageLayer {
        image: String,
        layer: String,
        status: String,
        current: u64,
        total: u64,
    },
    /// A line of a build's output.
    ImageLine {
        image: String,
        line: String,
    },
    ImageDone {
        image: String,
        took: Duration,
    },
    /// A service enters a state.
    Service {
        service: ServiceName,
        state: ServiceState,
    },
    /// A goal's judging begins.
    GoalBegan {
        goal: GoalId,
        title: String,
        checks: usize,
    },
    CheckBegan {
        goal: GoalId,
        check: String,
    },
    /// A step inside a check is being repeated; `seen` is what was last observed.
    StepWaiting {
        goal: GoalId,
        check: String,
        seen: String,
    },
    CheckDone {
        goal: GoalId,
        check: String,
        verdict: Verdict,
        took: Duration,
    },
    GoalDone {
        goal: GoalId,
        verdict: Verdict,
        took: Duration,
    },
    /// Something worth a line: a port moved, a recipe used, a warning about a Compose key.
    Note {
        text: String,
    },
    Warning {
        text: String,
    },
    /// Work without a better event: `what` began, ended.
    TaskBegan {
        what: String,
    },
    TaskDone {
        what: String,
        took: Duration,
    },
}

/// States of a service on its way up or down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceState {
    Waiting,
    Creating,
    Starting,
    Started,
    Ready(Duration),
    Completed,
    Failed(String),
    Stopping,
    Stopped,
    Removed,
    /// Its `reset:` steps ran, and it holds what it held when new.
    Emptied,
    Unchanged,
}

/// Listens to events.
pub trait Sink: Send + Sync {
    /// Takes one event; must not block for long.
    fn emit(&self, event: Event);

    /// Asks whoever listens, and waits for the answer; `None` when nobody can answer.
    fn ask(&self, _question: &str) -> Option<bool> {
        None
    }
}

/// Passes everything on, secrets masked where an observation is shown.
pub struct Discreet<'a> {
    pub sink: &'a dyn Sink,
    pub secrets: &'a Secrets,
}

impl Sink for Discreet<'_> {
    fn emit(&self, event: Event) {
        self.sink.emit(match event {
            Event::StepWaiting { goal, check, seen } => {
                Event::StepWaiting { goal, check, seen: self.secrets.mask(&seen) }
            }
            other => other,
        });
    }

    fn ask(&self, question: &str) -> Option<bool> {
        self.sink.ask(question)
    }
}

/// Passes on what concerns the learner, and not each service's every state: for environments that they never see.
pub struct Quiet(pub std::sync::Arc<dyn Sink>);

impl Sink for Quiet {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Note { .. } | Event::Warning { .. }) {
            self.0.emit(event);
        }
    }

    fn ask(&self, question: &str) -> Option<bool> {
        self.0.ask(question)
    }
}

/// Keeps nothing: for callers without an audience.
pub struct Silent;

impl Sink for Silent {
    fn emit(&self, _: Event) {}
}

/// Keeps everything, for tests.
#[derive(Default)]
pub struct Recorder(pub std::sync::Mutex<Vec<Event>>);

impl Sink for Recorder {
    fn emit(&self, event: Event) {
        if let Ok(mut events) = self.0.lock() {
            events.push(event);
        }
    }
}
