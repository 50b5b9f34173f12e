//! `celery`: what a worker says of itself, asked from inside its container with its own code.

use serde_json::{Value, json};

use super::{Fields, python};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::stack::Service;

const PROGRAM: &str = include_str!("celery.py");
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
    let arguments = [app.clone(), what.to_owned(), argument];
    let trouble = format!("the Celery app `{app}` could not be loaded or asked");
    let answer = python::answer(world, &service, PROGRAM, &arguments, MARK, &trouble).await?;
    Ok(observation(what, answer))
}

fn observation(what: &str, answer: Value) -> Observation {
    match what {
        "result" => Observation::new(answer.clone(), answer["result"].clone()),
        "ping" => Observation::new(
            json!({ "alive": answer["alive"], "workers": answer["workers"] }),
            answer["workers"].clone(),
        ),
        _ => Observation::new(json!({ "workers": answer["workers"] }), answer["answer"].clone()),
    }
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
