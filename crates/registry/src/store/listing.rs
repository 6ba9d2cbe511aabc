//! What the API lists: repositories, artifacts, tags, accessories and references, a page at a time.
//!
//! Invariant: a page costs a fixed number of statements whatever is on it, and everything read
//! for it is bounded, by number and by length.

pub(crate) mod condition;
pub(crate) mod copying;
pub(crate) mod family;
pub(crate) mod removing;

use std::collections::BTreeSet;

use berth_catalog::query::Filter;
use berth_db::{Args, AssertSqlSafe, Db, DbError, Engine, Row, Tx, args, placeholders};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};
use berth_oci::Reference;
use futures_util::future::try_join;

use condition::{Asked, AskedOfOne, hidden, is_base, is_top};

/// Longest annotations or attributes of one artifact on a page, characters: longer ones are left
/// out there and read one by one.
const TEXT: i64 = 16 * 1024;
/// As [`TEXT`], for what an index says of one of its entries.
const ENTRY_TEXT: i64 = 2 * 1024;

/// How much of what belongs to an artifact is read with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Newest tags.
    pub(crate) tags: i64,
    /// First entries of an index.
    pub(crate) references: i64,
    /// Newest accessories.
    pub(crate) accessories: i64,
}

impl Depth {
    /// Of each artifact of a page.
    pub(crate) const PAGE: Self = Self {
        tags: 100,
        references: 100,
        accessories: 100,
    };
    /// Of one artifact that is asked for.
    pub(crate) const ONE: Self = Self {
        tags: 1_000,
        references: 1_000,
        accessories: 1_000,
    };
}

/// A repository as it is listed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct RepositoryRow {
    pub(crate) id: i64,
    pub(crate) project_id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) pull_count: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A manifest as the API shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ArtifactRow {
    pub(crate) id: i64,
    pub(crate) project_id: i64,
    pub(crate) repository_id: i64,
    pub(crate) repository_name: String,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) config_media_type: Option<String>,
    pub(crate) kind: String,
    pub(crate) total_size: i64,
    pub(crate) annotations: String,
    pub(crate) attributes: String,
    pub(crate) pushed_at: i64,
    pub(crate) pulled_at: Option<i64>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct TagRow {
    pub(crate) id: i64,
    pub(crate) repository_id: i64,
    pub(crate) manifest_id: i64,
    pub(crate) name: String,
    pub(crate) pushed_at: i64,
    pub(crate) pulled_at: Option<i64>,
}

/// An entry of an index that the repository holds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ReferenceRow {
    pub(crate) manifest_id: i64,
    pub(crate) child_id: i64,
    pub(crate) child_digest: String,
    pub(crate) platform: Option<String>,
    pub(crate) annotations: Option<String>,
    pub(crate) urls: Option<String>,
}

/// A manifest that belongs to another one of its repository.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct AccessoryRow {
    pub(crate) id: i64,
    pub(crate) subject_id: i64,
    pub(crate) subject_digest: String,
    pub(crate) digest: String,
    pub(crate) accessory_type: String,
    pub(crate) total_size: i64,
    pub(crate) pushed_at: i64,
}

/// One page of what `select … {from}` finds under `filter`, and how many there are in all. Both are
/// asked for at once: to count a long list takes as long as to find a page deep in it.
async fn page<T: Row>(
    db: &Db,
    columns: &str,
    from: &str,
    filter: &Filter,
    order: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<T>, i64), DbError> {
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) FROM {from} WHERE {condition}");
    let mut values = filter.args();
    let (limit, offset) = (values.push(limit), values.push(offset));
    let sql = format!(
        "SELECT {columns} FROM {from} WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}"
    );
    let (rows, (total,)) = try_join(
        db.all(AssertSqlSafe(sql), values),
        db.one(AssertSqlSafe(count), filter.args()),
    )
    .await?;
    Ok((rows, total))
}

/// Repositories that `filter` finds (over `r` and its project `p`).
pub(crate) async fn repositories(
    db: &Db,
    filter: &Filter,
    order: &str,
    part: (i64, i64),
) -> Result<(Vec<RepositoryRow>, i64), DbError> {
    const COLUMNS: &str = "r.id, r.project_id, r.name, r.description, r.pull_count, r.created_at, \
         r.updated_at";
    let from = "repository r JOIN project p ON p.id = r.project_id";
    page(db, COLUMNS, from, filter, order, part).await
}

/// How many artifacts each of these repositories lists; those that list none are left out.
pub(crate) async fn artifact_counts(
    db: &Db,
    repositories: &[i64],
) -> Result<Vec<(i64, i64)>, DbError> {
    if repositories.is_empty() {
        return Ok(Vec::new());
    }
    let these = format!("IN ({})", placeholders(1, repositories.len()));
    let sql = format!(
        "SELECT m.repository_id, COUNT(*) FROM manifest m WHERE m.repository_id {these} \
         GROUP BY m.repository_id"
    );
    let mut counts: Vec<(i64, i64)> = db.all(AssertSqlSafe(sql), list(repositories)).await?;
    let sql = format!(
        "SELECT h.repository_id, COUNT(*) FROM ({}) h GROUP BY h.repository_id",
        hidden(db.engine(), &these, false)
    );
    let hidden: Vec<(i64, i64)> = db.all(AssertSqlSafe(sql), list(repositories)).await?;
    for (repository, hidden) in hidden {
        if let Some((_, count)) = counts.iter_mut().find(|(id, _)| *id == repository) {
            *count -= hidden;
        }
    }
    Ok(counts)
}

fn list(ids: &[i64]) -> Args {
    let mut values = Args::new();
    for id in ids {
        values.push(*id);
    }
    values
}

const ARTIFACTS: &str = "manifest m JOIN repository r ON r.id = m.repository_id";

/// The artifacts that were asked for (over `m` and its repository `r`), and what lists hide of them.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    asked: Asked,
    /// How many manifests of the repository lists hide.
    hides: i64,
}

impl Sought {
    /// Sees how much there is to hide.
    pub(crate) async fn new(db: &Db, asked: Asked) -> Result<Self, DbError> {
        let hides = match &asked.of {
            None => 0,
            Some((repository, _)) => {
                let sql = format!(
                    "SELECT COUNT(*) FROM ({}) h",
                    hidden(db.engine(), "= $1", asked.children)
                );
                let (hides,) = db.one(AssertSqlSafe(sql), args![*repository]).await?;
                hides
            }
        };
        Ok(Self { asked, hides })
    }

    /// How many there are in all.
    pub(crate) async fn total(&self, db: &Db) -> Result<i64, DbError> {
        if let Some((repository, _)) = &self.asked.of
            && self.asked.all
        {
            const ALL: &str = "SELECT COUNT(*) FROM manifest WHERE repository_id = $1";
            let (all,): (i64,) = db.one(ALL, args![*repository]).await?;
            return Ok((all - self.hides).max(0));
        }
        let filter = self.without_hidden(db.engine());
        let condition = filter.sql();
        let from = of_manifests(&[&condition]);
        let count = format!("SELECT COUNT(*) FROM {from} WHERE {condition}");
        let (total,) = db.one(AssertSqlSafe(count), filter.args()).await?;
        Ok(total)
    }

    /// One page of them.
    pub(crate) async fn page(
        &self,
        db: &Db,
        order: &str,
        part: (i64, i64),
    ) -> Result<Vec<ArtifactRow>, DbError> {
        /// Looking at each row whether it is hidden is cheaper than finding all hidden ones first
        /// as long as few rows are looked at.
        const FEW_ROWS: i64 = 500;
        const MANY_HIDDEN: i64 = 2_000;
        let engine = db.engine();
        let few = self.asked.all && part.0 + part.1 <= FEW_ROWS;
        let filter = if few && self.hides > MANY_HIDDEN {
            let mut filter = self.asked.filter.clone();
            filter.and(is_base(engine, "m"));
            if !self.asked.children {
                filter.and(is_top("m"));
            }
            filter
        } else {
            self.without_hidden(engine)
        };
        part_of(db, &filter, order, part).await
    }

    fn without_hidden(&self, engine: Engine) -> Filter {
        let mut filter = self.asked.filter.clone();
        if let Some((_, repository)) = &self.asked.of
            && self.hides > 0
        {
            let set = hidden(engine, &format!("= {repository}"), self.asked.children);
            filter.and(format!("m.id NOT IN (SELECT h.id FROM ({set}) h)"));
        }
        filter
    }
}

/// The artifacts on a page: their ids first, from an index alone where there is one, however deep
/// the page lies; then what is shown of them.
async fn part_of(
    db: &Db,
    filter: &Filter,
    order: &str,
    (limit, offset): (i64, i64),
) -> Result<Vec<ArtifactRow>, DbError> {
    let columns = format!(
        "m.id, r.project_id, m.repository_id, r.name AS repository_name, m.digest, m.media_type, \
         m.artifact_type, m.config_media_type, m.kind, m.total_size, {} AS annotations, \
         {} AS attributes, m.pushed_at, m.pulled_at",
        short("m.annotations", TEXT, "'{}'"),
        short("m.attributes", TEXT, "'{}'"),
    );
    let condition = filter.sql();
    let mut values = filter.args();
    let (limit, offset) = (values.push(limit), values.push(offset));
    let from = of_manifests(&[&condition, order]);
    let sql = format!(
        "SELECT {columns} FROM {ARTIFACTS} WHERE m.id IN \
           (SELECT m.id FROM {from} WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}) \
         {order}"
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// Manifests alone where these parts of a statement say nothing of the repository: the join would
/// cost something for each row that a page passes by.
fn of_manifests(parts: &[&str]) -> &'static str {
    if parts.iter().any(|part| part.contains("r.")) {
        ARTIFACTS
    } else {
        "manifest m"
    }
}

/// `column`, or `instead` where it is longer than `most` characters.
fn short(column: &str, most: i64, instead: &str) -> String {
    format!("CASE WHEN LENGTH({column}) <= {most} THEN {column} ELSE {instead} END")
}

/// The artifact that a tag or digest names in a repository, whole.
pub(crate) async fn artifact(
    db: &Db,
    repository: RepositoryId,
    reference: &Reference,
) -> Result<Option<ArtifactRow>, DbError> {
    const COLUMNS: &str = "SELECT m.id, r.project_id, m.repository_id, r.name AS repository_name, \
         m.digest, m.media_type, m.artifact_type, m.config_media_type, m.kind, m.total_size, \
         m.annotations, m.attributes, m.pushed_at, m.pulled_at FROM ";
    let named = match reference {
        Reference::Tag(_) => {
            "m.id = (SELECT t.manifest_id FROM tag t WHERE t.repository_id = $1 AND t.name = $2)"
        }
        Reference::Digest(_) => "m.digest = $2",
    };
    let sql = format!("{COLUMNS}{ARTIFACTS} WHERE m.repository_id = $1 AND {named}");
    db.optional(AssertSqlSafe(sql), args![repository, reference.as_str()])
        .await
}

/// The newest `each` tags of each of these manifests, newest first.
pub(crate) async fn tags_of(db: &Db, manifests: &[i64], each: i64) -> Result<Vec<TagRow>, DbError> {
    if manifests.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = list(manifests);
    let each = values.push(each);
    let sql = format!(
        "SELECT id, repository_id, manifest_id, name, pushed_at, pulled_at FROM \
           (SELECT t.id, t.repository_id, t.manifest_id, t.name, t.pushed_at, t.pulled_at, \
              ROW_NUMBER() OVER (PARTITION BY t.manifest_id ORDER BY t.pushed_at DESC, t.id DESC) \
              AS place \
            FROM tag t WHERE t.manifest_id IN ({})) ranked \
         WHERE place <= ${each} ORDER BY manifest_id, place",
        placeholders(1, manifests.len()),
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// Tags that `filter` finds (over `t`).
pub(crate) async fn tags(
    db: &Db,
    filter: &Filter,
    order: &str,
    part: (i64, i64),
) -> Result<(Vec<TagRow>, i64), DbError> {
    const COLUMNS: &str = "t.id, t.repository_id, t.manifest_id, t.name, t.pushed_at, t.pulled_at";
    page(db, COLUMNS, "tag t", filter, order, part).await
}

/// The first `each` entries of each of these indexes, of those that the repository holds.
pub(crate) async fn references_of(
    db: &Db,
    manifests: &[i64],
    each: i64,
) -> Result<Vec<ReferenceRow>, DbError> {
    if manifests.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = list(manifests);
    let each = values.push(each);
    let sql = format!(
        "SELECT e.manifest_id, c.id AS child_id, e.child_digest, {} AS platform, \
           {} AS annotations, {} AS urls \
         FROM manifest_reference e \
         JOIN manifest c ON c.repository_id = e.repository_id AND c.digest = e.child_digest \
         WHERE e.manifest_id IN ({}) AND e.kind = 'manifest' AND e.position < ${each} \
         ORDER BY e.manifest_id, e.position",
        short("e.platform", ENTRY_TEXT, "NULL"),
        short("e.annotations", ENTRY_TEXT, "NULL"),
        short("e.urls", ENTRY_TEXT, "NULL"),
        placeholders(1, manifests.len()),
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// The newest `each` accessories of each of these artifacts, newest first.
pub(crate) async fn accessories_of(
    db: &Db,
    artifacts: &[ArtifactRow],
    each: i64,
) -> Result<Vec<AccessoryRow>, DbError> {
    if artifacts.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = artifacts.iter().map(|row| row.id).collect();
    let repositories: BTreeSet<i64> = artifacts.iter().map(|row| row.repository_id).collect();
    let mut values = list(&ids);
    for repository in &repositories {
        values.push(*repository);
    }
    let each = values.push(each);
    let among = accessories_among(
        db.engine(),
        &format!("s.id IN ({})", placeholders(1, ids.len())),
        &format!("IN ({})", placeholders(1 + ids.len(), repositories.len())),
    );
    let sql = format!(
        "SELECT id, subject_id, subject_digest, digest, accessory_type, total_size, pushed_at FROM \
           (SELECT {ACCESSORY_COLUMNS}, \
              ROW_NUMBER() OVER (PARTITION BY a.subject_id ORDER BY m.id DESC) AS place \
            FROM {among}) ranked \
         WHERE place <= ${each} ORDER BY subject_id, place",
    );
    db.all(AssertSqlSafe(sql), values).await
}

const ACCESSORY_COLUMNS: &str = "m.id, a.subject_id, a.subject_digest, m.digest, \
     COALESCE(m.accessory_type, 'subject.accessory') AS accessory_type, m.total_size, m.pushed_at";

/// Accessories `m` of the manifests `s` that `subjects` says, all of `repositories` (`= $1`): by
/// their subject, or by the tag that cosign gives them.
///
/// A union and not a disjunction, so that each half is found by its index. Said with the range of
/// such tags, PostgreSQL sees how few there are, and with the collation of tags it can look each up.
fn accessories_among(engine: Engine, subjects: &str, repositories: &str) -> String {
    let collation = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " COLLATE \"C\"",
    };
    format!(
        "(SELECT s.id AS subject_id, s.digest AS subject_digest, c.id AS id \
          FROM manifest s JOIN manifest c \
            ON c.repository_id = s.repository_id AND c.subject_digest = s.digest \
          WHERE {subjects} \
          UNION SELECT s.id, s.digest, c.id FROM manifest s \
          CROSS JOIN (SELECT '.sig' AS name UNION ALL SELECT '.att' UNION ALL SELECT '.sbom') suffix \
          JOIN tag t ON t.repository_id = s.repository_id AND t.repository_id {repositories} \
            AND t.name >= 'sha256-' AND t.name < 'sha256.' \
            AND t.name = ('sha256-' || SUBSTR(s.digest, 8) || suffix.name){collation} \
          JOIN manifest c ON c.id = t.manifest_id \
            AND c.subject_digest IS NULL AND c.accessory_type IS NOT NULL \
          WHERE {subjects}) a JOIN manifest m ON m.id = a.id"
    )
}

/// Accessories of one manifest that were asked for (over `m`).
pub(crate) async fn accessories(
    db: &Db,
    asked: &AskedOfOne,
    order: &str,
    part: (i64, i64),
) -> Result<(Vec<AccessoryRow>, i64), DbError> {
    let from = accessories_among(
        db.engine(),
        &format!("s.id = {}", asked.subject),
        &format!("= {}", asked.repository),
    );
    page(db, ACCESSORY_COLUMNS, &from, &asked.filter, order, part).await
}

/// The digest of a manifest's config.
pub(crate) async fn config(db: &Db, manifest: ManifestId) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db
        .optional(
            "SELECT child_digest FROM manifest_reference \
             WHERE manifest_id = $1 AND kind = 'config' ORDER BY position LIMIT 1",
            args![manifest],
        )
        .await?;
    Ok(row.map(|(digest,)| digest))
}

/// The digest of an artifact's first layer of this media type.
pub(crate) async fn layer(
    db: &Db,
    manifest: ManifestId,
    media_type: &str,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db
        .optional(
            "SELECT child_digest FROM manifest_reference WHERE manifest_id = $1 \
             AND kind = 'layer' AND media_type = $2 ORDER BY position LIMIT 1",
            args![manifest, media_type],
        )
        .await?;
    Ok(row.map(|(digest,)| digest))
}

/// Changes what a repository says about itself; `false` when the project has no such repository.
pub(crate) async fn describe(
    tx: &mut Tx,
    repository: RepositoryId,
    project: ProjectId,
    description: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE repository SET description = $3, updated_at = $4 \
             WHERE id = $1 AND project_id = $2",
            args![repository, project, description, now],
        )
        .await?;
    Ok(changed == 1)
}
