//! A lab environment of a test's own: state, workspace, instance. Gone when the test ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub struct LabEnv {
    folder: tempfile::TempDir,
    lab: &'static str,
    instance: String,
    reach: &'static str,
    /// `DOCKER_HOST`, where it is not this machine's engine.
    host: Option<String>,
}

impl LabEnv {
    /// For the small lab that most scenarios use.
    pub fn new(name: &str) -> Self {
        Self::of("page", name)
    }

    pub fn of(lab: &'static str, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let unique = folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
        std::fs::create_dir_all(folder.path().join(".labrunner")).unwrap();
        Self { lab, instance: format!("{name}-{unique}"), folder, reach: "auto", host: None }
    }

    /// With services that are reached through a relay.
    pub fn by_relay(mut self) -> Self {
        self.reach = "relay";
        self
    }

    /// On another engine.
    pub fn at(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A copy of some of the tests' labs, to change; returns the folder that holds them.
    pub fn own_labs(&self, names: &[&str]) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/labs");
        let to = self.folder.path().join("labs");
        std::fs::create_dir_all(&to).unwrap();
        for name in names {
            assert!(Command::new("cp").arg("-r").arg(from.join(name)).arg(&to).status().unwrap().success());
        }
        to
    }

    /// Whether a command has left something open.
    pub fn has_intents(&self) -> bool {
        self.intents().exists()
    }

    /// What commands have begun.
    pub fn intents(&self) -> PathBuf {
        self.folder.path().join(format!("state/environments/{}--{}/intents.json", self.lab, self.instance))
    }

    /// The lab's id.
    pub fn lab(&self) -> &'static str {
        self.lab
    }

    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// How many attempts are recorded.
    pub fn attempts(&self) -> usize {
        let history = self.run(&["history", self.lab, "--most", "10000", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&history.out).unwrap();
        json["attempts"].as_array().unwrap().len()
    }

    pub fn workspace(&self) -> PathBuf {
        self.folder.path().join(format!("workspace/{}-{}", self.lab, self.instance))
    }

    /// Names the command that holds the environment.
    pub fn lock_file(&self) -> PathBuf {
        self.folder.path().join(format!("state/environments/{}--{}/lock", self.lab, self.instance))
    }

    /// The name of a container on the engine.
    pub fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.project())
    }

    /// The Compose project.
    pub fn project(&self) -> String {
        format!("labrunner-{}-{}", self.lab, self.instance)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labrunner"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LABRUNNER_STATE_DIR", self.folder.path().join("state"))
            .env("LABRUNNER_LABS", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/labs"))
            .env("LABRUNNER_INSTANCE", &self.instance)
            .env("LABRUNNER_REACH", self.reach)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.envs(self.host.iter().map(|host| ("DOCKER_HOST", host)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Everything on the engine that is labelled for this environment.
    pub fn left(&self) -> Vec<String> {
        Self::left_of(&self.instance)
    }

    /// The same for any instance.
    pub fn left_of(instance: &str) -> Vec<String> {
        let filter = format!("label=dev.labrunner.instance={instance}");
        let kinds: [&[&str]; 3] = [&["ps", "-aq"], &["network", "ls", "-q"], &["volume", "ls", "-q"]];
        kinds
            .iter()
            .flat_map(|kind| {
                let said = docker(&[*kind, &["--filter", &filter]].concat());
                said.out.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Instances of proofs that this environment's commands have begun and not ended.
    pub fn proofs(&self) -> Vec<String> {
        let Ok(known) = std::fs::read_dir(self.folder.path().join("state/environments")) else { return Vec::new() };
        let names = known.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| Some(format!("prove-{}", name.split_once("--prove-")?.1))).collect()
    }

    /// Says hello in the page.
    pub fn solve(&self) {
        let path = self.workspace().join("serve.py");
        let text = std::fs::read_to_string(&path).unwrap().replace("goodbye", "hello");
        std::fs::write(path, text).unwrap();
    }
}

impl Drop for LabEnv {
    fn drop(&mut self) {
        // All that belongs to this state folder, also instances that a test has named itself.
        let _ = self.run(&["down", "--all"]);
    }
}

pub fn docker(arguments: &[&str]) -> Said {
    said(Command::new("docker").args(arguments).output().unwrap())
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Builds an image of ours, unless it is there.
pub fn recipe(env: &LabEnv, image: &str) {
    let built = env.run(&["images", "build", image]);
    assert_eq!(built.code, 0, "{built:?}");
}

/// Whether a server answers on this port of loopback: a published port accepts long before one does.
pub fn speaks_http(port: &str) -> bool {
    use std::io::{Read, Write};
    let ask = || -> std::io::Result<bool> {
        let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}"))?;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(2)))?;
        stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n")?;
        let mut start = [0; 4];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP")
    };
    ask().unwrap_or(false)
}
