//! Values bound to statements, typed so that both engines take the same list.

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use crate::DbError;

/// A value for a `$n` of a statement. `None` is a NULL of that type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// BIGINT.
    Integer(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// BYTEA or BLOB.
    Bytes(Option<Vec<u8>>),
    /// BOOLEAN.
    Bool(Option<bool>),
}

/// The values of one statement, in order; made by [`args!`](crate::args).
#[derive(Clone, Debug, Default)]
pub struct Args(Vec<Value>);

impl Args {
    /// No values yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value and gives its number, as in `$n`.
    pub fn push(&mut self, value: impl Into<Value>) -> usize {
        self.0.push(value.into());
        self.0.len()
    }

    pub(crate) fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn sqlite(self) -> Result<SqliteArguments, DbError> {
        let mut bound = SqliteArguments::default();
        for value in self.0 {
            let added = match value {
                Value::Integer(value) => bound.add(value),
                Value::Text(value) => bound.add(value),
                Value::Bytes(value) => bound.add(value),
                Value::Bool(value) => bound.add(value),
            };
            added.map_err(|error| DbError::Engine(sqlx::Error::Encode(error)))?;
        }
        Ok(bound)
    }

    pub(crate) fn postgres(self) -> Result<PgArguments, DbError> {
        let mut bound = PgArguments::default();
        for value in self.0 {
            let added = match value {
                Value::Integer(value) => bound.add(value),
                // PostgreSQL's TEXT cannot hold NUL; no name of ours has one, so nothing matches.
                Value::Text(value) => bound.add(value.map(|text| text.replace('\0', "\u{fffd}"))),
                Value::Bytes(value) => bound.add(value),
                Value::Bool(value) => bound.add(value),
            };
            added.map_err(|error| DbError::Engine(sqlx::Error::Encode(error)))?;
        }
        Ok(bound)
    }
}

impl From<Vec<Value>> for Args {
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

/// Binds values in order: `args![repository.get(), "latest", now]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        $crate::Args::from(vec![$($crate::Value::from($value)),*])
    };
}

macro_rules! values {
    ($($from:ty => $variant:ident($value:ident) $into:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant(Some($into))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $into))
            }
        }
    )*};
}

values! {
    i64 => Integer(value) value;
    i32 => Integer(value) i64::from(value);
    u32 => Integer(value) i64::from(value);
    bool => Bool(value) value;
    String => Text(value) value;
    &str => Text(value) value.to_owned();
    &String => Text(value) value.clone();
    Vec<u8> => Bytes(value) value;
    &[u8] => Bytes(value) value.to_vec();
    berth_model::Timestamp => Integer(value) value.micros();
    berth_model::ProjectId => Integer(value) value.get();
    berth_model::UserId => Integer(value) value.get();
    berth_model::RobotId => Integer(value) value.get();
    berth_model::GroupId => Integer(value) value.get();
    berth_model::MemberId => Integer(value) value.get();
    berth_model::RepositoryId => Integer(value) value.get();
    berth_model::BlobId => Integer(value) value.get();
    berth_model::ManifestId => Integer(value) value.get();
    berth_model::TagId => Integer(value) value.get();
    berth_model::ExecutionId => Integer(value) value.get();
    berth_model::TaskId => Integer(value) value.get();
    berth_model::LabelId => Integer(value) value.get();
}

/// `$first, $first+1, …`: `count` placeholders for an IN list or a row of VALUES.
pub fn placeholders(first: usize, count: usize) -> String {
    let list: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    list.join(", ")
}

/// `($1, $2), ($3, $4), …`: the placeholders of `rows` rows, from `$1` on.
pub fn rows_of(rows: usize, columns: usize) -> String {
    let rows: Vec<String> = (0..rows)
        .map(|row| format!("({})", placeholders(row * columns + 1, columns)))
        .collect();
    rows.join(", ")
}

/// How many of `left` rows the next statement takes. Few sizes, so that their statements stay
/// prepared.
pub const fn chunk_of(left: usize) -> usize {
    match left {
        64.. => 64,
        16.. => 16,
        4.. => 4,
        _ => 1,
    }
}

/// A pattern for `LIKE $n ESCAPE '\'` that finds `text` anywhere, taken literally.
pub fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
