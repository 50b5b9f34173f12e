//! A lab as its author meant it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Kind;
use super::change::Changes;
use super::check::{Check, Step};
use super::id::{GoalId, LabId, ServiceName};
use super::settings::Setting;
use super::stack::Stack;

/// One lab: one month's exercise, read from one folder.
#[derive(Debug, Clone)]
pub struct Lab {
    pub id: LabId,
    pub slug: LabId,
    pub aliases: Vec<String>,
    pub title: String,
    /// 1 to 12.
    pub month: u8,
    pub summary: Option<String>,
    /// The folder that holds `lab.yaml`, absolute.
    pub folder: PathBuf,
    /// Folders whose files, later ones winning, make up a new workspace; absolute.
    pub starter: Vec<PathBuf>,
    pub needs: Vec<Need>,
    pub settings: BTreeMap<String, Setting>,
    /// The learner's environment (`main`).
    pub stack: Stack,
    /// Throwaway copies of it, for checks that would hurt the learner's own.
    pub stacks: BTreeMap<String, StackCopy>,
    /// How a service shows that it is ready; services without an entry have their health check, or nothing.
    pub ready: BTreeMap<ServiceName, Step>,
    /// What empties a service faster than making it anew.
    pub reset: BTreeMap<ServiceName, Vec<Step>>,
    pub reload: BTreeMap<ServiceName, Reload>,
    pub owner: BTreeMap<ServiceName, Owner>,
    pub goals: Vec<Goal>,
    /// What it took from other labs (`use: lab/goal`): the name, and the goal's definition as it stands there.
    pub borrowed: BTreeMap<String, String>,
    /// Files of the workspace that count neither for its hash nor for its diff (gitignore patterns).
    pub workspace_ignore: Vec<String>,
}

impl Lab {
    /// The goal with this id or alias.
    pub fn goal(&self, name: &str) -> Option<&Goal> {
        self.goals.iter().find(|goal| goal.id.as_str() == name || goal.aliases.iter().any(|alias| alias == name))
    }

    /// Whether a check has a step of this kind.
    pub fn asks(&self, kind: Kind) -> bool {
        let mut steps = self.goals.iter().flat_map(|goal| &goal.checks).flat_map(|check| &check.steps);
        steps.any(|step| step.asks(kind))
    }

    /// Whether a check measures how long something takes or how much is carried, so that what else the machine does
    /// decides what is found.
    pub fn measures(&self) -> bool {
        self.goals.iter().flat_map(|goal| &goal.checks).flat_map(|check| &check.steps).any(Step::measures)
    }

    /// The images that the lab names: those of its services, and those that steps run or look at.
    pub fn images(&self) -> BTreeSet<String> {
        let stacks = std::iter::once(&self.stack).chain(self.stacks.values().filter_map(|copy| copy.stack.as_ref()));
        let services = stacks.flat_map(|stack| stack.services.values()).filter(|service| service.build.is_none());
        let mut names: BTreeSet<String> = services.filter_map(|service| service.image.clone()).collect();
        let checks = self.goals.iter().flat_map(|goal| &goal.checks).flat_map(|check| &check.steps);
        checks.for_each(|step| step.images(&mut names));
        names
    }

    /// Who a service belongs to: what `owner:` says, else the learner if it builds from or mounts the workspace.
    pub fn owner_of(&self, service: &ServiceName) -> Owner {
        self.owner.get(service).copied().unwrap_or_else(|| match self.stack.services.get(service) {
            Some(definition) if definition.uses_workspace => Owner::Learner,
            _ => Owner::Lab,
        })
    }

    /// How a service takes up a changed workspace: what `reload:` says, else by restarting.
    pub fn reload_of(&self, service: &ServiceName) -> Reload {
        self.reload.get(service).copied().unwrap_or(Reload::Restart)
    }
}

/// How a throwaway copy of the stack differs from the learner's environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StackCopy {
    /// Its services, where they differ from the lab's in more than what follows.
    pub stack: Option<Stack>,
    /// The learner's own Compose files in place of the lab's services.
    pub compose: Option<OwnCompose>,
    /// Signs of readiness besides the lab's, or instead of them.
    pub ready: BTreeMap<ServiceName, Step>,
    pub files: Files,
    /// Made before it is started.
    pub changes: Changes,
    /// Set, or with `None` taken away, in the environment of every service of the learner; where the learner's own
    /// Compose files are brought up, in the environment that fills their `${…}`.
    pub environment: BTreeMap<String, Option<String>>,
    pub scale: BTreeMap<ServiceName, u32>,
    /// Taken once, when everything is up.
    pub setup: Vec<Step>,
}

/// The learner's own Compose files as an environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnCompose {
    /// Relative to the workspace; later ones are laid over earlier ones.
    pub files: Vec<String>,
    /// What the lab calls a service, and its name in the files.
    pub names: BTreeMap<ServiceName, String>,
    /// Maps of services, as in `services:`, that are laid over the files in this order.
    pub overlays: Vec<serde_json::Value>,
}

/// Whose files a copy of the stack runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Files {
    #[default]
    Learner,
    Starter,
}

/// Something a stranger's lab may not have unless the learner agrees to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    Privileged,
    Capabilities,
    HostNetwork,
    HostNamespaces,
    Devices,
    EngineSocket,
    HostPaths,
    Plugin,
    SecurityOptions,
    /// Variables of the learner's environment.
    Environment,
}

/// Whose work a service is, and so who is to blame when it is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Learner,
    Lab,
}

/// How a service takes up changed workspace files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// It watches the files and reloads by itself.
    Itself,
    /// Its container is restarted.
    Restart,
    /// Its image is built again and its container made anew.
    Rebuild,
}

/// One thing to achieve.
#[derive(Debug, Clone)]
pub struct Goal {
    pub id: GoalId,
    pub aliases: Vec<String>,
    pub title: String,
    /// The bullet or Goal of the roadmap that it covers, word for word.
    pub roadmap: String,
    pub requires: Vec<GoalId>,
    pub points: u32,
    pub hints: Vec<String>,
    pub detail: Detail,
    /// Workspace files that decide it (globs); empty means all.
    pub inputs: Vec<String>,
    pub checks: Vec<Check>,
    /// The task text, Markdown.
    pub task: String,
}

/// How much a failure of this goal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Message, expected and observed.
    #[default]
    Full,
    /// Message and observed.
    Observed,
    /// The message alone.
    Message,
}
