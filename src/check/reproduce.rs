//! A command that makes a step's observation again, for the learner to run.

use serde_json::Value;

use super::probe::{Fields, service_of};
use super::world::World;
use crate::lab::Kind;

/// The command, or `None` when there is none that would show the same.
pub async fn command<W: World>(kind: Kind, fields: &Value, world: &W) -> Option<String> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let service = service_of(kind, &Fields(fields), world);
    Some(match kind {
        Kind::Http => curl(fields, world).await?,
        Kind::Redis => format!("labrunner exec {} -- redis-cli {}", service?, words(fields.get("command")?)),
        Kind::Amqp if fields.get("exchange").is_some() => {
            format!("labrunner exec {} -- rabbitmqctl list_bindings source_name routing_key destination_name", service?)
        }
        Kind::Amqp => {
            format!("labrunner exec {} -- rabbitmqctl list_queues name messages_ready consumers durable", service?)
        }
        Kind::Kafka => format!("labrunner logs {}", service?),
        Kind::Sql => {
            let service = service?;
            let environment = &world.services().get(&service)?.environment;
            let user = environment.get("POSTGRES_USER").map_or("postgres", String::as_str);
            let database = environment.get("POSTGRES_DB").map_or(user, String::as_str);
            let (user, database) = (text("user").unwrap_or(user), text("database").unwrap_or(database));
            format!(
                "labrunner exec {service} -- psql -U {} -d {} -c {}",
                quote(user),
                quote(database),
                quote(text("query")?)
            )
        }
        Kind::Workflow => match text("file") {
            Some(file) => format!("cat {}", quote(&world.workspace().join(file).display().to_string())),
            None => return None,
        },
        Kind::Compose => "docker compose config".into(),
        Kind::Exec => format!("labrunner exec {} -- {}", service?, words(fields.get("command")?)),
        Kind::Celery if text("inspect").is_some() => {
            format!(
                "labrunner exec {} -- celery -A {} inspect {}",
                service?,
                text("app").unwrap_or("APP"),
                text("inspect")?
            )
        }
        Kind::Celery => format!("labrunner logs {}", service?),
        Kind::Mail => {
            let service = service?;
            let port = world.published(&service, 1080).await?;
            format!("curl -s http://127.0.0.1:{port}/api/messages/")
        }
        Kind::Tcp if world.is_direct() => {
            let (_, port) = text("address")?.rsplit_once(':')?;
            let address = world.address(&service?, port.parse().ok()?).await.ok()?;
            format!("nc -vz {} {}", address.ip(), address.port())
        }
        Kind::Container => "labrunner status".into(),
        Kind::Log => format!("labrunner logs {}", service?),
        Kind::File => format!("cat {}", quote(&world.workspace().join(text("path")?).display().to_string())),
        Kind::Django if fields.get("migrations").is_some() => {
            format!("labrunner exec {} -- python manage.py showmigrations --plan", service?)
        }
        Kind::Pytest => format!("labrunner exec {} -- python -m pytest", service?),
        Kind::Git => format!("git -C {} log --stat", quote(&world.workspace().display().to_string())),
        Kind::Evidence if text("link").is_some() => format!("curl -IL {}", quote(text("link")?)),
        Kind::Evidence => format!("cat {}", quote(&world.workspace().join(text("path")?).display().to_string())),
        // `labrunner review` alone would begin one.
        Kind::Practical => return None,
        Kind::Tcp | Kind::Run | Kind::Django | Kind::Load | Kind::Image | Kind::Plugin => return None,
    })
}

async fn curl<W: World>(fields: &Value, world: &W) -> Option<String> {
    let url = fields.get("url")?.as_str()?;
    let service = service_of(Kind::Http, &Fields(fields), world)?;
    let mut asked = reqwest::Url::parse(url).ok()?;
    let port = asked.port_or_known_default()?;
    let query = fields.get("query").and_then(Value::as_object).into_iter().flatten();
    let query: Vec<(String, String)> = query.map(|(name, value)| (name.clone(), plain(value))).collect();
    if !query.is_empty() {
        asked.query_pairs_mut().extend_pairs(query);
    }
    let url = if asked.query().is_some() { asked.as_str() } else { url };
    let mut command = String::from("curl -i");
    let shown = match world.published(&service, port).await {
        Some(published) => url.replacen(&format!("{service}:{port}"), &format!("127.0.0.1:{published}"), 1),
        None if !world.is_direct() => return None,
        None => {
            let address = world.address(&service, port).await.ok()?;
            command.push_str(&format!(" --resolve {service}:{port}:{}", address.ip()));
            url.to_owned()
        }
    };
    if let Some(method) = fields.get("method").and_then(Value::as_str).filter(|method| *method != "GET") {
        command.push_str(&format!(" -X {method}"));
    }
    if let Some(auth) = fields.get("auth").and_then(Value::as_str) {
        command.push_str(&format!(" -u {}", quote(auth)));
    }
    for (name, value) in fields.get("headers").and_then(Value::as_object).into_iter().flatten() {
        command.push_str(&format!(" -H {}", quote(&format!("{name}: {}", plain(value)))));
    }
    if let Some(body) = fields.get("json") {
        command.push_str(&format!(" -H 'Content-Type: application/json' -d {}", quote(&body.to_string())));
    }
    if let Some(body) = fields.get("body").and_then(Value::as_str) {
        command.push_str(&format!(" -d {}", quote(body)));
    }
    for (name, value) in fields.get("form").and_then(Value::as_object).into_iter().flatten() {
        command.push_str(&format!(" -d {}", quote(&format!("{name}={}", plain(value)))));
    }
    for (name, part) in fields.get("multipart").and_then(Value::as_object).into_iter().flatten() {
        let file = part.get("file").and_then(Value::as_str);
        let value = match file {
            Some(file) => format!("{name}=@{}", world.lab_folder().join(file).display()),
            None => format!("{name}={}", part.get("content").map_or_else(|| plain(part), plain)),
        };
        command.push_str(&format!(" -F {}", quote(&value)));
    }
    Some(format!("{command} {}", quote(&shown)))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn words(value: &Value) -> String {
    match value {
        Value::Array(words) => words.iter().map(|word| quote(&plain(word))).collect::<Vec<_>>().join(" "),
        other => format!("sh -c {}", quote(&plain(other))),
    }
}

fn quote(text: &str) -> String {
    shell_words::quote(text).into_owned()
}
