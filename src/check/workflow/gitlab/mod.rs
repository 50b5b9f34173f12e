//! GitLab CI/CD: `.gitlab-ci.yml` to the [`Workflow`] that one happening makes of it. Rules are worked out here, as
//! they decide what there is at all, so the jobs of the result are those that go by themselves.
//!
//! Source: GitLab's documentation, "CI/CD YAML syntax reference".

mod event;
mod globals;
mod job;
mod machine;
mod needs;
mod policy;
mod rules;
mod when;
mod yaml;

use serde_json::Value;

use super::github::circle;
use super::pipeline::{Dialect, Happening, Trigger, Workflow};
use event::GitlabEvent;
pub(super) use event::expand;
use globals::{Globals, jobs};
use job::Draft;
use needs::Member;
use yaml::{flat, load, unknown};

/// Reads one file for one event.
///
/// # Errors
/// What GitLab would not accept, or what leads out of the file, in words.
pub fn read(file: &str, text: &str, happening: &Happening) -> Result<Workflow, String> {
    pipeline(file, text, happening).map_err(|why| format!("{file}: {why}"))
}

fn pipeline(file: &str, text: &str, happening: &Happening) -> Result<Workflow, String> {
    let root = load(text)?;
    let mut globals = Globals::of(&root)?;
    let event = GitlabEvent::of(happening);
    let variables = event.with(&globals.variables);
    let made = match &globals.rules {
        Some(rules) => when::pipeline(rules, &variables).map_err(|why| format!("`workflow`: {why}"))?,
        None => Some(Default::default()),
    };
    let wanted = made.is_some();
    globals.variables.extend(made.unwrap_or_default());
    // What is wrong is wrong, also where no pipeline is made.
    let members = members(&globals, &event, &root)?;
    let inner = 1..globals.stages.len() - 1;
    // Jobs of the outermost stages alone make no pipeline.
    let wanted = wanted && members.iter().any(|member| inner.contains(&member.stage));
    let known = event.with(&globals.variables);
    let name = globals.name.as_deref().map_or_else(|| file.to_owned(), |name| expand(name, &known));
    let trigger = || Trigger { event: named(happening).to_owned(), ..Trigger::default() };
    let jobs = if wanted { needs::join(members)? } else { Vec::new() };
    if let Some(circle) = circle(&jobs) {
        return Err(format!("jobs need each other in a circle: {circle}"));
    }
    Ok(Workflow {
        dialect: Dialect::Gitlab,
        file: file.to_owned(),
        name,
        triggers: wanted.then(trigger).into_iter().collect(),
        environment: event.variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
        jobs,
    })
}

/// Where nothing happens, the file is read for a push, and does not run.
fn named(happening: &Happening) -> &str {
    if happening.event.is_empty() { "push" } else { &happening.event }
}

/// The jobs that are in the pipeline, in the order of the file.
fn members(
    globals: &Globals,
    event: &GitlabEvent,
    root: &serde_json::Map<String, Value>,
) -> Result<Vec<Member>, String> {
    let jobs = jobs(root)?;
    let names: Vec<&str> = jobs.iter().map(|(name, _)| name.as_str()).collect();
    let mut members = Vec::new();
    for (name, node) in jobs {
        let draft = Draft::read(name, node, globals);
        let member = draft.and_then(|draft| member(&draft, globals, event, &names));
        members.extend(member.map_err(|why| format!("the job `{name}`: {why}"))?);
    }
    Ok(members)
}

fn member(draft: &Draft, globals: &Globals, event: &GitlabEvent, names: &[&str]) -> Result<Option<Member>, String> {
    dependencies(draft.node.get("dependencies"), names)?;
    let own = needs::read(draft.node.get("needs"), names)?;
    let decision = when::job(&draft.node, event, &event.with(&draft.variables), globals.rules.is_some())?;
    let more = decision.as_ref().map(|decision| decision.variables.clone()).unwrap_or_default();
    let mut job = draft.job(event, &more)?;
    let Some(decision) = decision else { return Ok(None) };
    job.continue_on_error = decision.forgiven;
    job.condition = match decision.when.as_str() {
        "always" => Some("always()".into()),
        "on_failure" => Some("failure()".into()),
        _ => None,
    };
    let stage = globals.stages.iter().position(|stage| *stage == draft.stage).unwrap_or_default();
    let needs = needs::read(decision.needs.as_ref(), names)?.or(own);
    Ok(Some(Member { job, stage, needs, when: decision.when }))
}

/// Whose artifacts a job gets says nothing of when it runs, but has to be jobs.
fn dependencies(node: Option<&Value>, names: &[&str]) -> Result<(), String> {
    let list = match node {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(list)) => flat(list),
        Some(other) => return Err(format!("`dependencies: {other}` is no list of jobs")),
    };
    let unknown_one = list.into_iter().find(|one| !one.as_str().is_some_and(|name| names.contains(&name)));
    match unknown_one {
        None => Ok(()),
        Some(one) => {
            let name = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
            let why = unknown(&name, "the file", names).replacen("keyword", "job", 1);
            Err(format!("it depends on `{name}`: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "
workflow:
  name: Pipeline of $CI_COMMIT_REF_NAME
  rules:
    - if: $CI_PIPELINE_SOURCE == 'schedule'
      when: never
    - when: always
stages: [check, build, deploy]
default: { image: python:3.13 }
variables: { REGISTRY: registry.example }
.rules: { rules: [{ if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH }] }
lint: { stage: check, needs: [], script: [ruff check .], allow_failure: true }
test:
  stage: check
  services: [{ name: postgres:17, alias: db }]
  variables: { POSTGRES_PASSWORD: secret }
  parallel: { matrix: [{ PY: ['3.12', '3.13'] }] }
  script: [pytest]
image:build: { extends: .rules, stage: build, image: docker:27, script: [docker build -t $REGISTRY/app .] }
deploy:
  stage: deploy
  script: [./deploy]
  environment: production
  rules:
    - !reference [.rules, rules]
    - { when: never }
rollback: { stage: deploy, when: on_failure, script: [./rollback] }
tidy: { stage: .post, when: always, script: [./tidy] }
release: { stage: deploy, when: manual, script: [./release] }
";

    fn happening(event: &str, branch: &str) -> Happening {
        Happening { event: event.into(), branch: branch.into() }
    }

    #[test]
    fn a_pipeline_is_read_for_what_happens() {
        for (event, branch, jobs, started) in [
            ("push", "main", "lint test image:build deploy rollback tidy", "lint test image:build deploy tidy"),
            ("push", "dev", "lint test rollback tidy", "lint test tidy"),
            ("pull_request", "main", "lint test rollback tidy", "lint test tidy"),
            ("merge_request", "main", "lint test rollback tidy", "lint test tidy"),
            ("schedule", "main", "", ""),
        ] {
            let happening = happening(event, branch);
            let workflow = read("ci.yml", TEXT, &happening).unwrap();
            let ids: Vec<&str> = workflow.jobs.iter().map(|job| job.id.as_str()).collect();
            assert_eq!((ids.join(" ").as_str(), workflow.runs_on(&happening)), (jobs, !jobs.is_empty()), "{event}");
            assert_eq!(workflow.started_by(&happening).unwrap().join(" "), started, "{event} {branch}");
        }
        // Nothing happens: it is read as for a push, and does not run.
        let still = read("ci.yml", TEXT, &happening("", "main")).unwrap();
        assert!(still.jobs.len() == 6 && !still.runs_on(&happening("", "main")));
    }

    #[test]
    fn a_pipeline_is_shown_as_any_workflow() {
        let workflow = read("ci.yml", TEXT, &happening("push", "main")).unwrap();
        assert_eq!(
            (workflow.name.as_str(), &workflow.environment["CI_COMMIT_BRANCH"]),
            ("Pipeline of main", &json!("main"))
        );
        let [lint, test, build, deploy, rollback, tidy] = workflow.jobs.as_slice() else {
            panic!("{:?}", workflow.jobs)
        };
        assert!(lint.continue_on_error && lint.needs.is_empty());
        assert_eq!(
            (&build.needs, &deploy.needs),
            (&vec!["lint".to_owned(), "test".into()], &vec!["image:build".into()])
        );
        assert_eq!(rollback.condition.as_deref(), Some("failure()"));
        assert_eq!((tidy.condition.as_deref(), &tidy.needs), (Some("always()"), &vec!["deploy".to_owned()]));
        let env = json!({ "REGISTRY": "registry.example", "POSTGRES_PASSWORD": "secret" });
        assert_eq!(test.services["db"], json!({ "image": "postgres:17", "env": env }));
        let document = workflow.document();
        assert_eq!(document["triggers"], json!([{ "event": "push", "branches": [], "types": [] }]));
        let jobs = &document["jobs"];
        assert_eq!(jobs[1]["matrix"], json!([{ "PY": "3.12" }, { "PY": "3.13" }]));
        assert_eq!((&jobs[1]["container"], &jobs[2]["container"]), (&json!("python:3.13"), &json!("docker:27")));
        assert_eq!(jobs[2]["steps"][0]["run"], "docker build -t $REGISTRY/app .");
    }

    #[test]
    fn rules_set_variables_and_needs() {
        let text = "workflow: { rules: [{ variables: { A: w, B: w, C: w } }] }\nvariables: { A: f }\n\
            a: { script: s }\nb: { script: s, variables: { B: j, C: j }, needs: [a], rules: [{ if: $A == 'w', \
            variables: { C: r }, needs: [] }] }\n";
        let workflow = read("ci.yml", text, &happening("push", "main")).unwrap();
        let b = &workflow.jobs[1];
        assert_eq!(Value::from(b.environment.clone()), json!({ "A": "w", "B": "j", "C": "r" }));
        assert!(b.needs.is_empty());
        for (text, runs) in [
            ("a: { stage: .pre, script: s }", false),
            ("a: { stage: .pre, script: s }\nb: { script: s }", true),
            ("a: { script: s, when: manual }", true),
            ("a: { script: s, only: [tags] }", false),
        ] {
            let happening = happening("push", "main");
            assert_eq!(read("ci.yml", text, &happening).unwrap().runs_on(&happening), runs, "{text}");
        }
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        for (from, to, why) in [
            ("needs: []", "needs: [tests]", "the job `lint`: it needs `tests`: `tests` is no job of the file; did you"),
            ("needs: []", "needs: [image:build]", "in a circle: lint, image:build"),
            ("needs: []", "needs: [rollback]", "in a circle"),
            ("needs: []", "needs: [lint]", "in a circle: lint"),
            ("needs: []", "dependencies: [tset]", "it depends on `tset`: `tset` is no job"),
            ("needs: []", "dependencies: test", "is no list of jobs"),
            ("  script: [pytest]\n", "", "the job `test`: it has no `script`"),
            ("stage: build", "stage: bild", "`bild` is no stage of `stages`; did you mean `build`?"),
            ("allow_failure: true", "allowfailure: true", "did you mean `allow_failure`?"),
            ("      when: never\n", "      when: manual\n", "`workflow`: rule 1: `when: manual` is none of"),
            ("== 'schedule'", "== schedule", "`schedule` means nothing: texts stand in quotes"),
            ("[.rules, rules]", "[.rule, rules]", "finds nothing"),
            ("extends: .rules", "extends: .rulez", "did you mean `.rules`?"),
            ("stages: [", "stages: [[", "ci.yml: "),
            ("default:", "include: x.yml\ndefault:", "which cannot be looked at"),
        ] {
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT, "{from}");
            let said = read("ci.yml", &text, &happening("push", "main")).err().unwrap_or_default();
            assert!(said.starts_with("ci.yml: ") && said.contains(why), "{to}: {said}");
        }
        // What is wrong is said where no pipeline is made, too; what is missing only for this event, for it alone.
        let broken = TEXT.replacen("- ./tidy", "", 1).replacen("script: [./tidy]", "scrip: x", 1);
        assert!(read("ci.yml", &broken, &happening("schedule", "main")).is_err());
        let needy = TEXT.replacen("when: always, script", "when: always, needs: [deploy], script", 1);
        assert!(read("ci.yml", &needy, &happening("push", "main")).is_ok());
        let said = read("ci.yml", &needy, &happening("push", "dev")).unwrap_err();
        assert!(said.contains("the job `tidy` needs `deploy`, which what happens does not start"), "{said}");
    }
}
