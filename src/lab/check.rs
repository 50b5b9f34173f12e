//! Checks: what is observed, and what is expected of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::change::Changes;
use super::expression::{Template, Tree};
use super::id::ServiceName;
use super::verdict::Verdict;

/// The image that labrunner's own containers run in; every lab's recipes have it.
pub const OWN_IMAGE: &str = "python:3.13-slim";

/// The machine that jobs of a replayed workflow run on, unless they name another: Python, git, curl, bash.
pub const RUNNER_IMAGE: &str = "python:3.13";

/// The learner's own environment; all other stacks are copies of it.
pub const MAIN: &str = "main";

/// Steps that together decide one aspect of a goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub name: String,
    /// `main`, or one of the lab's `stacks`.
    pub stack: String,
    /// May run beside the other concurrent checks of its stack.
    pub concurrent: bool,
    pub timeout: Option<Duration>,
    pub steps: Vec<Step>,
}

/// One observation or deliberate fault, and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub name: Option<String>,
    /// Another environment than the check's own: `main`, or one of the lab's `stacks`.
    pub stack: Option<String>,
    pub action: Action,
    /// Steps that run beside this one, once it has begun.
    pub meanwhile: Vec<Step>,
    pub expect: Vec<Expectation>,
    /// Repeat until true, at most this long.
    pub within: Option<Duration>,
    /// It has to stay true for this long (`for:`).
    pub hold: Option<Duration>,
    pub capture: Vec<(String, Key)>,
    /// The verdict when the expectation is not met (`else:`); failed when not said.
    pub otherwise: Option<Verdict>,
    pub message: Option<Template>,
    /// Of one observation.
    pub timeout: Duration,
    /// Line of `lab.yaml` at which the step begins, from 1.
    pub line: usize,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Probe {
        kind: Kind,
        fields: Tree,
    },
    Each(Box<Each>),
    Value(Template),
    Fault {
        fault: Fault,
        services: Vec<Target>,
    },
    Heal {
        services: Vec<Target>,
    },
    /// Of a throwaway copy's workspace; its services take the new files up.
    Change(Changes),
}

impl Action {
    /// The key that says what a step does.
    pub fn word(&self) -> &'static str {
        match self {
            Action::Probe { kind, .. } => kind.word(),
            Action::Each(_) => "each",
            Action::Value(_) => "value",
            Action::Fault { fault, .. } => fault.word(),
            Action::Heal { .. } => "heal",
            Action::Change(_) => "change",
        }
    }
}

/// `each:`
#[derive(Debug, Clone, PartialEq)]
pub struct Each {
    pub over: Range,
    pub name: String,
    pub parallel: usize,
    pub steps: Vec<Step>,
}

/// What `each` goes through.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    /// Both ends included.
    Numbers(i64, i64),
    /// A list, or a template that renders to one.
    Values(Tree),
}

/// A service, or one of its replicas (`web.2`, counted from 1); the name may be a template (`${w}`).
#[derive(Debug, Clone, PartialEq)]
pub struct Target(pub Template);

/// The kinds of observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Http,
    Tcp,
    Redis,
    Amqp,
    Kafka,
    Sql,
    Exec,
    Run,
    Mail,
    Django,
    Celery,
    Pytest,
    Load,
    Image,
    Container,
    Compose,
    Workflow,
    Git,
    Log,
    File,
    Evidence,
    Practical,
    Plugin,
}

impl Check {
    /// The environments that it looks at.
    pub fn stacks(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::from([self.stack.as_str()]);
        self.steps.iter().for_each(|step| step.stacks(&mut names));
        names
    }
}

impl Action {
    /// Whether workflows are run, and not only read: that takes as long as a build.
    pub fn replays(&self) -> bool {
        matches!(self, Action::Probe { kind: Kind::Workflow, fields } if fields.get("replay").is_some())
    }
}

impl Step {
    fn stacks<'s>(&'s self, names: &mut BTreeSet<&'s str>) {
        names.extend(self.stack.as_deref());
        if let Action::Each(each) = &self.action {
            each.steps.iter().for_each(|step| step.stacks(names));
        }
        self.meanwhile.iter().for_each(|step| step.stacks(names));
    }

    /// Shows it and every step inside to `look`, each with the environment that it is about; its own is `stack`, unless
    /// it names another.
    pub fn visit<'s>(&'s self, stack: &'s str, look: &mut impl FnMut(&'s Step, &'s str)) {
        let stack = self.stack.as_deref().unwrap_or(stack);
        look(self, stack);
        if let Action::Each(each) = &self.action {
            each.steps.iter().for_each(|step| step.visit(stack, look));
        }
        self.meanwhile.iter().for_each(|step| step.visit(stack, look));
    }

    /// Whether it, or a step inside, is of this kind.
    pub(super) fn asks(&self, kind: Kind) -> bool {
        match &self.action {
            Action::Probe { kind: own, .. } if *own == kind => true,
            Action::Each(each) if each.steps.iter().any(|step| step.asks(kind)) => true,
            _ => self.meanwhile.iter().any(|step| step.asks(kind)),
        }
    }

    /// Whether it, or a step inside, measures how long something takes or how much is carried.
    pub(super) fn measures(&self) -> bool {
        let takes_time = |(_, key): &(String, Key)| matches!(key, Key::Field(words) if words == &["duration"]);
        let inside = match &self.action {
            Action::Probe { kind: Kind::Load, .. } => true,
            Action::Each(each) => each.steps.iter().any(Step::measures),
            _ => false,
        };
        inside || self.capture.iter().any(takes_time) || self.meanwhile.iter().any(Step::measures)
    }

    /// Adds the images that are named here, and in the steps inside.
    pub(super) fn images(&self, names: &mut BTreeSet<String>) {
        match &self.action {
            Action::Probe { kind: Kind::Run | Kind::Image, fields } => {
                names.extend(fields.get("image").and_then(Tree::as_literal));
            }
            action if action.replays() => drop(names.insert(RUNNER_IMAGE.into())),
            Action::Fault { fault: Fault::Delay(_), .. } => drop(names.insert(OWN_IMAGE.into())),
            Action::Each(each) => each.steps.iter().for_each(|step| step.images(names)),
            _ => {}
        }
        self.meanwhile.iter().for_each(|step| step.images(names));
    }
}

impl Kind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Kind; 23] = [
        Kind::Http,
        Kind::Tcp,
        Kind::Redis,
        Kind::Amqp,
        Kind::Kafka,
        Kind::Sql,
        Kind::Exec,
        Kind::Run,
        Kind::Mail,
        Kind::Django,
        Kind::Celery,
        Kind::Pytest,
        Kind::Load,
        Kind::Image,
        Kind::Container,
        Kind::Compose,
        Kind::Workflow,
        Kind::Git,
        Kind::Log,
        Kind::File,
        Kind::Evidence,
        Kind::Practical,
        Kind::Plugin,
    ];

    /// The key that names it in a step.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Tcp => "tcp",
            Kind::Redis => "redis",
            Kind::Amqp => "amqp",
            Kind::Kafka => "kafka",
            Kind::Sql => "sql",
            Kind::Exec => "exec",
            Kind::Run => "run",
            Kind::Mail => "mail",
            Kind::Celery => "celery",
            Kind::Container => "container",
            Kind::Compose => "compose",
            Kind::Workflow => "workflow",
            Kind::Log => "log",
            Kind::File => "file",
            Kind::Plugin => "plugin",
            Kind::Evidence => "evidence",
            Kind::Practical => "practical",
            Kind::Git => "git",
            Kind::Image => "image",
            Kind::Load => "load",
            Kind::Pytest => "pytest",
            Kind::Django => "django",
        }
    }
}

/// A deliberate fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    Stop,
    Kill,
    Pause,
    Restart,
    /// Cut off from the lab's networks; its process runs on.
    Disconnect,
    /// Every tmpfs of it that has a size is filled to the last byte.
    Fill,
    /// What others send it over TCP arrives so much later, and so do its answers.
    Delay(Duration),
}

impl Fault {
    /// The key that names it in a step.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Stop => "stop",
            Fault::Kill => "kill",
            Fault::Pause => "pause",
            Fault::Restart => "restart",
            Fault::Disconnect => "disconnect",
            Fault::Fill => "fill",
            Fault::Delay(_) => "delay",
        }
    }
}

/// One entry of `expect:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub key: Key,
    pub predicate: Predicate,
}

/// Which part of an observation is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// `status`, `headers.content-type`
    Field(Vec<String>),
    /// RFC 9535 over the main document; checked when it was read. Templates inside are rendered first.
    Path(Template),
}

/// Conditions on one value; all of them have to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate(pub Vec<Operator>);

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    Equals(Tree),
    OneOf(Tree),
    Exists(bool),
    /// null, boolean, number, integer, string, list, map
    Type(String),
    Lt(Tree),
    Lte(Tree),
    Gt(Tree),
    Gte(Tree),
    /// Both ends included.
    Between(Tree, Tree),
    Contains(Tree),
    StartsWith(Tree),
    EndsWith(Tree),
    /// A regular expression, found anywhere.
    Matches(Tree),
    IsEmpty(bool),
    Not(Predicate),
    Count(Predicate),
    Distinct(Predicate),
    All(Predicate),
    Any(Predicate),
}

/// Whose fault an outcome is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blame {
    Learner,
    /// The machine, the engine, the network outside the lab.
    Machine,
    Lab,
}

impl Target {
    /// The service and replica that a rendered target names; replica 1 when none is said.
    pub fn parse(text: &str) -> Option<(ServiceName, Option<u32>)> {
        if let Some((service, replica)) = text.rsplit_once('.')
            && let Ok(replica) = replica.parse()
            && replica > 0
        {
            return ServiceName::new(service).ok().map(|service| (service, Some(replica)));
        }
        ServiceName::new(text).ok().map(|service| (service, None))
    }
}
