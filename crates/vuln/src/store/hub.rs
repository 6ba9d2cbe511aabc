//! What is known of vulnerabilities across all images. Reads the registry's `manifest`, `repository`
//! and `tag` beside this crate's tables: a page must come from one statement.

use std::collections::HashMap;

use berth_db::query::{Column, Filter, Kind, order_by};
use berth_db::{Args, AssertSqlSafe, Db, DbError, args, placeholders};

use crate::VulnError;

/// Counts over all images that have been scanned.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Totals {
    pub(crate) critical: i64,
    pub(crate) high: i64,
    pub(crate) medium: i64,
    pub(crate) low: i64,
    pub(crate) negligible: i64,
    pub(crate) unknown: i64,
    pub(crate) fixable: i64,
}

/// A vulnerability, and a package that has it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct DangerousRow {
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) score: i64,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) advisory_id: i64,
}

/// An artifact and what it holds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WorstRow {
    pub(crate) project_id: i64,
    pub(crate) repository: String,
    pub(crate) digest: String,
    pub(crate) critical: i64,
    pub(crate) high: i64,
    pub(crate) medium: i64,
}

/// A vulnerability of a package of an artifact.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HubRow {
    pub(crate) project_id: i64,
    pub(crate) repository: String,
    pub(crate) manifest_id: i64,
    pub(crate) digest: String,
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) score: i64,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) fixed_version: Option<String>,
    pub(crate) advisory_id: i64,
}

/// What clients may filter by.
const ASKED: &[Column] = &[
    Column::new("cve_id", "v.name", Kind::Text),
    Column::new(
        "severity",
        "CASE v.severity WHEN 5 THEN 'Critical' WHEN 4 THEN 'High' WHEN 3 THEN 'Medium' \
         WHEN 2 THEN 'Low' WHEN 1 THEN 'Negligible' ELSE 'Unknown' END",
        Kind::Text,
    ),
    Column::new("status", "v.status", Kind::Text),
    Column::new("cvss_score_v3", "v.score", Kind::Tenths),
    Column::new("project_id", "r.project_id", Kind::Integer),
    Column::new("repository_name", "r.name", Kind::Text),
    Column::new("package", "p.name", Kind::Text),
    Column::new("tag", "t.name", Kind::Text),
    Column::new("digest", "m.digest", Kind::Text),
];

/// Up to so many are counted where the client does not mind.
pub(crate) const COUNTED: i64 = 1_000;

pub(crate) async fn totals(db: &Db) -> Result<Totals, DbError> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM(s.{column}), 0) AS BIGINT) AS {column}");
    let columns = [
        "critical",
        "high",
        "medium",
        "low",
        "negligible",
        "unknown",
        "fixable",
    ];
    let sql = format!(
        "SELECT {} FROM image_scan s WHERE s.scanned = $1 \
         AND EXISTS (SELECT 1 FROM manifest m WHERE m.digest = s.digest)",
        columns.map(sum).join(", ")
    );
    db.one(AssertSqlSafe(sql), args![true]).await
}

/// How many artifacts there are, and how many of them have been scanned.
pub(crate) async fn artifacts(db: &Db) -> Result<(i64, i64), DbError> {
    let (all,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM manifest WHERE accessory_type IS NULL",
            args![],
        )
        .await?;
    let (scanned,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM image_scan s JOIN manifest m ON m.digest = s.digest \
             WHERE s.scanned = $1",
            args![true],
        )
        .await?;
    Ok((all, scanned))
}

/// The highest scores that some image holds; a name may come more than once.
pub(crate) async fn dangerous(db: &Db, limit: i64) -> Result<Vec<DangerousRow>, DbError> {
    db.all(
        "SELECT v.name, v.severity, v.score, p.name AS package, p.version, v.advisory_id \
         FROM package_vulnerability v JOIN package p ON p.id = v.package_id \
         WHERE EXISTS (SELECT 1 FROM image_package i JOIN image_scan s ON s.id = i.image_id \
           JOIN manifest m ON m.digest = s.digest WHERE i.package_id = v.package_id) \
         ORDER BY v.score DESC, v.name DESC, v.package_id DESC LIMIT $1",
        args![limit],
    )
    .await
}

/// The artifacts with most of the gravest vulnerabilities.
pub(crate) async fn worst(db: &Db, limit: i64) -> Result<Vec<WorstRow>, DbError> {
    db.all(
        "SELECT r.project_id, r.name AS repository, s.digest, s.critical, s.high, s.medium \
         FROM image_scan s JOIN manifest m ON m.digest = s.digest \
         JOIN repository r ON r.id = m.repository_id \
         WHERE s.critical + s.high + s.medium > 0 \
         ORDER BY s.critical DESC, s.high DESC, s.medium DESC LIMIT $1",
        args![limit],
    )
    .await
}

/// A page of what `q` asks for, and how many there are: `None` where that is more than
/// [`COUNTED`] and an exact number is not wanted.
pub(crate) async fn list(
    db: &Db,
    (q, sort): (&str, &str),
    (limit, offset): (i64, i64),
    exact: bool,
) -> Result<(Vec<HubRow>, Option<i64>), VulnError> {
    let mut filter = Filter::new();
    filter.and_query(q, ASKED)?;
    let condition = filter.sql();
    // Of one vulnerability all have one score, and the first is the order of the index.
    let default = if condition.contains("v.name = $") {
        "v.package_id"
    } else {
        "v.score DESC, v.name DESC, v.package_id DESC"
    };
    let order = order_by(
        sort,
        ASKED,
        default,
        "i.image_id, m.id, v.package_id, v.name",
    )?;
    let tags = if condition.contains("t.name") || order.contains("t.name") {
        "JOIN tag t ON t.manifest_id = m.id"
    } else {
        ""
    };
    let from = format!(
        "package_vulnerability v JOIN package p ON p.id = v.package_id \
         JOIN image_package i ON i.package_id = v.package_id \
         JOIN image_scan s ON s.id = i.image_id JOIN manifest m ON m.digest = s.digest \
         JOIN repository r ON r.id = m.repository_id {tags}"
    );
    let count = if exact {
        format!("SELECT COUNT(*) FROM {from} WHERE {condition}")
    } else {
        let most = COUNTED + 1;
        format!("SELECT COUNT(*) FROM (SELECT 1 FROM {from} WHERE {condition} LIMIT {most}) c")
    };
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut values = filter.args();
    let (limit, offset) = (values.push(limit), values.push(offset));
    let sql = format!(
        "SELECT r.project_id, r.name AS repository, m.id AS manifest_id, m.digest, v.name, \
           v.severity, v.status, v.score, p.name AS package, p.version, v.fixed_version, \
           v.advisory_id FROM {from} WHERE {condition} {order} \
         LIMIT ${limit} OFFSET ${offset}"
    );
    let rows = db.all(AssertSqlSafe(sql), values).await?;
    Ok((rows, (exact || total <= COUNTED).then_some(total)))
}

/// Tags of each of these manifests, 100 at most.
pub(crate) async fn tags(db: &Db, manifests: &[i64]) -> Result<HashMap<i64, Vec<String>>, DbError> {
    let mut found: HashMap<i64, Vec<String>> = HashMap::new();
    if manifests.is_empty() {
        return Ok(found);
    }
    let mut values = Args::new();
    for id in manifests {
        values.push(*id);
    }
    let sql = format!(
        "SELECT manifest_id, name FROM (SELECT t.manifest_id, t.name, ROW_NUMBER() OVER \
           (PARTITION BY t.manifest_id ORDER BY t.id DESC) AS place FROM tag t \
           WHERE t.manifest_id IN ({})) ranked WHERE place <= 100 ORDER BY manifest_id, place",
        placeholders(1, manifests.len())
    );
    let rows: Vec<(i64, String)> = db.all(AssertSqlSafe(sql), values).await?;
    for (manifest, name) in rows {
        found.entry(manifest).or_default().push(name);
    }
    Ok(found)
}
