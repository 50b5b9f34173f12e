//! Whether a job, or the whole pipeline, is made for what happens: `rules` and `when`.
//!
//! Source: GitLab's documentation, "CI/CD YAML syntax reference", `rules`, `workflow:rules` and `when`. Which files a push changes is not known, so every file counts as changed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::event::GitlabEvent;
use super::globals::variables as texts;
use super::policy::policies;
use super::rules::holds;
use super::yaml::{flat, unknown};

const RULE: [&str; 9] =
    ["if", "changes", "exists", "when", "allow_failure", "variables", "needs", "interruptible", "start_in"];
const WORKFLOW_RULE: [&str; 6] = ["if", "changes", "exists", "when", "variables", "auto_cancel"];
const RULE_WHENS: [&str; 6] = ["on_success", "on_failure", "always", "manual", "never", "delayed"];
const JOB_WHENS: [&str; 5] = ["on_success", "on_failure", "always", "manual", "delayed"];

type Variables = BTreeMap<String, String>;

/// How a job is in a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decision {
    /// `on_success`, `on_failure`, `always`, `manual` or `delayed`.
    pub when: String,
    /// Nobody minds if it fails.
    pub forgiven: bool,
    /// What the rule that decided sets.
    pub variables: Map<String, Value>,
    /// What the rule that decided puts in the place of the job's own.
    pub needs: Option<Value>,
}

/// Whether the pipeline is made; if so, with which more variables.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn pipeline(rules: &Value, variables: &Variables) -> Result<Option<Map<String, Value>>, String> {
    let rule = first(rules, variables, &WORKFLOW_RULE, &["always", "never"])?;
    let made = rule.filter(|rule| rule.get("when").and_then(Value::as_str) != Some("never"));
    made.map(|rule| texts(rule.get("variables"), "a rule")).transpose()
}

/// How a job is in the pipeline; none where it is not.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn job(
    node: &Map<String, Value>,
    event: &GitlabEvent,
    variables: &Variables,
    workflow_rules: bool,
) -> Result<Option<Decision>, String> {
    let get = |key: &str| node.get(key).filter(|value| !value.is_null());
    let own = when(get("when"), &JOB_WHENS)?.unwrap_or("on_success");
    // A job that somebody starts by hand holds nobody up, if it does not say otherwise; a rule's one does.
    let forgiven = forgiven(get("allow_failure"))?.unwrap_or(own == "manual");
    let plain = Decision { when: own.to_owned(), forgiven, variables: Map::new(), needs: None };
    let Some(rules) = get("rules") else {
        return Ok(policies(get("only"), get("except"), event, variables, workflow_rules)?.then_some(plain));
    };
    if let Some(other) = ["only", "except"].into_iter().find(|key| get(key).is_some()) {
        return Err(format!("`{other}` does not stand beside `rules`"));
    }
    let Some(rule) = first(rules, variables, &RULE, &RULE_WHENS)? else { return Ok(None) };
    let when = rule.get("when").and_then(Value::as_str).unwrap_or(own);
    let decision = Decision {
        when: when.to_owned(),
        forgiven: rule.get("allow_failure").and_then(Value::as_bool).unwrap_or(forgiven),
        variables: texts(rule.get("variables"), "a rule")?,
        needs: rule.get("needs").cloned(),
    };
    Ok((when != "never").then_some(decision))
}

/// The first rule that holds. All of them are read, so that a mistake in a later one is said too.
fn first<'r>(
    rules: &'r Value,
    variables: &Variables,
    known: &[&str],
    whens: &[&str],
) -> Result<Option<&'r Map<String, Value>>, String> {
    let list = rules.as_array().ok_or("`rules` is no list")?;
    let mut found = None;
    for (at, rule) in flat(list).into_iter().enumerate() {
        let place = |why: String| format!("rule {}: {why}", at + 1);
        let rule = rule.as_object().ok_or_else(|| place(format!("`{rule}` is no map with `if`, `when` and so on")))?;
        if let Some(key) = rule.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(place(unknown(key, "a rule", known)));
        }
        when(rule.get("when"), whens).map_err(place)?;
        let condition = match rule.get("if") {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => holds(text, variables).map_err(place)?,
            Some(other) => return Err(place(format!("`if: {other}` is no expression"))),
        };
        if !condition || found.is_some() {
            continue;
        }
        if rule.contains_key("exists") {
            return Err(place("`exists` asks for files of the repository, which cannot be looked at".into()));
        }
        found = Some(rule);
    }
    Ok(found)
}

fn when<'w>(node: Option<&'w Value>, known: &[&str]) -> Result<Option<&'w str>, String> {
    match node {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if known.contains(&text.as_str()) => Ok(Some(text)),
        Some(other) => Err(format!("`when: {}` is none of {}", shown(other), known.join(", "))),
    }
}

/// Exit codes that are forgiven cannot be said of a job here: it counts as one that may not fail.
fn forgiven(node: Option<&Value>) -> Result<Option<bool>, String> {
    match node {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::Object(map)) if map.len() == 1 && map.contains_key("exit_codes") => Ok(Some(false)),
        Some(other) => Err(format!("`allow_failure: {}` is neither true, false nor `exit_codes`", shown(other))),
    }
}

/// Without quotes, if it is a text.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::pipeline::Happening;
    use super::*;

    fn decided(text: &str, event: &str, branch: &str, workflow_rules: bool) -> Result<Option<Decision>, String> {
        let event = GitlabEvent::of(&Happening { event: event.into(), branch: branch.into() });
        let node: Value = serde_yaml::from_str(text).unwrap();
        job(node.as_object().unwrap(), &event, &event.variables, workflow_rules)
    }

    #[test]
    fn a_job_is_made_for_what_its_rules_name() {
        // Each for a push to main, one to `release/1`, and a merge request.
        for (text, made) in [
            ("{}", [true, true, false]),
            ("rules: []", [false, false, false]),
            ("rules: [{ when: always }]", [true, true, true]),
            ("rules: [{ if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH }]", [true, false, false]),
            ("rules: [[{ if: $CI_PIPELINE_SOURCE == 'merge_request_event' }]]", [false, false, true]),
            ("rules: [{ if: $CI_COMMIT_BRANCH, when: never }, { when: on_success }]", [false, false, true]),
            ("rules: [{ changes: [src/**] }]", [true, true, true]),
            ("rules: [{ if: $CI_COMMIT_TAG, exists: [Dockerfile] }]", [false, false, false]),
        ] {
            let happenings = [("push", "main"), ("push", "release/1"), ("pull_request", "main")];
            let seen = happenings.map(|(event, branch)| decided(text, event, branch, false).unwrap().is_some());
            assert_eq!(seen, made, "{text}");
        }
        assert!(decided("{}", "pull_request", "main", true).unwrap().is_some());
    }

    #[test]
    fn a_decision_says_how() {
        for (text, when, forgiven) in [
            ("{}", "on_success", false),
            ("allow_failure: true", "on_success", true),
            ("allow_failure: { exit_codes: 3 }", "on_success", false),
            ("when: on_failure", "on_failure", false),
            ("when: manual", "manual", true),
            ("{ when: manual, allow_failure: false }", "manual", false),
            ("rules: [{ when: manual }]", "manual", false),
            ("rules: [{ when: manual, allow_failure: true }]", "manual", true),
            ("{ allow_failure: true, rules: [{ when: delayed, start_in: 1 minute }] }", "delayed", true),
            ("{ when: always, rules: [{ if: $CI }] }", "always", false),
        ] {
            let decision = decided(text, "push", "main", false).unwrap().unwrap();
            assert_eq!((decision.when.as_str(), decision.forgiven), (when, forgiven), "{text}");
        }
        let more = decided("rules: [{ variables: { A: 1 }, needs: [x] }]", "push", "main", false).unwrap().unwrap();
        assert_eq!((more.variables["A"].as_str(), more.needs), (Some("1"), Some(json!(["x"]))));
    }

    #[test]
    fn a_pipeline_is_made_where_its_rules_let_it() {
        let variables = Variables::from([("CI_PIPELINE_SOURCE".to_owned(), "push".to_owned())]);
        for (rules, made) in [
            (json!([]), None),
            (json!([{ "if": "$CI_PIPELINE_SOURCE == 'push'" }]), Some(json!({}))),
            (json!([{ "if": "$CI_PIPELINE_SOURCE == 'web'" }]), None),
            (json!([{ "if": "$CI_PIPELINE_SOURCE", "when": "never" }, { "when": "always" }]), None),
            (json!([{ "variables": { "A": 1 } }]), Some(json!({ "A": "1" }))),
        ] {
            assert_eq!(pipeline(&rules, &variables), Ok(made.and_then(|made| made.as_object().cloned())), "{rules}");
        }
        let said = pipeline(&json!([{ "when": "manual" }]), &variables).unwrap_err();
        assert!(said.contains("`when: manual` is none of always, never"), "{said}");
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        for (text, why) in [
            ("when: never", "`when: never` is none of on_success"),
            ("when: [always]", "is none of on_success"),
            ("allow_failure: maybe", "`allow_failure: maybe` is neither"),
            ("{ rules: [], only: [main] }", "`only` does not stand beside `rules`"),
            ("{ rules: [], except: [main] }", "`except` does not stand beside `rules`"),
            ("rules: { if: x }", "`rules` is no list"),
            ("rules: [x]", "rule 1: `\"x\"` is no map"),
            ("rules: [{ iff: $A }]", "`iff` is no keyword of a rule; did you mean `if`?"),
            ("rules: [{ when: on_success }, { if: '$A ==' }]", "rule 2: `$A ==`: it ends too early"),
            ("rules: [{ if: true }]", "`if: true` is no expression"),
            ("rules: [{ when: often }]", "`when: often` is none of"),
            ("rules: [{ variables: [A] }]", "`variables` of a rule is no map"),
            ("rules: [{ exists: [x] }]", "which cannot be looked at"),
        ] {
            let said = decided(text, "push", "main", false).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
