//! The learner's own Compose files, read as `docker compose` reads them, under the names that the lab has for services.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::compose::{self, Author, Context};
use super::diagnostic::{Diagnostic, Findings, Severity};
use super::parse;
use super::tree::{Entry, Node, Span, Value};
use crate::lab::definition::Need;
use crate::lab::stack::{MountSource, Service, Stack};
use crate::lab::{OwnCompose, ServiceName};

/// Why the files cannot be brought up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnError {
    /// Something in them is wrong; Docker Compose would say so too.
    Wrong(String),
    /// They ask for what labrunner does not do.
    Beyond(String),
}

/// Findings about what is right and labrunner cannot do.
const BEYOND: &[&str] = &["refused-key", "extends-file", "too-large", "needs"];

/// Reads the files below `folder`. `environment` fills their `${…}` and wins over an `.env` beside them; of what is
/// not safe for everybody they may have what is `allowed`.
///
/// # Errors
/// What is wrong with them, or beyond labrunner.
pub fn read(
    folder: &Path,
    own: &OwnCompose,
    environment: &BTreeMap<String, Option<String>>,
    allowed: &[Need],
) -> Result<Stack, OwnError> {
    let mut roots = Vec::new();
    let mut texts = Vec::new();
    for file in &own.files {
        let mut findings = Findings::new(file.as_str());
        let path = folder.join(file);
        // A link out of the workspace is not a file of the workspace.
        if !path.canonicalize().is_ok_and(|path| folder.canonicalize().is_ok_and(|folder| path.starts_with(folder))) {
            return Err(OwnError::Wrong(format!("there is no file `{file}` in the workspace")));
        }
        let read = parse::read_foreign(&path, &mut findings);
        told(&findings.list, read.as_ref().map(|(text, _)| text.as_str()))?;
        let (text, root) = read.ok_or_else(|| OwnError::Wrong(format!("`{file}` cannot be read")))?;
        if root.get("include").is_some() {
            return Err(OwnError::Beyond(format!("`{file}` has `include`, which labrunner does not follow")));
        }
        texts.push(text);
        roots.push(root);
    }
    roots.extend(own.overlays.iter().map(|overlay| Rc::new(over(overlay, &own.names))));
    let root = compose::merged(&roots).ok_or_else(|| OwnError::Wrong("no Compose file is named".into()))?;
    let beside = variables_beside(folder)?;
    let lookup = |name: &str| -> Option<Json> {
        let given = environment.get(name).cloned().flatten();
        given.or_else(|| beside.get(name).cloned()).map(Json::from)
    };
    let context = Context {
        author: Author::Learner,
        folder: folder.to_owned(),
        workspace: folder.to_owned(),
        lookup: &lookup,
        needs: allowed,
        profiles: &[],
    };
    let mut findings = Findings::new(own.files.join(", "));
    let mut stack = compose::read(&root, &context, &mut findings);
    // Places in several files cannot be told apart.
    told(&findings.list, texts.first().filter(|_| roots.len() == 1).map(String::as_str))?;
    stack.services.retain(|_, service| service.profiles.is_empty());
    if stack.services.is_empty() {
        return Err(OwnError::Wrong(format!("`{}` has no services", own.files.join(", "))));
    }
    let volumes = stack.volumes.iter().filter(|(_, volume)| volume.external).map(|(name, _)| name);
    let networks = stack.networks.iter().filter(|(_, network)| network.external).map(|(name, _)| name);
    if let Some(name) = volumes.chain(networks).next() {
        let why = format!("`{name}` is external: what others use as well is not for a check to work with");
        return Err(OwnError::Beyond(why));
    }
    Ok(renamed(stack, &own.names))
}

/// What a stack says, for `compose` steps.
pub fn document(stack: &Stack) -> Json {
    let services: serde_json::Map<String, Json> =
        stack.services.iter().map(|(name, service)| (name.to_string(), service_document(service))).collect();
    json!({
        "services": services,
        "volumes": stack.volumes.keys().collect::<Vec<_>>(),
        "networks": stack.networks.keys().collect::<Vec<_>>(),
    })
}

fn service_document(service: &Service) -> Json {
    let mounts = service.mounts.iter().map(|mount| {
        let (kind, source) = match &mount.source {
            MountSource::Bind { path, .. } => ("bind", Some(path.display().to_string())),
            MountSource::Volume { name, .. } => ("volume", Some(name.clone())),
            MountSource::Anonymous => ("volume", None),
            MountSource::Tmpfs { .. } => ("tmpfs", None),
        };
        json!({ "type": kind, "source": source, "target": mount.target, "read_only": mount.read_only })
    });
    let ports = service.ports.iter().map(|port| json!({ "target": port.target, "published": port.published }));
    let depends: serde_json::Map<String, Json> = service
        .depends_on
        .iter()
        .map(|(name, dependency)| (name.to_string(), dependency.condition.word().into()))
        .collect();
    json!({
        "image": service.image,
        "build": service.build.as_ref().map(|build| json!({ "dockerfile": build.dockerfile, "target": build.target })),
        "command": service.command,
        "entrypoint": service.entrypoint,
        "environment": service.environment,
        "ports": ports.collect::<Vec<_>>(),
        "volumes": mounts.collect::<Vec<_>>(),
        "depends_on": depends,
        "healthcheck": service.healthcheck.as_ref().map(|check| &check.test),
        "user": service.user,
        "read_only": service.read_only,
        "init": service.init,
        "scale": service.scale,
    })
}

/// The first errors among findings, with their lines where the text is known.
fn told(findings: &[Diagnostic], text: Option<&str>) -> Result<(), OwnError> {
    let errors: Vec<&Diagnostic> = findings.iter().filter(|one| one.severity == Severity::Error).collect();
    let words = |one: &&Diagnostic| {
        let line = text.zip(one.span).map(|(text, span)| {
            let before = &text.as_bytes()[..span.start.min(text.len())];
            format!(":{}", before.iter().filter(|byte| **byte == b'\n').count() + 1)
        });
        let hint = one.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}{}: {}{hint}", one.file.display(), line.unwrap_or_default(), one.message)
    };
    let all = errors.iter().map(words).collect::<Vec<_>>().join("\n");
    match errors.iter().find(|one| !BEYOND.contains(&one.code)) {
        Some(_) => Err(OwnError::Wrong(all)),
        None if errors.is_empty() => Ok(()),
        None => Err(OwnError::Beyond(all)),
    }
}

fn variables_beside(folder: &Path) -> Result<BTreeMap<String, String>, OwnError> {
    match std::fs::read_to_string(folder.join(".env")) {
        Ok(text) => compose::environment_file(&text)
            .map_err(|line| OwnError::Wrong(format!(".env:{line}: this is no `NAME=value`"))),
        Err(_) => Ok(BTreeMap::new()),
    }
}

/// A map of services as a Compose file of its own, by the names of the learner's file. It was filled in before, so a
/// `$` in it is one.
fn over(services: &Json, names: &BTreeMap<ServiceName, String>) -> Node {
    fn node(value: &Json) -> Rc<Node> {
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or_default()), Value::Integer)
            }
            Json::String(text) => Value::Text(text.replace('$', "$$")),
            Json::Array(items) => Value::List(items.iter().map(node).collect()),
            Json::Object(map) => Value::Map(map.iter().map(|(key, value)| entry(key, node(value))).collect()),
        };
        Rc::new(Node { span: Span::default(), value })
    }
    fn entry(key: &str, value: Rc<Node>) -> Entry {
        Entry { key: key.to_owned(), key_span: Span::default(), value }
    }
    let named = |key: &str| names.get(key).map_or(key, String::as_str).to_owned();
    let entries = services.as_object().into_iter().flatten().map(|(key, value)| entry(&named(key), node(value)));
    let services = Rc::new(Node { span: Span::default(), value: Value::Map(entries.collect()) });
    Node { span: Span::default(), value: Value::Map(vec![entry("services", services)]) }
}

/// The services under the lab's names; on their networks they keep their own. One that is not there is missed by the
/// checks that ask for it, and by no others.
fn renamed(stack: Stack, names: &BTreeMap<ServiceName, String>) -> Stack {
    let roles: BTreeMap<&str, &ServiceName> = names.iter().map(|(role, name)| (name.as_str(), role)).collect();
    let here = |name: &ServiceName| match roles.get(name.as_str()) {
        Some(role) => (*role).clone(),
        // Another one goes by the name that the lab has for somebody else.
        None if names.contains_key(name) => ServiceName::new(&format!("own-{name}")).unwrap_or_else(|_| name.clone()),
        None => name.clone(),
    };
    let mut services = BTreeMap::new();
    for (name, mut service) in stack.services.clone() {
        let new = here(&name);
        service.known_as = (new != name).then(|| name.to_string());
        service.depends_on = service.depends_on.iter().map(|(other, one)| (here(other), one.clone())).collect();
        if let Some(other) = service.network_mode.as_deref().and_then(|mode| mode.strip_prefix("service:"))
            && let Ok(other) = ServiceName::new(other)
        {
            service.network_mode = Some(format!("service:{}", here(&other)));
        }
        services.insert(new, service);
    }
    Stack { services, ..stack }
}
