//! `redis`: one command, its reply as data.

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, Value as Reply};
use serde_json::{Value, json};

use super::{Fields, fitting, repository, wrong};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::Kind;
use crate::lab::stack::Service;

/// The port that the protocol is spoken on.
pub(in crate::check) const PORT: u16 = 6379;

/// Whether a service speaks the protocol of Redis.
pub(in crate::check) fn fits(service: &Service) -> bool {
    matches!(repository(service), "redis" | "valkey" | "redis-stack-server")
}

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fitting(Kind::Redis, fields, world)?;
    let address = world.address(&service, PORT).await?;
    let words = match fields.get("command") {
        Some(Value::Array(words)) if !words.is_empty() => words,
        other => return Err(wrong("command", "a list of words", other.unwrap_or(&Value::Null))),
    };
    let mut settings = RedisConnectionInfo::default().set_db(fields.number("db")?.unwrap_or(0));
    if let Some(user) = fields.text("username")? {
        settings = settings.set_username(user);
    }
    if let Some(password) = fields.text("password")? {
        settings = settings.set_password(password);
    }
    let failed = |error: redis::RedisError| Unobservable::Service {
        service: service.clone(),
        what: format!("Redis does not answer: {error}"),
    };
    let mut connection = connect(address, settings).await.map_err(failed)?;
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(word.as_str().map_or_else(|| word.to_string(), str::to_owned));
    }
    match command.query_async::<Reply>(&mut connection).await {
        Ok(reply) => {
            let (kind, value) = document(reply);
            Ok(Observation::new(json!({ "value": value, "type": kind, "error": null }), value))
        }
        // An error reply is an answer; a broken connection is not.
        Err(error) if !error.is_io_error() && !error.is_connection_dropped() => {
            let text = error.to_string();
            Ok(Observation::new(json!({ "value": null, "type": "error", "error": text }), Value::Null))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Connects to the server at this address.
pub(in crate::check) async fn connect(
    address: std::net::SocketAddr,
    settings: RedisConnectionInfo,
) -> Result<redis::aio::MultiplexedConnection, redis::RedisError> {
    let info = ConnectionAddr::Tcp(address.ip().to_string(), address.port())
        .into_connection_info()?
        .set_redis_settings(settings);
    redis::Client::open(info)?.get_multiplexed_async_connection().await
}

/// A reply as JSON (RESP: redis.io, "Redis serialization protocol specification").
fn document(reply: Reply) -> (&'static str, Value) {
    match reply {
        Reply::Nil => ("nil", Value::Null),
        Reply::Int(number) => ("integer", number.into()),
        Reply::BulkString(bytes) => ("string", String::from_utf8_lossy(&bytes).into_owned().into()),
        Reply::SimpleString(text) => ("status", text.into()),
        Reply::Okay => ("status", "OK".into()),
        Reply::Double(number) => ("double", json!(number)),
        Reply::Boolean(flag) => ("boolean", flag.into()),
        Reply::Array(items) | Reply::Set(items) => ("list", items.into_iter().map(|item| document(item).1).collect()),
        Reply::Map(pairs) => {
            let key = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            ("map", pairs.into_iter().map(|(name, value)| (key(document(name).1), document(value).1)).collect())
        }
        other => ("string", format!("{other:?}").into()),
    }
}
