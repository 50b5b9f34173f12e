//! `only` and `except`: which pipelines a job is in, as was usual before there were rules.
//!
//! Source: GitLab's documentation, "Deprecated keywords". Every file counts as changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::event::GitlabEvent;
use super::rules::{fits, holds, pattern};
use super::when::shown;
use super::yaml::{flat, unknown};

const POLICY: [&str; 3] = ["refs", "variables", "changes"];

type Variables = BTreeMap<String, String>;

/// Whether a job is in the pipeline. One that says nothing is one of branches and tags, and not of merge requests, if no
/// `workflow:rules` have decided already.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn policies(
    only: Option<&Value>,
    except: Option<&Value>,
    event: &GitlabEvent,
    variables: &Variables,
    workflow_rules: bool,
) -> Result<bool, String> {
    let usual = json!(["branches", "tags"]);
    let wanted = match only {
        None if workflow_rules => true,
        None => refs(&usual, event)?,
        Some(only) => {
            let parts = parts(only, "only", event, variables)?;
            parts[0].map_or_else(|| refs(&usual, event), Ok)? && parts[1..].iter().all(|part| part.unwrap_or(true))
        }
    };
    let refused = match except {
        None => false,
        Some(except) => parts(except, "except", event, variables)?.contains(&Some(true)),
    };
    Ok(wanted && !refused)
}

/// What refs, variables and changes say, each if it is there.
fn parts(node: &Value, key: &str, event: &GitlabEvent, variables: &Variables) -> Result<[Option<bool>; 3], String> {
    let place = |why: String| format!("`{key}`: {why}");
    let map = match node {
        Value::Array(_) => return Ok([Some(refs(node, event).map_err(place)?), None, None]),
        Value::Object(map) => map,
        other => return Err(place(format!("`{}` is neither a list nor a map", shown(other)))),
    };
    if let Some(unknown_key) = map.keys().find(|key| !POLICY.contains(&key.as_str())) {
        return Err(unknown(unknown_key, &format!("`{key}`"), &POLICY));
    }
    let refs = map.get("refs").map(|list| refs(list, event)).transpose().map_err(place)?;
    let any = |list: &Value| {
        let list = list.as_array().ok_or("`variables` is no list of expressions")?;
        let one = |text: &Value| holds(text.as_str().unwrap_or_default(), variables);
        flat(list).into_iter().try_fold(false, |any, text| Ok::<_, String>(one(text)? || any))
    };
    let variables = map.get("variables").map(any).transpose().map_err(place)?;
    Ok([refs, variables, map.get("changes").map(|_| true)])
}

/// Whether any of these names what happens.
fn refs(list: &Value, event: &GitlabEvent) -> Result<bool, String> {
    let list = list.as_array().ok_or("`refs` is no list of branches, patterns and keywords")?;
    let mut any = false;
    for one in flat(list) {
        let text = one.as_str().ok_or_else(|| format!("`{one}` is no branch, pattern or keyword"))?;
        any |= names(text, event)?;
    }
    Ok(any)
}

/// A branch, a pattern between slashes, or a keyword for where the pipeline comes from; behind an `@` may stand whose.
fn names(text: &str, event: &GitlabEvent) -> Result<bool, String> {
    if text.starts_with('/') {
        let (regex, behind) = pattern(text).ok_or_else(|| format!("`{text}` is no pattern between slashes"))?;
        if !behind.is_empty() && !behind.starts_with('@') {
            return Err(format!("`{text}` is no pattern between slashes"));
        }
        // Without a branch there is still a mistake in it to be found.
        return fits(&regex, event.branch().unwrap_or_default()).map(|fits| fits && event.branch().is_some());
    }
    let name = text.split('@').next().unwrap_or_default();
    Ok(match name {
        "branches" => event.branch().is_some(),
        "tags" => false,
        "merge_requests" => event.source() == "merge_request_event",
        "pushes" => event.source() == "push",
        name => {
            let source = event.source();
            event.branch() == Some(name) || name == source || name.strip_suffix('s') == Some(source)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::pipeline::Happening;
    use super::*;

    fn made(text: &str, event: &str, branch: &str) -> Result<bool, String> {
        let event = GitlabEvent::of(&Happening { event: event.into(), branch: branch.into() });
        let node: Value = serde_yaml::from_str(text).unwrap();
        policies(node.get("only"), node.get("except"), &event, &event.variables, false)
    }

    #[test]
    fn a_job_is_made_for_what_its_policies_name() {
        // Each for a push to main, one to `release/1`, and a merge request.
        for (text, expected) in [
            ("only: [main]", [true, false, false]),
            ("only: [branches]", [true, true, false]),
            ("only: [branches@a/b]", [true, true, false]),
            ("only: [tags]", [false, false, false]),
            ("only: [merge_requests]", [false, false, true]),
            ("only: [pushes]", [true, true, false]),
            ("only: [schedules, /^REL.*\\/1$/i]", [false, true, false]),
            ("only: { refs: [main, merge_requests] }", [true, false, true]),
            ("only: { variables: [$CI_COMMIT_REF_NAME != 'main'] }", [false, true, false]),
            ("only: { refs: [main], variables: [$NONE] }", [false, false, false]),
            ("only: { changes: [x] }", [true, true, false]),
            ("except: [main]", [false, true, false]),
            ("except: [/release/]", [true, false, false]),
            (
                "{ only: [branches, merge_requests], except: { variables: [$CI_COMMIT_BRANCH == 'main'] } }",
                [false, true, true],
            ),
            ("except: { refs: [tags], changes: [x] }", [false, false, false]),
        ] {
            let happenings = [("push", "main"), ("push", "release/1"), ("pull_request", "main")];
            assert_eq!(happenings.map(|(event, branch)| made(text, event, branch).unwrap()), expected, "{text}");
        }
        assert_eq!(made("only: [schedules]", "schedule", "main"), Ok(true));
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        for (text, why) in [
            ("only: main", "`only`: `main` is neither a list nor a map"),
            ("only: [1]", "`1` is no branch"),
            ("only: [/main]", "no pattern between slashes"),
            ("only: [/(/]", "no pattern that RE2 knows"),
            ("only: { ref: [main] }", "`ref` is no keyword of `only`; did you mean `refs`?"),
            ("only: { refs: main }", "`refs` is no list"),
            ("except: { variables: $A }", "`except`: `variables` is no list"),
            ("except: { variables: [A] }", "`A` means nothing"),
        ] {
            let said = made(text, "push", "main").unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
