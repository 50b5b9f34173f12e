//! Practicals in the record.

use rusqlite::{OptionalExtension, params};

use super::{Record, RecordError};
use crate::lab::practical::Practical;

impl Record {
    /// The practical that goes on, with its number.
    ///
    /// # Errors
    /// The database refuses, or holds what this version does not understand.
    pub fn open_practical(&self) -> Result<Option<(i64, Practical)>, RecordError> {
        let sql = "SELECT id, state FROM practical WHERE NOT over ORDER BY id DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
        let found: Option<(i64, String)> = self.connection.query_row(sql, [], row).optional().map_err(self.failed())?;
        found.map(|(id, text)| Ok((id, self.practical(&text)?))).transpose()
    }

    /// Practicals that are over, oldest first.
    ///
    /// # Errors
    /// As [`Record::open_practical`].
    pub fn practicals(&self) -> Result<Vec<Practical>, RecordError> {
        let sql = "SELECT state FROM practical WHERE over ORDER BY id";
        let mut statement = self.connection.prepare(sql).map_err(self.failed())?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(self.failed())?;
        rows.map(|text| self.practical(&text.map_err(self.failed())?)).collect()
    }

    /// Writes one down that begins; returns its number.
    ///
    /// # Errors
    /// The database refuses.
    pub fn begin_practical(&self, practical: &Practical) -> Result<i64, RecordError> {
        let state = serde_json::to_string(practical).unwrap_or_default();
        let sql = "INSERT INTO practical (state, over) VALUES (?1, 0)";
        self.connection.execute(sql, [state]).map_err(self.failed())?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes down how far one is.
    ///
    /// # Errors
    /// The database refuses.
    pub fn keep_practical(&self, id: i64, practical: &Practical, over: bool) -> Result<(), RecordError> {
        let state = serde_json::to_string(practical).unwrap_or_default();
        let sql = "UPDATE practical SET state = ?2, over = ?3 WHERE id = ?1";
        self.connection.execute(sql, params![id, state, over]).map(drop).map_err(self.failed())
    }

    fn practical(&self, text: &str) -> Result<Practical, RecordError> {
        serde_json::from_str(text).map_err(|error| {
            self.failed()(rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::practical::{Candidate, Outcome};

    #[test]
    fn one_goes_on_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record::open(&folder.path().join("record.db")).unwrap();
        assert_eq!(record.open_practical().unwrap(), None);
        let (lab, goal, title) = ("month-4".to_owned(), "wired".to_owned(), "Wired".to_owned());
        let drawn = [Candidate { lab, goal, title, failures: 0, hints: 0, weeks: 0.0, lapsed: false }];
        let mut practical = Practical::new(&drawn, 60, 7, "2026-12-01T10:00:00Z".parse().unwrap());
        let id = record.begin_practical(&practical).unwrap();
        practical.parts[0].outcome = Some(Outcome::Passed);
        record.keep_practical(id, &practical, false).unwrap();
        assert_eq!(record.open_practical().unwrap(), Some((id, practical.clone())));
        record.keep_practical(id, &practical, true).unwrap();
        assert_eq!(record.open_practical().unwrap(), None);
        assert_eq!(record.practicals().unwrap(), [practical]);
    }
}
