//! Labs that mean no good, as they run: what they try is refused, or kept within bounds. What is refused when a lab is
//! read stands among the definitions; docs/security.md has all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{LabEnv, docker};

/// What an environment of a learner's might hold.
const PRIVATE: &str = "hunter2-of-the-learner";
/// Of the lab's `secrets`.
const SECRET: &str = "larch-7Qk2-hollow";

/// A listener on this machine that counts who comes.
fn nobody_may_come() -> (u16, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::<AtomicUsize>::default();
    let counter = came.clone();
    std::thread::spawn(move || listener.incoming().for_each(|_| _ = counter.fetch_add(1, Ordering::SeqCst)));
    (port, came)
}

/// What a command writes to a terminal of 120 columns. Source: script(1) of util-linux.
fn run_on_a_terminal(lab: &LabEnv, words: &str) -> String {
    let plain = lab.command(&[]);
    let mut command = std::process::Command::new("script");
    let line = format!("stty cols 120; {} {words}", env!("CARGO_BIN_EXE_labrunner"));
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(lab.folder()).env("TERM", "xterm");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Progress is drawn over itself; that is labrunner's own doing.
    String::from_utf8_lossy(&command.output().unwrap().stdout).replace("\r\u{1b}[2K", "\n")
}

fn colour(inside: &str) -> bool {
    inside.bytes().all(|byte| byte.is_ascii_digit() || byte == b';')
}

/// Whether any file below a folder has this text in it.
fn contains(folder: &std::path::Path, text: &str) -> bool {
    let finder = |bytes: Vec<u8>| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { contains(&path, text) } else { finder(std::fs::read(&path).unwrap_or_default()) }
    })
}

#[test]
fn what_a_running_lab_tries_is_kept_within_bounds() {
    let lab = LabEnv::of("hostile", "hostile");
    let run = |words: &[&str]| {
        crate::support::said(lab.command(words).envs([("TOKEN", PRIVATE), ("ALL_PROXY", PRIVATE)]).output().unwrap())
    };
    let started = run(&["start", "hostile", "--yes"]);
    assert_eq!(started.code, 0, "{started:?}");
    let pipe = lab.workspace().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(".", lab.workspace().join("circle")).unwrap();
    let (port, came) = nobody_may_come();
    std::fs::write(lab.workspace().join("labrunner.yaml"), format!("port: {port}\n")).unwrap();

    let judged = run(&["verify", "hostile", "--yes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&judged.out).unwrap_or_else(|_| panic!("{judged:?}"));
    let verdicts: Vec<String> = json["goals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|goal| format!("{} {}", goal["goal"].as_str().unwrap(), goal["verdict"].as_str().unwrap()))
        .collect();
    let expected = [
        "processes passed",
        "memory passed",
        "log passed",
        "secret failed",
        "redirect passed",
        "metadata defect",
        "escapes failed",
        "plugin passed",
        "fresh passed",
        "odd-files passed",
    ];
    assert_eq!(verdicts, expected, "{}", judged.out);
    assert!(judged.out.contains("`169.254.169.254` is no service of this lab"), "{}", judged.out);
    assert_eq!(came.load(Ordering::SeqCst), 0, "a redirect was followed out of the lab");

    // A secret is nowhere in what is said, and nowhere in what is kept of it.
    let shown = run(&["verify", "hostile", "secret", "--yes"]);
    let history = run(&["history", "hostile", "--format", "json"]);
    for said in [&judged, &shown, &history] {
        assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "{said:?}");
    }
    assert!(shown.out.contains("it is ***"), "{}", shown.out);
    assert!(!contains(&lab.folder().join("state"), SECRET), "the record has the secret");

    // Nothing that is shown plays with the terminal; colours are all that is left of it.
    for words in [
        "show hostile",
        "show hostile escapes",
        "hint escapes",
        "logs evil",
        "verify hostile escapes --yes",
        "status hostile",
        "list",
        "exec evil -- printf '\\033]0;owned\\007\\033[2J'",
    ] {
        let said = run_on_a_terminal(&lab, words);
        assert!(said.contains("owned") || said.contains("[2J") || words == "list", "{words}: {said:?}");
        let plain =
            said.split("\u{1b}[").skip(1).all(|rest| rest.split_once('m').is_some_and(|(inside, _)| colour(inside)));
        assert!(plain && !said.contains("\u{1b}]") && !said.contains('\u{7}'), "{words}: {said:?}");
    }

    // 60 MiB were written.
    let log = docker(&["logs", &lab.container("evil")]);
    assert!(log.out.len() > 1 << 20 && log.out.len() < 11 << 20, "{} bytes of log are kept", log.out.len());
    let limits =
        "{{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}}";
    let limits = docker(&["inspect", "-f", limits, &lab.container("evil")]);
    assert_eq!(limits.out.trim(), "512 1073741824 false [no-new-privileges:true]");
    let ports = docker(&["port", &lab.container("evil")]);
    assert_eq!(ports.out, "");

    // A build is told what the lab says, and nothing of the learner's environment.
    let built = run(&["exec", "built", "--", "cat", "/environment"]);
    assert!(built.out.contains("PLAIN=yes") && !built.out.contains(PRIVATE), "{built:?}");
    let running = docker(&["inspect", "-f", "{{.Config.Env}}", &lab.container("built"), &lab.container("evil")]);
    assert!(running.code == 0 && !running.out.contains(PRIVATE), "{running:?}");

    // Odd files neither hinder a save nor get lost by one.
    let reset = run(&["reset", "hostile", "--workspace", "--yes"]);
    assert_eq!(reset.code, 0, "{reset:?}");
}

/// Free space at the engine's data, in MiB, as df(1) tells it.
fn free() -> u64 {
    let root = docker(&["info", "-f", "{{.DockerRootDir}}"]).out;
    let told = std::process::Command::new("df").args(["-m", "--output=avail", root.trim()]).output().unwrap();
    String::from_utf8_lossy(&told.stdout).lines().last().unwrap().trim().parse().unwrap()
}

#[test]
fn a_lab_that_fills_the_disk_is_stopped() {
    let lab = LabEnv::of("filler", "filler");
    // It takes 6 GiB; others may take some as well meanwhile.
    let reserve = format!("{}m", free() - 3 * 1024);
    let run = |words: &[&str]| {
        crate::support::said(lab.command(words).env("LABRUNNER_DISK_RESERVE", &reserve).output().unwrap())
    };
    assert_eq!(run(&["start", "filler"]).code, 0);
    let judged = run(&["verify", "filler", "note"]);
    assert_eq!(judged.code, 3, "the machine is in the way: {judged:?}");
    assert!(judged.out.contains("the disk is nearly full"), "{judged:?}");
    let state = |service: &str| docker(&["inspect", "-f", "{{.State.Status}}", &lab.container(service)]).out;
    assert_eq!(state("filler").trim(), "exited");
    assert_eq!((run(&["down", "filler"]).code, lab.left()), (0, vec![]));

    // A copy of the lab that a check has made is the lab's too.
    let judged = run(&["verify", "filler", "apart"]);
    assert_eq!(judged.code, 3, "the machine is in the way: {judged:?}");
    assert!(judged.out.contains("the disk is nearly full"), "{judged:?}");
    assert_eq!((run(&["down", "filler"]).code, lab.left()), (0, vec![]));

    let at_once = run(&["start", "filler", "--set", "when=now"]);
    assert_eq!(at_once.code, 4, "{at_once:?}");
    assert!(at_once.err.contains("the disk is nearly full") && at_once.err.contains("labrunner down"), "{at_once:?}");
    assert_eq!(state("filler").trim(), "exited");
    assert_eq!((run(&["down", "filler"]).code, lab.left()), (0, vec![]));
}
