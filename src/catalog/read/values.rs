//! Plain values out of nodes, with findings in plain words.

use std::time::Duration;

use super::Reader;
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::{Node, Value};
use crate::lab::expression::{Part, Template, Tree};

impl Reader<'_> {
    pub(super) fn line(&self, node: &Node) -> usize {
        self.text[..node.span.start.min(self.text.len())].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// Reports keys that `what` does not have.
    pub(super) fn known_keys(&mut self, node: &Node, what: &str, known: &[&str]) {
        if !matches!(node.value, Value::Map(_)) {
            self.wrong(node, what, "a map");
        }
        for entry in node.entries() {
            if !known.contains(&entry.key.as_str()) {
                let near = nearest(&entry.key, known.iter().copied());
                let hint = near.map_or_else(
                    || format!("there are {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.findings.error("unknown-key", entry.key_span, format!("{what} has no key `{}`", entry.key), hint);
                near.into_iter().for_each(|near| self.findings.fix(entry.key_span, near));
            }
        }
    }

    pub(super) fn wrong(&mut self, node: &Node, what: &str, wanted: &str) {
        let message = format!("{what} has to be {wanted}; here is {}", node.describe());
        self.findings.error("wrong-type", node.span, message, None);
    }

    pub(super) fn optional_text(&mut self, node: &Node, key: &str) -> Option<String> {
        let value = node.get(key)?.clone();
        if value.text().is_none() {
            self.wrong(&value, &format!("`{key}`"), "a text");
        }
        value.text().map(str::to_owned)
    }

    pub(super) fn required_text(&mut self, node: &Node, key: &str, what: &str) -> Option<String> {
        if node.get(key).is_none() {
            self.findings.error("missing-key", node.span, format!("{what} needs `{key}`"), None);
        }
        self.optional_text(node, key)
    }

    pub(super) fn id<T: std::str::FromStr<Err = crate::lab::id::InvalidName>>(
        &mut self,
        node: &Node,
        key: &str,
        what: &str,
    ) -> Option<T> {
        let text = self.required_text(node, key, what)?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let span = node.get(key).map_or(node.span, |value| value.span);
                self.findings.error("name", span, error.to_string(), None);
                None
            }
        }
    }

    pub(super) fn texts(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Some(value) = node.get(key).cloned() else { return Vec::new() };
        if !matches!(value.value, Value::List(_)) {
            self.wrong(&value, &format!("`{key}`"), "a list of texts");
        }
        let mut texts = Vec::new();
        for item in value.items() {
            match item.text() {
                Some(text) => texts.push(text.to_owned()),
                None => self.wrong(item, &format!("an entry of `{key}`"), "a text"),
            }
        }
        texts
    }

    pub(super) fn number(&mut self, node: &Node, key: &str) -> Option<u32> {
        let value = node.get(key)?.clone();
        let number = match &value.value {
            Value::Integer(number) => u32::try_from(*number).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(&value, &format!("`{key}`"), "a whole number, not negative");
        }
        number
    }

    pub(super) fn flag(&mut self, node: &Node, key: &str) -> Option<bool> {
        let value = node.get(key)?.clone();
        match value.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.wrong(&value, &format!("`{key}`"), "true or false");
                None
            }
        }
    }

    pub(super) fn duration(&mut self, node: &Node, key: &str) -> Option<Duration> {
        let value = node.get(key)?.clone();
        let duration = value.text().and_then(crate::lab::duration::parse);
        if duration.is_none() {
            self.wrong(&value, &format!("`{key}`"), "a duration such as `10s`, `500ms` or `2m`");
        }
        duration
    }

    pub(super) fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let typed = node.scalar().unwrap_or_default();
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == typed) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let near = nearest(&typed, words.iter().copied());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{what}` has to be one of {}; here is {}", words.join(", "), node.describe());
        self.findings.error("choice", node.span, message, hint);
        near.into_iter().for_each(|near| self.findings.fix(node.span, near));
        None
    }

    /// A node as a document of templates.
    pub(super) fn document(&mut self, node: &Node) -> Tree {
        match &node.value {
            Value::Text(text) => Tree::Text(self.template_in(text, node)),
            Value::List(items) => Tree::List(items.iter().map(|item| self.document(item)).collect()),
            Value::Map(entries) => {
                Tree::Map(entries.iter().map(|entry| (entry.key.clone(), self.document(&entry.value))).collect())
            }
            _ => Tree::Literal(node.json()),
        }
    }

    pub(super) fn template(&mut self, node: &Node, key: &str) -> Option<Template> {
        let text = self.optional_text(node, key)?;
        let place = node.get(key)?.clone();
        Some(self.template_in(&text, &place))
    }

    pub(super) fn template_in(&mut self, text: &str, node: &Node) -> Template {
        Template::parse(text).unwrap_or_else(|error| {
            let hint = "write `$$` for a plain `$`".to_owned();
            self.findings.error("expression", node.span, format!("in `{text}`: {error}"), hint);
            Template(vec![Part::Text(text.to_owned())])
        })
    }
}
