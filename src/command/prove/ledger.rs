//! Cells of a run that was cut off, kept until a run is whole: the next one goes on after them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::command::Failure;
use crate::lab::view::CellRow;

/// What is known of one lab's cells.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Of the lab's content and of this program, recipes included.
    digest: String,
    pub cells: Vec<CellRow>,
    /// Goal and check of those that failed somewhere.
    pub failed: BTreeSet<(String, String)>,
    #[serde(skip)]
    path: PathBuf,
}

impl Ledger {
    /// The right cells of an earlier run of the same lab by the same program; none if `fresh`.
    pub fn open(path: &Path, lab_digest: &str, fresh: bool) -> Self {
        let digest = format!("{lab_digest}-{}", program());
        let read = || serde_json::from_slice::<Self>(&std::fs::read(path).ok()?).ok();
        let mut ledger = match read() {
            Some(known) if known.digest == digest && !fresh => known,
            _ => Self { digest, ..Self::default() },
        };
        ledger.cells.retain(|cell| cell.wrong.is_empty());
        ledger.path = path.to_owned();
        ledger
    }

    /// Whether a cell has been judged already.
    pub fn has(&self, variant: &str, round: usize) -> bool {
        self.cells.iter().any(|cell| cell.variant == variant && cell.round == round)
    }

    /// Keeps a cell.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn add(&mut self, cell: CellRow, failed: impl Iterator<Item = (String, String)>) -> Result<(), Failure> {
        self.cells.push(cell);
        self.failed.extend(failed);
        let write = || {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, self)?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok::<(), std::io::Error>(())
        };
        write().map_err(|error| Failure::engine(format!("cannot write `{}`: {error}", self.path.display())))
    }

    /// Forgets a run that is whole.
    pub fn forget(&self) {
        // One that stays is of a whole run, and judging anew is what the next run is asked for with `--fresh`.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Digest of this program, which decides what a check finds.
fn program() -> String {
    let bytes = std::env::current_exe().and_then(std::fs::read).unwrap_or_default();
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(variant: &str, wrong: &[&str]) -> CellRow {
        CellRow {
            variant: variant.into(),
            round: 1,
            verdicts: Vec::new(),
            wrong: wrong.iter().map(|one| (*one).to_owned()).collect(),
            seed: 1,
            took: 1,
        }
    }

    #[test]
    fn a_run_goes_on_with_the_right_cells_of_the_same_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prove/month-3.json");
        let mut ledger = Ledger::open(&path, "one", false);
        let failed = ("wired".to_owned(), "it answers".to_owned());
        ledger.add(cell("starter", &[]), [failed.clone()].into_iter()).unwrap();
        ledger.add(cell("solution", &["wired: failed"]), std::iter::empty()).unwrap();
        let known = Ledger::open(&path, "one", false);
        assert!(known.has("starter", 1) && !known.has("starter", 2) && !known.has("solution", 1));
        assert!(known.failed.contains(&failed));
        assert!(!Ledger::open(&path, "other", false).has("starter", 1), "the lab is another one");
        assert!(!Ledger::open(&path, "one", true).has("starter", 1), "it was to begin anew");
        known.forget();
        assert!(!Ledger::open(&path, "one", false).has("starter", 1), "the run was whole");
    }
}
