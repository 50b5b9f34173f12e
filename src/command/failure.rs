//! The only translator of errors: what happened, and what to do next.

use super::exit_code;
use crate::environment::intent::JournalError;
use crate::environment::lock::LockError;
use crate::environment::{EngineError, EngineFault};
use crate::image::ImageError;
use crate::record::RecordError;
use crate::workspace::WorkspaceError;

/// A command that did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub code: u8,
    /// May have several lines.
    pub message: String,
    pub hints: Vec<String>,
}

impl Failure {
    /// Wrong usage or an invalid definition.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: exit_code::USAGE, message: message.into(), hints: Vec::new() }
    }

    /// The engine or the machine.
    pub fn engine(message: impl Into<String>) -> Self {
        Self { code: exit_code::ENGINE, message: message.into(), hints: Vec::new() }
    }

    /// With a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let failure = Failure::engine(error.to_string());
        match error.fault {
            EngineFault::Unreachable => {
                failure.hint("is the engine running? `labrunner doctor` looks, `labrunner doctor --fix` repairs")
            }
            EngineFault::Foreign => failure
                .hint("`--instance NAME` (or LABRUNNER_INSTANCE) gives you one of your own beside it")
                .hint("if it is yours, `LABRUNNER_STATE_DIR=<that folder> labrunner down` removes it"),
            EngineFault::NoSpace => failure.hint("free some disk space; `docker system df` shows what the engine uses"),
            _ => failure,
        }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let code = if matches!(error, ImageError::Build { .. }) { exit_code::UNDECIDED } else { exit_code::ENGINE };
        let failure = Self { code, message: error.to_string(), hints: Vec::new() };
        match error {
            ImageError::RegistryUnreachable { .. } => {
                failure.hint("try `--images local`, which builds images from recipes")
            }
            ImageError::Refused { .. } => failure
                .hint("is the name right, and may you have it? `docker login REGISTRY` remembers who you are")
                .hint("`--images local` builds it from a recipe, if there is one"),
            ImageError::NoRecipe { .. } => {
                failure.hint("`labrunner images load FILE` brings images from a machine that can reach a registry")
            }
            ImageError::Forbidden { .. } => failure.hint("try `--images auto`"),
            ImageError::BrokeOff { .. } => {
                failure.hint("run the command again; `labrunner doctor` says whether the engine is well")
            }
            _ => failure,
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let code = if matches!(error, LockError::Held { .. }) { exit_code::HELD } else { exit_code::ENGINE };
        Self { code, message: error.to_string(), hints: vec!["wait until it has ended, or stop it".into()] }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Failure::engine(error.to_string()).hint("look at the folder's owner and at free disk space")
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let failure = Failure::engine(error.to_string());
        match error {
            RecordError::Newer(_) => failure,
            _ => failure.hint("look at free disk space, and at who owns the folder"),
        }
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::File { .. } => Failure::engine(error.to_string()),
            _ => Failure::usage(error.to_string()),
        }
    }
}
