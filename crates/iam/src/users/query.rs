//! [`UserQuery`]: Harbor's `q` and `sort` over the columns of an account that may be asked for.
//!
//! Invariant: a column is named in SQL only if it stands in [`COLUMNS`], and values are bound.
//! The password's hash does not stand there, so that it cannot be guessed letter by letter.

use berth_db::{Args, Value, like};
use berth_model::Timestamp;
use percent_encoding::percent_decode_str;

use crate::IamError;

/// Longest `q` and `sort`, bytes, and most conditions in one.
const LONGEST: usize = 2048;
const MOST: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Time,
}

/// Harbor's name, the SQL, and what it holds.
const COLUMNS: &[(&str, &str, Kind)] = &[
    ("user_id", "id", Kind::Number),
    ("username", "username", Kind::Text),
    ("email", "COALESCE(email, '')", Kind::Text),
    ("realname", "realname", Kind::Text),
    ("comment", "comment", Kind::Text),
    ("sysadmin_flag", "sysadmin", Kind::Flag),
    ("creation_time", "created_at", Kind::Time),
    ("update_time", "updated_at", Kind::Time),
];

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Is(Value),
    Contains(String),
    AtLeast(Value),
    AtMost(Value),
}

/// Which accounts to list, and in what order.
#[derive(Clone, Debug, Default)]
pub struct UserQuery {
    conditions: Vec<(&'static str, Test)>,
    order: Vec<(&'static str, bool)>,
}

impl UserQuery {
    /// Reads `q` (`k=v`, `k=~v`, `k=[min~max]`, joined by `,`) and `sort` (`k,-k`).
    ///
    /// # Errors
    /// [`IamError::Query`] for columns that may not be asked for and conditions that cannot be.
    pub fn parse(q: &str, sort: &str) -> Result<Self, IamError> {
        if q.len() > LONGEST || sort.len() > LONGEST {
            return Err(IamError::Query(format!(
                "q and sort are limited to {LONGEST} bytes"
            )));
        }
        // Harbor decodes q once more than the query string it came in.
        let q = percent_decode_str(q)
            .decode_utf8()
            .map_err(|_| IamError::Query("q must be UTF-8".to_owned()))?;
        let mut query = Self::default();
        for part in q.split(',').filter(|part| !part.is_empty()).take(MOST + 1) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| IamError::Query(format!("q must be key=value, not {part:?}")))?;
            query.condition_on(name.trim(), value.trim())?;
        }
        for part in sort
            .split(',')
            .filter(|part| !part.is_empty())
            .take(MOST + 1)
        {
            let (name, descending) = match part.trim().strip_prefix('-') {
                Some(name) => (name, true),
                None => (part.trim(), false),
            };
            let (sql, _) = column(name)?;
            query.order.push((sql, descending));
        }
        if query.conditions.len() > MOST || query.order.len() > MOST {
            return Err(IamError::Query(format!(
                "q and sort are limited to {MOST} entries"
            )));
        }
        Ok(query)
    }

    /// Accounts whose name contains `text`, by name.
    pub fn name_contains(text: &str) -> Self {
        Self {
            conditions: vec![("username", Test::Contains(text.to_owned()))],
            order: vec![("username", false)],
        }
    }

    fn condition_on(&mut self, name: &str, text: &str) -> Result<(), IamError> {
        let (sql, kind) = column(name)?;
        let unfit = || IamError::Query(format!("{text:?} is not a value of {name}"));
        if let Some(part) = text.strip_prefix('~') {
            if kind != Kind::Text {
                return Err(unfit());
            }
            self.conditions.push((sql, Test::Contains(part.to_owned())));
        } else if let Some(range) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let (least, most) = range.split_once('~').ok_or_else(unfit)?;
            if !matches!(kind, Kind::Time | Kind::Number) {
                return Err(unfit());
            }
            if !least.is_empty() {
                let least = value(kind, least).ok_or_else(unfit)?;
                self.conditions.push((sql, Test::AtLeast(least)));
            }
            if !most.is_empty() {
                let most = value(kind, most).ok_or_else(unfit)?;
                self.conditions.push((sql, Test::AtMost(most)));
            }
        } else {
            let value = value(kind, text).ok_or_else(unfit)?;
            self.conditions.push((sql, Test::Is(value)));
        }
        Ok(())
    }

    /// ` AND …` for each condition, its values added to `args`.
    pub(super) fn condition(&self, args: &mut Args) -> String {
        let mut sql = String::new();
        for (column, test) in &self.conditions {
            let clause = match test {
                Test::Is(value) => format!(" AND {column} = ${}", args.push(value.clone())),
                Test::AtLeast(value) => format!(" AND {column} >= ${}", args.push(value.clone())),
                Test::AtMost(value) => format!(" AND {column} <= ${}", args.push(value.clone())),
                Test::Contains(text) => {
                    let number = args.push(like(text));
                    format!(" AND LOWER({column}) LIKE LOWER(${number}) ESCAPE '\\'")
                }
            };
            sql.push_str(&clause);
        }
        sql
    }

    /// What follows ORDER BY; the id makes it one order, so that pages do not overlap.
    pub(super) fn order(&self) -> String {
        let mut sql = String::new();
        for (column, descending) in &self.order {
            sql.push_str(column);
            sql.push_str(if *descending { " DESC, " } else { ", " });
        }
        sql.push_str("id");
        sql
    }
}

fn column(name: &str) -> Result<(&'static str, Kind), IamError> {
    COLUMNS
        .iter()
        .find(|(known, _, _)| *known == name)
        .map(|(_, sql, kind)| (*sql, *kind))
        .ok_or_else(|| {
            let known: Vec<&str> = COLUMNS.iter().map(|(name, _, _)| *name).collect();
            IamError::Query(format!(
                "users can be asked for by {}, not by {name:?}",
                known.join(", ")
            ))
        })
}

fn value(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Text => Some(text.trim_matches('"').into()),
        Kind::Number => text.parse::<i64>().ok().map(Value::from),
        Kind::Flag => text.parse::<bool>().ok().map(Value::from),
        Kind::Time => Timestamp::parse(text).map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_bound_and_orders_total() {
        let q = "username=~a_b,sysadmin_flag=true,creation_time=[2025-01-01~]";
        let query = UserQuery::parse(q, "-creation_time,username").unwrap();
        let mut args = Args::new();
        assert_eq!(
            query.condition(&mut args),
            " AND LOWER(username) LIKE LOWER($1) ESCAPE '\\' AND sysadmin = $2 AND created_at >= $3"
        );
        assert_eq!(args.len(), 3);
        assert_eq!(query.order(), "created_at DESC, username, id");
        assert_eq!(UserQuery::parse("", "").unwrap().order(), "id");
    }

    #[test]
    fn nothing_else_can_be_asked_for() {
        let many = "user_id=1,".repeat(MOST + 1);
        let long = format!("username={}", "x".repeat(LONGEST));
        for q in [
            "password_hash=~$argon2id",
            "id=1",
            "username",
            "user_id=1 OR 1=1",
            "sysadmin_flag=~t",
            "username=[a~b]",
            "creation_time=yesterday",
            "creation_time=[x~]",
            "username=%ff",
            &many,
            &long,
        ] {
            let refused = UserQuery::parse(q, "");
            assert!(matches!(refused, Err(IamError::Query(_))), "{q}");
        }
        for sort in ["password_hash", "-password_hash", "id;", "username desc"] {
            let refused = UserQuery::parse("", sort);
            assert!(matches!(refused, Err(IamError::Query(_))), "{sort}");
        }
    }
}
