//! What a service holds that is new altogether, so that it can be compared with after it was emptied.

use std::collections::BTreeSet;

use super::apply::Context;
use super::engine::Engine;
use super::plan::{ContainerAction, PlannedContainer};
use super::ready::Prober;

/// A fingerprint, and the volume of the first data that it is that of.
pub struct Baseline {
    pub first_data: Option<String>,
    pub fingerprint: String,
}

/// Looks at a service that is ready and that nobody has used yet; `None` where it is not new (a volume may hold what an
/// earlier container has left), where nothing would empty it, or where it cannot be told. First data is the same each
/// time, and looked at once.
pub async fn take<E: Engine, P: Prober>(
    planned: &PlannedContainer,
    context: &Context<'_, E, P>,
    new_volumes: &BTreeSet<&str>,
) -> Option<Baseline> {
    let spec = &planned.spec;
    let made = matches!(planned.action, ContainerAction::Create | ContainerAction::Recreate(_));
    let new = made && spec.volumes.values().all(|volume| new_volumes.contains(volume.as_str()));
    if !new || !context.prober.resets(&spec.service) {
        return None;
    }
    let first_data = context.first_data.found.get(&spec.service).map(|(_, base)| base.volume.clone());
    let known = first_data.as_ref().and_then(|volume| context.first_baselines.get(volume));
    let fingerprint = match known {
        Some(known) => known.clone(),
        None => context.prober.fingerprint(&spec.service).await?,
    };
    Some(Baseline { first_data, fingerprint })
}
