//! Harbor's `q` and `sort` grammar, turned into SQL over an allow-list of columns.
//!
//! `k=v` exact · `k=~v` contains, whatever the case · `k=[min~max]` range, either end may be empty
//! · `k={a b}` any of · `k=(a b)` all of · joined by `,` · times `2006-01-02T15:04:05`.
//!
//! Invariant: the SQL is made of the allow-list's own text and placeholders only. Everything a
//! client wrote is either bound or refused.

use berth_model::Timestamp;
use percent_encoding::percent_decode_str;

use crate::{Args, Value, like};

/// Longest `q` or `sort`, bytes.
const LONGEST: usize = 4096;
/// Most conditions of one `q`, and most values of one list in it.
const MOST_CONDITIONS: usize = 32;
const MOST_VALUES: usize = 100;

/// Why a `q` or `sort` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than anybody needs.
    #[error(
        "q and sort are limited to {LONGEST} bytes, {MOST_CONDITIONS} conditions and {MOST_VALUES} values in a list"
    )]
    TooLong,
    /// Text that is no condition.
    #[error("q is a list of key=value joined by commas: {0:?} is not one")]
    Malformed(String),
    /// A key that cannot be asked for.
    #[error("{key:?} cannot be used here; use one of {known}")]
    Unknown {
        /// What was asked for.
        key: String,
        /// What may be asked for.
        known: String,
    },
    /// A value that the column cannot have.
    #[error("{key} must be {expected}, not {value:?}")]
    Value {
        /// The column.
        key: &'static str,
        /// What it holds.
        expected: &'static str,
        /// What was given.
        value: String,
    },
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// Microseconds since the epoch; asked for as a time.
    Time,
    /// A number times ten; asked for as `7.5`.
    Tenths,
}

impl Kind {
    const fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Bool => "true or false",
            Self::Time => "a UTC time such as 2006-01-02T15:04:05",
            Self::Tenths => "a number such as 7.5",
        }
    }
}

/// A column that clients may filter and sort by.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in `q` and `sort`.
    pub name: &'static str,
    /// The SQL expression it stands for.
    pub sql: &'static str,
    /// What it holds.
    pub kind: Kind,
    also: Option<(&'static str, &'static str)>,
}

impl Column {
    /// A column called `name` in the API and `sql` in the statement.
    pub const fn new(name: &'static str, sql: &'static str, kind: Kind) -> Self {
        Self {
            name,
            sql,
            kind,
            also: None,
        }
    }

    /// Who asks for `value` also finds what is kept as `kept`.
    #[must_use]
    pub const fn also(mut self, value: &'static str, kept: &'static str) -> Self {
        self.also = Some((value, kept));
        self
    }
}

/// The conditions of a statement and the values they bind.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    clauses: Vec<String>,
    args: Args,
}

impl Filter {
    /// No condition yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds `value` and gives its placeholder.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        format!("${}", self.args.push(value))
    }

    /// Adds a condition, in SQL of our own.
    pub fn and(&mut self, clause: impl Into<String>) {
        self.clauses.push(clause.into());
    }

    /// Adds that `sql` contains `text`, whatever the case.
    pub fn and_contains(&mut self, sql: &str, text: &str) {
        let pattern = self.bind(like(text));
        // Both sides are folded by the engine itself, so that they are folded alike.
        self.and(format!("LOWER({sql}) LIKE LOWER({pattern}) ESCAPE '\\'"));
    }

    /// The condition as one SQL expression, `TRUE` when there is none.
    pub fn sql(&self) -> String {
        if self.clauses.is_empty() {
            "TRUE".to_owned()
        } else {
            self.clauses.join(" AND ")
        }
    }

    /// The bound values.
    pub fn args(&self) -> Args {
        self.args.clone()
    }

    /// Adds the conditions of a `q`.
    pub fn and_query(&mut self, q: &str, columns: &[Column]) -> Result<(), QueryError> {
        if q.len() > LONGEST {
            return Err(QueryError::TooLong);
        }
        let q = unescape(q)?;
        let conditions = q.split(',').filter(|part| !part.trim().is_empty());
        for (index, condition) in conditions.enumerate() {
            if index >= MOST_CONDITIONS {
                return Err(QueryError::TooLong);
            }
            let (key, value) = condition
                .split_once('=')
                .ok_or_else(|| QueryError::Malformed(condition.to_owned()))?;
            let column = find(key.trim(), columns)?;
            self.and_condition(column, value)?;
        }
        Ok(())
    }

    fn and_condition(&mut self, column: Column, value: &str) -> Result<(), QueryError> {
        if let Some(text) = value.strip_prefix('~') {
            if column.kind != Kind::Text {
                return Err(refuse(column, value));
            }
            self.and_contains(column.sql, unquote(text));
        } else if let Some(range) = enclosed(value, '[', ']') {
            self.and_range(column, range)?;
        } else if let Some(list) = enclosed(value, '{', '}') {
            let mut any = Vec::new();
            for item in items(list)? {
                any.push(self.equal(column, item)?);
            }
            // A list of nothing matches nothing.
            self.and(if any.is_empty() {
                "FALSE".to_owned()
            } else {
                format!("({})", any.join(" OR "))
            });
        } else if let Some(list) = enclosed(value, '(', ')') {
            for item in items(list)? {
                let clause = self.equal(column, item)?;
                self.and(clause);
            }
        } else {
            let clause = self.equal(column, value)?;
            self.and(clause);
        }
        Ok(())
    }

    fn and_range(&mut self, column: Column, range: &str) -> Result<(), QueryError> {
        let (least, most) = range
            .split_once('~')
            .filter(|_| matches!(column.kind, Kind::Integer | Kind::Time | Kind::Tenths))
            .ok_or_else(|| refuse(column, range))?;
        for (bound, operator) in [(least, ">="), (most, "<=")] {
            let bound = bound.trim();
            if !bound.is_empty() {
                let value = parse(column, bound)?;
                let placeholder = self.bind(value);
                self.and(format!("{} {operator} {placeholder}", column.sql));
            }
        }
        Ok(())
    }

    fn equal(&mut self, column: Column, text: &str) -> Result<String, QueryError> {
        let value = parse(column, text)?;
        if let (Kind::Time, Value::Integer(Some(start))) = (column.kind, &value) {
            // Times are kept in microseconds and asked for in seconds.
            let end = start.saturating_add(1_000_000);
            let (start, end) = (self.bind(*start), self.bind(end));
            return Ok(format!(
                "({sql} >= {start} AND {sql} < {end})",
                sql = column.sql
            ));
        }
        let placeholder = self.bind(value);
        if let Some((asked, kept)) = column.also
            && unquote(text) == asked
        {
            let kept = self.bind(kept);
            return Ok(format!("{} IN ({placeholder}, {kept})", column.sql));
        }
        Ok(format!("{} = {placeholder}", column.sql))
    }
}

/// `ORDER BY` of a `sort`: keys joined by `,`, a `-` before a key turns it round.
///
/// `default` (SQL of our own) is used when the client asks for nothing, and `tie` always ends the
/// order, so that pages neither repeat nor lose a row.
pub fn order_by(
    sort: &str,
    columns: &[Column],
    default: &'static str,
    tie: &'static str,
) -> Result<String, QueryError> {
    if sort.len() > LONGEST {
        return Err(QueryError::TooLong);
    }
    let mut order: Vec<String> = Vec::new();
    for key in sort.split(',').map(str::trim).filter(|key| !key.is_empty()) {
        if order.len() >= MOST_CONDITIONS {
            return Err(QueryError::TooLong);
        }
        let (key, direction) = match key.strip_prefix('-') {
            Some(key) => (key, "DESC"),
            None => (key, "ASC"),
        };
        order.push(format!("{} {direction}", find(key, columns)?.sql));
    }
    if order.is_empty() {
        order.push(default.to_owned());
    }
    Ok(format!("ORDER BY {}, {tie}", order.join(", ")))
}

/// Harbor unescapes `q` once more after the query string was unescaped, `+` being a blank.
fn unescape(q: &str) -> Result<String, QueryError> {
    let spaced = q.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| QueryError::Malformed(q.to_owned()))
}

fn find(key: &str, columns: &[Column]) -> Result<Column, QueryError> {
    let found = columns.iter().find(|column| column.name == key);
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|column| column.name).collect();
        QueryError::Unknown {
            key: key.to_owned(),
            known: known.join(", "),
        }
    })
}

fn enclosed(value: &str, open: char, close: char) -> Option<&str> {
    value.strip_prefix(open)?.strip_suffix(close)
}

fn items(list: &str) -> Result<Vec<&str>, QueryError> {
    let items: Vec<&str> = list.split_whitespace().take(MOST_VALUES + 1).collect();
    if items.len() > MOST_VALUES {
        return Err(QueryError::TooLong);
    }
    Ok(items)
}

fn unquote(text: &str) -> &str {
    enclosed(text, '"', '"')
        .or_else(|| enclosed(text, '\'', '\''))
        .unwrap_or(text)
}

fn parse(column: Column, text: &str) -> Result<Value, QueryError> {
    let text = unquote(text);
    let value = match column.kind {
        Kind::Text => Some(Value::from(text)),
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        Kind::Bool => match text {
            "true" | "1" => Some(Value::from(true)),
            "false" | "0" => Some(Value::from(false)),
            _ => None,
        },
        Kind::Time => Timestamp::parse(text).map(Value::from),
        Kind::Tenths => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.abs() <= 1e6)
            .map(|number| Value::from((number * 10.0).round() as i64)),
    };
    value.ok_or_else(|| refuse(column, text))
}

fn refuse(column: Column, value: &str) -> QueryError {
    QueryError::Value {
        key: column.name,
        expected: column.kind.expected(),
        value: value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: &[Column] = &[
        Column::new("name", "p.name", Kind::Text),
        Column::new("id", "p.id", Kind::Integer),
        Column::new("public", "p.public", Kind::Bool),
        Column::new("at", "p.created_at", Kind::Time),
    ];

    fn sql(q: &str) -> Result<(String, usize), QueryError> {
        let mut filter = Filter::new();
        filter.and_query(q, COLUMNS)?;
        Ok((filter.sql(), filter.args().len()))
    }

    #[test]
    fn every_form_of_the_grammar() {
        for (q, expected) in [
            ("", "TRUE"),
            ("name=a", "p.name = $1"),
            ("name=a%2Bb", "p.name = $1"),
            ("name=~a", "LOWER(p.name) LIKE LOWER($1) ESCAPE '\\'"),
            ("id=[1~5]", "p.id >= $1 AND p.id <= $2"),
            ("id=[~5]", "p.id <= $1"),
            ("id=[1~]", "p.id >= $1"),
            ("id={1 2}", "(p.id = $1 OR p.id = $2)"),
            ("id=(1 2)", "p.id = $1 AND p.id = $2"),
            ("id={}", "FALSE"),
            ("public=true,id=2", "p.public = $1 AND p.id = $2"),
            (
                "at=2026-01-02T03:04:05",
                "(p.created_at >= $1 AND p.created_at < $2)",
            ),
            (
                "at=[2026-01-02T03:04:05~2027-01-01]",
                "p.created_at >= $1 AND p.created_at <= $2",
            ),
        ] {
            let (found, bound) = sql(q).unwrap();
            assert_eq!(found, expected, "{q}");
            assert_eq!(bound, expected.matches('$').count(), "{q}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for q in [
            "x=1",
            "name",
            "id=a",
            "id=~1",
            "name=[a~b]",
            "public=maybe",
            "at=now",
            "id=[1]",
            "=a",
            "p.name=a",
            "name=%ff",
        ] {
            assert!(sql(q).is_err(), "{q}");
        }
        assert_eq!(sql(&"id=1,".repeat(40)), Err(QueryError::TooLong));
        assert_eq!(sql(&"x".repeat(5000)), Err(QueryError::TooLong));
        let many = format!("id={{{}}}", "1 ".repeat(200));
        assert_eq!(sql(&many), Err(QueryError::TooLong));
    }

    #[test]
    fn orders() {
        let order = |sort| order_by(sort, COLUMNS, "p.name ASC", "p.id");
        assert_eq!(order("").unwrap(), "ORDER BY p.name ASC, p.id");
        assert_eq!(
            order("-at,name").unwrap(),
            "ORDER BY p.created_at DESC, p.name ASC, p.id"
        );
        assert!(order("name;drop").is_err());
    }

    proptest! {
        #[test]
        fn nothing_a_client_writes_reaches_the_sql(
            key in "name|id|public|at|[a-z]{1,6}",
            value in "[ -~]{0,30}",
        ) {
            let mut filter = Filter::new();
            if filter.and_query(&format!("{key}={value}"), COLUMNS).is_ok() {
                let sql = filter.sql();
                prop_assert_eq!(sql.matches('$').count(), filter.args().len());
                // What remains after our own words is empty, whatever the value was.
                let mut rest = sql;
                for word in ["LOWER(p.name) LIKE LOWER($", "p.name", "p.id", "p.public",
                    "p.created_at", "ESCAPE '\\'", "FALSE", "TRUE", " AND ", " OR "] {
                    rest = rest.replace(word, "");
                }
                prop_assert!(
                    rest.chars().all(|c| c.is_ascii_digit() || " $<>=()".contains(c)),
                    "{}", rest
                );
            }
        }

        #[test]
        fn nothing_panics(q in ".{0,80}", sort in ".{0,40}") {
            let _ = sql(&q);
            let _ = order_by(&sort, COLUMNS, "p.id", "p.id");
        }
    }
}
