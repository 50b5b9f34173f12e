//! The port to what is observed: containers, files, addresses.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::lab::practical::Taken;
use crate::lab::stack::Service;
use crate::lab::{Fault, Owner, ServiceName};

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    pub fields: Map<String, Value>,
    /// What `$…` reads.
    pub main: Value,
}

impl Observation {
    /// Fields from a JSON object, and a main document.
    pub fn new(fields: Value, main: Value) -> Self {
        let fields = match fields {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self { fields, main }
    }
}

/// Why nothing could be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unobservable {
    /// A service did not answer, or answered what is not its protocol. Who is to blame depends on whose it is.
    Service { service: ServiceName, what: String },
    /// The learner's files do not allow it.
    Learner(String),
    /// The machine, the engine or the network outside the lab.
    Machine(String),
    /// The step itself cannot be carried out: the lab's fault.
    Definition(String),
    /// No answer within the step's time limit.
    TimedOut { service: Option<ServiceName>, after: Duration },
}

/// A command in a container.
#[derive(Debug, Clone, Default)]
pub struct Command {
    pub argv: Vec<String>,
    pub user: Option<String>,
    pub environment: Vec<(String, String)>,
    pub working_dir: Option<String>,
    pub stdin: Option<String>,
    /// Of a fresh container: variables of the service that it is not to have.
    pub without: Vec<String>,
    /// Of a fresh container: how long it may run before it is killed.
    pub limit: Option<Duration>,
}

/// What a finished command left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub code: i64,
    pub stdout: String,
    pub stderr: String,
    /// It ran longer than it was to, and was killed.
    pub timed_out: bool,
}

/// Where an image, or a fresh container's configuration, comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Image(String),
    Service(ServiceName),
}

/// A container, as `container` steps show it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContainerView {
    /// `missing` when there is none.
    pub state: String,
    pub exit_code: Option<i64>,
    pub oom_killed: bool,
    pub restarts: u64,
    pub hostname: String,
    pub document: Value,
    /// Whether the service has an image; one of the learner's may not build, and then has no container either.
    pub has_image: bool,
    /// Whether it is connected to the lab's network.
    pub connected: bool,
    /// Whether it goes by its names there.
    pub named: bool,
}

/// What checks may ask of the running lab.
pub trait World: Sync {
    /// Names and definitions of the stack's services.
    fn services(&self) -> &std::collections::BTreeMap<ServiceName, Service>;
    fn owner(&self, service: &ServiceName) -> Owner;
    /// The learner's files.
    fn workspace(&self) -> &Path;
    /// The lab's own files.
    fn lab_folder(&self) -> &Path;
    /// The learner's practicals that are over, oldest first.
    fn practicals(&self) -> Result<Vec<Taken>, Unobservable>;
    /// Where a service's port can be reached from here; `web.2` is the second replica of `web`.
    fn address(
        &self,
        service: &ServiceName,
        port: u16,
    ) -> impl Future<Output = Result<SocketAddr, Unobservable>> + Send;
    /// Whether addresses of services mean something to the learner's own commands: a relay ends with labrunner.
    fn is_direct(&self) -> bool;
    /// The port on this machine under which the learner reaches a service's port, if it is published.
    fn published(&self, service: &ServiceName, port: u16) -> impl Future<Output = Option<u16>> + Send;
    fn exec(
        &self,
        service: &ServiceName,
        command: &Command,
    ) -> impl Future<Output = Result<Output, Unobservable>> + Send;
    /// Runs a command in a fresh container; an empty one is the service's own.
    fn run(&self, origin: &Origin, command: &Command) -> impl Future<Output = Result<Output, Unobservable>> + Send;
    /// An image's configuration and history.
    fn image(&self, origin: &Origin) -> impl Future<Output = Result<Value, Unobservable>> + Send;
    /// Files of an image, in all its layers: those whose paths fit patterns as in a `.gitignore`, and those that hold
    /// a text. An object with `found` and `hits`.
    fn image_files(
        &self,
        origin: &Origin,
        find: &[String],
        search: Option<&str>,
    ) -> impl Future<Output = Result<Value, Unobservable>> + Send;
    /// What runs in a service's container: objects with `pid`, `uid` and `command`.
    fn processes(
        &self,
        service: &ServiceName,
        replica: u32,
    ) -> impl Future<Output = Result<Vec<Value>, Unobservable>> + Send;
    fn container(
        &self,
        service: &ServiceName,
        replica: u32,
    ) -> impl Future<Output = Result<ContainerView, Unobservable>> + Send;
    /// Output lines, all or those that came `since`, a moment of this process.
    fn logs(
        &self,
        service: &ServiceName,
        since: Option<Instant>,
        tail: Option<usize>,
    ) -> impl Future<Output = Result<Vec<String>, Unobservable>> + Send;
    /// Does this to the service's containers (to one replica, or to all), written down before it is done.
    fn fault(
        &self,
        fault: Fault,
        service: &ServiceName,
        replica: Option<u32>,
    ) -> impl Future<Output = Result<(), Unobservable>> + Send;
    /// Undoes faults and waits until the service is ready.
    fn heal(
        &self,
        service: &ServiceName,
        replica: Option<u32>,
    ) -> impl Future<Output = Result<(), Unobservable>> + Send;
    /// Whether the engine answers; the error says why not.
    fn engine(&self) -> impl Future<Output = Result<(), String>> + Send;
}
