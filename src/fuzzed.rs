//! What the fuzz targets (`fuzz/`) call: input of strangers, read as commands read it. Built for them alone
//! (`cfg(fuzzing)`).

use std::collections::BTreeMap;

use crate::check::world::Observation;
use crate::check::{compare, probe, scope, select};
use crate::image::dockerignore::DockerIgnore;
use crate::{catalog, docker, workspace};

/// A stranger's `lab.yaml`.
pub fn lab(text: &str) {
    catalog::read::fuzzed::lab(text);
}

/// A learner's `compose.yaml`.
pub fn compose(text: &str) {
    catalog::compose::fuzzed::file(text);
}

/// A value with `${…}` in it.
pub fn interpolation(text: &str) {
    catalog::compose::fuzzed::interpolation(text);
}

/// An `expect:` and, after a line `---`, what was observed.
pub fn expectations(text: &str) {
    let (expect, observed) = text.split_once("\n---\n").unwrap_or((text, "null"));
    let main: serde_json::Value = serde_json::from_str(observed).unwrap_or_else(|_| observed.into());
    let fields = serde_json::json!({ "body": observed, "status": 200, "count": main.clone() });
    let observation = Observation::new(fields, main);
    let nothing = BTreeMap::new();
    let scope = scope::CheckScope {
        seed: 1,
        place: "goal/check".into(),
        settings: &nothing,
        constants: &nothing,
        captures: BTreeMap::new(),
    };
    for one in catalog::read::fuzzed::expectations(expect) {
        let _ = compare::describe(&one.predicate, &scope);
        if let Ok(seen) = select::select(&one.key, &observation, &scope) {
            let _ = compare::compare(&one.predicate, seen.as_ref(), &scope);
        }
    }
}

/// An answer of a Kafka broker; the first byte chooses the request.
pub fn kafka(input: &[u8]) {
    probe::fuzzed::kafka(input);
}

/// A table of AMQP headers.
pub fn amqp(input: &[u8]) {
    probe::fuzzed::amqp(input);
}

/// A `.dockerignore` and, after an empty line, paths that it is asked about.
pub fn dockerignore(text: &str) {
    let (patterns, paths) = text.split_once("\n\n").unwrap_or((text, "a/b/c.py"));
    if let Ok(patterns) = DockerIgnore::parse(patterns) {
        paths.lines().for_each(|path| drop(patterns.leaves_out(path)));
    }
}

/// An archive: of an image, of a volume, of a saved workspace.
pub fn tar(input: &[u8]) {
    docker::fuzzed::archives(input);
    workspace::save::fuzzed(input);
}
