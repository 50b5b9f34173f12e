//! Templates (`"order-${n + 1}"`) and the expressions inside them: parsed once, rendered per try.

use serde_json::Value;

/// An expression of the lab format: names, numbers with units, `+ - * / ( )` and a few functions.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Number(f64),
    /// `a.b.c`: a name and the keys that reach into it.
    Name(Vec<String>),
    Negate(Box<Expression>),
    Binary {
        operator: char,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    Call {
        function: Function,
        arguments: Vec<Expression>,
    },
}

/// The functions of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Min,
    Max,
    Sum,
    Median,
    Spread,
    Len,
}

/// A text with expressions in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(pub Vec<Part>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Expression(Expression),
}

/// A JSON-like document whose texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Null, boolean or number.
    Literal(Value),
    Text(Template),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// Where the names of expressions get their values.
pub trait Scope {
    /// The value of a name; `path` is the whole dotted name. `None` when nothing of that name is known.
    fn lookup(&self, path: &[String]) -> Option<Value>;
}

mod evaluate;
mod parse;

pub use evaluate::EvaluationError;
pub use parse::{ExpressionError, scan_number};

impl Template {
    /// A text without expressions.
    pub fn literal(text: impl Into<String>) -> Self {
        Template(vec![Part::Text(text.into())])
    }

    /// The text, when there is no expression in it.
    pub fn as_literal(&self) -> Option<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Expression(_) => None,
            })
            .collect()
    }

    /// Every name that its expressions use.
    pub fn names(&self) -> Vec<&[String]> {
        let mut names = Vec::new();
        for part in &self.0 {
            if let Part::Expression(expression) = part {
                expression.collect_names(&mut names);
            }
        }
        names
    }
}

impl Expression {
    fn collect_names<'a>(&'a self, names: &mut Vec<&'a [String]>) {
        match self {
            Expression::Number(_) => {}
            Expression::Name(path) => names.push(path),
            Expression::Negate(inner) => inner.collect_names(names),
            Expression::Binary { left, right, .. } => {
                left.collect_names(names);
                right.collect_names(names);
            }
            Expression::Call { arguments, .. } => arguments.iter().for_each(|one| one.collect_names(names)),
        }
    }
}

impl Tree {
    /// Every name that its templates use.
    pub fn names(&self) -> Vec<&[String]> {
        match self {
            Tree::Literal(_) => Vec::new(),
            Tree::Text(template) => template.names(),
            Tree::List(items) => items.iter().flat_map(Tree::names).collect(),
            Tree::Map(entries) => entries.iter().flat_map(|(_, value)| value.names()).collect(),
        }
    }

    /// The value of a key, when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Tree::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, when this is one without expressions.
    pub fn as_literal(&self) -> Option<String> {
        match self {
            Tree::Text(template) => template.as_literal(),
            _ => None,
        }
    }
}
