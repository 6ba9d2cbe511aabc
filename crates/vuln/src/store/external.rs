//! Rows of `external_finding`: what external scanners found.
//!
//! Invariant: an image has these rows or rows of `image_package`, never both.

use std::sync::Arc;

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, chunk_of, placeholders, rows_of};
use berth_model::Timestamp;

/// A row to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewFinding {
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) fixed_version: Option<String>,
    pub(crate) score: i64,
    pub(crate) package: String,
    pub(crate) version: String,
    /// JSON of the row, checked.
    pub(crate) body: Vec<u8>,
}

/// A row with what is known of it besides.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct FindingRow {
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) body: Vec<u8>,
    pub(crate) exploited_since: Option<i64>,
}

/// A row as it is exported.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ExportedRow {
    pub(crate) nr: i64,
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) fixed_version: Option<String>,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) body: Vec<u8>,
    pub(crate) exploited_since: Option<i64>,
}

/// Writes what an external scanner found, in place of what was found before by whomever.
pub(crate) async fn put_report(
    tx: &mut Tx,
    image: i64,
    scanner: &str,
    findings: &Arc<Vec<NewFinding>>,
    now: Timestamp,
) -> Result<(), DbError> {
    let of = |severity: i64| {
        let found = findings.iter().filter(|it| it.severity == severity);
        found.count() as i64
    };
    let fixable = findings.iter().filter(|it| it.fixed_version.is_some());
    let written = tx
        .execute(
            "UPDATE image_scan SET status = 'Success', ended_at = $2, distro = '', notes = $3, \
               scanned = $4, scanner = $5 WHERE id = $1",
            args![image, now, b"{}".to_vec(), true, scanner],
        )
        .await?;
    if written == 0 {
        return Ok(());
    }
    tx.later(
        "UPDATE image_count SET critical = $2, high = $3, medium = $4, low = $5, negligible = $6, \
           unknown = $7, fixable = $8 WHERE image_id = $1",
        args![
            image,
            of(5),
            of(4),
            of(3),
            of(2),
            of(1),
            of(0),
            fixable.count() as i64
        ],
    );
    tx.later(
        "DELETE FROM image_package WHERE image_id = $1",
        args![image],
    );
    forget(tx, image);
    let (mut rest, mut nr) = (findings.as_slice(), 0_i64);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for row in chunk {
            values.push(image);
            values.push(nr);
            values.push(row.name.as_str());
            values.push(row.severity);
            values.push(row.status.as_str());
            values.push(row.fixed_version.as_deref());
            values.push(row.score);
            values.push(row.package.as_str());
            values.push(row.version.as_str());
            values.push(row.body.clone());
            nr += 1;
        }
        let sql = format!(
            "INSERT INTO external_finding (image_id, nr, name, severity, status, fixed_version, \
               score, package, version, body) VALUES {}",
            rows_of(chunk.len(), 10)
        );
        tx.execute(AssertSqlSafe(sql), values).await?;
    }
    Ok(())
}

/// Takes away what an external scanner found.
pub(crate) fn forget(tx: &mut Tx, image: i64) {
    tx.later(
        "DELETE FROM external_finding WHERE image_id = $1",
        args![image],
    );
}

/// Everything that was found in an image, the gravest first.
pub(crate) async fn rows(db: &Db, image: i64) -> Result<Vec<FindingRow>, DbError> {
    db.all(
        "SELECT f.severity, f.status, f.body, (SELECT MIN(e.since) FROM exploited_vulnerability e \
           WHERE e.name = f.name) AS exploited_since \
         FROM external_finding f WHERE f.image_id = $1 \
         ORDER BY f.severity DESC, f.package, f.name LIMIT 100000",
        args![image],
    )
    .await
}

/// Rows of an image, of all vulnerabilities or of these names, after a number.
pub(crate) async fn exported(
    db: &Db,
    image: i64,
    after: i64,
    names: &[String],
    most: i64,
) -> Result<Vec<ExportedRow>, DbError> {
    let mut values = args![image, after, most];
    let mut only = String::new();
    if !names.is_empty() {
        for name in names {
            values.push(name.as_str());
        }
        only = format!("AND f.name IN ({})", placeholders(4, names.len()));
    }
    let sql = format!(
        "SELECT f.nr, f.name, f.severity, f.status, f.fixed_version, f.package, f.version, f.body, \
           (SELECT MIN(e.since) FROM exploited_vulnerability e WHERE e.name = f.name) \
             AS exploited_since \
         FROM external_finding f WHERE f.image_id = $1 AND f.nr > $2 {only} \
         ORDER BY f.nr LIMIT $3"
    );
    db.all(AssertSqlSafe(sql), values).await
}
