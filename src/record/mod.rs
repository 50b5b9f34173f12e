//! Verdicts to memory: SQLite, append-only. The only home of rusqlite.

mod practicals;
mod report;
mod trouble;
mod versions;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use crate::lab::Verdict;

/// The record could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record `{}` was made by a newer labrunner; update this one", .0.display())]
    Newer(PathBuf),
    #[error("cannot use the record `{}`: {}", path.display(), trouble::reason(path, source))]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("cannot create `{}`: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
}

/// The database of everything that was judged, shown and reset.
pub struct Record {
    path: PathBuf,
    connection: Connection,
}

/// A judged goal, to be written down.
#[derive(Debug, Clone)]
pub struct NewVerdict {
    pub goal: String,
    pub verdict: Verdict,
    pub points: u32,
    pub already_true: bool,
    pub message: Option<String>,
    /// Checks, steps and observations, as JSON.
    pub detail: String,
    pub took: Duration,
}

/// A round of judging, to be written down.
#[derive(Debug, Clone, Default)]
pub struct NewAttempt {
    pub lab: String,
    pub instance: String,
    pub seed: u64,
    /// RFC 3339, UTC.
    pub began: String,
    pub ended: String,
    pub workspace_hash: String,
    /// File hashes of the workspace, as JSON.
    pub manifest: String,
    pub git_commit: Option<String>,
    pub images: String,
}

/// What is known of a goal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GoalState {
    /// When it passed for the first time.
    pub ever: Option<String>,
    /// The last verdict that was decided: passed or failed.
    pub now: Option<String>,
    pub now_since: Option<String>,
    pub attempts: u32,
    pub hints: u32,
}

/// One attempt, as `history` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptRow {
    pub id: i64,
    pub lab: String,
    pub instance: String,
    pub began: String,
    pub seed: u64,
    pub workspace_hash: String,
    /// Goal and verdict.
    pub verdicts: Vec<(String, String)>,
}

/// What a goal last passed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastPass {
    /// Hash of each file of the workspace.
    pub files: BTreeMap<String, String>,
    /// Id of each service's image.
    pub images: BTreeMap<String, String>,
}

impl Record {
    /// Opens the record, making or migrating it as needed.
    ///
    /// # Errors
    /// It is newer than this program, damaged, or its folder cannot be written.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let failed = |source| RecordError::Database { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| RecordError::Folder { path: folder.to_owned(), source })?;
        }
        let _turn = versions::turn(path)?;
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        versions::bring_up_to_date(path, &mut connection)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> RecordError + '_ {
        |source| RecordError::Database { path: self.path.clone(), source }
    }

    /// Writes an attempt with its verdicts, all or nothing. An interrupted attempt is never written.
    ///
    /// # Errors
    /// The database refuses.
    pub fn add_attempt(&mut self, attempt: &NewAttempt, verdicts: &[NewVerdict]) -> Result<i64, RecordError> {
        let path = self.path.clone();
        let failed = |source| RecordError::Database { path: path.clone(), source };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction
            .execute(
                "INSERT INTO attempt (lab, instance, seed, began, ended, workspace_hash, manifest, git_commit, images)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    attempt.lab,
                    attempt.instance,
                    attempt.seed.to_string(),
                    attempt.began,
                    attempt.ended,
                    attempt.workspace_hash,
                    attempt.manifest,
                    attempt.git_commit,
                    attempt.images
                ],
            )
            .map_err(failed)?;
        let id = transaction.last_insert_rowid();
        for verdict in verdicts {
            transaction
                .execute(
                    "INSERT INTO verdict VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        id,
                        verdict.goal,
                        verdict.verdict.word(),
                        verdict.points,
                        verdict.already_true,
                        verdict.message,
                        verdict.detail,
                        i64::try_from(verdict.took.as_millis()).unwrap_or(i64::MAX)
                    ],
                )
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(id)
    }

    /// What is known of each goal of a lab. Undecided, blocked and defect verdicts change nothing.
    ///
    /// # Errors
    /// The database refuses.
    pub fn goal_states(&self, lab: &str) -> Result<BTreeMap<String, GoalState>, RecordError> {
        let mut states: BTreeMap<String, GoalState> = BTreeMap::new();
        let sql = "SELECT goal, verdict, ended, already_true FROM verdict JOIN attempt ON attempt.id = attempt
                   WHERE lab = ?1 ORDER BY attempt.id";
        let mut statement = self.connection.prepare(sql).map_err(self.failed())?;
        let rows = statement.query_map([lab], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, bool>(3)?))
        });
        for row in rows.map_err(self.failed())? {
            let (goal, verdict, ended, already_true) = row.map_err(self.failed())?;
            let state = states.entry(goal).or_default();
            state.attempts += 1;
            if already_true || !matches!(verdict.as_str(), "passed" | "failed") {
                continue;
            }
            if verdict == "passed" {
                state.ever.get_or_insert(ended.clone());
            }
            if state.now.as_deref() != Some(&verdict) {
                state.now_since = Some(ended);
            }
            state.now = Some(verdict);
        }
        let mut statement = self
            .connection
            .prepare("SELECT goal, max(number) FROM shown WHERE lab = ?1 AND what = 'hint' GROUP BY goal")
            .map_err(self.failed())?;
        let rows = statement.query_map([lab], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)));
        for row in rows.map_err(self.failed())? {
            let (goal, hints) = row.map_err(self.failed())?;
            states.entry(goal).or_default().hints = hints;
        }
        Ok(states)
    }

    /// What the goal last passed with.
    ///
    /// # Errors
    /// The database refuses.
    pub fn last_pass(&self, lab: &str, goal: &str) -> Result<Option<LastPass>, RecordError> {
        let sql = "SELECT manifest, images FROM verdict JOIN attempt ON attempt.id = attempt
                   WHERE lab = ?1 AND goal = ?2 AND verdict = 'passed' AND already_true = 0 ORDER BY attempt.id DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let found = self.connection.query_row(sql, params![lab, goal], row).optional().map_err(self.failed())?;
        let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Ok(found.map(|(files, images)| LastPass { files: read(&files), images: read(&images) }))
    }

    /// Notes that a hint or solution was shown; `number` counts from 1.
    ///
    /// # Errors
    /// The database refuses.
    pub fn add_shown(&self, lab: &str, goal: &str, what: &str, number: u32, at: &str) -> Result<(), RecordError> {
        let sql = "INSERT INTO shown VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.execute(sql, params![lab, goal, what, number, at]).map(drop).map_err(self.failed())
    }

    /// Notes a reset; `saved` is the name of the save and the workspace that was saved, if one was.
    ///
    /// # Errors
    /// The database refuses.
    pub fn add_reset(
        &self,
        lab: &str,
        instance: &str,
        what: &str,
        saved: Option<(&str, &Path)>,
        at: &str,
    ) -> Result<(), RecordError> {
        let sql = "INSERT INTO reset (lab, instance, what, snapshot, at, workspace) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (snapshot, workspace) = saved.unzip();
        let workspace = workspace.map(Path::to_string_lossy);
        self.connection
            .execute(sql, params![lab, instance, what, snapshot, at, workspace])
            .map(drop)
            .map_err(self.failed())
    }

    /// How often anything of a lab was reset.
    ///
    /// # Errors
    /// The database refuses.
    pub fn resets(&self, lab: &str) -> Result<u32, RecordError> {
        let sql = "SELECT count(*) FROM reset WHERE lab = ?1";
        self.connection.query_row(sql, [lab], |row| row.get(0)).map_err(self.failed())
    }

    /// The last save of this workspace.
    ///
    /// # Errors
    /// The database refuses.
    pub fn last_snapshot(&self, lab: &str, instance: &str, workspace: &Path) -> Result<Option<String>, RecordError> {
        let sql = "SELECT snapshot FROM reset WHERE lab = ?1 AND instance = ?2 AND snapshot IS NOT NULL \
                   AND (workspace IS NULL OR workspace = ?3) ORDER BY rowid DESC LIMIT 1";
        let values = params![lab, instance, workspace.to_string_lossy()];
        self.connection.query_row(sql, values, |row| row.get(0)).optional().map_err(self.failed())
    }

    /// Remembers where a lab's workspace is.
    ///
    /// # Errors
    /// The database refuses.
    pub fn set_workspace(&self, lab: &str, instance: &str, path: &Path, at: &str) -> Result<(), RecordError> {
        let sql = "INSERT INTO workspace VALUES (?1, ?2, ?3, ?4)";
        let path = path.to_string_lossy();
        self.connection.execute(sql, params![lab, instance, path, at]).map(drop).map_err(self.failed())
    }

    /// Where a lab's workspace is, if it was told.
    ///
    /// # Errors
    /// The database refuses.
    pub fn workspace(&self, lab: &str, instance: &str) -> Result<Option<PathBuf>, RecordError> {
        let sql = "SELECT path FROM workspace WHERE lab = ?1 AND instance = ?2 ORDER BY rowid DESC LIMIT 1";
        let path: Option<String> = self
            .connection
            .query_row(sql, params![lab, instance], |row| row.get(0))
            .optional()
            .map_err(self.failed())?;
        Ok(path.map(PathBuf::from))
    }

    /// The last attempts, newest first.
    ///
    /// # Errors
    /// The database refuses.
    pub fn history(&self, lab: Option<&str>, most: u32) -> Result<Vec<AttemptRow>, RecordError> {
        let sql = "SELECT id, lab, instance, began, seed, workspace_hash FROM attempt WHERE ?1 IS NULL OR lab = ?1 ORDER BY id DESC LIMIT ?2";
        let mut statement = self.connection.prepare(sql).map_err(self.failed())?;
        let rows = statement.query_map(params![lab, most], |row| {
            Ok(AttemptRow {
                id: row.get(0)?,
                lab: row.get(1)?,
                instance: row.get(2)?,
                began: row.get(3)?,
                seed: row.get::<_, String>(4)?.parse().unwrap_or(0),
                workspace_hash: row.get(5)?,
                verdicts: Vec::new(),
            })
        });
        let mut attempts: Vec<AttemptRow> =
            rows.map_err(self.failed())?.collect::<Result<_, _>>().map_err(self.failed())?;
        // All at once: a statement for each attempt costs more than the verdicts of other labs in between.
        let first = attempts.last().map_or(0, |attempt| attempt.id);
        let sql = "SELECT attempt, goal, verdict FROM verdict WHERE attempt >= ?1 ORDER BY attempt, rowid";
        let mut statement = self.connection.prepare(sql).map_err(self.failed())?;
        let rows = statement.query_map([first], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        let mut verdicts: HashMap<i64, Vec<(String, String)>> = HashMap::new();
        for row in rows.map_err(self.failed())? {
            let (attempt, verdict) = row.map_err(self.failed())?;
            verdicts.entry(attempt).or_default().push(verdict);
        }
        for attempt in &mut attempts {
            attempt.verdicts = verdicts.remove(&attempt.id).unwrap_or_default();
        }
        Ok(attempts)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) fn verdict(goal: &str, verdict: Verdict) -> NewVerdict {
        let took = Duration::from_millis(5);
        NewVerdict {
            goal: goal.into(),
            verdict,
            points: 10,
            already_true: false,
            message: None,
            detail: "{}".into(),
            took,
        }
    }

    pub(super) fn attempt(ended: &str) -> NewAttempt {
        NewAttempt {
            lab: "month-3".into(),
            instance: "default".into(),
            ended: ended.into(),
            manifest: "{}".into(),
            ..Default::default()
        }
    }

    #[test]
    fn ever_and_now_are_two_facts_and_undecided_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(&folder.path().join("record.db")).unwrap();
        for (at, what) in
            [("1", Verdict::Passed), ("2", Verdict::Failed), ("3", Verdict::Undecided), ("4", Verdict::Blocked)]
        {
            record.add_attempt(&attempt(at), &[verdict("a", what)]).unwrap();
        }
        let state = record.goal_states("month-3").unwrap()["a"].clone();
        assert_eq!(
            (state.ever.as_deref(), state.now.as_deref(), state.now_since.as_deref()),
            (Some("1"), Some("failed"), Some("2"))
        );
        assert_eq!(record.history(Some("month-3"), 10).unwrap().len(), 4);
    }

    #[test]
    fn each_attempt_has_the_verdicts_that_are_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(&folder.path().join("record.db")).unwrap();
        let of = |lab: &str| NewAttempt { lab: lab.into(), ..attempt("1") };
        for (lab, goals) in [("month-3", &["a", "b"][..]), ("month-4", &["c"]), ("month-3", &[]), ("month-3", &["b"])] {
            let verdicts: Vec<_> = goals.iter().map(|goal| verdict(goal, Verdict::Passed)).collect();
            record.add_attempt(&of(lab), &verdicts).unwrap();
        }
        let history = record.history(Some("month-3"), 10).unwrap();
        let goals = |at: usize| history[at].verdicts.iter().map(|(goal, _)| goal.as_str()).collect::<String>();
        assert_eq!([goals(0), goals(1), goals(2)], ["b", "", "ab"]);
        assert_eq!(record.history(None, 3).unwrap()[2].verdicts, [("c".to_owned(), "passed".to_owned())]);
    }

    #[test]
    fn two_writers_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        drop(Record::open(&path).unwrap());
        let write = |path: PathBuf| {
            move || {
                let mut record = Record::open(&path).unwrap();
                for _ in 0..50 {
                    record.add_attempt(&attempt("x"), &[verdict("a", Verdict::Passed)]).unwrap();
                }
            }
        };
        let threads = [std::thread::spawn(write(path.clone())), std::thread::spawn(write(path.clone()))];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(Record::open(&path).unwrap().history(None, 1000).unwrap().len(), 100);
    }
}
