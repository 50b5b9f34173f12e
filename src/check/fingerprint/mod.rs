//! What a service holds, as a fingerprint: two equal ones mean equal content and settings.
//!
//! Taken when a service is ready and nobody has used it yet, and again after its `reset:` steps: only
//! when both are equal was it really reset.

mod redis;

use sha2::{Digest, Sha256};

use super::probe;
use super::world::World;
use crate::lab::ServiceName;

/// The fingerprint of a service's content and settings; `None` for kinds of service that have none, and
/// when it cannot be taken.
pub async fn fingerprint<W: World>(service: &ServiceName, world: &W) -> Option<String> {
    let definition = world.services().get(service)?;
    if probe::redis::fits(definition) {
        return redis::fingerprint(world.address(service, probe::redis::PORT).await.ok()?).await.ok();
    }
    if probe::amqp::fits(definition) {
        let (address, management) =
            tokio::join!(world.address(service, probe::amqp::PORT), world.address(service, probe::amqp::MANAGEMENT));
        let content = probe::amqp::content(address.ok()?, management.ok()?).await.ok()?;
        return Some(Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect());
    }
    None
}
