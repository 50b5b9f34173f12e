//! A workflow replayed: the jobs that something starts, in clean machines, in the order in which they need each other.
//!
//! Source: GitHub's documentation, "Workflow syntax" and "Contexts": `needs`, conditions, matrices with `fail-fast`.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::expression::{self, Surroundings};
use super::job::{Job as JobRun, JobEnd};
use super::machine::{MachineSpec, Machines};
use super::pipeline::{Happening, Job, Workflow};
use super::{job, matrix};
use crate::check::world::{Command, Observation, Unobservable};

/// What the platform knows and the repository does not.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub secrets: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
}

/// All that a job may look at.
pub(super) struct Round<'a, M> {
    pub machines: &'a M,
    pub happening: &'a Happening,
    pub given: &'a Given,
    /// Of the commit that is replayed.
    pub sha: String,
}

/// How a job ended, for those that need it.
#[derive(Debug, Clone, Default)]
struct Ended {
    result: &'static str,
    outputs: Map<String, Value>,
}

/// What was seen of all workflows that ran.
#[derive(Default)]
struct Seen {
    log: String,
    failures: String,
    jobs: Vec<Value>,
    pushed: Vec<String>,
    failed: bool,
    ran: bool,
}

/// Replays what happens.
///
/// # Errors
/// The workflows ask for what the replay does not know, or a machine cannot be had.
pub async fn replay<M: Machines>(
    machines: &M,
    workflows: &[&Workflow],
    happening: &Happening,
    given: &Given,
) -> Result<Observation, Unobservable> {
    let mut seen = Seen::default();
    let sha = match workflows.is_empty() {
        true => String::new(),
        false => commit(machines).await?,
    };
    let round = Round { machines, happening, given, sha };
    for workflow in workflows {
        round.workflow(workflow, &mut seen).await?;
    }
    let conclusion = match (seen.failed, seen.ran) {
        (true, _) => "failure",
        (false, true) => "success",
        (false, false) => "skipped",
    };
    let leaked: Vec<&String> =
        given.secrets.iter().filter(|(_, secret)| shows(&seen.log, secret)).map(|(name, _)| name).collect();
    let fields = json!({
        "conclusion": conclusion,
        "sha": round.sha,
        "leaked": leaked,
        "pushed": seen.pushed,
        "log": masked(&seen.log, given.secrets.values()),
        "failures": masked(&seen.failures, given.secrets.values()),
    });
    Ok(Observation::new(fields, json!({ "replayed": seen.jobs })))
}

/// The commit that the workspace's files make.
async fn commit<M: Machines>(machines: &M) -> Result<String, Unobservable> {
    let machine = machines.open(&MachineSpec::default()).await?;
    let command = Command { argv: job::checkout("/labrunner/commit"), ..Command::default() };
    let done = machines.run(&machine, &command).await;
    machines.close(&machine);
    let done = done?;
    match done.code {
        0 => Ok(done.stdout.trim().to_owned()),
        _ => Err(Unobservable::Machine(format!("the workspace cannot be committed: {}", done.stderr.trim()))),
    }
}

/// Whether a text shows a secret, as it is or in Base64.
fn shows(text: &str, secret: &str) -> bool {
    let coded = |secret: &str| base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
    !secret.is_empty() && [secret.to_owned(), coded(secret)].iter().any(|form| text.contains(form.as_str()))
}

fn masked<'s>(text: &str, secrets: impl Iterator<Item = &'s String>) -> String {
    secrets
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
}

impl<M: Machines> Round<'_, M> {
    async fn workflow(&self, workflow: &Workflow, seen: &mut Seen) -> Result<(), Unobservable> {
        let mut ended: BTreeMap<String, Ended> = BTreeMap::new();
        let mut waiting: Vec<&Job> = workflow.jobs.iter().collect();
        // The file was read: no job needs itself, and each needs jobs that are there.
        while let Some(at) = waiting.iter().position(|job| job.needs.iter().all(|need| ended.contains_key(need))) {
            let job = waiting.remove(at);
            let end = self.job(workflow, job, &ended, seen).await?;
            ended.insert(job.id.clone(), end);
        }
        Ok(())
    }

    async fn job(
        &self,
        workflow: &Workflow,
        job: &Job,
        ended: &BTreeMap<String, Ended>,
        seen: &mut Seen,
    ) -> Result<Ended, Unobservable> {
        let needs: Map<String, Value> = job
            .needs
            .iter()
            .filter_map(|need| Some((need.clone(), ended.get(need)?)))
            .map(|(need, end)| (need, json!({ "result": end.result, "outputs": end.outputs })))
            .collect();
        let bad = ended.iter().filter(|(name, _)| job.needs.contains(name)).any(|(_, end)| end.result != "success");
        let mut contexts = self.contexts(workflow);
        contexts["needs"] = needs.into();
        let holds = {
            let around = self.around(&contexts, bad);
            expression::holds(job.condition.as_deref(), &around)
        };
        let place = |why: String| Unobservable::Learner(format!("{}: the job `{}`: {why}", workflow.file, job.id));
        if !holds.map_err(place)? {
            return Ok(Ended { result: "skipped", outputs: Map::new() });
        }
        seen.ran = true;
        let (mut outputs, mut broken) = (Map::new(), false);
        let combinations = matrix::expand(&self.filled(&job.matrix, &contexts).map_err(place)?);
        for (at, combination) in combinations.into_iter().enumerate() {
            if broken && job.fail_fast {
                break;
            }
            contexts["matrix"] = combination.clone().into();
            let mut run = JobRun::new(self, workflow, job.variants.get(at).unwrap_or(job), contexts.clone());
            let JobEnd { failed, steps, log, failures, pushed, outputs: own } = run.run().await?;
            let named = name_of(job, &combination);
            seen.log.push_str(&format!("## {named}\n{log}"));
            if failed && !job.continue_on_error {
                seen.failures.push_str(&format!("## {named}\n{failures}"));
            }
            seen.pushed.extend(pushed);
            let result = if failed { "failure" } else { "success" };
            let row = json!({ "job": job.id, "name": named, "matrix": combination, "result": result, "steps": steps });
            seen.jobs.push(row);
            outputs.extend(own);
            broken |= failed && !job.continue_on_error;
        }
        let others = workflow.jobs.iter().filter(|one| ended.contains_key(&one.id));
        if broken && others.into_iter().any(|one| one.hands_on) {
            // Nobody knows whether it is that what is missing.
            return Err(job::unknown("handing files on from job to job (`artifacts`)"));
        }
        seen.failed |= broken;
        Ok(Ended { result: if broken { "failure" } else { "success" }, outputs })
    }

    /// What every job may look at.
    fn contexts(&self, workflow: &Workflow) -> Value {
        let mut github = self.happening.context();
        github["sha"] = self.sha.clone().into();
        for (name, value) in [
            ("repository", "learner/app"),
            ("repository_owner", "learner"),
            ("actor", "learner"),
            ("workspace", job::WORKSPACE),
            ("run_id", "1"),
            ("run_number", "1"),
            ("run_attempt", "1"),
            ("server_url", "https://github.com"),
            ("token", "labrunner-has-no-token"),
        ] {
            github[name] = value.into();
        }
        github["workflow"] = workflow.name.clone().into();
        json!({
            "github": github,
            "vars": self.given.variables,
            "secrets": self.given.secrets,
            "env": {},
            "runner": { "os": "Linux", "arch": "X64", "temp": "/tmp", "tool_cache": "/opt", "name": "labrunner" },
            "inputs": {},
            "needs": {},
            "matrix": {},
            "steps": {},
            "job": { "status": "success" },
        })
    }

    /// Expressions are worked out over these contexts.
    pub fn around<'c>(&'c self, contexts: &'c Value, failed: bool) -> Surroundings<'c>
    where
        M: 'c,
    {
        Surroundings { contexts, failed, hash: &|_| String::new() }
    }

    /// Every text in a value with its expressions worked out; one that is an expression alone keeps its type.
    pub fn filled(&self, value: &Value, contexts: &Value) -> Result<Value, String> {
        let hash = |patterns: &[String]| self.machines.hash_files(patterns);
        let around = Surroundings { contexts, failed: false, hash: &hash };
        fill(value, &around)
    }
}

fn fill(value: &Value, around: &Surroundings<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => {
            let alone = text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
            match alone.filter(|inside| !inside.contains("}}")) {
                Some(inside) => expression::evaluate(inside, around)?,
                None => expression::fill(text, around)?.into(),
            }
        }
        Value::Array(list) => list.iter().map(|one| fill(one, around)).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Object(map) => {
            let one = |(key, value): (&String, &Value)| Ok::<_, String>((key.clone(), fill(value, around)?));
            map.iter().map(one).collect::<Result<Map<_, _>, _>>()?.into()
        }
        other => other.clone(),
    })
}

/// As GitHub shows it: the name, and the values of its matrix.
fn name_of(job: &Job, combination: &Map<String, Value>) -> String {
    let values: BTreeSet<String> = combination.values().map(expression::as_text).collect();
    let values: Vec<String> = values.into_iter().collect();
    match values.as_slice() {
        [] => job.id.clone(),
        values => format!("{} ({})", job.id, values.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_their_showing_is_seen() {
        let secret = "s3cret-word".to_owned();
        assert_eq!(masked("a s3cret-word b", [secret.clone()].iter()), "a *** b");
        assert!(shows("say s3cret-word", &secret));
        let coded = base64::engine::general_purpose::STANDARD.encode("s3cret-word");
        assert!(shows(&format!("say {coded}"), &secret), "in Base64");
        assert!(!shows("say nothing", &secret));
        assert!(!shows("say nothing", ""), "an empty secret is none");
    }
}
