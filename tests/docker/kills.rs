//! SIGKILL at every request to the engine that changes something, before and after it, and at moments that
//! nobody chose: the next command finishes or undoes what was begun, and nothing is lost.

use std::os::unix::process::CommandExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::proxy::{Proxy, When};
use crate::support::{LabEnv, docker, said};

/// Kills `verb` at the `number`th change; `false` when it ended before that.
fn killed_at(lab: &LabEnv, verb: &[&str], number: usize, when: When) -> bool {
    let process: Arc<Mutex<Option<u32>>> = Arc::default();
    let target = process.clone();
    let proxy = Proxy::new(lab.folder(), Some((number, when)), move || {
        // The process is known before it can have asked anything: the lock is held while it is spawned.
        let id = target.lock().unwrap().unwrap();
        kill(id);
    });
    let mut held = process.lock().unwrap();
    let mut command = lab.command(verb);
    command.env("DOCKER_HOST", proxy.host()).process_group(0);
    let child = command.spawn().unwrap();
    *held = Some(child.id());
    drop(held);
    let said = said(child.wait_with_output().unwrap());
    assert!(proxy.struck() || said.code >= 0, "{said:?}");
    proxy.struck()
}

fn kill(id: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
    assert!(killed.success());
}

/// The lab runs, is judged, and goes, with nothing left.
pub fn recovers(lab: &LabEnv, what: &str) {
    let started = lab.run(&["start", lab.lab()]);
    assert_eq!(started.code, 0, "after {what}: {started:?}");
    for service in ["redis", "web"] {
        let state = docker(&["inspect", "-f", "{{.State.Status}}", &lab.container(service)]).out;
        assert_eq!(state.trim(), "running", "after {what}: {service}");
    }
    let connect = "import socket; socket.create_connection(('redis', 6379), 5)";
    let named = docker(&["exec", &lab.container("web"), "python", "-c", connect]);
    assert_eq!(named.code, 0, "after {what}: redis is not found by its name: {named:?}");
    assert!(!lab.has_intents(), "after {what}: an intent is left");
}

/// Kills `verb` at each of its changes, from the state that `before` leaves.
fn everywhere(name: &str, verb: &[&str], before: &[&str]) -> usize {
    let lab = LabEnv::new(name);
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    everywhere_in(&lab, name, verb, before)
}

fn everywhere_in(lab: &LabEnv, name: &str, verb: &[&str], before: &[&str]) -> usize {
    let mut attempts = 0;
    let mut kills = 0;
    for number in 0.. {
        let mut ended = true;
        for when in [When::Before, When::After] {
            let prepared = lab.run(before);
            assert_eq!(prepared.code, 0, "{prepared:?}");
            attempts += usize::from(before[0] == "verify");
            let what = format!("`{verb:?}` was killed at change {number}, {when:?}");
            let struck = killed_at(lab, verb, number, when);
            ended &= !struck;
            kills += usize::from(struck);
            recovers(lab, &what);
            let recorded = lab.attempts();
            assert!(recorded >= attempts, "after {what}: {recorded} attempts are recorded, {attempts} were made");
        }
        if ended {
            break;
        }
    }
    let down = lab.run(&["down", lab.lab()]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
    println!("{name}: {kills} kills, each recovered from");
    kills
}

#[test]
fn start_can_be_killed_at_every_change() {
    assert!(everywhere("kill-start", &["start", "page"], &["down", "page"]) >= 12);
}

#[test]
fn reset_can_be_killed_at_every_change() {
    assert!(everywhere("kill-reset", &["reset", "page"], &["start", "page"]) >= 6);
}

#[test]
fn down_can_be_killed_at_every_change() {
    assert!(everywhere("kill-down", &["down", "page"], &["start", "page"]) >= 6);
}

#[test]
fn verify_with_a_fault_can_be_killed_at_every_change() {
    assert!(everywhere("kill-verify", &["verify", "page"], &["verify", "page", "greeting"]) >= 4);
}

#[test]
fn verify_with_a_stand_in_can_be_killed_at_every_change() {
    let lab = LabEnv::of("late", "kill-late");
    assert!(everywhere_in(&lab, "kill-late", &["verify", "late"], &["start", "late"]) >= 12);
}

/// What is killed at moments that nobody chose.
const VERBS: &[&[&str]] = &[
    &["start", "page"],
    &["reset", "page"],
    &["reset", "page", "--workspace", "--yes"],
    &["undo", "page"],
    &["down", "page"],
    &["verify", "page"],
    &["lab", "prove", "page"],
];

/// Kills as often as this, each time at another moment, and looks each time for what is lost or left. The same moments
/// in every run; which of the work falls on them is the machine's choice.
pub fn at_any_moment(name: &str, times: usize) {
    let lab = LabEnv::new(name);
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let file = lab.workspace().join("serve.py");
    let starter = std::fs::read_to_string(&file).unwrap();
    lab.solve();
    let solved = std::fs::read_to_string(&file).unwrap();
    let mut moment: u64 = 11;
    let mut recorded = 0;
    for round in 0..times {
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let verb = VERBS[round % VERBS.len()];
        let what = format!("`{verb:?}`, killed in round {round}");
        let mut child = lab.spawn(verb);
        std::thread::sleep(Duration::from_millis((moment >> 33) % 1500));
        let _ = child.kill();
        child.wait().unwrap();
        if verb[0] == "lab" {
            // The next proof removes what the one before has left.
            let begun = lab.proofs();
            let proven = lab.run(&["lab", "prove", "page", "--budget", "1s"]);
            assert_ne!(proven.code, 70, "{proven:?}");
            let left: Vec<String> = begun.iter().flat_map(|instance| LabEnv::left_of(instance)).collect();
            assert!(left.is_empty(), "after {what}: {left:?}");
        }
        recovers(&lab, &what);
        // Files are as they were before or as they were to be, and what was reset comes back.
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text == starter || text == solved, "after {what}: {text}");
        if text == starter {
            let undone = lab.run(&["undo", "page"]);
            assert_eq!(undone.code, 0, "after {what}: {undone:?}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), solved, "after {what}");
        }
        let now = lab.attempts();
        assert!(now >= recorded, "after {what}: {recorded} attempts were recorded, {now} are");
        recorded = now;
    }
    let judged = lab.run(&["verify", "page"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    assert_eq!((lab.run(&["down", "page"]).code, lab.left()), (0, vec![]));
    println!("{name}: {times} kills, each recovered from");
}

/// The engine goes on with a call when its caller is gone: what it makes then is there after the next proof has looked.
#[test]
fn what_a_killed_proof_had_asked_for_is_found_when_it_comes_late() {
    let lab = LabEnv::new("kill-late-call");
    // The images are there: what is changed is the room.
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let proof = ["lab", "prove", "page", "--budget", "1s", "--jobs", "1"];
    assert!(killed_at(&lab, &proof, 1, When::After));
    let begun = lab.proofs();
    let [instance] = begun.as_slice() else { panic!("one proof was killed: {begun:?}") };
    assert!(!LabEnv::left_of(instance).is_empty());
    lab.run(&proof);
    assert!(LabEnv::left_of(instance).is_empty());
    let labels = [format!("dev.labrunner.lab={}", lab.lab()), format!("dev.labrunner.instance={instance}")];
    let late = docker(&["volume", "create", "--label", &labels[0], "--label", &labels[1]]);
    assert_eq!((late.code, LabEnv::left_of(instance).len()), (0, 1));
    lab.run(&proof);
    assert!(LabEnv::left_of(instance).is_empty());
}

#[test]
fn any_moment_will_do() {
    at_any_moment("kill-any", 21);
}
