//! Programs of ours that run with the learner's project, inside a service's container.
//!
//! What they print is untrusted, and their crash is the learner's failure.

use serde_json::Value;

use crate::check::world::{Command, Unobservable, World};
use crate::lab::ServiceName;

/// Runs a program with arguments; it prints one line that begins with `mark` and goes on in JSON. Everything
/// else on standard output is the project's.
///
/// # Errors
/// There is no such line; `what` says what could not be done.
pub(super) async fn answer<W: World>(
    world: &W,
    service: &ServiceName,
    program: &str,
    arguments: &[String],
    mark: &str,
    what: &str,
) -> Result<Value, Unobservable> {
    let mut argv = vec!["python3".to_owned(), "-c".to_owned(), program.to_owned()];
    argv.extend_from_slice(arguments);
    let output = world.exec(service, &Command { argv, ..Command::default() }).await?;
    let answer = output.stdout.lines().rev().find_map(|line| line.strip_prefix(mark));
    let failed =
        |why: &str| Unobservable::Service { service: service.clone(), what: format!("{what}: {}", why.trim()) };
    let answer: Value = match answer.and_then(|line| serde_json::from_str(line).ok()) {
        Some(answer) => answer,
        None => return Err(failed(if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr })),
    };
    match answer["error"].as_str() {
        Some(error) => Err(failed(error)),
        None => Ok(answer),
    }
}
