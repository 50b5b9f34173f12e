//! A whole year, played as a learner would whose every idea is the solution's: `cargo bench --bench year`.
//!
//! Each lab in the order of the months: started, solved goal by goal and judged after each, looked back at, taken down;
//! then a practical over the year and the portfolio. Ends with an error if a goal is not reached or anything is left on
//! the engine. `LABS` says which labs (`month-1 month-3`), `PORTFOLIO` into which folder the portfolio goes in the end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a year that cannot be played has failed")]
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::disallowed_methods, reason = "a bench has no `cli` that reads its variables")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use labrunner::catalog::read::{Variables, read_lab};
use labrunner::lab::GoalId;
use labrunner::workspace::solution::Solution;
use labrunner::workspace::tree::ignored;
use serde_json::Value;

/// Goals that a practical asks for.
const ASKED: usize = 5;
/// Labs from which a practical can be drawn that counts.
const ENOUGH: usize = 3;

struct Year {
    folder: tempfile::TempDir,
    labs: PathBuf,
}

impl Year {
    fn labrunner(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labrunner"));
        command.args(words).args(["--yes", "--format", "json"]).current_dir(self.folder.path());
        command.env("LABRUNNER_STATE_DIR", self.folder.path().join("state")).env("LABRUNNER_LABS", &self.labs);
        command.output().unwrap()
    }

    /// Runs labrunner, which has to succeed; what it says on stdout.
    fn run(&self, words: &[&str]) -> Value {
        let output = self.labrunner(words);
        let said = || {
            format!("{words:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        };
        assert!(output.status.success(), "{}", said());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said()))
    }

    fn workspace(&self, lab: &str) -> PathBuf {
        self.folder.path().join("workspace").join(lab)
    }
}

impl Drop for Year {
    /// A year that ends early leaves nothing either.
    fn drop(&mut self) {
        self.labrunner(&["down", "--all"]);
    }
}

/// A lab as its folder tells it.
struct Played {
    id: String,
    goals: Vec<GoalId>,
    solution: Solution,
}

impl Played {
    fn read(folder: &Path) -> Self {
        let variables = Variables { workspace: "/workspace".into(), ..Variables::default() };
        let lab = read_lab(folder, &variables).lab.unwrap_or_else(|| panic!("`{}` has mistakes", folder.display()));
        Self {
            id: lab.id.to_string(),
            goals: lab.goals.iter().map(|goal| goal.id.clone()).collect(),
            solution: Solution::read(folder, &lab.starter).unwrap(),
        }
    }

    /// Makes a workspace hold the solution of these goals.
    fn solve(&self, workspace: &Path, goals: &[GoalId]) {
        let solved: BTreeSet<GoalId> = goals.iter().cloned().collect();
        let tree = self.solution.render(&self.goals, &solved).unwrap();
        let kept = ["notes/", "portfolio/"].map(str::to_owned);
        tree.materialise(workspace, &ignored(&kept)).unwrap();
    }
}

fn labs(root: &Path) -> Vec<Played> {
    let wanted = std::env::var("LABS").ok();
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.join("lab.yaml").is_file()).collect();
    folders.sort();
    let labs = folders.iter().map(|folder| Played::read(folder));
    labs.filter(|lab| wanted.as_ref().is_none_or(|wanted| wanted.split_whitespace().any(|one| one == lab.id))).collect()
}

fn month(year: &Year, lab: &Played, before: &[Played]) {
    let began = Instant::now();
    year.run(&["start", &lab.id]);
    let mut resets = 0;
    for (index, goal) in lab.goals.iter().enumerate() {
        if goal.as_str() == "practical" {
            practical(year, before);
        }
        lab.solve(&year.workspace(&lab.id), &lab.goals[..=index]);
        if goal.as_str() == "portfolio" {
            portfolio(year, lab, before);
        }
        // What an earlier goal has made may be in the way, such as a queue with other arguments: tasks say so.
        if !year.labrunner(&["verify", &lab.id, goal.as_str()]).status.success() {
            year.run(&["reset", &lab.id]);
            year.run(&["verify", &lab.id, goal.as_str()]);
            resets += 1;
        }
    }
    year.run(&["retro", &lab.id]);
    // A note that the portfolio shows.
    let notes = year.workspace(&lab.id).join("notes");
    std::fs::create_dir_all(&notes).unwrap();
    let words = "What I would have liked to read before I began, in so many words. ".repeat(15);
    std::fs::write(notes.join("before.md"), format!("# Before {}\n\n{words}\n", lab.id)).unwrap();
    year.run(&["down", &lab.id]);
    println!("| {} | {} | {resets} | {:.0} s |", lab.id, lab.goals.len(), began.elapsed().as_secs_f64());
}

/// Goals of the year under a clock, each solved in the workspace that was made for it.
fn practical(year: &Year, before: &[Played]) {
    let goals = ASKED.to_string();
    let mut asked = year.run(&["review", "--goals", &goals, "--minutes", "180"]);
    while asked["over"] == false {
        let parts = asked["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["outcome"].is_null()).unwrap();
        let lab = before.iter().find(|lab| part["lab"] == lab.id).unwrap();
        lab.solve(Path::new(asked["workspace"].as_str().unwrap()), &lab.goals);
        asked = year.run(&["review", "check"]);
    }
}

fn portfolio(year: &Year, lab: &Played, before: &[Played]) {
    let out = year.workspace(&lab.id).join("portfolio");
    // What the solution has there is that of another year.
    std::fs::remove_dir_all(&out).unwrap();
    year.run(&["portfolio", "--out", out.to_str().unwrap()]);
    for lab in before {
        assert!(out.join(format!("{}.html", lab.id)).is_file(), "{} is not in the portfolio", lab.id);
    }
}

/// Whatever of this year is on the engine.
fn left(year: &Year) -> Vec<String> {
    let owner = format!("label=dev.labrunner.owner={}", year.folder.path().join("state").display());
    let kinds: [&[&str]; 3] = [&["ps", "-aq"], &["network", "ls", "-q"], &["volume", "ls", "-q"]];
    let of = |kind: &[&str]| {
        let output = Command::new("docker").args(kind).args(["--filter", &owner]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    kinds.into_iter().flat_map(|kind| of(kind).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("labs");
    let folder = tempfile::tempdir().unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), mode).unwrap();
    std::fs::create_dir_all(folder.path().join(".labrunner")).unwrap();
    let year = Year { folder, labs: root.clone() };
    let labs = labs(&root);
    println!("| lab | goals | resets | took |\n| --- | --- | --- | --- |");
    for (index, lab) in labs.iter().enumerate() {
        let before = &labs[..index];
        if lab.goals.iter().any(|goal| goal.as_str() == "practical") && before.len() < ENOUGH {
            println!("| {} | not played: it asks for {ENOUGH} labs before it | | |", lab.id);
            continue;
        }
        month(&year, lab, before);
        let report = year.run(&["report", &lab.id]);
        let goals = report["labs"][0]["goals"].as_array().unwrap();
        let reached = goals.iter().filter(|goal| goal["verdict"] == "passed").count();
        assert_eq!(reached, lab.goals.len(), "{report:#}");
    }
    if let Some(out) = std::env::var_os("PORTFOLIO") {
        let out = std::path::absolute(out).unwrap();
        year.run(&["portfolio", "--out", out.to_str().unwrap()]);
    }
    year.run(&["down", "--all"]);
    assert_eq!(left(&year), Vec::<String>::new(), "left on the engine");
    println!("every goal is reached, and nothing is left on the engine");
}
