//! What a job finds around it: its machine, the containers beside it, the variables that every step has.
//!
//! Source: GitHub's documentation, "Variables reference" and "About service containers"; GitLab's "Predefined CI/CD
//! variables reference".

use std::collections::BTreeMap;

use serde_json::Value;

use super::expression::as_text;
use super::job::{WORKSPACE, unknown};
use super::machine::{Awaited, Beside, HOME, MachineSpec};
use super::pipeline::{Dialect, Job, Workflow};
use crate::check::world::Unobservable;

/// The machine that a job asks for; `fill` works expressions out.
///
/// # Errors
/// It asks for what the replay does not know.
pub(super) fn machine(
    job: &Job,
    dialect: Dialect,
    fill: impl Fn(&Value) -> Result<Value, Unobservable>,
) -> Result<MachineSpec, Unobservable> {
    let container = job.container.as_ref().map(&fill).transpose()?;
    let image = container.as_ref().and_then(|one| match one {
        Value::String(image) => Some(image.clone()),
        other => other.get("image").or_else(|| other.get("name")).and_then(Value::as_str).map(str::to_owned),
    });
    let environment = container.as_ref().map(|one| texts(&one["env"])).unwrap_or_default();
    let mut beside = Vec::new();
    for (name, service) in &job.services {
        beside.extend(one_beside(name, dialect, &fill(service)?)?);
    }
    // An image that brings the command `docker` brings what stands for it on every machine here.
    let image = image.filter(|image| !is_docker(image));
    Ok(MachineSpec { image, environment, beside })
}

fn one_beside(name: &str, dialect: Dialect, service: &Value) -> Result<Option<Beside>, Unobservable> {
    let image = service["image"].as_str().unwrap_or_default().to_owned();
    if is_docker(&image) {
        return Ok(None);
    }
    if image.is_empty() {
        return Err(Unobservable::Learner(format!("the service `{name}` of a job has no image")));
    }
    if service.get("entrypoint").is_some() {
        return Err(unknown(&format!("an entrypoint for the service `{name}`")));
    }
    if service.get("volumes").is_some() || service.get("credentials").is_some() {
        return Err(unknown("`volumes` or `credentials` of a job's service"));
    }
    for port in service["ports"].as_array().into_iter().flatten() {
        let port = as_text(port);
        let port = port.split('/').next().unwrap_or_default();
        if port.split_once(':').is_some_and(|(outer, inner)| outer != inner) {
            return Err(unknown(&format!(
                "the port `{port}` of the service `{name}`, another one outside than inside,"
            )));
        }
    }
    let awaited = match (dialect, health(service["options"].as_str().unwrap_or_default())?) {
        (_, Some(command)) => Awaited::Health(command),
        (Dialect::Github, None) => Awaited::Nothing,
        (Dialect::Gitlab, None) => Awaited::Ports,
    };
    Ok(Some(Beside {
        name: name.to_owned(),
        image,
        environment: texts(&service["env"]),
        command: service["command"].as_array().map(|words| words.iter().map(as_text).collect()),
        awaited,
    }))
}

/// The command of `--health-cmd`; how often it is asked is the replay's own affair.
fn health(options: &str) -> Result<Option<String>, Unobservable> {
    let wrong = |why: String| Unobservable::Learner(format!("the options `{options}` cannot be read: {why}"));
    let words = shell_words::split(options).map_err(|error| wrong(error.to_string()))?;
    let (mut command, mut words) = (None, words.into_iter());
    while let Some(word) = words.next() {
        let (name, inside) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        let value = inside.or_else(|| words.next()).unwrap_or_default();
        match name.as_str() {
            "--health-cmd" => command = Some(value),
            "--health-interval" | "--health-timeout" | "--health-retries" | "--health-start-period" | "--name" => {}
            other => return Err(unknown(&format!("the option `{other}` of a job's service"))),
        }
    }
    Ok(command)
}

/// Docker's own image, as a job's or beside it: what it would do is done here.
fn is_docker(image: &str) -> bool {
    image == "docker" || image.starts_with("docker:") || image.ends_with("/docker") || image.contains("/docker:")
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    map.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), as_text(value))).collect()
}

/// What every step finds in its environment.
pub(super) fn variables(workflow: &Workflow, contexts: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([("CI".to_owned(), "true".to_owned()), ("HOME".into(), HOME.into())]);
    let github = &contexts["github"];
    if workflow.has_expressions() {
        for (name, key) in [
            ("GITHUB_SHA", "sha"),
            ("GITHUB_REF", "ref"),
            ("GITHUB_REF_NAME", "ref_name"),
            ("GITHUB_REF_TYPE", "ref_type"),
            ("GITHUB_HEAD_REF", "head_ref"),
            ("GITHUB_BASE_REF", "base_ref"),
            ("GITHUB_EVENT_NAME", "event_name"),
            ("GITHUB_REPOSITORY", "repository"),
            ("GITHUB_REPOSITORY_OWNER", "repository_owner"),
            ("GITHUB_ACTOR", "actor"),
            ("GITHUB_WORKFLOW", "workflow"),
            ("GITHUB_RUN_ID", "run_id"),
            ("GITHUB_RUN_NUMBER", "run_number"),
            ("GITHUB_SERVER_URL", "server_url"),
        ] {
            all.insert(name.into(), as_text(&github[key]));
        }
        all.extend([("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", WORKSPACE)].map(|(a, b)| (a.into(), b.into())));
        all.extend([("RUNNER_OS", "Linux"), ("RUNNER_TEMP", "/tmp")].map(|(a, b)| (a.into(), b.into())));
        return all;
    }
    let sha = as_text(&github["sha"]);
    all.extend([
        ("GITLAB_CI".to_owned(), "true".to_owned()),
        ("CI_COMMIT_SHORT_SHA".into(), sha.chars().take(8).collect()),
        ("CI_COMMIT_SHA".into(), sha),
        ("CI_PROJECT_DIR".into(), WORKSPACE.into()),
        ("CI_PROJECT_NAME".into(), "app".into()),
        ("CI_PROJECT_PATH".into(), "learner/app".into()),
        ("CI_PIPELINE_ID".into(), "1".into()),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_is_read_with_its_health() {
        let service = json!({
            "image": "postgres:17", "env": { "POSTGRES_PASSWORD": "x" }, "ports": ["5432:5432"],
            "options": "--health-cmd \"pg_isready -U postgres\" --health-interval 10s --health-retries=5",
        });
        let one_beside = |name: &str, service: &Value| super::one_beside(name, Dialect::Github, service);
        let beside = one_beside("db", &service).unwrap().unwrap();
        assert_eq!(beside.awaited, Awaited::Health("pg_isready -U postgres".into()));
        let other = super::one_beside("db", Dialect::Gitlab, &json!({ "image": "postgres:17" })).unwrap().unwrap();
        assert_eq!(other.awaited, Awaited::Ports);
        assert_eq!((beside.name.as_str(), beside.environment["POSTGRES_PASSWORD"].as_str()), ("db", "x"));
        assert_eq!(one_beside("docker", &json!({ "image": "docker:27-dind" })), Ok(None));
        for (wrong, why) in [
            (json!({ "image": "x", "ports": ["5433:5432"] }), "another one outside"),
            (json!({ "image": "x", "options": "--cpus 1" }), "the option `--cpus`"),
            (json!({ "image": "x", "volumes": ["a:/b"] }), "`volumes`"),
        ] {
            let Err(Unobservable::Machine(said)) = one_beside("db", &wrong) else { panic!("{wrong}") };
            assert!(said.contains(why), "{said}");
        }
    }
}
