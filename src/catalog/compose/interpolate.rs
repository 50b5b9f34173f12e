//! `${…}` as Compose reads it, on every scalar of a part.
//!
//! Source: the Compose specification, "Interpolation": `$VAR`, `${VAR}`, `:-` and `-` for defaults, `:?`
//! and `?` for required values, `:+` and `+` for replacements, nested; `$$` is one `$`. Beyond it, names
//! may reach into maps (`settings.x`), and a scalar that is one `${…}` keeps the value's type.

use std::rc::Rc;

use serde_json::Value as Json;

use super::{Author, Reader};
use crate::catalog::tree::{Entry, Node, Span, Value};

/// The same tree with every scalar interpolated.
pub(super) fn tree(node: &Rc<Node>, reader: &mut Reader<'_, '_>) -> Rc<Node> {
    let value = match &node.value {
        Value::Text(text) if text.contains('$') => interpolated(text, node.span, reader),
        Value::List(items) => Value::List(items.iter().map(|item| tree(item, reader)).collect()),
        Value::Map(entries) => Value::Map(
            entries.iter().map(|entry| Entry { value: tree(&entry.value, reader), ..entry.clone() }).collect(),
        ),
        _ => return node.clone(),
    };
    Rc::new(Node { span: node.span, value })
}

fn interpolated(text: &str, span: Span, reader: &mut Reader<'_, '_>) -> Value {
    let lookup = reader.context.lookup;
    if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
        && is_name(name)
        && let Some(value) = lookup(name)
    {
        return from_json(value, span);
    }
    let mut unset = Vec::new();
    match expand(text, lookup, &mut unset, 0) {
        Ok(text) => {
            for name in unset {
                let message = format!("nothing is known as `{name}`");
                match reader.context.author {
                    Author::Lab => reader.findings.error(
                        "unknown-name",
                        span,
                        message,
                        "write `$$` for a plain `$`; the learner's own variables need `needs: [environment]`"
                            .to_owned(),
                    ),
                    Author::Learner => {
                        reader.findings.warning("unknown-name", span, format!("{message}; it becomes empty"), None);
                    }
                }
            }
            Value::Text(text)
        }
        Err(message) => {
            reader.findings.error("interpolation", span, message, "write `$$` for a plain `$`".to_owned());
            Value::Text(text.to_owned())
        }
    }
}

fn from_json(value: Json, span: Span) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Float(number.as_f64().unwrap_or(0.0)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => {
            Value::List(items.into_iter().map(|item| Rc::new(Node { span, value: from_json(item, span) })).collect())
        }
        Json::Object(_) => Value::Text(value.to_string()),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.'))
}

/// Nesting of defaults deeper than this is refused.
const DEPTH: usize = 16;

/// Expands a text. Names without a value and without a default are added to `unset` and become empty.
pub(super) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<Json>,
    unset: &mut Vec<String>,
    depth: usize,
) -> Result<String, String> {
    if depth > DEPTH {
        return Err("defaults are nested too deeply".into());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.chars().next() {
            Some('$') => {
                out.push('$');
                rest = &rest[1..];
            }
            Some('{') => {
                let end = closing(&rest[1..]).ok_or_else(|| format!("`${rest}` is not closed by `}}`"))?;
                out.push_str(&braced(&rest[1..=end], lookup, unset, depth)?);
                rest = &rest[end + 2..];
            }
            Some(char) if char.is_ascii_alphabetic() || char == '_' => {
                let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
                out.push_str(&value(&rest[..end], lookup, unset));
                rest = &rest[end..];
            }
            _ => return Err("a `$` that is no variable".into()),
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Index of the `}` that closes what began before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (index, char) in text.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn braced(
    inside: &str,
    lookup: &dyn Fn(&str) -> Option<Json>,
    unset: &mut Vec<String>,
    depth: usize,
) -> Result<String, String> {
    let end =
        inside.find(|char: char| !char.is_ascii_alphanumeric() && !matches!(char, '_' | '.')).unwrap_or(inside.len());
    let (name, operation) = inside.split_at(end);
    if !is_name(name) {
        return Err(format!("`${{{inside}}}` names no variable"));
    }
    let found = lookup(name).map(|found| plain(&found));
    let filled = found.clone().filter(|text| !text.is_empty());
    let mut default = |text: &str| expand(text, lookup, unset, depth + 1);
    match operation.strip_prefix(':') {
        None if operation.is_empty() => Ok(value(name, lookup, unset)),
        Some(rest) if rest.starts_with('-') => filled.map_or_else(|| default(&rest[1..]), Ok),
        Some(rest) if rest.starts_with('+') => {
            if filled.is_some() {
                default(&rest[1..])
            } else {
                Ok(String::new())
            }
        }
        Some(rest) if rest.starts_with('?') => filled.ok_or_else(|| required(name, &rest[1..])),
        None if operation.starts_with('-') => found.map_or_else(|| default(&operation[1..]), Ok),
        None if operation.starts_with('+') => {
            if found.is_some() {
                default(&operation[1..])
            } else {
                Ok(String::new())
            }
        }
        None if operation.starts_with('?') => found.ok_or_else(|| required(name, &operation[1..])),
        _ => Err(format!(
            "`{operation}` is not understood behind `{name}`; there are `:-`, `-`, `:?`, `?`, `:+` and `+`"
        )),
    }
}

fn required(name: &str, message: &str) -> String {
    match message {
        "" => format!("`{name}` has to be set"),
        message => format!("`{name}` has to be set: {message}"),
    }
}

fn value(name: &str, lookup: &dyn Fn(&str) -> Option<Json>, unset: &mut Vec<String>) -> String {
    lookup(name).map_or_else(
        || {
            unset.push(name.to_owned());
            String::new()
        },
        |found| plain(&found),
    )
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<Json> {
        match name {
            "A" => Some("x".into()),
            "EMPTY" => Some("".into()),
            "settings.app" => Some("shop".into()),
            _ => None,
        }
    }

    #[test]
    fn the_forms_of_the_specification() {
        let cases = [
            ("$A-${A}", Ok("x-x")),
            ("${NO:-d}", Ok("d")),
            ("${EMPTY:-d}", Ok("d")),
            ("${EMPTY-d}", Ok("")),
            ("${NO:-${A}y}", Ok("xy")),
            ("${A:+set}", Ok("set")),
            ("${EMPTY:+set}", Ok("")),
            ("${EMPTY+set}", Ok("set")),
            ("$$A $${A}", Ok("$A ${A}")),
            ("${settings.app}", Ok("shop")),
            ("${NO}", Ok("")),
            ("${NO:?give it}", Err("`NO` has to be set: give it")),
            ("${EMPTY?}", Ok("")),
            ("${EMPTY:?}", Err("`EMPTY` has to be set")),
            ("${A", Err("`${A` is not closed by `}`")),
            ("cost: 5$", Err("a `$` that is no variable")),
            ("${A!}", Err("`!` is not understood behind `A`; there are `:-`, `-`, `:?`, `?`, `:+` and `+`")),
        ];
        for (text, expected) in cases {
            let got = expand(text, &lookup, &mut Vec::new(), 0);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[$a-zA-Z{}:?+.-]{0,40}") {
            let _ = expand(&text, &lookup, &mut Vec::new(), 0);
        }

        #[test]
        fn a_doubled_dollar_gives_the_text_back(text in "[ -~]{0,40}") {
            let doubled = text.replace('$', "$$");
            proptest::prop_assert_eq!(expand(&doubled, &lookup, &mut Vec::new(), 0), Ok(text));
        }
    }
}
