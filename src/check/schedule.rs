//! Goals in their order, checks in theirs, steps one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use super::probe::{Clients, Session};
use super::scope::CheckScope;
use super::steps::{Faulted, StepRun};
use super::stopped::{Stopped, words};
use super::world::{Observation, Unobservable, World};
use super::{blame, reproduce};
use crate::event::{Event, Sink};
use crate::lab::change::Changes;
use crate::lab::check::{Action, Check, MAIN, Step};
use crate::lab::report::{CheckReport, Failure, GoalReport};
use crate::lab::{Detail, Goal, GoalId, Kind, ServiceName, Verdict};

/// An environment, as far as judging in it goes.
pub struct Scene<W: World> {
    pub world: W,
    /// WORKSPACE, LAB and PORT_…
    pub constants: BTreeMap<String, Value>,
    /// Services that were not ready when judging began, or after the last `change`.
    pub unready: Mutex<blame::Unready>,
    /// For HTTP, shared by its checks.
    pub clients: Clients,
}

/// The learner's environment and the copies of it.
pub trait Scenes: Sync {
    type World: World;
    /// The environment of that name; a copy is made when it is first asked for.
    fn scene(&self, stack: &str) -> impl Future<Output = Result<&Scene<Self::World>, Unobservable>> + Send;
    /// Takes away the copies that no check will ask for any more.
    fn release(&self, needed: &BTreeSet<&str>) -> impl Future<Output = ()> + Send;
    /// Changes the workspace of a copy, and lets its services take the new files up.
    fn change(&self, stack: &str, changes: &Changes) -> impl Future<Output = Result<(), Unobservable>> + Send;
    /// Reads the learner's own Compose files, or takes a copy that is made of them down or up.
    fn compose(&self, stack: &str, fields: &Value) -> impl Future<Output = Result<Observation, Unobservable>> + Send;
    /// Replays the workflows of an environment's workspace, in clean machines on its network.
    fn replay(
        &self,
        stack: &str,
        fields: &Value,
        limit: Duration,
    ) -> impl Future<Output = Result<Observation, Unobservable>> + Send;
}

/// What judging needs besides goals.
pub struct Judge<'a, S: Scenes> {
    pub scenes: &'a S,
    pub sink: &'a dyn Sink,
    pub seed: u64,
    pub settings: &'a BTreeMap<String, Value>,
}

/// Judges `asked` and whatever it requires, in the order of the lab. Goals of `known` have passed, and nothing has
/// changed for them since: they need not be judged to satisfy others.
pub async fn judge<S: Scenes>(
    judge: &Judge<'_, S>,
    goals: &[Goal],
    asked: &BTreeSet<GoalId>,
    known: &BTreeSet<GoalId>,
) -> Vec<GoalReport> {
    let mut reports: BTreeMap<GoalId, GoalReport> = BTreeMap::new();
    let order = in_order(goals, asked, known);
    for (index, goal) in order.iter().enumerate() {
        let missing: Vec<GoalId> = goal
            .requires
            .iter()
            .filter(|id| !known.contains(*id))
            .filter(|id| reports.get(*id).is_none_or(|report| report.verdict != Verdict::Passed))
            .cloned()
            .collect();
        let report = if missing.is_empty() { judge.goal(goal).await } else { blocked(goal, missing) };
        judge.sink.emit(Event::GoalDone { goal: goal.id.clone(), verdict: report.verdict, took: report.took });
        reports.insert(goal.id.clone(), report);
        let checks = order[index + 1..].iter().flat_map(|goal| &goal.checks);
        judge.scenes.release(&checks.flat_map(Check::stacks).collect()).await;
    }
    goals.iter().filter_map(|goal| reports.remove(&goal.id)).collect()
}

/// The asked goals with all they require, each behind what it requires.
fn in_order<'g>(goals: &'g [Goal], asked: &BTreeSet<GoalId>, known: &BTreeSet<GoalId>) -> Vec<&'g Goal> {
    fn add<'g>(goals: &'g [Goal], id: &GoalId, known: &BTreeSet<GoalId>, list: &mut Vec<&'g Goal>) {
        let Some(goal) = goals.iter().find(|goal| goal.id == *id) else { return };
        if list.iter().any(|one| one.id == *id) {
            return;
        }
        let required = goal.requires.iter().filter(|id| !known.contains(*id));
        required.for_each(|required| add(goals, required, known, list));
        list.push(goal);
    }
    let mut list = Vec::new();
    goals.iter().filter(|goal| asked.contains(&goal.id)).for_each(|goal| add(goals, &goal.id, known, &mut list));
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

impl<S: Scenes> Judge<'_, S> {
    async fn goal(&self, goal: &Goal) -> GoalReport {
        let began = Instant::now();
        self.sink.emit(Event::GoalBegan {
            goal: goal.id.clone(),
            title: goal.title.clone(),
            checks: goal.checks.len(),
        });
        let stacks: BTreeSet<&str> = goal.checks.iter().map(|check| check.stack.as_str()).collect();
        let done = join_all(stacks.into_iter().map(|stack| self.checks_of(goal, stack))).await;
        let mut done: Vec<CheckReport> = done.into_iter().flatten().collect();
        done.sort_by_key(|report| goal.checks.iter().position(|check| check.name == report.name));
        report(goal, done, began.elapsed())
    }

    /// The checks of one environment: those that may run beside others, then one after the other.
    async fn checks_of(&self, goal: &Goal, stack: &str) -> Vec<CheckReport> {
        let here = goal.checks.iter().filter(|check| check.stack == stack);
        let (beside, after): (Vec<&Check>, Vec<&Check>) = here.partition(|check| check.concurrent);
        let mut done = join_all(beside.into_iter().map(|check| self.check(goal, check, None))).await;
        let mut unsure = None;
        for check in after {
            let report = self.check(goal, check, unsure.as_deref()).await;
            if report.verdict == Verdict::Undecided {
                unsure.get_or_insert_with(|| report.name.clone());
            }
            done.push(report);
        }
        done
    }

    /// `unsure` is a check before it that could not be judged.
    async fn check(&self, goal: &Goal, check: &Check, unsure: Option<&str>) -> CheckReport {
        let began = Instant::now();
        self.sink.emit(Event::CheckBegan { goal: goal.id.clone(), check: check.name.clone() });
        let retries = Arc::default();
        let (mut verdict, mut failure, left_out) = match self.scenes.scene(&check.stack).await {
            Ok(scene) => self.check_in(scene, goal, check, &retries).await,
            Err(problem) => {
                let verdict = match problem {
                    Unobservable::Learner(_) => Verdict::Failed,
                    Unobservable::Definition(_) => Verdict::Defect,
                    _ => Verdict::Undecided,
                };
                (verdict, Some(no_scene(check, &problem)), None)
            }
        };
        if let (Verdict::Failed, Some(unsure)) = (verdict, unsure) {
            verdict = Verdict::Undecided;
            failure.iter_mut().for_each(|failure| failure.evidence.insert(0, rests_on(unsure)));
        }
        let took = began.elapsed();
        self.sink.emit(Event::CheckDone { goal: goal.id.clone(), check: check.name.clone(), verdict, took });
        let retries = retries.load(Ordering::Relaxed);
        CheckReport { name: check.name.clone(), verdict, took, retries, failure, left_out }
    }

    async fn check_in(
        &self,
        scene: &Scene<S::World>,
        goal: &Goal,
        check: &Check,
        retries: &Arc<AtomicU32>,
    ) -> (Verdict, Option<Failure>, Option<String>) {
        let scope = CheckScope {
            seed: self.seed,
            place: format!("{}/{}", goal.id, check.name),
            settings: self.settings,
            constants: &scene.constants,
            captures: BTreeMap::new(),
        };
        let waiting = |seen: &str| {
            let seen = seen.to_owned();
            self.sink.emit(Event::StepWaiting { goal: goal.id.clone(), check: check.name.clone(), seen });
        };
        let faulted = Faulted::default();
        let session = Session::new(scene.clients.clone());
        let mut run = StepRun {
            scenes: self.scenes,
            world: &scene.world,
            stack: &check.stack,
            scope,
            session,
            faulted: faulted.clone(),
            retries: retries.clone(),
            last: Arc::default(),
            waiting: &waiting,
        };
        let left_out = unset_settings(check, self.settings);
        let outcome = match (&left_out, check.timeout) {
            (Some(_), _) => Ok(()),
            (None, Some(limit)) => {
                let last = run.last.clone();
                let steps = tokio::time::timeout(limit, run.steps(&check.steps));
                steps.await.unwrap_or_else(|_| {
                    let last = last.lock().unwrap_or_else(PoisonError::into_inner).take();
                    Err(Box::new(Stopped::over_time(limit, last)))
                })
            }
            (None, None) => run.steps(&check.steps).await,
        };
        let ruled = match outcome {
            Ok(()) => None,
            Err(stopped) => {
                let stack = stopped.stack.clone().unwrap_or_else(|| check.stack.clone());
                let place = self.scenes.scene(&stack).await.unwrap_or(scene);
                Some(self.rule(place, stack == MAIN, goal, *stopped, &faulted.of(&stack)).await)
            }
        };
        // Every fault is healed at the end of the check, whatever happened in it.
        let mut healed = Ok(());
        for stack in faulted.stacks() {
            let Ok(place) = self.scenes.scene(&stack).await else { continue };
            for service in faulted.of(&stack) {
                healed = healed.and(place.world.heal(&service, None).await);
            }
        }
        let (mut verdict, mut failure) =
            ruled.map_or((Verdict::Passed, None), |(verdict, failure)| (verdict, Some(failure)));
        if let (Verdict::Passed, Err(problem)) = (verdict, &healed) {
            verdict = Verdict::Undecided;
            failure = Some(not_healed(problem));
        }
        (verdict, failure, left_out)
    }

    async fn rule(
        &self,
        scene: &Scene<S::World>,
        in_main: bool,
        goal: &Goal,
        stopped: Stopped,
        faulted: &BTreeSet<ServiceName>,
    ) -> (Verdict, Failure) {
        let proposed = stopped.otherwise.unwrap_or(Verdict::Failed);
        let proposed = if stopped.defect { Verdict::Defect } else { proposed };
        // Files are what they are, however the services are doing.
        let ruling = match &stopped.probe {
            Some((Kind::File | Kind::Evidence | Kind::Git | Kind::Compose | Kind::Workflow, _))
                if stopped.problem.is_none() =>
            {
                blame::Ruling { verdict: proposed, evidence: Vec::new() }
            }
            _ => {
                let unready = scene.unready.lock().unwrap_or_else(PoisonError::into_inner).clone();
                blame::rule(&scene.world, proposed, stopped.problem.as_ref(), faulted, &unready).await
            }
        };
        let reproduce = match &stopped.probe {
            // A copy is gone after the run: nothing can be looked at in it.
            Some((kind, fields)) if in_main => reproduce::command(*kind, fields, &scene.world).await,
            _ => None,
        };
        let detail = goal.detail;
        let mut evidence = ruling.evidence;
        if let (Some((kind, fields)), Verdict::Failed) = (&stopped.probe, ruling.verdict)
            && detail != Detail::Message
        {
            evidence.splice(0..0, blame::server_error(*kind, fields, &stopped.data, &scene.world).await);
        }
        let failure = Failure {
            message: stopped.message,
            expected: stopped.expected.filter(|_| detail == Detail::Full),
            observed: stopped.observed.filter(|_| detail != Detail::Message),
            reproduce: reproduce.filter(|_| detail != Detail::Message),
            evidence,
            step: stopped.step,
            line: stopped.line,
            waited: stopped.waited,
            data: stopped.data,
        };
        (ruling.verdict, failure)
    }
}

/// Checks of an environment are judged in their order: a later one finds what an earlier one has done.
fn rests_on(unsure: &str) -> String {
    format!("`{unsure}`, before it, could not be judged, and this check may rest on what that was to do")
}

/// What a check broke on purpose could not be mended, so what follows cannot be trusted.
fn not_healed(problem: &Unobservable) -> Failure {
    Failure {
        message: "what this check broke on purpose could not be mended".into(),
        expected: None,
        observed: Some(words(problem)),
        reproduce: Some("labrunner status".into()),
        evidence: vec!["`labrunner start` mends the environment".into()],
        step: "heal".into(),
        line: 0,
        waited: None,
        data: Value::Null,
    }
}

/// The environment that a check wants could not be made.
fn no_scene(check: &Check, problem: &Unobservable) -> Failure {
    let learners = matches!(problem, Unobservable::Learner(_));
    Failure {
        message: match learners {
            true => "your Compose file cannot be brought up".into(),
            false => {
                format!("the copy `{}` of the environment, which this check needs, could not be made", check.stack)
            }
        },
        expected: None,
        observed: Some(words(problem)),
        reproduce: learners.then(|| "docker compose config".into()),
        evidence: Vec::new(),
        step: "stack".into(),
        line: 0,
        waited: None,
        data: Value::Null,
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
