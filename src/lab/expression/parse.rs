//! Text to templates and expressions.

use super::{Expression, Function, Part, Template};

/// A template that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Byte offset in the template's text.
    pub offset: usize,
    pub message: String,
}

/// Deeper nesting than anyone writes; keeps hostile input off the stack.
const DEPTH: usize = 64;

impl Template {
    /// Reads a text with `${…}` in it; `$$` stands for one `$`.
    ///
    /// # Errors
    /// An expression is not closed or not understood.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = 0;
        while let Some(found) = text[rest..].find('$') {
            let at = rest + found;
            literal.push_str(&text[rest..at]);
            match text[at + 1..].chars().next() {
                Some('$') => {
                    literal.push('$');
                    rest = at + 2;
                }
                Some('{') => {
                    let end = closing(text, at + 2)?;
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Expression(parse_expression(&text[at + 2..end], at + 2)?));
                    rest = end + 1;
                }
                _ => {
                    literal.push('$');
                    rest = at + 1;
                }
            }
        }
        literal.push_str(&text[rest..]);
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Template(parts))
    }
}

fn closing(text: &str, from: usize) -> Result<usize, ExpressionError> {
    text[from..]
        .find('}')
        .map(|found| from + found)
        .ok_or_else(|| ExpressionError { offset: from - 2, message: "`${` is not closed by `}`".into() })
}

/// Reads one whole expression; offsets in errors are moved by `base`.
pub(super) fn parse_expression(text: &str, base: usize) -> Result<Expression, ExpressionError> {
    let mut parser = Parser { text, at: 0, base, depth: 0 };
    let expression = parser.sum()?;
    parser.space();
    match parser.rest().chars().next() {
        None => Ok(expression),
        Some(other) => Err(parser.error(format!("`{other}` is not expected here"))),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    base: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError { offset: self.base + self.at, message: message.into() }
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        self.space();
        let found = self.rest().chars().next().filter(|char| wanted.contains(char))?;
        self.at += found.len_utf8();
        Some(found)
    }

    fn sum(&mut self) -> Result<Expression, ExpressionError> {
        self.chain(&['+', '-'], Self::product)
    }

    fn product(&mut self) -> Result<Expression, ExpressionError> {
        self.chain(&['*', '/'], Self::operand)
    }

    fn chain(
        &mut self,
        operators: &[char],
        next: fn(&mut Self) -> Result<Expression, ExpressionError>,
    ) -> Result<Expression, ExpressionError> {
        let mut left = next(self)?;
        while let Some(operator) = self.take(operators) {
            let right = next(self)?;
            left = Expression::Binary { operator, left: left.into(), right: right.into() };
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("the expression is nested too deeply"));
        }
        let result = self.operand_inside();
        self.depth -= 1;
        result
    }

    fn operand_inside(&mut self) -> Result<Expression, ExpressionError> {
        if self.take(&['-']).is_some() {
            return Ok(Expression::Negate(self.operand()?.into()));
        }
        if self.take(&['(']).is_some() {
            let inside = self.sum()?;
            self.take(&[')']).ok_or_else(|| self.error("`)` is missing"))?;
            return Ok(inside);
        }
        self.space();
        match self.rest().chars().next() {
            Some(digit) if digit.is_ascii_digit() => self.number(),
            Some(letter) if letter.is_alphabetic() || letter == '_' => self.name(),
            Some(other) => Err(self.error(format!("`{other}` is not expected here; a name or a number is"))),
            None => Err(self.error("the expression ends too early")),
        }
    }

    fn number(&mut self) -> Result<Expression, ExpressionError> {
        let length = self.rest().find(|char: char| !char.is_alphanumeric() && char != '.').unwrap_or(self.rest().len());
        let text = &self.rest()[..length];
        let value = scan_number(text).ok_or_else(|| self.error(format!("`{text}` is not a number")))?;
        self.at += length;
        Ok(Expression::Number(value))
    }

    fn name(&mut self) -> Result<Expression, ExpressionError> {
        let inside = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.');
        let length = self.rest().find(|char| !inside(char)).unwrap_or(self.rest().len());
        let text = &self.rest()[..length];
        if text.split('.').any(str::is_empty) {
            return Err(self.error(format!("`{text}` is not a name: something is missing next to a dot")));
        }
        let start = self.at;
        self.at += length;
        if self.take(&['(']).is_none() {
            return Ok(Expression::Name(text.split('.').map(str::to_owned).collect()));
        }
        let Some(function) = Function::from_word(text) else {
            self.at = start;
            return Err(
                self.error(format!("there is no function `{text}`; there are min, max, sum, median, spread and len"))
            );
        };
        let mut arguments = vec![self.sum()?];
        while self.take(&[',']).is_some() {
            arguments.push(self.sum()?);
        }
        self.take(&[')']).ok_or_else(|| self.error("`)` is missing"))?;
        Ok(Expression::Call { function, arguments })
    }
}

impl Function {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "min" => Function::Min,
            "max" => Function::Max,
            "sum" => Function::Sum,
            "median" => Function::Median,
            "spread" => Function::Spread,
            "len" => Function::Len,
            _ => return None,
        })
    }
}

/// A number with an optional unit: durations in seconds (`ms`, `s`, `m`, `h`), sizes in bytes (`B`, `kB`,
/// `MB`, `GB`, `KiB`, `MiB`, `GiB`).
pub fn scan_number(text: &str) -> Option<f64> {
    let split = text.find(|char: char| !char.is_ascii_digit() && !matches!(char, '.' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" | "s" | "B" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}
