//! One job of a replayed workflow, on one machine: its steps, one after the other.
//!
//! Source: GitHub's documentation, "Workflow syntax" (`continue-on-error`, the order in which variables win).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::actions;
use super::docker_cli::STAND_IN;
use super::expression::{self, Surroundings, as_text};
use super::gitlab::expand;
use super::machine::{Machines, SOURCE};
use super::pipeline::{Job as Definition, Step, What, Workflow};
use super::replay::Round;
use super::surroundings;
use crate::check::world::{Command, Output, Unobservable};

/// Where a checkout puts the repository.
pub(super) const WORKSPACE: &str = "/home/runner/work/app/app";

/// A job on its way.
pub(super) struct Job<'a, M> {
    pub round: &'a Round<'a, M>,
    pub workflow: &'a Workflow,
    definition: &'a Definition,
    pub contexts: Value,
    pub machine: String,
    /// What steps have set for those after them.
    pub environment: BTreeMap<String, String>,
    pub paths: Vec<String>,
    failed: bool,
    /// What the steps wrote that failed.
    failures: String,
    /// By registry: user and password.
    pub logins: BTreeMap<String, (String, String)>,
    /// By the name that the workflow gave it: what the engine calls the image.
    pub built: BTreeMap<String, String>,
    pub pushed: Vec<String>,
}

/// How it ended.
pub(super) struct JobEnd {
    pub failed: bool,
    pub steps: Vec<Value>,
    pub log: String,
    pub failures: String,
    pub pushed: Vec<String>,
    pub outputs: Map<String, Value>,
}

/// What a step came to.
pub(super) struct Done {
    pub code: i64,
    pub said: String,
    pub outputs: Map<String, Value>,
}

impl Done {
    pub fn well(said: impl Into<String>) -> Self {
        Self { code: 0, said: said.into(), outputs: Map::new() }
    }

    pub fn badly(said: impl Into<String>) -> Self {
        Self { code: 1, said: said.into(), outputs: Map::new() }
    }
}

/// A command that makes the workspace's files a repository of one commit, the same for the same files; prints its hash.
pub(super) fn checkout(folder: &str) -> Vec<String> {
    let script = format!(
        "set -e; mkdir -p {folder}; cd {SOURCE}\n\
         tar --exclude=./.git -cf - . | tar --no-same-owner -xf - -C {folder}; cd {folder}\n\
         export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'\n\
         git init -q -b main . && git config user.name learner && git config user.email learner@example.com\n\
         git add -A && git commit -q --allow-empty -m 'The workspace' && git rev-parse HEAD && git clean -q -d -x -f"
    );
    vec!["/bin/sh".into(), "-c".into(), script]
}

impl<'a, M: Machines> Job<'a, M> {
    pub fn new(round: &'a Round<'a, M>, workflow: &'a Workflow, definition: &'a Definition, contexts: Value) -> Self {
        Self {
            round,
            workflow,
            definition,
            contexts,
            machine: String::new(),
            environment: BTreeMap::new(),
            paths: Vec::new(),
            failed: false,
            failures: String::new(),
            logins: BTreeMap::new(),
            built: BTreeMap::new(),
            pushed: Vec::new(),
        }
    }

    /// Makes a machine, takes all steps, and takes the machine away.
    ///
    /// # Errors
    /// The job asks for what the replay does not know, or the machine does not work.
    pub async fn run(&mut self) -> Result<JobEnd, Unobservable> {
        if !self.workflow.has_expressions() {
            // GitLab gives its own variables, those of the project and secrets to every job; they may stand in others.
            let given = self.round.given;
            self.environment.extend(surroundings::variables(self.workflow, &self.contexts));
            self.environment.extend(given.variables.clone().into_iter().chain(given.secrets.clone()));
        }
        for variables in [&self.workflow.environment, &self.definition.environment] {
            for (name, value) in variables {
                let value = self.text(value)?;
                self.contexts["env"][name] = value.clone().into();
                self.environment.insert(name.clone(), value);
            }
        }
        let spec = surroundings::machine(self.definition, self.workflow.dialect, |value| self.filled(value))?;
        self.machine = self.round.machines.open(&spec).await?;
        let ended = self.steps().await;
        self.round.machines.close(&self.machine);
        ended
    }

    async fn steps(&mut self) -> Result<JobEnd, Unobservable> {
        self.prepare().await?;
        let (mut log, mut rows) = (String::new(), Vec::new());
        let definition = self.definition;
        for (at, step) in definition.steps.iter().enumerate() {
            let name = step_name(step);
            let place = |why: String| {
                let place = format!("{}: step {} of the job `{}`", self.workflow.file, at + 1, definition.id);
                Unobservable::Learner(format!("{place}: {why}"))
            };
            let around = Surroundings { contexts: &self.contexts, failed: self.failed, hash: &|_| String::new() };
            if !expression::holds(step.condition.as_deref(), &around).map_err(place)? {
                self.settle(step, "skipped", "skipped", Map::new());
                rows.push(json!({ "name": name, "result": "skipped" }));
                continue;
            }
            let done = self.step(step).await?;
            let mut said = format!("### {name}\n{}", done.said);
            if !said.ends_with('\n') {
                said.push('\n');
            }
            let outcome = if done.code == 0 { "success" } else { "failure" };
            let forgiven = step.continue_on_error;
            if done.code != 0 {
                said.push_str(&format!("Error: the step ended with exit code {}\n", done.code));
                if !forgiven {
                    self.failures.push_str(&said);
                }
            }
            log.push_str(&said);
            self.failed |= done.code != 0 && !forgiven;
            self.settle(step, outcome, if forgiven { "success" } else { outcome }, done.outputs);
            rows.push(json!({ "name": name, "result": outcome }));
        }
        let outputs = self.filled(&self.definition.outputs.clone().into())?;
        Ok(JobEnd {
            failed: self.failed,
            steps: rows,
            log,
            failures: std::mem::take(&mut self.failures),
            pushed: std::mem::take(&mut self.pushed),
            outputs: outputs.as_object().cloned().unwrap_or_default(),
        })
    }

    /// What the machine has before its first step.
    async fn prepare(&mut self) -> Result<(), Unobservable> {
        let script = format!(
            "set -e; mkdir -p /labrunner {WORKSPACE} /usr/local/bin; cat > /usr/local/bin/docker; \
             chmod 755 /usr/local/bin/docker; \
             touch /labrunner/env /labrunner/output /labrunner/path /labrunner/summary"
        );
        let done = self.shell(&script, Some(STAND_IN.to_owned())).await?;
        if done.code != 0 {
            let why =
                format!("the machine of the job `{}` cannot be set up: {}", self.definition.id, done.stderr.trim());
            return Err(Unobservable::Machine(why));
        }
        if self.workflow.checks_out_by_itself() {
            let done = self.command(checkout(WORKSPACE), None).await?;
            if done.code != 0 {
                return Err(Unobservable::Machine(format!("the checkout failed: {}", done.stderr.trim())));
            }
        }
        Ok(())
    }

    fn settle(&mut self, step: &Step, outcome: &str, conclusion: &str, outputs: Map<String, Value>) {
        self.contexts["job"]["status"] = if self.failed { "failure" } else { "success" }.into();
        if let Some(id) = &step.id {
            let seen = json!({ "outcome": outcome, "conclusion": conclusion, "outputs": outputs });
            self.contexts["steps"][id] = seen;
        }
    }

    async fn step(&mut self, step: &Step) -> Result<Done, Unobservable> {
        let mut environment = self.environment.clone();
        let before = self.contexts["env"].clone();
        for (name, value) in &step.environment {
            let value = self.text(value)?;
            self.contexts["env"][name] = value.clone().into();
            environment.insert(name.clone(), value);
        }
        let done = match &step.what {
            What::Run { script, shell, folder } => {
                self.script(script, shell.as_deref(), folder.as_deref(), environment).await
            }
            What::Uses { action, with } => {
                let with = self.filled(&with.clone().into())?;
                actions::run(self, action, &with).await
            }
        };
        self.contexts["env"] = before;
        let mut done = done?;
        self.take_up(&mut done).await?;
        Ok(done)
    }

    pub(super) async fn shell(&self, script: &str, stdin: Option<String>) -> Result<Output, Unobservable> {
        self.command(["/bin/sh", "-c", script].map(str::to_owned).to_vec(), stdin).await
    }

    pub async fn command(&self, argv: Vec<String>, stdin: Option<String>) -> Result<Output, Unobservable> {
        self.round.machines.run(&self.machine, &Command { argv, stdin, ..Command::default() }).await
    }

    /// A value with its expressions worked out, or its variables filled in, as the file's language has them.
    fn filled(&self, value: &Value) -> Result<Value, Unobservable> {
        if !self.workflow.has_expressions() {
            return Ok(expanded(value, &self.environment));
        }
        let place =
            |why| Unobservable::Learner(format!("{}: the job `{}`: {why}", self.workflow.file, self.definition.id));
        self.round.filled(value, &self.contexts).map_err(place)
    }

    pub(super) fn text(&self, value: &Value) -> Result<String, Unobservable> {
        self.filled(value).map(|value| as_text(&value))
    }
}

fn expanded(value: &Value, variables: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => expand(text, variables).into(),
        Value::Array(list) => list.iter().map(|one| expanded(one, variables)).collect(),
        Value::Object(map) => map.iter().map(|(key, one)| (key.clone(), expanded(one, variables))).collect(),
        other => other.clone(),
    }
}

/// Something that the replay does not know: nobody's mistake, and no verdict.
pub(super) fn unknown(what: &str) -> Unobservable {
    Unobservable::Machine(format!(
        "{what} is nothing that the replay of workflows knows, so this cannot be judged; docs/checks.md has what it knows"
    ))
}

fn step_name(step: &Step) -> String {
    step.name.clone().unwrap_or_else(|| match &step.what {
        What::Run { script, .. } => format!("Run {}", script.lines().next().unwrap_or_default()),
        What::Uses { action, .. } => format!("Run {action}"),
    })
}
