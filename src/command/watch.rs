//! `watch`: whenever the workspace changes, the goals that the change concerns are judged again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use super::app::{App, Opened};
use super::start::make_workspace;
use super::trouble::up_to_judge;
use super::verify::{fresh_seed, keep, round};
use super::{Failure, Outcome, exit_code, inside, look, reset};
use crate::docker::DockerEngine;
use crate::event::Event;
use crate::event::display::{Display, Key, WatchView, WatchedGoal};
use crate::lab::report::{GoalReport, LabReport};
use crate::lab::view::View;
use crate::lab::{Goal, GoalId, Lab, Verdict};
use crate::workspace::changes::{Changes, concerns};
use crate::workspace::tree::{Tree, ignored};

/// Watches until it is told to end. Without a display it writes lines.
///
/// # Errors
/// As `verify`; the workspace cannot be watched.
pub async fn watch(
    app: &App,
    name: Option<&str>,
    poll: bool,
    display: Option<Arc<dyn Display>>,
) -> Result<Outcome, Failure> {
    let opened = app.open(&app.choose(name)?)?;
    let engine = super::doctor::engine(app).await?;
    make_workspace(&opened)?;
    let ignore = ignored(&opened.lab.workspace_ignore);
    let mut changes = Changes::of(&opened.workspace, poll)?;
    let mut keys = display.as_ref().map(|display| display.keys());
    let mut watch = Watch::new(app, &opened, &engine, display.clone());
    let mut files = Tree::read(&opened.workspace, &ignore)?;
    let ended = loop {
        let step = {
            let judging = watch.judge();
            tokio::pin!(judging);
            tokio::select! {
                // Judging goes on while nothing else happens; with nothing due it never ends.
                done = &mut judging => Step::Judged(done),
                changed = changes.next(&opened.workspace, &ignore, &files) => Step::Changed(changed?),
                key = next(&mut keys) => Step::Key(key),
            }
        };
        match step {
            Step::Judged(Ok(round)) => watch.take(round),
            Step::Judged(Err(failure)) => watch.say("this round could not be judged", &failure.message),
            Step::Changed((now, paths)) => {
                files = now;
                watch.changed(&paths);
            }
            Step::Key(Key::Quit) => break Ok(()),
            Step::Key(key) => {
                if let Err(failure) = watch.press(key).await {
                    watch.say("that did not work", &failure.message);
                }
            }
        }
        watch.show();
    };
    if let Some(display) = display {
        display.close();
    }
    ended.map(|()| Outcome { code: exit_code::OK, view: View::Done { text: watch.summary() } })
}

enum Step {
    Judged(Result<Round, Failure>),
    Changed((Tree, Vec<PathBuf>)),
    Key(Key),
}

/// What a round found, and which services were ready in it.
struct Round {
    report: LabReport,
    services: Vec<(String, bool)>,
}

async fn next(keys: &mut Option<Receiver<Key>>) -> Key {
    match keys {
        Some(keys) => keys.recv().await.unwrap_or(Key::Quit),
        None => std::future::pending().await,
    }
}

struct Watch<'a> {
    app: App,
    opened: &'a Opened,
    engine: &'a DockerEngine,
    display: Option<Arc<dyn Display>>,
    reports: BTreeMap<GoalId, GoalReport>,
    /// To be judged; empty when nothing is.
    due: BTreeSet<GoalId>,
    services: Vec<(String, bool)>,
    shown: Option<GoalId>,
    note: Option<(String, String)>,
    /// A reset was asked for once and has to be asked for again.
    resetting: bool,
    /// Whose last lines are shown.
    logs: usize,
}

impl<'a> Watch<'a> {
    fn new(app: &App, opened: &'a Opened, engine: &'a DockerEngine, display: Option<Arc<dyn Display>>) -> Self {
        let sink = display.as_ref().map_or_else(|| app.sink.clone(), |display| display.sink());
        let due = opened.lab.goals.iter().map(|goal| goal.id.clone()).collect();
        let services = opened.lab.stack.services.keys().map(|name| (name.to_string(), false)).collect();
        Self {
            app: App { sink, ..app.clone() },
            opened,
            engine,
            display,
            reports: BTreeMap::new(),
            due,
            services,
            shown: None,
            note: None,
            resetting: false,
            logs: 0,
        }
    }

    fn lab(&self) -> &'a Lab {
        &self.opened.lab
    }

    /// Goals that have passed and are not due: nothing has changed for them.
    fn known(&self) -> BTreeSet<GoalId> {
        let passed = self.reports.values().filter(|report| report.verdict == Verdict::Passed);
        passed.map(|report| report.goal.clone()).filter(|goal| !self.due.contains(goal)).collect()
    }

    /// Judges what is due. Dropped, it leaves nothing that the next round does not take up.
    async fn judge(&self) -> Result<Round, Failure> {
        if self.due.is_empty() {
            return std::future::pending().await;
        }
        self.show();
        let began = self.app.now();
        let _lock = self.app.lock(self.opened)?;
        let mut up = up_to_judge(&self.app, self.opened, self.engine).await?;
        let mut record = self.app.record()?;
        let (due, known) = (self.due.clone(), self.known());
        let report = round(&self.app, self.opened, &mut up, &due, &known, fresh_seed(), Some(&record)).await?;
        keep(&self.app, self.opened, &up, &mut record, &report, &began)?;
        let names = self.lab().stack.services.keys();
        let services = names.map(|name| (name.to_string(), !up.failed.contains_key(name))).collect();
        Ok(Round { report, services })
    }

    fn take(&mut self, Round { report, services }: Round) {
        self.due.clear();
        self.services = services;
        self.note = None;
        for goal in report.goals {
            let before = self.reports.get(&goal.goal).map(|report| report.verdict);
            if self.display.is_none() && before != Some(goal.verdict) {
                self.line(&goal);
            }
            self.reports.insert(goal.goal.clone(), goal);
        }
        let fails = |id: &GoalId| self.reports.get(id).is_some_and(wants_work);
        if !self.shown.as_ref().is_some_and(fails) {
            self.shown = self.lab().goals.iter().map(|goal| &goal.id).find(|id| fails(id)).cloned();
        }
    }

    /// Off a terminal: one line for what has changed, and why.
    fn line(&self, goal: &GoalReport) {
        let why = goal.checks.iter().find_map(|check| check.failure.as_ref()).map(|failure| failure.message.clone());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.app.sink.emit(Event::Note { text: format!("{} {}{why}", goal.goal, goal.verdict) });
    }

    /// Files have changed: what they concern is due, and so is whatever waited for it.
    fn changed(&mut self, paths: &[PathBuf]) {
        let concerned = self.lab().goals.iter().filter(|goal| concerns(&goal.inputs, paths));
        let mut due: BTreeSet<GoalId> = concerned.map(|goal| goal.id.clone()).collect();
        due.extend(dependants(&self.lab().goals, &due));
        self.due.extend(due);
        self.note = None;
        self.resetting = false;
    }

    fn say(&mut self, title: &str, text: &str) {
        self.due.clear();
        if self.display.is_none() {
            self.app.sink.emit(Event::Warning { text: format!("{title}: {text}") });
        }
        self.note = Some((title.to_owned(), text.to_owned()));
    }

    async fn press(&mut self, key: Key) -> Result<(), Failure> {
        let lab = self.lab().id.to_string();
        let resetting = std::mem::take(&mut self.resetting);
        self.note = None;
        match key {
            Key::VerifyAll => self.due = self.lab().goals.iter().map(|goal| goal.id.clone()).collect(),
            Key::Next => self.next_failing(),
            Key::Hint => {
                let words: Vec<String> =
                    [lab].into_iter().chain(self.shown.as_ref().map(ToString::to_string)).collect();
                if let View::Hint { goal, number, of, text } = look::hint(&self.app, &words)?.view {
                    self.note = Some((format!("hint {number} of {of} for {goal}"), text));
                }
            }
            Key::Logs => {
                let names: Vec<&String> = self.services.iter().map(|(name, _)| name).collect();
                let Some(name) = names.get(self.logs % names.len().max(1)).map(|name| (*name).clone()) else {
                    return Ok(());
                };
                self.logs += 1;
                if let View::Raw { text } = inside::logs(&self.app, Some(&lab), &name, Some(200)).await?.view {
                    self.note = Some((format!("last lines of {name} (l: the next service)"), text));
                }
            }
            Key::Open => {
                let published =
                    |name: &str| self.lab().stack.services.get(name).is_some_and(|one| !one.ports.is_empty());
                let mut names = self.services.iter().map(|(name, _)| name.clone());
                let Some(name) = names.find(|name| published(name)) else { return Ok(()) };
                if let View::Done { text } = inside::open(&self.app, Some(&lab), &name).await?.view {
                    self.note = Some((format!("{name} answers at"), text));
                }
            }
            Key::Reset if resetting => {
                let request = reset::ResetRequest { workspace: false, plan: false };
                reset::reset(&self.app, &[lab], &request).await?;
                self.due = self.lab().goals.iter().map(|goal| goal.id.clone()).collect();
            }
            Key::Reset => {
                self.resetting = true;
                let text =
                    "All services begin again with empty data; your workspace stays as it is. Press r once more.";
                self.note = Some(("reset?".into(), text.into()));
            }
            Key::Quit => {}
        }
        Ok(())
    }

    fn next_failing(&mut self) {
        let failing: Vec<&GoalId> = self
            .lab()
            .goals
            .iter()
            .map(|goal| &goal.id)
            .filter(|id| self.reports.get(*id).is_some_and(wants_work))
            .collect();
        let now = failing.iter().position(|id| Some(*id) == self.shown.as_ref());
        self.shown = failing.get(now.map_or(0, |now| (now + 1) % failing.len().max(1))).map(|id| (*id).clone());
    }

    fn show(&self) {
        let Some(display) = &self.display else { return };
        let goals = self.lab().goals.iter().map(|goal| {
            let report = self.reports.get(&goal.id);
            WatchedGoal {
                goal: goal.id.clone(),
                title: goal.title.clone(),
                verdict: report.map(|report| report.verdict),
                running: self.due.contains(&goal.id),
                took: report.map_or(0, |report| report.took.as_millis().try_into().unwrap_or(u64::MAX)),
            }
        });
        display.show(&WatchView {
            title: format!("{} · {}", self.lab().id, self.lab().title),
            state: if self.due.is_empty() { "waiting for changes".into() } else { "judging".into() },
            services: self.services.clone(),
            goals: goals.collect(),
            shown: self.shown.as_ref().and_then(|id| self.reports.get(id)).cloned(),
            note: self.note.clone(),
        });
    }

    fn summary(&self) -> String {
        let passed = self.reports.values().filter(|report| report.verdict == Verdict::Passed).count();
        let all = self.lab().goals.len();
        format!("{}: {passed} of {all} goals pass; the services run on, `labrunner stop` stops them", self.lab().id)
    }
}

/// Whether there is something to read about it.
fn wants_work(report: &GoalReport) -> bool {
    matches!(report.verdict, Verdict::Failed | Verdict::Undecided | Verdict::Defect)
}

/// Goals that require one of these, and those that require them.
fn dependants(goals: &[Goal], changed: &BTreeSet<GoalId>) -> BTreeSet<GoalId> {
    let mut found = changed.clone();
    loop {
        let more: Vec<GoalId> = goals
            .iter()
            .filter(|goal| !found.contains(&goal.id) && goal.requires.iter().any(|id| found.contains(id)))
            .map(|goal| goal.id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}
