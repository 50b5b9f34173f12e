//! `exec`: a command in a running service. `run`: one in a fresh container.

use std::time::Instant;

use serde_json::{Value, json};

use super::Fields;
use crate::check::world::{Command, Observation, Origin, Output, Unobservable, World};

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fields.service()?;
    let command = command(fields)?;
    let began = Instant::now();
    let output = world.exec(&service, &command).await?;
    Ok(observation(output, began))
}

pub(super) async fn observe_fresh<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let origin = fields.origin()?;
    let mut command = match (fields.get("command"), &origin) {
        (None, Origin::Service(_)) => Command { environment: set(fields)?, ..Command::default() },
        _ => command(fields)?,
    };
    command.limit = fields.duration("limit")?;
    let taken = fields.get("environment").and_then(Value::as_object).into_iter().flatten();
    command.without = taken.filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
    let began = Instant::now();
    let output = world.run(&origin, &command).await?;
    Ok(observation(output, began))
}

fn command(fields: &Fields<'_>) -> Result<Command, Unobservable> {
    Ok(Command {
        argv: fields.command()?,
        user: fields.text("user")?,
        environment: set(fields)?,
        working_dir: fields.text("workdir")?,
        stdin: fields.text("stdin")?,
        ..Command::default()
    })
}

fn set(fields: &Fields<'_>) -> Result<Vec<(String, String)>, Unobservable> {
    let null = |name: &str| fields.0["environment"][name].is_null();
    Ok(fields.pairs("environment")?.into_iter().filter(|(name, _)| !null(name)).collect())
}

fn observation(output: Output, began: Instant) -> Observation {
    let main = serde_json::from_str(&output.stdout).unwrap_or(Value::Null);
    let fields = json!({
        "code": output.code,
        "stdout": output.stdout,
        "stderr": output.stderr,
        "output": format!("{}{}", output.stdout, output.stderr),
        "timed_out": output.timed_out,
        "duration": began.elapsed().as_secs_f64(),
    });
    Observation::new(fields, main)
}
