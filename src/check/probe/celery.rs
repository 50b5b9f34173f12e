//! `celery`: what a worker says of itself, asked from inside its container with its own code.
//!
//! The program below runs with the learner's project: what it prints is untrusted, and its crash is the
//! learner's failure.

use serde_json::{Value, json};

use super::Fields;
use crate::check::world::{Command, Observation, Unobservable, World};
use crate::lab::ServiceName;
use crate::lab::stack::Service;

const PROGRAM: &str = include_str!("celery.py");
/// Marks the one line that is the answer; everything else on standard output is the project's.
const MARK: &str = "labrunner-celery:";

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fields.service()?;
    let app = match fields.text("app")? {
        Some(app) => app,
        None => world.services().get(&service).and_then(app_of).ok_or_else(|| {
            Unobservable::Definition(format!("the command of `{service}` names no Celery app (`-A`); say `app`"))
        })?,
    };
    let (what, argument) = if let Some(name) = fields.text("inspect")? {
        ("inspect", name)
    } else if let Some(id) = fields.text("result")? {
        ("result", id)
    } else {
        ("ping", String::new())
    };
    let argv = ["python3", "-c", PROGRAM, &app, what, &argument].map(str::to_owned).to_vec();
    let output = world.exec(&service, &Command { argv, ..Command::default() }).await?;
    let answer = output.stdout.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let answer: Option<Value> = answer.and_then(|line| serde_json::from_str(line).ok());
    let Some(answer) = answer else {
        let said = if output.stderr.trim().is_empty() { output.stdout } else { output.stderr };
        let what = format!("the Celery app `{app}` could not be loaded or asked: {}", said.trim());
        return Err(Unobservable::Service { service, what });
    };
    observation(&service, what, answer)
}

fn observation(service: &ServiceName, what: &str, answer: Value) -> Result<Observation, Unobservable> {
    if let Some(error) = answer["error"].as_str() {
        let what = format!("Celery in `{service}` cannot answer: {error}");
        return Err(Unobservable::Service { service: service.clone(), what });
    }
    Ok(match what {
        "result" => Observation::new(answer.clone(), answer["result"].clone()),
        "ping" => Observation::new(
            json!({ "alive": answer["alive"], "workers": answer["workers"] }),
            answer["workers"].clone(),
        ),
        _ => Observation::new(json!({ "workers": answer["workers"] }), answer["answer"].clone()),
    })
}

/// The value of `-A` or `--app` in a service's command.
fn app_of(service: &Service) -> Option<String> {
    let command = service.command.as_ref()?;
    let words: Vec<String> = match command.as_slice() {
        [shell, flag, script] if shell.ends_with("sh") && flag == "-c" => shell_words::split(script).ok()?,
        words => words.to_vec(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "-A" || word == "--app" {
            return words.next().cloned();
        }
        if let Some(app) = word.strip_prefix("--app=") {
            return Some(app.to_owned());
        }
    }
    None
}
