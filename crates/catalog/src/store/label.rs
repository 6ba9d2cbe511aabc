//! The table `label`.

use berth_db::{AssertSqlSafe, Db, Tx, args};
use berth_model::{LabelId, ProjectId, Timestamp};

use crate::labels::COLUMNS;
use crate::query::Filter;
use crate::{CatalogError, Label, LabelText};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    description: String,
    color: String,
    project_id: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Label {
    fn from(row: Row) -> Self {
        Self {
            id: LabelId(row.id),
            text: LabelText {
                name: row.name,
                description: row.description,
                color: row.color,
            },
            project_id: row.project_id.map(ProjectId),
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

const SELECT: &str = "SELECT l.id, l.name, l.description, l.color, l.project_id, l.created_at, \
     l.updated_at FROM label l";

pub(crate) async fn list(
    db: &Db,
    project: Option<ProjectId>,
    (name, q): (&str, &str),
    order: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Label>, i64), CatalogError> {
    let mut filter = Filter::new();
    match project {
        Some(project) => {
            let project = filter.bind(project);
            filter.and(format!("l.project_id = {project}"));
        }
        None => filter.and("l.project_id IS NULL"),
    }
    if !name.is_empty() {
        filter.and_contains("l.name", name);
    }
    filter.and_query(q, COLUMNS)?;
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) FROM label l WHERE {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!("{SELECT} WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}");
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((rows.into_iter().map(Label::from).collect(), total))
}

pub(crate) async fn get(db: &Db, id: LabelId) -> Result<Option<Label>, CatalogError> {
    let sql = format!("{SELECT} WHERE l.id = $1");
    let row: Option<Row> = db.optional(AssertSqlSafe(sql), args![id]).await?;
    Ok(row.map(Label::from))
}

/// `None` when the name is taken.
pub(crate) async fn insert(
    tx: &mut Tx,
    project: Option<ProjectId>,
    text: &LabelText,
    now: Timestamp,
) -> Result<Option<LabelId>, CatalogError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO label (name, description, color, project_id, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING RETURNING id",
            args![
                text.name.as_str(),
                text.description.as_str(),
                text.color.as_str(),
                project,
                now
            ],
        )
        .await?;
    Ok(row.map(|(id,)| LabelId(id)))
}

/// Whether another label beside `label` is called `name`.
pub(crate) async fn other(tx: &mut Tx, label: &Label, name: &str) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT id FROM label WHERE name = $1 AND id <> $2 \
             AND COALESCE(project_id, 0) = COALESCE($3, 0)",
            args![name, label.id, label.project_id],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn update(
    tx: &mut Tx,
    id: LabelId,
    text: &LabelText,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE label SET name = $2, description = $3, color = $4, updated_at = $5 \
             WHERE id = $1",
            args![
                id,
                text.name.as_str(),
                text.description.as_str(),
                text.color.as_str(),
                now
            ],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn delete(tx: &mut Tx, id: LabelId) -> Result<bool, CatalogError> {
    let deleted = tx
        .execute("DELETE FROM label WHERE id = $1", args![id])
        .await?;
    Ok(deleted == 1)
}
