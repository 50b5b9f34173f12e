//! `lab new` and `lab import`: the beginning of a lab.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::app::App;
use super::{Failure, Outcome};
use crate::catalog::{import, render, schema, template};
use crate::check::probe;
use crate::lab::stack::{Protocol, Service, Stack};
use crate::lab::view::View;
use crate::lab::{LabId, ServiceName};
use crate::workspace::tree::{Content, Tree, ignored};

/// Ports at which one expects HTTP.
const WEB: &[u16] = &[80, 3000, 4200, 5000, 8000, 8080, 8081, 8888];
/// What is no part of a project, beside what never counts.
const NOT_THE_PROJECT: &[&str] =
    &[".venv", "venv", "node_modules", ".env", "compose.yaml", "compose.yml", "docker-compose.y*ml"];

/// Makes a lab from a template, or from a Compose file.
///
/// # Errors
/// The id is none or taken, there is no such template, the file has mistakes, a file cannot be written.
pub fn new(app: &App, id: &str, from: &str) -> Result<Outcome, Failure> {
    let path = app.here.join(from);
    if path.is_file() {
        return import(app, &path, Some(id));
    }
    let id = identifier(id)?;
    let month = month(&id);
    let files = template::files(from, id.as_str(), month).ok_or_else(|| {
        Failure::usage(format!("there is no template and no file `{from}`"))
            .hint(format!("templates are {}; a Compose file does as well", template::names().join(", ")))
    })?;
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.0.insert(path, Content { bytes: text.into_bytes(), executable: false });
    }
    let folder = lay_out(app, &id, &tree)?;
    let text = format!(
        "{id} is in {}; it is right as it is: make it yours\n\n  labrunner lab lint {id}     finds mistakes\n  \
         labrunner lab prove {id}    judges it against its own solution, without it, and against its near misses",
        folder.display()
    );
    Ok(Outcome::ok(View::Done { text }))
}

/// Makes a lab from a Compose file and the project beside it.
///
/// # Errors
/// As [`new`].
pub fn import(app: &App, file: &Path, id: Option<&str>) -> Result<Outcome, Failure> {
    let file = app.here.join(file).canonicalize().map_err(|error| {
        Failure::usage(format!("cannot read `{}`: {error}", file.display())).hint("name a Compose file")
    })?;
    let project = file.parent().unwrap_or(Path::new("."));
    let name = project.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let id = identifier(id.unwrap_or(&name))?;
    let imported = import::import(&file, &app.environment).map_err(|(findings, sources)| {
        Failure::usage(render::render(&findings, &sources, &app.here, app.colour)).hint(
            "a lab is a stranger's code on the learner's machine, and kept to what is safe; the rest is as in Compose",
        )
    })?;
    let mut tree = Tree::default();
    if imported.uses_workspace {
        let patterns: Vec<String> = NOT_THE_PROJECT.iter().map(|one| (*one).to_owned()).collect();
        let files = Tree::read(project, &ignored(&patterns))?;
        tree.0.extend(files.0.into_iter().map(|(path, content)| (Path::new("starter").join(path), content)));
    } else {
        tree.0.insert("starter/NOTES.md".into(), text("What I found out.\n".into()));
    }
    let lab = lab(&id, imported.parts, &imported.stack);
    let yaml = serde_yaml::to_string(&lab).map_err(|error| Failure::engine(error.to_string()))?;
    tree.0.insert("lab.yaml".into(), text(format!("# yaml-language-server: $schema=../schema.json\n{yaml}")));
    tree.0.insert("README.md".into(), text(format!("# {id}\n\nThe situation, what there is, what is wanted.\n")));
    tree.0.insert(
        "tasks/running.md".into(),
        text("# Everything answers\n\nEach service answers where it says it does.\n".into()),
    );
    let folder = lay_out(app, &id, &tree)?;
    let notes: String = imported.notes.iter().map(|note| format!("  note: {note}\n")).collect();
    let text = format!(
        "{id} is in {}\n{notes}\n  labrunner start {id}       starts it\n  labrunner lab lint {id}    tells what it \
         needs before others can work with it: goals, their texts, a solution",
        folder.display()
    );
    Ok(Outcome::ok(View::Done { text }))
}

fn identifier(text: &str) -> Result<LabId, Failure> {
    LabId::new(text).map_err(|error| Failure::usage(error.to_string()))
}

/// The month that an id like `month-7` says; 1 where it says none.
fn month(id: &LabId) -> u8 {
    let said = id.as_str().strip_prefix("month-").and_then(|number| number.parse().ok());
    said.filter(|month| (1..=12).contains(month)).unwrap_or(1)
}

fn text(text: String) -> Content {
    Content { bytes: text.into_bytes(), executable: false }
}

/// Writes the lab, whole or not at all.
fn lay_out(app: &App, id: &LabId, tree: &Tree) -> Result<PathBuf, Failure> {
    let labs = app.labs.clone().unwrap_or_else(|| app.here.join("labs"));
    let folder = labs.join(id.as_str());
    if folder.exists() {
        return Err(Failure::usage(format!("`{}` is there already", folder.display())).hint("take another id"));
    }
    let failed = |error: std::io::Error| Failure::engine(format!("cannot write `{}`: {error}", folder.display()));
    std::fs::create_dir_all(&labs).map_err(failed)?;
    let beside = tempfile::Builder::new().prefix(".new-").tempdir_in(&labs).map_err(failed)?;
    tree.materialise(beside.path(), &ignored(&[]))?;
    std::fs::rename(beside.keep(), &folder).map_err(failed)?;
    // Editors find it there: the first line of `lab.yaml` names it.
    let schema = labs.join("schema.json");
    if !schema.exists() {
        std::fs::write(&schema, schema::text()).map_err(failed)?;
    }
    Ok(folder)
}

fn lab(id: &LabId, parts: Map<String, Value>, stack: &Stack) -> Value {
    let mut lab = json!({
        "format": 1,
        "id": id.as_str(),
        "slug": format!("{id}-lab"),
        "title": id.as_str(),
        "month": month(id),
    });
    if let Some(lab) = lab.as_object_mut() {
        lab.extend(parts);
    }
    let signs = stack.services.iter().filter_map(|(name, service)| Some((name.to_string(), sign(name, service)?)));
    let signs: Map<String, Value> = signs.collect();
    if !signs.is_empty() {
        lab["ready"] = signs.into();
    }
    let published = stack.services.iter().flat_map(|(name, service)| {
        let tcp = service.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
        tcp.map(move |port| json!({ "name": format!("{name} answers at port {}", port.target), "steps": [look(name, port.target)] }))
    });
    let mut checks: Vec<Value> = published.collect();
    if checks.is_empty() {
        let runs = |name: &ServiceName| json!({ "name": format!("{name} runs"), "steps": [{ "container": { "service": name.as_str() }, "expect": { "state": "running" } }] });
        checks.extend(stack.services.keys().map(runs));
    }
    lab["goals"] = json!([{
        "id": "running",
        "title": "Everything answers",
        "roadmap": "The bullet of the roadmap that this covers.",
        "points": 10,
        "hints": ["`labrunner status` tells what runs.", "`labrunner logs SERVICE` tells what it says.", "What does the check ask, and who should answer?"],
        "checks": checks,
    }]);
    lab
}

/// When a service can be used: known kinds are asked in their own words; a health check of the file stays what it is.
fn sign(name: &ServiceName, service: &Service) -> Option<Value> {
    let known = probe::sign_of(name, service);
    let port = || service.ports.iter().find(|port| port.protocol == Protocol::Tcp).map(|port| look(name, port.target));
    known.or_else(|| if service.healthcheck.is_some() { None } else { port() })
}

fn look(name: &ServiceName, port: u16) -> Value {
    match WEB.contains(&port) {
        true => {
            json!({ "http": { "url": format!("http://{name}:{port}/") }, "within": "30s", "expect": { "status": { "lt": 500 } } })
        }
        false => json!({ "tcp": { "address": format!("{name}:{port}") }, "within": "30s" }),
    }
}
