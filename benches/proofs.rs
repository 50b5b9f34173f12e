//! Proves every lab anew and says how long each takes: `cargo bench --bench proofs`.
//!
//! Goes on where it was cut off: labs that are done and cells that were right are kept below `target/proofs` until the
//! lab or the program changes. `ROUNDS` sets how often each cell is judged (1), `BUDGET` how long this run may take
//! (such as `50m`), `LABS` which labs (`month-3 month-4`). Ends with an error if a cell is wrong.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::disallowed_methods, reason = "a bench has no `cli` that reads its variables")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

/// A lab's folder and id.
fn labs(root: &Path) -> Vec<(PathBuf, String)> {
    let wanted = std::env::var("LABS").ok();
    let mut found: Vec<(PathBuf, String)> = std::fs::read_dir(root.join("labs"))
        .unwrap()
        .filter_map(|entry| {
            let folder = entry.unwrap().path();
            let text = std::fs::read_to_string(folder.join("lab.yaml")).ok()?;
            let id = text.lines().find_map(|line| line.strip_prefix("id: "))?.trim().to_owned();
            Some((folder, id))
        })
        .filter(|(_, id)| wanted.as_ref().is_none_or(|wanted| wanted.split_whitespace().any(|one| one == id)))
        .collect();
    found.sort();
    found
}

/// What decides whether a result still holds: the lab's content and how often it was judged.
fn mark(folder: &Path, rounds: &str) -> Value {
    let proof = std::fs::read(folder.join("proof.json")).unwrap_or_default();
    let proof: Value = serde_json::from_slice(&proof).unwrap_or_default();
    json!({ "digest": proof["digest"], "rounds": rounds })
}

fn minutes(milliseconds: u64) -> String {
    format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60)
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = root.join("target/proofs");
    std::fs::create_dir_all(kept.join("course/.labrunner")).unwrap();
    let variable = |name: &str| std::env::var(name).ok();
    let rounds = variable("ROUNDS").unwrap_or_else(|| "1".into());
    let began = Instant::now();
    let mut good = true;
    println!("| lab | cells | wrong | not run | this run | cells one after the other |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (folder, id) in labs(root) {
        let (done, mark) = (kept.join(format!("{id}.json")), mark(&folder, &rounds));
        let known = std::fs::read(&done).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        if let Some(known) = known.filter(|known| known["mark"] == mark) {
            println!("{} (known)", known["row"].as_str().unwrap());
            continue;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_labrunner"));
        command.args(["lab", "prove", &id, "--yes", "--format", "json", "--repeat", &rounds]);
        command.arg("--labs").arg(root.join("labs")).current_dir(kept.join("course"));
        command.env("LABRUNNER_STATE_DIR", kept.join("state")).stderr(Stdio::inherit());
        if let Some(budget) = variable("BUDGET") {
            let whole = whole_minutes(&budget);
            let left = whole.saturating_sub(began.elapsed().as_secs() / 60);
            command.args(["--budget", &format!("{left}m")]);
        }
        let output = command.output().unwrap();
        let Ok(view) = serde_json::from_slice::<Value>(&output.stdout) else {
            println!("| {id} | it could not be proven: {} |", output.status);
            good = false;
            continue;
        };
        let lab = &view["labs"][0];
        let cells = lab["cells"].as_array().unwrap();
        let wrong = cells.iter().filter(|cell| cell["wrong"].as_array().is_some_and(|wrong| !wrong.is_empty())).count();
        let not_run = lab["not_run"].as_array().map_or(0, Vec::len);
        let sum: u64 = cells.iter().filter_map(|cell| cell["took"].as_u64()).sum();
        let took = minutes(lab["took"].as_u64().unwrap_or(0));
        let row = format!("| {id} | {} | {wrong} | {not_run} | {took} | {} |", cells.len(), minutes(sum));
        println!("{row}");
        good &= wrong == 0;
        if wrong == 0 && not_run == 0 {
            std::fs::write(done, json!({ "mark": mark, "row": row }).to_string()).unwrap();
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whole minutes of `50m` or `2h`.
fn whole_minutes(text: &str) -> u64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().expect("BUDGET is a number of minutes or hours, such as 50m");
    if unit == "h" { number * 60 } else { number }
}
