//! Values that must not be shown: the contents of a stack's `secrets`.

use serde_json::Value;

use super::report::GoalReport;
use super::stack::Stack;

/// What shorter values are, everything may be: masking them would make nonsense of ordinary words.
const SHORTEST: usize = 6;
const MASK: &str = "***";

/// The secrets of a stack.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Whole contents, and each line of several: a key is recognised by a part of it.
    pub fn of(stack: &Stack) -> Self {
        let files = stack.services.values().flat_map(|service| &service.files).filter(|file| file.secret);
        let texts = files.filter_map(|file| std::str::from_utf8(&file.content).ok());
        let mut values: Vec<String> = texts
            .flat_map(|text| std::iter::once(text).chain(text.lines()))
            .map(str::trim)
            .filter(|text| text.chars().count() >= SHORTEST)
            .flat_map(|text| [text.to_owned(), escaped(text)])
            .collect();
        // One that contains another goes first.
        values.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        values.dedup();
        Self(values)
    }

    /// The text without them.
    pub fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }

    /// Takes them out of everything that is said about a goal.
    pub fn mask_goal(&self, goal: &mut GoalReport) {
        for failure in goal.checks.iter_mut().filter_map(|check| check.failure.as_mut()) {
            failure.message = self.mask(&failure.message);
            for text in [&mut failure.expected, &mut failure.observed, &mut failure.reproduce].into_iter().flatten() {
                *text = self.mask(text);
            }
            for text in &mut failure.evidence {
                *text = self.mask(text);
            }
            self.mask_value(&mut failure.data);
        }
    }

    fn mask_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_value(item)),
            Value::Object(map) => {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, mut value)| {
                        self.mask_value(&mut value);
                        (self.mask(&key), value)
                    })
                    .collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// As it stands inside of JSON.
fn escaped(text: &str) -> String {
    Value::from(text).to_string().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::ServiceName;
    use crate::lab::stack::{InjectedFile, Service};

    fn secrets(content: &str, secret: bool) -> Secrets {
        let file = InjectedFile { target: "/x".into(), content: content.into(), uid: 0, gid: 0, mode: 0o444, secret };
        let service = Service { files: vec![file], ..Service::default() };
        Secrets::of(&Stack { services: [(ServiceName::own("web"), service)].into(), ..Stack::default() })
    }

    #[test]
    fn whole_values_lines_and_escaped_forms_are_masked() {
        let known = secrets("-----KEY-----\nMIIE\"vQIBADAN\nshort\n", true);
        assert_eq!(known.mask("a MIIE\"vQIBADAN b"), "a *** b");
        assert_eq!(known.mask("{\"a\": \"MIIE\\\"vQIBADAN\"}"), "{\"a\": \"***\"}");
        assert_eq!(known.mask("too short to be one"), "too short to be one");
        let mut value = json!({ "-----KEY-----": ["x -----KEY----- y", 7] });
        known.mask_value(&mut value);
        assert_eq!(value, json!({ "***": ["x *** y", 7] }));
    }

    #[test]
    fn a_config_is_no_secret() {
        assert_eq!(secrets("worker_processes 4;", false).mask("worker_processes 4;"), "worker_processes 4;");
    }
}
