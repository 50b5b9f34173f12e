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
        let entries = merge(&parent, node).entries().iter().filter(|entry| entry.key != "extends").cloned().collect();
        Rc::new(Node { span: node.span, value: Value::Map(entries) })
    }
}

/// A file's root with more laid over its services, as a second Compose file would be.
pub fn overlaid(root: &Node, services: &Rc<Node>) -> Node {
    let entry = Entry { key: "services".into(), key_span: services.span, value: services.clone() };
    let over = Rc::new(Node { span: root.span, value: Value::Map(vec![entry]) });
    Node::clone(&merge(&Rc::new(root.clone()), &over))
}

/// Several Compose files as one: later ones are laid over earlier ones.
pub fn merged(files: &[Rc<Node>]) -> Option<Rc<Node>> {
    let (first, rest) = files.split_first()?;
    Some(rest.iter().fold(first.clone(), |base, over| merge(&base, over)))
}

/// Keys whose lists are not added to but replaced; `test` is that of a `healthcheck`.
const REPLACED: &[&str] = &["command", "entrypoint", "test"];

fn merge(base: &Rc<Node>, over: &Rc<Node>) -> Rc<Node> {
    let mut entries: Vec<Entry> = base.entries().to_vec();
    for entry in over.entries() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::diagnostic::Findings;
    use crate::catalog::parse::parse;

    #[test]
    fn files_are_laid_over_each_other() {
        let read = |text: &str| parse(text, &mut Findings::new("compose.yaml")).unwrap();
        let base = "services: { a: { extends: b, command: [x, y], healthcheck: { test: [CMD, one], retries: 3 }, \
            environment: [A=1, B=1], ports: [\"80:80\"] }, b: { image: b } }\nvolumes: { v: {} }";
        let over = "services: { a: { command: z, healthcheck: { test: [CMD, two] }, environment: { B: 2 }, \
            ports: [\"81:81\"] } }\nvolumes: { w: {} }";
        let expected = serde_json::json!({
            "services": {
                "a": {
                    "extends": "b", "command": "z", "healthcheck": { "test": ["CMD", "two"], "retries": 3 },
                    "environment": { "A": "1", "B": 2 }, "ports": ["80:80", "81:81"],
                },
                "b": { "image": "b" },
            },
            "volumes": { "v": {}, "w": {} },
        });
        assert_eq!(merged(&[read(base), read(over)]).unwrap().json(), expected);
        let services = read(over).get("services").unwrap().clone();
        assert_eq!(overlaid(&read(base), &services).json()["services"], expected["services"]);
    }
}
