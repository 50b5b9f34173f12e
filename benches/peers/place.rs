//! A labrunner of the bench's own, and Compose beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// State, workspaces and labs in a folder that goes with the bench.
pub struct Place {
    folder: tempfile::TempDir,
    pub labs: PathBuf,
}

impl Place {
    pub fn new(labs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        std::fs::create_dir_all(folder.path().join(".labrunner")).unwrap();
        Self { folder, labs: labs.to_owned() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn labrunner(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labrunner"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("LABRUNNER_STATE_DIR", self.folder.path().join("state"))
            .env("LABRUNNER_LABS", &self.labs)
            .env("LABRUNNER_INSTANCE", "bench");
        command
    }

    /// The name of a container.
    pub fn container(lab: &str, service: &str) -> String {
        format!("labrunner-{lab}-bench-{service}-1")
    }
}

/// A line of what the engine tells of a container or image.
pub fn inspect(what: &str, format: &str) -> String {
    let output = Command::new("docker").args(["inspect", "-f", format, what]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Compose v2 with one file.
pub struct Compose {
    words: Vec<String>,
    pub version: String,
    file: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Compose {
    /// `docker compose`, or its path in COMPOSE; `None` when it is not here.
    pub fn find() -> Option<Self> {
        let candidates = match std::env::var("COMPOSE") {
            Ok(path) => vec![vec![path]],
            Err(_) => vec![vec!["docker".to_owned(), "compose".to_owned()], vec!["docker-compose".to_owned()]],
        };
        candidates.into_iter().find_map(|words| {
            let output = Command::new(&words[0]).args(&words[1..]).args(["version", "--short"]).output().ok()?;
            let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
            let fits = output.status.success() && version.starts_with(['2', '5']);
            fits.then(|| Self { words, version, file: PathBuf::new(), environment: Vec::new() })
        })
    }

    /// For a file, with values for its variables.
    pub fn of(&self, file: &str, environment: Vec<(&'static str, String)>) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(file);
        Self { words: self.words.clone(), version: self.version.clone(), file, environment }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).args(["-p", "labrunner-bench-peer", "-f"]).arg(&self.file).args(words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}
