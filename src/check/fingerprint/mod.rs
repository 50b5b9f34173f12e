//! What a service holds, as a fingerprint: two equal ones mean equal content and settings.
//!
//! Taken when a service is ready and nobody has used it yet, and again after it was emptied: only when both are equal
//! is it as it was.

mod postgres;
mod redis;

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::probe;
use super::world::World;
use crate::lab::ServiceName;
use crate::lab::stack::Service;

/// How long a service may take to be looked at, or to be emptied. One that hangs is made anew instead.
const LIMIT: Duration = Duration::from_secs(10);

/// The fingerprint of a service's content and settings; `None` for kinds of service that have none, and
/// when it cannot be taken.
pub async fn fingerprint<W: World>(service: &ServiceName, world: &W) -> Option<String> {
    timeout(LIMIT, look(service, world)).await.ok()?
}

async fn look<W: World>(service: &ServiceName, world: &W) -> Option<String> {
    let definition = world.services().get(service)?;
    if probe::redis::fits(definition) {
        return redis::fingerprint(world.address(service, probe::redis::PORT).await.ok()?).await.ok();
    }
    if probe::amqp::fits(definition) {
        let (address, management) =
            tokio::join!(world.address(service, probe::amqp::PORT), world.address(service, probe::amqp::MANAGEMENT));
        let content = probe::amqp::content(address.ok()?, management.ok()?).await.ok()?;
        return Some(hex::encode(Sha256::digest(content)));
    }
    if probe::sql::fits(definition) {
        let address = world.address(service, probe::sql::PORT).await.ok()?;
        return postgres::fingerprint(address, &probe::sql::Login::told(definition)).await.ok();
    }
    None
}

/// Whether a service of this kind can be emptied without the lab saying how.
pub fn empties(definition: &Service) -> bool {
    probe::sql::fits(definition) && postgres::emptied(&probe::sql::Login::told(definition)).is_some()
}

/// Empties a service whose lab does not say how, and tells whether it holds what `known` says then.
pub async fn empty<W: World>(service: &ServiceName, world: &W, known: &str) -> bool {
    let Some(definition) = world.services().get(service).filter(|one| empties(one)) else { return false };
    let emptied = async {
        let Ok(address) = world.address(service, probe::sql::PORT).await else { return false };
        postgres::empty(address, &probe::sql::Login::told(definition), known).await
    };
    timeout(LIMIT, emptied).await.unwrap_or(false)
}
