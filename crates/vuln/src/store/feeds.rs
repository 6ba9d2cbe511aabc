//! Rows of `advisory_feed`, `advisory`, `advisory_name` and `advisory_ecosystem`.

use std::collections::HashMap;

use berth_advisories::Advisory;
use berth_db::{
    Args, AssertSqlSafe, Db, DbError, Engine, Tx, args, chunk_of, placeholders, rows_of,
};
use berth_model::Timestamp;

/// Bytes of advisories after which no more go into the same statement.
const LARGEST: usize = 8 * 1024 * 1024;

/// A feed as the last import left it.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "each field is as the table has it")]
pub struct FeedRow {
    pub id: i64,
    pub name: String,
    pub revision: String,
    pub advisories: i64,
    pub skipped: i64,
    pub newest_at: Option<i64>,
    pub imports: i64,
    pub imported_at: i64,
    pub url: Option<String>,
    pub binary_names: bool,
    pub etag: Option<String>,
    pub checked_at: Option<i64>,
    pub problem: Option<String>,
}

const FEED: &str = "SELECT id, name, revision, advisories, skipped, newest_at, imports, imported_at, \
     url, binary_names, etag, checked_at, problem FROM advisory_feed";

pub(crate) async fn all(db: &Db) -> Result<Vec<FeedRow>, DbError> {
    let sql = AssertSqlSafe(format!("{FEED} ORDER BY name LIMIT 1000"));
    db.all(sql, args![]).await
}

pub(crate) async fn named(db: &Db, name: &str) -> Result<Option<FeedRow>, DbError> {
    let sql = AssertSqlSafe(format!("{FEED} WHERE name = $1"));
    db.optional(sql, args![name]).await
}

pub(crate) async fn by_id(db: &Db, id: i64) -> Result<Option<FeedRow>, DbError> {
    let sql = AssertSqlSafe(format!("{FEED} WHERE id = $1"));
    db.optional(sql, args![id]).await
}

/// Begins an import: gives the feed's id and the number of this import. Until it ends the feed has
/// no revision, so that it is taken in again if it does not end.
pub(crate) async fn begin(
    tx: &mut Tx,
    name: &str,
    binary_names: bool,
    now: Timestamp,
) -> Result<(i64, i64), DbError> {
    tx.one(
        "INSERT INTO advisory_feed \
           (name, revision, advisories, skipped, imports, imported_at, binary_names) \
         VALUES ($1, '', 0, 0, 1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET imports = advisory_feed.imports + 1, revision = '', \
           binary_names = excluded.binary_names \
         RETURNING id, imports",
        args![name, now, binary_names],
    )
    .await
}

/// Whether no later import of the feed has begun, and it has not been deleted.
pub(crate) async fn is_newest(tx: &mut Tx, feed: i64, import: i64) -> Result<bool, DbError> {
    let found: Option<(i64,)> = tx
        .optional(
            "SELECT imports FROM advisory_feed WHERE id = $1",
            args![feed],
        )
        .await?;
    Ok(found == Some((import,)))
}

/// What an import came to.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    pub(crate) revision: String,
    pub(crate) advisories: i64,
    pub(crate) skipped: i64,
    pub(crate) newest_at: Option<i64>,
    pub(crate) ecosystems: Vec<String>,
}

pub(crate) async fn end(
    tx: &mut Tx,
    feed: i64,
    imported: &Imported,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE advisory_feed SET revision = $2, advisories = $3, skipped = $4, newest_at = $5, \
           imported_at = $6, problem = NULL WHERE id = $1",
        args![
            feed,
            imported.revision.as_str(),
            imported.advisories,
            imported.skipped,
            imported.newest_at,
            now
        ],
    )
    .await?;
    tx.later(
        "DELETE FROM advisory_ecosystem WHERE feed_id = $1",
        args![feed],
    );
    for ecosystem in &imported.ecosystems {
        tx.later(
            "INSERT INTO advisory_ecosystem (feed_id, ecosystem) VALUES ($1, $2)",
            args![feed, ecosystem.as_str()],
        );
    }
    Ok(())
}

/// The fingerprints of those of these advisories that the feed has, with their ids.
pub(crate) async fn known(
    tx: &mut Tx,
    feed: i64,
    keys: &[&str],
) -> Result<HashMap<String, (i64, String)>, DbError> {
    let mut known = HashMap::with_capacity(keys.len());
    let mut rest = keys;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = args![feed];
        for key in chunk {
            values.push(*key);
        }
        let sql = format!(
            "SELECT feed_key, id, fingerprint FROM advisory WHERE feed_id = $1 \
             AND feed_key IN ({})",
            placeholders(2, chunk.len())
        );
        let rows: Vec<(String, i64, String)> = tx.all(AssertSqlSafe(sql), values).await?;
        let rows = rows.into_iter();
        known.extend(rows.map(|(key, id, fingerprint)| (key, (id, fingerprint))));
    }
    Ok(known)
}

/// Has PostgreSQL see what the tables hold now. It plans with what it saw last, and looks by itself
/// once a minute: a first import would be over by then, or would have read all advisories of its feed
/// for each that it looks up. SQLite plans alike whatever a table holds.
pub(crate) async fn look_at_tables(tx: &mut Tx) -> Result<(), DbError> {
    if tx.engine() == Engine::Postgres {
        tx.execute("ANALYZE advisory, advisory_name, advisory_touched", args![])
            .await?;
    }
    Ok(())
}

/// Notes that this import has an advisory as it is known.
pub(crate) fn seen(tx: &mut Tx, ids: &[i64], import: i64) {
    let mut rest = ids;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = args![import];
        for id in chunk {
            values.push(*id);
        }
        let sql = format!(
            "UPDATE advisory SET import_nr = $1 WHERE id IN ({})",
            placeholders(2, chunk.len())
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// An advisory that a feed did not have, or not so.
#[derive(Debug)]
pub(crate) struct NewAdvisory<'a> {
    /// Its name in the feed.
    pub(crate) key: &'a str,
    pub(crate) fingerprint: String,
    pub(crate) advisory: &'a Advisory,
}

/// Writes advisories, each of another key, with their names; those that were there have no names
/// any more.
pub(crate) async fn put(
    tx: &mut Tx,
    (feed, import): (i64, i64),
    advisories: &[NewAdvisory<'_>],
) -> Result<(), DbError> {
    let mut rest = advisories;
    while !rest.is_empty() {
        let most = chunk_of(rest.len());
        let (mut values, mut rows, mut bytes) = (Args::new(), 0, 0);
        for one in rest.iter().take(most) {
            let body = serde_json::to_vec(one.advisory)
                .map_err(|error| DbError::Engine(sqlx::Error::Encode(Box::new(error))))?;
            bytes += body.len();
            values.push(feed);
            values.push(one.key);
            values.push(one.fingerprint.as_str());
            values.push(import);
            values.push(body);
            rows += 1;
            // A statement holds them all in memory.
            if bytes > LARGEST {
                break;
            }
        }
        let sql = format!(
            "INSERT INTO advisory (feed_id, feed_key, fingerprint, import_nr, body) VALUES {} \
             ON CONFLICT (feed_id, feed_key) DO UPDATE SET fingerprint = excluded.fingerprint, \
               import_nr = excluded.import_nr, body = excluded.body RETURNING feed_key, id",
            rows_of(rows, 5)
        );
        let ids: Vec<(String, i64)> = tx.all(AssertSqlSafe(sql), values).await?;
        let ids: HashMap<String, i64> = ids.into_iter().collect();
        let (chunk, after) = rest.split_at(rows);
        rest = after;
        put_names(tx, chunk, &ids);
    }
    Ok(())
}

/// Writes under which names advisories with these ids are looked up.
fn put_names(tx: &mut Tx, advisories: &[NewAdvisory<'_>], ids: &HashMap<String, i64>) {
    let mut names: Vec<(String, &str, i64)> = Vec::new();
    for one in advisories {
        // What PostgreSQL has in place of NUL: see `berth_db`.
        let id = match ids.get(one.key) {
            None => ids.get(&one.key.replace('\0', "\u{fffd}")),
            found => found,
        };
        let Some(id) = id else { continue };
        let affected = one.advisory.affected.iter();
        names.extend(affected.map(|it| (it.ecosystem.to_string(), it.name.as_str(), *id)));
    }
    names.sort_unstable();
    names.dedup();
    let mut rest = names.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (ecosystem, name, id) in chunk {
            values.push(ecosystem.as_str());
            values.push(*name);
            values.push(*id);
        }
        let sql = format!(
            "INSERT INTO advisory_name (ecosystem, name, advisory_id) VALUES {}",
            rows_of(chunk.len(), 3)
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// Forgets under which names these advisories are looked up.
pub(crate) fn forget_names(tx: &mut Tx, ids: &[i64]) {
    for (list, values) in lists(ids) {
        let sql = format!("DELETE FROM advisory_name WHERE advisory_id IN ({list})");
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// The placeholders and values of statements about many ids, few at a time.
fn lists(ids: &[i64]) -> impl Iterator<Item = (String, Args)> + '_ {
    let mut rest = ids;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for id in chunk {
            values.push(*id);
        }
        Some((placeholders(1, chunk.len()), values))
    })
}

/// The names of these advisories.
pub(crate) async fn names_of(tx: &mut Tx, ids: &[i64]) -> Result<Vec<(String, String)>, DbError> {
    let mut names = Vec::new();
    for (list, values) in lists(ids) {
        let sql =
            format!("SELECT ecosystem, name FROM advisory_name WHERE advisory_id IN ({list})");
        let found: Vec<(String, String)> = tx.all(AssertSqlSafe(sql), values).await?;
        names.extend(found);
    }
    Ok(names)
}

/// Up to `most` advisories of the feed that this import did not have.
pub(crate) async fn left_out(
    tx: &mut Tx,
    feed: i64,
    import: i64,
    most: i64,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> = tx
        .all(
            "SELECT id FROM advisory WHERE feed_id = $1 AND import_nr < $2 ORDER BY id LIMIT $3",
            args![feed, import, most],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes these advisories with their names.
pub(crate) fn delete(tx: &mut Tx, ids: &[i64]) {
    forget_names(tx, ids);
    for (list, values) in lists(ids) {
        let sql = format!("DELETE FROM advisory WHERE id IN ({list})");
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// The advisories that speak of one of these names, with their ids.
pub(crate) async fn about(
    db: &Db,
    ecosystem: &str,
    names: &[&str],
) -> Result<Vec<(i64, Advisory)>, DbError> {
    let mut values = args![ecosystem];
    for name in names {
        values.push(*name);
    }
    let sql = format!(
        "SELECT id, body FROM advisory WHERE id IN (SELECT advisory_id FROM advisory_name \
           WHERE ecosystem = $1 AND name IN ({})) ORDER BY id LIMIT 100000",
        placeholders(2, names.len())
    );
    let rows: Vec<(i64, Vec<u8>)> = db.all(AssertSqlSafe(sql), values).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, body)| Some((id, serde_json::from_slice(&body).ok()?)))
        .collect())
}

/// These advisories.
pub(crate) async fn bodies(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Advisory>, DbError> {
    let mut found = HashMap::with_capacity(ids.len());
    for (list, values) in lists(ids) {
        let sql = format!("SELECT id, body FROM advisory WHERE id IN ({list})");
        let rows: Vec<(i64, Vec<u8>)> = db.all(AssertSqlSafe(sql), values).await?;
        for (id, body) in rows {
            if let Ok(advisory) = serde_json::from_slice(&body) {
                found.insert(id, advisory);
            }
        }
    }
    Ok(found)
}

/// Deletes a feed whose advisories are gone.
pub(crate) fn delete_feed(tx: &mut Tx, feed: i64) {
    tx.later("DELETE FROM advisory_feed WHERE id = $1", args![feed]);
}
