//! Steps, one after the other: observe, capture, expect; again until it holds, where the step says so.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::compare::{Mismatch, compare};
use super::expect;
use super::probe::{self, Session};
use super::schedule::{Scene, Scenes};
use super::scope::CheckScope;
use super::select::{key_text, select};
use super::stopped::{Stopped, context, shown, words};
use super::world::{Observation, Unobservable, World};
use crate::lab::change::Changes;
use crate::lab::check::{Action, Each, Key, MAIN, Predicate, Range, Step, Target};
use crate::lab::expression::EvaluationError;
use crate::lab::{Fault, Kind, ServiceName};

/// First pause between two looks, and the longest.
const PAUSE: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_millis(500);

type Steps<'r> = Pin<Box<dyn Future<Output = Result<(), Box<Stopped>>> + Send + 'r>>;

/// A sequence of steps on its way.
pub(super) struct StepRun<'a, S: Scenes> {
    pub scenes: &'a S,
    /// The environment of the check.
    pub world: &'a S::World,
    /// Its name.
    pub stack: &'a str,
    pub scope: CheckScope<'a>,
    pub session: Session,
    /// Services that these steps have broken and not healed yet.
    pub faulted: Faulted,
    /// How often a step was tried again.
    pub retries: Arc<AtomicU32>,
    /// The step that is under way, its line, and what was seen when it was tried last.
    pub last: Arc<Mutex<Option<(String, usize, String)>>>,
    /// Told what was seen when a step is tried again.
    pub waiting: &'a (dyn Fn(&str) + Sync),
}

/// Services, or single replicas of them, that are broken now. Shared by the rounds of an `each`, so that a fault in
/// one of them is healed too.
#[derive(Clone, Default)]
pub(super) struct Faulted(Arc<Mutex<BTreeSet<Broken>>>);

/// A stack's name, a service, and which of its replicas; `None` is all.
type Broken = (String, ServiceName, Option<u32>);

impl Faulted {
    fn insert(&self, stack: &str, service: &ServiceName, replica: Option<u32>) {
        let broken = (stack.to_owned(), service.clone(), replica);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(broken);
    }

    /// Healing a service heals all its replicas; healing one replica leaves the others as they are.
    fn remove(&self, stack: &str, service: &ServiceName, replica: Option<u32>) {
        let mut broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broken.retain(|(place, name, which)| {
            place != stack || name != service || (replica.is_some() && *which != replica)
        });
    }

    /// The services of a stack that are broken now.
    pub fn of(&self, stack: &str) -> BTreeSet<ServiceName> {
        let broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broken.iter().filter(|(place, ..)| place == stack).map(|(_, service, _)| service.clone()).collect()
    }

    /// The stacks in which something is broken now.
    pub fn stacks(&self) -> BTreeSet<String> {
        let broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broken.iter().map(|(stack, ..)| stack.clone()).collect()
    }
}

impl<'a, S: Scenes> StepRun<'a, S> {
    /// Takes the steps in order; ends at the first that does not hold.
    pub fn steps<'r>(&'r mut self, steps: &'r [Step]) -> Steps<'r> {
        Box::pin(async move {
            for step in steps {
                self.step(step).await?;
            }
            Ok(())
        })
    }

    /// Another sequence of the same check, with names of its own.
    fn branch(&self, scope: CheckScope<'a>) -> StepRun<'a, S> {
        StepRun {
            scenes: self.scenes,
            world: self.world,
            stack: self.stack,
            scope,
            session: self.session.clone(),
            faulted: self.faulted.clone(),
            retries: self.retries.clone(),
            last: self.last.clone(),
            waiting: self.waiting,
        }
    }

    fn at(&self, step: &Step, seen: &str) {
        let name = step.name.clone().unwrap_or_else(|| step.action.word().to_owned());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, step.line, seen.to_owned()));
    }

    async fn step(&mut self, step: &Step) -> Result<(), Box<Stopped>> {
        self.at(step, "");
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
                    if !waiting || stopped.defect || self.hopeless(step, &stopped).await {
                        stopped.waited = step.within.map(|_| began.elapsed());
                        stopped.otherwise = step.otherwise;
                        stopped.stack = stopped.stack.or_else(|| step.stack.clone());
                        return Err(stopped);
                    }
                    self.retries.fetch_add(1, Ordering::Relaxed);
                    let seen = stopped.observed.as_deref().unwrap_or(&stopped.message);
                    self.at(step, seen);
                    (self.waiting)(seen);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// The environment that a step looks at, and its name.
    async fn place<'s>(&'s self, step: &'s Step) -> Result<(&'s str, &'a S::World), Box<Stopped>> {
        let Some(name) = &step.stack else { return Ok((self.stack, self.world)) };
        match self.scenes.scene(name).await {
            Ok(scene) => Ok((name, &scene.world)),
            Err(problem) => Err(self.unobservable(step, "stack", problem)),
        }
    }

    /// Whether waiting longer cannot help: the service that was asked has ended and nobody will start it.
    async fn hopeless(&self, step: &Step, stopped: &Stopped) -> bool {
        let Some(Unobservable::Service { service, .. }) = &stopped.problem else { return false };
        let Ok((stack, world)) = self.place(step).await else { return true };
        if self.faulted.of(stack).contains(service) {
            return false;
        }
        let view = world.container(service, 1).await;
        view.is_ok_and(|view| matches!(view.state.as_str(), "exited" | "missing"))
    }

    async fn attempt(&mut self, step: &Step) -> Result<(), Box<Stopped>> {
        let name = |word: &str| step.name.clone().unwrap_or_else(|| word.to_owned());
        let defect = |word: &str, why: String| Box::new(Stopped::defect(&name(word), step.line, why));
        let unknown = |word: &str, error: EvaluationError| defect(word, error.to_string());
        match &step.action {
            Action::Probe { kind, fields } => {
                let fields = fields.render(&self.scope).map_err(|error| unknown(kind.word(), error))?;
                let (_, world) = self.place(step).await?;
                let seen = match step.meanwhile.as_slice() {
                    [] if *kind == Kind::Compose => {
                        let stack = step.stack.as_deref().unwrap_or(self.stack);
                        let done = tokio::time::timeout(step.timeout, self.scenes.compose(stack, &fields)).await;
                        done.unwrap_or(Err(Unobservable::TimedOut { service: None, after: step.timeout }))
                    }
                    [] if *kind == Kind::Workflow && fields["replay"] == true => {
                        let stack = step.stack.as_deref().unwrap_or(self.stack);
                        self.scenes.replay(stack, &fields, step.timeout).await
                    }
                    [] => probe::observe(*kind, &fields, world, &self.session, step.timeout).await,
                    beside => {
                        let (end, ended) = tokio::sync::watch::channel(false);
                        let session = Session { ended: Some(ended), ..self.session.clone() };
                        let observing = probe::observe(*kind, &fields, world, &session, step.timeout);
                        let mut other = self.branch(self.scope.clone());
                        let others = async {
                            let done = other.steps(beside).await;
                            // Whoever lasts as long as these may end now.
                            end.send_replace(true);
                            done
                        };
                        let (seen, done) = tokio::join!(observing, others);
                        done?;
                        self.scope.captures.extend(other.scope.captures);
                        seen
                    }
                };
                let default = expect::default_expectation(*kind, step);
                let outcome = match seen {
                    Ok(observation) => self.settle(step, kind.word(), &observation, default),
                    Err(problem) => {
                        let mut stopped = self.unobservable(step, kind.word(), problem);
                        stopped.expected = Some(expect::expected(step, default.as_ref(), &self.scope));
                        Err(stopped)
                    }
                };
                outcome.map_err(|mut stopped| {
                    stopped.probe = Some((*kind, fields));
                    stopped
                })
            }
            Action::Value(template) => {
                let value = template.render(&self.scope).map_err(|error| unknown("value", error))?;
                self.settle(step, "value", &Observation::new(json!({ "value": value }), value), None)
            }
            Action::Each(each) => {
                let mut other = self.branch(self.scope.clone());
                let (rounds, done) = tokio::join!(self.each(each, step), other.steps(&step.meanwhile));
                let rounds = rounds?;
                done?;
                if !step.meanwhile.is_empty() {
                    self.scope.captures.extend(other.scope.captures);
                }
                let observation = Observation::new(json!({ "count": rounds.len() }), rounds.into());
                self.settle(step, "each", &observation, None)
            }
            Action::Fault { fault, services } => {
                let (stack, world) = self.place(step).await?;
                let began = Instant::now();
                let targets = self.targets(services).map_err(|why| defect(fault.word(), why))?;
                for (service, replica) in &targets {
                    let (service, replica) = (service.clone(), *replica);
                    if *fault != Fault::Restart {
                        self.faulted.insert(stack, &service, replica);
                    }
                    let done = world.fault(*fault, &service, replica).await;
                    done.map_err(|problem| self.unobservable(step, fault.word(), problem))?;
                }
                if step.expect.is_empty() && step.capture.is_empty() {
                    return Ok(());
                }
                let duration = began.elapsed().as_secs_f64();
                let exit_code = match targets.first() {
                    Some((service, replica)) => {
                        let view = world.container(service, replica.unwrap_or(1)).await;
                        view.map_err(|problem| self.unobservable(step, fault.word(), problem))?.exit_code
                    }
                    None => None,
                };
                let seen = json!({ "duration": duration, "exit_code": exit_code });
                self.settle(step, fault.word(), &Observation::new(seen.clone(), seen), None)
            }
            Action::Heal { services } => {
                let (stack, world) = self.place(step).await?;
                for (service, replica) in self.targets(services).map_err(|why| defect("heal", why))? {
                    let done = world.heal(&service, replica).await;
                    done.map_err(|problem| self.unobservable(step, "heal", problem))?;
                    self.faulted.remove(stack, &service, replica);
                }
                Ok(())
            }
            Action::Change(changes) => {
                let stack = step.stack.as_deref().unwrap_or(self.stack);
                let done = self.scenes.change(stack, changes).await;
                done.map_err(|problem| self.unobservable(step, "change", problem))
            }
        }
    }

    fn unobservable(&self, step: &Step, word: &str, problem: Unobservable) -> Box<Stopped> {
        let mut stopped = Stopped::at(step.name.as_deref().unwrap_or(word), step.line);
        stopped.observed = Some(words(&problem));
        stopped.message = self.message(step).unwrap_or_else(|| words(&problem));
        stopped.defect = matches!(problem, Unobservable::Definition(_));
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
                Err(error) => return Err(Box::new(Stopped::defect("each", step.line, error.to_string()))),
            },
        };
        let before: BTreeSet<String> = self.scope.captures.keys().cloned().collect();
        let own = |scope: &CheckScope<'_>| -> Value {
            let new = scope.captures.iter().filter(|(key, _)| **key == each.name || !before.contains(*key));
            new.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        if each.parallel <= 1 {
            let mut rounds = Vec::new();
            for value in values {
                self.scope.captures.insert(each.name.clone(), value);
                self.steps(&each.steps).await?;
                rounds.push(own(&self.scope));
            }
            return Ok(rounds);
        }
        let runs = values.into_iter().map(|value| {
            let mut scope = self.scope.clone();
            scope.captures.insert(each.name.clone(), value);
            let mut run = self.branch(scope);
            let own = &own;
            async move {
                run.steps(&each.steps).await?;
                Ok::<Value, Box<Stopped>>(own(&run.scope))
            }
        });
        // The first failure ends the others: what they would find changes nothing any more.
        stream::iter(runs).buffered(each.parallel).try_collect().await
    }

    fn message(&self, step: &Step) -> Option<String> {
        step.message.as_ref().and_then(|message| message.render_sentence(&self.scope).ok())
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
        let meaningless = |why: String| Box::new(Stopped { data: data(), ..Stopped::defect(name, step.line, why) });
        let differs = |expected: String, observed: String, otherwise: String| {
            let mut stopped = Stopped::at(name, step.line);
            stopped.message = self.message(step).unwrap_or(otherwise);
            stopped.expected = Some(expected);
            stopped.observed = Some(observed);
            stopped.data = data();
            Box::new(stopped)
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
                    let observed = format!("{key}: {seen}{}", context(observation, &key));
                    return Err(differs(format!("{key}: {words}"), observed, format!("{key} is not {words}")));
                }
            }
        }
        let mut values = BTreeMap::new();
        for (capture, key, value) in captured {
            let Some(value) = value else {
                let key = key_text(key, &self.scope);
                let observed = format!("nothing there{}", context(observation, &key));
                return Err(differs(format!("{key}: to be there"), observed, format!("the answer has no {key}")));
            };
            values.insert(capture, value);
        }
        self.scope.captures.extend(values);
        Ok(())
    }
}

/// An environment that knows of no other.
struct Alone<W>(std::marker::PhantomData<fn(W)>);

impl<W: World> Scenes for Alone<W> {
    type World = W;

    async fn scene(&self, _: &str) -> Result<&Scene<W>, Unobservable> {
        Err(Unobservable::Definition("this step belongs to one environment".into()))
    }

    async fn release(&self, _: &BTreeSet<&str>) {}

    async fn change(&self, _: &str, _: &Changes) -> Result<(), Unobservable> {
        Err(Unobservable::Definition("`change` works in checks only".into()))
    }

    async fn compose(&self, _: &str, _: &Value) -> Result<Observation, Unobservable> {
        Err(Unobservable::Definition("`compose` works in checks only".into()))
    }

    async fn replay(&self, _: &str, _: &Value, _: Duration) -> Result<Observation, Unobservable> {
        Err(Unobservable::Definition("workflows are replayed in checks only".into()))
    }
}

/// Takes steps outside of any check: for readiness (one try) and for a service's `reset:`.
///
/// # Errors
/// What is not as expected, in words.
pub async fn perform<W: World>(steps: &[Step], world: &W) -> Result<(), String> {
    let (settings, constants) = (BTreeMap::new(), BTreeMap::new());
    let scope = CheckScope {
        seed: 0,
        place: "stack".into(),
        settings: &settings,
        constants: &constants,
        captures: BTreeMap::new(),
    };
    let waiting = |_: &str| {};
    let mut run = StepRun {
        scenes: &Alone(std::marker::PhantomData),
        world,
        stack: MAIN,
        scope,
        session: Session::default(),
        faulted: Faulted::default(),
        retries: Arc::default(),
        last: Arc::default(),
        waiting: &waiting,
    };
    run.steps(steps).await.map_err(|stopped| match (stopped.expected, stopped.observed) {
        (Some(expected), Some(observed)) if stopped.problem.is_none() => format!("{observed}, expected {expected}"),
        _ => stopped.message,
    })
}

/// Makes one step's observation once: for readiness, where the next look comes anyway.
///
/// # Errors
/// What is not as expected, in words.
pub async fn look_once<W: World>(step: &Step, world: &W) -> Result<(), String> {
    // A service on its way up may swallow a request; the next look asks again.
    let limit = step.timeout.min(Duration::from_secs(5));
    perform(&[Step { within: None, hold: None, timeout: limit, ..step.clone() }], world).await
}
