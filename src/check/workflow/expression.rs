//! `${{ … }}` of GitHub Actions: read, and worked out over contexts.
//!
//! Source: GitHub's documentation, "Evaluate expressions in workflows and actions": literals, operators and their
//! order, loose comparison (texts without regard to case), the functions, and what counts as true.

use serde_json::{Value, json};

/// What an expression may look at: `github`, `env`, `secrets`, … as one object; and how the job is doing.
pub struct Surroundings<'a> {
    pub contexts: &'a Value,
    /// Whether a step or a needed job before has failed.
    pub failed: bool,
    /// The digest of files that fit patterns, for `hashFiles`.
    pub hash: &'a (dyn Fn(&[String]) -> String + Sync),
}

/// Fills every `${{ … }}` in a text.
///
/// # Errors
/// The expression that cannot be read, and why.
pub fn fill(text: &str, around: &Surroundings<'_>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${{") {
        let (inside, behind) = after.split_once("}}").ok_or_else(|| format!("`${{{{{after}` has no end"))?;
        out.push_str(before);
        out.push_str(&as_text(&evaluate(inside, around)?));
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether the condition of a step or job holds. One that does not ask how things are going means `success()` as well.
///
/// # Errors
/// As [`fill`].
pub fn holds(condition: Option<&str>, around: &Surroundings<'_>) -> Result<bool, String> {
    let Some(text) = condition else { return Ok(!around.failed) };
    let plain = text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(text);
    let asks = ["success()", "failure()", "always()", "cancelled()"].iter().any(|word| plain.contains(word));
    let value = truth(&evaluate(plain, around)?);
    Ok(value && (asks || !around.failed))
}

/// The value of one expression, without its braces.
///
/// # Errors
/// What cannot be read.
pub fn evaluate(text: &str, around: &Surroundings<'_>) -> Result<Value, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, around };
    let value = reader.or()?;
    match reader.tokens.get(reader.at) {
        None => Ok(value),
        Some(token) => Err(format!("`{}` does not end before `{}`", text.trim(), token.text)),
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    /// A text in quotes.
    quoted: bool,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut list = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => {
                let (value, length) = quoted(rest).ok_or_else(|| format!("`{rest}` has no closing quote"))?;
                list.push(Token { text: value, quoted: true });
                rest = rest[length..].trim_start();
                continue;
            }
            _ if ["&&", "||", "==", "!=", "<=", ">="].iter().any(|two| rest.starts_with(two)) => 2,
            '(' | ')' | '[' | ']' | ',' | '.' | '!' | '<' | '>' | '*' => 1,
            '0'..='9' | '-' | '+' => {
                rest.find(|char: char| !"0123456789.xXabcdefABCDEFeE+-".contains(char)).unwrap_or(rest.len())
            }
            _ if first.is_alphabetic() || first == '_' => {
                rest.find(|char: char| !char.is_alphanumeric() && !"_-".contains(char)).unwrap_or(rest.len())
            }
            _ => return Err(format!("`{first}` means nothing in `{}`", text.trim())),
        };
        list.push(Token { text: rest[..length].to_owned(), quoted: false });
        rest = rest[length..].trim_start();
    }
    Ok(list)
}

/// The content of a text in single quotes, where two of them stand for one, and how long it is with its quotes.
fn quoted(text: &str) -> Option<(String, usize)> {
    let (mut value, mut at) = (String::new(), 1);
    loop {
        let end = at + text[at..].find('\'')?;
        value.push_str(&text[at..end]);
        if !text[end + 1..].starts_with('\'') {
            return Some((value, end + 1));
        }
        value.push('\'');
        at = end + 2;
    }
}

struct Reader<'t, 'a> {
    tokens: &'t [Token],
    at: usize,
    around: &'t Surroundings<'a>,
}

impl Reader<'_, '_> {
    fn takes(&mut self, text: &str) -> bool {
        let there = self.tokens.get(self.at).is_some_and(|token| !token.quoted && token.text == text);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.takes(text) { Ok(()) } else { Err(format!("`{text}` is missing")) }
    }

    fn or(&mut self) -> Result<Value, String> {
        let mut value = self.and()?;
        while self.takes("||") {
            let other = self.and()?;
            value = if truth(&value) { value } else { other };
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<Value, String> {
        let mut value = self.compared()?;
        while self.takes("&&") {
            let other = self.compared()?;
            value = if truth(&value) { other } else { value };
        }
        Ok(value)
    }

    fn compared(&mut self) -> Result<Value, String> {
        let mut value = self.unary()?;
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.takes(operator) {
                let other = self.unary()?;
                value = compare(operator, &value, &other).into();
                break;
            }
        }
        Ok(value)
    }

    fn unary(&mut self) -> Result<Value, String> {
        if self.takes("!") {
            return Ok((!truth(&self.unary()?)).into());
        }
        let mut value = self.primary()?;
        loop {
            if self.takes(".") {
                let Some(token) = self.tokens.get(self.at) else { return Err("a name is missing after `.`".into()) };
                self.at += 1;
                value = member(&value, &token.text);
            } else if self.takes("[") {
                let key = self.or()?;
                self.expect("]")?;
                value = member(&value, &as_text(&key));
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Result<Value, String> {
        if self.takes("(") {
            let value = self.or()?;
            self.expect(")")?;
            return Ok(value);
        }
        let Some(token) = self.tokens.get(self.at).cloned() else { return Err("the expression is empty".into()) };
        self.at += 1;
        if token.quoted {
            return Ok(token.text.into());
        }
        if self.takes("(") {
            let mut arguments = Vec::new();
            while !self.takes(")") {
                arguments.push(self.or()?);
                if !self.takes(",") {
                    self.expect(")")?;
                    break;
                }
            }
            return self.call(&token.text, &arguments);
        }
        match token.text.as_str() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            "null" => Ok(Value::Null),
            text if text.starts_with(|char: char| char.is_ascii_digit() || "+-".contains(char)) => {
                number(text).map(|number| json!(number)).ok_or_else(|| format!("`{text}` is no number"))
            }
            name => Ok(member(self.around.contexts, name)),
        }
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        let text = |at: usize| arguments.get(at).map(as_text).unwrap_or_default();
        let low = |at: usize| text(at).to_lowercase();
        Ok(match name.to_lowercase().as_str() {
            "success" => (!self.around.failed).into(),
            "failure" => self.around.failed.into(),
            "always" => true.into(),
            "cancelled" => false.into(),
            "contains" => match arguments.first() {
                Some(Value::Array(list)) => {
                    let wanted = arguments.get(1).cloned().unwrap_or_default();
                    list.iter().any(|one| compare("==", one, &wanted)).into()
                }
                _ => low(0).contains(&low(1)).into(),
            },
            "startswith" => low(0).starts_with(&low(1)).into(),
            "endswith" => low(0).ends_with(&low(1)).into(),
            "format" => {
                let mut out = text(0);
                for at in 1..arguments.len() {
                    out = out.replace(&format!("{{{}}}", at - 1), &text(at));
                }
                out.replace("{{", "{").replace("}}", "}").into()
            }
            "join" => {
                let between = if arguments.len() > 1 { text(1) } else { ",".into() };
                let parts = arguments.first().and_then(Value::as_array).cloned().unwrap_or_default();
                parts.iter().map(as_text).collect::<Vec<_>>().join(&between).into()
            }
            "tojson" => serde_json::to_string_pretty(arguments.first().unwrap_or(&Value::Null))
                .map_err(|error| error.to_string())?
                .into(),
            "fromjson" => serde_json::from_str(&text(0)).map_err(|error| format!("`fromJSON`: {error}"))?,
            "hashfiles" => (self.around.hash)(&arguments.iter().map(as_text).collect::<Vec<_>>()).into(),
            other => return Err(format!("there is no function `{other}`")),
        })
    }
}

/// A part of a map, whatever the case of its name; `*` is all parts. Null where there is none.
fn member(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(map) if key == "*" => map.values().cloned().collect(),
        Value::Array(list) if key == "*" => list.clone().into(),
        Value::Object(map) => map
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.clone())
            .unwrap_or_default(),
        Value::Array(list) => match key.parse::<usize>() {
            Ok(at) => list.get(at).cloned().unwrap_or_default(),
            Err(_) => list.iter().map(|one| member(one, key)).filter(|one| !one.is_null()).collect(),
        },
        _ => Value::Null,
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn number(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok().map(|number| number as f64),
        None => text.trim().parse().ok(),
    }
}

/// As a number, where two values are of different types.
fn loose(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.is_empty() => Some(0.0),
        Value::String(text) => number(text),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn compare(operator: &str, left: &Value, right: &Value) -> bool {
    use std::cmp::Ordering;
    let order = match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.to_lowercase().cmp(&right.to_lowercase())),
        _ => loose(left).zip(loose(right)).and_then(|(left, right)| left.partial_cmp(&right)),
    };
    match operator {
        "==" => order == Some(Ordering::Equal),
        "!=" => order != Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        ">" => order == Some(Ordering::Greater),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// A value as it stands in a text.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // Whole numbers have no point.
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worked_out(text: &str, failed: bool) -> Result<Value, String> {
        let contexts = json!({
            "github": { "ref": "refs/heads/main", "event_name": "push", "event": { "labels": [{ "name": "a" }, { "name": "b" }] } },
            "env": { "PY": "3.13" }, "matrix": { "django": 5.2 }, "steps": { "build": { "outputs": { "tag": "x" } } },
            "needs": { "test": { "result": "success" } },
        });
        evaluate(
            text,
            &Surroundings { contexts: &contexts, failed, hash: &|files| format!("hash of {}", files.join(" ")) },
        )
    }

    #[test]
    fn expressions_are_worked_out_as_documented() {
        for (text, value) in [
            ("github.ref == 'refs/heads/main' && github.event_name == 'push'", json!(true)),
            ("github.ref_name || 'none'", json!("none")),
            ("GITHUB.Event_Name == 'PUSH'", json!(true)),
            ("env.PY >= 3", json!(true)),
            ("'' == 0", json!(true)),
            ("'a' == 1", json!(false)),
            ("!cancelled() && (true || false)", json!(true)),
            ("contains(github.event.labels.*.name, 'B')", json!(true)),
            ("contains('Hello world', 'hello')", json!(true)),
            ("startsWith(github.ref, 'refs/heads')", json!(true)),
            ("format('{0}:{1}', 'shop', github['event_name'])", json!("shop:push")),
            ("join(github.event.labels.*.name, '-')", json!("a-b")),
            ("fromJSON('[1, 2]')[1]", json!(2)),
            ("hashFiles('requirements.txt', '**/x')", json!("hash of requirements.txt **/x")),
            ("steps.build.outputs.tag", json!("x")),
            ("'it''s'", json!("it's")),
            ("matrix.django != 5.2", json!(false)),
            ("-1.5 < 0x10", json!(true)),
        ] {
            assert_eq!(worked_out(text, false).unwrap(), value, "{text}");
        }
        for (text, why) in
            [("nothing()", "no function"), ("1 2", "does not end"), ("'a", "closing quote"), ("a # b", "means nothing")]
        {
            let said = worked_out(text, false).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_condition_that_does_not_ask_wants_success() {
        let contexts = json!({ "github": { "ref": "main" } });
        let around = |failed| Surroundings { contexts: &contexts, failed, hash: &|_| String::new() };
        assert!(holds(None, &around(false)).unwrap());
        assert!(!holds(None, &around(true)).unwrap());
        assert!(!holds(Some("github.ref == 'main'"), &around(true)).unwrap());
        assert!(holds(Some("${{ failure() && github.ref == 'main' }}"), &around(true)).unwrap());
        assert!(holds(Some("always()"), &around(true)).unwrap());
        assert_eq!(fill("ref ${{ github.ref }}, ${{ 1 == 1 }}", &around(false)).unwrap(), "ref main, true");
        assert!(fill("${{ 1", &around(false)).is_err());
    }
}
