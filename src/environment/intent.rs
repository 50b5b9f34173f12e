//! What a command is about to do to an environment, written down before it is done.
//!
//! A command that is killed leaves its intents behind; the next command on the same environment reads
//! them first and finishes or undoes each. `start` needs none: what it makes carries labels, and a plan
//! continues from whatever it finds.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Something that has to be finished or undone, whatever happens in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "intent")]
pub enum Intent {
    /// Remove everything of the environment.
    Down,
    /// Make these services anew, their volumes included; empty means all.
    Reset { services: Vec<String> },
    /// A check did this to containers of these services; they have to be brought back.
    Fault { fault: String, services: Vec<String> },
    /// This workspace is being made the starter again; what it was is saved already.
    Starter {
        #[serde(default)]
        workspace: Option<PathBuf>,
    },
    /// This workspace is being replaced by a saved one.
    Workspace {
        snapshot: String,
        #[serde(default)]
        workspace: Option<PathBuf>,
    },
}

/// The intents of one environment, in a file that is replaced as a whole.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

/// The journal could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} the journal `{}`: {source}", path.display())]
pub struct JournalError {
    what: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

impl Intent {
    /// Whether it changes a workspace, and which; `None` inside when an older version has not said it.
    pub fn workspace(&self) -> Option<Option<&Path>> {
        match self {
            Intent::Starter { workspace } | Intent::Workspace { workspace, .. } => Some(workspace.as_deref()),
            _ => None,
        }
    }
}

impl Journal {
    /// The journal of the environment whose state is in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("intents.json") }
    }

    /// What an earlier command has left open, oldest first.
    pub fn open_intents(&self) -> Result<Vec<Intent>, JournalError> {
        let failed = |source| JournalError { what: "read", path: self.path.clone(), source };
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Adds an intent; it is on disk when this returns.
    pub fn begin(&self, intent: &Intent) -> Result<(), JournalError> {
        let mut intents = self.open_intents()?;
        intents.push(intent.clone());
        self.write(&intents)
    }

    /// Takes out one such intent: it was carried out.
    pub fn done(&self, intent: &Intent) -> Result<(), JournalError> {
        let mut intents = self.open_intents()?;
        if let Some(index) = intents.iter().position(|one| one == intent) {
            intents.remove(index);
        }
        self.write(&intents)
    }

    fn write(&self, intents: &[Intent]) -> Result<(), JournalError> {
        let failed = |source| JournalError { what: "write", path: self.path.clone(), source };
        if intents.is_empty() {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer(&mut file, intents).map_err(|error| failed(error.into()))?;
        file.flush().and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_has_begun_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let older = r#"[{"intent":"starter"},{"intent":"workspace","snapshot":"s1"}]"#;
        std::fs::write(folder.path().join("intents.json"), older).unwrap();
        let expected =
            [Intent::Starter { workspace: None }, Intent::Workspace { snapshot: "s1".into(), workspace: None }];
        assert_eq!(Journal::new(folder.path()).open_intents().unwrap(), expected);
    }

    #[test]
    fn intents_stay_until_they_are_done() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path());
        let stop = Intent::Fault { fault: "stop".into(), services: vec!["worker".into()] };
        journal.begin(&stop).unwrap();
        journal.begin(&Intent::Down).unwrap();
        assert_eq!(Journal::new(folder.path()).open_intents().unwrap(), [stop.clone(), Intent::Down]);
        journal.done(&stop).unwrap();
        journal.done(&Intent::Down).unwrap();
        assert_eq!(journal.open_intents().unwrap(), []);
    }
}
