//! The machine: what is missing for labs to run on it, and the exact commands that repair it. Knows no labs.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What was found out about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `ID` of os-release(5).
    pub system: String,
    pub root: bool,
    pub sudo: bool,
    pub systemd: bool,
    pub dockerd: bool,
    pub mmdebstrap: bool,
    pub keyring: bool,
}

impl Machine {
    /// Looks at this machine. `path` is the search path of commands.
    pub fn look(path: &str) -> Self {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let system = release.lines().find_map(|line| line.strip_prefix("ID=")).unwrap_or(std::env::consts::OS);
        let has = |name: &str| {
            path.split(':').chain(["/usr/sbin", "/sbin"]).any(|folder| Path::new(folder).join(name).is_file())
        };
        Self {
            system: system.trim_matches('"').to_owned(),
            root: rustix::process::geteuid().is_root(),
            sudo: has("sudo"),
            systemd: Path::new("/run/systemd/system").is_dir(),
            dockerd: has("dockerd"),
            mmdebstrap: has("mmdebstrap"),
            keyring: Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").is_file(),
        }
    }

    fn is_debian(&self) -> bool {
        matches!(self.system.as_str(), "debian" | "ubuntu")
    }

    /// The commands that install packages; `Err` are steps for a person, where we cannot do it ourselves.
    pub fn install(&self, packages: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let list = packages.join(" ");
        if !self.is_debian() {
            return Err(match self.system.as_str() {
                "fedora" | "rhel" | "centos" => format!(
                    "install them by hand: `sudo dnf install moby-engine`, `sudo systemctl enable --now docker` (asked for: {list})"
                ),
                "macos" => "install Docker Desktop and start it".into(),
                other => format!(
                    "on `{other}`, install Docker's engine as its documentation says, and start it (asked for: {list})"
                ),
            });
        }
        let prefix: &[&str] = match (self.root, self.sudo) {
            (true, _) => &[],
            (false, true) => &["sudo"],
            (false, false) => return Err(format!("as root, run `apt-get update && apt-get install -y {list}`")),
        };
        let command = |words: &[&str]| prefix.iter().chain(words).map(|word| (*word).to_owned()).collect();
        let install: Vec<&str> =
            ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"]
                .into_iter()
                .chain(packages.iter().copied())
                .collect();
        Ok(vec![command(&["apt-get", "update"]), command(&install)])
    }

    /// The packages that recipes need and this machine lacks.
    pub fn missing_for_recipes(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.mmdebstrap {
            missing.push("mmdebstrap");
        }
        if !self.keyring {
            missing.push("debian-archive-keyring");
        }
        missing
    }

    /// The command that starts the engine in the background.
    pub fn start_engine(&self) -> Vec<String> {
        let words: &[&str] = match (self.systemd, self.root) {
            (true, true) => &["systemctl", "start", "docker"],
            (true, false) => &["sudo", "systemctl", "start", "docker"],
            (false, true) => &["setsid", "-f", "dockerd"],
            (false, false) => &["sudo", "setsid", "-f", "dockerd"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// Runs a command to its end, its output into `log`.
///
/// # Errors
/// It cannot be run or fails; the last lines of its output are in the error.
pub fn run(words: &[String], log: &Path) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let failed = |error: std::io::Error| format!("`{}` cannot be run: {error}", words.join(" "));
    let file = std::fs::File::create(log).map_err(failed)?;
    let errors = file.try_clone().map_err(failed)?;
    let mut command = std::process::Command::new(program);
    let status = command.args(arguments).stdin(Stdio::null()).stdout(file).stderr(errors).status().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    Err(format!("`{}` ended with {status}:\n{}", words.join(" "), lines[lines.len().saturating_sub(10)..].join("\n")))
}

/// Waits until something listens on the engine's socket.
///
/// # Errors
/// Nothing does within `limit`.
pub fn wait_for_socket(path: &str, limit: Duration) -> Result<(), String> {
    let began = Instant::now();
    while std::os::unix::net::UnixStream::connect(path).is_err() {
        if began.elapsed() > limit {
            return Err(format!("the engine was started and does not answer at `{path}` after {} s", limit.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A Debian mirror: the one that apt uses here, else the public one.
pub fn debian_mirror() -> String {
    const PUBLIC: &str = "http://deb.debian.org/debian";
    let files = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    let text: String = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    let found = text
        .split_whitespace()
        .find(|word| word.starts_with("http") && word.trim_end_matches('/').ends_with("/debian"));
    found.map_or_else(|| PUBLIC.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(system: &str, root: bool, sudo: bool, systemd: bool) -> Machine {
        Machine {
            system: system.into(),
            root,
            sudo,
            systemd,
            dockerd: false,
            mmdebstrap: false,
            keyring: system != "ubuntu",
        }
    }

    #[test]
    fn each_machine_gets_its_own_commands() {
        let shown = |machine: Machine| match machine.install(&["docker.io"]) {
            Ok(commands) => commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" && "),
            Err(steps) => steps,
        };
        let apt = "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io";
        assert_eq!(shown(machine("debian", true, false, true)), format!("apt-get update && {apt}"));
        assert_eq!(shown(machine("ubuntu", false, true, true)), format!("sudo apt-get update && sudo {apt}"));
        assert_eq!(
            shown(machine("debian", false, false, true)),
            "as root, run `apt-get update && apt-get install -y docker.io`"
        );
        assert!(shown(machine("fedora", true, true, true)).contains("dnf install moby-engine"));
        assert!(shown(machine("macos", false, true, false)).contains("Docker Desktop"));
    }

    #[test]
    fn the_engine_is_started_with_and_without_systemd() {
        assert_eq!(machine("debian", true, false, true).start_engine().join(" "), "systemctl start docker");
        assert_eq!(machine("debian", true, false, false).start_engine().join(" "), "setsid -f dockerd");
        assert_eq!(machine("debian", false, true, false).start_engine().join(" "), "sudo setsid -f dockerd");
    }

    #[test]
    fn ubuntu_needs_debians_keys_too() {
        assert_eq!(machine("ubuntu", true, true, true).missing_for_recipes(), ["mmdebstrap", "debian-archive-keyring"]);
    }
}
