//! The port to the machines that the jobs of a replayed workflow run on: clean ones, gone after their job.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;

use crate::check::world::{Command, Output, Unobservable};

/// Where a machine finds the files of the workspace, before any checkout.
pub const SOURCE: &str = "/labrunner/source";

/// The home of whoever runs a job's steps; on a disk of its own, as everything that jobs write much of.
pub const HOME: &str = "/home/runner";

/// A machine to make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineSpec {
    /// The image that its steps run in; the runner's own unless the job names one.
    pub image: Option<String>,
    pub environment: BTreeMap<String, String>,
    /// Containers beside it, reached at `localhost` and under their names.
    pub beside: Vec<Beside>,
}

/// A service container of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    pub name: String,
    pub image: String,
    pub environment: BTreeMap<String, String>,
    pub command: Option<Vec<String>>,
    pub awaited: Awaited,
}

/// What a job waits for before it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Awaited {
    #[default]
    Nothing,
    /// That this shell command says that the container is healthy.
    Health(String),
    /// That the ports answer which the image names, though not for long.
    Ports,
}

/// An image to build from a machine's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageBuild {
    /// A folder of the machine.
    pub context: String,
    /// Relative to the context, or absolute.
    pub dockerfile: Option<String>,
    pub arguments: BTreeMap<String, String>,
    pub target: Option<String>,
    pub labels: BTreeMap<String, String>,
}

/// What an image was built to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// What the engine calls it.
    Image(String),
    /// It does not build; the builder's last words.
    Broken(String),
}

/// Makes machines and images.
pub trait Machines: Sync {
    /// A clean machine, running, the workspace's files in [`SOURCE`]; returns its id.
    fn open(&self, spec: &MachineSpec) -> impl Future<Output = Result<String, Unobservable>> + Send;
    fn run(&self, machine: &str, command: &Command) -> impl Future<Output = Result<Output, Unobservable>> + Send;
    /// Ends it, with what is beside it; its files may go later.
    fn close(&self, machine: &str);
    fn build(&self, machine: &str, build: &ImageBuild) -> impl Future<Output = Result<Built, Unobservable>> + Send;
    /// An image as a file, in the format of `docker save`.
    fn save(&self, image: &str) -> impl Future<Output = Result<tempfile::NamedTempFile, Unobservable>> + Send;
    /// Where a name of the lab's network is reached from here; `None` if it is no service of the lab.
    fn address(&self, host: &str, port: u16) -> impl Future<Output = Result<Option<SocketAddr>, Unobservable>> + Send;
    /// A digest of those of the workspace's files that fit patterns; empty where none does.
    fn hash_files(&self, patterns: &[String]) -> String;
}
