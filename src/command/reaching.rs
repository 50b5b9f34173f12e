//! How an environment's services are reached: decided once, by `LABRUNNER_REACH`, else by where the engine is.

use super::app::{App, Opened};
use super::failure::Failure;
use super::notes::Notes;
use crate::docker::DockerEngine;
use crate::docker::reach::Reach;

/// Decides, and remembers what had to be asked.
///
/// # Errors
/// The variable says something else than `auto`, `direct` or `relay`; the engine does not answer.
pub async fn decide(app: &App, opened: &Opened, engine: &DockerEngine, notes: &mut Notes) -> Result<(), Failure> {
    if opened.reach.get().is_some() {
        return Ok(());
    }
    let relay = match app.environment.get("LABRUNNER_REACH").map(String::as_str) {
        Some("relay") => true,
        Some("direct") => false,
        None | Some("" | "auto") if !engine.is_local() => true,
        None | Some("" | "auto") => match notes.relay {
            Some(known) => known,
            None => *notes.relay.insert(!engine.is_beside().await?),
        },
        Some(other) => {
            let failure = Failure::usage(format!("LABRUNNER_REACH is `{other}`"));
            return Err(failure.hint("it has to be `auto`, `direct` or `relay`"));
        }
    };
    let reach = if relay { Reach::relay() } else { Reach::Direct };
    // Somebody else may have been faster; the answer is the same.
    let _ = opened.reach.set(reach);
    Ok(())
}
