//! Two stacks, through labrunner, through Compose and by raw calls to the engine: start, start again, reset, down.

use super::floor::{self, Wanted};
use super::measure::{Row, in_turn, seconds};
use super::place::{Compose, Place, inspect};

const UP: &[&str] = &["up", "-d", "--wait"];
const DOWN: &[&str] = &["down", "-v", "-t", "0"];

/// What is wanted of one stack.
pub struct Goals {
    pub start: f64,
    pub reset: f64,
}

/// Measures one lab of `benches/peers/labs`, whose file for Compose has its name.
pub fn rows(place: &Place, compose: &Compose, lab: &str, goals: &Goals, pairs: usize) -> Vec<Row> {
    // Images, build caches and first data are there before anything is measured.
    seconds(place.labrunner(&["start", lab]));
    let image = |service: &str| inspect(&Place::container(lab, service), "{{.Config.Image}}");
    let mut environment = vec![("REDIS", image("redis")), ("POSTGRES", image("db"))];
    let mut wanted = vec![Wanted::redis(&image("redis")), Wanted::postgres(&image("db"))];
    match lab {
        "trio" => {
            environment.push(("RABBITMQ", image("rabbitmq")));
            wanted.push(Wanted::rabbitmq(&image("rabbitmq")));
        }
        _ => {
            let workspace = place.folder().join(format!("workspace/{lab}-bench")).display().to_string();
            environment.extend([("WEB", image("web")), ("STARTER", workspace.clone())]);
            wanted.push(Wanted::web(&image("web"), &workspace));
        }
    }
    seconds(place.labrunner(&["down", lab]));
    let compose = compose.of(&format!("{lab}.yaml"), environment);
    let us = |words: &[&str]| seconds(place.labrunner(&[words, &[lab]].concat()));
    let them = |list: &[&[&str]]| -> f64 { list.iter().map(|words| seconds(compose.command(words))).sum() };
    let mut parts: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); 4];
    // A pair is a whole life: what one part leaves the next one begins with.
    for pair in 0..pairs {
        let ours =
            || -> Vec<f64> { [["start"], ["start"], ["reset"], ["down"]].iter().map(|words| us(words)).collect() };
        let theirs =
            || -> Vec<f64> { [&[UP][..], &[UP], &[DOWN, UP], &[DOWN]].iter().map(|list| them(list)).collect() };
        let (mine, others) = if pair % 2 == 0 {
            let mine = ours();
            (mine, theirs())
        } else {
            let others = theirs();
            (ours(), others)
        };
        for (part, (mine, other)) in parts.iter_mut().zip(mine.into_iter().zip(others)) {
            part.0.push(mine);
            part.1.push(other);
        }
    }
    let (over, floor) = in_turn(
        pairs,
        || {
            let took = us(&["start"]);
            us(&["down"]);
            took
        },
        || floor::start(&wanted),
    );
    let names =
        [("start", goals.start), ("start when all runs", 0.05), ("reset to pristine", goals.reset), ("down", 0.80)];
    let row = |work: &str, goal, ours, theirs, other| Row {
        work: format!("{work}, {}", described(lab)),
        ours,
        theirs,
        other,
        goal: Some(goal),
    };
    let parts = names.into_iter().zip(parts);
    let mut rows: Vec<Row> = parts.map(|((work, goal), (us, them))| row(work, goal, us, them, "Compose")).collect();
    rows.push(row("start over the floor", 1.05, over, floor, "raw calls"));
    rows
}

fn described(lab: &str) -> &'static str {
    match lab {
        "trio" => "redis + rabbitmq + postgres",
        _ => "redis + postgres + Django, in order",
    }
}
