//! What a job of GitLab's runs on: `image`, `services`, `tags` and `parallel`.
//!
//! Source: GitLab's documentation, "CI/CD YAML syntax reference", and "Services", about host names and about the
//! variables of a job, which its services get too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::event::expand;
use super::globals::variables as texts;
use super::yaml::{flat, unknown};

const IMAGE: [&str; 5] = ["name", "entrypoint", "docker", "kubernetes", "pull_policy"];
const SERVICE: [&str; 8] =
    ["name", "alias", "entrypoint", "command", "variables", "docker", "kubernetes", "pull_policy"];
/// As many jobs as GitLab makes of one.
const MOST: usize = 200;

type Variables = BTreeMap<String, String>;

/// An image by its name, or with what it is started with.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn image(node: &Value, known: &Variables) -> Result<Option<Value>, String> {
    let Some(map) = named(node, "image", &IMAGE)? else { return Ok(None) };
    let name = expand(map["name"].as_str().unwrap_or_default(), known);
    Ok(Some(match map.get("entrypoint") {
        None | Some(Value::Null) => name.into(),
        Some(entrypoint) => json!({ "image": name, "entrypoint": entrypoint }),
    }))
}

/// What runs beside a job, by host name; `environment` is the job's.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn services(
    node: &Value,
    environment: &Map<String, Value>,
    known: &Variables,
) -> Result<Map<String, Value>, String> {
    let list = match node {
        Value::Null => return Ok(Map::new()),
        Value::Array(list) => list,
        _ => return Err("`services` is no list".into()),
    };
    let mut all = Map::new();
    for one in flat(list) {
        let map = named(one, "services", &SERVICE)?.ok_or("one of `services` is empty")?;
        let image = expand(map["name"].as_str().unwrap_or_default(), known);
        let mut env = environment.clone();
        for (name, value) in texts(map.get("variables"), "a service")? {
            env.insert(name, expand(value.as_str().unwrap_or_default(), known).into());
        }
        let mut service = json!({ "image": image, "env": env });
        for key in ["command", "entrypoint"] {
            match map.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::Array(words)) => service[key] = words.clone().into(),
                Some(Value::String(word)) => service[key] = json!([word]),
                Some(other) => return Err(format!("`{key}: {other}` of a service is no list of words")),
            }
        }
        for host in hosts(&map, &image, known) {
            all.insert(host, service.clone());
        }
    }
    Ok(all)
}

/// The aliases, or the image's name without its version, with `__` and with `-` in the place of `/`.
fn hosts(map: &Map<String, Value>, image: &str, known: &Variables) -> Vec<String> {
    let alias = expand(map.get("alias").and_then(Value::as_str).unwrap_or_default(), known);
    let aliases: Vec<String> = alias.split([',', ' ']).filter(|alias| !alias.is_empty()).map(str::to_owned).collect();
    if !aliases.is_empty() {
        return aliases;
    }
    let last = image.rfind('/').map_or(0, |at| at + 1);
    let end = image[last..].find([':', '@']).map_or(image.len(), |at| last + at);
    let name = image[..end].replace(':', "");
    let mut hosts = vec![name.replace('/', "__"), name.replace('/', "-")];
    hosts.dedup();
    hosts
}

/// A text, or a map with a `name`, as a map.
fn named(node: &Value, what: &str, known: &[&str]) -> Result<Option<Map<String, Value>>, String> {
    let map = match node {
        Value::Null => return Ok(None),
        Value::String(name) => Map::from_iter([("name".to_owned(), name.as_str().into())]),
        Value::Object(map) => map.clone(),
        other => return Err(format!("`{what}: {other}` is neither a name nor a map")),
    };
    if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(unknown(key, &format!("`{what}`"), known));
    }
    match map.get("name").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty()) {
        true => Ok(Some(map)),
        false => Err(format!("`{what}` has no `name`")),
    }
}

/// Labels that a runner needs to have.
///
/// # Errors
/// They are no list.
pub(super) fn tags(node: &Value) -> Result<Value, String> {
    match node {
        Value::Null => Ok(Value::Null),
        Value::Array(list) => Ok(flat(list).into_iter().cloned().collect()),
        other => Err(format!("`tags: {other}` is no list")),
    }
}

/// `parallel` as combinations that are all written out; nothing where a job is made once.
///
/// # Errors
/// What GitLab would not accept, in words.
pub(super) fn parallel(node: &Value) -> Result<Vec<Map<String, Value>>, String> {
    let list = match node {
        Value::Null => return Ok(Vec::new()),
        Value::Number(number) => return times(number.as_u64().and_then(|number| usize::try_from(number).ok())),
        Value::Object(map) if map.len() == 1 => map.get("matrix").and_then(Value::as_array),
        _ => None,
    };
    let mut all = Vec::new();
    for map in flat(list.ok_or("`parallel` is neither a number nor a `matrix` of variables")?) {
        let map = map.as_object().ok_or_else(|| format!("`{map}` in `parallel:matrix` is no map of variables"))?;
        let mut some = vec![Map::new()];
        for (name, values) in map {
            let values = values_of(name, values)?;
            let with = |one: &Map<String, Value>, value: &Value| {
                let mut more = one.clone();
                more.insert(name.clone(), value.clone());
                more
            };
            some = some.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect();
            within(all.len() + some.len())?;
        }
        all.extend(some);
    }
    Ok(all)
}

fn times(number: Option<usize>) -> Result<Vec<Map<String, Value>>, String> {
    let number = number.filter(|number| *number > 0).ok_or("`parallel` is no number from 1 on")?;
    within(number)?;
    let one = |at: usize| {
        let texts = [("CI_NODE_INDEX", at.to_string()), ("CI_NODE_TOTAL", number.to_string())];
        texts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    };
    Ok((1..=number).map(one).collect())
}

fn within(number: usize) -> Result<(), String> {
    match number <= MOST {
        true => Ok(()),
        false => Err(format!("`parallel` makes more than {MOST} jobs of one")),
    }
}

/// One value or a list, as texts, which is what variables are.
fn values_of(name: &str, node: &Value) -> Result<Vec<Value>, String> {
    let list = match node {
        Value::Array(list) => flat(list),
        one => vec![one],
    };
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.as_str().into()),
        Value::Number(number) => Ok(number.to_string().into()),
        other => Err(format!("`{name}` in `parallel:matrix` is `{other}`: write it in quotes")),
    };
    list.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Variables {
        Variables::from([("V".to_owned(), "17".to_owned())])
    }

    #[test]
    fn an_image_is_a_name_or_a_map() {
        for (node, expected) in [
            (json!(null), None),
            (json!("python:$V"), Some(json!("python:17"))),
            (json!({ "name": "a", "pull_policy": "always" }), Some(json!("a"))),
            (json!({ "name": "a:$V", "entrypoint": [""] }), Some(json!({ "image": "a:17", "entrypoint": [""] }))),
        ] {
            assert_eq!(image(&node, &known()), Ok(expected), "{node}");
        }
    }

    #[test]
    fn services_are_found_by_their_host_names() {
        for (node, names) in [
            (json!(null), vec![]),
            (json!(["postgres:17"]), vec!["postgres"]),
            (json!([["redis@sha256:0"], { "name": "postgres:$V", "alias": "db" }]), vec!["redis", "db"]),
            (json!(["bitnami/redis:7"]), vec!["bitnami__redis", "bitnami-redis"]),
            (json!(["r.example:5000/a/b:1"]), vec!["r.example5000__a__b", "r.example5000-a-b"]),
            (json!([{ "name": "a", "alias": "b, c d" }]), vec!["b", "c", "d"]),
        ] {
            let all = services(&node, &Map::new(), &known()).unwrap();
            assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), names, "{node}");
        }
        let job = Map::from_iter([("A".to_owned(), json!("1")), ("B".to_owned(), json!("2"))]);
        let node = json!([{ "name": "a:$V", "variables": { "B": "b$V" }, "command": ["x"], "entrypoint": "y" }]);
        let expected =
            json!({ "image": "a:17", "env": { "A": "1", "B": "b17" }, "command": ["x"], "entrypoint": ["y"] });
        assert_eq!(services(&node, &job, &known()).unwrap()["a"], expected);
    }

    #[test]
    fn parallel_is_written_out() {
        for (node, expected) in [
            (json!(null), json!([])),
            (
                json!(2),
                json!([{ "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "2" }, { "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "2" }]),
            ),
            (
                json!({ "matrix": [{ "A": [1, "2"], "B": "x" }, { "A": 3 }] }),
                json!([{ "A": "1", "B": "x" }, { "A": "2", "B": "x" }, { "A": "3" }]),
            ),
            (
                json!({ "matrix": [{ "A": [1, 2], "B": [3, 4] }] }),
                json!([{ "A": "1", "B": "3" }, { "A": "1", "B": "4" }, { "A": "2", "B": "3" }, { "A": "2", "B": "4" }]),
            ),
        ] {
            assert_eq!(parallel(&node).map(Value::from), Ok(expected), "{node}");
        }
        assert_eq!(tags(&json!([["a"], "b"])), Ok(json!(["a", "b"])));
    }

    #[test]
    fn what_gitlab_would_not_accept_is_said() {
        let many: Vec<u32> = (0..15).collect();
        for (said, why) in [
            (image(&json!(["a"]), &known()).unwrap_err(), "is neither a name nor a map"),
            (image(&json!({ "entrypoint": [] }), &known()).unwrap_err(), "`image` has no `name`"),
            (image(&json!(" "), &known()).unwrap_err(), "`image` has no `name`"),
            (image(&json!({ "nme": "a" }), &known()).unwrap_err(), "of `image`; did you mean `name`?"),
            (services(&json!("a"), &Map::new(), &known()).unwrap_err(), "`services` is no list"),
            (services(&json!([null]), &Map::new(), &known()).unwrap_err(), "is empty"),
            (services(&json!([{ "image": "a" }]), &Map::new(), &known()).unwrap_err(), "`image` is no keyword"),
            (services(&json!([{ "name": "a", "command": 1 }]), &Map::new(), &known()).unwrap_err(), "`command: 1`"),
            (tags(&json!("a")).unwrap_err(), "is no list"),
            (parallel(&json!(0)).unwrap_err(), "no number from 1 on"),
            (parallel(&json!(1.5)).unwrap_err(), "no number from 1 on"),
            (parallel(&json!(201)).unwrap_err(), "more than 200"),
            (parallel(&json!({ "matrix": [{ "A": many, "B": many }] })).unwrap_err(), "more than 200"),
            (parallel(&json!({ "matrices": [] })).unwrap_err(), "neither a number nor"),
            (parallel(&json!({ "matrix": ["A"] })).unwrap_err(), "is no map of variables"),
            (parallel(&json!({ "matrix": [{ "A": [true] }] })).unwrap_err(), "write it in quotes"),
        ] {
            assert!(said.contains(why), "{why}: {said}");
        }
    }
}
