//! Finding artifacts whatever repository they are in.
//!
//! Invariant: what is found is seen by the viewer, and it is found by an index on how it begins.

use berth_catalog::Viewer;
use berth_catalog::query::Filter;
use berth_db::{AssertSqlSafe, Db, DbError};

/// Hits that are shown.
const HITS: i64 = 20;
/// Characters of a digest, after its algorithm, from which on it is searched for.
const LEAST: usize = 4;

/// An artifact, and the tag that was found.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Found {
    pub(crate) project_name: String,
    pub(crate) repository_name: String,
    pub(crate) digest: String,
    pub(crate) tag: Option<String>,
    pub(crate) kind: String,
    pub(crate) pushed_at: i64,
}

/// What begins with the text: a digest if it is the beginning of one, else tags.
pub(crate) async fn artifacts(db: &Db, viewer: Viewer, text: &str) -> Result<Vec<Found>, DbError> {
    let Some(end) = end_of(text) else {
        return Ok(Vec::new());
    };
    let mut filter = Filter::new();
    let (from, to) = (filter.bind(text), filter.bind(end));
    let (columns, tables, order) = if text.contains(':') {
        filter.and(format!("m.digest >= {from} AND m.digest < {to}"));
        (
            "NULL AS tag, m.pushed_at",
            "manifest m JOIN repository r ON r.id = m.repository_id",
            "m.digest, r.name",
        )
    } else {
        filter.and(format!("t.name >= {from} AND t.name < {to}"));
        (
            "t.name AS tag, t.pushed_at",
            "tag t JOIN manifest m ON m.id = t.manifest_id \
             JOIN repository r ON r.id = t.repository_id",
            "t.name, t.repository_id",
        )
    };
    filter.and("p.deleted_at IS NULL");
    viewer.narrow(&mut filter);
    let mut values = filter.args();
    let limit = values.push(HITS);
    let sql = format!(
        "SELECT p.name AS project_name, r.name AS repository_name, m.digest, m.kind, {columns} \
         FROM {tables} JOIN project p ON p.id = r.project_id WHERE {} ORDER BY {order} \
         LIMIT ${limit}",
        filter.sql()
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// The first text that is behind all that begin with `text`; none where nothing can begin so.
fn end_of(text: &str) -> Option<String> {
    let end = if let Some((algorithm, hex)) = text.split_once(':') {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let right = matches!(algorithm, "sha256" | "sha512")
            && hex.len() >= LEAST
            && hex.bytes().all(is_hex);
        right.then_some('g')
    } else {
        let of_tags = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        (!text.is_empty() && text.bytes().all(of_tags)).then_some('~')
    };
    end.map(|last| format!("{text}{last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_begin_a_tag_or_a_digest_is_searched_for() {
        for (text, end) in [
            ("v1.", Some("v1.~")),
            ("sha256:12ab", Some("sha256:12abg")),
            ("sha256:12a", None),
            ("sha256:12AB", None),
            ("md5:12ab34", None),
            ("", None),
            ("a/b", None),
            ("%", None),
            ("é", None),
        ] {
            assert_eq!(end_of(text).as_deref(), end, "{text}");
        }
    }
}
