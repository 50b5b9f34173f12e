//! What the tests try in part, as a whole: `cargo bench --bench unbreakable`.
//!
//! Every call to the engine is answered wrongly in every way, for four commands; labrunner is killed at 100 moments
//! (`MOMENTS`); kills at every request that changes something are whole in the tests. Ends with an error when anything
//! is lost, left or unclear. Needs an engine. `-- verify moments` does these parts of it: a command's name, or `moments`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "what was counted is the result")]
#![expect(clippy::disallowed_methods, reason = "a bench has no `cli` that reads its variables")]
#![allow(dead_code, reason = "the tests use more of what is shared with them")]

#[path = "../tests/docker/engine_fails.rs"]
mod engine_fails;
#[path = "../tests/docker/faulty.rs"]
mod faulty;
#[path = "../tests/docker/kills.rs"]
mod kills;
#[path = "../tests/docker/proxy.rs"]
mod proxy;
#[path = "../tests/docker/support.rs"]
mod support;

use faulty::Wrong;

fn main() -> std::process::ExitCode {
    let moments = std::env::var("MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let commands: [(&str, &[&str], &[&str]); 4] = [
        ("start", &["start", "page"], &["down", "page"]),
        ("verify", &["verify", "page"], &["start", "page"]),
        ("reset", &["reset", "page"], &["start", "page"]),
        ("down", &["down", "page"], &["start", "page"]),
    ];
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let parts: Vec<&str> = commands.iter().map(|(name, ..)| *name).chain(["moments"]).collect();
    if let Some(other) = asked.iter().find(|word| !parts.contains(&word.as_str())) {
        println!("`{other}` is no part of this bench; there are {}. Nothing was tried", parts.join(", "));
        return std::process::ExitCode::FAILURE;
    }
    let is_asked = |part: &str| asked.is_empty() || asked.iter().any(|word| word == part);
    let mut good = true;
    println!("| command | wrong answers | not survived |\n| --- | --- | --- |");
    for (name, verb, before) in commands.into_iter().filter(|(name, ..)| is_asked(name)) {
        let (struck, wrong) = engine_fails::table(&format!("all-{name}"), verb, before, |_, _| Wrong::ALL.to_vec());
        println!("| {name} | {struck} | {} |", wrong.len());
        wrong.iter().for_each(|one| println!("{one}"));
        good &= wrong.is_empty();
    }
    if is_asked("moments") {
        // Each asserts what has to be so after a kill.
        kills::at_any_moment("all-moments", moments);
        println!("\n{moments} of {moments} kills at any moment were recovered from");
    }
    if good { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
