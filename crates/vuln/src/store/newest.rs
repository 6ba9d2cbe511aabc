//! The newest image of a repository that has a report. Reads the registry's `manifest` and
//! `repository` beside this crate's tables, by their indexes.

use berth_db::{Args, AssertSqlSafe, Db, DbError, placeholders};

use super::images::ScanRow;

/// Images of a repository that are looked at, the newest: so many are looked up for each at most.
const LOOKED_AT: i64 = 20;

#[derive(Debug, sqlx::FromRow)]
struct Row {
    repository_id: i64,
    #[sqlx(flatten)]
    scan: ScanRow,
}

/// The scan of the newest image with a report, of each of these repositories that has one among
/// its newest images. An index has no report: its images stand for it.
pub(crate) async fn scans(db: &Db, repositories: &[i64]) -> Result<Vec<(i64, ScanRow)>, DbError> {
    if repositories.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = Args::new();
    for id in repositories {
        values.push(*id);
    }
    let most = values.push(LOOKED_AT);
    // The project's own row of an image is in force where there is one.
    let sql = format!(
        "SELECT found.repository_id, s.id, s.digest, s.scanner, s.report_id, s.status, \
           s.execution_id, s.task_id, s.started_at, s.ended_at, s.distro, s.scanned, c.critical, \
           c.high, c.medium, c.low, c.negligible, c.unknown, c.fixable \
         FROM (SELECT r.id AS repository_id, \
             (SELECT i.id FROM (SELECT m.digest, m.pushed_at, m.id FROM manifest m \
                 WHERE m.repository_id = r.id AND m.kind = 'IMAGE' \
                 ORDER BY m.pushed_at DESC, m.id DESC LIMIT ${most}) n \
               JOIN image_scan i ON i.scan_key = COALESCE( \
                 (SELECT o.scan_key FROM image_scan o \
                   WHERE o.scan_key = n.digest || ' ' || CAST(r.project_id AS TEXT)), n.digest) \
               WHERE i.scanned ORDER BY n.pushed_at DESC, n.id DESC LIMIT 1) AS image_id \
           FROM repository r WHERE r.id IN ({})) found \
         JOIN image_scan s ON s.id = found.image_id JOIN image_count c ON c.image_id = s.id",
        placeholders(1, repositories.len())
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), values).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.repository_id, row.scan))
        .collect())
}
