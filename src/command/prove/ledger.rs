//! Cells that were right, kept until the proof of a whole run is written: a run that was cut off, or had a wrong cell,
//! goes on after them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::command::Failure;
use crate::lab::view::CellRow;

/// What is known of one lab's cells.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Of the program that judged, recipes included.
    program: String,
    known: Vec<Known>,
    /// The run was whole and right, and its proof was not asked for: kept for whoever asks for it now.
    #[serde(default)]
    whole: bool,
    /// `None` where nothing is to be kept.
    #[serde(skip)]
    path: Option<PathBuf>,
}

/// A cell, and what it was judged for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Known {
    /// Of all that decides what the cell has to be and what it is.
    pub key: String,
    pub cell: CellRow,
    /// Goal and check of those that failed in it.
    pub failed: BTreeSet<(String, String)>,
}

impl Ledger {
    /// What an earlier run by the same program has left in the file; nothing if `fresh`. A whole run is of use only
    /// to one that will `write` its proof: without that, running again means judging again.
    pub fn open(path: Option<&Path>, fresh: bool, write: bool) -> Self {
        let read = || serde_json::from_slice::<Self>(&std::fs::read(path?).ok()?).ok();
        let of_use = |ledger: &Self| ledger.program == program() && !fresh && (write || !ledger.whole);
        let known = read().filter(of_use).map(|ledger| ledger.known).unwrap_or_default();
        Self { program: program(), known, whole: false, path: path.map(Path::to_owned) }
    }

    /// Takes what is known of this cell and round, if it was right.
    pub fn take(&mut self, key: &str, round: usize) -> Option<Known> {
        let fits = |known: &Known| known.key == key && known.cell.round == round && known.cell.wrong.is_empty();
        let at = self.known.iter().position(fits)?;
        Some(self.known.swap_remove(at))
    }

    /// Begins anew with these cells.
    pub fn begin(&mut self, known: Vec<Known>) {
        self.known = known;
    }

    /// Keeps a cell.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn add(&mut self, known: Known) -> Result<(), Failure> {
        self.known.push(known);
        self.keep()
    }

    fn keep(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let write = || {
            let folder = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, self)?;
            file.persist(path).map_err(|error| error.error)?;
            Ok::<(), std::io::Error>(())
        };
        write().map_err(|error| Failure::engine(format!("cannot write `{}`: {error}", path.display())))
    }

    /// Every cell of this run.
    pub fn cells(&self) -> Vec<CellRow> {
        self.known.iter().map(|known| known.cell.clone()).collect()
    }

    /// Whether a check has failed in one of the cells.
    pub fn failed_somewhere(&self, check: &(String, String)) -> bool {
        self.known.iter().any(|known| known.failed.contains(check))
    }

    /// Keeps a run that is whole and right until its proof is asked for.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.whole = true;
        self.keep()
    }

    /// Forgets a run whose proof is written.
    pub fn forget(&self) {
        // One that stays all the same is used by the next run, which says so.
        let _ = self.path.as_ref().map(std::fs::remove_file);
    }
}

/// Digest of this program, which decides what a check finds.
fn program() -> String {
    static DIGEST: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let make = || {
        let bytes = std::env::current_exe().and_then(std::fs::read).unwrap_or_default();
        hex::encode(&Sha256::digest(bytes)[..8])
    };
    DIGEST.get_or_init(make).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(key: &str, wrong: &[&str]) -> Known {
        let cell = CellRow {
            variant: key.into(),
            round: 1,
            verdicts: Vec::new(),
            wrong: wrong.iter().map(|one| (*one).to_owned()).collect(),
            seed: 1,
            took: 1,
        };
        Known { key: key.into(), cell, failed: [("wired".to_owned(), "it answers".to_owned())].into() }
    }

    #[test]
    fn a_run_goes_on_with_the_right_cells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prove/month-3.json");
        let mut ledger = Ledger::open(Some(&path), false, false);
        ledger.add(known("starter", &[])).unwrap();
        ledger.add(known("solution", &["wired: failed"])).unwrap();
        let mut later = Ledger::open(Some(&path), false, false);
        assert!(later.take("starter", 2).is_none(), "another round");
        assert!(later.take("solution", 1).is_none(), "it was wrong");
        let starter = later.take("starter", 1).unwrap();
        later.begin(vec![starter]);
        assert_eq!(later.cells().len(), 1);
        assert!(later.failed_somewhere(&("wired".into(), "it answers".into())));
        assert!(Ledger::open(Some(&path), true, false).take("starter", 1).is_none(), "it was to begin anew");
        later.finish().unwrap();
        assert!(Ledger::open(Some(&path), false, false).take("starter", 1).is_none(), "the run was whole");
        assert!(Ledger::open(Some(&path), false, true).take("starter", 1).is_some(), "its proof is wanted now");
        later.forget();
        assert!(Ledger::open(Some(&path), false, true).take("starter", 1).is_none(), "its proof is written");
    }
}
