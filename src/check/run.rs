//! Goals in their order, checks in theirs, steps one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::blame;
use super::compare::{Mismatch, compare, describe};
use super::probe::{self, Session};
use super::reproduce;
use super::scope::CheckScope;
use super::select::{key_text, select};
use super::world::{Observation, Unobservable, World};
use crate::event::{Event, Sink};
use crate::lab::check::{Action, Check, Each, Key, Operator, Predicate, Range, Step, Target};
use crate::lab::expression::{EvaluationError, Tree};
use crate::lab::report::{CheckReport, Failure, GoalReport};
use crate::lab::{Detail, Fault, Goal, GoalId, Kind, ServiceName, Verdict};

/// What judging needs besides goals.
pub struct Judge<'a, W: World> {
    pub world: &'a W,
    pub sink: &'a dyn Sink,
    pub seed: u64,
    pub settings: &'a BTreeMap<String, Value>,
    /// WORKSPACE, LAB and PORT_…
    pub constants: &'a BTreeMap<String, Value>,
}

/// Judges `asked` and whatever it requires, in the order of the lab.
pub async fn judge<W: World>(judge: &Judge<'_, W>, goals: &[Goal], asked: &BTreeSet<GoalId>) -> Vec<GoalReport> {
    let mut reports: BTreeMap<GoalId, GoalReport> = BTreeMap::new();
    for goal in in_order(goals, asked) {
        let missing: Vec<GoalId> = goal
            .requires
            .iter()
            .filter(|id| reports.get(*id).is_none_or(|report| report.verdict != Verdict::Passed))
            .cloned()
            .collect();
        let report = if missing.is_empty() { judge.goal(goal).await } else { blocked(goal, missing) };
        judge.sink.emit(Event::GoalDone { goal: goal.id.clone(), verdict: report.verdict, took: report.took });
        reports.insert(goal.id.clone(), report);
    }
    goals.iter().filter_map(|goal| reports.remove(&goal.id)).collect()
}

/// The asked goals with all they require, each behind what it requires.
fn in_order<'g>(goals: &'g [Goal], asked: &BTreeSet<GoalId>) -> Vec<&'g Goal> {
    fn add<'g>(goals: &'g [Goal], id: &GoalId, list: &mut Vec<&'g Goal>) {
        let Some(goal) = goals.iter().find(|goal| goal.id == *id) else { return };
        if list.iter().any(|one| one.id == *id) {
            return;
        }
        goal.requires.iter().for_each(|required| add(goals, required, list));
        list.push(goal);
    }
    let mut list = Vec::new();
    goals.iter().filter(|goal| asked.contains(&goal.id)).for_each(|goal| add(goals, &goal.id, &mut list));
    list
}

fn blocked(goal: &Goal, missing: Vec<GoalId>) -> GoalReport {
    GoalReport { verdict: Verdict::Blocked, blocked_by: missing, ..report(goal, Vec::new(), Duration::ZERO) }
}

fn report(goal: &Goal, checks: Vec<CheckReport>, took: Duration) -> GoalReport {
    GoalReport {
        goal: goal.id.clone(),
        title: goal.title.clone(),
        points: goal.points,
        verdict: checks.iter().map(|check| check.verdict).fold(Verdict::Passed, Verdict::worst),
        already_true: false,
        blocked_by: Vec::new(),
        checks,
        changed_since_pass: None,
        next_hint: None,
        took,
    }
}

impl<W: World> Judge<'_, W> {
    async fn goal(&self, goal: &Goal) -> GoalReport {
        let began = Instant::now();
        self.sink.emit(Event::GoalBegan {
            goal: goal.id.clone(),
            title: goal.title.clone(),
            checks: goal.checks.len(),
        });
        let (beside, after): (Vec<&Check>, Vec<&Check>) = goal.checks.iter().partition(|check| check.concurrent);
        let beside = futures_util::future::join_all(beside.into_iter().map(|check| self.check(goal, check)));
        let mut done = beside.await;
        for check in after {
            done.push(self.check(goal, check).await);
        }
        done.sort_by_key(|report| goal.checks.iter().position(|check| check.name == report.name));
        report(goal, done, began.elapsed())
    }

    async fn check(&self, goal: &Goal, check: &Check) -> CheckReport {
        let began = Instant::now();
        self.sink.emit(Event::CheckBegan { goal: goal.id.clone(), check: check.name.clone() });
        let scope = CheckScope {
            seed: self.seed,
            place: format!("{}/{}", goal.id, check.name),
            settings: self.settings,
            constants: self.constants,
            captures: BTreeMap::new(),
        };
        let mut run = CheckRun { judge: self, goal, check, scope, session: Session::new(), faulted: BTreeSet::new() };
        let left_out = unset_settings(check, self.settings);
        let outcome = match (&left_out, check.timeout) {
            (Some(_), _) => Ok(()),
            (None, Some(limit)) => {
                let steps = tokio::time::timeout(limit, run.steps(&check.steps));
                steps.await.unwrap_or_else(|_| Err(Box::new(Stopped::over_time(limit))))
            }
            (None, None) => run.steps(&check.steps).await,
        };
        let ruled = match outcome {
            Ok(()) => None,
            Err(stopped) => Some(run.rule(*stopped).await),
        };
        // Every fault is healed at the end of the check, whatever happened in it.
        let mut healed = Ok(());
        for service in run.faulted.clone() {
            healed = healed.and(self.world.heal(&service, None).await);
        }
        let (mut verdict, failure) =
            ruled.map_or((Verdict::Passed, None), |(verdict, failure)| (verdict, Some(failure)));
        if let (Verdict::Passed, Err(_)) = (verdict, &healed) {
            verdict = Verdict::Undecided;
        }
        let took = began.elapsed();
        self.sink.emit(Event::CheckDone { goal: goal.id.clone(), check: check.name.clone(), verdict, took });
        CheckReport { name: check.name.clone(), verdict, took, failure, left_out }
    }
}

/// A setting without a value that the check needs.
fn unset_settings(check: &Check, settings: &BTreeMap<String, Value>) -> Option<String> {
    fn names(steps: &[Step]) -> Vec<Vec<String>> {
        steps
            .iter()
            .flat_map(|step| match &step.action {
                Action::Probe { fields, .. } => fields.names().into_iter().map(<[String]>::to_vec).collect(),
                Action::Each(each) => names(&each.steps),
                _ => Vec::new(),
            })
            .collect()
    }
    let missing = names(&check.steps)
        .into_iter()
        .find(|name| name[0] == "settings" && name.get(1).is_some_and(|key| !settings.contains_key(key)));
    missing.map(|name| format!("the setting `{}` has no value; give one with `--set {}=…`", name[1], name[1]))
}

/// Why a check ended early.
struct Stopped {
    step: String,
    line: usize,
    message: String,
    expected: Option<String>,
    observed: Option<String>,
    problem: Option<Unobservable>,
    otherwise: Option<Verdict>,
    waited: Option<Duration>,
    probe: Option<(Kind, Value)>,
    data: Value,
    defect: bool,
}

impl Stopped {
    fn over_time(limit: Duration) -> Self {
        let message = format!("the check did not end within {} s", limit.as_secs());
        Self { message, ..Self::at("check", 0) }
    }

    fn at(step: &str, line: usize) -> Self {
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

type Steps<'r> = Pin<Box<dyn Future<Output = Result<(), Box<Stopped>>> + Send + 'r>>;

struct CheckRun<'j, 'a, W: World> {
    judge: &'j Judge<'a, W>,
    goal: &'j Goal,
    check: &'j Check,
    scope: CheckScope<'a>,
    session: Session,
    faulted: BTreeSet<ServiceName>,
}

/// First pause between two looks, and the longest.
const PAUSE: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_millis(500);

impl<W: World> CheckRun<'_, '_, W> {
    fn steps<'r>(&'r mut self, steps: &'r [Step]) -> Steps<'r> {
        Box::pin(async move {
            for step in steps {
                self.step(step).await?;
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Result<(), Box<Stopped>> {
        let began = Instant::now();
        let mut pause = PAUSE;
        let mut true_since: Option<Instant> = None;
        loop {
            match self.attempt(step).await {
                Ok(()) => {
                    let since = *true_since.get_or_insert_with(Instant::now);
                    if step.hold.is_none_or(|hold| since.elapsed() >= hold) {
                        return Ok(());
                    }
                }
                Err(mut stopped) => {
                    let waiting = true_since.is_none() && step.within.is_some_and(|within| began.elapsed() < within);
                    if !waiting || stopped.defect || self.hopeless(&stopped).await {
                        stopped.waited = step.within.map(|_| began.elapsed());
                        stopped.otherwise = step.otherwise;
                        return Err(stopped);
                    }
                    self.judge.sink.emit(Event::StepWaiting {
                        goal: self.goal.id.clone(),
                        check: self.check.name.clone(),
                        seen: stopped.observed.clone().unwrap_or_else(|| stopped.message.clone()),
                    });
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Whether waiting longer cannot help: the service that was asked has ended and nobody will start it.
    async fn hopeless(&self, stopped: &Stopped) -> bool {
        let Some(Unobservable::Service { service, .. }) = &stopped.problem else { return false };
        if self.faulted.contains(service) {
            return false;
        }
        let view = self.judge.world.container(service, 1).await;
        view.is_ok_and(|view| matches!(view.state.as_str(), "exited" | "missing"))
    }

    async fn attempt(&mut self, step: &Step) -> Result<(), Box<Stopped>> {
        let name = |word: &str| step.name.clone().unwrap_or_else(|| word.to_owned());
        let defect = |word: &str, why: String| {
            Box::new(Stopped {
                message: why.clone(),
                problem: Some(Unobservable::Definition(why)),
                defect: true,
                ..Stopped::at(&name(word), step.line)
            })
        };
        let unknown = |word: &str, error: EvaluationError| defect(word, error.to_string());
        match &step.action {
            Action::Probe { kind, fields } => {
                let fields = fields.render(&self.scope).map_err(|error| unknown(kind.word(), error))?;
                let seen = probe::observe(*kind, &fields, self.judge.world, &self.session, step.timeout).await;
                let observation = match seen {
                    Ok(observation) => observation,
                    Err(problem) => {
                        let mut stopped = Stopped::at(&name(kind.word()), step.line);
                        stopped.message = self.message(step).unwrap_or_else(|| words(&problem));
                        stopped.observed = Some(words(&problem));
                        stopped.expected = Some(self.expected(step, default_expectation(*kind, step)));
                        stopped.defect = matches!(problem, Unobservable::Definition(_));
                        stopped.problem = Some(problem);
                        stopped.probe = Some((*kind, fields));
                        return Err(Box::new(stopped));
                    }
                };
                self.settle(step, kind.word(), &observation, default_expectation(*kind, step)).map_err(|mut stopped| {
                    stopped.probe = Some((*kind, fields));
                    stopped
                })
            }
            Action::Value(template) => {
                let value = template.render(&self.scope).map_err(|error| unknown("value", error))?;
                self.settle(step, "value", &Observation::new(json!({ "value": value }), value), None)
            }
            Action::Each(each) => {
                let rounds = self.each(each, step).await?;
                let observation = Observation::new(json!({ "count": rounds.len() }), rounds.into());
                self.settle(step, "each", &observation, None)
            }
            Action::Fault { fault, services } => {
                for (service, replica) in self.targets(services).map_err(|why| defect(fault.word(), why))? {
                    if *fault != Fault::Restart {
                        self.faulted.insert(service.clone());
                    }
                    let done = self.judge.world.fault(*fault, &service, replica).await;
                    done.map_err(|problem| self.stopped_by(step, fault.word(), problem))?;
                }
                Ok(())
            }
            Action::Heal { services } => {
                for (service, replica) in self.targets(services).map_err(|why| defect("heal", why))? {
                    let done = self.judge.world.heal(&service, replica).await;
                    done.map_err(|problem| self.stopped_by(step, "heal", problem))?;
                    self.faulted.remove(&service);
                }
                Ok(())
            }
        }
    }

    fn stopped_by(&self, step: &Step, word: &str, problem: Unobservable) -> Box<Stopped> {
        let message = self.message(step).unwrap_or_else(|| words(&problem));
        let mut stopped = Stopped::at(step.name.as_deref().unwrap_or(word), step.line);
        stopped.observed = Some(words(&problem));
        stopped.message = message;
        stopped.problem = Some(problem);
        Box::new(stopped)
    }

    fn targets(&self, targets: &[Target]) -> Result<Vec<(ServiceName, Option<u32>)>, String> {
        let target = |target: &Target| {
            let text = target.0.render_text(&self.scope).map_err(|error| error.to_string())?;
            Target::parse(&text).ok_or_else(|| format!("`{text}` is no service"))
        };
        targets.iter().map(target).collect()
    }

    async fn each(&mut self, each: &Each, step: &Step) -> Result<Vec<Value>, Box<Stopped>> {
        let values = match &each.over {
            Range::Numbers(first, last) => (*first..=*last).map(Value::from).collect(),
            Range::Values(tree) => match tree.render(&self.scope) {
                Ok(Value::Array(values)) => values,
                Ok(other) => vec![other],
                Err(error) => {
                    let mut stopped = Stopped::at("each", step.line);
                    stopped.message = error.to_string();
                    stopped.defect = true;
                    stopped.problem = Some(Unobservable::Definition(error.to_string()));
                    return Err(Box::new(stopped));
                }
            },
        };
        let before: BTreeSet<String> = self.scope.captures.keys().cloned().collect();
        let own = |scope: &CheckScope<'_>, name: &str| -> Value {
            scope
                .captures
                .iter()
                .filter(|(key, _)| *key == name || !before.contains(*key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        if each.parallel <= 1 {
            let mut rounds = Vec::new();
            for value in values {
                self.scope.captures.insert(each.name.clone(), value);
                self.steps(&each.steps).await?;
                rounds.push(own(&self.scope, &each.name));
            }
            return Ok(rounds);
        }
        let runs = values.into_iter().map(|value| {
            let mut scope = self.scope.clone();
            scope.captures.insert(each.name.clone(), value);
            let mut run = CheckRun {
                judge: self.judge,
                goal: self.goal,
                check: self.check,
                scope,
                session: self.session.clone(),
                faulted: self.faulted.clone(),
            };
            let own = &own;
            async move {
                run.steps(&each.steps).await?;
                Ok::<Value, Box<Stopped>>(own(&run.scope, &each.name))
            }
        });
        let results: Vec<_> = stream::iter(runs).buffered(each.parallel).collect().await;
        results.into_iter().collect()
    }

    fn message(&self, step: &Step) -> Option<String> {
        step.message.as_ref().and_then(|message| message.render_text(&self.scope).ok())
    }

    fn expected(&self, step: &Step, default: Option<(Key, Predicate)>) -> String {
        let said = step
            .expect
            .iter()
            .map(|one| (&one.key, &one.predicate))
            .chain(default.as_ref().map(|(key, predicate)| (key, predicate)));
        let parts: Vec<String> = said
            .map(|(key, predicate)| format!("{} {}", key_text(key, &self.scope), describe(predicate, &self.scope)))
            .collect();
        parts.join(", ")
    }

    /// Captures and compares.
    fn settle(
        &mut self,
        step: &Step,
        word: &str,
        observation: &Observation,
        default: Option<(Key, Predicate)>,
    ) -> Result<(), Box<Stopped>> {
        let name = step.name.as_deref().unwrap_or(word);
        let data = || json!({ "fields": observation.fields, "main": observation.main });
        let meaningless = |why: String| {
            let problem = Some(Unobservable::Definition(why.clone()));
            Box::new(Stopped { message: why, problem, data: data(), defect: true, ..Stopped::at(name, step.line) })
        };
        let mut captured = Vec::new();
        for (capture, key) in &step.capture {
            captured.push((capture.clone(), key, select(key, observation, &self.scope).map_err(meaningless)?));
        }
        let said = step.expect.iter().map(|one| (&one.key, &one.predicate));
        for (key, predicate) in said.chain(default.as_ref().map(|(key, predicate)| (key, predicate))) {
            let found = select(key, observation, &self.scope).map_err(meaningless)?;
            match compare(predicate, found.as_ref(), &self.scope) {
                Ok(()) => {}
                Err(Mismatch::Meaningless(why)) => return Err(meaningless(why)),
                Err(Mismatch::Differs(words)) => {
                    let key = key_text(key, &self.scope);
                    let seen = found.map_or_else(|| "nothing there".to_owned(), |value| shown(&value));
                    let mut stopped = Stopped::at(name, step.line);
                    stopped.message = self.message(step).unwrap_or_else(|| format!("{key} is not {words}"));
                    stopped.expected = Some(format!("{key}: {words}"));
                    stopped.observed = Some(format!("{key}: {seen}{}", context(observation, &key)));
                    stopped.data = data();
                    return Err(Box::new(stopped));
                }
            }
        }
        for (capture, key, value) in captured {
            let Some(value) = value else {
                let mut stopped = Stopped::at(name, step.line);
                let key = key_text(key, &self.scope);
                stopped.message = self.message(step).unwrap_or_else(|| format!("the answer has no {key}"));
                stopped.expected = Some(format!("{key}: to be there"));
                stopped.observed = Some(format!("nothing there{}", context(observation, &key)));
                stopped.data = data();
                return Err(Box::new(stopped));
            };
            self.scope.captures.insert(capture, value);
        }
        Ok(())
    }

    async fn rule(&self, stopped: Stopped) -> (Verdict, Failure) {
        let proposed = stopped.otherwise.unwrap_or(Verdict::Failed);
        let proposed = if stopped.defect { Verdict::Defect } else { proposed };
        // A file is what it is, however the services are doing.
        let ruling = match &stopped.probe {
            Some((Kind::File, _)) if stopped.problem.is_none() => {
                blame::Ruling { verdict: proposed, evidence: Vec::new() }
            }
            _ => blame::rule(self.judge.world, proposed, stopped.problem.as_ref(), &self.faulted).await,
        };
        let reproduce = match &stopped.probe {
            Some((kind, fields)) => reproduce::command(*kind, fields, self.judge.world).await,
            None => None,
        };
        let detail = self.goal.detail;
        let failure = Failure {
            message: stopped.message,
            expected: stopped.expected.filter(|_| detail == Detail::Full),
            observed: stopped.observed.filter(|_| detail != Detail::Message),
            reproduce: reproduce.filter(|_| detail != Detail::Message),
            evidence: ruling.evidence,
            step: stopped.step,
            line: stopped.line,
            waited: stopped.waited,
            data: stopped.data,
        };
        (ruling.verdict, failure)
    }
}

/// What holds where `expect` does not name the field.
fn default_expectation(kind: Kind, step: &Step) -> Option<(Key, Predicate)> {
    let literal = |value: Value| Tree::Literal(value);
    let (field, operator) = match kind {
        Kind::Http => ("status", Operator::Lt(literal(400.into()))),
        Kind::Exec | Kind::Run => ("code", Operator::Equals(literal(0.into()))),
        Kind::Redis => ("error", Operator::Equals(literal(Value::Null))),
        Kind::Tcp => ("open", Operator::Equals(literal(true.into()))),
        Kind::Celery => match &step.action {
            Action::Probe { fields, .. } if fields.get("ping").is_some() => {
                ("alive", Operator::Equals(literal(true.into())))
            }
            _ => return None,
        },
        _ => return None,
    };
    let named = step.expect.iter().any(|one| matches!(&one.key, Key::Field(path) if path[0] == field));
    (!named).then(|| (Key::Field(vec![field.to_owned()]), Predicate(vec![operator])))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('\n') => format!("\n{text}"),
        other => other.to_string(),
    }
}

/// The rest of an observation that helps to understand one value of it.
fn context(observation: &Observation, key: &str) -> String {
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

fn words(problem: &Unobservable) -> String {
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

/// Makes one step's observation once and compares it: for readiness.
///
/// # Errors
/// What is not as expected, in words.
pub async fn look_once<W: World>(step: &Step, world: &W) -> Result<(), String> {
    let (settings, constants) = (BTreeMap::new(), BTreeMap::new());
    let scope = CheckScope {
        seed: 0,
        place: "ready".into(),
        settings: &settings,
        constants: &constants,
        captures: BTreeMap::new(),
    };
    let Action::Probe { kind, fields } = &step.action else { return Ok(()) };
    let fields = fields.render(&scope).map_err(|error| error.to_string())?;
    // A service on its way up may swallow a request; the next look asks again.
    let limit = step.timeout.min(Duration::from_secs(5));
    let seen =
        probe::observe(*kind, &fields, world, &Session::new(), limit).await.map_err(|problem| words(&problem))?;
    let said = step.expect.iter().map(|one| (one.key.clone(), one.predicate.clone()));
    for (key, predicate) in said.chain(default_expectation(*kind, step)) {
        let found = select(&key, &seen, &scope)?;
        compare(&predicate, found.as_ref(), &scope).map_err(|_| {
            let shown = found.map_or_else(|| "nothing there".to_owned(), |value| value.to_string());
            format!("{}: {shown}, expected {}", key_text(&key, &scope), describe(&predicate, &scope))
        })?;
    }
    Ok(())
}
