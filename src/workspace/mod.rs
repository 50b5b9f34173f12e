//! The learner's files: made, hashed, saved, restored. Knows nothing of containers.

pub mod change;
pub mod changes;
pub mod save;
pub mod solution;
pub mod tree;

use std::path::PathBuf;

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("cannot {what} `{}`: {source}", path.display())]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{}` is a link, and labrunner changes nothing through links: what lies behind it could not be brought back; move the link away first", .0.display())]
    Link(PathBuf),
    #[error("cannot watch `{}`: {message}; `--poll` looks again and again instead", path.display())]
    Watch { path: PathBuf, message: String },
    #[error("{}:{line}: {message}", path.display())]
    Marker { path: PathBuf, line: usize, message: String },
    #[error("{0}")]
    Variant(String),
}

impl WorkspaceError {
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| WorkspaceError::File { what, path, source }
    }
}
