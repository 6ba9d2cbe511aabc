//! What is known of vulnerabilities across all images. Reads the registry's `manifest`, `repository`
//! and `tag` beside this crate's tables: a page must come from one statement.

use std::collections::HashMap;

use berth_catalog::Viewer;
use berth_db::query::{Column, Filter, Kind, order_by};
use berth_db::{Args, AssertSqlSafe, Db, DbError, args, chunk_of, placeholders, rows_of};

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
    /// What says most of it; 0: an external scanner does.
    pub(crate) advisory_id: i64,
    pub(crate) image_id: i64,
    /// Of a package, or the number of a row of an external report.
    pub(crate) place: i64,
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
    /// What says most of it; 0: an external scanner does.
    pub(crate) advisory_id: i64,
    pub(crate) image_id: i64,
    /// Of a package, or the number of a row of an external report.
    pub(crate) place: i64,
}

/// What clients may filter by, where the advisories say what is found.
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
    Column::new("package", "k.name", Kind::Text),
    Column::new("tag", "t.name", Kind::Text),
    Column::new("digest", "m.digest", Kind::Text),
];

/// The same, where external scanners do.
const ASKED_OUTSIDE: &[Column] = &[
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
    Column::new("package", "v.package", Kind::Text),
    Column::new("tag", "t.name", Kind::Text),
    Column::new("digest", "m.digest", Kind::Text),
];

/// The same of the rows that both gave.
const ASKED_TOGETHER: &[Column] = &[
    Column::new("cve_id", "f.name", Kind::Text),
    Column::new(
        "severity",
        "CASE f.severity WHEN 5 THEN 'Critical' WHEN 4 THEN 'High' WHEN 3 THEN 'Medium' \
         WHEN 2 THEN 'Low' WHEN 1 THEN 'Negligible' ELSE 'Unknown' END",
        Kind::Text,
    ),
    Column::new("status", "f.status", Kind::Text),
    Column::new("cvss_score_v3", "f.score", Kind::Tenths),
    Column::new("project_id", "f.project_id", Kind::Integer),
    Column::new("repository_name", "f.repository", Kind::Text),
    Column::new("package", "f.package", Kind::Text),
    Column::new("tag", "f.tag", Kind::Text),
    Column::new("digest", "f.digest", Kind::Text),
];

/// Up to so many are counted where the client does not mind.
pub(crate) const COUNTED: i64 = 1_000;

/// Which scans count for an artifact of a repository `r`: the project's own, else what all share.
/// Where no project has its own, no row has to be asked.
async fn in_force(db: &Db) -> Result<&'static str, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT id FROM image_scan WHERE project_id IS NOT NULL LIMIT 1",
            args![],
        )
        .await?;
    Ok(match row {
        None => "s.project_id IS NULL",
        Some(_) => {
            "(s.project_id = r.project_id OR (s.project_id IS NULL AND NOT EXISTS \
               (SELECT 1 FROM image_scan o \
                WHERE o.digest = s.digest AND o.project_id = r.project_id)))"
        }
    })
}

/// Whether external scanners found anything.
async fn has_external(db: &Db) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional("SELECT image_id FROM external_finding LIMIT 1", args![])
        .await?;
    Ok(row.is_some())
}

/// The artifacts of a scan.
const ARTIFACTS: &str = "manifest m JOIN repository r ON r.id = m.repository_id";

pub(crate) async fn totals(db: &Db) -> Result<Totals, DbError> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM(c.{column}), 0) AS BIGINT) AS {column}");
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
        "SELECT {} FROM image_scan s JOIN image_count c ON c.image_id = s.id \
         WHERE s.scanned = $1 \
         AND EXISTS (SELECT 1 FROM {ARTIFACTS} WHERE m.digest = s.digest AND {})",
        columns.map(sum).join(", "),
        in_force(db).await?
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
    let sql = format!(
        "SELECT COUNT(*) FROM image_scan s JOIN manifest m ON m.digest = s.digest \
         JOIN repository r ON r.id = m.repository_id WHERE s.scanned = $1 AND {}",
        in_force(db).await?
    );
    let (scanned,): (i64,) = db.one(AssertSqlSafe(sql), args![true]).await?;
    Ok((all, scanned))
}

/// The highest scores that some image holds; a name may come more than once.
pub(crate) async fn dangerous(db: &Db, limit: i64) -> Result<Vec<DangerousRow>, DbError> {
    let in_force = in_force(db).await?;
    let sql = format!(
        "SELECT v.name, v.severity, v.score, p.name AS package, p.version, v.advisory_id, \
           CAST(0 AS BIGINT) AS image_id, v.package_id AS place \
         FROM package_vulnerability v JOIN package p ON p.id = v.package_id \
         WHERE EXISTS (SELECT 1 FROM image_package i JOIN image_scan s ON s.id = i.image_id \
           JOIN manifest m ON m.digest = s.digest JOIN repository r ON r.id = m.repository_id \
           WHERE i.package_id = v.package_id AND {in_force}) \
         ORDER BY v.score DESC, v.name DESC, v.package_id DESC LIMIT $1"
    );
    let mut rows: Vec<DangerousRow> = db.all(AssertSqlSafe(sql), args![limit]).await?;
    let sql = format!(
        "SELECT v.name, v.severity, v.score, v.package, v.version, \
           CAST(0 AS BIGINT) AS advisory_id, v.image_id, v.nr AS place \
         FROM external_finding v WHERE EXISTS (SELECT 1 FROM image_scan s \
           JOIN manifest m ON m.digest = s.digest JOIN repository r ON r.id = m.repository_id \
           WHERE s.id = v.image_id AND {in_force}) \
         ORDER BY v.score DESC, v.name DESC, v.image_id DESC, v.nr DESC LIMIT $1"
    );
    let outside: Vec<DangerousRow> = db.all(AssertSqlSafe(sql), args![limit]).await?;
    rows.extend(outside);
    // Of one score the gravest first: distributions say more than the score alone.
    rows.sort_by(|a, b| (b.score, b.severity, &b.name).cmp(&(a.score, a.severity, &a.name)));
    Ok(rows)
}

/// The artifacts with most of the gravest vulnerabilities.
pub(crate) async fn worst(db: &Db, limit: i64) -> Result<Vec<WorstRow>, DbError> {
    let sql = format!(
        "SELECT r.project_id, r.name AS repository, s.digest, c.critical, c.high, c.medium \
         FROM image_count c JOIN image_scan s ON s.id = c.image_id \
         JOIN manifest m ON m.digest = s.digest \
         JOIN repository r ON r.id = m.repository_id \
         WHERE c.critical + c.high + c.medium > 0 AND {} \
         ORDER BY c.critical DESC, c.high DESC, c.medium DESC LIMIT $1",
        in_force(db).await?
    );
    db.all(AssertSqlSafe(sql), args![limit]).await
}

/// Who found what a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finder {
    Advisories,
    Outside,
}

/// One statement's parts for what one kind of scanner found.
struct Part {
    columns: String,
    from: String,
    filter: Filter,
    order: String,
}

impl Part {
    fn new(
        finder: Finder,
        (q, sort): (&str, &str),
        in_force: &'static str,
    ) -> Result<Self, VulnError> {
        let columns = match finder {
            Finder::Advisories => ASKED,
            Finder::Outside => ASKED_OUTSIDE,
        };
        let mut filter = Filter::new();
        filter.and_query(q, columns)?;
        Self::over(finder, filter, sort, in_force)
    }

    /// Of artifacts that the viewer may see, whatever they are called that have a vulnerability of
    /// one of these names.
    fn seen(
        finder: Finder,
        viewer: Viewer,
        ids: &[String],
        in_force: &'static str,
    ) -> Result<Self, VulnError> {
        let mut filter = Filter::new();
        let names: Vec<String> = ids.iter().map(|id| filter.bind(id.clone())).collect();
        filter.and(format!("v.name IN ({})", names.join(", ")));
        filter.and("p.deleted_at IS NULL");
        viewer.narrow(&mut filter);
        let mut part = Self::over(finder, filter, "", in_force)?;
        part.from.push_str(" JOIN project p ON p.id = r.project_id");
        Ok(part)
    }

    fn over(
        finder: Finder,
        filter: Filter,
        sort: &str,
        in_force: &'static str,
    ) -> Result<Self, VulnError> {
        let columns = match finder {
            Finder::Advisories => ASKED,
            Finder::Outside => ASKED_OUTSIDE,
        };
        let condition = filter.sql();
        // Of one vulnerability all have one score, and the first is the order of the index.
        let of_one = condition.contains("v.name = $") || condition.contains("v.name IN ($");
        let order = match finder {
            Finder::Advisories => order_by(
                sort,
                columns,
                if of_one {
                    "v.package_id"
                } else {
                    "v.score DESC, v.name DESC, v.package_id DESC"
                },
                "i.image_id, m.id, v.package_id, v.name",
            )?,
            Finder::Outside => order_by(
                sort,
                columns,
                if of_one {
                    "v.nr"
                } else {
                    "v.score DESC, v.name DESC, v.nr DESC"
                },
                "v.image_id, m.id, v.nr, v.name",
            )?,
        };
        let by_tag = condition.contains("t.name") || order.contains("t.name");
        let tags = if by_tag {
            "JOIN tag t ON t.manifest_id = m.id"
        } else {
            ""
        };
        let (found, package, place) = match finder {
            Finder::Advisories => (
                "package_vulnerability v JOIN package k ON k.id = v.package_id \
                 JOIN image_package i ON i.package_id = v.package_id \
                 JOIN image_scan s ON s.id = i.image_id",
                "k.name AS package, k.version, v.fixed_version, v.advisory_id",
                "i.image_id, v.package_id AS place",
            ),
            Finder::Outside => (
                "external_finding v JOIN image_scan s ON s.id = v.image_id",
                "v.package, v.version, v.fixed_version, CAST(0 AS BIGINT) AS advisory_id",
                "v.image_id, v.nr AS place",
            ),
        };
        let tag = if by_tag { "t.name" } else { "''" };
        Ok(Self {
            columns: format!(
                "r.project_id, r.name AS repository, m.id AS manifest_id, m.digest, v.name, \
                 v.severity, v.status, v.score, {package}, {place}, {tag} AS tag"
            ),
            from: format!(
                "{found} JOIN manifest m ON m.digest = s.digest \
                 JOIN repository r ON r.id = m.repository_id AND {in_force} {tags}"
            ),
            filter,
            order,
        })
    }

    /// How many there are; no further than the limit where an exact number is not wanted.
    async fn count(&self, db: &Db, exact: bool) -> Result<i64, DbError> {
        let (from, condition) = (&self.from, self.filter.sql());
        let count = if exact {
            format!("SELECT COUNT(*) FROM {from} WHERE {condition}")
        } else {
            let most = COUNTED + 1;
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM {from} WHERE {condition} LIMIT {most}) c")
        };
        let (total,): (i64,) = db.one(AssertSqlSafe(count), self.filter.args()).await?;
        Ok(total)
    }

    fn select(&self) -> String {
        format!(
            "SELECT {} FROM {} WHERE {} {}",
            self.columns,
            self.from,
            self.filter.sql(),
            self.order
        )
    }
}

/// A page of what `q` asks for, and how many there are: `None` where that is more than
/// [`COUNTED`] and an exact number is not wanted.
pub(crate) async fn list(
    db: &Db,
    (q, sort): (&str, &str),
    (limit, offset): (i64, i64),
    exact: bool,
) -> Result<(Vec<HubRow>, Option<i64>), VulnError> {
    let in_force = in_force(db).await?;
    let inside = Part::new(Finder::Advisories, (q, sort), in_force)?;
    let mut total = inside.count(db, exact).await?;
    let mut values = inside.filter.args();
    let (most, skipped) = (values.push(limit), values.push(offset));
    let sql = if has_external(db).await? {
        let outside = Part::new(Finder::Outside, (q, sort), in_force)?;
        total += outside.count(db, exact).await?;
        let through = values.push(limit + offset);
        // Each side by its own indexes, no further than the page.
        let order = order_by(
            sort,
            ASKED_TOGETHER,
            "f.score DESC, f.name DESC, f.place DESC",
            "f.image_id, f.manifest_id, f.place, f.name",
        )?;
        let (one, other) = (inside.select(), outside.select());
        format!(
            "SELECT f.* FROM (SELECT * FROM ({one} LIMIT ${through}) one \
               UNION ALL SELECT * FROM ({other} LIMIT ${through}) other) f \
             {order} LIMIT ${most} OFFSET ${skipped}"
        )
    } else {
        format!("{} LIMIT ${most} OFFSET ${skipped}", inside.select())
    };
    let rows = db.all(AssertSqlSafe(sql), values).await?;
    Ok((rows, (exact || total <= COUNTED).then_some(total)))
}

/// Artifacts that the viewer may see and that have a vulnerability of one of these names, with the
/// packages that have it; `limit` rows at most of each kind of scanner.
pub(crate) async fn seen(
    db: &Db,
    viewer: Viewer,
    ids: &[String],
    limit: i64,
) -> Result<Vec<HubRow>, VulnError> {
    let in_force = in_force(db).await?;
    let mut finders = vec![Finder::Advisories];
    if has_external(db).await? {
        finders.push(Finder::Outside);
    }
    let mut rows = Vec::new();
    for finder in finders {
        let part = Part::seen(finder, viewer, ids, in_force)?;
        let mut values = part.filter.args();
        let most = values.push(limit);
        let sql = format!("{} LIMIT ${most}", part.select());
        rows.extend(db.all::<HubRow>(AssertSqlSafe(sql), values).await?);
    }
    Ok(rows)
}

/// What external scanners said of these rows: of an image, by their numbers.
pub(crate) async fn told(
    db: &Db,
    wanted: &[(i64, i64)],
) -> Result<HashMap<(i64, i64), Vec<u8>>, DbError> {
    let mut found = HashMap::new();
    let mut rest = wanted;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (image, nr) in chunk {
            values.push(*image);
            values.push(*nr);
        }
        let sql = format!(
            "SELECT image_id, nr, body FROM external_finding WHERE (image_id, nr) IN (VALUES {})",
            rows_of(chunk.len(), 2)
        );
        let rows: Vec<(i64, i64, Vec<u8>)> = db.all(AssertSqlSafe(sql), values).await?;
        found.extend(
            rows.into_iter()
                .map(|(image, nr, body)| ((image, nr), body)),
        );
    }
    Ok(found)
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
