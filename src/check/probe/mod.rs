//! One observation: fields in, data or a reason out. Judges nothing.

pub(super) mod amqp;
mod amqp_management;
mod badge;
mod celery;
mod container;
mod django;
mod evidence;
mod exec;
mod file;
#[cfg(fuzzing)]
pub mod fuzzed;
mod git;
#[cfg(test)]
mod hostile;
mod http;
mod image;
mod kafka;
mod load;
mod locust;
mod mail;
mod mutants;
mod plugin;
mod practical;
mod pytest;
mod python;
pub(super) mod redis;
pub(super) mod sql;
mod tcp;
pub mod workflow;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::world::{Observation, Origin, Unobservable, World};
use crate::lab::stack::Service;
use crate::lab::{Kind, ServiceName};

/// Of a load that lasts as long as what happens meanwhile.
const LONGEST_LOAD: Duration = Duration::from_secs(600);

/// Clients for services, by scheme, host and address: making one takes longer than a request. They keep neither
/// connections nor cookies, so that checks may share them.
pub type Clients = Arc<Mutex<HashMap<(String, String, SocketAddr), reqwest::Client>>>;

/// What the observations of one check share.
#[derive(Debug, Clone)]
pub struct Session {
    pub cookies: Arc<reqwest::cookie::Jar>,
    pub(super) clients: Clients,
    /// When the check began: the time that passes, not what a clock says.
    pub began: Instant,
    /// Turns true when the steps that run beside the observation (`meanwhile`) have ended.
    pub ended: Option<tokio::sync::watch::Receiver<bool>>,
}

impl Session {
    /// A session that begins now.
    pub fn new(clients: Clients) -> Self {
        Self { cookies: Arc::default(), clients, began: Instant::now(), ended: None }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new(Clients::default())
    }
}

/// A file that the lab brings, links resolved.
///
/// # Errors
/// It is not there, or lies outside the lab: what else is on this machine is not the lab's to read.
fn of_lab(lab: &Path, name: &str) -> Result<PathBuf, Unobservable> {
    let broken = |what: String| Unobservable::Definition(format!("`{name}` of the lab {what}"));
    let missing = |error: std::io::Error| broken(format!("cannot be found: {error}"));
    let lab = lab.canonicalize().map_err(missing)?;
    let found = lab.join(name).canonicalize().map_err(missing)?;
    if found.starts_with(&lab) { Ok(found) } else { Err(broken("lies outside the lab".into())) }
}

/// Makes one observation, in at most `limit`.
///
/// # Errors
/// Nothing could be observed; says whose doing that is, as far as the probe knows.
pub async fn observe<W: World>(
    kind: Kind,
    fields: &Value,
    world: &W,
    session: &Session,
    limit: Duration,
) -> Result<Observation, Unobservable> {
    let fields = Fields(fields);
    // A load takes as long as it is meant to, and then its last answers.
    let extra = match kind {
        Kind::Load => load::lasts(&fields)?.unwrap_or(LONGEST_LOAD),
        Kind::Run => fields.duration("limit")?.unwrap_or_default(),
        _ => Duration::ZERO,
    };
    let observing = async {
        match kind {
            Kind::Http => http::observe(&fields, world, session, limit).await,
            Kind::Tcp => tcp::observe(&fields, world).await,
            Kind::Redis => redis::observe(&fields, world).await,
            Kind::Amqp => amqp::observe(&fields, world).await,
            Kind::Kafka => kafka::observe(&fields, world).await,
            Kind::Sql => sql::observe(&fields, world).await,
            Kind::Exec => exec::observe(&fields, world).await,
            Kind::Run => exec::observe_fresh(&fields, world).await,
            Kind::Mail => mail::observe(&fields, world, limit).await,
            Kind::Celery => celery::observe(&fields, world).await,
            Kind::Container => container::observe(&fields, world).await,
            Kind::Workflow => workflow::observe(&fields, world),
            Kind::Compose => Err(Unobservable::Definition("`compose` works in checks only".into())),
            Kind::Log => container::observe_log(&fields, world, session).await,
            Kind::File => file::observe(&fields, world),
            Kind::Django => django::observe(&fields, world).await,
            Kind::Pytest => pytest::observe(&fields, world).await,
            Kind::Load => load::observe(&fields, world, session, limit).await,
            Kind::Image => image::observe(&fields, world).await,
            Kind::Git => git::observe(&fields, world).await,
            Kind::Evidence => evidence::observe(&fields, world).await,
            Kind::Practical => practical::observe(&fields, world),
            Kind::Plugin => plugin::observe(&fields, world).await,
        }
    };
    match tokio::time::timeout(limit + extra, observing).await {
        Ok(result) => result,
        // Nobody but the lab's author can help that one.
        Err(_) if kind == Kind::Plugin => {
            Err(Unobservable::Definition(format!("the plugin did not end within {} s", limit.as_secs_f64())))
        }
        // Its files are read here: no service has to do with it.
        Err(_) if kind == Kind::Image => {
            Err(Unobservable::Machine(format!("the image could not be looked into within {} s", limit.as_secs_f64())))
        }
        Err(_) => Err(Unobservable::TimedOut { service: service_of(kind, &fields, world), after: limit }),
    }
}

/// The step that tells whether a service of a known kind is ready, for a lab that is begun.
pub fn sign_of(name: &ServiceName, service: &Service) -> Option<Value> {
    Some(match service {
        service if redis::fits(service) => json!({ "redis": { "service": name.as_str(), "command": ["PING"] } }),
        service if sql::fits(service) => json!({ "sql": { "service": name.as_str(), "query": "SELECT 1" } }),
        service if amqp::fits(service) => {
            json!({ "amqp": { "service": name.as_str(), "connect": true }, "within": "60s" })
        }
        service if kafka::fits(service) => {
            json!({ "kafka": { "service": name.as_str(), "topics": "*" }, "within": "60s" })
        }
        service if mail::fits(service) => json!({ "mail": { "service": name.as_str() } }),
        _ => return None,
    })
}

/// The service that a step looks at, if one can be named.
pub fn service_of<W: World>(kind: Kind, fields: &Fields<'_>, world: &W) -> Option<ServiceName> {
    let named = match kind {
        Kind::Http | Kind::Load if fields.0.get("url").is_some() => {
            http::target(fields.0.get("url")?.as_str()?).ok().map(|(host, ..)| host)
        }
        Kind::Tcp => fields.0.get("address")?.as_str()?.split(':').next().map(str::to_owned),
        kind if fits(kind).is_some() => return fitting(kind, fields, world).ok(),
        _ => fields.0.get("service")?.as_str().map(str::to_owned),
    };
    named.and_then(|name| ServiceName::new(&name).ok())
}

/// The rendered fields of a step.
pub struct Fields<'a>(pub &'a Value);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, Unobservable> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(other) => Err(wrong(name, "a text", other)),
        }
    }

    fn required(&self, name: &str) -> Result<String, Unobservable> {
        self.text(name)?.ok_or_else(|| Unobservable::Definition(format!("`{name}` is missing")))
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, Unobservable> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(name, "true or false", other)),
        }
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Unobservable> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(name, "a whole number", value)),
        }
    }

    fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Unobservable> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(map)) => Ok(map
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect()),
            Some(other) => Err(wrong(name, "a map", other)),
        }
    }

    /// One text, or a list of them.
    ///
    /// # Errors
    /// Something else.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Unobservable> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one.clone()]),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Some(other) => Err(wrong(name, "a text or a list of texts", other)),
        }
    }

    fn duration(&self, name: &str) -> Result<Option<Duration>, Unobservable> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let long = crate::lab::duration::parse(&text);
        long.map(Some).ok_or_else(|| wrong(name, "a duration such as 10s", &text.into()))
    }

    /// A list of words, or a text for `sh -c`.
    fn command(&self) -> Result<Vec<String>, Unobservable> {
        match self.get("command") {
            Some(Value::String(text)) => Ok(vec!["/bin/sh".into(), "-c".into(), text.clone()]),
            Some(Value::Array(words)) if !words.is_empty() => {
                Ok(words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect())
            }
            Some(other) => Err(wrong("command", "a text or a list of words", other)),
            None => Err(Unobservable::Definition("`command` is missing".into())),
        }
    }

    /// `image` or `service`.
    fn origin(&self) -> Result<Origin, Unobservable> {
        match self.text("image")? {
            Some(image) => Ok(Origin::Image(image)),
            None => self.service().map(Origin::Service),
        }
    }

    fn service(&self) -> Result<ServiceName, Unobservable> {
        let name = self.required("service")?;
        ServiceName::new(&name).map_err(|error| Unobservable::Definition(error.to_string()))
    }
}

fn wrong(name: &str, wanted: &str, found: &Value) -> Unobservable {
    Unobservable::Definition(format!("`{name}` has to be {wanted}; here is {found}"))
}

/// Which services a step of this kind may mean when it names none; `None` for kinds that name one, or need none.
fn fits(kind: Kind) -> Option<fn(&Service) -> bool> {
    Some(match kind {
        Kind::Redis => redis::fits,
        Kind::Amqp => amqp::fits,
        Kind::Kafka => kafka::fits,
        Kind::Sql => sql::fits,
        Kind::Mail => mail::fits,
        _ => return None,
    })
}

/// The service that a step of this kind means when it names none: the only one that fits.
///
/// # Errors
/// None fits, or several do; `None` for kinds that name one, or need none.
pub fn only_one(kind: Kind, services: &BTreeMap<ServiceName, Service>) -> Option<Result<&ServiceName, String>> {
    let fits = fits(kind)?;
    let found: Vec<&ServiceName> = services.iter().filter(|(_, service)| fits(service)).map(|(name, _)| name).collect();
    Some(match found.as_slice() {
        [one] => Ok(*one),
        [] => Err("no service of this lab fits; name one with `service`".into()),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            Err(format!("{} fit; name one with `service`", names.join(" and ")))
        }
    })
}

/// The service that a step means: the named one, or the only one that fits.
fn fitting<W: World>(kind: Kind, fields: &Fields<'_>, world: &W) -> Result<ServiceName, Unobservable> {
    match only_one(kind, world.services()) {
        Some(only) if fields.get("service").is_none() => only.cloned().map_err(Unobservable::Definition),
        _ => fields.service(),
    }
}

/// The repository part of an image reference, without registry and tag.
fn repository(service: &Service) -> &str {
    crate::lab::stack::repository(service.image.as_deref().unwrap_or_default())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_labs_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let lab = folder.path().join("lab");
        std::fs::create_dir(&lab).unwrap();
        std::fs::write(lab.join("mine.txt"), "").unwrap();
        std::fs::write(folder.path().join("yours.txt"), "").unwrap();
        std::os::unix::fs::symlink("../yours.txt", lab.join("link.txt")).unwrap();
        assert!(of_lab(&lab, "mine.txt").is_ok());
        for name in ["../yours.txt", "link.txt", "/etc/passwd"] {
            let refused = of_lab(&lab, name);
            assert!(
                matches!(&refused, Err(Unobservable::Definition(why)) if why.contains("lies outside")),
                "{refused:?}"
            );
        }
    }
}
