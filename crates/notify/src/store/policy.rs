//! Rows of `webhook_policy`, `webhook_target` and `webhook_trigger`.

use berth_catalog::query::Filter;
use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, placeholders};
use berth_model::{EventKind, ProjectId, Timestamp};

use crate::policies::{Policy, Target};

const POLICY: &str = "p.id, p.project_id, p.name, p.description, p.creator, p.enabled, \
     p.event_types, p.created_at, p.updated_at";

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PolicyRow {
    pub(crate) id: i64,
    project_id: i64,
    name: String,
    description: String,
    creator: String,
    enabled: bool,
    event_types: String,
    created_at: i64,
    updated_at: i64,
}

impl PolicyRow {
    pub(crate) fn into_policy(self, targets: Vec<Target>) -> Policy {
        Policy {
            id: self.id,
            project: ProjectId(self.project_id),
            name: self.name,
            description: self.description,
            creator: self.creator,
            enabled: self.enabled,
            kinds: kinds(&self.event_types),
            targets,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        }
    }
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct TargetRow {
    pub(crate) policy_id: i64,
    pub(crate) position: i64,
    pub(crate) kind: String,
    pub(crate) address: String,
    pub(crate) payload_format: String,
    pub(crate) skip_cert_verify: bool,
    pub(crate) auth_header: Option<Vec<u8>>,
    pub(crate) signing_secret: Option<Vec<u8>>,
}

/// The kinds of a column `event_types`.
pub(crate) fn kinds(text: &str) -> Vec<EventKind> {
    let names: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    let known = names.iter().filter_map(|name| EventKind::parse(name));
    known.collect()
}

fn text_of(kinds: &[EventKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    serde_json::Value::from(names).to_string()
}

pub(crate) async fn count_in(tx: &mut Tx, project: ProjectId) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM webhook_policy WHERE project_id = $1",
            args![project],
        )
        .await?;
    Ok(count)
}

/// `None` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, policy: &Policy) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO webhook_policy (project_id, name, description, creator, enabled, \
             event_types, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
             ON CONFLICT (project_id, name) DO NOTHING RETURNING id",
            args![
                policy.project,
                &policy.name,
                &policy.description,
                &policy.creator,
                policy.enabled,
                text_of(&policy.kinds),
                policy.created_at
            ],
        )
        .await?;
    Ok(row.map(|(id,)| id))
}

pub(crate) async fn name_taken(
    tx: &mut Tx,
    project: ProjectId,
    but: i64,
    name: &str,
) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT id FROM webhook_policy WHERE project_id = $1 AND name = $2 AND id <> $3",
            args![project, name, but],
        )
        .await?;
    Ok(row.is_some())
}

/// Everything but the targets, the project, the creator and when it was made.
pub(crate) async fn update(tx: &mut Tx, policy: &Policy) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE webhook_policy SET name = $3, description = $4, enabled = $5, \
             event_types = $6, updated_at = $7 WHERE id = $1 AND project_id = $2",
            args![
                policy.id,
                policy.project,
                &policy.name,
                &policy.description,
                policy.enabled,
                text_of(&policy.kinds),
                policy.updated_at
            ],
        )
        .await?;
    Ok(changed > 0)
}

pub(crate) async fn delete(tx: &mut Tx, project: ProjectId, id: i64) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            "DELETE FROM webhook_policy WHERE id = $1 AND project_id = $2",
            args![id, project],
        )
        .await?;
    Ok(deleted > 0)
}

pub(crate) async fn find(
    db: &Db,
    project: ProjectId,
    id: i64,
) -> Result<Option<PolicyRow>, DbError> {
    let sql =
        format!("SELECT {POLICY} FROM webhook_policy p WHERE p.id = $1 AND p.project_id = $2");
    db.optional(AssertSqlSafe(sql), args![id, project]).await
}

/// One page of the policies that `filter` finds, and how many there are in all.
pub(crate) async fn list(
    db: &Db,
    filter: &Filter,
    order: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<PolicyRow>, i64), DbError> {
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) FROM webhook_policy p WHERE {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut values = filter.args();
    let (limit, offset) = (values.push(limit), values.push(offset));
    let sql = format!(
        "SELECT {POLICY} FROM webhook_policy p WHERE {condition} {order} \
         LIMIT ${limit} OFFSET ${offset}"
    );
    Ok((db.all(AssertSqlSafe(sql), values).await?, total))
}

/// All policies of a project; their number is bounded.
pub(crate) async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<PolicyRow>, DbError> {
    let sql = format!(
        "SELECT {POLICY} FROM webhook_policy p WHERE p.project_id = $1 ORDER BY p.id LIMIT 1000"
    );
    db.all(AssertSqlSafe(sql), args![project]).await
}

/// The event types of a project's enabled policies.
pub(crate) async fn enabled_kinds(tx: &mut Tx, project: ProjectId) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT event_types FROM webhook_policy WHERE project_id = $1 AND enabled LIMIT 1000",
            args![project],
        )
        .await?;
    Ok(rows.into_iter().map(|(text,)| text).collect())
}

/// The targets of policies, in their order.
pub(crate) async fn targets(db: &Db, policies: &[i64]) -> Result<Vec<TargetRow>, DbError> {
    let mut rows = Vec::new();
    for chunk in policies.chunks(100) {
        let mut values = Args::new();
        for id in chunk {
            values.push(*id);
        }
        let sql = format!(
            "SELECT policy_id, position, kind, address, payload_format, skip_cert_verify, \
             auth_header, signing_secret FROM webhook_target WHERE policy_id IN ({}) \
             ORDER BY policy_id, position LIMIT 1000",
            placeholders(1, chunk.len())
        );
        let more: Vec<TargetRow> = db.all(AssertSqlSafe(sql), values).await?;
        rows.extend(more);
    }
    Ok(rows)
}

pub(crate) async fn delete_targets(tx: &mut Tx, policy: i64) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM webhook_target WHERE policy_id = $1",
        args![policy],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_target(tx: &mut Tx, row: TargetRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO webhook_target (policy_id, position, kind, address, payload_format, \
         skip_cert_verify, auth_header, signing_secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            row.policy_id,
            row.position,
            row.kind,
            row.address,
            row.payload_format,
            row.skip_cert_verify,
            row.auth_header,
            row.signing_secret
        ],
    )
    .await?;
    Ok(())
}

/// Remembers when a policy was told of a kind. `false` when the policy is gone.
pub(crate) async fn triggered(
    tx: &mut Tx,
    policy: i64,
    kind: EventKind,
    at: Timestamp,
) -> Result<bool, DbError> {
    let written = tx
        .execute(
            "INSERT INTO webhook_trigger (policy_id, kind, last_at) \
             SELECT p.id, $2, $3 FROM webhook_policy p WHERE p.id = $1 \
             ON CONFLICT (policy_id, kind) DO UPDATE SET last_at = excluded.last_at",
            args![policy, kind.as_str(), at],
        )
        .await?;
    Ok(written > 0)
}

/// When each policy of a project was last told of each kind.
pub(crate) async fn triggers(
    db: &Db,
    project: ProjectId,
) -> Result<Vec<(i64, String, i64)>, DbError> {
    db.all(
        "SELECT t.policy_id, t.kind, t.last_at FROM webhook_trigger t \
         JOIN webhook_policy p ON p.id = t.policy_id WHERE p.project_id = $1 LIMIT 10000",
        args![project],
    )
    .await
}

/// The project of a policy, for the server's own work.
pub(crate) async fn project_of(db: &Db, policy: i64) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT project_id FROM webhook_policy WHERE id = $1",
            args![policy],
        )
        .await?;
    Ok(row.map(|(project,)| project))
}
