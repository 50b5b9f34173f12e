//! The versions of the record: what each one added, and how a record of an older one becomes the present one.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::RecordError;

const FIRST: &str = "
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, instance TEXT NOT NULL, seed TEXT NOT NULL, began TEXT NOT NULL,
    ended TEXT NOT NULL, workspace_hash TEXT NOT NULL, manifest TEXT NOT NULL, git_commit TEXT, images TEXT NOT NULL);
CREATE TABLE verdict (
    attempt INTEGER NOT NULL REFERENCES attempt(id), goal TEXT NOT NULL, verdict TEXT NOT NULL, points INTEGER NOT NULL,
    already_true INTEGER NOT NULL, message TEXT, detail TEXT NOT NULL, took_ms INTEGER NOT NULL);
CREATE INDEX verdict_of_goal ON verdict(goal, attempt);
CREATE TABLE shown (lab TEXT NOT NULL, goal TEXT NOT NULL, what TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE reset (lab TEXT NOT NULL, instance TEXT NOT NULL, what TEXT NOT NULL, snapshot TEXT, at TEXT NOT NULL);
CREATE TABLE workspace (lab TEXT NOT NULL, instance TEXT NOT NULL, path TEXT NOT NULL, at TEXT NOT NULL);
";
/// Practicals, as JSON: what is asked of them is one at a time. Verdicts are looked for by their attempt, too.
const SECOND: &str = "
CREATE TABLE practical (id INTEGER PRIMARY KEY, state TEXT NOT NULL, over INTEGER NOT NULL);
CREATE INDEX verdict_of_attempt ON verdict(attempt);
";
/// Which workspace was saved: a lab can have had several. Those of before belong to whichever is the lab's now.
const THIRD: &str = "
ALTER TABLE reset ADD COLUMN workspace TEXT;
";

/// Makes the tables that are not there yet.
///
/// # Errors
/// It is newer than this program, or cannot be written.
pub(super) fn bring_up_to_date(path: &Path, connection: &mut Connection) -> Result<(), RecordError> {
    let failed = |source| RecordError::Database { path: path.to_owned(), source };
    let steps = vec![M::up(FIRST), M::up(SECOND), M::up(THIRD)];
    match Migrations::new(steps).to_latest(connection) {
        Ok(()) => Ok(()),
        Err(rusqlite_migration::Error::MigrationDefinition(_)) => Err(RecordError::Newer(path.to_owned())),
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(failed(err)),
        Err(error) => Err(failed(rusqlite::Error::ToSqlConversionFailure(Box::new(error)))),
    }
}

/// Waits until no other command opens the record; holds as long as the file is open. Of several that find it old, or not
/// there yet, one makes it new: SQLite's own locks cover neither the look at its version nor the change of its journal.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn turn(path: &Path) -> Result<File, RecordError> {
    let own = path.with_extension("turn");
    let file = File::create(&own).and_then(|file| file.lock().map(|()| file));
    file.map_err(|source| RecordError::Folder { path: own, source })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tests::{attempt, verdict};
    use super::*;
    use crate::lab::Verdict;
    use crate::record::Record;

    #[test]
    fn eight_that_begin_at_once_make_one_record() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("record.db");
            let open = |path: PathBuf| std::thread::spawn(move || Record::open(&path).map(drop));
            let threads: Vec<_> = (0..8).map(|_| open(path.clone())).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        }
    }

    #[test]
    fn what_version_1_wrote_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        Connection::open(&path).unwrap().execute_batch(include_str!("version_1.sql")).unwrap();
        let mut record = Record::open(&path).unwrap();
        let history = record.history(Some("month-3"), 10).unwrap();
        assert_eq!(history.iter().map(|one| one.seed).collect::<Vec<_>>(), [7, u64::MAX]);
        let state = record.goal_states("month-3").unwrap()["wired"].clone();
        assert_eq!((state.now.as_deref(), state.hints, state.attempts), (Some("passed"), 2, 2));
        assert_eq!(
            record.last_snapshot("month-3", "default", Path::new("/home/ana/shop")).unwrap().as_deref(),
            Some("save-1")
        );
        assert_eq!(record.workspace("month-3", "default").unwrap().as_deref(), Some(Path::new("/home/ana/shop")));
        record.add_attempt(&attempt("3"), &[verdict("wired", Verdict::Failed)]).unwrap();
        assert_eq!(record.history(None, 10).unwrap().len(), 3);
    }

    #[test]
    fn a_newer_record_is_refused_politely() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        Record::open(&path).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Record::open(&path), Err(RecordError::Newer(_))));
    }
}
