//! Checks beside what one would use instead: hurl for requests, `docker exec` for commands; and how soon `watch` tells a
//! verdict.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::measure::{Row, in_turn, seconds};
use super::place::Place;

/// HTTP steps: files of hurl, or checks that run side by side; and steps in each.
const FILES: usize = 20;
const STEPS: usize = 10;
/// Commands in the container.
const COMMANDS: usize = 100;

/// With room for all who knock at once: a dropped connection comes back after a second, whoever asked.
const SERVER: &str = "import http.server


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'goodbye')

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256


Server(('', 8000), Page).serve_forever()
";

/// A lab with a goal for each thing to measure.
struct Checks {
    place: Place,
}

impl Checks {
    fn new() -> Self {
        let mut place = Place::new(std::path::Path::new(""));
        place.labs = place.folder().join("labs");
        let lab = place.labs.join("month-01-bench");
        std::fs::create_dir_all(lab.join("tasks")).unwrap();
        std::fs::create_dir_all(lab.join("starter")).unwrap();
        std::fs::write(lab.join("starter/serve.py"), SERVER).unwrap();
        std::fs::write(lab.join("starter/notes.md"), "begun\n").unwrap();
        std::fs::write(lab.join("lab.yaml"), definition()).unwrap();
        std::fs::write(lab.join("README.md"), "A lab to measure.\n").unwrap();
        for goal in ["pages", "commands", "notes"] {
            std::fs::write(lab.join("tasks").join(format!("{goal}.md")), "Nothing to do.\n").unwrap();
        }
        Self { place }
    }

    /// Judges one goal; returns the seconds that its checks took.
    fn judge(&self, goal: &str) -> f64 {
        let output = self.place.labrunner(&["verify", "bench", goal, "--format", "json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["goals"][0]["took_ms"].as_f64().unwrap() / 1000.0
    }

    fn hurl_files(&self, address: &str) -> Vec<PathBuf> {
        let request = format!("GET http://{address}:8000/\nHTTP 200\n[Asserts]\nbody contains \"goodbye\"\n\n");
        let path = |number: usize| self.place.folder().join(format!("{number}.hurl"));
        (0..FILES).for_each(|number| std::fs::write(path(number), request.repeat(STEPS)).unwrap());
        (0..FILES).map(path).collect()
    }

    fn notes(&self) -> PathBuf {
        self.place.folder().join("workspace/bench-bench/notes.md")
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        let _ = self.place.labrunner(&["down", "bench"]).output();
    }
}

fn definition() -> String {
    let step = "          - http: { url: \"http://web:8000/\" }\n            expect: { body: { contains: goodbye } }\n";
    let check = |number| {
        format!("      - name: part {number}\n        concurrent: true\n        steps:\n{}", step.repeat(STEPS))
    };
    let checks: String = (0..FILES).map(check).collect();
    format!(
        "format: 1\nid: bench\nslug: bench-lab\ntitle: What is measured\nmonth: 1\n\
         services:\n  web:\n    image: \"python:3.13-slim\"\n    command: [python, -u, /app/serve.py]\n    \
         volumes: [\"${{WORKSPACE}}:/app\"]\n\
         ready:\n  web: {{ tcp: {{ address: \"web:8000\" }}, within: 10s }}\n\
         goals:\n  - id: pages\n    title: Pages\n    roadmap: \"A bullet.\"\n    points: 1\n    hints: [a, b, c]\n    \
         inputs: [serve.py]\n    \
         checks:\n{checks}  - id: commands\n    title: Commands\n    roadmap: \"A bullet.\"\n    points: 1\n    inputs: [serve.py]\n    \
         hints: [a, b, c]\n    checks:\n      - name: all of them\n        steps:\n          - each:\n              \
         in: 1..{COMMANDS}\n              as: number\n              steps:\n                - exec: {{ service: web, \
         command: \"true\" }}\n  - id: notes\n    title: Notes\n    roadmap: \"A bullet.\"\n    points: 1\n    hints: [a, b, c]\n    \
         inputs: [notes.md]\n    checks:\n      - name: they are written\n        steps:\n          - file: {{ path: notes.md }}\n            \
         expect: {{ text: {{ contains: done }} }}\n            message: not yet\n"
    )
}

/// Seconds from saving a file to the line that tells its verdict, `rounds` times.
fn watched(checks: &Checks, rounds: usize) -> Vec<f64> {
    let mut child = checks
        .place
        .labrunner(&["watch", "bench"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut until = |words: &str| while !lines.next().expect("watch goes on").unwrap().contains(words) {};
    until("notes failed");
    let mut times = Vec::new();
    for round in 0..rounds {
        let (text, words) = if round % 2 == 0 { ("done\n", "notes passed") } else { ("begun\n", "notes failed") };
        let began = Instant::now();
        std::fs::write(checks.notes(), text).unwrap();
        until(words);
        times.push(began.elapsed().as_secs_f64());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    times
}

/// The rows, and seconds from saving a file to its verdict.
pub fn rows(hurl: &str, pairs: usize) -> (Vec<Row>, Vec<f64>) {
    let checks = Checks::new();
    seconds(checks.place.labrunner(&["start", "bench"]));
    let container = Place::container("bench", "web");
    let address = super::place::inspect(&container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
    let files = checks.hurl_files(&address);
    let by_hurl = || {
        let mut command = Command::new(hurl);
        command.args(["--test", "--parallel"]).args(&files);
        seconds(command)
    };
    let whole = || seconds(checks.place.labrunner(&["verify", "bench", "pages"]));
    let by_exec = || {
        let began = Instant::now();
        for _ in 0..COMMANDS {
            let mut command = Command::new("docker");
            command.args(["exec", &container, "true"]);
            seconds(command);
        }
        began.elapsed().as_secs_f64()
    };
    let requests = FILES * STEPS;
    let row = |work: String, (ours, theirs): (Vec<f64>, Vec<f64>), other, goal| Row { work, ours, theirs, other, goal };
    let rows = vec![
        row(
            format!("verify: {requests} HTTP checks, the whole command"),
            in_turn(pairs, whole, by_hurl),
            "hurl",
            Some(1.0),
        ),
        row(
            format!("verify: {requests} HTTP checks, the checks alone"),
            in_turn(pairs, || checks.judge("pages"), by_hurl),
            "all of hurl",
            None,
        ),
        row(
            format!("{COMMANDS} steps inside a container"),
            in_turn(pairs.min(7), || checks.judge("commands"), by_exec),
            "`docker exec` each",
            Some(0.10),
        ),
    ];
    let saved = watched(&checks, pairs * 2);
    (rows, saved)
}
