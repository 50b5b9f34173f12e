//! The machine fails: a disk that fills, folders that cannot be written, a clock that jumps, somebody else beside us.

#![expect(clippy::disallowed_methods, reason = "a command that runs elsewhere gets this environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kills::recovers;
use crate::support::{LabEnv, Said, docker, recipe, said};

/// This machine as it is, seen from a container in which one folder is another one: so that a test can have a small
/// disk without being allowed to mount one.
struct Elsewhere {
    id: String,
}

impl Elsewhere {
    /// `mount` is in the words of `docker run --mount`; its target is a path of this machine.
    fn new(lab: &LabEnv, kind: &str, target: &Path, options: &str) -> Self {
        recipe(lab, "redis:8");
        let mount = format!("{kind},dst=/host{}{options}", target.display());
        let arguments = ["run", "-d", "--network", "host", "-v", "/:/host", "--mount", &mount, "--entrypoint", "sleep"];
        let run = docker(&[&arguments[..], &["labrunner.local/redis:8", "infinity"]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        Self { id: run.out.trim().to_owned() }
    }

    /// A command of the lab, by a user of this machine.
    fn run(&self, lab: &LabEnv, user: u32, arguments: &[&str]) -> Said {
        let command = lab.command(arguments);
        let mut words = vec!["exec".to_owned()];
        for (name, value) in command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            words.extend(["-e".to_owned(), format!("{}={}", name.to_string_lossy(), value.to_string_lossy())]);
        }
        for name in ["HOME", "PATH", "XDG_CACHE_HOME", "DOCKER_HOST"] {
            words
                .extend(std::env::var(name).into_iter().flat_map(|value| ["-e".to_owned(), format!("{name}={value}")]));
        }
        let socket = std::os::unix::fs::MetadataExt::gid(&std::fs::metadata("/var/run/docker.sock").unwrap());
        let chroot = ["chroot".to_owned(), format!("--userspec=+{user}:+{user}"), format!("--groups=+{socket}")];
        words.extend([self.id.clone()].into_iter().chain(chroot).chain(["/host".to_owned()]));
        let inside = ["sh", "-c", "cd \"$0\" && exec \"$@\""];
        words.extend(inside.map(str::to_owned));
        words.push(lab.folder().display().to_string());
        words.push(command.get_program().to_string_lossy().into_owned());
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        docker(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn shell(&self, script: &str) -> Said {
        docker(&["exec", &self.id, "sh", "-c", script])
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        docker(&["rm", "-fv", &self.id]);
    }
}

/// Who runs these tests.
fn me() -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap())
}

fn served(lab: &LabEnv) -> String {
    std::fs::read_to_string(lab.workspace().join("serve.py")).unwrap()
}

#[test]
fn a_disk_that_fills_loses_nothing() {
    let lab = LabEnv::new("full");
    let state = lab.folder().join("state");
    std::fs::create_dir_all(&state).unwrap();
    let small = Elsewhere::new(&lab, "type=tmpfs", &state, ",tmpfs-size=4m,tmpfs-mode=1777");
    let attempts = || {
        let history = small.run(&lab, me(), &["history", "page", "--most", "1000", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&history.out).unwrap_or_else(|_| panic!("{history:?}"));
        json["attempts"].as_array().unwrap().len()
    };
    let started = small.run(&lab, me(), &["start", "page"]);
    assert_eq!(started.code, 0, "{started:?}");
    let starter = served(&lab);
    lab.solve();
    let solved = served(&lab);
    let mut recorded = 0;
    let mut refused = 0;
    for spare in [0, 1, 4, 8, 16, 32, 64, 256] {
        let verified = small.run(&lab, me(), &["verify", "page"]);
        assert_eq!(verified.code, 0, "{verified:?}");
        recorded += 1;
        let file = format!("/host{}/fill", state.display());
        let fill = format!("cat /dev/zero > {file} 2>/dev/null; truncate -s -{spare}k {file}; df {file}");
        let full = small.shell(&fill);
        assert_eq!(full.code, 0, "{full:?}");
        // Judged all the same, recorded or not; who cannot record says so.
        let verified = small.run(&lab, me(), &["verify", "page"]);
        match verified.code {
            0 => recorded += 1,
            4 => assert!(verified.err.contains("full") || verified.err.contains("space"), "{verified:?}"),
            _ => panic!("with {spare} KiB left: {verified:?}"),
        }
        // Nothing of the workspace is touched before it is saved.
        let reset = small.run(&lab, me(), &["reset", "page", "--workspace", "--yes"]);
        match reset.code {
            0 => assert_eq!(served(&lab), starter),
            4 => {
                refused += 1;
                assert_eq!(served(&lab), solved, "with {spare} KiB left: {reset:?}");
                assert!(reset.err.contains("full") || reset.err.contains("space"), "{reset:?}");
            }
            _ => panic!("with {spare} KiB left: {reset:?}"),
        }
        assert_eq!(small.shell(&format!("rm {file}")).code, 0);
        let started = small.run(&lab, me(), &["start", "page"]);
        assert_eq!(started.code, 0, "after {spare} KiB were left: {started:?}");
        if served(&lab) != solved {
            let undone = small.run(&lab, me(), &["undo", "page"]);
            assert_eq!((undone.code, served(&lab)), (0, solved.clone()), "{undone:?}");
        }
        assert_eq!(attempts(), recorded, "after {spare} KiB were left");
    }
    assert!(refused >= 1, "the disk was never full enough");
    let down = small.run(&lab, me(), &["down", "page"]);
    assert_eq!((down.code, lab.left()), (0, vec![]), "{down:?}");
}

#[test]
fn a_workspace_that_does_not_fit_is_not_begun() {
    let lab = LabEnv::new("narrow");
    let workspaces = lab.folder().join("workspace");
    std::fs::create_dir_all(&workspaces).unwrap();
    let narrow = Elsewhere::new(&lab, "type=tmpfs", &workspaces, ",tmpfs-size=8k,tmpfs-mode=1777");
    let filled = narrow.shell(&format!("head -c 8192 /dev/zero > /host{}/fill", workspaces.display()));
    assert_eq!(filled.code, 0, "{filled:?}");
    let started = narrow.run(&lab, me(), &["start", "page"]);
    assert_eq!(started.code, 4, "{started:?}");
    assert!(started.err.contains("No space left") && started.err.contains("workspace"), "{started:?}");
    drop(narrow);
    recovers(&lab, "a workspace that did not fit");
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named() {
    let lab = LabEnv::new("fixed");
    let state = lab.folder().join("state");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    assert_eq!(lab.run(&["verify", "page"]).code, 1);
    let source = format!("type=bind,src={}", state.display());
    let fixed = Elsewhere::new(&lab, &source, &state, ",readonly");
    for words in [&["start", "page"][..], &["verify", "page"], &["reset", "page"], &["down", "page"]] {
        let said = fixed.run(&lab, me(), words);
        assert_eq!(said.code, 4, "{words:?}: {said:?}");
        assert!(said.err.contains(&*state.to_string_lossy()), "{words:?}: {said:?}");
        assert!(said.err.contains("Read-only") || said.err.contains("readonly"), "{words:?}: {said:?}");
    }
    drop(fixed);
    recovers(&lab, "a state folder that could not be written");
    assert_eq!(lab.attempts(), 1);
}

#[test]
fn somebody_elses_lab_is_left_alone() {
    let lab = LabEnv::new("two");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let containers = || docker(&["ps", "-q", "--no-trunc", "--filter", &format!("name={}", lab.project())]).out;
    let before = containers();
    let other = lab.folder().join("other");
    let as_other = |words: &[&str]| said(lab.command(words).env("LABRUNNER_STATE_DIR", &other).output().unwrap());
    for words in [&["start", "page"][..], &["verify", "page"], &["reset", "page"], &["down", "page"]] {
        let said = as_other(words);
        assert_eq!(said.code, 4, "{words:?}: {said:?}");
        assert!(said.err.contains("belongs to") && said.err.contains("--instance"), "{words:?}: {said:?}");
        assert!(said.err.contains(&*lab.folder().join("state").to_string_lossy()), "{words:?}: {said:?}");
    }
    assert_eq!(as_other(&["down", "--all"]).code, 0);
    assert_eq!(containers(), before);
    // With a name of its own there is room for both.
    let mut beside = lab.command(&["start", "page", "--instance", "two-beside"]);
    let beside = said(beside.env("LABRUNNER_STATE_DIR", &other).output().unwrap());
    assert_eq!(beside.code, 0, "{beside:?}");
    let mut down = lab.command(&["down", "page", "--instance", "two-beside"]);
    assert_eq!(said(down.env("LABRUNNER_STATE_DIR", &other).output().unwrap()).code, 0);
    assert_eq!(LabEnv::left_of("two-beside"), Vec::<String>::new());
    assert_eq!(containers(), before);
}

#[test]
fn another_user_cannot_use_our_state_and_is_told() {
    let lab = LabEnv::new("nobody");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    let unused = lab.folder().join("unused");
    std::fs::create_dir_all(&unused).unwrap();
    let here = Elsewhere::new(&lab, "type=tmpfs", &unused, "");
    let said = here.run(&lab, 65_534, &["verify", "page"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("ermission denied") && said.err.contains("state"), "{said:?}");
    drop(here);
    recovers(&lab, "somebody else's try");
}

#[test]
fn eight_at_once_on_one_environment_take_turns_or_are_told() {
    let lab = LabEnv::new("eight");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    let mut recorded = 0;
    for words in [&["verify", "page"][..], &["start", "page"], &["reset", "page"]] {
        let children: Vec<_> = (0..8).map(|_| lab.spawn(words)).collect();
        let all: Vec<Said> = children.into_iter().map(|child| said(child.wait_with_output().unwrap())).collect();
        let done = all.iter().filter(|said| said.code == 0).count();
        // Who holds the lock may not have written its name yet.
        let told = all.iter().filter(|said| said.code == 5 && said.err.contains("another command holds this lab"));
        let told = told.count();
        assert_eq!(done + told, 8, "{words:?}: {all:?}");
        assert!(done >= 1, "{words:?}: {all:?}");
        recorded += if words[0] == "verify" { done } else { 0 };
        assert_eq!(lab.attempts(), recorded, "{words:?}");
    }
    let mixed = [&["verify", "page"][..], &["reset", "page"], &["down", "page"], &["start", "page"]];
    let children: Vec<_> = mixed.iter().chain(&mixed).map(|words| lab.spawn(words)).collect();
    for child in children {
        let said = said(child.wait_with_output().unwrap());
        // A lab that another command has just taken down is not there to be judged.
        assert!([0, 2, 3, 4, 5].contains(&said.code), "{said:?}");
        assert!(!said.err.contains("panicked"), "{said:?}");
    }
    recovers(&lab, "eight commands at once");
    assert!(lab.attempts() >= recorded);
}

#[test]
fn eight_environments_at_once_are_eight() {
    let lab = LabEnv::new("many");
    let names: Vec<String> = (1..=8).map(|number| format!("{}-{number}", lab.project())).collect();
    let together = |words: &[&str]| -> Vec<Said> {
        let children: Vec<_> =
            names.iter().map(|name| lab.command(&[words, &["--instance", name]].concat()).spawn().unwrap()).collect();
        children.into_iter().map(|child| said(child.wait_with_output().unwrap())).collect()
    };
    let started = together(&["start", "page"]);
    assert!(started.iter().all(|said| said.code == 0), "{started:?}");
    let judged = together(&["verify", "page"]);
    assert!(judged.iter().all(|said| said.code == 1), "{judged:?}");
    // The record is one file that eight wrote into.
    assert_eq!(lab.attempts(), 8);
    let gone = together(&["down", "page"]);
    assert!(gone.iter().all(|said| said.code == 0), "{gone:?}");
    let left: Vec<String> = names.iter().flat_map(|name| LabEnv::left_of(name)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_clock_that_jumps_changes_no_verdict_and_no_order() {
    let lab = LabEnv::new("clock");
    let library = compiled(lab.folder());
    let days = std::cell::Cell::new(0_i32);
    let run = |words: &[&str]| {
        // Each command finds another day, far from that of the one before.
        days.set(-days.get() - 7);
        let mut command = lab.command(words);
        command.env("LD_PRELOAD", &library).env("CLOCK_DAYS", days.get().to_string());
        said(command.output().unwrap())
    };
    assert_eq!(run(&["start", "page"]).code, 0);
    let mut wanted = Vec::new();
    for round in 0..3 {
        let judged = run(&["verify", "page"]);
        assert_eq!(judged.code, 1, "{judged:?}");
        lab.solve();
        let judged = run(&["verify", "page"]);
        assert_eq!(judged.code, 0, "{judged:?}");
        wanted.splice(0..0, ["passed", "failed"]);
        let reset = run(&["reset", "page", "--workspace", "--yes"]);
        assert_eq!(reset.code, 0, "round {round}: {reset:?}");
    }
    let history = run(&["history", "page", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&history.out).unwrap();
    let attempts = json["attempts"].as_array().unwrap();
    let days: std::collections::BTreeSet<&str> =
        attempts.iter().map(|one| one["began"].as_str().unwrap().split('T').next().unwrap()).collect();
    assert!(days.len() >= 2, "the clock did not jump: {days:?}");
    // The last attempt comes first, whatever the clock said.
    let verdict = |one: &serde_json::Value| match one["verdicts"].to_string().contains("failed") {
        true => "failed",
        false => "passed",
    };
    assert_eq!(attempts.iter().map(verdict).collect::<Vec<_>>(), wanted, "{history:?}");
    let undone = run(&["undo", "page"]);
    assert!(undone.code == 0 && served(&lab).contains("hello"), "{undone:?}");
    assert_eq!((run(&["down", "page"]).code, lab.left()), (0, vec![]));
}

fn compiled(folder: &Path) -> PathBuf {
    let library = folder.join("libclock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/clock.rs");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-type", "cdylib", "-o"]).arg(&library).arg(source);
    let built = said(command.output().unwrap());
    assert_eq!(built.code, 0, "{built:?}");
    library
}
