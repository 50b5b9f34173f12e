//! `exec`: a command in a running service. `run`: one in a fresh container.

use std::time::Instant;

use serde_json::{Value, json};

use super::Fields;
use crate::check::world::{Command, Observation, Output, Unobservable, World};

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fields.service()?;
    let command = command(fields)?;
    let began = Instant::now();
    let output = world.exec(&service, &command).await?;
    Ok(observation(output, began))
}

pub(super) async fn observe_fresh<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let origin = fields.origin()?;
    let command = command(fields)?;
    let began = Instant::now();
    let output = world.run(&origin, &command).await?;
    Ok(observation(output, began))
}

fn command(fields: &Fields<'_>) -> Result<Command, Unobservable> {
    Ok(Command {
        argv: fields.command()?,
        user: fields.text("user")?,
        environment: fields.pairs("environment")?,
        working_dir: fields.text("workdir")?,
        stdin: fields.text("stdin")?,
    })
}

fn observation(output: Output, began: Instant) -> Observation {
    let main = serde_json::from_str(&output.stdout).unwrap_or(Value::Null);
    let fields = json!({
        "code": output.code,
        "stdout": output.stdout,
        "stderr": output.stderr,
        "duration": began.elapsed().as_secs_f64(),
    });
    Observation::new(fields, main)
}
