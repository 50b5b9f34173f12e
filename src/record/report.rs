//! What reports read.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Record, RecordError};

/// The last verdict on a goal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastVerdict {
    pub verdict: Option<String>,
    /// What the learner read when it did not pass.
    pub message: Option<String>,
    pub judged: Option<String>,
}

impl Record {
    /// The last verdict on each goal of a lab.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn last_verdicts(&self, lab: &str) -> Result<BTreeMap<String, LastVerdict>, RecordError> {
        let sql = "SELECT goal, verdict, message, ended FROM verdict JOIN attempt ON attempt.id = attempt
                   WHERE lab = ?1 ORDER BY attempt.id";
        let mut statement = self.connection.prepare(sql).map_err(self.failed())?;
        let rows = statement.query_map(params![lab], |row| {
            let last = LastVerdict { verdict: row.get(1)?, message: row.get(2)?, judged: row.get(3)? };
            Ok((row.get(0)?, last))
        });
        rows.and_then(Iterator::collect).map_err(self.failed())
    }
}
