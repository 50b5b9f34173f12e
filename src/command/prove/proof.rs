//! `proof.json`: what was proven, of which content of the lab.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::command::Failure;
use crate::lab::Lab;
use crate::lab::view::{CellRow, ProveView};
use crate::workspace::tree::{Tree, ignored};

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

/// Digest of everything in a lab's folder but the proof itself.
///
/// # Errors
/// A file cannot be read.
pub fn lab_digest(folder: &Path) -> Result<String, Failure> {
    let mut tree = Tree::read(folder, &ignored(&[]))?;
    tree.0.remove(Path::new("proof.json"));
    Ok(tree.hash())
}

/// Digest of what a proof is about: everything but the proof itself and the texts for people, which decide nothing.
///
/// # Errors
/// A file cannot be read.
pub(in crate::command) fn provable_digest(folder: &Path) -> Result<String, Failure> {
    let mut tree = Tree::read(folder, &ignored(&[]))?;
    tree.0.retain(|path, _| !["proof.json", "README.md", "tasks"].iter().any(|one| path.starts_with(one)));
    Ok(tree.hash())
}

/// Digest of what decides how a workspace is judged: not of texts for people, nor of the solution and its variants.
///
/// # Errors
/// A file cannot be read.
pub(super) fn judging_digest(folder: &Path) -> Result<String, Failure> {
    let mut tree = Tree::read(folder, &ignored(&[]))?;
    let aside =
        ["proof.json", "README.md", "tasks", "solution", "solution.yaml", "near-misses.yaml", "also-right.yaml"];
    tree.0.retain(|path, _| !aside.iter().any(|one| path.starts_with(one)));
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
