//! The schema says what the reader says, as far as a schema can.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{GOOD, cases, changed};

fn schema() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_labrunner")).args(["lab", "schema"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    jsonschema::meta::validate(&schema).expect("it is a schema itself");
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn fits(validator: &jsonschema::Validator, yaml: &str, what: &str) {
    let lab: Value = serde_yaml::from_str(yaml).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&lab).map(|error| format!("{}: {error}", error.instance_path())).take(5).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

#[test]
fn the_committed_schema_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/schema.json");
    let (there, now) = (std::fs::read_to_string(&path).unwrap_or_default(), schema());
    if there != now {
        std::fs::write(path.with_extension("json.new"), &now).unwrap();
    }
    assert!(there == now, "what the program says stands in labs/schema.json.new");
}

#[test]
fn every_lab_fits() {
    let validator = validator();
    fits(&validator, GOOD, "the good lab");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["labs", "tests/docker/labs"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let labs: Vec<_> = folders
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("lab.yaml"))
        .filter(|path| path.is_file())
        .collect();
    assert!(labs.len() >= 8, "{labs:?}");
    for lab in labs {
        fits(&validator, &std::fs::read_to_string(&lab).unwrap(), &lab.display().to_string());
    }
}

#[test]
fn every_mistake_of_structure_is_one_of_the_schema() {
    let validator = validator();
    let mut wrong = Vec::new();
    for case in cases() {
        let yaml = changed(&std::fs::read_to_string(case.join("change")).unwrap());
        // What is no YAML, or more than JSON can say, is for the reader alone.
        let refused = serde_yaml::from_str::<Value>(&yaml).ok().map(|lab| !validator.is_valid(&lab));
        let structural = case.join("structural").exists();
        if refused.is_some_and(|refused| refused != structural) {
            wrong.push(format!("{}: the schema refuses it: {refused:?}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
