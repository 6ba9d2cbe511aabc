//! What rules about pulls ask of an image. Reads the registry's `manifest`, `manifest_reference` and
//! `tag` beside this crate's tables, by their indexes.

use berth_db::{Args, AssertSqlSafe, Db, DbError, Engine, args, chunk_of, placeholders};

/// Indexes of an image, and tags of it, that are looked at: the newest.
const MOST: i64 = 100;

/// Of the vulnerabilities of an image with these names: how many of which severity, and how many
/// of those have a fix.
pub(crate) async fn passed(
    db: &Db,
    image: i64,
    names: &[String],
) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let mut found = Vec::new();
    let mut rest = names;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = args![image];
        for name in chunk {
            values.push(name.as_str());
        }
        let names = placeholders(2, chunk.len());
        let sql = format!(
            "SELECT v.severity, COUNT(*), \
               CAST(COALESCE(SUM(CASE WHEN v.fixed_version IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT) \
             FROM (SELECT v.severity, v.fixed_version FROM image_package i \
                 JOIN package_vulnerability v ON v.package_id = i.package_id \
                 WHERE i.image_id = $1 AND v.name IN ({names}) \
               UNION ALL SELECT f.severity, f.fixed_version FROM external_finding f \
                 WHERE f.image_id = $1 AND f.name IN ({names})) v \
             GROUP BY v.severity"
        );
        let rows: Vec<(i64, i64, i64)> = db.all(AssertSqlSafe(sql), values).await?;
        found.extend(rows);
    }
    Ok(found)
}

/// The vulnerabilities of an image that attackers use, once for each package.
pub(crate) async fn exploited(db: &Db, image: i64) -> Result<Vec<(String,)>, DbError> {
    db.all(
        "SELECT v.name FROM image_package i \
         JOIN package_vulnerability v ON v.package_id = i.package_id \
         WHERE i.image_id = $1 \
           AND EXISTS (SELECT 1 FROM exploited_vulnerability e WHERE e.name = v.name) \
         UNION ALL SELECT f.name FROM external_finding f WHERE f.image_id = $1 \
           AND EXISTS (SELECT 1 FROM exploited_vulnerability e WHERE e.name = f.name) \
         LIMIT 100000",
        args![image],
    )
    .await
}

/// A manifest of a repository, by its whole name: its id, the repository's, and when it was pushed.
pub(crate) async fn standing(
    db: &Db,
    (repository, digest): (&str, &str),
) -> Result<Option<(i64, i64, i64)>, DbError> {
    db.optional(
        "SELECT m.id, m.repository_id, m.pushed_at FROM repository r \
         JOIN manifest m ON m.repository_id = r.id WHERE r.name = $1 AND m.digest = $2",
        args![repository, digest],
    )
    .await
}

/// The indexes of a repository that name an image.
pub(crate) async fn indexes(db: &Db, repository: i64, digest: &str) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> = db
        .all(
            "SELECT manifest_id FROM manifest_reference WHERE repository_id = $1 \
             AND child_digest = $2 AND kind = 'manifest' ORDER BY manifest_id DESC LIMIT $3",
            args![repository, digest, MOST],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Tags of these manifests.
pub(crate) async fn tags(db: &Db, manifests: &[i64]) -> Result<Vec<String>, DbError> {
    let mut values = args![MOST];
    for id in manifests {
        values.push(*id);
    }
    let sql = format!(
        "SELECT name FROM tag WHERE manifest_id IN ({}) ORDER BY id DESC LIMIT $1",
        placeholders(2, manifests.len())
    );
    let rows: Vec<(String,)> = db.all(AssertSqlSafe(sql), values).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Whether a signature is attached to one of these manifests: as a referrer, or by the tag that
/// cosign gives it.
pub(crate) async fn signed(db: &Db, manifests: &[i64]) -> Result<bool, DbError> {
    let mut values = Args::new();
    for id in manifests {
        values.push(*id);
    }
    let among = placeholders(1, manifests.len());
    // Tags are collated by bytes and digests are not: said, so that the tag is looked up.
    let collation = match db.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " COLLATE \"C\"",
    };
    let sql = format!(
        "SELECT c.id FROM manifest s JOIN manifest c \
           ON c.repository_id = s.repository_id AND c.subject_digest = s.digest \
         WHERE s.id IN ({among}) \
           AND c.accessory_type IN ('signature.cosign', 'signature.notation') \
         UNION SELECT c.id FROM manifest s \
         JOIN tag t ON t.repository_id = s.repository_id \
           AND t.name = ('sha256-' || SUBSTR(s.digest, 8) || '.sig'){collation} \
         JOIN manifest c ON c.id = t.manifest_id AND c.subject_digest IS NULL \
           AND c.accessory_type = 'signature.cosign' \
         WHERE s.id IN ({among}) LIMIT 1"
    );
    let row: Option<(i64,)> = db.optional(AssertSqlSafe(sql), values).await?;
    Ok(row.is_some())
}
