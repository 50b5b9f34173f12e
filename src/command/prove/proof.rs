//! `proof.json`: what was proven, of which content of the lab.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::command::Failure;
use crate::lab::Lab;
use crate::lab::view::{CellRow, ProveView};
use crate::workspace::tree::{Content, Tree, ignored};

/// The content of `proof.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Proof {
    schema: u32,
    lab: String,
    digest: String,
    labrunner: String,
    proven: String,
    took_ms: u64,
    cells: Vec<CellRow>,
    /// Checks that failed in no cell, by goal and name.
    pub never_failed: Vec<(String, String)>,
}

impl Proof {
    /// How many rounds it has of all these variants.
    pub fn rounds<'v>(&self, variants: impl Iterator<Item = &'v str> + Clone) -> usize {
        let whole = |round: &usize| variants.clone().all(|variant| self.has(*round, variant));
        (1..).take_while(whole).last().unwrap_or(0)
    }

    /// Whether a variant was judged in a round.
    pub fn has(&self, round: usize, variant: &str) -> bool {
        self.cells.iter().any(|cell| cell.round == round && cell.variant == variant)
    }
}

/// Digest of everything that makes up a lab but the proof itself.
///
/// # Errors
/// A file cannot be read.
pub(in crate::command) fn lab_digest(lab: &Lab) -> Result<String, Failure> {
    digest(lab, &["proof.json"])
}

/// Digest of what a proof is about: everything but the proof itself and the texts for people, which decide nothing.
///
/// # Errors
/// A file cannot be read.
pub(in crate::command) fn provable_digest(lab: &Lab) -> Result<String, Failure> {
    digest(lab, &["proof.json", "README.md", "tasks"])
}

/// Digest of what decides how a workspace is judged: not of texts for people, nor of the solution and its variants.
///
/// # Errors
/// A file cannot be read.
pub(super) fn judging_digest(lab: &Lab) -> Result<String, Failure> {
    let aside =
        ["proof.json", "README.md", "tasks", "solution", "solution.yaml", "near-misses.yaml", "also-right.yaml"];
    digest(lab, &aside)
}

/// Digest of a lab's folder without some of its paths, of the starters that it shares with other labs, and of the
/// goals that it takes from them.
fn digest(lab: &Lab, aside: &[&str]) -> Result<String, Failure> {
    let mut tree = Tree::read(&lab.folder, &ignored(&[]))?;
    tree.0.retain(|path, _| !aside.iter().any(|one| path.starts_with(one)));
    // No file of the folder has such a path, so nothing of the lab's own can stand for what lies outside of it.
    let outside = Path::new("..");
    for layer in lab.starter.iter().filter(|layer| !layer.starts_with(&lab.folder)) {
        let name = layer.file_name().unwrap_or_default();
        let shared = Tree::read(layer, &ignored(&[]))?.0;
        tree.0
            .extend(shared.into_iter().map(|(path, content)| (outside.join("layers").join(name).join(path), content)));
    }
    for (name, goal) in &lab.borrowed {
        let content = Content { bytes: goal.clone().into_bytes(), executable: false };
        tree.0.insert(outside.join(name), content);
    }
    Ok(tree.hash())
}

/// The digest of the content that the lab's proof was written for.
pub fn proven_digest(folder: &Path) -> Option<String> {
    Some(stored(folder)?.digest)
}

fn stored(folder: &Path) -> Option<Proof> {
    serde_json::from_slice(&std::fs::read(folder.join("proof.json")).ok()?).ok()
}

/// The lab's proof, to add rounds to.
///
/// # Errors
/// There is none, or the lab has changed since.
pub(super) fn read(lab: &Lab, digest: &str) -> Result<Proof, Failure> {
    stored(&lab.folder).filter(|proof| proof.digest == digest).ok_or_else(|| {
        Failure::usage(format!("{} has no proof of its present content that rounds could be added to", lab.id))
            .hint("prove it without `--add` first")
    })
}

/// Writes the proof into the lab; what `earlier` has stays in it.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(lab: &Lab, digest: &str, view: &ProveView, earlier: Option<Proof>) -> Result<(), Failure> {
    let path = lab.folder.join("proof.json");
    let mut proof = Proof {
        schema: 2,
        lab: view.lab.clone(),
        digest: digest.to_owned(),
        labrunner: env!("CARGO_PKG_VERSION").to_owned(),
        proven: jiff::Timestamp::now().to_string(),
        took_ms: view.took,
        cells: view.cells.clone(),
        never_failed: view.never_failed.clone(),
    };
    if let Some(earlier) = earlier {
        proof.took_ms += earlier.took_ms;
        proof.cells.splice(0..0, earlier.cells);
        // A round may have been judged in more than one run.
        proof.cells.sort_by_key(|cell| cell.round);
    }
    let text = serde_json::to_string_pretty(&proof).unwrap_or_default() + "\n";
    std::fs::write(&path, text).map_err(|error| Failure::engine(format!("cannot write `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::read::{Variables, read_lab};

    /// A lab that shares a starter with others and takes a goal from one of them.
    fn borrower(labs: &Path) -> Lab {
        let reading = read_lab(&labs.join("borrower"), &Variables::default());
        assert_eq!(reading.findings, Vec::new());
        reading.lab.unwrap()
    }

    #[test]
    fn what_a_lab_takes_from_elsewhere_belongs_to_its_proof() {
        let folder = tempfile::tempdir().unwrap();
        let labs = folder.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| {
            std::fs::create_dir_all(labs.join(path).parent().unwrap()).unwrap();
            std::fs::write(labs.join(path), text).unwrap();
        };
        let begin = |id: &str| {
            format!(
                "format: 1\nid: {id}\nslug: {id}\ntitle: A lab\nmonth: 3\nservices: {{ redis: {{ image: 'redis:8' }} }}\n"
            )
        };
        let lender = |expected: &str| {
            let goal = "goals:\n  - { id: one, title: One, roadmap: A bullet., points: 1, hints: [a, b, c], checks: [\
                { name: kept, steps: [ { redis: { command: [GET, a] }, expect: { value: EXPECTED } } ] } ] }\n";
            begin("lender") + &goal.replace("EXPECTED", expected)
        };
        write("lender/lab.yaml", &lender("1"));
        write("lender/tasks/one.md", "Do it.\n");
        write("lender/starter/a.txt", "a\n");
        write("layers/shop/b.txt", "b\n");
        let goals = "starter: [shop]\ngoals:\n  - use: lender/one\n";
        write("borrower/lab.yaml", &(begin("borrower") + goals));
        let digests = || {
            let lab = borrower(&labs);
            [provable_digest(&lab), judging_digest(&lab), lab_digest(&lab)].map(Result::unwrap)
        };
        let before = digests();
        let changed = |before: &[String]| digests().iter().zip(before).all(|(now, before)| now != before);
        write("lender/README.md", "The lender's own words.\n");
        assert_eq!(digests(), before);
        write("lender/lab.yaml", &lender("2"));
        assert!(changed(&before), "another goal is another proof");
        let before = digests();
        write("layers/shop/b.txt", "c\n");
        assert!(changed(&before), "another starter is another proof");
    }

    #[test]
    fn a_round_counts_when_it_is_whole() {
        let cell = |variant: &str, round| CellRow {
            variant: variant.into(),
            round,
            verdicts: Vec::new(),
            wrong: Vec::new(),
            seed: 1,
            took: 1,
        };
        let mut proof = Proof {
            schema: 2,
            lab: "a".into(),
            digest: String::new(),
            labrunner: String::new(),
            proven: String::new(),
            took_ms: 0,
            cells: vec![cell("starter", 1), cell("solution", 1), cell("solution", 2)],
            never_failed: Vec::new(),
        };
        let variants = || ["starter", "solution"].into_iter();
        assert_eq!(proof.rounds(variants()), 1);
        assert!(proof.has(2, "solution") && !proof.has(2, "starter"));
        proof.cells.push(cell("starter", 2));
        assert_eq!(proof.rounds(variants()), 2);
    }
}
