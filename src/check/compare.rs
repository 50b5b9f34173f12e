//! Expected against observed, without input or output.

use regex::RegexBuilder;
use serde_json::Value;

use crate::lab::check::{Operator, Predicate};
use crate::lab::expression::{Scope, Tree, scan_number};

/// What did not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// What was expected, in words.
    Differs(String),
    /// The expectation itself makes no sense here: the lab's fault.
    Meaningless(String),
}

/// Largest compiled regular expression, in bytes.
const REGEX: usize = 1 << 20;

/// Whether `observed` fulfils all of `predicate`.
///
/// # Errors
/// The first condition that is not fulfilled, in words.
pub fn compare(predicate: &Predicate, observed: Option<&Value>, scope: &dyn Scope) -> Result<(), Mismatch> {
    predicate.0.iter().try_for_each(|operator| {
        if holds(operator, observed, scope)? {
            return Ok(());
        }
        Err(Mismatch::Differs(words(operator, scope)))
    })
}

fn holds(operator: &Operator, observed: Option<&Value>, scope: &dyn Scope) -> Result<bool, Mismatch> {
    if let Operator::Exists(wanted) = operator {
        return Ok(observed.is_some() == *wanted);
    }
    let Some(value) = observed else { return Ok(false) };
    let render = |tree: &Tree| tree.render(scope).map_err(|error| Mismatch::Meaningless(error.to_string()));
    let nested = |predicate: &Predicate, value: &Value| match compare(predicate, Some(value), scope) {
        Ok(()) => Ok(true),
        Err(Mismatch::Differs(_)) => Ok(false),
        Err(meaningless) => Err(meaningless),
    };
    let ordered =
        |tree: &Tree, fits: fn(std::cmp::Ordering) -> bool| Ok(order(value, &render(tree)?).is_some_and(fits));
    Ok(match operator {
        Operator::Exists(_) => false,
        Operator::Equals(tree) => equal(value, &render(tree)?),
        Operator::OneOf(tree) => match render(tree)? {
            Value::Array(choices) => choices.iter().any(|choice| equal(value, choice)),
            other => return Err(Mismatch::Meaningless(format!("`one_of` needs a list; here is {other}"))),
        },
        Operator::Type(wanted) => type_fits(wanted, value),
        Operator::Lt(tree) => ordered(tree, std::cmp::Ordering::is_lt)?,
        Operator::Lte(tree) => ordered(tree, std::cmp::Ordering::is_le)?,
        Operator::Gt(tree) => ordered(tree, std::cmp::Ordering::is_gt)?,
        Operator::Gte(tree) => ordered(tree, std::cmp::Ordering::is_ge)?,
        Operator::Between(low, high) => {
            ordered(low, std::cmp::Ordering::is_ge)? && ordered(high, std::cmp::Ordering::is_le)?
        }
        Operator::Contains(tree) => contains(value, &render(tree)?),
        Operator::StartsWith(tree) => texts(value, &render(tree)?).is_some_and(|(text, part)| text.starts_with(&part)),
        Operator::EndsWith(tree) => texts(value, &render(tree)?).is_some_and(|(text, part)| text.ends_with(&part)),
        Operator::Matches(tree) => {
            let pattern = render(tree)?;
            let pattern = pattern.as_str().unwrap_or_default();
            let regex = RegexBuilder::new(pattern).size_limit(REGEX).build();
            let regex = regex
                .map_err(|error| Mismatch::Meaningless(format!("`{pattern}` is no regular expression: {error}")))?;
            value.as_str().is_some_and(|text| regex.is_match(text))
        }
        Operator::IsEmpty(wanted) => length(value).is_some_and(|length| (length == 0) == *wanted),
        Operator::Not(predicate) => !nested(predicate, value)?,
        Operator::Count(predicate) => match length(value) {
            Some(length) => nested(predicate, &length.into())?,
            None => false,
        },
        Operator::Distinct(predicate) => match value.as_array() {
            Some(items) => {
                let mut seen: Vec<&Value> = Vec::new();
                for item in items {
                    if !seen.iter().any(|other| equal(other, item)) {
                        seen.push(item);
                    }
                }
                nested(predicate, &seen.len().into())?
            }
            None => false,
        },
        // Of nothing, everything is true; a lab that asks for it has seen too little.
        Operator::All(predicate) => match value.as_array() {
            Some(items) if !items.is_empty() => {
                for item in items {
                    if !nested(predicate, item)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        },
        Operator::Any(predicate) => {
            for item in value.as_array().unwrap_or(&Vec::new()) {
                if nested(predicate, item)? {
                    return Ok(true);
                }
            }
            false
        }
    })
}

/// Equal as JSON; numbers by value, and a duration or size in a text against a number.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_) | Value::String(_)) => {
            order(left, right).is_some_and(std::cmp::Ordering::is_eq)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        // `lt: 2s` against seconds, `lt: 10MiB` against bytes.
        (Value::Number(left), Value::String(right)) => left.as_f64()?.partial_cmp(&scan_number(right)?),
        _ => None,
    }
}

fn texts(value: &Value, part: &Value) -> Option<(String, String)> {
    let part = part.as_str().map_or_else(|| part.to_string(), str::to_owned);
    value.as_str().map(|text| (text.to_owned(), part))
}

fn contains(value: &Value, part: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| equal(item, part)),
        Value::Object(map) => part.as_str().is_some_and(|key| map.contains_key(key)),
        _ => texts(value, part).is_some_and(|(text, part)| text.contains(&part)),
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(map) => Some(map.len()),
        Value::String(text) => Some(text.chars().count()),
        Value::Null => Some(0),
        _ => None,
    }
}

fn type_fits(wanted: &str, value: &Value) -> bool {
    match wanted {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "string" => value.is_string(),
        "list" => value.is_array(),
        _ => value.is_object(),
    }
}

fn shown(tree: &Tree, scope: &dyn Scope) -> String {
    tree.render(scope).map_or_else(|_| "…".into(), |value| value.to_string())
}

/// What a predicate asks for, in words.
pub fn describe(predicate: &Predicate, scope: &dyn Scope) -> String {
    let parts: Vec<String> = predicate.0.iter().map(|operator| words(operator, scope)).collect();
    parts.join(" and ")
}

fn words(operator: &Operator, scope: &dyn Scope) -> String {
    let show = |tree: &Tree| shown(tree, scope);
    match operator {
        Operator::Equals(tree) => show(tree),
        Operator::OneOf(tree) => format!("one of {}", show(tree)),
        Operator::Exists(true) => "to be there".into(),
        Operator::Exists(false) => "to be absent".into(),
        Operator::Type(kind) => format!("of type {kind}"),
        Operator::Lt(tree) => format!("less than {}", plain(&show(tree))),
        Operator::Lte(tree) => format!("at most {}", plain(&show(tree))),
        Operator::Gt(tree) => format!("more than {}", plain(&show(tree))),
        Operator::Gte(tree) => format!("at least {}", plain(&show(tree))),
        Operator::Between(low, high) => format!("between {} and {}", plain(&show(low)), plain(&show(high))),
        Operator::Contains(tree) => format!("to contain {}", show(tree)),
        Operator::StartsWith(tree) => format!("to start with {}", show(tree)),
        Operator::EndsWith(tree) => format!("to end with {}", show(tree)),
        Operator::Matches(tree) => format!("to match /{}/", plain(&show(tree))),
        Operator::IsEmpty(true) => "to be empty".into(),
        Operator::IsEmpty(false) => "not to be empty".into(),
        Operator::Not(predicate) => format!("not {}", describe(predicate, scope)),
        Operator::Count(predicate) => format!("a count of {}", describe(predicate, scope)),
        Operator::Distinct(predicate) => format!("a number of different values of {}", describe(predicate, scope)),
        Operator::All(predicate) => format!("each one {}", describe(predicate, scope)),
        Operator::Any(predicate) => format!("at least one {}", describe(predicate, scope)),
    }
}

fn plain(text: &str) -> &str {
    text.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::expression::Template;

    struct Nothing;
    impl Scope for Nothing {
        fn lookup(&self, _: &[String]) -> Option<Value> {
            None
        }
    }

    fn tree(value: Value) -> Tree {
        match value {
            Value::String(text) => Tree::Text(Template::literal(text)),
            other => Tree::Literal(other),
        }
    }

    fn check(operator: Operator, observed: Option<Value>) -> Result<(), String> {
        compare(&Predicate(vec![operator]), observed.as_ref(), &Nothing).map_err(|mismatch| match mismatch {
            Mismatch::Differs(words) => words,
            Mismatch::Meaningless(why) => format!("meaningless: {why}"),
        })
    }

    #[test]
    fn every_operator_holds_and_fails_in_words() {
        use Operator::*;
        let is = |value: Value| Predicate(vec![Equals(tree(value))]);
        let more = |value: Value| Predicate(vec![Gte(tree(value))]);
        let cases: Vec<(Operator, Value, Value, &str)> = vec![
            (Equals(tree(json!(1))), json!(1.0), json!(2), "1"),
            (Equals(tree(json!("2s"))), json!(2), json!(3), "\"2s\""),
            (OneOf(tree(json!([1, 2]))), json!(2), json!(3), "one of [1,2]"),
            (Type("integer".into()), json!(3), json!(3.5), "of type integer"),
            (Lt(tree(json!("500ms"))), json!(0.4), json!(0.5), "less than 500ms"),
            (Lte(tree(json!("1KiB"))), json!(1024), json!(1025), "at most 1KiB"),
            (Gt(tree(json!("a"))), json!("b"), json!(5), "more than a"),
            (Gte(tree(json!(3))), json!(3), json!(2), "at least 3"),
            (Between(tree(json!(1)), tree(json!(3))), json!(3), json!(4), "between 1 and 3"),
            (Contains(tree(json!("b"))), json!("abc"), json!("xyz"), "to contain \"b\""),
            (Contains(tree(json!(2))), json!([1, 2]), json!([1]), "to contain 2"),
            (Contains(tree(json!("k"))), json!({ "k": 1 }), json!({}), "to contain \"k\""),
            (StartsWith(tree(json!("a"))), json!("ab"), json!("ba"), "to start with \"a\""),
            (EndsWith(tree(json!("a"))), json!("ba"), json!(1), "to end with \"a\""),
            (Matches(tree(json!("^a.c$"))), json!("abc"), json!("abd"), "to match /^a.c$/"),
            (IsEmpty(true), json!([]), json!("x"), "to be empty"),
            (Not(is(json!(1))), json!(2), json!(1), "not 1"),
            (Count(more(json!(2))), json!([1, 2]), json!([1]), "a count of at least 2"),
            (Distinct(is(json!(1))), json!([1, 1.0]), json!([1, 2]), "a number of different values of 1"),
            (All(more(json!(1))), json!([1, 2]), json!([]), "each one at least 1"),
            (Any(is(json!(2))), json!([1, 2]), json!([]), "at least one 2"),
        ];
        for (operator, good, bad, words) in cases {
            assert_eq!(check(operator.clone(), Some(good)), Ok(()), "{operator:?}");
            assert_eq!(check(operator.clone(), Some(bad)), Err(words.to_owned()), "{operator:?}");
        }
    }

    #[test]
    fn what_is_missing_satisfies_only_its_absence() {
        assert_eq!(check(Operator::Exists(false), None), Ok(()));
        assert_eq!(check(Operator::Exists(true), None), Err("to be there".into()));
        assert_eq!(check(Operator::Not(Predicate(vec![Operator::IsEmpty(true)])), None), Err("not to be empty".into()));
    }

    #[test]
    fn a_broken_expression_is_the_labs_fault() {
        let broken = check(Operator::Matches(tree(json!("("))), Some(json!("x"))).unwrap_err();
        assert!(broken.starts_with("meaningless"), "{broken}");
    }
}
