//! [`Expression`]: the Common Expression Language (CEL) over variables that are known beforehand.
//!
//! It is written here and not taken from a library because the text comes from administrators of
//! projects: it is checked whole when it is set, and nothing it says can exhaust the stack, the
//! memory or the time of the server.
//!
//! Known are `bool`, `int`, `double`, `string` and lists of these; literals, also of lists; `!`, `-`,
//! `* / % + -`, comparisons also of `int` with `double`, `in`, `&&`, `||`, `? :`, `[index]`; `size`,
//! `double`, `startsWith`, `endsWith`, `contains`, `matches`, and over lists `all`, `exists`,
//! `exists_one` and `filter`. As CEL has it, `&&` and `||` take the side that decides even if the
//! other one fails, overflow and division by zero are failures, and `matches` takes RE2.
//!
//! Invariants: an expression that was accepted has a type, knows its variables and is at most
//! [`DEEPEST`] deep; it is evaluated in at most [`STEPS`] steps, and what it makes is never longer
//! than what it was given.

mod evaluate;
mod fault;
mod parse;
mod token;

use std::fmt;
use std::sync::Arc;

use regex::Regex;

pub use fault::{Fault, Found};

/// Longest expression, bytes.
pub const LONGEST: usize = 2 * 1024;
/// How deep an expression may be.
const DEEPEST: usize = 40;
/// Steps of one evaluation.
const STEPS: usize = 50_000;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A value that stands for itself.
    One(Element),
    /// A list of such values.
    List(Element),
}

/// What a value is that is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as CEL has them")]
pub enum Element {
    Bool,
    Int,
    Double,
    Text,
}

impl Type {
    /// `true` and `false`.
    pub const BOOL: Self = Self::One(Element::Bool);
    /// Whole numbers.
    pub const INT: Self = Self::One(Element::Int);
    /// Texts.
    pub const TEXT: Self = Self::One(Element::Text);
    const DOUBLE: Self = Self::One(Element::Double);

    const fn is_number(self) -> bool {
        matches!(self, Self::INT | Self::DOUBLE)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::One(element) | Self::List(element)) = self;
        let word = match element {
            Element::Bool => "bool",
            Element::Int => "int",
            Element::Double => "double",
            Element::Text => "string",
        };
        match self {
            Self::One(_) => f.write_str(word),
            Self::List(_) => write!(f, "list({word})"),
        }
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "as CEL has them")]
pub enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Arc<str>),
    List(Arc<[Value]>),
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts.
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }
}

/// Why an expression was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct ExpressionError {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says it itself")]
pub enum EvaluationError {
    #[error("a number is divided by zero")]
    DivisionByZero,
    #[error("a number is too large")]
    Overflow,
    #[error("a list has no such place")]
    Index,
    #[error("it takes too many steps")]
    TooLong,
}

impl ExpressionError {
    /// A name for what is wrong, and the values that it speaks of, with the place.
    pub fn reason(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let (name, mut values) = self.fault.reason();
        values.push(("line", self.line.to_string()));
        values.push(("column", self.column.to_string()));
        (name, values)
    }
}

/// An expression that was accepted.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
    /// Of each variable, whether it is used.
    used: Vec<bool>,
}

#[derive(Clone, Debug)]
struct Node {
    op: Op,
    kind: Type,
    depth: usize,
}

type Pair = Box<(Node, Node)>;

#[derive(Clone, Debug)]
enum Op {
    Value(Value),
    Variable(usize),
    /// What a macro goes through, by its place among those around it.
    Local(usize),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare(Comparison, Pair),
    In(Pair),
    Arithmetic(Arithmetic, Pair),
    If(Box<(Node, Node, Node)>),
    List(Vec<Node>),
    Index(Pair),
    Size(Box<Node>),
    Double(Box<Node>),
    Text(TextTest, Pair),
    Matches(Box<Node>, Regex),
    Each(Macro, Pair),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    AtLeast,
    Greater,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextTest {
    Starts,
    Ends,
    Contains,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
}

impl Expression {
    /// Reads an expression of type `wanted` over these variables.
    ///
    /// # Errors
    /// [`ExpressionError`] for what is no CEL, not known here, or of another type.
    pub fn parse(
        text: &str,
        variables: &[(&str, Type)],
        wanted: Type,
    ) -> Result<Self, ExpressionError> {
        parse::parse(text, variables, wanted)
    }

    /// Whether it uses the variable at this place of those it was read with.
    pub fn uses(&self, variable: usize) -> bool {
        self.used.get(variable).copied().unwrap_or(false)
    }

    /// What it comes to, with these values in the order of its variables.
    ///
    /// # Errors
    /// [`EvaluationError`] where it has no value.
    pub fn evaluate(&self, values: &[Value]) -> Result<Value, EvaluationError> {
        evaluate::evaluate(&self.root, values)
    }
}

#[cfg(test)]
mod tests;
