//! What every container of a lab has, unless its definition says otherwise.

use std::collections::BTreeMap;

use crate::lab::stack::{Limits, Logging, MountSource, Service};

const MEMORY: u64 = 1 << 30;
const CPUS: f64 = 2.0;
const PIDS: i64 = 512;

/// Limits and rights where the definition says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// `uid:gid` for services that write to the workspace; `None` leaves the image's user.
    pub workspace_user: Option<String>,
    /// Cores of the engine's host; limits may not exceed them.
    pub cpus: f64,
}

impl Defaults {
    /// Fills in what the service leaves open.
    pub fn add_to(&self, service: &mut Service) {
        service.init.get_or_insert(true);
        if !service.security_opt.iter().any(|option| option.starts_with("no-new-privileges")) && !service.privileged {
            service.security_opt.push("no-new-privileges:true".into());
        }
        service.limits = Limits {
            memory: service.limits.memory.or(Some(MEMORY)),
            memory_reservation: service.limits.memory_reservation,
            cpus: Some(service.limits.cpus.unwrap_or(CPUS).min(self.cpus)),
            pids: service.limits.pids.or(Some(PIDS)),
        };
        service.logging.get_or_insert_with(|| Logging {
            driver: Some("json-file".into()),
            options: BTreeMap::from([("max-size".into(), "5m".into()), ("max-file".into(), "2".into())]),
        });
        let mounts_workspace = service.uses_workspace
            && service.mounts.iter().any(|mount| matches!(&mount.source, MountSource::Bind { .. }) && !mount.read_only);
        if mounts_workspace
            && service.user.is_none()
            && let Some(user) = &self.workspace_user
        {
            service.user = Some(user.clone());
            // Most uids have no home in the image; tools that write to one need a place.
            service.environment.entry("HOME".into()).or_insert_with(|| "/tmp".into());
        }
    }
}
