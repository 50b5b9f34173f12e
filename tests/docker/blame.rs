//! Whose fault it is: every row of the table, on a real engine.

use std::process::Child;
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
    let changed = "changed   serve.py, since this goal last passed";
    says(&judged(&lab, "serve.py", &elsewhere), FAILED, &["the page does not say hello", "refused", changed]);
    let garbage = serve("self.wfile.write(b'\\x00\\x01 no HTTP at all')");
    says(&judged(&lab, "serve.py", &garbage), FAILED, &["the page does not say hello"]);
    let silent = serve("time.sleep(60)");
    says(&judged(&lab, "serve.py", &silent), FAILED, &["no answer within 2 s"]);
    // Its own tmpfs has room for 1 MiB.
    let full = "\n        try: open('/cache/x', 'wb').write(bytes(2_000_000))\n        \
                except OSError as e: self.send_error(500, str(e))\n        else: ";
    says(&judged(&lab, "serve.py", &serve(&format!("{full}{HELLO}"))), FAILED, &["No space left on device"]);
    let broken = "print('why it broke'); self.send_response(500); self.end_headers()";
    says(
        &judged(&lab, "serve.py", &serve(broken)),
        FAILED,
        &["status: 500", "`web` has written last:", "why it broke"],
    );
    says(&judged(&lab, "serve.py", &serve(HELLO)), 0, &[]);
    let crashes = "echo lost again; exit 1\n";
    says(&judged(&lab, "loop.sh", crashes), 0, &[]);
    std::fs::write(lab.workspace().join("loop.sh"), crashes).unwrap();
    let both = judged(&lab, "serve.py", &serve(&HELLO.replace("hello", "goodbye")));
    says(&both, FAILED, &["`looper`", "crashes again and again", "lost again", "`looper` (started again"]);
    let unbuilt = judged(&lab, "Dockerfile", "FROM python:3.13-slim\nRUN exit 9\n");
    says(&unbuilt, FAILED, &["its image does not build"]);
}

/// Verifies, and does `meanwhile` as soon as the check has begun.
fn interfered(lab: &LabEnv, meanwhile: impl FnOnce()) -> Said {
    let child = held(lab);
    meanwhile();
    docker(&["exec", &lab.container("witness"), "redis-cli", "DEL", "hold"]);
    said(child.wait_with_output().unwrap())
}

/// A verification that has begun and waits until the witness holds it no longer.
fn held(lab: &LabEnv) -> Child {
    let witness = lab.container("witness");
    docker(&["exec", &witness, "redis-cli", "DEL", "asked"]);
    docker(&["exec", &witness, "redis-cli", "SET", "hold", "yes"]);
    let child = lab.spawn(&["verify", "blame"]);
    let began = Instant::now();
    while !docker(&["exec", &witness, "redis-cli", "GET", "asked"]).out.contains("yes") {
        assert!(began.elapsed() < Duration::from_secs(60), "the check never began");
    }
    child
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
    // The page asks the witness, which is connected again, and found by its name no more.
    let asks = format!("socket.create_connection(('witness', 6379), 2); {HELLO}");
    says(&judged(&lab, "serve.py", &serve(&asks)), 0, &[]);
    let witness = lab.container("witness");
    let nameless = interfered(&lab, || {
        docker(&["network", "disconnect", &network, &witness]);
        docker(&["network", "connect", &network, &witness]);
    });
    says(&nameless, UNDECIDED, &["`witness` has lost its name"]);
    assert_eq!(lab.run(&["reset", "blame"]).code, 0);
    says(&judged(&lab, "serve.py", &serve(HELLO)), 0, &[]);
    let killed = interfered(&lab, || drop(docker(&["kill", &web])));
    says(&killed, UNDECIDED, &["`web` was killed from outside"]);
    says(&lab.run(&["verify", "blame"]), 0, &[]);
    let gone = interfered(&lab, || drop(docker(&["rm", "-f", &web])));
    says(&gone, UNDECIDED, &["`web`"]);
    assert_eq!(lab.run(&["start", "blame"]).code, 0);
    // A server that takes its time to recover takes connections and answers none.
    let witness = lab.container("witness");
    let recovering = held(&lab);
    let waits = docker(&["exec", &witness, "redis-cli", "CLIENT", "PAUSE", "600000", "ALL"]);
    assert!(waits.out.contains("OK"), "{waits:?}");
    says(&said(recovering.wait_with_output().unwrap()), UNDECIDED, &["`witness`"]);
    docker(&["restart", "-t", "0", &witness]);
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

#[test]
fn a_machine_that_lacks_something_is_not_the_learners_fault() {
    let lab = started();
    says(&judged(&lab, "serve.py", &serve(HELLO)), 0, &[]);
    // Somebody has cleaned up images: they are brought back.
    let image = docker(&["inspect", "-f", "{{.Config.Image}}", &lab.container("web")]).out.trim().to_owned();
    assert_eq!(lab.run(&["stop", "blame"]).code, 0);
    assert_eq!(docker(&["rmi", "-f", &image]).code, 0);
    says(&lab.run(&["verify", "blame"]), 0, &["1 of 1 goals passed"]);
    // Another program holds the record: nothing is judged that could not be kept, and nothing is lost.
    let record = rusqlite::Connection::open(lab.folder().join("state/record.db")).unwrap();
    record.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = lab.run(&["verify", "blame"]);
    assert_eq!(locked.code, 4, "{locked:?}");
    assert!(locked.err.contains("record.db") && locked.err.contains("locked"), "{}", locked.err);
    record.execute_batch("ROLLBACK").unwrap();
    drop(record);
    says(&lab.run(&["verify", "blame"]), 0, &[]);
    // A workspace that is no folder cannot be read.
    let (workspace, aside) = (lab.workspace(), lab.folder().join("aside"));
    std::fs::rename(&workspace, &aside).unwrap();
    std::fs::write(&workspace, "").unwrap();
    let unreadable = lab.run(&["verify", "blame"]);
    assert_eq!(unreadable.code, 4, "{unreadable:?}");
    assert!(unreadable.err.contains(&*workspace.to_string_lossy()), "{}", unreadable.err);
    assert!(!unreadable.out.contains("failed"), "{}", unreadable.out);
    std::fs::remove_file(&workspace).unwrap();
    std::fs::rename(&aside, &workspace).unwrap();
    says(&lab.run(&["verify", "blame"]), 0, &[]);
}
