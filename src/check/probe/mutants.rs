//! `pytest` with `mutants`: the learner's tests against bugs that are put into the learner's application, one at a
//! time. A suite that notices none of them asserts nothing.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Fields, python};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::ServiceName;

const PROGRAM: &str = include_str!("mutants.py");
const MARK: &str = "labrunner-mutants:";
/// Seconds that the suite may take, where the application is as it should be.
const LIMIT: u64 = 300;

/// A bug to put into the application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    /// The bug in a learner's words.
    about: String,
    area: String,
    /// Relative to the project.
    file: String,
    /// A place in the file as `ast.unparse` writes it, there exactly once: style does not count.
    find: String,
    replace: String,
}

pub(super) async fn observe<W: World>(
    fields: &Fields<'_>,
    service: &ServiceName,
    file: &str,
    world: &W,
) -> Result<Observation, Unobservable> {
    let mut mutants = read(&super::of_lab(world.lab_folder(), file)?)?;
    if let Some(area) = fields.text("area")? {
        mutants.retain(|mutant| mutant.area == area);
        if mutants.is_empty() {
            return Err(Unobservable::Definition(format!("`{file}` has no mutant in the area `{area}`")));
        }
    }
    let wanted = json!({ "arguments": fields.texts("arguments")?, "mutants": mutants, "limit": LIMIT });
    let answer =
        python::answer(world, service, PROGRAM, &[wanted.to_string()], MARK, "the tests cannot be run").await?;
    Ok(observation(&answer))
}

fn observation(answer: &Value) -> Observation {
    let mutants = answer["mutants"].as_array().cloned().unwrap_or_default();
    let with = |outcome: &str, key: &str| -> Vec<&Value> {
        mutants.iter().filter(|mutant| mutant["outcome"] == outcome).map(|mutant| &mutant[key]).collect()
    };
    let (killed, survived) = (with("killed", "name").len(), with("survived", "about"));
    let judged = killed + survived.len();
    // Of no mutant at all none is noticed.
    let share = if judged == 0 { 0.0 } else { killed as f64 / judged as f64 };
    let seen = json!({
        "green": answer["green"],
        "stdout": answer["why"],
        "mutants": judged,
        "killed": killed,
        "survived": survived,
        "share": share,
        "unfit": with("unfit", "name"),
        "broken": with("broken", "name"),
    });
    Observation::new(seen, Value::Object(Map::from_iter([("mutants".to_owned(), mutants.clone().into())])))
}

fn read(path: &Path) -> Result<Vec<Mutant>, Unobservable> {
    let wrong = |why: String| Unobservable::Definition(format!("`{}`: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    serde_yaml::from_str(&text).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_judged_mutants_count() {
        let mutant =
            |name: &str, outcome: &str| json!({ "name": name, "about": format!("{name}!"), "outcome": outcome });
        let answer = json!({ "green": true, "why": null, "mutants": [
            mutant("a", "killed"), mutant("b", "survived"), mutant("c", "unfit"), mutant("d", "broken"), mutant("e", "killed"),
            mutant("f", "killed"),
        ] });
        let seen = observation(&answer);
        assert_eq!((&seen.fields["mutants"], &seen.fields["killed"]), (&json!(4), &json!(3)));
        assert_eq!((&seen.fields["share"], &seen.fields["survived"]), (&json!(0.75), &json!(["b!"])));
        assert_eq!((&seen.fields["unfit"], &seen.fields["broken"]), (&json!(["c"]), &json!(["d"])));
        let red = observation(&json!({ "green": false, "why": "tests.test_a", "mutants": [] }));
        assert_eq!((&red.fields["share"], &red.fields["green"]), (&json!(0.0), &json!(false)));
    }

    #[test]
    fn a_file_that_is_no_list_of_mutants_is_the_labs_fault() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mutants.yaml");
        std::fs::write(&file, "- { name: a, about: b, area: models, file: x.py, find: y }\n").unwrap();
        let Err(Unobservable::Definition(why)) = read(&file) else { panic!("it was read") };
        assert!(why.contains("replace"), "{why}");
    }
}
