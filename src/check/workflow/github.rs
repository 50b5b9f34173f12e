//! GitHub Actions: `.github/workflows/*.yml` to a [`Workflow`].
//!
//! Source: GitHub's documentation, "Workflow syntax for GitHub Actions".

use serde_json::{Map, Value};

use super::expression::as_text;
use super::pipeline::{Dialect, Job, Step, Trigger, What, Workflow};

/// Reads one file.
///
/// # Errors
/// What GitHub would not accept, in words.
pub fn read(file: &str, text: &str) -> Result<Workflow, String> {
    let root: Value = serde_yaml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
    let wrong = |what: &str| format!("{file}: {what}");
    let on = root.get("on").ok_or_else(|| wrong("it has no `on`: nothing ever starts it"))?;
    let jobs = root.get("jobs").and_then(Value::as_object).filter(|jobs| !jobs.is_empty());
    let jobs = jobs.ok_or_else(|| wrong("it has no `jobs`"))?;
    let defaults = &root["defaults"]["run"];
    let read = |(id, node): (&String, &Value)| job(id, node, defaults).map_err(|why| wrong(&why));
    let jobs = jobs.iter().map(read).collect::<Result<Vec<Job>, String>>()?;
    for job in &jobs {
        if let Some(unknown) = job.needs.iter().find(|need| !jobs.iter().any(|one| one.id == **need)) {
            return Err(wrong(&format!("the job `{}` needs `{unknown}`, which is no job", job.id)));
        }
    }
    if let Some(circle) = circle(&jobs) {
        return Err(wrong(&format!("jobs need each other in a circle: {circle}")));
    }
    Ok(Workflow {
        dialect: Dialect::Github,
        file: file.to_owned(),
        name: text_of(&root, "name").unwrap_or_else(|| file.to_owned()),
        triggers: triggers(on),
        environment: map_of(&root, "env"),
        jobs,
    })
}

fn triggers(on: &Value) -> Vec<Trigger> {
    let named = |event: &str| Trigger { event: event.to_owned(), ..Trigger::default() };
    match on {
        Value::String(event) => vec![named(event)],
        Value::Array(events) => events.iter().filter_map(Value::as_str).map(named).collect(),
        Value::Object(events) => events
            .iter()
            .map(|(event, filters)| Trigger {
                branches: texts(&filters["branches"]),
                branches_ignored: texts(&filters["branches-ignore"]),
                tags_only: filters.get("tags").is_some() && filters.get("branches").is_none(),
                types: texts(&filters["types"]),
                ..named(event)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn job(id: &str, node: &Value, defaults: &Value) -> Result<Job, String> {
    if node.get("uses").is_some() {
        return Err(format!("the job `{id}` uses a workflow of somewhere else, which cannot be looked at"));
    }
    let steps = node.get("steps").and_then(Value::as_array);
    let steps = steps.ok_or_else(|| format!("the job `{id}` has no `steps`"))?;
    let runs_on = node.get("runs-on").cloned().ok_or_else(|| format!("the job `{id}` has no `runs-on`"))?;
    let own = &node["defaults"]["run"];
    let default = |key: &str| text_of(own, key).or_else(|| text_of(defaults, key));
    let step = |(at, node): (usize, &Value)| {
        let place = || format!("step {} of the job `{id}`", at + 1);
        step(node, default("shell"), default("working-directory")).map_err(|why| format!("{}: {why}", place()))
    };
    let steps = steps.iter().enumerate().map(step).collect::<Result<Vec<_>, String>>()?;
    Ok(Job {
        id: id.to_owned(),
        name: text_of(node, "name"),
        needs: texts(&node["needs"]),
        condition: condition(node),
        runs_on,
        container: node.get("container").cloned(),
        services: map_of(node, "services"),
        environment: map_of(node, "env"),
        outputs: map_of(node, "outputs"),
        matrix: node["strategy"]["matrix"].clone(),
        variants: Vec::new(),
        caches: steps.iter().flat_map(caches).collect(),
        continue_on_error: node["continue-on-error"].as_bool().unwrap_or(false),
        fail_fast: node["strategy"]["fail-fast"].as_bool().unwrap_or(true),
        hands_on: false,
        steps,
    })
}

/// What a step keeps from run to run: the paths of actions/cache, the package manager of a `setup-…`.
fn caches(step: &Step) -> Vec<String> {
    let What::Uses { action, with } = &step.what else { return Vec::new() };
    let key = match action.split('@').next() {
        Some("actions/cache") => "path",
        // On the platform's own machines it keeps uv's packages unless it is told not to.
        Some("astral-sh/setup-uv") => {
            let off = with.get("enable-cache").is_some_and(|value| as_text(value) == "false");
            return if off { Vec::new() } else { vec!["uv".into()] };
        }
        Some(name) if name.starts_with("actions/setup-") => "cache",
        _ => return Vec::new(),
    };
    let text = with.get(key).and_then(Value::as_str).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn step(node: &Value, shell: Option<String>, folder: Option<String>) -> Result<Step, String> {
    let what = match (text_of(node, "run"), text_of(node, "uses")) {
        (Some(script), None) => What::Run {
            script,
            shell: text_of(node, "shell").or(shell),
            folder: text_of(node, "working-directory").or(folder),
        },
        (None, Some(action)) => What::Uses { action, with: map_of(node, "with") },
        (Some(_), Some(_)) => return Err("it has both `run` and `uses`".into()),
        (None, None) => return Err("it has neither `run` nor `uses`".into()),
    };
    Ok(Step {
        id: text_of(node, "id"),
        name: text_of(node, "name"),
        condition: condition(node),
        what,
        environment: map_of(node, "env"),
        continue_on_error: node["continue-on-error"].as_bool().unwrap_or(false),
    })
}

/// `if`, which may be written as a boolean.
fn condition(node: &Value) -> Option<String> {
    match node.get("if") {
        Some(Value::Bool(flag)) => Some(flag.to_string()),
        _ => text_of(node, "if"),
    }
}

fn text_of(node: &Value, key: &str) -> Option<String> {
    match node.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn map_of(node: &Value, key: &str) -> Map<String, Value> {
    node.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// One text, or a list.
fn texts(node: &Value) -> Vec<String> {
    match node {
        Value::String(one) => vec![one.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Jobs that wait for each other without end.
pub(super) fn circle(jobs: &[Job]) -> Option<String> {
    let mut done: Vec<&str> = Vec::new();
    loop {
        let before = done.len();
        for job in jobs.iter().filter(|job| !done.contains(&job.id.as_str())).collect::<Vec<_>>() {
            if job.needs.iter().all(|need| done.contains(&need.as_str())) {
                done.push(&job.id);
            }
        }
        if done.len() == before {
            break;
        }
    }
    let left: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).filter(|id| !done.contains(id)).collect();
    (!left.is_empty()).then(|| left.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::workflow::pipeline::Happening;

    const TEXT: &str = "name: Test\non:\n  pull_request:\n  push: { branches: [main] }\nenv: { PY: 3.13 }\n\
        defaults: { run: { shell: bash } }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    \
        strategy: { matrix: { py: ['3.12', '3.13'] } }\n    services: { db: { image: postgres:17 } }\n    steps:\n      \
        - uses: actions/checkout@v4\n      - uses: actions/setup-python@v5\n        with: { cache: pip }\n      - run: pytest\n        working-directory: src\n  deploy:\n    needs: test\n    \
        if: github.ref == 'refs/heads/main'\n    runs-on: ubuntu-latest\n    steps: [{ run: make deploy, if: true }]\n";

    #[test]
    fn uv_keeps_its_packages_unless_it_is_told_not_to() {
        for (with, kept) in [("{}", 1), ("{ enable-cache: true }", 1), ("{ enable-cache: false }", 0)] {
            let text = format!(
                "on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{{ uses: astral-sh/setup-uv@v7, with: {with} }}]\n"
            );
            assert_eq!(read("ci.yml", &text).unwrap().jobs[0].caches.len(), kept, "{with}");
        }
    }

    #[test]
    fn a_workflow_is_read() {
        let workflow = read("ci.yml", TEXT).unwrap();
        let happens =
            |event: &str, branch: &str| workflow.runs_on(&Happening { event: event.into(), branch: branch.into() });
        assert!(happens("pull_request", "main") && happens("push", "main") && !happens("push", "other"));
        let started = |event: &str| {
            let happening = Happening { event: event.into(), branch: "main".into() };
            workflow.started_by(&happening).unwrap().join(" ")
        };
        assert_eq!((started("pull_request").as_str(), started("push").as_str()), ("test", "test deploy"));
        let [test, deploy] = workflow.jobs.as_slice() else { panic!("{:?}", workflow.jobs) };
        assert_eq!((test.services.len(), deploy.needs.as_slice()), (1, &["test".to_owned()][..]));
        assert_eq!((test.caches.as_slice(), deploy.caches.len()), (&["pip".to_owned()][..], 0));
        assert_eq!(deploy.condition.as_deref(), Some("github.ref == 'refs/heads/main'"));
        assert_eq!(deploy.steps[0].condition.as_deref(), Some("true"));
        let What::Run { script, shell, folder } = &test.steps[2].what else { panic!("{:?}", test.steps[2]) };
        assert_eq!((script.as_str(), shell.as_deref(), folder.as_deref()), ("pytest", Some("bash"), Some("src")));
        assert_eq!(workflow.document()["jobs"][0]["matrix"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_github_would_not_accept_is_said() {
        for (from, to, why) in [
            ("on:", "when:", "has no `on`"),
            ("needs: test", "needs: tests", "needs `tests`, which is no job"),
            ("- run: pytest", "- shell: bash", "step 3 of the job `test`: it has neither"),
            ("    runs-on: ubuntu-latest\n    strategy", "    strategy", "has no `runs-on`"),
            ("  test:\n", "  test:\n    needs: deploy\n", "in a circle: test, deploy"),
            ("jobs:", "jobs: [", "ci.yml: "),
        ] {
            let text = TEXT.replacen(from, to, 1);
            let said = read("ci.yml", &text).unwrap_err();
            assert!(said.contains(why), "{to}: {said}");
        }
    }
}
