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
