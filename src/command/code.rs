//! The code that runs is the code in the workspace: services of the learner take up what has changed.

use std::time::{Duration, Instant};

use super::app::Opened;
use super::failure::Failure;
use super::notes::Notes;
use crate::docker::DockerEngine;
use crate::environment::EngineFault;
use crate::environment::engine::Engine;
use crate::environment::plan::{ContainerAction, Plan};
use crate::lab::{Owner, Reload, ServiceName};

/// How long a service that reloads by itself gets before it is restarted.
const RELOAD: Duration = Duration::from_secs(3);

/// Makes the learner's containers that run older code run the workspace's; returns which were restarted.
///
/// # Errors
/// The engine refuses.
pub async fn take_up(
    opened: &Opened,
    engine: &DockerEngine,
    plan: &mut Plan,
    notes: &Notes,
    hash: &str,
) -> Result<Vec<ServiceName>, Failure> {
    let changed = newest_change(&opened.workspace);
    let mut stale = Vec::new();
    for planned in &mut plan.containers {
        let ContainerAction::Keep(existing) = &planned.action else { continue };
        let current = notes.running_code.get(&existing.id).is_some_and(|code| code == hash);
        if current || opened.lab.owner_of(&planned.spec.service) != Owner::Learner {
            continue;
        }
        if existing.exit_code.is_some() {
            planned.action = ContainerAction::Start(existing.clone());
            planned.reason = "it ran with older code".into();
        } else {
            stale.push((planned.spec.service.clone(), existing.id.clone(), planned.spec.stop_grace));
        }
    }
    let restarts = stale.iter().map(|(service, id, grace)| async move {
        let by_itself = opened.lab.reload_of(service) == Reload::Itself && reloads(engine, id, changed).await?;
        let restarted = if by_itself { Ok(()) } else { engine.restart(id, *grace).await };
        match restarted {
            // While it was down, something else has taken its port of this machine.
            Err(error) if error.fault == EngineFault::PortTaken => Ok((service.clone(), Some(id.clone()))),
            other => other.map(|()| (service.clone(), None)).map_err(Failure::from),
        }
    });
    let restarted: Vec<(ServiceName, Option<String>)> =
        futures_util::future::join_all(restarts).await.into_iter().collect::<Result<_, _>>()?;
    for planned in &mut plan.containers {
        let ContainerAction::Keep(existing) = &planned.action else { continue };
        if restarted.iter().any(|(_, lost)| lost.as_ref() == Some(&existing.id)) {
            planned.reason = "its port was taken while it restarted".into();
            planned.action = ContainerAction::Recreate(existing.clone());
        }
    }
    Ok(restarted.into_iter().map(|(service, _)| service).collect())
}

/// Whether a process of the container is younger than the newest change, within a while.
async fn reloads(engine: &DockerEngine, id: &str, changed: i64) -> Result<bool, Failure> {
    let began = Instant::now();
    while began.elapsed() < RELOAD {
        if engine.process_starts(id).await?.into_iter().any(|start| start > changed) {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}

/// When a file of the workspace last changed, seconds of the Unix epoch.
fn newest_change(folder: &std::path::Path) -> i64 {
    let times =
        walkdir::WalkDir::new(folder).into_iter().flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = times.max().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    newest.and_then(|time| time.as_secs().try_into().ok()).unwrap_or(i64::MAX)
}
