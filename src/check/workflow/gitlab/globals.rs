//! What a `.gitlab-ci.yml` says for all of its jobs.
//!
//! Source: GitLab's documentation, "CI/CD YAML syntax reference", global keywords and `default`.

use serde_json::{Map, Value};

use super::yaml::unknown;

/// Keywords of the file; everything else on its level is a job.
const KEYWORDS: [&str; 11] = [
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "before_script",
    "after_script",
    "cache",
    "spec",
];
/// What `default` may hold.
const DEFAULTS: [&str; 13] = [
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
    "timeout",
];
/// Defaults that may stand on the level of the file, as was usual before there was `default`.
const OLD_DEFAULTS: [&str; 5] = ["image", "services", "before_script", "after_script", "cache"];

/// Jobs by name, as they are written.
type Named<'r> = Vec<(&'r String, &'r Map<String, Value>)>;

/// All of it.
pub(super) struct Globals {
    pub stages: Vec<String>,
    pub variables: Map<String, Value>,
    pub defaults: Map<String, Value>,
    /// `workflow:rules`, if there are any.
    pub rules: Option<Value>,
    /// `workflow:name`.
    pub name: Option<String>,
}

impl Globals {
    /// # Errors
    /// What GitLab would not accept, or what leads out of the file.
    pub fn of(root: &Map<String, Value>) -> Result<Self, String> {
        if root.contains_key("include") {
            return Err("it includes files of somewhere else (`include`), which cannot be looked at".into());
        }
        let node = |key: &str| root.get(key).filter(|node| !node.is_null());
        let workflow = of_map(node("workflow"), "workflow", &["name", "rules", "auto_cancel"])?;
        Ok(Self {
            stages: stages(node("stages"))?,
            variables: variables(node("variables"), "the file")?,
            defaults: defaults(root)?,
            rules: workflow.get("rules").filter(|rules| !rules.is_null()).cloned(),
            name: workflow.get("name").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// The jobs of the file, in its order; templates, whose names begin with a dot, are none.
///
/// # Errors
/// There is none, or something is neither a job nor a keyword.
pub(super) fn jobs(root: &Map<String, Value>) -> Result<Named<'_>, String> {
    let mut jobs = Vec::new();
    for (name, node) in root {
        if name.starts_with('.') || KEYWORDS.contains(&name.as_str()) {
            continue;
        }
        let why = || format!("{}, and no job: a job is a map with a `script`", unknown(name, "the file", &KEYWORDS));
        jobs.push((name, node.as_object().ok_or_else(why)?));
    }
    match jobs.is_empty() {
        true => Err("it has no jobs".into()),
        false => Ok(jobs),
    }
}

/// `variables` of anything: texts, or maps with a `value`. Where a value is not to be expanded, its `$` are doubled.
///
/// # Errors
/// A value that is neither text nor number.
pub(super) fn variables(node: Option<&Value>, place: &str) -> Result<Map<String, Value>, String> {
    let map = match node {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(format!("`variables` of {place} is no map of names and values")),
    };
    let mut texts = Map::new();
    for (name, value) in map {
        let given = match value {
            Value::Object(more) => more.get("value").unwrap_or(&Value::Null),
            value => value,
        };
        let text = match given {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null => String::new(),
            other => return Err(format!("the variable `{name}` of {place} is `{other}`: write it in quotes")),
        };
        let raw = value.get("expand") == Some(&Value::Bool(false));
        texts.insert(name.clone(), if raw { text.replace('$', "$$") } else { text }.into());
    }
    Ok(texts)
}

/// Two of them are always there, whatever the file says.
fn stages(node: Option<&Value>) -> Result<Vec<String>, String> {
    let named: Vec<String> = match node {
        None => ["build", "test", "deploy"].map(str::to_owned).into(),
        Some(Value::Array(list)) => {
            let text = |one: &Value| one.as_str().map(str::to_owned).ok_or(format!("the stage `{one}` is no name"));
            list.iter().map(text).collect::<Result<_, String>>()?
        }
        Some(_) => return Err("`stages` is no list of names".into()),
    };
    let inner = named.into_iter().filter(|stage| ![".pre", ".post"].contains(&stage.as_str()));
    Ok([".pre".to_owned()].into_iter().chain(inner).chain([".post".to_owned()]).collect())
}

fn defaults(root: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut all = of_map(root.get("default"), "default", &DEFAULTS)?;
    for key in OLD_DEFAULTS {
        let Some(node) = root.get(key).filter(|node| !node.is_null()) else { continue };
        if all.insert(key.to_owned(), node.clone()).is_some() {
            return Err(format!("`{key}` is said twice: by `default` and by the file itself"));
        }
    }
    Ok(all)
}

fn of_map(node: Option<&Value>, what: &str, known: &[&str]) -> Result<Map<String, Value>, String> {
    let map = match node {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(format!("`{what}` is no map")),
    };
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(unknown(key, &format!("`{what}`"), known)),
        None => Ok(map.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::yaml::load;
    use super::*;

    fn globals(text: &str) -> Result<Globals, String> {
        Globals::of(&load(text)?)
    }

    #[test]
    fn what_holds_for_all_jobs_is_read() {
        let none = globals("a: {}").unwrap();
        assert_eq!(none.stages, [".pre", "build", "test", "deploy", ".post"]);
        assert!(none.variables.is_empty() && none.defaults.is_empty() && none.rules.is_none());
        let text = "stages: [.post, one]\nimage: a\ndefault: { tags: [t] }\nworkflow: { name: N, rules: [] }\n\
            variables: { A: 1, B: { value: $A, description: x }, C: { value: $A, expand: false }, D: }";
        let all = globals(text).unwrap();
        assert_eq!(all.stages, [".pre", "one", ".post"]);
        assert_eq!(Value::from(all.variables), json!({ "A": "1", "B": "$A", "C": "$$A", "D": "" }));
        assert_eq!(Value::from(all.defaults), json!({ "tags": ["t"], "image": "a" }));
        assert_eq!((all.rules, all.name.as_deref()), (Some(json!([])), Some("N")));
        let root = load("image: a\n.t: 1\nb: {}\na: {}").unwrap();
        assert_eq!(jobs(&root).unwrap().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        for (text, why) in [
            ("include: [x.yml]", "`include`), which cannot be looked at"),
            ("stages: one", "`stages` is no list"),
            ("stages: [[one]]", "is no name"),
            ("variables: [A]", "`variables` of the file is no map"),
            ("variables: { A: true }", "the variable `A` of the file is `true`: write it in quotes"),
            ("default: { imag: x }", "`imag` is no keyword of `default`; did you mean `image`?"),
            ("default: x", "`default` is no map"),
            ("default: { image: x }\nimage: y", "`image` is said twice"),
            ("workflow: { rule: [] }", "`rule` is no keyword of `workflow`; did you mean `rules`?"),
        ] {
            let said = globals(text).err().unwrap_or_default();
            assert!(said.contains(why), "{text}: {said}");
        }
        for (text, why) in [
            ("image: x\n.t: { script: x }", "it has no jobs"),
            ("stage: [x]", "`stage` is no keyword of the file; did you mean `stages`?, and no job"),
            ("a:", "and no job: a job is a map with a `script`"),
        ] {
            let said = jobs(&load(text).unwrap()).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
