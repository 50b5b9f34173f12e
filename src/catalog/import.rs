//! A Compose file as the beginning of a lab: what it says is kept, and what lies beside it becomes the workspace.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::compose::{self, Author, Context};
use super::diagnostic::{Diagnostic, Findings};
use super::parse;
use super::render::Sources;
use crate::lab::stack::Stack;

/// What of a Compose file belongs into a lab.
pub struct Imported {
    /// `services`, `volumes`, `networks`, `configs` and `secrets`, as far as they are there.
    pub parts: Map<String, Json>,
    pub stack: Stack,
    /// What was left out or changed, in words.
    pub notes: Vec<String>,
    pub uses_workspace: bool,
}

const PARTS: &[&str] = &["services", "volumes", "networks", "configs", "secrets"];

/// Reads a Compose file; `environment` fills its `${…}`.
///
/// # Errors
/// Everything in it that a lab cannot have.
pub fn import(file: &Path, environment: &BTreeMap<String, String>) -> Result<Imported, (Vec<Diagnostic>, Sources)> {
    let mut findings = Findings::new(file);
    let mut sources = Sources::default();
    let Some((text, root)) = parse::read_file(file, &mut findings) else {
        return Err((findings.list, sources));
    };
    sources.0.insert(file.to_owned(), text);
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let lookup = |name: &str| environment.get(name).map(|value| value.clone().into());
    let context = Context {
        author: Author::Lab,
        folder: folder.clone(),
        workspace: folder.clone(),
        lookup: &lookup,
        needs: &[],
        profiles: &[],
    };
    let stack = compose::read(&root, &context, &mut findings);
    if findings.has_errors() {
        return Err((findings.list, sources));
    }
    let mut notes: Vec<String> = findings.list.iter().map(|finding| finding.message.clone()).collect();
    let others = root.entries().iter().filter(|entry| !PARTS.contains(&entry.key.as_str()));
    notes.extend(others.map(|entry| format!("`{}` is left out", entry.key)));
    let mut parts: Map<String, Json> =
        PARTS.iter().filter_map(|part| Some(((*part).to_owned(), root.get(part)?.json()))).collect();
    let services = parts.get_mut("services").and_then(Json::as_object_mut);
    for (name, service) in services.into_iter().flatten() {
        let definition = stack.services.get(name.as_str()).map(|service| &service.environment);
        if let Some(service) = service.as_object_mut() {
            at_home(service);
            if service.remove("env_file").is_some() {
                service.insert("environment".into(), definition.map(|all| serde_json::json!(all)).unwrap_or_default());
                notes.push(format!("`{name}`: the content of its `env_file` stands in the lab now; take secrets out"));
            }
        }
    }
    let uses_workspace = stack.services.values().any(|service| service.uses_workspace);
    Ok(Imported { parts, stack, notes, uses_workspace })
}

/// Paths beside the file become paths of the workspace.
fn at_home(service: &mut Map<String, Json>) {
    match service.get_mut("build") {
        Some(Json::String(context)) => *context = home(context),
        Some(Json::Object(build)) => {
            if let Some(Json::String(context)) = build.get_mut("context") {
                *context = home(context);
            }
        }
        _ => {}
    }
    for mount in service.get_mut("volumes").and_then(Json::as_array_mut).into_iter().flatten() {
        match mount {
            Json::String(text) => *text = home(text),
            Json::Object(mount) if mount.get("type").is_some_and(|kind| kind == "bind") => {
                if let Some(Json::String(source)) = mount.get_mut("source") {
                    *source = home(source);
                }
            }
            _ => {}
        }
    }
}

/// `.` and `./x`, alone or before a `:`, begin in the workspace.
fn home(text: &str) -> String {
    let (source, rest) = text.split_once(':').map_or((text, None), |(source, rest)| (source, Some(rest)));
    let path = match source {
        "." | "./" => "${WORKSPACE}".to_owned(),
        other => match other.strip_prefix("./") {
            Some(inner) => format!("${{WORKSPACE}}/{inner}"),
            None => return text.to_owned(),
        },
    };
    rest.map_or(path.clone(), |rest| format!("{path}:{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beside_the_file_are_paths_of_the_workspace() {
        for (before, after) in [
            (".", "${WORKSPACE}"),
            ("./api", "${WORKSPACE}/api"),
            (".:/app", "${WORKSPACE}:/app"),
            ("./conf/redis.conf:/etc/redis.conf:ro", "${WORKSPACE}/conf/redis.conf:/etc/redis.conf:ro"),
            ("data:/data", "data:/data"),
            ("/var/run/x:/x", "/var/run/x:/x"),
        ] {
            assert_eq!(home(before), after);
        }
    }
}
