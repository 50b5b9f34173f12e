//! What a workflow says, whoever's language it is written in.

use serde_json::{Map, Value, json};

use super::expression::{self, Surroundings};

/// In whose language a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Github,
    Gitlab,
}

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    pub dialect: Dialect,
    /// Relative to the workspace.
    pub file: String,
    pub name: String,
    pub triggers: Vec<Trigger>,
    pub environment: Map<String, Value>,
    /// In the order of the file.
    pub jobs: Vec<Job>,
}

/// What a workflow runs on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trigger {
    /// `push`, `pull_request`, …
    pub event: String,
    /// Patterns; none means every branch. One that begins with `!` takes branches out again.
    pub branches: Vec<String>,
    pub branches_ignored: Vec<String>,
    /// There are patterns for tags and none for branches: a push to a branch does not count.
    pub tags_only: bool,
    /// Kinds of the event, such as `opened`; none means the usual ones.
    pub types: Vec<String>,
}

/// Something that happens in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub event: String,
    /// The branch that is pushed to, or that a pull request wants to go to.
    pub branch: String,
}

/// One job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: String,
    pub name: Option<String>,
    pub needs: Vec<String>,
    pub condition: Option<String>,
    pub runs_on: Value,
    /// An image that the steps run in.
    pub container: Option<Value>,
    /// Images that run beside it, by host name.
    pub services: Map<String, Value>,
    pub environment: Map<String, Value>,
    pub outputs: Map<String, Value>,
    /// As it is written; see [`super::matrix`].
    pub matrix: Value,
    /// The job of each combination of the matrix, where the platform fills it in when the file is read.
    pub variants: Vec<Job>,
    /// What it keeps from run to run: paths, or the name of a package manager.
    pub caches: Vec<String>,
    pub continue_on_error: bool,
    /// The first combination of the matrix that fails ends the others.
    pub fail_fast: bool,
    /// Jobs after it get files of it without asking.
    pub hands_on: bool,
    pub steps: Vec<Step>,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: Option<String>,
    pub name: Option<String>,
    pub condition: Option<String>,
    pub what: What,
    pub environment: Map<String, Value>,
    pub continue_on_error: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Run { script: String, shell: Option<String>, folder: Option<String> },
    Uses { action: String, with: Map<String, Value> },
}

/// Kinds of a pull request's event that count where none are named.
const USUAL: [&str; 3] = ["opened", "synchronize", "reopened"];

impl Workflow {
    /// Whether `${{ … }}` is worked out in it.
    pub fn has_expressions(&self) -> bool {
        self.dialect == Dialect::Github
    }

    /// Whether the repository is there before the first step.
    pub fn checks_out_by_itself(&self) -> bool {
        self.dialect == Dialect::Gitlab
    }

    /// Whether it runs when this happens.
    pub fn runs_on(&self, happening: &Happening) -> bool {
        self.triggers.iter().any(|trigger| trigger.fits(happening))
    }

    /// The jobs that this starts, if all of them go well: those whose conditions hold, and that need none that is left
    /// out.
    ///
    /// # Errors
    /// A condition that cannot be read.
    pub fn started_by(&self, happening: &Happening) -> Result<Vec<&str>, String> {
        let mut started: Vec<&str> = Vec::new();
        let mut waiting: Vec<&Job> = self.jobs.iter().collect();
        loop {
            let known = |job: &&Job| job.needs.iter().all(|need| !waiting.iter().any(|other| other.id == *need));
            let Some(at) = waiting.iter().position(known) else { break };
            let job = waiting.remove(at);
            let left_out = job.needs.iter().any(|need| !started.contains(&need.as_str()));
            let results: Map<String, Value> = job
                .needs
                .iter()
                .map(|need| (need.clone(), json!({ "result": if left_out { "skipped" } else { "success" } })))
                .collect();
            let contexts = json!({ "github": happening.context(), "env": self.environment, "needs": results });
            let around = Surroundings { contexts: &contexts, failed: left_out, hash: &|_| String::new() };
            let holds = expression::holds(job.condition.as_deref(), &around);
            if holds.map_err(|why| format!("{}: the condition of the job `{}`: {why}", self.file, job.id))? {
                started.push(&job.id);
            }
        }
        Ok(started)
    }

    /// As `workflow` steps show it.
    pub fn document(&self) -> Value {
        let triggers = self
            .triggers
            .iter()
            .map(|trigger| json!({ "event": trigger.event, "branches": trigger.branches, "types": trigger.types }));
        json!({
            "file": self.file,
            "name": self.name,
            "triggers": triggers.collect::<Vec<_>>(),
            "jobs": self.jobs.iter().map(Job::document).collect::<Vec<_>>(),
        })
    }
}

impl Happening {
    /// What GitHub says of it in the context `github`.
    pub(super) fn context(&self) -> Value {
        match self.event.starts_with("pull_request") {
            true => json!({
                "event_name": self.event, "base_ref": self.branch, "head_ref": "feature",
                "ref": "refs/pull/1/merge", "ref_name": "1/merge", "ref_type": "branch",
                "event": { "action": "opened", "number": 1, "pull_request": { "number": 1, "draft": false, "merged": false } },
            }),
            false => json!({
                "event_name": self.event, "base_ref": "", "head_ref": "",
                "ref": format!("refs/heads/{}", self.branch), "ref_name": self.branch, "ref_type": "branch",
                "event": { "ref": format!("refs/heads/{}", self.branch) },
            }),
        }
    }
}

impl Trigger {
    fn fits(&self, happening: &Happening) -> bool {
        if self.event != happening.event || self.tags_only {
            return false;
        }
        let pull = happening.event.starts_with("pull_request");
        if pull && !self.types.is_empty() && !self.types.iter().any(|one| USUAL.contains(&one.as_str())) {
            return false;
        }
        let branch = happening.branch.as_str();
        let wanted =
            self.branches.iter().fold(self.branches.is_empty(), |in_, pattern| match pattern.strip_prefix('!') {
                Some(out) if fits(out, branch) => false,
                None if fits(pattern, branch) => true,
                _ => in_,
            });
        wanted && !self.branches_ignored.iter().any(|pattern| fits(pattern, branch))
    }
}

/// Source: GitHub's "Filter pattern cheat sheet": `*` is anything but `/`, `**` anything, `?` and `+` are about the
/// character before, `[…]` is a set.
fn fits(pattern: &str, branch: &str) -> bool {
    let mut regex = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                regex.push_str(".*");
            }
            '*' => regex.push_str("[^/]*"),
            '?' | '+' | '[' | ']' => regex.push(char),
            '\\' => regex.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push('$');
    regex::Regex::new(&regex).is_ok_and(|regex| regex.is_match(branch))
}

impl Job {
    fn document(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "needs": self.needs,
            "if": self.condition,
            "runs_on": self.runs_on,
            "container": self.container,
            "services": self.services,
            "matrix": super::matrix::expand(&self.matrix),
            "caches": self.caches,
            "steps": self.steps.iter().map(Step::document).collect::<Vec<_>>(),
        })
    }
}

impl Step {
    fn document(&self) -> Value {
        let (run, uses) = match &self.what {
            What::Run { script, .. } => (Some(script), None),
            What::Uses { action, .. } => (None, Some(action)),
        };
        json!({ "id": self.id, "name": self.name, "if": self.condition, "run": run, "uses": uses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_fits_what_its_patterns_say() {
        let fits = |trigger: &Trigger, event: &str, branch: &str| {
            trigger.fits(&Happening { event: event.into(), branch: branch.into() })
        };
        let push = |branches: &[&str]| Trigger {
            event: "push".into(),
            branches: branches.iter().map(|one| (*one).to_owned()).collect(),
            ..Trigger::default()
        };
        assert!(fits(&push(&[]), "push", "any"));
        assert!(!fits(&push(&[]), "pull_request", "any"));
        assert!(fits(&push(&["main"]), "push", "main"));
        assert!(!fits(&push(&["main"]), "push", "maintenance"));
        assert!(!fits(&push(&["releases/*"]), "push", "releases/1/x"));
        assert!(fits(&push(&["releases/**"]), "push", "releases/1/x"));
        assert!(!fits(&push(&["**", "!wip/**"]), "push", "wip/x"));
        assert!(fits(&push(&["**", "!wip/**"]), "push", "main"));
        assert!(!fits(&Trigger { branches_ignored: vec!["main".into()], ..push(&[]) }, "push", "main"));
        assert!(!fits(&Trigger { tags_only: true, ..push(&[]) }, "push", "main"));
        let pull = |types: &[&str]| Trigger {
            event: "pull_request".into(),
            types: types.iter().map(|one| (*one).to_owned()).collect(),
            ..Trigger::default()
        };
        assert!(fits(&pull(&[]), "pull_request", "main"));
        assert!(fits(&pull(&["synchronize"]), "pull_request", "main"));
        assert!(!fits(&pull(&["closed"]), "pull_request", "main"));
    }
}
