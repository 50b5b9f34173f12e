//! `container`: how a service's container is doing. `log`: what it wrote.

use serde_json::json;

use super::{Fields, Session};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::check::Target;

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let name = fields.required("service")?;
    let wrong = || Unobservable::Definition(format!("`{name}` is no service and no replica of one"));
    let (service, replica) = Target::parse(&name).ok_or_else(wrong)?;
    let mut view = world.container(&service, replica.unwrap_or(1)).await?;
    if fields.flag("processes", false)? {
        let running = view.state == "running";
        let processes = if running { world.processes(&service, replica.unwrap_or(1)).await? } else { Vec::new() };
        view.document["processes"] = processes.into();
    }
    Ok(Observation::new(view.document.clone(), view.document))
}

pub(super) async fn observe_log<W: World>(
    fields: &Fields<'_>,
    world: &W,
    session: &Session,
) -> Result<Observation, Unobservable> {
    let since = match fields.text("since")?.as_deref() {
        None | Some("check") => Some(session.began),
        Some("start") => None,
        Some(other) => {
            return Err(Unobservable::Definition(format!("`since` is `check` or `start`; here is `{other}`")));
        }
    };
    let tail = fields.number("tail")?.and_then(|tail| tail.try_into().ok());
    let lines = world.logs(&fields.service()?, since, tail).await?;
    let fields = json!({ "text": lines.join("\n"), "count": lines.len() });
    Ok(Observation::new(fields, lines.into()))
}
