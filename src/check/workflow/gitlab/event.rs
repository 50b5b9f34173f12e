//! What GitLab's predefined variables say of something that happens, and variables inside of texts.
//!
//! Source: GitLab's documentation, "Predefined CI/CD variables reference" and "Where variables can be used".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::pipeline::Happening;

/// What happens, as GitLab's predefined variables say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitlabEvent {
    pub variables: BTreeMap<String, String>,
}

impl GitlabEvent {
    /// GitHub's names of events mean what is nearest to them; none at all is a push.
    pub fn of(happening: &Happening) -> Self {
        let source = match happening.event.as_str() {
            "" => "push",
            "pull_request" | "pull_request_target" | "merge_request" => "merge_request_event",
            "workflow_dispatch" => "web",
            "repository_dispatch" => "trigger",
            other => other,
        };
        let branch = happening.branch.as_str();
        let request = source == "merge_request_event";
        let name = if request { "feature" } else { branch };
        let slug = slug(name);
        let mut variables = vec![
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", source),
            ("CI_COMMIT_REF_NAME", name),
            ("CI_COMMIT_REF_SLUG", &slug),
        ];
        variables.extend(match request {
            true => vec![
                ("CI_MERGE_REQUEST_ID", "1"),
                ("CI_MERGE_REQUEST_IID", "1"),
                ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", name),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", branch),
            ],
            false => vec![("CI_COMMIT_BRANCH", branch)],
        });
        Self { variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    pub(super) fn source(&self) -> &str {
        self.variables.get("CI_PIPELINE_SOURCE").map_or("", String::as_str)
    }

    /// The branch that is built; none for a merge request.
    pub(super) fn branch(&self) -> Option<&str> {
        self.variables.get("CI_COMMIT_BRANCH").map(String::as_str)
    }

    /// With more variables, which win.
    pub(super) fn with(&self, more: &Map<String, Value>) -> BTreeMap<String, String> {
        let texts = more.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        self.variables.clone().into_iter().chain(texts).collect()
    }
}

/// A name as it may stand in addresses: small letters, digits and `-`, 63 of them at most.
fn slug(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(plain).take(63).collect();
    plain.trim_matches('-').to_owned()
}

/// Fills `$NAME` and `${NAME}`, also in what they are filled with. What is not known here stays, as the shell may know
/// it; so does a variable inside of itself. `$$` is one `$`.
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    inside(text, variables, &mut Vec::new())
}

fn inside<'v>(text: &str, variables: &'v BTreeMap<String, String>, trail: &mut Vec<&'v str>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(behind) = after.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        let (name, length) = name(after);
        match variables.get_key_value(name).filter(|(name, _)| !trail.contains(&name.as_str())) {
            Some((name, value)) => {
                trail.push(name);
                out.push_str(&inside(value, variables, trail));
                trail.pop();
            }
            None => {
                out.push('$');
                out.push_str(&after[..length]);
            }
        }
        rest = &after[length..];
    }
    out + rest
}

/// The name behind a `$`, and how long it is with its braces.
fn name(after: &str) -> (&str, usize) {
    let word = |text: &str| text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(text.len());
    match after.strip_prefix('{').map(|inner| &inner[..word(inner)]) {
        Some(name) if after[name.len() + 1..].starts_with('}') => (name, name.len() + 2),
        Some(_) => ("", 0),
        None => (&after[..word(after)], word(after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_said_by_variables() {
        let of = |event: &str, branch: &str| {
            let event = GitlabEvent::of(&Happening { event: event.into(), branch: branch.into() });
            let said = |name: &str| event.variables.get(name).cloned().unwrap_or_default();
            let names = ["CI_PIPELINE_SOURCE", "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG"];
            let target = said("CI_MERGE_REQUEST_TARGET_BRANCH_NAME");
            (names.map(&said).join(" "), target)
        };
        for (event, branch, said, target) in [
            ("push", "main", "push main main main", ""),
            ("", "main", "push main main main", ""),
            ("push", "Feature/A_b-", "push Feature/A_b- Feature/A_b- feature-a-b", ""),
            ("schedule", "main", "schedule main main main", ""),
            ("workflow_dispatch", "main", "web main main main", ""),
            ("pull_request", "main", "merge_request_event  feature feature", "main"),
            ("merge_request", "dev", "merge_request_event  feature feature", "dev"),
            ("merge_request_event", "dev", "merge_request_event  feature feature", "dev"),
        ] {
            assert_eq!(of(event, branch), (said.to_owned(), target.to_owned()), "{event} {branch}");
        }
        assert_eq!(slug(&"a".repeat(70)).len(), 63);
    }

    #[test]
    fn variables_are_filled_where_they_are_known() {
        let variables = [("A", "1"), ("B", "b$A"), ("C", "$C:c"), ("D", "$E"), ("E", "$D"), ("M", "${{ matrix.M }}")];
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (text, filled) in [
            ("x", "x"),
            ("$A", "1"),
            ("${A}0", "10"),
            ("$A0", "$A0"),
            ("$B-$HOME-${HOME}", "b1-$HOME-${HOME}"),
            ("$C", "$C:c"),
            ("$D", "$D"),
            ("$$A", "$A"),
            ("a$", "a$"),
            ("${A", "${A"),
            ("python:$M", "python:${{ matrix.M }}"),
        ] {
            assert_eq!(expand(text, &variables), filled, "{text}");
        }
    }
}
