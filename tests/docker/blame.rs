//! Whose fault it is: every row of the table, on a real engine.

use std::time::{Duration, Instant};

use crate::proxy::{Proxy, When};
use crate::support::{LabEnv, Said, docker, said};

const FAILED: i32 = 1;
const UNDECIDED: i32 = 3;

/// A page that answers like this.
fn serve(answer: &str) -> String {
    format!(
        "import http.server, os, socket, sys, time\n\n\n\
         class Page(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        {answer}\n\n\n\
         http.server.ThreadingHTTPServer((\"\", 8000), Page).serve_forever()\n"
    )
}

const HELLO: &str = "self.send_response(200); self.end_headers(); self.wfile.write(b'hello')";

fn started() -> LabEnv {
    let lab = LabEnv::of("blame", "blame");
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    lab
}

/// What `verify` says of a workspace with this file.
fn judged(lab: &LabEnv, file: &str, text: &str) -> Said {
    std::fs::write(lab.workspace().join(file), text).unwrap();
    lab.run(&["verify", "blame"])
}

#[track_caller]
fn says(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{}\n{}", said.out, said.err);
    for word in words {
        assert!(said.out.contains(word), "`{word}` is missing in\n{}", said.out);
    }
}

#[test]
fn what_the_learners_service_does_is_the_learners() {
    let lab = started();
    says(&judged(&lab, "serve.py", &serve(HELLO)), 0, &["1 of 1 goals passed"]);
    let oom = serve("self.server.hoard = bytearray(500_000_000)");
    says(&judged(&lab, "serve.py", &oom), FAILED, &["`web` ran out of its own memory limit"]);
    let exit = "import sys\n\nprint('no database', file=sys.stderr)\nsys.exit(3)\n";
    says(&judged(&lab, "serve.py", exit), FAILED, &["exited with code 3", "no database"]);
    let elsewhere = serve(HELLO).replace("8000", "9000");
    says(&judged(&lab, "serve.py", &elsewhere), FAILED, &["the page does not say hello", "refused"]);
    let garbage = serve("self.wfile.write(b'\\x00\\x01 no HTTP at all')");
    says(&judged(&lab, "serve.py", &garbage), FAILED, &["the page does not say hello"]);
    let silent = serve("time.sleep(60)");
    says(&judged(&lab, "serve.py", &silent), FAILED, &["no answer within 2 s"]);
    // Its own tmpfs has room for 1 MiB.
    let full = "\n        try: open('/cache/x', 'wb').write(bytes(2_000_000))\n        \
                except OSError as e: self.send_error(500, str(e))\n        else: ";
    says(&judged(&lab, "serve.py", &serve(&format!("{full}{HELLO}"))), FAILED, &["No space left on device"]);
    says(&judged(&lab, "serve.py", &serve(HELLO)), 0, &[]);
    let crashes = "echo lost again; exit 1\n";
    says(&judged(&lab, "loop.sh", crashes), 0, &[]);
    std::fs::write(lab.workspace().join("loop.sh"), crashes).unwrap();
    let both = judged(&lab, "serve.py", &serve(&HELLO.replace("hello", "goodbye")));
    says(&both, FAILED, &["`looper`", "crashes again and again", "lost again"]);
    let unbuilt = judged(&lab, "Dockerfile", "FROM python:3.13-slim\nRUN exit 9\n");
    says(&unbuilt, FAILED, &["its image does not build"]);
}

/// Verifies, and does `meanwhile` as soon as the check has begun.
fn interfered(lab: &LabEnv, meanwhile: impl FnOnce()) -> Said {
    let witness = lab.container("witness");
    docker(&["exec", &witness, "redis-cli", "DEL", "asked"]);
    docker(&["exec", &witness, "redis-cli", "SET", "hold", "yes"]);
    let child = lab.spawn(&["verify", "blame"]);
    let began = Instant::now();
    while !docker(&["exec", &witness, "redis-cli", "GET", "asked"]).out.contains("yes") {
        assert!(began.elapsed() < Duration::from_secs(60), "the check never began");
    }
    meanwhile();
    docker(&["exec", &witness, "redis-cli", "DEL", "hold"]);
    said(child.wait_with_output().unwrap())
}

#[test]
fn what_others_do_meanwhile_is_nobodys() {
    let lab = started();
    says(&judged(&lab, "serve.py", &serve(HELLO)), 0, &[]);
    let web = lab.container("web");
    let paused = interfered(&lab, || drop(docker(&["pause", &web])));
    says(&paused, UNDECIDED, &["`web` was paused by hand"]);
    says(&lab.run(&["verify", "blame"]), 0, &[]);
    let network = format!("{}_default", lab.project());
    let cut = interfered(&lab, || drop(docker(&["network", "disconnect", &network, &web])));
    says(&cut, UNDECIDED, &["`web` was disconnected from the lab's network"]);
    assert_eq!(lab.run(&["reset", "blame"]).code, 0);
    let killed = interfered(&lab, || drop(docker(&["kill", &web])));
    says(&killed, UNDECIDED, &["`web` was killed from outside"]);
    says(&lab.run(&["verify", "blame"]), 0, &[]);
    let gone = interfered(&lab, || drop(docker(&["rm", "-f", &web])));
    says(&gone, UNDECIDED, &["`web`"]);
    let witness = lab.container("witness");
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    // The lab's own service down in the middle: not the learner's, even if the page fails too.
    let down = interfered(&lab, || drop((docker(&["stop", "-t", "0", &witness]), docker(&["stop", "-t", "0", &web]))));
    says(&down, UNDECIDED, &["`witness`"]);
    assert_eq!(lab.run(&["reset", "blame"]).code, 0);
    says(&lab.run(&["verify", "blame"]), 0, &[]);
}

#[test]
fn an_engine_that_goes_in_the_middle_is_nobodys() {
    let lab = LabEnv::new("gone");
    assert_eq!(lab.run(&["start", "page"]).code, 0);
    lab.solve();
    assert_eq!(lab.run(&["verify", "page"]).code, 0);
    // The first change that `verify` asks for is the fault in the second goal.
    let proxy = Proxy::new(lab.folder(), Some((0, When::Before)), || {});
    let judged = said(lab.command(&["verify", "page"]).env("DOCKER_HOST", proxy.host()).output().unwrap());
    assert!(proxy.struck());
    says(&judged, UNDECIDED, &["the container engine does not answer", "1 of 2 goals passed"]);
    assert_eq!(lab.run(&["verify", "page"]).code, 0, "the next command mends what was begun");
    let history = lab.run(&["progress"]);
    assert!(history.out.contains("2"), "an undecided run costs nothing: {}", history.out);
}

#[test]
fn a_service_of_the_lab_that_never_runs_is_made_anew_once_and_then_a_defect() {
    let lab = LabEnv::of("broken", "broken");
    let started = lab.run(&["start", "broken"]);
    assert_eq!(started.code, UNDECIDED, "{started:?}");
    let first = lab.run(&["verify", "broken"]);
    says(&first, UNDECIDED, &["undecided", "`witness` belongs to the lab, was made anew", "no fixtures found"]);
    assert!(first.err.contains("it is made anew once"), "{}", first.err);
    let second = lab.run(&["verify", "broken"]);
    says(&second, UNDECIDED, &["defect", "this lab is broken", "the last time either"]);
}
