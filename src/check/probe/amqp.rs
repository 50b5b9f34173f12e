//! `amqp`: queues, exchanges and messages of RabbitMQ.
//!
//! What AMQP 0-9-1 can tell is asked there: a passive declare answers at once, while the counters of the
//! management API lag behind by seconds. Durability, arguments, exchange types and bindings are only known to
//! the management API (rabbitmq.com, "HTTP API reference").

use std::net::SocketAddr;
use std::time::Duration;

use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation, Connection, ConnectionProperties, ExchangeKind};
use serde_json::{Map, Value, json};

use super::amqp_management::Management;
use super::{Fields, fitting, repository, wrong};
use crate::check::world::{Observation, Unobservable, World};
use crate::lab::Kind;
use crate::lab::stack::Service;

/// Where AMQP and where the management API is spoken.
pub(in crate::check) const PORT: u16 = 5672;
pub(in crate::check) const MANAGEMENT: u16 = 15672;
/// How long an answer is waited for before the question is asked anew.
const PATIENCE: Duration = Duration::from_secs(3);
/// Reply code of AMQP 0-9-1 for what does not exist.
const NOT_FOUND: u16 = 404;
/// Bytes of the largest frame: what servers propose, and enough for the headers of any message.
const FRAME_MAX: u32 = 131_072;
/// The least that servers agree to. Our client holds 64 frames of memory, so that this is what questions are asked
/// with that move no message. Source: the release notes of RabbitMQ 4.1, "Initial AMQP 0-9-1 Maximum Frame Size".
const SMALL_FRAME_MAX: u32 = 8192;

/// Whether a service is a RabbitMQ server.
pub(in crate::check) fn fits(service: &Service) -> bool {
    repository(service) == "rabbitmq"
}

pub(super) async fn observe<W: World>(fields: &Fields<'_>, world: &W) -> Result<Observation, Unobservable> {
    let service = fitting(Kind::Amqp, fields, world)?;
    let address = world.address(&service, PORT).await?;
    let text = |name: &str, default: &str| Ok(fields.text(name)?.unwrap_or_else(|| default.to_owned()));
    let (user, password, vhost) = (text("username", "guest")?, text("password", "guest")?, text("vhost", "/")?);
    let failed = |what: String| Unobservable::Service { service: service.clone(), what };
    let management = world.address(&service, MANAGEMENT).await?;
    let moves_messages = fields.get("publish").is_some() || fields.get("get").is_some();
    let look = async || {
        let frame_max = if moves_messages { FRAME_MAX } else { SMALL_FRAME_MAX };
        let broker = Broker::connect(address, management, (&user, &password), &vhost, frame_max)
            .await
            .map_err(|error| failed(format!("RabbitMQ does not let in `{user}`: {error}")))?;
        let asked = broker.ask(fields).await;
        // Closed in any case: a broker counts connections, and so may a check.
        let _ = broker.connection.close(200, "done".into()).await;
        asked.map_err(|trouble| match trouble {
            Trouble::Broker(what) => failed(format!("RabbitMQ does not answer: {what}")),
            Trouble::Step(problem) => problem,
        })
    };
    if fields.get("publish").is_some() || fields.get("get").is_some() {
        return look().await;
    }
    // While queues are being made, a question may stay without an answer for good; the same question, asked anew,
    // gets one. The step's own time limit ends this.
    loop {
        if let Ok(seen) = tokio::time::timeout(PATIENCE, look()).await {
            return seen;
        }
    }
}

/// What is not safe in a part of a URI becomes `%xx` (RFC 3986).
fn percent(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Why the broker gave no answer.
enum Trouble {
    Broker(String),
    /// The step's own fields cannot be understood.
    Step(Unobservable),
}

impl From<lapin::Error> for Trouble {
    fn from(error: lapin::Error) -> Self {
        Trouble::Broker(error.to_string())
    }
}

impl From<Unobservable> for Trouble {
    fn from(problem: Unobservable) -> Self {
        Trouble::Step(problem)
    }
}

struct Broker {
    connection: Connection,
    management: Management,
}

/// `None` for what does not exist.
fn unless_missing<T>(result: Result<T, lapin::Error>) -> Result<Option<T>, lapin::Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            lapin::ErrorKind::ProtocolError(protocol) if protocol.get_id() == NOT_FOUND => Ok(None),
            _ => Err(error),
        },
    }
}

/// Everything that a server holds, for its fingerprint: users, virtual hosts, exchanges, queues, bindings and
/// policies, and how many messages wait in each queue. For a server that still has its first user.
///
/// # Errors
/// It does not answer; in words.
pub(in crate::check) async fn content(address: SocketAddr, management: SocketAddr) -> Result<String, String> {
    let broker = Broker::connect(address, management, ("guest", "guest"), "/", SMALL_FRAME_MAX)
        .await
        .map_err(|error| error.to_string())?;
    let read = async {
        let mut definitions = broker.management.get("definitions").await?;
        // A virtual host that was made again lacks the words that describe the first one, and nothing else.
        for vhost in definitions["vhosts"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            vhost.retain(|name, _| !matches!(name.as_str(), "description" | "metadata"));
        }
        let queues = broker.queues(&"*".into()).await.map_err(|_| "the queues cannot be counted".to_owned())?;
        Ok(format!("{definitions}{}", queues.main))
    };
    let read = read.await;
    let _ = broker.connection.close(200, "done".into()).await;
    read
}

impl Broker {
    async fn connect(
        address: SocketAddr,
        management: SocketAddr,
        (user, password): (&str, &str),
        vhost: &str,
        frame_max: u32,
    ) -> Result<Self, lapin::Error> {
        let (name, word, place) = (percent(user), percent(password), percent(vhost));
        let uri = format!("amqp://{name}:{word}@{address}/{place}?frame_max={frame_max}");
        let connection = Connection::connect(&uri, ConnectionProperties::default()).await?;
        let management = Management {
            base: format!("http://{management}"),
            user: user.to_owned(),
            password: password.to_owned(),
            vhost: place,
        };
        Ok(Self { connection, management })
    }

    async fn ask(&self, fields: &Fields<'_>) -> Result<Observation, Trouble> {
        if let Some(name) = fields.text("queue")? {
            return self.queue(&name).await;
        }
        if let Some(name) = fields.text("exchange")? {
            return self.exchange(&name).await;
        }
        match (fields.get("queues"), fields.get("publish"), fields.get("get")) {
            (Some(names), ..) => self.queues(names).await,
            (_, Some(message), _) => self.publish(message).await,
            (.., Some(get)) => self.get(get).await,
            _ => Ok(Observation::new(json!({ "connected": true }), Value::Null)),
        }
    }

    /// Ready messages and consumers; a channel of its own, because asking for a missing queue closes it.
    async fn counts(&self, name: &str) -> Result<Option<(u32, u32)>, Trouble> {
        let channel = self.connection.create_channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(name.into(), options, FieldTable::default()).await;
        Ok(unless_missing(declared)?.map(|queue| (queue.message_count(), queue.consumer_count())))
    }

    async fn queue(&self, name: &str) -> Result<Observation, Trouble> {
        let Some((ready, consumers)) = self.counts(name).await? else {
            return Ok(Observation::new(json!({ "exists": false }), Value::Null));
        };
        let known = self.management.get(&format!("queues/{{vhost}}/{}", percent(name))).await;
        let bindings = self.management.get(&format!("queues/{{vhost}}/{}/bindings", percent(name))).await;
        let known = known.unwrap_or(Value::Null);
        let fields = json!({
            "exists": true,
            "ready": ready,
            "consumers": consumers,
            "durable": known["durable"],
            "arguments": known["arguments"],
            "bindings": bindings.unwrap_or(Value::Null),
        });
        Ok(Observation::new(fields.clone(), fields))
    }

    /// All queues, or those named, together.
    async fn queues(&self, names: &Value) -> Result<Observation, Trouble> {
        let names: Vec<String> = match names {
            Value::String(all) if all == "*" => {
                let listed = self.management.get("queues/{vhost}").await.map_err(Trouble::Broker)?;
                // An exclusive queue is nobody's business but its own connection's.
                let shared = listed.as_array().into_iter().flatten().filter(|queue| queue["exclusive"] != true);
                shared.filter_map(|queue| queue["name"].as_str()).map(str::to_owned).collect()
            }
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            other => return Err(wrong("queues", "`*` or a list of names", other).into()),
        };
        let (mut ready, mut consumers, mut list) = (0, 0, Vec::new());
        for name in names {
            let Some((messages, takers)) = self.counts(&name).await? else { continue };
            ready += messages;
            consumers += takers;
            list.push(json!({ "name": name, "ready": messages, "consumers": takers }));
        }
        let fields = json!({ "count": list.len(), "ready": ready, "consumers": consumers });
        Ok(Observation::new(fields, list.into()))
    }

    async fn exchange(&self, name: &str) -> Result<Observation, Trouble> {
        let channel = self.connection.create_channel().await?;
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        // A passive declare names a type and does not compare it.
        let declared =
            channel.exchange_declare(name.into(), ExchangeKind::Direct, options, FieldTable::default()).await;
        if unless_missing(declared)?.is_none() {
            return Ok(Observation::new(json!({ "exists": false }), Value::Null));
        }
        let known = self.management.get(&format!("exchanges/{{vhost}}/{}", percent(name))).await;
        let bindings = self.management.get(&format!("exchanges/{{vhost}}/{}/bindings/source", percent(name))).await;
        let known = known.unwrap_or(Value::Null);
        let fields = json!({
            "exists": true,
            "type": known["type"],
            "durable": known["durable"],
            "arguments": known["arguments"],
            "bindings": bindings.unwrap_or(Value::Null),
        });
        Ok(Observation::new(fields.clone(), fields))
    }

    async fn publish(&self, message: &Value) -> Result<Observation, Trouble> {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (body, kind) = match (message.get("json"), message.get("body")) {
            (Some(json), _) => (json.to_string(), "application/json"),
            (None, Some(Value::String(body))) => (body.clone(), "text/plain"),
            (None, Some(other)) => return Err(wrong("body", "a text", other).into()),
            (None, None) => (String::new(), "text/plain"),
        };
        let mut headers = FieldTable::default();
        for (name, value) in message.get("headers").and_then(Value::as_object).into_iter().flatten() {
            headers.insert(name.as_str().into(), field(value));
        }
        let persistent = message.get("persistent").and_then(Value::as_bool).unwrap_or(true);
        let properties = BasicProperties::default()
            .with_content_type(kind.into())
            .with_delivery_mode(if persistent { 2 } else { 1 })
            .with_headers(headers);
        let channel = self.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        // Mandatory: what no queue takes comes back instead of vanishing.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (text("exchange"), text("routing_key"));
        let sent = channel.basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties).await?;
        let (confirmed, routed) = match unless_missing(sent.await)? {
            Some(Confirmation::Ack(returned)) => (true, returned.is_none()),
            _ => (false, false),
        };
        Ok(Observation::new(json!({ "routed": routed, "confirmed": confirmed }), Value::Null))
    }

    /// Takes one message; with `keep` it goes back, which counts as a delivery.
    async fn get(&self, get: &Value) -> Result<Observation, Trouble> {
        let Some(queue) = get.get("queue").and_then(Value::as_str) else {
            return Err(wrong("get", "a map with `queue`", get).into());
        };
        let channel = self.connection.create_channel().await?;
        let taken = unless_missing(channel.basic_get(queue.into(), BasicGetOptions::default()).await)?.flatten();
        let Some(message) = taken else {
            return Ok(Observation::new(json!({ "found": false }), Value::Null));
        };
        let body = String::from_utf8_lossy(&message.delivery.data).into_owned();
        let headers: Map<String, Value> = match message.delivery.properties.headers() {
            Some(table) => table.inner().iter().map(|(name, value)| (name.to_string(), document(value))).collect(),
            None => Map::new(),
        };
        let fields = json!({
            "found": true,
            "body": body,
            "exchange": message.delivery.exchange.as_str(),
            "routing_key": message.delivery.routing_key.as_str(),
            "redelivered": message.delivery.redelivered,
            "persistent": *message.delivery.properties.delivery_mode() == Some(2),
            "headers": headers,
        });
        if get.get("keep").and_then(Value::as_bool).unwrap_or(false) {
            message.acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await?;
        } else {
            message.acker.ack(BasicAckOptions::default()).await?;
        }
        let main = serde_json::from_str(&body).unwrap_or(Value::Null);
        Ok(Observation::new(fields, main))
    }
}

/// A table of headers as the wire has it, read as those of a message are. Built for the fuzz targets alone.
#[cfg(fuzzing)]
pub(super) fn answer(input: &[u8]) {
    if let Ok((_, table)) = lapin::types::parsing::parse_field_table(input) {
        let read: Map<String, Value> =
            table.inner().iter().map(|(name, value)| (name.to_string(), document(value))).collect();
        read.iter().for_each(|(_, value)| drop(field(value)));
    }
}

/// JSON as a header's value.
fn field(value: &Value) -> AMQPValue {
    match value {
        Value::Bool(flag) => AMQPValue::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => AMQPValue::LongLongInt(whole),
            None => AMQPValue::Double(number.as_f64().unwrap_or(0.0)),
        },
        Value::String(text) => AMQPValue::LongString(text.as_str().into()),
        other => AMQPValue::LongString(other.to_string().into()),
    }
}

/// A header's value as JSON (AMQP 0-9-1, section 4.2.5.5, with RabbitMQ's errata).
fn document(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(flag) => (*flag).into(),
        AMQPValue::ShortShortInt(number) => (*number).into(),
        AMQPValue::ShortShortUInt(number) => (*number).into(),
        AMQPValue::ShortInt(number) => (*number).into(),
        AMQPValue::ShortUInt(number) => (*number).into(),
        AMQPValue::LongInt(number) => (*number).into(),
        AMQPValue::LongUInt(number) => (*number).into(),
        AMQPValue::LongLongInt(number) => (*number).into(),
        AMQPValue::Float(number) => json!(number),
        AMQPValue::Double(number) => json!(number),
        AMQPValue::ShortString(text) => text.as_str().into(),
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned().into(),
        AMQPValue::Timestamp(seconds) => (*seconds).into(),
        AMQPValue::FieldArray(items) => items.as_slice().iter().map(document).collect(),
        AMQPValue::FieldTable(table) => {
            table.inner().iter().map(|(name, value)| (name.to_string(), document(value))).collect()
        }
        _ => Value::Null,
    }
}
