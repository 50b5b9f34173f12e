//! `docs/output.schema.json`: what `--format json` writes, made from the types and kept so by a test.

use schemars::JsonSchema;
use serde::Serialize;

use crate::lab::view::View;

/// The answer of a command that worked; `kind` says which.
#[derive(JsonSchema, Serialize)]
#[schemars(title = "labrunner --format json")]
struct Answer {
    /// Version of these documents. Fields may be added within one version; none changes its meaning.
    schema: u32,
    exit_code: u8,
    #[serde(flatten)]
    view: View,
}

/// A command that did not do what it was asked to.
#[derive(JsonSchema, Serialize)]
struct Refusal {
    schema: u32,
    kind: Error,
    exit_code: u8,
    message: String,
    hints: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is of use")]
enum Error {
    Error,
}

#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
#[schemars(title = "labrunner --format json, version 1")]
#[expect(dead_code, reason = "only its schema is of use")]
enum Document {
    Answer(Box<Answer>),
    Refusal(Refusal),
}

#[test]
fn the_schema_is_what_the_program_writes() {
    let now = format!("{:#}\n", schemars::schema_for!(Document).to_value());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/output.schema.json");
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    if there != now {
        std::fs::write(path.with_extension("json.new"), &now).unwrap();
    }
    assert!(there == now, "docs/output.schema.json is not what the program writes; that stands in …json.new");
}

#[test]
fn answers_fit_the_schema() {
    let schema = schemars::schema_for!(Document).to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let done = super::json(&View::Done { text: "well".into() }, 0);
    let refused = super::failure_json(2, "no such lab", &["look".into()]);
    for text in [done, refused] {
        let document = serde_json::from_str(&text).unwrap();
        assert!(validator.is_valid(&document), "{text}");
    }
    let wrong = serde_json::json!({ "schema": 1, "exit_code": 0, "kind": "done" });
    assert!(!validator.is_valid(&wrong), "a sentence without its text");
}
