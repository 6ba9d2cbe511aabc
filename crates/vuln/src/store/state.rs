//! Rows of `advisory_state`, `advisory_touched`, `image_news`: what keeps the vulnerabilities that
//! are stored of packages and images true, whatever is imported and scanned at the same time.
//!
//! Invariant: a transaction that changes advisories or matches calls [`advance`] first, one that
//! writes what follows from them calls [`share`] first. So the second kind sees all that the first
//! has done, or is itself seen by the next.

use std::collections::BTreeMap;

use berth_db::{
    Args, AssertSqlSafe, Db, DbError, Engine, Tx, args, chunk_of, placeholders, rows_of,
};

/// A name under which advisories have changed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Touched {
    pub(crate) ecosystem: String,
    pub(crate) name: String,
    pub(crate) touches: i64,
}

/// How often advisories or matches have changed.
pub(crate) async fn generation(db: &Db) -> Result<i64, DbError> {
    let sql = "SELECT generation FROM advisory_state WHERE id = 1";
    let (generation,): (i64,) = db.one(sql, args![]).await?;
    Ok(generation)
}

/// As [`generation`]; until the transaction ends nobody changes it.
pub(crate) async fn share(tx: &mut Tx) -> Result<i64, DbError> {
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR SHARE",
    };
    let sql = format!("SELECT generation FROM advisory_state WHERE id = 1{lock}");
    let (generation,): (i64,) = tx.one(AssertSqlSafe(sql), args![]).await?;
    Ok(generation)
}

/// Says that this transaction changes advisories or matches; it does so alone.
pub(crate) async fn advance(tx: &mut Tx) -> Result<(), DbError> {
    tx.execute(
        "UPDATE advisory_state SET generation = generation + 1 WHERE id = 1",
        args![],
    )
    .await?;
    Ok(())
}

/// Notes names whose packages are to be matched again.
pub(crate) fn touch<'a>(tx: &mut Tx, names: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut names: Vec<(&str, &str)> = names.collect();
    names.sort_unstable();
    names.dedup();
    let mut rest = names.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (ecosystem, name) in chunk {
            values.push(*ecosystem);
            values.push(*name);
            values.push(1_i64);
        }
        let sql = format!(
            "INSERT INTO advisory_touched (ecosystem, name, touches) VALUES {} \
             ON CONFLICT (ecosystem, name) DO UPDATE SET touches = advisory_touched.touches + 1",
            rows_of(chunk.len(), 3)
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// The first names that are to be matched again.
pub(crate) async fn touched(db: &Db, most: i64) -> Result<Vec<Touched>, DbError> {
    db.all(
        "SELECT ecosystem, name, touches FROM advisory_touched ORDER BY ecosystem, name LIMIT $1",
        args![most],
    )
    .await
}

/// Forgets names, but those that were touched again meanwhile.
pub(crate) fn forget(tx: &mut Tx, names: &[Touched]) {
    let mut alike: BTreeMap<(&str, i64), Vec<&str>> = BTreeMap::new();
    for one in names {
        let key = (one.ecosystem.as_str(), one.touches);
        alike.entry(key).or_default().push(&one.name);
    }
    for ((ecosystem, touches), names) in alike {
        let mut rest = names.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunk_of(rest.len()));
            rest = after;
            let mut values = args![ecosystem, touches];
            for name in chunk {
                values.push(*name);
            }
            let sql = format!(
                "DELETE FROM advisory_touched WHERE ecosystem = $1 AND touches = $2 \
                 AND name IN ({})",
                placeholders(3, chunk.len())
            );
            tx.later(AssertSqlSafe(sql), values);
        }
    }
}

/// The packages that advisories under these names may mean.
pub(crate) async fn packages(db: &Db, names: &[Touched]) -> Result<Vec<i64>, DbError> {
    let mut by_ecosystem: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in names {
        by_ecosystem
            .entry(&one.ecosystem)
            .or_default()
            .push(&one.name);
    }
    let mut found = Vec::new();
    for (ecosystem, names) in by_ecosystem {
        let mut rest = names.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunk_of(rest.len()));
            rest = after;
            let mut values = args![ecosystem];
            for name in chunk {
                values.push(*name);
            }
            let sql = format!(
                "SELECT package_id FROM package_name WHERE ecosystem = $1 AND name IN ({}) \
                 LIMIT 10000000",
                placeholders(2, chunk.len())
            );
            let rows: Vec<(i64,)> = db.all(AssertSqlSafe(sql), values).await?;
            found.extend(rows.into_iter().map(|(id,)| id));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Notes that the images with these packages have other vulnerabilities than before.
pub(crate) fn note_news(tx: &mut Tx, packages: &[i64]) {
    let mut rest = packages;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for id in chunk {
            values.push(*id);
        }
        let sql = format!(
            "INSERT INTO image_news (image_id) SELECT DISTINCT image_id FROM image_package \
             WHERE package_id IN ({}) ON CONFLICT (image_id) DO NOTHING",
            placeholders(1, chunk.len())
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// Takes some news: ids and digests of images. Who takes them tells them in the same transaction.
pub(crate) async fn take_news(tx: &mut Tx, most: i64) -> Result<Vec<(i64, String)>, DbError> {
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "DELETE FROM image_news WHERE image_id IN \
           (SELECT image_id FROM image_news ORDER BY image_id LIMIT $1{lock}) RETURNING image_id"
    );
    let ids: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), args![most]).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = Args::new();
    for (id,) in &ids {
        values.push(*id);
    }
    let sql = format!(
        "SELECT id, digest FROM image_scan WHERE id IN ({}) ORDER BY id",
        placeholders(1, ids.len())
    );
    tx.all(AssertSqlSafe(sql), values).await
}
