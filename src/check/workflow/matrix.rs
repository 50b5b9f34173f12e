//! The combinations of a `strategy.matrix`.
//!
//! Source: GitHub's "Workflow syntax", `jobs.<job_id>.strategy.matrix`: all combinations of the lists, without those
//! that `exclude` names, each with the values of an `include` that overwrites nothing of it; an `include` that fits
//! nowhere is a combination of its own.

use serde_json::{Map, Value};

/// Every combination, in the order in which they are tried; one empty one where there is no matrix.
pub fn expand(matrix: &Value) -> Vec<Map<String, Value>> {
    let Some(matrix) = matrix.as_object() else { return vec![Map::new()] };
    let own = |key: &str| matrix.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = vec![Map::new()];
    let mut axes: Vec<&str> = Vec::new();
    for (name, values) in matrix.iter().filter(|(name, _)| !["include", "exclude"].contains(&name.as_str())) {
        let Some(values) = values.as_array() else { continue };
        axes.push(name);
        let with = |one: &Map<String, Value>, value: &Value| {
            let mut more = one.clone();
            more.insert(name.clone(), value.clone());
            more
        };
        all = all.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect();
    }
    let excluded = own("exclude");
    all.retain(|one| !excluded.iter().filter_map(Value::as_object).any(|out| agrees(one, out, out.keys())));
    if axes.is_empty() {
        all.clear();
    }
    let combinations = all.len();
    for more in own("include").iter().filter_map(Value::as_object) {
        let axes = || axes.iter().map(|axis| (*axis).to_owned()).collect::<Vec<_>>();
        let known: Vec<String> = more.keys().filter(|key| axes().contains(key)).cloned().collect();
        let mut added = false;
        for one in &mut all[..combinations] {
            if agrees(one, more, known.iter()) {
                one.extend(more.clone());
                added = true;
            }
        }
        if !added {
            all.push(more.clone());
        }
    }
    if all.is_empty() { vec![Map::new()] } else { all }
}

fn agrees<'k>(one: &Map<String, Value>, other: &Map<String, Value>, keys: impl Iterator<Item = &'k String>) -> bool {
    let mut keys = keys;
    keys.all(|key| one.get(key) == other.get(key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn combinations_are_as_documented() {
        let shown = |matrix: Value| serde_json::to_value(expand(&matrix)).unwrap();
        assert_eq!(shown(Value::Null), json!([{}]));
        assert_eq!(
            shown(json!({ "py": [3.12, 3.13], "db": ["a", "b"], "exclude": [{ "py": 3.12, "db": "b" }] })),
            json!([{ "py": 3.12, "db": "a" }, { "py": 3.13, "db": "a" }, { "py": 3.13, "db": "b" }])
        );
        let include = json!([{ "slow": true }, { "py": 3.13, "extra": "x" }, { "py": 3.15 }]);
        assert_eq!(
            shown(json!({ "py": [3.12, 3.13], "include": include })),
            json!([{ "py": 3.12, "slow": true }, { "py": 3.13, "slow": true, "extra": "x" }, { "py": 3.15 }])
        );
        assert_eq!(shown(json!({ "include": [{ "a": 1 }, { "a": 2 }] })), json!([{ "a": 1 }, { "a": 2 }]));
    }
}
