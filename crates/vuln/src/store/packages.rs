//! Rows of `package`, `package_name`, `package_vulnerability` and `layer_index`.

use std::collections::{BTreeSet, HashMap};

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, chunk_of, placeholders, rows_of};
use berth_model::Timestamp;

/// A package to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewPackage {
    pub(crate) identity: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) body: Vec<u8>,
    /// Where advisories that mean it are looked up; `None`: nobody covers it.
    pub(crate) ecosystem: Option<String>,
    pub(crate) names: Vec<String>,
}

/// A vulnerability of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(crate) struct MatchRow {
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) fixed_version: Option<String>,
    pub(crate) advisory_id: i64,
    /// CVSS 3 score times ten; 0: none is known.
    pub(crate) score: i64,
}

/// The ids of those of these packages that are known.
pub(crate) async fn known(db: &Db, identities: &[&str]) -> Result<Vec<(String, i64)>, DbError> {
    let mut found = Vec::with_capacity(identities.len());
    let mut rest = identities;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for identity in chunk {
            values.push(*identity);
        }
        let sql = format!(
            "SELECT identity, id FROM package WHERE identity IN ({})",
            placeholders(1, chunk.len())
        );
        let rows: Vec<(String, i64)> = db.all(AssertSqlSafe(sql), values).await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Stores a package with what it is called and what is known of it; gives its id.
pub(crate) async fn insert(
    tx: &mut Tx,
    new: &NewPackage,
    matches: &[MatchRow],
) -> Result<i64, DbError> {
    let made: Option<(i64,)> = tx
        .optional(
            "INSERT INTO package (identity, name, version, body, ecosystem) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (identity) DO NOTHING RETURNING id",
            args![
                new.identity.as_str(),
                new.name.as_str(),
                new.version.as_str(),
                new.body.clone(),
                new.ecosystem.as_deref()
            ],
        )
        .await?;
    let Some((id,)) = made else {
        // Another scan stored it meanwhile, with the same.
        let (id,): (i64,) = tx
            .one(
                "SELECT id FROM package WHERE identity = $1",
                args![new.identity.as_str()],
            )
            .await?;
        return Ok(id);
    };
    if let Some(ecosystem) = &new.ecosystem {
        let names: BTreeSet<&str> = new.names.iter().map(String::as_str).collect();
        for name in names {
            tx.later(
                "INSERT INTO package_name (ecosystem, name, package_id) VALUES ($1, $2, $3)",
                args![ecosystem.as_str(), name, id],
            );
        }
    }
    write_matches(tx, matches.iter().map(|row| (id, row)));
    Ok(id)
}

/// Replaces what is known of packages.
pub(crate) fn replace_matches(tx: &mut Tx, all: &[(i64, Vec<MatchRow>)]) {
    let ids: Vec<i64> = all.iter().map(|(id, _)| *id).collect();
    for (sql, values) in among(
        &ids,
        "DELETE FROM package_vulnerability WHERE package_id IN",
    ) {
        tx.later(AssertSqlSafe(sql), values);
    }
    let rows = all.iter();
    write_matches(
        tx,
        rows.flat_map(|(id, rows)| rows.iter().map(|row| (*id, row))),
    );
}

fn write_matches<'a>(tx: &mut Tx, rows: impl Iterator<Item = (i64, &'a MatchRow)>) {
    let rows: Vec<(i64, &MatchRow)> = rows.collect();
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (package, row) in chunk {
            values.push(*package);
            values.push(row.name.as_str());
            values.push(row.severity);
            values.push(row.status.as_str());
            values.push(row.fixed_version.as_deref());
            values.push(row.advisory_id);
            values.push(row.score);
        }
        let sql = format!(
            "INSERT INTO package_vulnerability \
               (package_id, name, severity, status, fixed_version, advisory_id, score) VALUES {}",
            rows_of(chunk.len(), 7)
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// A row of what is known of packages.
#[derive(sqlx::FromRow)]
struct KnownRow {
    package_id: i64,
    #[sqlx(flatten)]
    found: MatchRow,
}

const KNOWN: &str = "SELECT package_id, name, severity, status, fixed_version, advisory_id, score \
     FROM package_vulnerability WHERE package_id IN";

/// What is known of each package; in order.
fn by_package(rows: Vec<KnownRow>) -> HashMap<i64, Vec<MatchRow>> {
    let mut all: HashMap<i64, Vec<MatchRow>> = HashMap::new();
    for row in rows {
        all.entry(row.package_id).or_default().push(row.found);
    }
    for rows in all.values_mut() {
        rows.sort();
    }
    all
}

/// What is known of these packages, as this transaction sees it; each in order.
pub(crate) async fn matches_in(
    tx: &mut Tx,
    packages: &[i64],
) -> Result<HashMap<i64, Vec<MatchRow>>, DbError> {
    let mut all = Vec::new();
    for (sql, values) in among(packages, KNOWN) {
        let rows: Vec<KnownRow> = tx.all(AssertSqlSafe(sql), values).await?;
        all.extend(rows);
    }
    Ok(by_package(all))
}

/// What is known of these packages; each in order.
pub(crate) async fn matches_of_all(
    db: &Db,
    packages: &[i64],
) -> Result<HashMap<i64, Vec<MatchRow>>, DbError> {
    let mut all = Vec::new();
    for (sql, values) in among(packages, KNOWN) {
        let rows: Vec<KnownRow> = db.all(AssertSqlSafe(sql), values).await?;
        all.extend(rows);
    }
    Ok(by_package(all))
}

/// These packages, with their ids.
pub(crate) async fn bodies(db: &Db, packages: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let mut all = Vec::with_capacity(packages.len());
    for (sql, values) in among(packages, "SELECT id, body FROM package WHERE id IN") {
        let rows: Vec<(i64, Vec<u8>)> = db.all(AssertSqlSafe(sql), values).await?;
        all.extend(rows);
    }
    Ok(all)
}

/// The statements that ask about many ids, few at a time.
fn among<'a>(ids: &'a [i64], sql: &'a str) -> impl Iterator<Item = (String, Args)> {
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
        Some((format!("{sql} ({})", placeholders(1, chunk.len())), values))
    })
}

/// What a layer holds, if this revision of the code has read it.
pub(crate) async fn layer(
    db: &Db,
    digest: &str,
    revision: i64,
) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Vec<u8>,)> = db
        .optional(
            "SELECT content FROM layer_index WHERE digest = $1 AND revision = $2",
            args![digest, revision],
        )
        .await?;
    Ok(row.map(|(content,)| content))
}

pub(crate) async fn put_layer(
    tx: &mut Tx,
    digest: &str,
    revision: i64,
    content: Vec<u8>,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO layer_index (digest, revision, content, indexed_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (digest) DO UPDATE SET revision = excluded.revision, \
           content = excluded.content, indexed_at = excluded.indexed_at",
        args![digest, revision, content, now],
    )
    .await?;
    Ok(())
}
