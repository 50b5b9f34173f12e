//! How fast checks are, beside what one would use instead: `cargo bench --bench checks`.
//!
//! 200 HTTP steps beside `hurl --test --parallel`, commands in a container beside `docker exec`, both in interleaved
//! pairs, and the time from saving a file to its verdict in `watch`. Asserts nothing about time. Needs an engine and
//! hurl (`hurl`, or its path in `HURL`); `PAIRS` sets how many pairs (15).

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "the tables are the result")]
#![expect(clippy::disallowed_methods, reason = "a bench has no `cli` that reads its variables")]

mod measure;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use measure::{median, row, timed};

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

struct Place(tempfile::TempDir);

impl Place {
    /// A lab with a goal for each thing to measure.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        std::fs::create_dir_all(folder.path().join(".labrunner")).unwrap();
        let lab = folder.path().join("labs/month-01-bench");
        std::fs::create_dir_all(lab.join("tasks")).unwrap();
        std::fs::create_dir_all(lab.join("starter")).unwrap();
        std::fs::write(lab.join("starter/serve.py"), SERVER).unwrap();
        std::fs::write(lab.join("starter/notes.md"), "begun\n").unwrap();
        std::fs::write(lab.join("lab.yaml"), definition()).unwrap();
        std::fs::write(lab.join("README.md"), "A lab to measure.\n").unwrap();
        for goal in ["pages", "commands", "notes"] {
            std::fs::write(lab.join("tasks").join(format!("{goal}.md")), "Nothing to do.\n").unwrap();
        }
        Self(folder)
    }

    fn labrunner(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labrunner"));
        command
            .args(words)
            .current_dir(self.0.path())
            .env("LABRUNNER_STATE_DIR", self.0.path().join("state"))
            .env("LABRUNNER_LABS", self.0.path().join("labs"))
            .env("LABRUNNER_INSTANCE", "bench");
        command
    }

    /// Judges one goal; returns the seconds that its checks took.
    fn judge(&self, goal: &str) -> f64 {
        let output = self.labrunner(&["verify", "bench", goal, "--format", "json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["goals"][0]["took_ms"].as_f64().unwrap() / 1000.0
    }

    fn container(&self) -> String {
        "labrunner-bench-bench-web-1".to_owned()
    }

    fn hurl_files(&self, address: &str) -> Vec<PathBuf> {
        let request = format!("GET http://{address}:8000/\nHTTP 200\n[Asserts]\nbody contains \"goodbye\"\n\n");
        let path = |number: usize| self.0.path().join(format!("{number}.hurl"));
        (0..FILES).for_each(|number| std::fs::write(path(number), request.repeat(STEPS)).unwrap());
        (0..FILES).map(path).collect()
    }

    fn notes(&self) -> PathBuf {
        self.0.path().join("workspace/bench-bench/notes.md")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.labrunner(&["down", "bench"]).output();
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
fn watched(place: &Place, rounds: usize) -> Vec<f64> {
    let mut child = place
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
        std::fs::write(place.notes(), text).unwrap();
        until(words);
        times.push(began.elapsed().as_secs_f64());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    times
}

fn main() -> std::process::ExitCode {
    let pairs: usize = std::env::var("PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let hurl = std::env::var("HURL").unwrap_or_else(|_| "hurl".into());
    let Ok(version) = Command::new(&hurl).arg("--version").output() else {
        println!("hurl is not here: `cargo install hurl`, or say where it is with HURL=…; nothing was measured");
        return std::process::ExitCode::FAILURE;
    };
    let place = Place::new();
    timed(place.labrunner(&["start", "bench"]));
    let inspect = ["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", &place.container()];
    let address = Command::new("docker").args(inspect).output().unwrap().stdout;
    let files = place.hurl_files(String::from_utf8_lossy(&address).trim());

    let (mut whole, mut checks, mut theirs, mut steps, mut execs) = (vec![], vec![], vec![], vec![], vec![]);
    for pair in 0..pairs {
        let mut us = || {
            whole.push(timed(place.labrunner(&["verify", "bench", "pages"])).as_secs_f64());
            checks.push(place.judge("pages"));
            steps.push(place.judge("commands"));
        };
        let mut them = || {
            let mut command = Command::new(&hurl);
            command.args(["--test", "--parallel"]).args(&files);
            theirs.push(timed(command).as_secs_f64());
            let began = Instant::now();
            for _ in 0..COMMANDS {
                let mut command = Command::new("docker");
                command.args(["exec", &place.container(), "true"]);
                timed(command);
            }
            execs.push(began.elapsed().as_secs_f64());
        };
        // Who goes first changes, so that neither always finds the machine warm.
        if pair % 2 == 0 {
            us();
            them();
        } else {
            them();
            us();
        }
    }
    let first = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    println!("\n{pairs} pairs; {first}\n");
    println!("| work | labrunner | the other | ratio | 95 % interval |\n| --- | --- | --- | --- | --- |");
    let requests = FILES * STEPS;
    row(&format!("{requests} requests, the whole command, beside hurl"), &whole, &theirs);
    row(&format!("{requests} requests, the checks alone, beside all of hurl"), &checks, &theirs);
    row(&format!("{COMMANDS} commands in a container, beside `docker exec`"), &steps, &execs);
    println!(
        "\ncommands each second: {:.0} and {:.0}",
        COMMANDS as f64 / median(&steps),
        COMMANDS as f64 / median(&execs)
    );
    let mut times = watched(&place, pairs * 2);
    times.sort_by(f64::total_cmp);
    let worst = times.last().copied().unwrap_or_default();
    println!("from saving to verdict in `watch`: median {:.0} ms, longest {:.0} ms", median(&times) * 1e3, worst * 1e3);
    std::process::ExitCode::SUCCESS
}
