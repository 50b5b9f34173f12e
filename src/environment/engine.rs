//! The port to a container engine: what an environment needs of one, and no more.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use super::first_data::Base;
use super::identity::Identity;
use super::wanted::{ContainerSpec, NetworkSpec, VolumeSpec};
use crate::lab::ServiceName;

/// What went wrong with an engine call, as far as callers act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineFault {
    /// No answer at all: stopped, no permission, the connection broke, too slow.
    Unreachable,
    NotFound,
    /// The state of the thing does not allow it, or the name is taken.
    Conflict,
    /// A host port is in use by something else.
    PortTaken,
    /// A subnet overlaps one that the engine has.
    AddressesTaken,
    /// The engine's disk is full.
    NoSpace,
    /// It belongs to a labrunner with another state folder.
    Foreign,
    Other,
}

impl EngineFault {
    /// Whether no container, and nobody who wrote one, has to do with it.
    pub fn is_the_machines(&self) -> bool {
        matches!(
            self,
            EngineFault::Unreachable
                | EngineFault::PortTaken
                | EngineFault::AddressesTaken
                | EngineFault::NoSpace
                | EngineFault::Foreign
        )
    }
}

/// A failed engine call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the container engine could not {operation}: {message}")]
pub struct EngineError {
    /// Completes "could not …".
    pub operation: String,
    pub fault: EngineFault,
    /// The engine's own words.
    pub message: String,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerState {
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    Removing,
    /// A state this version does not know; look again before acting on it.
    Unknown,
}

impl ContainerState {
    /// The word used in output and in `container` observations.
    pub fn word(self) -> &'static str {
        match self {
            ContainerState::Created => "created",
            ContainerState::Running => "running",
            ContainerState::Paused => "paused",
            ContainerState::Restarting => "restarting",
            ContainerState::Exited => "exited",
            ContainerState::Removing => "removing",
            ContainerState::Unknown => "unknown",
        }
    }
}

/// A container of the environment, as one listing shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedContainer {
    pub id: String,
    pub name: String,
    pub service: ServiceName,
    pub replica: u32,
    pub spec: String,
    pub generation: u64,
    pub state: ContainerState,
    /// Of one that has exited.
    pub exit_code: Option<i64>,
    pub image_id: String,
    /// Addresses by network name on the engine.
    pub addresses: BTreeMap<String, IpAddr>,
    /// (container port, host address, host port)
    pub ports: Vec<(u16, String, u16)>,
}

/// A volume or network of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedResource {
    /// The name on the engine.
    pub name: String,
    /// Networks: the engine's id. Volumes: the name again.
    pub id: String,
    /// The name in the lab.
    pub key: String,
    /// The volume that this one lies over.
    pub base: Option<String>,
}

/// All that an environment has on the engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    pub containers: Vec<ObservedContainer>,
    pub networks: Vec<ObservedResource>,
    pub volumes: Vec<ObservedResource>,
}

impl Observed {
    /// The containers of a service, by replica.
    pub fn of<'a>(&'a self, service: &'a ServiceName) -> impl Iterator<Item = &'a ObservedContainer> {
        self.containers.iter().filter(move |container| container.service == *service)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }
}

/// One container, looked at closely.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerFacts {
    pub id: String,
    pub state: ContainerState,
    pub exit_code: Option<i64>,
    pub oom_killed: bool,
    pub error: Option<String>,
    pub health: Option<String>,
    pub restarts: u64,
    /// RFC 3339.
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub image: String,
    pub user: String,
    pub hostname: String,
    /// Bytes; `None` is no limit.
    pub memory_limit: Option<u64>,
    pub environment: BTreeMap<String, String>,
    /// Entrypoint and command together.
    pub command: Vec<String>,
    pub addresses: BTreeMap<String, IpAddr>,
    pub ports: Vec<(u16, String, u16)>,
    /// Networks that it is connected to, and the names that it has there.
    pub networks: BTreeMap<String, Vec<String>>,
}

/// What a container uses, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory without the files that the kernel keeps in it.
    pub memory: Option<u64>,
    /// What it has written over its image.
    pub disk: Option<u64>,
}

/// A line of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub stderr: bool,
    pub text: String,
}

/// Most of a command's output that is kept, in bytes on each stream: a command that never stops writing must not fill
/// the memory of whoever asked for it.
pub const LARGEST_OUTPUT: usize = 16 << 20;
/// Stands where the rest was.
pub const CUT: &[u8] = b"\n(the rest was left out: it is more than 16 MiB)\n";

/// A command to run inside a container.
#[derive(Debug, Clone, Default)]
pub struct ExecRequest {
    pub argv: Vec<String>,
    pub user: Option<String>,
    pub environment: Vec<(String, String)>,
    pub working_dir: Option<String>,
    pub stdin: Option<Vec<u8>>,
    /// Keep all of what it writes; else what is beyond [`LARGEST_OUTPUT`] is dropped.
    pub whole: bool,
}

/// What a finished command left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    pub code: i64,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Something that happened to a container of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    pub container: String,
    /// `die`, `oom`, `start`, `destroy`, `pause`, `unpause`, `health_status: healthy`, …
    pub action: String,
    pub exit_code: Option<i64>,
}

/// What an environment asks of a container engine. Calls end in bounded time.
pub trait Engine: Clone + Send + Sync + 'static {
    /// Everything labelled for this environment.
    fn observe(&self, identity: &Identity) -> impl Future<Output = Result<Observed, EngineError>> + Send;
    /// The environments that have anything on the engine.
    fn environments(&self) -> impl Future<Output = Result<Vec<Identity>, EngineError>> + Send;
    /// Subnets of all the engine's networks, in CIDR notation.
    fn subnets(&self) -> impl Future<Output = Result<Vec<String>, EngineError>> + Send;
    fn create_network(&self, spec: &NetworkSpec) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Success also when it is gone already.
    fn remove_network(&self, id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    fn create_volume(&self, spec: &VolumeSpec) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Makes a volume that holds what `base` holds, whatever its size, and removes what had its name. `image` is any.
    fn lay(
        &self,
        identity: &Identity,
        spec: &VolumeSpec,
        base: &Base,
        image: &(String, String),
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Success also when it is gone already.
    fn remove_volume(&self, name: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Creates, connects all networks and puts the files in; does not start. Returns the id.
    fn create(&self, spec: &ContainerSpec) -> impl Future<Output = Result<String, EngineError>> + Send;
    fn start(&self, id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Asks it to end, and kills it after the grace period.
    fn stop(&self, id: &str, grace: Duration) -> impl Future<Output = Result<(), EngineError>> + Send;
    fn kill(&self, id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    fn restart(&self, id: &str, grace: Duration) -> impl Future<Output = Result<(), EngineError>> + Send;
    fn pause(&self, id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    fn unpause(&self, id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Cuts it off from a network; success also when it is not on it.
    fn disconnect(&self, id: &str, network: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Joins it to a network again, under the names that it has there.
    fn connect(
        &self,
        id: &str,
        network: &str,
        aliases: &[String],
        address: Option<&str>,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Kills and removes it with its anonymous volumes; success also when it is gone already.
    fn remove(&self, id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    fn inspect(&self, id: &str) -> impl Future<Output = Result<ContainerFacts, EngineError>> + Send;
    /// The last `tail` lines, or all; `since` is seconds of the Unix epoch.
    fn logs(
        &self,
        id: &str,
        tail: Option<usize>,
        since: Option<i64>,
    ) -> impl Future<Output = Result<Vec<LogLine>, EngineError>> + Send;
    /// What the engine's clock says, in milliseconds of the Unix epoch. It may be another one than this machine's: a
    /// virtual machine that slept is minutes late, and a clock can be set at any time.
    fn clock(&self) -> impl Future<Output = Result<i64, EngineError>> + Send;
    /// Runs one command; a dropped call ends it.
    fn exec(&self, id: &str, request: &ExecRequest) -> impl Future<Output = Result<ExecOutput, EngineError>> + Send;
    /// Start times of the container's processes, seconds of the Unix epoch.
    fn process_starts(&self, id: &str) -> impl Future<Output = Result<Vec<i64>, EngineError>> + Send;
    /// What runs in a container: process id, user id (both as the engine's machine counts them), command line.
    fn processes(&self, id: &str) -> impl Future<Output = Result<Vec<(i64, i64, String)>, EngineError>> + Send;
    fn usage(&self, id: &str) -> impl Future<Output = Result<Usage, EngineError>> + Send;
    /// What happens from now on; ends when the connection does.
    fn events(&self, identity: &Identity) -> tokio::sync::mpsc::Receiver<EngineEvent>;
}
