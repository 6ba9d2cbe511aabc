//! Rows of `image_scan`, `image_count` and `image_package`.
//!
//! Invariant: for a project the row of its own is in force where there is one, else the row that
//! all share; rows of projects are never deleted while their project is there. Every row
//! has its counts.

use std::collections::{HashMap, HashSet};

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, chunk_of, placeholders, rows_of};
use berth_model::{ExecutionId, ProjectId, TaskId, Timestamp};

use super::{external, state};

/// A scan as it stands, and what the last report counts.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ScanRow {
    pub(crate) id: i64,
    pub(crate) digest: String,
    /// JSON of the external scanner that made the report; empty: the built-in one.
    pub(crate) scanner: String,
    pub(crate) report_id: String,
    pub(crate) status: String,
    pub(crate) execution_id: Option<i64>,
    pub(crate) task_id: Option<i64>,
    pub(crate) started_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) distro: String,
    pub(crate) scanned: bool,
    pub(crate) critical: i64,
    pub(crate) high: i64,
    pub(crate) medium: i64,
    pub(crate) low: i64,
    pub(crate) negligible: i64,
    pub(crate) unknown: i64,
    pub(crate) fixable: i64,
}

impl ScanRow {
    /// Whether an external scanner made the report.
    pub(crate) const fn is_external(&self) -> bool {
        !self.scanner.is_empty()
    }
}

const SCAN: &str = "SELECT id, digest, scanner, report_id, status, execution_id, task_id, started_at, ended_at, \
     distro, scanned, critical, high, medium, low, negligible, unknown, fixable FROM image_scan \
     JOIN image_count ON image_id = id";

/// A vulnerability of a package of an image.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct FoundRow {
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) fixed_version: Option<String>,
    pub(crate) advisory_id: i64,
    /// 0: an external scanner found it.
    pub(crate) package_id: i64,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) layer: String,
    pub(crate) path: String,
    pub(crate) exploited_since: Option<i64>,
    /// Millionths.
    pub(crate) probability: Option<i64>,
}

/// A package of an image.
#[derive(Clone, Debug)]
pub(crate) struct HeldPackage {
    pub(crate) id: i64,
    pub(crate) layer: String,
    pub(crate) path: String,
}

/// Where the scan of an image stands that a project has for itself.
fn own_key(digest: &str, project: ProjectId) -> String {
    format!("{digest} {project}")
}

/// Of the two rows that may be there for an image, the project's own.
const IN_FORCE: &str = "WHERE scan_key IN ($1, $2) ORDER BY LENGTH(scan_key) DESC LIMIT 1";

/// The scan of an image that counts in a project.
pub(crate) async fn find(
    db: &Db,
    digest: &str,
    project: ProjectId,
) -> Result<Option<ScanRow>, DbError> {
    let sql = AssertSqlSafe(format!("{SCAN} {IN_FORCE}"));
    db.optional(sql, args![digest, own_key(digest, project)])
        .await
}

/// As [`find`], as this transaction sees it; its id.
pub(crate) async fn id_in(
    tx: &mut Tx,
    digest: &str,
    project: ProjectId,
) -> Result<Option<i64>, DbError> {
    let sql = AssertSqlSafe(format!("SELECT id FROM image_scan {IN_FORCE}"));
    let row: Option<(i64,)> = tx
        .optional(sql, args![digest, own_key(digest, project)])
        .await?;
    Ok(row.map(|(id,)| id))
}

/// The scan with this id, as this transaction sees it.
pub(crate) async fn by_id(tx: &mut Tx, image: i64) -> Result<Option<ScanRow>, DbError> {
    let sql = AssertSqlSafe(format!("{SCAN} WHERE id = $1"));
    tx.optional(sql, args![image]).await
}

pub(crate) async fn find_many(
    db: &Db,
    project: ProjectId,
    digests: &[&str],
) -> Result<HashMap<String, ScanRow>, DbError> {
    let mut found = HashMap::with_capacity(digests.len());
    let mut rest = digests;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for digest in chunk {
            values.push(*digest);
            values.push(own_key(digest, project));
        }
        // The later one of a digest stays.
        let sql = format!(
            "{SCAN} WHERE scan_key IN ({}) ORDER BY LENGTH(scan_key)",
            placeholders(1, 2 * chunk.len())
        );
        let rows: Vec<ScanRow> = db.all(AssertSqlSafe(sql), values).await?;
        found.extend(rows.into_iter().map(|row| (row.digest.clone(), row)));
    }
    Ok(found)
}

/// Where a scan of a manifest for a project belongs: by an external scanner, or once there was one,
/// to the project alone.
pub(crate) async fn key_for(
    tx: &mut Tx,
    (digest, project): (&str, ProjectId),
    external: bool,
) -> Result<String, DbError> {
    let own = own_key(digest, project);
    if external || id_of(tx, &own).await?.is_some() {
        return Ok(own);
    }
    Ok(digest.to_owned())
}

/// The scan with this key.
pub(crate) async fn id_of(tx: &mut Tx, key: &str) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional("SELECT id FROM image_scan WHERE scan_key = $1", args![key])
        .await?;
    Ok(row.map(|(id,)| id))
}

/// A scan of this manifest is asked for, in the place that [`key_for`] gave; what an earlier one
/// found stays until it ends.
pub(crate) async fn ask(
    tx: &mut Tx,
    (digest, project): (&str, ProjectId),
    key: &str,
    report_id: &str,
    now: Timestamp,
) -> Result<i64, DbError> {
    let of = (key != digest).then_some(project);
    if let Some(project) = of {
        part(tx, digest, key, project).await?;
    }
    let (id,): (i64,) = tx
        .one(
            "INSERT INTO image_scan (scan_key, digest, project_id, report_id, status, started_at, \
               distro, notes, scanned) VALUES ($1, $2, $3, $4, 'Pending', $5, '', $6, $7) \
             ON CONFLICT (scan_key) DO UPDATE SET status = 'Pending', \
               report_id = excluded.report_id, started_at = excluded.started_at, ended_at = NULL, \
               task_id = NULL \
             RETURNING id",
            args![
                key,
                digest,
                of.map(ProjectId::get),
                report_id,
                now,
                b"{}".to_vec(),
                false
            ],
        )
        .await?;
    tx.later(
        "INSERT INTO image_count \
           (image_id, critical, high, medium, low, negligible, unknown, fixable) \
         VALUES ($1, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT (image_id) DO NOTHING",
        args![id],
    );
    Ok(id)
}

/// Gives a project a scan of its own that says what the one says that all share, if that says
/// anything.
async fn part(tx: &mut Tx, digest: &str, own: &str, project: ProjectId) -> Result<(), DbError> {
    if id_of(tx, own).await?.is_some() {
        return Ok(());
    }
    state::share(tx).await?;
    let made: Option<(i64,)> = tx
        .optional(
            "INSERT INTO image_scan (scan_key, digest, project_id, report_id, status, started_at, \
               ended_at, distro, notes, scanned) \
             SELECT $1, digest, $2, report_id, status, started_at, ended_at, distro, notes, scanned \
             FROM image_scan WHERE scan_key = $3 AND scanned = $4 \
             ON CONFLICT (scan_key) DO NOTHING RETURNING id",
            args![own, project, digest, true],
        )
        .await?;
    if let Some((id,)) = made {
        tx.later(
            "INSERT INTO image_count \
               (image_id, critical, high, medium, low, negligible, unknown, fixable) \
             SELECT $1, c.critical, c.high, c.medium, c.low, c.negligible, c.unknown, c.fixable \
             FROM image_count c JOIN image_scan s ON s.id = c.image_id WHERE s.scan_key = $2",
            args![id, digest],
        );
        tx.execute(
            "INSERT INTO image_package (image_id, package_id, layer, path) \
             SELECT $1, i.package_id, i.layer, i.path FROM image_package i \
             JOIN image_scan s ON s.id = i.image_id WHERE s.scan_key = $2",
            args![id, digest],
        )
        .await?;
    }
    Ok(())
}

/// Which execution scans an image.
pub(crate) fn scanned_by(tx: &mut Tx, image: i64, execution: ExecutionId) {
    tx.later(
        "UPDATE image_scan SET execution_id = $2 WHERE id = $1",
        args![image, execution],
    );
}

/// Of these manifests, the keys of the scans that this execution makes already.
pub(crate) async fn asked_by(
    tx: &mut Tx,
    execution: ExecutionId,
    digests: &[&str],
) -> Result<HashSet<String>, DbError> {
    let mut found = HashSet::new();
    let mut rest = digests;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = args![execution];
        for digest in chunk {
            values.push(*digest);
        }
        let sql = format!(
            "SELECT scan_key FROM image_scan WHERE execution_id = $1 AND digest IN ({})",
            placeholders(2, chunk.len())
        );
        let rows: Vec<(String,)> = tx.all(AssertSqlSafe(sql), values).await?;
        found.extend(rows.into_iter().map(|(key,)| key));
    }
    Ok(found)
}

/// A task begins to make a scan.
pub(crate) async fn begin(tx: &mut Tx, image: i64, task: TaskId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE image_scan SET status = 'Running', task_id = $2, ended_at = NULL WHERE id = $1",
        args![image, task],
    )
    .await?;
    Ok(())
}

/// Ends a scan that an execution began and did not end with a report; `false`: it has ended, or
/// another execution has taken it over.
pub(crate) async fn end(
    tx: &mut Tx,
    image: i64,
    execution: ExecutionId,
    status: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE image_scan SET status = $3, ended_at = $4 \
             WHERE id = $1 AND execution_id = $2 AND status IN ('Pending', 'Running')",
            args![image, execution, status, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Ends what an execution has not ended itself.
pub(crate) async fn settle(
    tx: &mut Tx,
    execution: ExecutionId,
    status: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE image_scan SET status = $2, ended_at = $3 \
         WHERE execution_id = $1 AND status IN ('Pending', 'Running')",
        args![execution, status, now],
    )
    .await?;
    Ok(())
}

/// Writes what a scan found, in place of what one found before.
pub(crate) async fn put_report(
    tx: &mut Tx,
    id: i64,
    distro: &str,
    notes: Vec<u8>,
    packages: &[HeldPackage],
    now: Timestamp,
) -> Result<(), DbError> {
    let written = tx
        .execute(
            "UPDATE image_scan SET status = 'Success', ended_at = $2, distro = $3, notes = $4, \
               scanned = $5, scanner = '' WHERE id = $1",
            args![id, now, distro, notes, true],
        )
        .await?;
    if written == 0 {
        return Ok(());
    }
    tx.later("DELETE FROM image_package WHERE image_id = $1", args![id]);
    external::forget(tx, id);
    let mut rest = packages;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for held in chunk {
            values.push(id);
            values.push(held.id);
            values.push(held.layer.as_str());
            values.push(held.path.as_str());
        }
        let sql = format!(
            "INSERT INTO image_package (image_id, package_id, layer, path) VALUES {}",
            rows_of(chunk.len(), 4)
        );
        tx.later(AssertSqlSafe(sql), values);
    }
    count(tx, id).await?;
    Ok(())
}

/// Counts anew what is known of an image. Gives whether that is something else than before.
pub(crate) async fn count(tx: &mut Tx, image: i64) -> Result<bool, DbError> {
    let rows: Vec<(i64, i64, i64)> = tx
        .all(
            "SELECT v.severity, COUNT(*), \
               CAST(COALESCE(SUM(CASE WHEN v.fixed_version IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT) \
             FROM image_package i JOIN package_vulnerability v ON v.package_id = i.package_id \
             WHERE i.image_id = $1 GROUP BY v.severity",
            args![image],
        )
        .await?;
    let of = |severity: i64| {
        let row = rows.iter().find(|(one, ..)| *one == severity);
        row.map_or(0, |(_, count, _)| *count)
    };
    let fixable: i64 = rows.iter().map(|(.., fixable)| fixable).sum();
    let changed = tx
        .execute(
            "UPDATE image_count SET critical = $2, high = $3, medium = $4, low = $5, \
               negligible = $6, unknown = $7, fixable = $8 WHERE image_id = $1 AND NOT \
               (critical = $2 AND high = $3 AND medium = $4 AND low = $5 AND negligible = $6 \
                AND unknown = $7 AND fixable = $8)",
            args![image, of(5), of(4), of(3), of(2), of(1), of(0), fixable],
        )
        .await?;
    Ok(changed == 1)
}

/// Every vulnerability of an image, whoever found it, the gravest first.
pub(crate) async fn found(db: &Db, image: i64, at_least: i64) -> Result<Vec<FoundRow>, DbError> {
    db.all(
        "SELECT v.name, v.severity, v.status, v.fixed_version, v.advisory_id, \
           i.package_id, p.name AS package, p.version, i.layer, i.path, \
           (SELECT MIN(e.since) FROM exploited_vulnerability e WHERE e.name = v.name) \
             AS exploited_since, \
           (SELECT MAX(e.probability) FROM exploit_probability e WHERE e.name = v.name) \
             AS probability \
         FROM image_package i JOIN package_vulnerability v ON v.package_id = i.package_id \
         JOIN package p ON p.id = i.package_id \
         WHERE i.image_id = $1 AND v.severity >= $2 \
         UNION ALL SELECT f.name, f.severity, f.status, f.fixed_version, \
           CAST(0 AS BIGINT) AS advisory_id, CAST(0 AS BIGINT) AS package_id, \
           f.package, f.version, '' AS layer, '' AS path, \
           (SELECT MIN(e.since) FROM exploited_vulnerability e WHERE e.name = f.name) \
             AS exploited_since, \
           (SELECT MAX(e.probability) FROM exploit_probability e WHERE e.name = f.name) \
             AS probability \
         FROM external_finding f WHERE f.image_id = $1 AND f.severity >= $2 \
         ORDER BY severity DESC, package, name LIMIT 100000",
        args![image, at_least],
    )
    .await
}

/// How the counts of the images with a package change: by severity, from unknown to critical, and
/// of those that can be mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) by_severity: [i64; 6],
    pub(crate) fixable: i64,
}

/// Changes the counts of all images with these packages. Gives the images.
pub(crate) async fn shift(tx: &mut Tx, shifts: &[(i64, Shift)]) -> Result<Vec<i64>, DbError> {
    let mut values = Args::new();
    for (package, shift) in shifts {
        values.push(*package);
        for count in shift.by_severity {
            values.push(count);
        }
        values.push(shift.fixable);
    }
    let sql = format!(
        "WITH d (package_id, unknown, negligible, low, medium, high, critical, fixable) \
           AS (VALUES {}) \
         UPDATE image_count SET unknown = image_count.unknown + x.unknown, \
           negligible = image_count.negligible + x.negligible, low = image_count.low + x.low, \
           medium = image_count.medium + x.medium, high = image_count.high + x.high, \
           critical = image_count.critical + x.critical, \
           fixable = image_count.fixable + x.fixable \
         FROM (SELECT i.image_id, \
             CAST(SUM(d.unknown) AS BIGINT) AS unknown, \
             CAST(SUM(d.negligible) AS BIGINT) AS negligible, \
             CAST(SUM(d.low) AS BIGINT) AS low, CAST(SUM(d.medium) AS BIGINT) AS medium, \
             CAST(SUM(d.high) AS BIGINT) AS high, CAST(SUM(d.critical) AS BIGINT) AS critical, \
             CAST(SUM(d.fixable) AS BIGINT) AS fixable \
           FROM d JOIN image_package i ON i.package_id = d.package_id GROUP BY i.image_id) x \
         WHERE image_count.image_id = x.image_id RETURNING image_count.image_id",
        rows_of(shifts.len(), 8)
    );
    let rows: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), values).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How many packages of an image no feed speaks of, by their ecosystem; without one: those that
/// none ever will.
pub(crate) async fn not_covered(
    db: &Db,
    image: i64,
) -> Result<Vec<(Option<String>, i64)>, DbError> {
    db.all(
        "SELECT p.ecosystem, COUNT(*) FROM image_package i JOIN package p ON p.id = i.package_id \
         WHERE i.image_id = $1 AND (p.ecosystem IS NULL OR NOT EXISTS \
           (SELECT 1 FROM advisory_ecosystem e WHERE e.ecosystem = p.ecosystem)) \
         GROUP BY p.ecosystem ORDER BY p.ecosystem LIMIT 1000",
        args![image],
    )
    .await
}

pub(crate) async fn notes(db: &Db, image: i64) -> Result<Vec<u8>, DbError> {
    let (notes,): (Vec<u8>,) = db
        .one("SELECT notes FROM image_scan WHERE id = $1", args![image])
        .await?;
    Ok(notes)
}
