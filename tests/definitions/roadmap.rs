//! The roadmap: every bullet is covered by a goal that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

fn yaml(path: &Path) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|why| panic!("{path:?}: {why}"))
}

/// By `lab/goal` the bullet that the goal names.
fn goals(folder: &Path) -> BTreeMap<String, String> {
    let mut goals = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().join("lab.yaml");
        if !path.is_file() {
            continue;
        }
        let lab = yaml(&path);
        // A goal that another lab has defined covers its bullet there.
        for goal in lab["goals"].as_array().unwrap().iter().filter(|goal| goal.get("use").is_none()) {
            let name = format!("{}/{}", lab["id"].as_str().unwrap(), goal["id"].as_str().unwrap());
            goals.insert(name, goal["roadmap"].as_str().unwrap().to_owned());
        }
    }
    goals
}

fn mistakes(roadmap: &Value, goals: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    for part in roadmap.as_array().unwrap() {
        let topic = part["topic"].as_str().unwrap();
        for bullet in part["bullets"].as_array().unwrap() {
            let text = bullet["text"].as_str().unwrap();
            let covering: Vec<&str> =
                bullet["goals"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
            if covering.is_empty() {
                found.push(format!("{topic}: no goal covers `{text}`"));
            }
            for goal in covering {
                named.insert(goal.to_owned());
                match goals.get(goal) {
                    None => found.push(format!("{topic}: there is no goal `{goal}`")),
                    Some(says) if says != text => found.push(format!("`{goal}` says `{says}` instead of `{text}`")),
                    Some(_) => {}
                }
            }
        }
    }
    found.extend(goals.keys().filter(|goal| !named.contains(*goal)).map(|goal| format!("`{goal}` covers no bullet")));
    found
}

#[test]
fn every_bullet_is_covered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("labs");
    let goals = goals(&folder);
    let roadmap = yaml(&folder.join("roadmap.yaml"));
    assert_eq!(mistakes(&roadmap, &goals), Vec::<String>::new());
    // And it would be noticed if one were not.
    let mut fewer = goals.clone();
    let (name, _) = fewer.pop_first().unwrap();
    assert!(mistakes(&roadmap, &fewer).iter().any(|one| one.contains(&name)));
    let mut emptied = roadmap.clone();
    let part = emptied.as_array_mut().unwrap().iter_mut().find(|part| part["month"] == 3).unwrap();
    part["bullets"][0]["goals"] = Value::Array(Vec::new());
    assert!(mistakes(&emptied, &goals).iter().any(|one| one.contains("no goal covers")));
    assert!(mistakes(&emptied, &goals).iter().any(|one| one.contains("covers no bullet")));
}
