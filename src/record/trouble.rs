//! Why the database cannot be used, in the machine's words: SQLite has few for a disk that is full or a folder that
//! cannot be written.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use rusqlite::{Error, ErrorCode};

/// As large as a page of the database.
const PAGE: [u8; 8192] = [0; 8192];

/// What stands in the way: found out by trying to write where the database is.
pub(super) fn reason(path: &Path, error: &Error) -> String {
    let of_the_machine = [
        ErrorCode::SystemIoFailure,
        ErrorCode::CannotOpen,
        ErrorCode::ReadOnly,
        ErrorCode::DiskFull,
        ErrorCode::PermissionDenied,
    ];
    let tried = match error.sqlite_error_code() {
        Some(code) if of_the_machine.contains(&code) => attempt(path),
        _ => Ok(()),
    };
    tried.err().map_or_else(|| error.to_string(), |why| why.to_string())
}

fn attempt(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(&PAGE)?;
    beside.flush()?;
    match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_asked_for_its_words() {
        let refused = |code| Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some("of SQLite".into()));
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("gone/record.db");
        let told = reason(&missing, &refused(rusqlite::ffi::SQLITE_CANTOPEN));
        assert!(told.contains("os error 2"), "{told}");
        let fine = folder.path().join("record.db");
        assert_eq!(reason(&fine, &refused(rusqlite::ffi::SQLITE_CANTOPEN)), "of SQLite");
        assert_eq!(reason(&missing, &refused(rusqlite::ffi::SQLITE_CORRUPT)), "of SQLite");
    }
}
