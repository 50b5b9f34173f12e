//! labrunner beside Docker Compose v2 on the same stack, in interleaved pairs: `cargo bench --bench peers`.
//!
//! Prints, for each kind of work, both medians, the median of the pairs' ratios and its 95 % interval
//! (bootstrap). Asserts nothing: what is fast enough is decided by a reader. Needs an engine, Compose v2
//! (`docker compose`, or its path in `COMPOSE`) and python3; `PAIRS` sets how many pairs (15).

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::disallowed_methods, reason = "a bench has no `cli` that reads its variables")]

mod measure;

use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{row, timed};

struct Place {
    folder: tempfile::TempDir,
    root: PathBuf,
    compose: Vec<String>,
}

impl Place {
    fn labrunner(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labrunner"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("LABRUNNER_STATE_DIR", self.folder.path().join("state"))
            .env("LABRUNNER_LABS", self.root.join("tests/docker/labs"))
            .env("LABRUNNER_INSTANCE", "bench");
        command
    }

    fn compose(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.compose[0]);
        command
            .args(&self.compose[1..])
            .args(["-p", "labrunner-bench-peer", "-f"])
            .arg(self.root.join("benches/peers/compose.yaml"))
            .args(words)
            .env("STARTER", self.root.join("tests/docker/labs/month-01-page/starter"));
        command
    }
}

/// How to call Compose v2, if it is here.
fn compose() -> Option<Vec<String>> {
    let candidates = match std::env::var("COMPOSE") {
        Ok(path) => vec![vec![path]],
        Err(_) => vec![vec!["docker".to_owned(), "compose".to_owned()], vec!["docker-compose".to_owned()]],
    };
    candidates.into_iter().find(|words| {
        let output = Command::new(&words[0]).args(&words[1..]).args(["version", "--short"]).output();
        output.is_ok_and(|output| {
            let text = String::from_utf8_lossy(&output.stdout);
            output.status.success() && text.trim().trim_start_matches('v').starts_with(['2', '5'])
        })
    })
}

/// Largest resident memory of a command in KiB, and how long it took, as the kernel counted them.
fn memory(command: &Command) -> (u64, f64) {
    let program = "import resource,subprocess,sys,time\n\
                   t=time.perf_counter(); subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,check=True)\n\
                   print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, time.perf_counter()-t)";
    let mut measured = Command::new("python3");
    measured.args(["-c", program]).arg(command.get_program()).args(command.get_args());
    measured.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = measured.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (memory, time) = text.trim().split_once(' ').unwrap();
    (memory.parse().unwrap(), time.parse().unwrap())
}

/// The same work, said to both.
struct Work {
    name: &'static str,
    ours: &'static [&'static str],
    theirs: &'static [&'static [&'static str]],
}

fn main() -> std::process::ExitCode {
    let pairs: usize = std::env::var("PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let Some(compose) = compose() else {
        println!("Docker Compose v2 is not here: install it, or say where it is with COMPOSE=…; nothing was measured");
        return std::process::ExitCode::FAILURE;
    };
    let folder = tempfile::tempdir().unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), mode).unwrap();
    std::fs::create_dir_all(folder.path().join(".labrunner")).unwrap();
    let place = Place { folder, root: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(), compose };
    // Images and build caches are there before anything is measured.
    timed(place.labrunner(&["start", "page"]));
    timed(place.labrunner(&["down", "page"]));
    const UP: &[&str] = &["up", "-d", "--wait"];
    const DOWN: &[&str] = &["down", "-v", "-t", "0"];
    let work = [
        Work { name: "start", ours: &["start", "page"], theirs: &[UP] },
        Work { name: "start when all runs", ours: &["start", "page"], theirs: &[UP] },
        Work { name: "reset to pristine", ours: &["reset", "page"], theirs: &[DOWN, UP] },
        Work { name: "down", ours: &["down", "page"], theirs: &[DOWN] },
    ];
    let mut ours = vec![Vec::new(); work.len()];
    let mut theirs = vec![Vec::new(); work.len()];
    for pair in 0..pairs {
        let us = |ours: &mut Vec<Vec<f64>>| {
            for (index, work) in work.iter().enumerate() {
                ours[index].push(timed(place.labrunner(work.ours)).as_secs_f64());
            }
        };
        let them = |theirs: &mut Vec<Vec<f64>>| {
            for (index, work) in work.iter().enumerate() {
                theirs[index].push(work.theirs.iter().map(|words| timed(place.compose(words)).as_secs_f64()).sum());
            }
        };
        // Who goes first changes, so that neither always finds the machine warm.
        if pair % 2 == 0 {
            us(&mut ours);
            them(&mut theirs);
        } else {
            them(&mut theirs);
            us(&mut ours);
        }
    }
    println!("\n{pairs} pairs, redis and a Python page\n");
    println!("| work | labrunner | Compose v2 | ratio | 95 % interval |\n| --- | --- | --- | --- | --- |");
    for (index, work) in work.iter().enumerate() {
        row(work.name, &ours[index], &theirs[index]);
    }
    let mut version = Command::new("docker");
    version.arg("--version");
    let (list, docker): (Vec<f64>, Vec<f64>) = (0..pairs * 3)
        .map(|_| {
            let mut docker = Command::new("docker");
            docker.arg("--version");
            (timed(place.labrunner(&["list"])).as_secs_f64(), timed(docker).as_secs_f64())
        })
        .unzip();
    println!("\n`labrunner list` beside `docker --version`:\n");
    row("list", &list, &docker);
    let (resident, _) = memory(&place.labrunner(&["list"]));
    println!("\nresident memory of `list`: {:.1} MiB", resident as f64 / 1024.0);
    let (resident, _) = memory(&place.labrunner(&["start", "page"]));
    println!("resident memory of `start`: {:.1} MiB", resident as f64 / 1024.0);
    timed(place.labrunner(&["down", "page"]));
    std::process::ExitCode::SUCCESS
}
