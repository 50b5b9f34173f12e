//! Containers have no limit of disk on most engines: while a command works with a lab, the machine's free space is
//! watched, and a lab that uses it up is stopped before nothing is left.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::app::{App, Opened};
use super::failure::Failure;
use crate::catalog::compose::parse_bytes;
use crate::docker::DockerEngine;
use crate::environment::engine::Engine;
use crate::environment::{ContainerState, Identity};
use crate::event::Event;

/// What has to stay free, in bytes, unless `LABRUNNER_DISK_RESERVE` says it.
const RESERVE: u64 = 1 << 30;
const LOOK: Duration = Duration::from_millis(250);

/// Watches for as long as it lives.
pub struct DiskGuard {
    task: tokio::task::JoinHandle<()>,
    struck: Arc<OnceLock<String>>,
    /// The lab, and the copies of it that checks have made.
    watched: Arc<Mutex<Vec<Identity>>>,
}

impl Drop for DiskGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DiskGuard {
    /// # Errors
    /// `LABRUNNER_DISK_RESERVE` is no size.
    pub fn watch(app: &App, opened: &Opened, engine: &DockerEngine) -> Result<Self, Failure> {
        let reserve = match app.environment.get("LABRUNNER_DISK_RESERVE") {
            None => RESERVE,
            Some(text) => parse_bytes(text).ok_or_else(|| {
                Failure::usage(format!("LABRUNNER_DISK_RESERVE is `{text}`")).hint("write a size such as `2g`")
            })?,
        };
        let struck = Arc::<OnceLock<String>>::default();
        let watched = Arc::new(Mutex::new(vec![opened.identity.clone()]));
        let (engine, identity, sink) = (engine.clone(), opened.identity.clone(), app.sink.clone());
        let (told, running) = (struck.clone(), watched.clone());
        let task = tokio::spawn(async move {
            // Most commands are over by then, and the engine takes longer for this question than for most others.
            tokio::time::sleep(LOOK).await;
            // An engine on another machine has disks that are not seen from here.
            let Ok(Some(folder)) = engine.data_folder().await else { return };
            let Some(begin) = free(&folder) else { return };
            // Where less is free from the beginning, half of it may be used.
            let least = if begin > reserve { reserve } else { begin / 2 };
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(left) = free(&folder) else { return };
                if left >= least {
                    continue;
                }
                let why = format!(
                    "the disk is nearly full: while {identity} ran, free space went down to {} MiB, and it was stopped",
                    left >> 20
                );
                // Known before the first container ends, so that nobody else is blamed for its end.
                if told.set(why.clone()).is_ok() {
                    sink.emit(Event::Warning { text: why });
                }
                // Again for as long as it lasts: checks go on, and may start a copy once more.
                let running = running.lock().unwrap_or_else(PoisonError::into_inner).clone();
                futures_util::future::join_all(running.iter().map(|one| stop(&engine, one))).await;
            }
        });
        Ok(Self { task, struck, watched })
    }

    /// Stops this environment too, should the disk run full.
    pub fn covers(&self, copy: &Identity) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(copy.clone());
    }

    /// Why the lab was stopped, if it was.
    pub fn struck(&self) -> Option<&str> {
        self.struck.get().map(String::as_str)
    }

    /// # Errors
    /// The lab was stopped.
    pub fn check(&self) -> Result<(), Failure> {
        match self.struck() {
            None => Ok(()),
            Some(why) => Err(Failure::engine(why.to_owned())
                .hint("`labrunner down` removes what it has written; `docker system df` shows what else takes space")),
        }
    }
}

/// Bytes that are free where a folder lies.
fn free(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail * facts.f_frsize)
}

async fn stop(engine: &DockerEngine, identity: &Identity) {
    let Ok(observed) = engine.observe(identity).await else { return };
    let running = observed.containers.iter().filter(|one| one.state == ContainerState::Running);
    let kills = running.map(|one| engine.kill(&one.id));
    // One that has ended by itself cannot be killed; one that goes on is stopped by the next command.
    let _ = futures_util::future::join_all(kills).await;
}
