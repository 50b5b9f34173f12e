//! `extends`: a service on top of another one, of this file or of another.
//!
//! Source: the Compose specification, "extends". Findings in another file are reported in that file as far
//! as its YAML goes; beyond that they stand at the `extends` that brought them in.

use std::path::Path;
use std::rc::Rc;

use super::scalars::given;
use super::{Reader, interpolate, keys, merge};
use crate::catalog::diagnostic::{Findings, nearest};
use crate::catalog::parse;
use crate::catalog::tree::{Entry, Node, Span, Value};

impl Reader<'_, '_> {
    /// The service with everything it extends merged in. `seen` are the services on the way here.
    pub(super) fn extend(&mut self, services: &[Entry], node: &Rc<Node>, seen: Vec<String>) -> Rc<Node> {
        let Some(extends) = given(node, "extends").cloned() else { return node.clone() };
        let own = without_extends(node);
        let (base, file) = match &extends.value {
            Value::Map(_) => {
                self.check_keys(&extends, "`extends`", keys::EXTENDS);
                (self.text_of(&extends, "service"), self.text_of(&extends, "file"))
            }
            _ => (extends.text().map(str::to_owned), None),
        };
        let Some(base) = base else {
            self.bad(extends.span, "`extends` has to be a service's name, or a map with `service`".into());
            return own;
        };
        let place = extends.get("service").map_or(extends.span, |service| service.span);
        let parent = match file {
            None => self.named_service(services, &base, place, seen),
            Some(file) => self.foreign_service(&file, &base, extends.span, seen),
        };
        parent.map_or_else(|| own.clone(), |parent| merge::service(&parent, &own))
    }

    fn named_service(&mut self, services: &[Entry], base: &str, span: Span, mut seen: Vec<String>) -> Option<Rc<Node>> {
        if seen.iter().any(|one| one == base) {
            let message = format!("services extend each other in a circle: {} → {base}", seen.join(" → "));
            self.findings.error("extends-cycle", span, message, "take one `extends` out".to_owned());
            return None;
        }
        let Some(parent) = services.iter().find(|entry| entry.key == base) else {
            let hint = nearest(base, services.iter().map(|entry| entry.key.as_str()));
            let hint = hint.map(|near| format!("did you mean `{near}`?"));
            let message = format!("`extends` names `{base}`, which is no service");
            self.findings.error("unknown-service", span, message, hint);
            return None;
        };
        seen.push(base.to_owned());
        Some(self.extend(services, &parent.value, seen))
    }

    fn foreign_service(&mut self, file: &str, base: &str, span: Span, mut seen: Vec<String>) -> Option<Rc<Node>> {
        let path = self.path(file);
        let here = format!("{}#{base}", path.display());
        if seen.contains(&here) {
            let message = format!("services extend each other in a circle: {} → {here}", seen.join(" → "));
            self.findings.error("extends-cycle", span, message, "take one `extends` out".to_owned());
            return None;
        }
        let text = self.file(&path, span)?.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                self.bad(span, format!("cannot read `{}`: {error}", path.display()));
                return None;
            }
        };
        let mut findings = Findings::new(&path);
        let root = parse::parse(&text, &mut findings);
        self.findings.list.append(&mut findings.list);
        let services = root.as_ref().and_then(|root| given(root, "services"));
        let Some(services) = services.filter(|services| !services.entries().is_empty()) else {
            self.bad(span, format!("`{}` has no services", path.display()));
            return None;
        };
        // From here on everything stands where this file says `extends`.
        let services = interpolate::tree(&at(services, span), self);
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let services: Vec<Entry> = services
            .entries()
            .iter()
            .map(|entry| Entry { value: rebased(&entry.value, &folder, self), ..entry.clone() })
            .collect();
        seen.push(here);
        // Names of this file do not count in the other one.
        let parent = self.named_service(&services, base, span, seen.into_iter().filter(|one| one.contains('#')).collect());
        parent
    }
}

fn without_extends(node: &Rc<Node>) -> Rc<Node> {
    let entries = node.entries().iter().filter(|entry| entry.key != "extends").cloned().collect();
    Rc::new(Node { span: node.span, value: Value::Map(entries) })
}

/// The same tree with every position replaced.
fn at(node: &Rc<Node>, span: Span) -> Rc<Node> {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| at(item, span)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry { key: entry.key.clone(), key_span: span, value: at(&entry.value, span) })
                .collect(),
        ),
        other => other.clone(),
    };
    Rc::new(Node { span, value })
}

/// A service of another folder: its relative paths made absolute.
fn rebased(service: &Rc<Node>, folder: &Path, reader: &Reader<'_, '_>) -> Rc<Node> {
    let absolute = |node: &Rc<Node>| {
        let text = node.text().filter(|text| !text.contains("://"));
        let moved = text.map(|text| folder.join(reader.without_tilde(text)).display().to_string());
        moved.map_or_else(|| node.clone(), |text| Rc::new(Node { span: node.span, value: Value::Text(text) }))
    };
    let of_key = |node: &Rc<Node>, key: &str| changed(node, key, &absolute);
    let each = |node: &Rc<Node>, change: &dyn Fn(&Rc<Node>) -> Rc<Node>| match &node.value {
        Value::List(items) => {
            Rc::new(Node { span: node.span, value: Value::List(items.iter().map(change).collect()) })
        }
        _ => change(node),
    };
    let mut moved = changed(service, "build", &|build| match build.value {
        Value::Map(_) => of_key(build, "context"),
        _ => absolute(build),
    });
    moved = changed(&moved, "env_file", &|files| {
        each(files, &|file| if file.get("path").is_some() { of_key(file, "path") } else { absolute(file) })
    });
    moved = changed(&moved, "extends", &|extends| of_key(extends, "file"));
    changed(&moved, "volumes", &|volumes| {
        each(volumes, &|volume| match volume.text() {
            Some(text) if text.starts_with('.') => {
                let (source, rest) = text.split_once(':').unwrap_or((text, ""));
                let text = format!("{}:{rest}", folder.join(source).display());
                Rc::new(Node { span: volume.span, value: Value::Text(text) })
            }
            Some(_) => volume.clone(),
            None if volume.get("type").and_then(|kind| kind.text().map(str::to_owned)).as_deref() == Some("bind") => {
                of_key(volume, "source")
            }
            None => volume.clone(),
        })
    })
}

fn changed(node: &Rc<Node>, key: &str, change: &dyn Fn(&Rc<Node>) -> Rc<Node>) -> Rc<Node> {
    let Value::Map(entries) = &node.value else { return node.clone() };
    let entries = entries
        .iter()
        .map(|entry| match entry.key == key {
            true => Entry { value: change(&entry.value), ..entry.clone() },
            false => entry.clone(),
        })
        .collect();
    Rc::new(Node { span: node.span, value: Value::Map(entries) })
}
