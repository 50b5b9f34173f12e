//! `extends` within one file. Source: the Compose specification, "extends" and "Merge".

use std::rc::Rc;

use super::Reader;
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::{Entry, Node, Value};

impl Reader<'_, '_> {
    /// The service with everything it extends merged in.
    pub(super) fn extend(&mut self, services: &Node, node: &Rc<Node>, name: &str, seen: &mut Vec<String>) -> Rc<Node> {
        let Some(extends) = node.get("extends").cloned() else { return node.clone() };
        if extends.get("file").is_some() {
            let hint = "put the service into the same file".to_owned();
            self.findings.error("extends-file", extends.span, "`extends` from another file is not accepted", hint);
            return node.clone();
        }
        let base = extends.text().map(str::to_owned).or_else(|| self.text_of(&extends, "service"));
        let Some(base) = base else {
            self.wrong(&extends, "`extends`", "a service's name, or a map with `service`");
            return node.clone();
        };
        if seen.contains(&base) {
            let message = format!("services extend each other in a circle: {} → {base}", seen.join(" → "));
            self.findings.error("extends-cycle", extends.span, message, None);
            return node.clone();
        }
        let Some(parent) = services.get(&base).cloned() else {
            let hint = nearest(&base, services.entries().iter().map(|entry| entry.key.as_str()));
            let hint = hint.map(|near| format!("did you mean `{near}`?"));
            self.findings.error(
                "unknown-service",
                extends.span,
                format!("`{name}` extends `{base}`, which is no service"),
                hint,
            );
            return node.clone();
        };
        seen.push(base);
        let parent = self.extend(services, &parent, name, seen);
        seen.pop();
        merge(&parent, node)
    }
}

/// A file's root with more laid over its services, as a second Compose file would be.
pub fn overlaid(root: &Node, services: &Rc<Node>) -> Node {
    let mut entries = root.entries().to_vec();
    match entries.iter_mut().find(|entry| entry.key == "services") {
        Some(entry) => entry.value = merge(&entry.value, services),
        None => entries.push(Entry { key: "services".into(), key_span: services.span, value: services.clone() }),
    }
    Node { span: root.span, value: Value::Map(entries) }
}

/// Several Compose files as one: later ones are laid over earlier ones.
pub fn merged(files: &[Rc<Node>]) -> Option<Rc<Node>> {
    let (first, rest) = files.split_first()?;
    Some(rest.iter().fold(first.clone(), |base, over| merge_files(&base, over)))
}

/// As [`merge`], but a service's `extends` stays.
fn merge_files(base: &Rc<Node>, over: &Rc<Node>) -> Rc<Node> {
    let mut entries = base.entries().to_vec();
    for entry in over.entries() {
        match entries.iter_mut().find(|one| one.key == entry.key) {
            Some(existing)
                if matches!(existing.value.value, Value::Map(_)) && matches!(entry.value.value, Value::Map(_)) =>
            {
                existing.value = match entry.key.as_str() {
                    "services" => merge_each(&existing.value, &entry.value),
                    _ => merge(&existing.value, &entry.value),
                };
            }
            Some(existing) => *existing = entry.clone(),
            None => entries.push(entry.clone()),
        }
    }
    Rc::new(Node { span: over.span, value: Value::Map(entries) })
}

fn merge_each(base: &Rc<Node>, over: &Rc<Node>) -> Rc<Node> {
    let mut entries = base.entries().to_vec();
    for entry in over.entries() {
        match entries.iter_mut().find(|one| one.key == entry.key) {
            Some(existing) => {
                let extends = existing.value.entries().iter().find(|one| one.key == "extends").cloned();
                let mut both = merge(&existing.value, &entry.value).entries().to_vec();
                both.extend(entry.value.entries().iter().find(|one| one.key == "extends").cloned().or(extends));
                existing.value = Rc::new(Node { span: entry.value.span, value: Value::Map(both) });
            }
            None => entries.push(entry.clone()),
        }
    }
    Rc::new(Node { span: over.span, value: Value::Map(entries) })
}

/// Keys whose maps and lists are not added to but replaced.
const REPLACED: &[&str] = &["command", "entrypoint", "healthcheck.test"];

fn merge(base: &Rc<Node>, over: &Rc<Node>) -> Rc<Node> {
    let mut entries: Vec<Entry> = base.entries().iter().filter(|entry| entry.key != "extends").cloned().collect();
    for entry in over.entries().iter().filter(|entry| entry.key != "extends") {
        match entries.iter_mut().find(|one| one.key == entry.key) {
            Some(existing) if !REPLACED.contains(&entry.key.as_str()) => {
                existing.value = merge_value(&existing.value, &entry.value);
                existing.key_span = entry.key_span;
            }
            Some(existing) => *existing = entry.clone(),
            None => entries.push(entry.clone()),
        }
    }
    Rc::new(Node { span: over.span, value: Value::Map(entries) })
}

fn merge_value(base: &Rc<Node>, over: &Rc<Node>) -> Rc<Node> {
    match (&base.value, &over.value) {
        (Value::Map(_), Value::Map(_)) => merge(base, over),
        (Value::List(first), Value::List(second)) => {
            // A later entry for the same name, target or container path takes the place of the earlier one.
            let keys: Vec<Option<String>> = second.iter().map(|item| identity(item)).collect();
            let kept = first.iter().filter(|item| {
                let key = identity(item);
                key.is_none() || !keys.contains(&key)
            });
            let items = kept.chain(second).cloned().collect();
            Rc::new(Node { span: over.span, value: Value::List(items) })
        }
        // A list of `NAME=value` and a map mean the same; the list becomes a map.
        (Value::List(_), Value::Map(_)) => merge_value(&as_map(base), over),
        (Value::Map(_), Value::List(_)) => merge_value(base, &as_map(over)),
        _ => over.clone(),
    }
}

fn identity(item: &Node) -> Option<String> {
    if let Some(target) = item.get("target") {
        return target.scalar();
    }
    let text = item.scalar()?;
    if let Some((name, _)) = text.split_once('=') {
        return Some(name.to_owned());
    }
    match text.split(':').collect::<Vec<_>>().as_slice() {
        [_, target, ..] if target.starts_with('/') => Some((*target).to_owned()),
        _ => Some(text),
    }
}

fn as_map(list: &Rc<Node>) -> Rc<Node> {
    let entries = list
        .items()
        .iter()
        .filter_map(|item| {
            let text = item.scalar()?;
            let (key, value) = match text.split_once('=') {
                Some((key, value)) => (key.to_owned(), Value::Text(value.to_owned())),
                None => (text, Value::Null),
            };
            Some(Entry { key, key_span: item.span, value: Rc::new(Node { span: item.span, value }) })
        })
        .collect();
    Rc::new(Node { span: list.span, value: Value::Map(entries) })
}
