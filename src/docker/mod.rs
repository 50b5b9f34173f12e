//! The only home of bollard: implements the ports of `environment`, `check` and `image`.

pub mod address;
mod build;
pub mod carry;
pub mod connect;
pub mod create;
mod delay;
pub mod engine;
pub mod exec;
mod fault;
mod first_data;
mod fresh;
#[cfg(fuzzing)]
pub mod fuzzed;
pub mod images;
mod layers;
mod lines;
pub mod observe;
pub mod reach;
mod relay;
mod session;
pub mod world;

use std::future::Future;
use std::time::Duration;

use bollard::errors::Error;

use crate::environment::{EngineError, EngineFault};

/// A connection to one engine.
#[derive(Debug, Clone)]
pub struct DockerEngine {
    docker: bollard::Docker,
    place: connect::Place,
    sessions: session::Sessions,
    /// The state folder of this labrunner, with which it labels what it makes.
    owner: std::sync::Arc<str>,
}

impl DockerEngine {
    /// Whether the engine is behind a socket of this machine.
    pub fn is_local(&self) -> bool {
        self.place.is_local()
    }
}

/// Limits of waiting, by what is asked. bollard's own limit covers response headers only, and in whole seconds.
mod limit {
    use std::time::Duration;

    /// An engine that removes a large volume lists none meanwhile.
    pub(super) const LOOK: Duration = Duration::from_secs(30);
    pub(super) const CREATE: Duration = Duration::from_secs(60);
    pub(super) const START: Duration = Duration::from_secs(60);
    pub(super) const REMOVE: Duration = Duration::from_secs(60);
    /// Until a container is gone whose removal is under way.
    pub(super) const GONE: Duration = Duration::from_secs(300);
}

/// Runs an engine call for at most `limit`. `operation` completes "could not …".
async fn call<T>(
    operation: impl Into<String>,
    limit: Duration,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(limit, future).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(operation.into(), &error)),
        Err(_) => Err(EngineError {
            operation: operation.into(),
            fault: EngineFault::Unreachable,
            message: format!("it gave no answer for {} s", limit.as_secs()),
        }),
    }
}

/// bollard's error in our words.
fn translate(operation: String, error: &Error) -> EngineError {
    let (fault, message) = match error {
        Error::DockerResponseServerError { status_code, message } => (fault(*status_code, message), message.clone()),
        Error::DockerStreamError { error } => (fault(0, error), error.clone()),
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => (EngineFault::Other, error.to_string()),
        other => (EngineFault::Unreachable, with_causes(other)),
    };
    EngineError { operation, fault, message }
}

fn fault(status: u16, message: &str) -> EngineFault {
    let says = |text: &str| message.contains(text);
    if says("port is already allocated") || says("address already in use") || says("Ports are not available") {
        EngineFault::PortTaken
    } else if says("Pool overlaps") || says("overlaps with other one") {
        EngineFault::AddressesTaken
    } else if says("no space left on device") {
        EngineFault::NoSpace
    } else {
        match status {
            404 => EngineFault::NotFound,
            409 => EngineFault::Conflict,
            _ => EngineFault::Other,
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
