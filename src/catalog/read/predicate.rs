//! Expectations: keys and predicates.

use super::Reader;
use crate::catalog::diagnostic::nearest;
use crate::catalog::tree::{Node, Value};
use crate::lab::check::{Expectation, Key, Operator, Predicate};
use crate::lab::expression::Template;

pub const OPERATORS: &[&str] = &[
    "equals",
    "one_of",
    "exists",
    "type",
    "lt",
    "lte",
    "gt",
    "gte",
    "between",
    "contains",
    "starts_with",
    "ends_with",
    "matches",
    "is_empty",
    "not",
    "count",
    "distinct",
    "all",
    "any",
];
pub const TYPES: &[&str] = &["null", "boolean", "number", "integer", "string", "list", "map"];

impl Reader<'_> {
    /// `expect:`; `fields` are the names that the observation has.
    pub(super) fn expectations(&mut self, node: &Node, fields: &[&str]) -> Vec<Expectation> {
        if !matches!(node.value, Value::Map(_)) {
            self.wrong(node, "`expect`", "a map from a part of the observation to what is expected of it");
        }
        let mut list = Vec::new();
        for entry in node.entries() {
            let place = Node { span: entry.key_span, value: Value::Text(entry.key.clone()) };
            if let Some(key) = self.key(&entry.key, &place, fields) {
                list.push(Expectation { key, predicate: self.predicate(&entry.value) });
            }
        }
        list
    }

    /// A field of the observation, or a JSONPath.
    pub(super) fn key(&mut self, text: &str, place: &Node, fields: &[&str]) -> Option<Key> {
        if text.starts_with('$') && !text.starts_with("${") {
            // Templates are filled in later; a placeholder of each kind that they can become is tried now.
            let template = self.path_template(text, place);
            let tried: String = match template.as_literal() {
                Some(literal) => literal,
                None => template
                    .0
                    .iter()
                    .map(|part| match part {
                        crate::lab::expression::Part::Text(text) => text.as_str(),
                        crate::lab::expression::Part::Expression(_) => "0",
                    })
                    .collect(),
            };
            if let Err(error) = serde_json_path::JsonPath::parse(&tried) {
                let hint = "paths are written as in RFC 9535, for example `$.items[0].name` or `$[*].id`".to_owned();
                self.findings.error("jsonpath", place.span, format!("`{text}` is no JSONPath: {error}"), hint);
                return None;
            }
            return Some(Key::Path(template));
        }
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        if !fields.contains(&parts[0].as_str()) {
            if fields.is_empty() {
                let hint = "it does something; look at what came of it in a step of its own".to_owned();
                self.findings.error("unknown-field", place.span, "this step observes nothing", hint);
                return None;
            }
            let near = nearest(&parts[0], fields.iter().copied());
            let hint = near.map_or_else(
                || format!("it has {}; `$…` reaches into its main document", fields.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.findings.error(
                "unknown-field",
                place.span,
                format!("the observation has no field `{}`", parts[0]),
                hint,
            );
            return None;
        }
        Some(Key::Field(parts))
    }

    /// In a path, `$` begins the document; only `${` begins an expression.
    fn path_template(&mut self, text: &str, place: &Node) -> Template {
        let escaped = text.replace("${", "\u{0}").replace('$', "$$").replace('\u{0}', "${");
        self.template_in(&escaped, place)
    }

    pub(super) fn predicate(&mut self, node: &Node) -> Predicate {
        match &node.value {
            Value::Map(entries) => {
                if entries.is_empty() {
                    self.wrong(node, "what is expected", "a value or operators");
                }
                Predicate(
                    entries
                        .iter()
                        .filter_map(|entry| {
                            let place = Node { span: entry.key_span, value: Value::Text(entry.key.clone()) };
                            self.operator(&entry.key, &place, &entry.value)
                        })
                        .collect(),
                )
            }
            Value::List(_) => {
                let hint = "write `{ equals: […] }` for a list, `{ one_of: […] }` for a choice".to_owned();
                self.findings.error("predicate", node.span, "a list says not what is expected of it", hint);
                Predicate(Vec::new())
            }
            _ => Predicate(vec![Operator::Equals(self.document(node))]),
        }
    }

    fn operator(&mut self, name: &str, place: &Node, node: &Node) -> Option<Operator> {
        Some(match name {
            "equals" => Operator::Equals(self.document(node)),
            "one_of" => Operator::OneOf(self.document(node)),
            "exists" => Operator::Exists(self.truth(node)?),
            "is_empty" => Operator::IsEmpty(self.truth(node)?),
            "type" => {
                let choices: Vec<(&str, &str)> = TYPES.iter().map(|word| (*word, *word)).collect();
                Operator::Type(self.choice(node, "type", &choices)?.to_owned())
            }
            "lt" => Operator::Lt(self.document(node)),
            "lte" => Operator::Lte(self.document(node)),
            "gt" => Operator::Gt(self.document(node)),
            "gte" => Operator::Gte(self.document(node)),
            "between" => match node.items() {
                [low, high] => Operator::Between(self.document(low), self.document(high)),
                _ => {
                    self.wrong(node, "`between`", "a list of two values");
                    return None;
                }
            },
            "contains" => Operator::Contains(self.document(node)),
            "starts_with" => Operator::StartsWith(self.document(node)),
            "ends_with" => Operator::EndsWith(self.document(node)),
            "matches" => {
                if let Some(pattern) = node.text().filter(|text| !text.contains("${"))
                    && let Err(error) = regex::Regex::new(pattern)
                {
                    let message = format!("`{pattern}` is no regular expression: {error}");
                    self.findings.error("regex", node.span, message, None);
                }
                Operator::Matches(self.regex_document(node))
            }
            "not" => Operator::Not(self.predicate(node)),
            "count" => Operator::Count(self.predicate(node)),
            "distinct" => Operator::Distinct(self.predicate(node)),
            "all" => Operator::All(self.predicate(node)),
            "any" => Operator::Any(self.predicate(node)),
            _ => {
                let near = nearest(name, OPERATORS.iter().copied());
                let hint = near.map_or_else(
                    || format!("there are {}", OPERATORS.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.findings.error("unknown-operator", place.span, format!("there is no operator `{name}`"), hint);
                return None;
            }
        })
    }

    /// In a regular expression `$` is an anchor unless it begins `${name}`.
    fn regex_document(&mut self, node: &Node) -> crate::lab::expression::Tree {
        match node.text() {
            Some(text) => {
                let escaped = text.replace("${", "\u{0}").replace('$', "$$").replace('\u{0}', "${");
                crate::lab::expression::Tree::Text(self.template_in(&escaped, node))
            }
            None => self.document(node),
        }
    }

    fn truth(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.wrong(node, "this operator's value", "true or false");
                None
            }
        }
    }
}
