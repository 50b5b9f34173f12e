//! Templates and expressions to values.

use serde_json::{Number, Value};

use super::parse::scan_number;
use super::{Expression, Function, Part, Scope, Template, Tree};

/// A template that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("nothing is known as `{name}`")]
    Unknown { name: String },
    #[error("{what} is not a number, and arithmetic needs one")]
    NotANumber { what: String },
    #[error("`{function}` needs numbers or a list of them")]
    NotAList { function: &'static str },
    #[error("division by zero")]
    DivisionByZero,
}

impl Template {
    /// Its value. A template that is one expression keeps the value's type; all others give texts.
    ///
    /// # Errors
    /// A name is unknown, or something that is no number is reckoned with.
    pub fn render(&self, scope: &dyn Scope) -> Result<Value, EvaluationError> {
        if let [Part::Expression(expression)] = self.0.as_slice() {
            return expression.evaluate(scope);
        }
        self.render_text(scope).map(Value::String)
    }

    /// Its value as text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_text(&self, scope: &dyn Scope) -> Result<String, EvaluationError> {
        self.filled(scope, plain)
    }

    /// Its value as a sentence for people: lists are named, and not written as JSON.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_sentence(&self, scope: &dyn Scope) -> Result<String, EvaluationError> {
        self.filled(scope, spoken)
    }

    fn filled(&self, scope: &dyn Scope, text_of: fn(&Value) -> String) -> Result<String, EvaluationError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Expression(expression) => text.push_str(&text_of(&expression.evaluate(scope)?)),
            }
        }
        Ok(text)
    }
}

/// Values of a list that a sentence has.
const NAMED: usize = 5;

/// As [`plain`], but a list is what is in it, with its first values only.
fn spoken(value: &Value) -> String {
    let Value::Array(items) = value else { return plain(value) };
    let more = items.len().saturating_sub(NAMED);
    let mut words: Vec<String> = items.iter().take(NAMED).map(plain).collect();
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

impl Tree {
    /// The document with every template rendered.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render(&self, scope: &dyn Scope) -> Result<Value, EvaluationError> {
        Ok(match self {
            Tree::Literal(value) => value.clone(),
            Tree::Text(template) => template.render(scope)?,
            Tree::List(items) => Value::Array(items.iter().map(|item| item.render(scope)).collect::<Result<_, _>>()?),
            Tree::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.render(scope)?)))
                    .collect::<Result<_, EvaluationError>>()?,
            ),
        })
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Expression {
    fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvaluationError> {
        match self {
            Expression::Name(path) => {
                scope.lookup(path).ok_or_else(|| EvaluationError::Unknown { name: path.join(".") })
            }
            Expression::Call { function: Function::Len, arguments } => {
                let value = arguments[0].evaluate(scope)?;
                let length = match &value {
                    Value::Array(items) => items.len(),
                    Value::Object(entries) => entries.len(),
                    Value::String(text) => text.chars().count(),
                    _ => return Err(EvaluationError::NotAList { function: "len" }),
                };
                Ok(length.into())
            }
            other => other.number(scope).map(from_number),
        }
    }

    fn number(&self, scope: &dyn Scope) -> Result<f64, EvaluationError> {
        match self {
            Expression::Number(number) => Ok(*number),
            Expression::Negate(inner) => inner.number(scope).map(|number| -number),
            Expression::Binary { operator, left, right } => {
                let (left, right) = (left.number(scope)?, right.number(scope)?);
                match operator {
                    '+' => Ok(left + right),
                    '-' => Ok(left - right),
                    '*' => Ok(left * right),
                    _ if right == 0.0 => Err(EvaluationError::DivisionByZero),
                    _ => Ok(left / right),
                }
            }
            Expression::Call { function, arguments } if *function != Function::Len => call(*function, arguments, scope),
            Expression::Name(_) | Expression::Call { .. } => {
                let value = self.evaluate(scope)?;
                to_number(&value).ok_or_else(|| EvaluationError::NotANumber { what: format!("`{}`", plain(&value)) })
            }
        }
    }
}

fn call(function: Function, arguments: &[Expression], scope: &dyn Scope) -> Result<f64, EvaluationError> {
    let word = match function {
        Function::Min => "min",
        Function::Max => "max",
        Function::Sum => "sum",
        Function::Median => "median",
        Function::Spread => "spread",
        Function::Len => "len",
    };
    let mut numbers = Vec::new();
    for argument in arguments {
        match argument.evaluate(scope)? {
            Value::Array(items) => {
                for item in &items {
                    numbers.push(to_number(item).ok_or(EvaluationError::NotAList { function: word })?);
                }
            }
            value => numbers.push(to_number(&value).ok_or(EvaluationError::NotAList { function: word })?),
        }
    }
    if numbers.is_empty() && function != Function::Sum {
        return Err(EvaluationError::NotAList { function: word });
    }
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().saturating_sub(1);
    Ok(match function {
        Function::Min => numbers[0],
        Function::Max => numbers[last],
        Function::Spread => numbers[last] - numbers[0],
        Function::Median => f64::midpoint(numbers[last / 2], numbers[numbers.len() / 2]),
        Function::Sum | Function::Len => numbers.iter().sum(),
    })
}

fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => scan_number(text),
        _ => None,
    }
}

/// Whole numbers stay whole, so that `"${before + 1}"` equals 4 and not 4.0.
fn from_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Names;
    impl Scope for Names {
        fn lookup(&self, path: &[String]) -> Option<Value> {
            let names = serde_json::json!({ "before": 3, "list": [4, 1, 3], "many": [1, 2, 3, 4, 5, 6, 7], "r": { "queue": "orders.eu" }, "t": "a$b" });
            path.iter().try_fold(names, |value, key| value.get(key).cloned())
        }
    }

    fn render(text: &str) -> Result<Value, String> {
        Template::parse(text).map_err(|error| error.to_string())?.render(&Names).map_err(|error| error.to_string())
    }

    #[test]
    fn sentences_name_what_is_in_a_list() {
        let sentence = |text: &str| Template::parse(text).unwrap().render_sentence(&Names).unwrap();
        assert_eq!(sentence("neither of ${list}, ${before} times"), "neither of 4; 1; 3, 3 times");
        assert_eq!(sentence("${many}"), "1; 2; 3; 4; 5; and 2 more");
    }

    #[test]
    fn templates_render() {
        let cases = [
            ("plain", serde_json::json!("plain")),
            ("${before + 1}", serde_json::json!(4)),
            ("n=${before}", serde_json::json!("n=3")),
            ("${r.queue}", serde_json::json!("orders.eu")),
            ("$$${t}$", serde_json::json!("$a$b$")),
            ("${2 * (before - 1) / 8}", serde_json::json!(0.5)),
            ("${-before + 500ms}", serde_json::json!(-2.5)),
            ("${median(list)}", serde_json::json!(3)),
            ("${spread(list) + len(list)}", serde_json::json!(6)),
            ("${max(list, 10)}", serde_json::json!(10)),
        ];
        for (text, expected) in cases {
            assert_eq!(render(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("${befor}", "nothing is known as `befor`"),
            ("${before", "`${` is not closed by `}`"),
            ("${t * 2}", "`a$b` is not a number, and arithmetic needs one"),
            ("${before / 0}", "division by zero"),
            ("${avg(list)}", "there is no function `avg`; there are min, max, sum, median, spread and len"),
            ("${a..b}", "`a..b` is not a name: something is missing next to a dot"),
            ("${1 +}", "the expression ends too early"),
        ];
        for (text, expected) in cases {
            assert_eq!(render(text), Err(expected.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in "[${}()a-z0-9.+*/ -]{0,60}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.render(&Names);
            }
        }
    }
}
