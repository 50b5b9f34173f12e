//! The engine is stopped and started again in the middle of a command.

use std::io::{BufRead, BufReader};

use crate::far::FarEngine;
use crate::support::{LabEnv, recipe};

/// What a command says when it is in the middle, and the exit codes that it may end with: as if nothing had happened,
/// undecided, or the engine's. Never with a verdict on the learner.
const MIDDLE: &[(&[&str], &str, &[i32])] = &[
    (&["start", "page"], "redis is ready", &[0, 3, 4]),
    (&["verify", "page"], "greeting: passed", &[0, 3, 4]),
    (&["reset", "page"], "redis is", &[0, 3, 4]),
    (&["down", "page"], "is removed", &[0, 4]),
];

#[test]
fn an_engine_that_restarts_costs_a_command_and_nothing_else() {
    let lab = LabEnv::new("restarts");
    recipe(&lab, "python:3.13-slim");
    recipe(&lab, "redis:8");
    let engine = FarEngine::start(&lab, "restarts");
    engine.load(&["labrunner.local/base:trixie", "labrunner.local/python:3.13-slim", "labrunner.local/redis:8"]);
    let lab = lab.at(&engine.host);
    // Images are looked at and helpers built before it counts.
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    for (words, middle, codes) in MIDDLE {
        let before = if words[0] == "start" { ["down", "page"] } else { ["start", "page"] };
        let prepared = lab.run(&before);
        assert_eq!(prepared.code, 0, "{prepared:?}");
        let mut child = lab.spawn(words);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said: Vec<String> = Vec::new();
        for line in lines.by_ref() {
            said.push(line.unwrap());
            if said.last().is_some_and(|line| line.contains(middle)) {
                break;
            }
        }
        engine.restart();
        said.extend(lines.map_while(Result::ok));
        let code = child.wait().unwrap().code().unwrap();
        assert!(said.iter().any(|line| line.contains(middle)), "{words:?} has no middle: {said:?}");
        assert!(codes.contains(&code), "{words:?} ended with {code}: {said:?}");
        let told = said.iter().any(|line| line.contains("engine") && line.contains("error"));
        assert!(code != 4 || told, "{words:?} does not say that the engine was gone: {said:?}");
        let started = lab.run(&["start", "page"]);
        assert_eq!(started.code, 0, "after {words:?}: {started:?}");
        let judged = lab.run(&["verify", "page"]);
        assert_eq!(judged.code, 0, "after {words:?}: {judged:?}");
    }
    assert_eq!(lab.run(&["down", "page"]).code, 0);
    assert_eq!(engine.left(), "");
}
