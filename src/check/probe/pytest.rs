//! `pytest`: the learner's test suite, run inside the service's container; outcomes are read from its JUnit
//! report and coverage from coverage's JSON, never from what it prints.

use serde_json::json;

use super::{Fields, mutants, python};
use crate::check::world::{Observation, Unobservable, World};

const PROGRAM: &str = include_str!("pytest.py");
const MARK: &str = "labrunner-pytest:";

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fields.service()?;
    if let Some(file) = fields.text("mutants")? {
        return mutants::observe(fields, &service, &file, world).await;
    }
    let wanted = json!({
        "arguments": fields.texts("arguments")?,
        "coverage": fields.texts("coverage")?,
        "random_order": fields.number("random_order")?,
    });
    let arguments = [wanted.to_string()];
    let answer = python::answer(world, &service, PROGRAM, &arguments, MARK, "the tests cannot be run").await?;
    let tests = answer["tests"].as_array().cloned().unwrap_or_default();
    let count = |word: &str| tests.iter().filter(|test| test["outcome"] == word).count();
    let duration: f64 = tests.iter().filter_map(|test| test["duration"].as_f64()).sum();
    let fields = json!({
        "code": answer["code"],
        "total": tests.len(),
        "passed": count("passed"),
        "failed": count("failed"),
        "errors": count("error"),
        "skipped": count("skipped"),
        "duration": duration,
        "coverage": answer["coverage"]["both"],
        "lines": answer["coverage"]["lines"],
        "branches": answer["coverage"]["branches"],
        "stdout": answer["output"],
    });
    Ok(Observation::new(fields, json!({ "tests": tests, "files": answer["files"] })))
}
