//! What is remembered of an environment between commands, beside what the engine itself knows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// Facts about a running environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    pub generation: u64,
    pub subnet: Option<String>,
    /// Host ports that were free when the asked ones were not: `service:port`.
    pub ports: BTreeMap<String, u16>,
    /// Workspace content that each learner's container runs: container id to hash.
    pub running_code: BTreeMap<String, String>,
    /// Containers that have been seen ready.
    pub ready: BTreeSet<String>,
    /// How long each service took from start to ready, the last time, in milliseconds.
    pub took: BTreeMap<String, u64>,
    /// The service of the lab that was down the last time, after it had been made anew.
    pub troubled: Option<String>,
    /// What services held when they were new: container id to fingerprint.
    pub baselines: BTreeMap<String, String>,
    /// What services hold that begin with first data: its volume to fingerprint.
    pub first_baselines: BTreeMap<String, String>,
    /// Whether services are reached through a relay; `None` until it was decided.
    pub relay: Option<bool>,
    /// Whether the engine behind this machine's socket sees this machine's files; `None` until it was asked.
    pub files_seen: Option<bool>,
    /// Whether files were copied to the engine, the last time.
    pub copied: bool,
    /// What was copied: volume to path to hash.
    pub carried: BTreeMap<String, BTreeMap<String, String>>,
    /// Where images came from.
    pub sources: BTreeMap<String, String>,
}

impl Notes {
    /// Reads the notes; missing or damaged ones are empty, because everything in them can be found out again.
    pub fn read(folder: &Path) -> Self {
        std::fs::read(folder.join("notes.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Writes the notes as a whole.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join("notes.json");
        let write = || {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok::<(), std::io::Error>(())
        };
        write().map_err(|error| Failure::engine(format!("cannot write `{}`: {error}", path.display())))
    }
}
