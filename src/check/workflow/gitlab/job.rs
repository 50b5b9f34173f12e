//! One job of a `.gitlab-ci.yml`, before it is known whether it is in a pipeline.
//!
//! Source: GitLab's documentation, "CI/CD YAML syntax reference", job keywords.

use serde_json::{Map, Value, json};

use super::super::pipeline::{Job, Step, What};
use super::event::{GitlabEvent, expand};
use super::globals::{Globals, variables};
use super::machine::{image, parallel, services, tags};
use super::yaml::{flat, unknown};

const KEYWORDS: [&str; 37] = [
    "after_script",
    "allow_failure",
    "artifacts",
    "before_script",
    "cache",
    "coverage",
    "dast_configuration",
    "dependencies",
    "environment",
    "except",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "inherit",
    "interruptible",
    "manual_confirmation",
    "needs",
    "only",
    "pages",
    "parallel",
    "publish",
    "release",
    "resource_group",
    "retry",
    "rules",
    "run",
    "script",
    "secrets",
    "services",
    "stage",
    "start_in",
    "tags",
    "timeout",
    "trigger",
    "variables",
    "when",
];

/// One job, with what it inherits.
pub(super) struct Draft {
    pub name: String,
    pub stage: String,
    pub node: Map<String, Value>,
    /// Those of the file that it inherits, then its own.
    pub variables: Map<String, Value>,
}

impl Draft {
    /// # Errors
    /// What GitLab would not accept, or what leads out of the file.
    pub fn read(name: &str, node: &Map<String, Value>, globals: &Globals) -> Result<Self, String> {
        if let Some(key) = node.keys().find(|key| !KEYWORDS.contains(&key.as_str())) {
            return Err(unknown(key, "a job", &KEYWORDS));
        }
        if node.contains_key("trigger") {
            return Err("it starts a pipeline of somewhere else (`trigger`), which cannot be looked at".into());
        }
        if node.contains_key("run") {
            return Err("its steps (`run`) are of somewhere else, which cannot be looked at: write a `script`".into());
        }
        let inherit = node.get("inherit").unwrap_or(&Value::Null);
        let mut whole = inherited(&globals.defaults, inherit, "default")?;
        whole.extend(node.clone());
        let mut all = inherited(&globals.variables, inherit, "variables")?;
        all.extend(variables(node.get("variables"), "the job")?);
        let stage = match node.get("stage") {
            None | Some(Value::Null) => "test",
            Some(Value::String(stage)) => stage,
            Some(other) => return Err(format!("`stage: {other}` is no name")),
        };
        if !globals.stages.iter().any(|one| one == stage) {
            let stages: Vec<&str> = globals.stages.iter().map(String::as_str).collect();
            let why = unknown(stage, "`stages`", &stages).replacen("keyword", "stage", 1);
            return Err(format!("{why} (there are {})", stages.join(", ")));
        }
        let draft = Self { name: name.to_owned(), stage: stage.to_owned(), node: whole, variables: all };
        match draft.lines("script")?.is_empty() {
            true => Err("it has no `script`".into()),
            false => Ok(draft),
        }
    }

    /// As the pipeline has it; what it needs, and whether it is forgiven, is not its own affair.
    ///
    /// # Errors
    /// What GitLab would not accept, in words.
    pub fn job(&self, event: &GitlabEvent, more: &Map<String, Value>) -> Result<Job, String> {
        let combinations = parallel(self.get("parallel"))?;
        let mut environment = self.variables.clone();
        environment.extend(more.clone());
        // Those of a combination win over all others, and are not known before there is one.
        environment.retain(|name, _| !combinations.iter().any(|one| one.contains_key(name)));
        let with = |one: &Map<String, Value>| environment.clone().into_iter().chain(one.clone()).collect();
        let variants = combinations.iter().map(|one| self.made(event, with(one))).collect::<Result<_, _>>()?;
        let matrix = if combinations.is_empty() { Value::Null } else { json!({ "include": combinations }) };
        Ok(Job { matrix, variants, ..self.made(event, environment)? })
    }

    /// With these variables, which are filled in.
    fn made(&self, event: &GitlabEvent, mut environment: Map<String, Value>) -> Result<Job, String> {
        let get = |key: &str| self.get(key);
        let known = event.with(&environment);
        for value in environment.values_mut() {
            *value = expand(value.as_str().unwrap_or_default(), &known).into();
        }
        Ok(Job {
            id: self.name.clone(),
            name: None,
            needs: Vec::new(),
            condition: None,
            runs_on: tags(get("tags"))?,
            container: image(get("image"), &known)?,
            services: services(get("services"), &environment, &known)?,
            environment,
            outputs: Map::new(),
            matrix: Value::Null,
            variants: Vec::new(),
            caches: caches(get("cache")),
            continue_on_error: false,
            fail_fast: false,
            // Reports are for people; files are for other jobs.
            hands_on: get("artifacts").get("paths").is_some() || get("artifacts").get("untracked").is_some(),
            steps: self.steps()?,
        })
    }

    fn get(&self, key: &str) -> &Value {
        self.node.get(key).unwrap_or(&Value::Null)
    }

    /// One of what happens before and in the script, as one shell does both, and one of what happens after it, which
    /// is tried whatever became of the first, and changes nothing of it.
    fn steps(&self) -> Result<Vec<Step>, String> {
        let script = [self.lines("before_script")?, self.lines("script")?].concat();
        let after = self.lines("after_script")?;
        let step = |name: &str, lines: Vec<String>| Step {
            id: None,
            name: Some(name.to_owned()),
            condition: None,
            what: What::Run { script: lines.join("\n"), shell: None, folder: None },
            environment: Map::new(),
            continue_on_error: false,
        };
        let mut steps = vec![step("script", script)];
        if !after.is_empty() {
            let always = Some("always()".to_owned());
            steps.push(Step { condition: always, continue_on_error: true, ..step("after_script", after) });
        }
        Ok(steps)
    }

    fn lines(&self, key: &str) -> Result<Vec<String>, String> {
        let list = match self.node.get(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::String(line)) => return Ok(vec![line.clone()]),
            Some(Value::Array(list)) => flat(list),
            Some(other) => return Err(format!("`{key}: {other}` is neither a command nor a list of commands")),
        };
        let text = |line: &Value| match line {
            Value::String(line) => Ok(line.clone()),
            // What comes of `- echo "name: value"` without quotes around all of it.
            other => Err(format!("`{other}` in `{key}` is no command: put all of it in quotes")),
        };
        list.into_iter().map(text).collect()
    }
}

/// The paths of one cache or of several.
fn caches(node: &Value) -> Vec<String> {
    let several = node.as_array().cloned().unwrap_or_else(|| vec![node.clone()]);
    let paths = several.iter().filter_map(|one| one.get("paths")?.as_array());
    paths.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What `inherit` lets through: everything, nothing, or what it names.
fn inherited(all: &Map<String, Value>, inherit: &Value, key: &str) -> Result<Map<String, Value>, String> {
    match inherit.get(key) {
        None | Some(Value::Null | Value::Bool(true)) => Ok(all.clone()),
        Some(Value::Bool(false)) => Ok(Map::new()),
        Some(Value::Array(names)) => {
            let named = |name: &String| names.iter().any(|one| one.as_str() == Some(name));
            Ok(all.iter().filter(|(name, _)| named(name)).map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Some(other) => Err(format!("`inherit:{key}: {other}` is neither true, false nor a list of names")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::pipeline::Happening;
    use super::super::globals::jobs;
    use super::super::yaml::load;
    use super::*;

    fn job(text: &str) -> Result<Job, String> {
        let root = load(text)?;
        let (name, node) = jobs(&root)?[0];
        let event = GitlabEvent::of(&Happening { event: "push".into(), branch: "main".into() });
        let more = Map::from_iter([("RULE".to_owned(), json!("r"))]);
        Draft::read(name, node, &Globals::of(&root)?)?.job(&event, &more)
    }

    fn scripts(job: &Job) -> Vec<&str> {
        let script = |step: &'_ Step| matches!(step.what, What::Run { .. });
        assert!(job.steps.iter().all(script));
        let all = job.steps.iter().filter_map(|step| match &step.what {
            What::Run { script, .. } => Some(script.as_str()),
            What::Uses { .. } => None,
        });
        all.collect()
    }

    #[test]
    fn scripts_are_one_step_and_what_comes_after_another() {
        let text =
            "default: { before_script: [pip install x], after_script: [bye] }\na: { script: [[one, two], three] }";
        let all = job(text).unwrap();
        assert_eq!(scripts(&all), ["pip install x\none\ntwo\nthree", "bye"]);
        let after = &all.steps[1];
        assert_eq!((after.condition.as_deref(), after.continue_on_error), (Some("always()"), true));
        for (own, expected) in [
            ("before_script: [], after_script: []", vec!["s"]),
            ("before_script: b", vec!["b\ns", "bye"]),
            ("inherit: { default: false }", vec!["s"]),
            ("inherit: { default: [after_script] }", vec!["s", "bye"]),
        ] {
            let text = text.replace("[[one, two], three]", &format!("s, {own}"));
            assert_eq!(scripts(&job(&text).unwrap()), expected, "{own}");
        }
    }

    #[test]
    fn a_job_has_the_variables_of_the_file_and_its_own() {
        let text = "variables: { A: a, B: b, C: $A-$CI_COMMIT_BRANCH }\nimage: 'python:$B'\nservices: [redis]\n\
            a: { script: s, tags: [x], variables: { B: { value: own } } }";
        let one = job(text).unwrap();
        let env = json!({ "A": "a", "B": "own", "C": "a-main", "RULE": "r" });
        assert_eq!((Value::from(one.environment), &one.runs_on), (env.clone(), &json!(["x"])));
        assert_eq!((one.container, &one.services["redis"]["env"]), (Some(json!("python:own")), &env));
        for (own, expected) in [
            ("inherit: { variables: false }", json!({ "RULE": "r" })),
            ("inherit: { variables: [B] }", json!({ "B": "b", "RULE": "r" })),
        ] {
            let text = text.replace("variables: { B: { value: own } }", own);
            assert_eq!(Value::from(job(&text).unwrap().environment), expected, "{own}");
        }
        // A combination's variables are filled in the job of the combination.
        let text = text.replace("tags: [x]", "parallel: { matrix: [{ A: [1, 2] }] }").replace("$B", "$A");
        let one = job(&text).unwrap();
        assert_eq!((one.container, &one.environment["C"]), (Some(json!("python:$A")), &json!("$A-main")));
        assert_eq!((one.environment.get("A"), one.matrix), (None, json!({ "include": [{ "A": "1" }, { "A": "2" }] })));
        let of = |one: &Job| {
            (one.container.clone(), one.environment["C"].clone(), one.services["redis"]["env"]["A"].clone())
        };
        let variant = |a: &str| (Some(json!(format!("python:{a}"))), json!(format!("{a}-main")), json!(a));
        assert_eq!(one.variants.iter().map(of).collect::<Vec<_>>(), [variant("1"), variant("2")]);
    }

    #[test]
    fn what_is_kept_from_run_to_run_is_seen() {
        for (cache, paths) in [
            ("{ paths: [.cache/pip] }", vec![".cache/pip"]),
            ("[{ key: a, paths: [a] }, { paths: [b, c] }]", vec!["a", "b", "c"]),
            ("[]", vec![]),
            ("{ key: x }", vec![]),
        ] {
            let one = job(&format!("default: {{ cache: {cache} }}\na: {{ script: s }}")).unwrap();
            assert_eq!(one.caches, paths, "{cache}");
        }
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        for (own, why) in [
            ("scripts: s", "`scripts` is no keyword of a job; did you mean `script`?"),
            ("trigger: x", "`trigger`), which cannot be looked at"),
            ("run: []", "`run`) are of somewhere else, which cannot be looked at"),
            ("stage: test", "it has no `script`"),
            ("script: []", "it has no `script`"),
            ("script: 1", "is neither a command nor a list"),
            ("script: [{ 'echo a': b }]", "put all of it in quotes"),
            ("script: s, before_script: [true]", "`true` in `before_script` is no command"),
            ("script: s, stage: tests", "`tests` is no stage of `stages`; did you mean `test`? (there are .pre, build"),
            ("script: s, stage: []", "is no name"),
            ("script: s, inherit: { default: x }", "`inherit:default: \"x\"` is neither"),
            ("script: s, variables: x", "`variables` of the job is no map"),
            ("script: s, image: []", "neither a name nor a map"),
            ("script: s, services: x", "`services` is no list"),
            ("script: s, parallel: x", "`parallel` is neither"),
            ("script: s, tags: x", "is no list"),
        ] {
            let said = job(&format!("a: {{ {own} }}")).unwrap_err();
            assert!(said.contains(why), "{own}: {said}");
        }
    }
}
