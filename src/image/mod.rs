//! Which image serves which reference, and how it comes onto the engine.
//!
//! Official images where a registry answers; else recipes, built from distribution packages under names
//! of our own. Knows no bollard: it asks its [`ImageEngine`].

pub mod base;
pub mod build;
pub mod dockerignore;
pub mod ensure;
pub mod program;
pub mod recipe;
pub mod reference;
mod standing;
mod turn;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;

pub use ensure::{Policy, ensure, present};
pub use reference::Reference;

/// Label: digest of the recipe or build that an image was made from.
pub const DIGEST: &str = "dev.labrunner.digest";

/// Label: the environment that an image was built for. Containers and images that are made from one inherit its labels,
/// so it is none of those by which an environment's containers are known.
pub const BUILT_FOR: &str = "dev.labrunner.built-for";

/// An image on the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    pub id: String,
    /// Value of [`DIGEST`], if it has one.
    pub digest: Option<String>,
    /// Bytes.
    pub size: u64,
}

/// Why an image cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImageError {
    #[error("the registry of `{image}` cannot be reached: {message}")]
    RegistryUnreachable { image: String, message: String },
    #[error("`{image}` cannot be pulled: {message}")]
    Refused { image: String, message: String },
    #[error("there is no recipe for `{image}`{nearest}; images that can be built here are {known}")]
    NoRecipe { image: String, nearest: String, known: String },
    #[error("building `{image}` failed: {message}\n{log}")]
    Build { image: String, message: String, log: String },
    #[error("the engine broke off while `{image}` was being built: {message}")]
    BrokeOff { image: String, message: String },
    #[error("`{image}` is not on the engine, and `--images {policy}` forbids to fetch it")]
    Forbidden { image: String, policy: &'static str },
    #[error("the base image needs {packages}: {remedy}")]
    MissingTools { packages: String, remedy: String },
    #[error("{0}")]
    Engine(String),
    #[error("there is no `{name}` to build from")]
    NoDockerfile { name: String },
    #[error("cannot read `{}`: {message}", path.display())]
    File { path: PathBuf, message: String },
}

/// What is sent to the engine's builder.
#[derive(Debug, Clone, Default)]
pub struct BuildRequest {
    /// The name that the image gets.
    pub name: String,
    /// A tar of the context, with the Dockerfile in it.
    pub context: Vec<u8>,
    pub dockerfile: String,
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub no_cache: bool,
}

/// What bringing images in asks of an engine.
pub trait ImageEngine: Sync {
    /// `None` when it is not there.
    fn find(&self, name: &str) -> impl Future<Output = Result<Option<ImageFacts>, ImageError>> + Send;
    /// Pulls, announcing each layer through `layer(id, status, current, total)`.
    fn pull(
        &self,
        image: &Reference,
        layer: &(dyn Fn(&str, &str, u64, u64) + Sync),
    ) -> impl Future<Output = Result<(), ImageError>> + Send;
    /// Builds, announcing each line of output.
    fn build(
        &self,
        request: BuildRequest,
        line: &(dyn Fn(&str) + Sync),
    ) -> impl Future<Output = Result<(), ImageError>> + Send;
    /// Makes an image of one layer from a tar of a root file system. `changes` are Dockerfile instructions.
    fn import(
        &self,
        name: &Reference,
        root: PathBuf,
        changes: Vec<String>,
    ) -> impl Future<Output = Result<(), ImageError>> + Send;
    /// Takes a name off an image; one without any is gone. Success also when there is none of that name.
    fn forget(&self, name: &str) -> impl Future<Output = Result<(), ImageError>> + Send;
    /// Writes images into a file, in pieces; returns its size in bytes.
    fn save(&self, names: &[&str], file: &std::path::Path) -> impl Future<Output = Result<u64, ImageError>> + Send;
    /// Reads images from a file, in pieces.
    fn load(&self, file: &std::path::Path) -> impl Future<Output = Result<(), ImageError>> + Send;
}
