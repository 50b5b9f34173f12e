//! The value forms that many keys share: texts, flags, numbers, durations, sizes, lists, maps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Reader;
use super::keys::Outcome;
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::{Node, Span, Value};

impl Reader<'_, '_> {
    /// Reports unknown, refused and ineffective keys of a map.
    pub(super) fn check_keys(&mut self, node: &Node, what: &str, known: &[(&str, Outcome)]) {
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            self.wrong(node, &format!("a {what}"), "a map");
        }
        for entry in node.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            match known.iter().find(|(name, _)| *name == entry.key) {
                Some((_, Outcome::Honoured)) => {}
                Some((name, Outcome::Warned(why))) => {
                    let message = format!("`{name}` has no effect here: {why}");
                    self.warnings.push(message.clone());
                    self.findings.warning("no-effect", entry.key_span, message, None);
                }
                Some((name, Outcome::Refused(why))) => {
                    self.findings.error(
                        "refused-key",
                        entry.key_span,
                        format!("`{name}` is not accepted"),
                        (*why).to_owned(),
                    );
                }
                None => {
                    let near = nearest(&entry.key, known.iter().map(|(name, _)| *name));
                    let hint = near.map(|near| format!("did you mean `{near}`?"));
                    self.findings.error(
                        "unknown-key",
                        entry.key_span,
                        format!("a {what} has no key `{}`", entry.key),
                        hint,
                    );
                    near.into_iter().for_each(|near| self.findings.fix(entry.key_span, near));
                }
            }
        }
    }

    pub(super) fn wrong(&mut self, node: &Node, what: &str, wanted: &str) {
        self.bad(node.span, format!("{what} has to be {wanted}; here is {}", node.describe()));
    }

    pub(super) fn bad(&mut self, span: Span, message: String) {
        self.findings.error("wrong-value", span, message, None);
    }

    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = node.scalar();
        if text.is_none() && !matches!(node.value, Value::Null) {
            self.wrong(node, what, "a text");
        }
        text
    }

    pub(super) fn text_of(&mut self, node: &Node, key: &str) -> Option<String> {
        node.get(key).and_then(|value| self.text(value, &format!("`{key}`")))
    }

    pub(super) fn flag_of(&mut self, node: &Node, key: &str) -> Option<bool> {
        let value = node.get(key)?;
        match (&value.value, value.text()) {
            (Value::Bool(flag), _) => Some(*flag),
            (_, Some("true")) => Some(true),
            (_, Some("false")) => Some(false),
            // An external volume's old long form.
            (Value::Map(_), _) if key == "external" => Some(true),
            _ => {
                self.wrong(value, &format!("`{key}`"), "true or false");
                None
            }
        }
    }

    pub(super) fn number_of<T: std::str::FromStr>(&mut self, node: &Node, key: &str) -> Option<T> {
        let value = node.get(key)?;
        let number = value.scalar().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.wrong(value, &format!("`{key}`"), "a number");
        }
        number
    }

    pub(super) fn duration_of(&mut self, node: &Node, key: &str) -> Option<Duration> {
        let value = node.get(key)?;
        let duration = value.text().and_then(crate::lab::duration::parse);
        if duration.is_none() {
            self.wrong(value, &format!("`{key}`"), "a duration such as `10s`, `500ms` or `1m30s`");
        }
        duration
    }

    pub(super) fn bytes_of(&mut self, node: &Node, key: &str) -> Option<u64> {
        let value = node.get(key)?;
        let bytes = value.scalar().as_deref().and_then(parse_bytes);
        if bytes.is_none() {
            self.wrong(value, &format!("`{key}`"), "a size such as `512m` or `1gb`");
        }
        bytes
    }

    /// A list of texts; a single text counts as a list of one.
    pub(super) fn list_of(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Some(value) = node.get(key) else { return Vec::new() };
        match &value.value {
            Value::List(items) => {
                items.iter().filter_map(|item| self.text(item, &format!("an entry of `{key}`"))).collect()
            }
            Value::Null => Vec::new(),
            Value::Map(_) => {
                self.wrong(value, &format!("`{key}`"), "a list");
                Vec::new()
            }
            _ => value.scalar().into_iter().collect(),
        }
    }

    /// A map, or a list of `name=value`; a name alone takes its value from the surroundings.
    pub(super) fn map_of(&mut self, node: &Node, key: &str) -> BTreeMap<String, String> {
        let Some(value) = node.get(key) else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        match &value.value {
            Value::Map(entries) => {
                for entry in entries {
                    let text = match &entry.value.value {
                        Value::Null => self.surrounding(&entry.key),
                        _ => self.text(&entry.value, &format!("`{}`", entry.key)),
                    };
                    map.extend(text.map(|text| (entry.key.clone(), text)));
                }
            }
            Value::List(items) => {
                for item in items {
                    let Some(text) = self.text(item, &format!("an entry of `{key}`")) else { continue };
                    match text.split_once('=') {
                        Some((name, text)) => drop(map.insert(name.to_owned(), text.to_owned())),
                        None => map.extend(self.surrounding(&text).map(|found| (text, found))),
                    }
                }
            }
            Value::Null => {}
            _ => self.wrong(value, &format!("`{key}`"), "a map or a list of `name=value`"),
        }
        map
    }

    fn surrounding(&self, name: &str) -> Option<String> {
        (self.context.lookup)(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// A command: a list, or a text split as a shell would. `None` when the key is missing or null.
    pub(super) fn command_of(&mut self, node: &Node, key: &str) -> Option<Vec<String>> {
        let value = node.get(key)?;
        match &value.value {
            Value::Null => None,
            Value::Text(text) => match shell_words::split(text) {
                Ok(words) => Some(words),
                Err(_) => {
                    self.bad(value.span, format!("`{key}` cannot be split into words: a quote is not closed"));
                    None
                }
            },
            _ => Some(self.list_of(node, key)),
        }
    }
}

/// Compose's sizes: a number with `b`, `k`, `kb`, `m`, `mb`, `g`, `gb`, powers of 1024.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let split = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" | "b" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1024.0 * 1024.0,
        "g" | "gb" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| (number * factor) as u64)
}
