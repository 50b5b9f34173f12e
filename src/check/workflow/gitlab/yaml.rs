//! A `.gitlab-ci.yml` before its keywords mean anything: merge keys, `extends` and `!reference` are put in place.
//!
//! Source: GitLab's documentation, "Optimize GitLab CI/CD configuration files" and `extends` in "CI/CD YAML syntax
//! reference". `extends` comes first, as references see what a job has become.

use serde_json::{Map, Value, json};
use serde_yaml::Value as Yaml;

/// Marks a place that a reference fills, while no reference is followed yet.
const REFERENCE: &str = "!reference";
/// How deep GitLab follows `extends` and references.
const DEEPEST: usize = 10;

/// Everything that the file says, in its order.
///
/// # Errors
/// What is no YAML, or leads nowhere or in a circle.
pub(super) fn load(text: &str) -> Result<Map<String, Value>, String> {
    let yaml: Yaml = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    let Value::Object(root) = plain(yaml)? else { return Err("it is no map of keywords and jobs".into()) };
    let mut extended = Map::new();
    for name in root.keys() {
        extended.insert(name.clone(), extend(&root, name, &mut Vec::new())?);
    }
    let resolve = |(name, node): (&String, &Value)| Ok((name.clone(), resolve(&extended, node, 0)?));
    extended.iter().map(resolve).collect()
}

/// Says that a key means nothing here, and which one is meant, if any is near.
pub(super) fn unknown(key: &str, what: &str, known: &[&str]) -> String {
    let likely = known
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(key, name), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let hint = likely.map(|(_, name)| format!("; did you mean `{name}`?")).unwrap_or_default();
    format!("`{key}` is no keyword of {what}{hint}")
}

/// A list in lists, flat: what anchors and references leave behind.
pub(super) fn flat(list: &[Value]) -> Vec<&Value> {
    let mut all = Vec::new();
    for value in list {
        match value.as_array() {
            Some(inner) => all.extend(flat(inner)),
            None => all.push(value),
        }
    }
    all
}

fn plain(yaml: Yaml) -> Result<Value, String> {
    match yaml {
        Yaml::Sequence(list) => list.into_iter().map(plain).collect(),
        Yaml::Mapping(map) => merged(map).map(Value::Object),
        Yaml::Tagged(tagged) if tagged.tag == REFERENCE => match plain(tagged.value)? {
            Value::Array(path) if !path.is_empty() && path.iter().all(Value::is_string) => {
                Ok(json!({ REFERENCE: path }))
            }
            other => Err(format!("`!reference {other}` is not written as `!reference [job, keyword]`")),
        },
        Yaml::Tagged(tagged) => Err(format!("GitLab knows no tag `{}`", tagged.tag)),
        scalar => serde_json::to_value(scalar).map_err(|error| error.to_string()),
    }
}

/// A map with what its `<<` brings; its own keys win, then the maps that are named first. The library's own
/// `apply_merge` leaves a merge key that comes out of a merged map, and changes the order of the jobs.
fn merged(map: serde_yaml::Mapping) -> Result<Map<String, Value>, String> {
    let (mut own, mut bases) = (Map::new(), Vec::new());
    for (key, value) in map {
        let key = match plain(key)? {
            Value::String(key) => key,
            key @ (Value::Number(_) | Value::Bool(_)) => key.to_string(),
            key => return Err(format!("`{key}` cannot be a key")),
        };
        match (key.as_str(), plain(value)?) {
            ("<<", Value::Array(list)) => bases.extend(list),
            ("<<", value) => bases.push(value),
            (_, value) => {
                own.insert(key, value);
            }
        }
    }
    for base in bases {
        let Value::Object(base) = base else { return Err(format!("`<<` brings in maps, and `{base}` is none")) };
        for (key, value) in base {
            own.entry(key).or_insert(value);
        }
    }
    Ok(own)
}

fn extend<'r>(root: &'r Map<String, Value>, name: &'r str, trail: &mut Vec<&'r str>) -> Result<Value, String> {
    let node = &root[name];
    let parents = match node.get("extends") {
        None => return Ok(node.clone()),
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(other) => return Err(format!("`{name}` extends `{other}`, which is no name")),
    };
    let circular = trail.contains(&name);
    trail.push(name);
    if circular {
        return Err(format!("jobs extend each other in a circle: {}", trail.join(", ")));
    }
    if trail.len() > DEEPEST {
        return Err(format!("`{}` extends jobs that extend jobs more than {DEEPEST} deep", trail[0]));
    }
    let mut whole = Value::Object(Map::new());
    for parent in parents {
        if !root.get(parent).is_some_and(is_map) {
            let names: Vec<&str> = root.keys().map(String::as_str).collect();
            let why = unknown(parent, "this file", &names).replacen("keyword", "job", 1);
            return Err(format!("`{name}` extends `{parent}`: {why}"));
        }
        lay(&mut whole, &extend(root, parent, trail)?);
    }
    trail.pop();
    lay(&mut whole, node);
    if let Some(map) = whole.as_object_mut() {
        map.shift_remove("extends");
    }
    Ok(whole)
}

/// One value over another: maps are joined, everything else is replaced.
fn lay(below: &mut Value, over: &Value) {
    match (below, over) {
        (Value::Object(map), Value::Object(more)) if is_map(over) && !map.contains_key(REFERENCE) => {
            for (key, value) in more {
                lay(map.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (below, over) => *below = over.clone(),
    }
}

fn is_map(value: &Value) -> bool {
    value.is_object() && value.get(REFERENCE).is_none()
}

fn resolve(root: &Map<String, Value>, node: &Value, depth: usize) -> Result<Value, String> {
    match node {
        Value::Array(list) => list.iter().map(|one| resolve(root, one, depth)).collect(),
        Value::Object(map) => match map.get(REFERENCE).and_then(Value::as_array) {
            Some(path) => follow(root, path, depth),
            None => map.iter().map(|(key, value)| Ok((key.clone(), resolve(root, value, depth)?))).collect(),
        },
        scalar => Ok(scalar.clone()),
    }
}

fn follow(root: &Map<String, Value>, path: &[Value], depth: usize) -> Result<Value, String> {
    let names: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
    let shown = || format!("`!reference [{}]`", names.join(", "));
    if depth >= DEEPEST {
        return Err(format!("{} leads in a circle, or more than {DEEPEST} deep", shown()));
    }
    // What is on the way may be a reference itself.
    let mut node = Value::Object(root.clone());
    for name in &names {
        let inner = node.get(*name).filter(|inner| !inner.is_null());
        let inner = inner.ok_or_else(|| format!("{} finds nothing", shown()))?;
        node = match inner.get(REFERENCE).and_then(Value::as_array) {
            Some(path) => follow(root, path, depth + 1)?,
            None => inner.clone(),
        };
    }
    resolve(root, &node, depth + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_keys_extends_and_references_are_put_in_place() {
        for (text, key, expected) in [
            // The merge key of a merged map, a list of maps, own keys first.
            (
                ".a: &a { x: 1, y: 1 }\n.b: &b { <<: *a, y: 2 }\nc: { <<: *b, z: 3 }",
                "c",
                json!({ "z": 3, "y": 2, "x": 1 }),
            ),
            (".a: &a { x: 1 }\n.b: &b { x: 2, y: 2 }\nc: { <<: [*a, *b] }", "c", json!({ "x": 1, "y": 2 })),
            // Maps are joined, lists are replaced, the last of the extended wins.
            (
                ".a: { v: { P: 1, Q: 1 }, script: [a] }\n.b: { v: { Q: 2 } }\nc: { extends: [.a, .b], v: { R: 3 }, script: [c] }",
                "c",
                json!({ "v": { "P": 1, "Q": 2, "R": 3 }, "script": ["c"] }),
            ),
            (".a: { s: 1 }\n.b: { extends: .a }\nc: { extends: .b }", "c", json!({ "s": 1 })),
            // A reference sees what is extended, in lists, maps and references.
            (
                ".a: { script: [one] }\n.b: { extends: .a }\nc: { script: [!reference [.b, script], two] }",
                "c",
                json!({ "script": [["one"], "two"] }),
            ),
            (
                ".a: { v: { P: 1 } }\n.b: { v: !reference [.a, v] }\nc: { v: { Q: !reference [.b, v, P] } }",
                "c",
                json!({ "v": { "Q": 1 } }),
            ),
            (
                ".a: { v: { P: 1 } }\n.b: { v: !reference [.a, v] }\nc: { extends: .b, v: { Q: 2 } }",
                "c",
                json!({ "v": { "Q": 2 } }),
            ),
            ("310: { on: yes }", "310", json!({ "on": "yes" })),
        ] {
            assert_eq!(load(text).map(|root| root[key].clone()), Ok(expected), "{text}");
        }
        let order = load("x: &x { a: 1 }\nz: { <<: *x, b: 1 }\ny: 1").unwrap();
        assert_eq!(order.keys().map(String::as_str).collect::<Vec<_>>(), ["x", "z", "y"]);
    }

    #[test]
    fn what_leads_nowhere_is_said() {
        let deep: String = (0..12).map(|at| format!(".j{at}: {{ extends: .j{} }}\n", at + 1)).collect();
        for (text, why) in [
            ("- a", "no map of keywords"),
            ("a: [", "did not find"),
            ("a: { extends: .bass }\n.base: { x: 1 }", "`.bass` is no job of this file; did you mean `.base`?"),
            ("a: { extends: b }\nb: { extends: a }", "in a circle: a, b, a"),
            ("a: { extends: 1 }", "which is no name"),
            (&format!("{deep}.j12: {{}}"), "more than 10 deep"),
            ("a: { s: !reference [.b, script] }", "`!reference [.b, script]` finds nothing"),
            (".b: { x: 1 }\na: { s: !reference [.b, script] }", "finds nothing"),
            ("a: { s: !reference [a, s] }", "in a circle"),
            ("a: { s: !reference b }", "not written as"),
            ("a: !secret b", "no tag `!secret`"),
            ("a: { <<: b }", "`<<` brings in maps"),
            ("? [a]\n: b", "cannot be a key"),
        ] {
            let said = load(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
