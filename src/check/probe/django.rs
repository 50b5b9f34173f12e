//! `django`: what a project is set up to be, asked of Django itself inside the service's container.

use serde_json::{Value, json};

use super::{Fields, python, wrong};
use crate::check::world::{Observation, Unobservable, World};

const PROGRAM: &str = include_str!("django.py");
const MARK: &str = "labrunner-django:";

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fields.service()?;
    let (what, argument) = if let Some(names) = fields.get("settings") {
        let list = names.as_array().filter(|list| list.iter().all(Value::is_string));
        ("settings", list.map(|_| names.clone()).ok_or_else(|| wrong("settings", "a list of names", names))?)
    } else if let Some(request) = fields.get("request") {
        if request.get("path").and_then(Value::as_str).is_none() {
            return Err(wrong("request", "a map with `path`", request));
        }
        ("request", request.clone())
    } else if fields.get("urls").is_some() {
        ("urls", Value::Null)
    } else {
        ("migrations", Value::Null)
    };
    let arguments = [what.to_owned(), argument.to_string()];
    let answer =
        python::answer(world, &service, PROGRAM, &arguments, MARK, "the Django project cannot be asked").await?;
    let count = |key: &str| answer[key].as_array().map_or(0, Vec::len);
    Ok(match what {
        "settings" => Observation::new(json!({}), answer["settings"].clone()),
        "urls" => Observation::new(json!({ "count": count("urls") }), answer["urls"].clone()),
        "migrations" => {
            let fields = json!({ "pending": count("pending"), "unwritten": count("unwritten") });
            Observation::new(fields, answer)
        }
        _ => {
            let body = answer["body"].as_str().unwrap_or_default();
            let fields = json!({
                "status": answer["status"],
                "queries": count("queries"),
                "duration": answer["duration"],
                "body": body,
            });
            let json = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
            Observation::new(fields, json!({ "queries": answer["queries"], "json": json }))
        }
    })
}
