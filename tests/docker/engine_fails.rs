//! The engine answers one call wrongly, each call once and in each way: what is said is clear, nobody is blamed for it,
//! it ends in time, and the next command takes up what is left.

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::faulty::{Faulty, Wrong};
use crate::kills::recovers;
use crate::support::{LabEnv, Said, said};

/// Far above every limit of waiting: a command that needs it hangs.
const HANGS: Duration = Duration::from_secs(150);

/// What a command says; `None` when it does not end.
fn ended(mut child: Child) -> Option<Said> {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > HANGS {
            let _ = child.kill();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(said(child.wait_with_output().unwrap()))
}

fn run_through(lab: &LabEnv, faulty: &Faulty, verb: &[&str]) -> Option<Said> {
    ended(lab.command(verb).env("DOCKER_HOST", faulty.host()).spawn().unwrap())
}

/// Why what a command said is not how it ought to be said.
fn mistake(said: &Said) -> Option<String> {
    let words = format!("{}{}", said.out, said.err);
    let whole = || format!("exit {}: {words}", said.code);
    if words.contains("panicked") || said.code == 70 {
        return Some(format!("a crash: {}", whole()));
    }
    match said.code {
        // It did not matter, or was tried again.
        0 => None,
        3 if said.out.contains("undecided") || said.err.contains("is not ready") => None,
        4 if said.err.contains("error: ") && said.err.contains("engine") => None,
        // The lab is solved: nothing of it has failed.
        1 => Some(format!("the learner is blamed: {}", whole())),
        _ => Some(format!("it is not said clearly: {}", whole())),
    }
}

/// The kinds of calls that `verb` makes, from the state that `before` leaves.
fn calls(lab: &LabEnv, verb: &[&str], before: &[&str]) -> BTreeSet<String> {
    assert_eq!(lab.run(before).code, 0);
    let honest = Faulty::new(lab.folder(), None);
    let said = run_through(lab, &honest, verb).expect("it ends");
    assert_eq!(said.code, 0, "{said:?}");
    honest.calls()
}

/// Answers every call of `verb` wrongly, in the ways that `ways` says for the call and its number; returns how often, and
/// what was not as it ought to be.
pub fn table(
    name: &str,
    verb: &[&str],
    before: &[&str],
    ways: impl Fn(usize, &str) -> Vec<Wrong>,
) -> (usize, Vec<String>) {
    let lab = LabEnv::new(name);
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    assert_eq!(lab.run(&["verify", "page"]).code, 0);
    let (mut struck, mut wrong) = (0, Vec::new());
    for (number, call) in calls(&lab, verb, before).into_iter().enumerate() {
        for way in ways(number, &call) {
            let prepared = lab.run(before);
            assert_eq!(prepared.code, 0, "{prepared:?}");
            let faulty = Faulty::new(lab.folder(), Some((&call, way)));
            let what = format!("`{verb:?}`, {call}: {way:?}");
            match run_through(&lab, &faulty, verb) {
                None => wrong.push(format!("{what}: it hangs")),
                Some(said) => wrong.extend(mistake(&said).map(|why| format!("{what}: {why}"))),
            }
            struck += usize::from(faulty.struck());
            recovers(&lab, &what);
        }
    }
    let down = lab.run(&["down", lab.lab()]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
    println!("{name}: {struck} wrong answers");
    (struck, wrong)
}

/// Two ways for each call, other ones for the next: all ways for all calls are a bench (`cargo bench --bench unbreakable`).
fn some(number: usize, call: &str) -> Vec<Wrong> {
    let quick = &Wrong::ALL[..5];
    let mut ways = vec![quick[number % 5], quick[(number + 3) % 5]];
    // 409 is what a removal is answered that is under way already, and that is waited for.
    if call.starts_with("DELETE ") && !ways.contains(&Wrong::Status(409)) {
        ways.push(Wrong::Status(409));
    }
    ways
}

fn survives(name: &str, verb: &[&str], before: &[&str], least: usize) {
    let (struck, wrong) = table(name, verb, before, some);
    assert!(wrong.is_empty(), "{} of {struck}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(struck >= least, "only {struck} wrong answers");
}

#[test]
fn start_survives_wrong_answers() {
    survives("wrong-start", &["start", "page"], &["down", "page"], 16);
}

#[test]
fn verify_survives_wrong_answers() {
    survives("wrong-verify", &["verify", "page"], &["start", "page"], 16);
}

#[test]
fn reset_survives_wrong_answers() {
    survives("wrong-reset", &["reset", "page"], &["start", "page"], 16);
}

#[test]
fn down_survives_wrong_answers() {
    survives("wrong-down", &["down", "page"], &["start", "page"], 8);
}
