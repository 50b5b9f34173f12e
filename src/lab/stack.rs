//! A stack of services in the words of the Compose specification, interpolated and checked.
//!
//! Source of every meaning: the Compose specification (compose-spec.io). What a key of the file
//! became is here; what was ignored stands in [`Stack::warnings`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::definition::Need;
use super::id::ServiceName;

/// Services with the volumes and networks they share.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stack {
    pub services: BTreeMap<ServiceName, Service>,
    pub volumes: BTreeMap<String, Volume>,
    /// Always holds at least `default`.
    pub networks: BTreeMap<String, Network>,
    /// Keys that were accepted and have no effect, in words.
    pub warnings: Vec<String>,
}

/// One service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    pub image: Option<String>,
    pub build: Option<Build>,
    pub platform: Option<String>,
    /// `None`: the image's own. An empty list clears it.
    pub command: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    /// `env_file` and `environment` together, the latter winning.
    pub environment: BTreeMap<String, String>,
    pub ports: Vec<Port>,
    /// Container ports named by `expose`, for readiness and display.
    pub expose: Vec<u16>,
    pub mounts: Vec<Mount>,
    /// Secrets and configs: files put into the container before it starts.
    pub files: Vec<InjectedFile>,
    pub networks: BTreeMap<String, Attachment>,
    /// `none`, `host`, `service:x`; `None` is the ordinary case.
    pub network_mode: Option<String>,
    pub depends_on: BTreeMap<ServiceName, Dependency>,
    pub healthcheck: Option<Healthcheck>,
    pub restart: RestartPolicy,
    pub user: Option<String>,
    pub group_add: Vec<String>,
    pub working_dir: Option<String>,
    pub hostname: Option<String>,
    pub domainname: Option<String>,
    /// `None`: not said.
    pub init: Option<bool>,
    pub tty: bool,
    pub stdin_open: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub sysctls: BTreeMap<String, String>,
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Bytes.
    pub shm_size: Option<u64>,
    pub read_only: bool,
    pub privileged: bool,
    pub devices: Vec<String>,
    pub pid: Option<String>,
    pub ipc: Option<String>,
    pub stop_signal: Option<String>,
    pub stop_grace_period: Option<Duration>,
    /// (`name`, `address`)
    pub extra_hosts: Vec<(String, String)>,
    pub dns: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub profiles: Vec<String>,
    /// `scale` or `deploy.replicas`.
    pub scale: u32,
    pub limits: Limits,
    pub logging: Option<Logging>,
    /// What of this service needs the learner's consent, and the words of the file that ask for it.
    pub needs: Vec<(Need, String)>,
    /// It builds from, or mounts, the learner's workspace.
    pub uses_workspace: bool,
    /// What others call it on its networks, where that is not its name here: a learner's file may have its own
    /// word for what the lab calls `web`.
    pub known_as: Option<String>,
}

/// The last part of an image's name, without tag and digest: `postgres` of `docker.io/library/postgres:17`.
pub fn repository(image: &str) -> &str {
    let image = image.rsplit('/').next().unwrap_or(image);
    image.split([':', '@']).next().unwrap_or(image)
}

impl Service {
    /// Paths and sizes, in bytes, of the tmpfs mounts that have one.
    pub fn sized_tmpfs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.mounts.iter().filter_map(|mount| match mount.source {
            MountSource::Tmpfs { size: Some(size), .. } => Some((mount.target.as_str(), size)),
            _ => None,
        })
    }
}

/// `build:`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Build {
    /// Absolute.
    pub context: PathBuf,
    /// Relative to the context; `None` is `Dockerfile`.
    pub dockerfile: Option<String>,
    pub dockerfile_inline: Option<String>,
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub no_cache: bool,
}

/// A container port, published or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub target: u16,
    /// The asked host port; `None` lets the engine choose.
    pub published: Option<u16>,
    /// Address on the host; `None` becomes the loopback for labs.
    pub host_ip: Option<String>,
    pub protocol: Protocol,
    pub name: Option<String>,
}

/// Transport of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
}

/// `volumes:` and `tmpfs:` of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: String,
    pub read_only: bool,
    pub source: MountSource,
}

/// Where the content of a mount comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum MountSource {
    /// A host path, absolute, symlinks resolved.
    Bind { path: PathBuf, create: bool },
    /// A volume of [`Stack::volumes`].
    Volume { name: String, nocopy: bool, subpath: Option<String> },
    /// A volume without a name.
    Anonymous,
    /// Memory. Size in bytes, mode as in chmod.
    Tmpfs { size: Option<u64>, mode: Option<u32> },
}

/// A file that is put into a container before it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct InjectedFile {
    /// Absolute path in the container.
    pub target: String,
    pub content: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    /// Mode as in chmod.
    pub mode: u32,
    /// Its content must not be shown.
    pub secret: bool,
}

/// How a service hangs on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    pub aliases: Vec<String>,
    pub ipv4_address: Option<String>,
    pub ipv6_address: Option<String>,
    pub priority: i64,
}

/// One entry of `depends_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    pub condition: Condition,
    /// Restart this service when the other one was replaced or restarted by labrunner.
    pub restart: bool,
    /// `false`: the other one may be missing.
    pub required: bool,
}

/// What has to be true of a dependency before its dependant starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Started,
    Healthy,
    CompletedSuccessfully,
}

impl Condition {
    /// Compose's word.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Started => "service_started",
            Condition::Healthy => "service_healthy",
            Condition::CompletedSuccessfully => "service_completed_successfully",
        }
    }
}

/// `healthcheck:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healthcheck {
    /// As the engine wants it: `["CMD", …]`, `["CMD-SHELL", …]` or `["NONE"]`; empty keeps the image's.
    pub test: Vec<String>,
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub start_period: Option<Duration>,
    pub start_interval: Option<Duration>,
}

/// `restart:`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartPolicy {
    #[default]
    No,
    Always,
    UnlessStopped,
    /// With the number of retries; 0 is without end.
    OnFailure(u32),
}

/// One entry of `ulimits`; -1 is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ulimit {
    pub soft: i64,
    pub hard: i64,
}

/// What a container may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes.
    pub memory_reservation: Option<u64>,
    pub cpus: Option<f64>,
    pub pids: Option<i64>,
}

/// `logging:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logging {
    pub driver: Option<String>,
    pub options: BTreeMap<String, String>,
}

/// One entry of the top-level `volumes:`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    pub driver: Option<String>,
    pub driver_opts: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// It exists already and is not ours.
    pub external: bool,
    pub name: Option<String>,
}

/// One entry of the top-level `networks:`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    pub driver: Option<String>,
    pub driver_opts: BTreeMap<String, String>,
    pub internal: bool,
    pub attachable: bool,
    pub enable_ipv6: bool,
    pub labels: BTreeMap<String, String>,
    pub external: bool,
    pub name: Option<String>,
    /// Subnets in CIDR notation; empty lets labrunner choose from its pool.
    pub subnets: Vec<String>,
}
