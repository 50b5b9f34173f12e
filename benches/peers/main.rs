//! labrunner beside what one would use instead, in interleaved pairs: `cargo bench --bench peers`.
//!
//! Measures every row that `docs/performance.md` has, and writes that page with its curves. Asserts nothing: a row that
//! does not reach its goal says so. Needs an engine, Compose v2 (`docker compose`, or its path in `COMPOSE`), hurl (or
//! its path in `HURL`) and python3; `PAIRS` sets how many pairs (15), `DOCS` where the page goes (`docs`).

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "what is going on is worth a line")]
#![expect(clippy::disallowed_methods, reason = "a bench has no `cli` that reads its variables")]

mod checks;
mod floor;
mod growth;
mod measure;
mod page;
mod place;
mod stacks;

use std::path::Path;
use std::process::{Command, ExitCode};

use measure::{Row, in_turn, seconds};
use place::{Compose, Place};

fn main() -> ExitCode {
    let pairs: usize = std::env::var("PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let hurl = std::env::var("HURL").unwrap_or_else(|_| "hurl".into());
    let Some(compose) = Compose::find() else {
        println!("Docker Compose v2 is not here: install it, or say where it is with COMPOSE=…; nothing was measured");
        return ExitCode::FAILURE;
    };
    let Some(hurl_version) = version(&hurl, "--version") else {
        println!("hurl is not here: `cargo install hurl`, or say where it is with HURL=…; nothing was measured");
        return ExitCode::FAILURE;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let labs = root.join("benches/peers/labs");
    let place = Place::new(&labs);
    let mut rows = Vec::new();
    println!("redis + rabbitmq + postgres …");
    rows.extend(stacks::rows(&place, &compose, "trio", &stacks::Goals { start: 0.95, reset: 0.10 }, pairs));
    println!("redis + postgres + Django …");
    rows.extend(stacks::rows(&place, &compose, "shop", &stacks::Goals { start: 0.45, reset: 0.30 }, pairs));
    println!("checks …");
    let (checks, watch) = checks::rows(&hurl, pairs);
    rows.extend(checks);
    println!("list …");
    rows.push(list(pairs * 3));
    println!("memory …");
    let memory = [["start", "shop"], ["verify", "shop"], ["down", "shop"], ["start", "trio"], ["down", "trio"]];
    let memory = memory.iter().map(|words| (words.join(" "), resident(&place.labrunner(words)))).collect();
    println!("growth …");
    let mut curves = Vec::from(growth::environments(&place));
    curves.extend(growth::labs());
    curves.push(growth::records(&labs));
    curves.push(growth::steps());
    let engine = Command::new("docker").args(["version", "-f", "{{.Server.Version}}"]).output().unwrap();
    let versions = vec![
        ("labrunner", env!("CARGO_PKG_VERSION").to_owned()),
        ("Docker engine", String::from_utf8_lossy(&engine.stdout).trim().to_owned()),
        ("Compose", compose.version.clone()),
        ("hurl", hurl_version),
    ];
    let results = page::Results { rows, memory, watch, curves, versions, pairs };
    let docs = std::env::var("DOCS").map_or_else(|_| root.join("docs"), Into::into);
    std::fs::create_dir_all(&docs).unwrap();
    page::write(&docs, &results).unwrap();
    println!("{}", std::fs::read_to_string(docs.join("performance.md")).unwrap());
    ExitCode::SUCCESS
}

fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned)
}

/// Twelve labs, as a year has.
fn list(pairs: usize) -> Row {
    let mut place = Place::new(Path::new(""));
    place.labs = place.folder().join("labs");
    let light = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/labs/month-03-light");
    for month in 1..=12 {
        let lab = place.labs.join(format!("month-{month:02}-light"));
        std::fs::create_dir_all(&lab).unwrap();
        std::os::unix::fs::symlink(light.join("tasks"), lab.join("tasks")).unwrap();
        let text = std::fs::read_to_string(light.join("lab.yaml")).unwrap();
        let text =
            text.replace("id: light", &format!("id: light-{month}")).replace("month: 3", &format!("month: {month}"));
        std::fs::write(lab.join("lab.yaml"), text.replace("bench-light", &format!("bench-{month}"))).unwrap();
    }
    let docker = || {
        let mut docker = Command::new("docker");
        docker.arg("--version");
        seconds(docker)
    };
    let (ours, theirs) = in_turn(pairs, || seconds(place.labrunner(&["list"])), docker);
    Row { work: "list, 12 labs".into(), ours, theirs, other: "`docker --version`", goal: Some(1.0) }
}

/// Largest resident memory of a command in MiB, as the kernel counted it.
fn resident(command: &Command) -> f64 {
    let program = "import resource,subprocess,sys\n\
                   subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)\n\
                   print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let mut measured = Command::new("python3");
    measured.args(["-c", program]).arg(command.get_program()).args(command.get_args());
    measured.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        measured.current_dir(folder);
    }
    let output = measured.output().unwrap();
    let kib: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    kib / 1024.0
}
