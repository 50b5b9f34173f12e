//! One command per environment at a time. The kernel releases the lock, also after SIGKILL.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Why an environment could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another command holds this lab: {holder}")]
    Held { holder: String },
    #[error("cannot use the lock file `{}`: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// Held for as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next one's name is not there yet when the lock is taken; nobody shall read ours meanwhile.
        let _ = self.file.set_len(0);
    }
}

impl Lock {
    /// Takes the lock of the environment whose state is in `folder`, and writes `holder` (a command line)
    /// with the process id into it, so that the next one can name who holds it.
    pub fn take(folder: &Path, holder: &str) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let failed = |source| LockError::File { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(failed)?;
                let holder = if text.trim().is_empty() {
                    "a command that has just begun".into()
                } else {
                    text.trim().to_owned()
                };
                return Err(LockError::Held { holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)).map(drop)).map_err(failed)?;
        write!(file, "`{holder}` (process {})", std::process::id()).map_err(failed)?;
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path(), "labrunner start month-3").unwrap();
        let refused = Lock::take(folder.path(), "labrunner reset").unwrap_err().to_string();
        assert!(refused.contains("labrunner start month-3"), "{refused}");
        drop(first);
        assert!(Lock::take(folder.path(), "labrunner reset").is_ok());
    }
}
