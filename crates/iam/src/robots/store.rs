//! The SQL of `robot` and `robot_scope`.

use berth_db::query::Filter;
use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, placeholders, rows_of};
use berth_model::{ProjectId, RobotId, Timestamp, UserId};

use super::{Creator, RobotAccount, RobotChange, RobotEntry};
use crate::access::{Grants, Level, PermissionSet, Place, read_access, write_access};

const COLUMNS: &str = "r.id, r.name, r.project_id, r.description, r.duration, r.expires_at, \
     r.disabled, r.creator_type, r.creator_id, r.created_at, r.updated_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    project_id: Option<i64>,
    description: String,
    duration: i64,
    expires_at: Option<i64>,
    disabled: bool,
    creator_type: String,
    creator_id: i64,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn account(self, grants: Grants) -> RobotAccount {
        RobotAccount {
            id: RobotId(self.id),
            name: self.name,
            project: self.project_id.map(ProjectId),
            description: self.description,
            duration: self.duration,
            expires_at: self.expires_at.map(Timestamp::from_micros),
            disabled: self.disabled,
            creator: if self.creator_type == Creator::ROBOT {
                Creator::Robot(RobotId(self.creator_id))
            } else {
                Creator::User(UserId(self.creator_id))
            },
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            grants,
        }
    }
}

/// What a login compares with.
#[derive(sqlx::FromRow)]
pub(crate) struct LoginRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) project_id: Option<i64>,
    pub(crate) secret_hash: String,
    pub(crate) secret_changed_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) disabled: bool,
}

pub(crate) async fn login_by_name(db: &Db, name: &str) -> Result<Option<LoginRow>, DbError> {
    db.optional(
        "SELECT id, name, project_id, secret_hash, secret_changed_at, expires_at, disabled \
         FROM robot WHERE name = $1",
        args![name],
    )
    .await
}

pub(crate) async fn login_by_id(db: &Db, id: RobotId) -> Result<Option<LoginRow>, DbError> {
    db.optional(
        "SELECT id, name, project_id, secret_hash, secret_changed_at, expires_at, disabled \
         FROM robot WHERE id = $1",
        args![id],
    )
    .await
}

#[derive(sqlx::FromRow)]
struct ScopeRow {
    robot_id: i64,
    kind: String,
    project_id: i64,
    access: String,
}

impl ScopeRow {
    /// `None` for a kind that only a newer version knows.
    fn part(&self) -> Option<(Place, PermissionSet)> {
        let (place, level) = match self.kind.as_str() {
            "system" => (Place::System, Level::System),
            "every" => (Place::EveryProject, Level::Project),
            "project" => (Place::Project(ProjectId(self.project_id)), Level::Project),
            _ => return None,
        };
        Some((place, read_access(level, &self.access)))
    }
}

/// Robots of one page, or one: few enough for an IN list. Each may name any number of projects.
async fn scopes(db: &Db, robots: &[i64]) -> Result<Vec<ScopeRow>, DbError> {
    if robots.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::new();
    for robot in robots {
        args.push(*robot);
    }
    // Bounded by the length of the body that made each robot.
    let sql = format!(
        "SELECT robot_id, kind, project_id, access FROM robot_scope WHERE robot_id IN ({}) \
         ORDER BY robot_id, kind DESC, project_id",
        placeholders(1, robots.len())
    );
    db.all(AssertSqlSafe(sql), args).await
}

pub(crate) async fn grants(db: &Db, id: RobotId) -> Result<Grants, DbError> {
    let rows = scopes(db, &[id.get()]).await?;
    Ok(Grants::new(rows.iter().filter_map(ScopeRow::part)))
}

async fn with_grants(db: &Db, rows: Vec<Row>) -> Result<Vec<RobotAccount>, DbError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let scopes = scopes(db, &ids).await?;
    let accounts = rows.into_iter().map(|row| {
        let own = scopes.iter().filter(|scope| scope.robot_id == row.id);
        let grants = Grants::new(own.filter_map(ScopeRow::part));
        row.account(grants)
    });
    Ok(accounts.collect())
}

pub(super) async fn find(db: &Db, id: RobotId) -> Result<Option<RobotAccount>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM robot r WHERE r.id = $1");
    let row: Option<Row> = db.optional(AssertSqlSafe(sql), args![id]).await?;
    let rows = with_grants(db, row.into_iter().collect()).await?;
    Ok(rows.into_iter().next())
}

pub(super) async fn list(
    db: &Db,
    filter: &Filter,
    order: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<RobotAccount>, i64), DbError> {
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) FROM robot r WHERE {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT {COLUMNS} FROM robot r WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}"
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((with_grants(db, rows).await?, total))
}

pub(super) async fn insert(
    tx: &mut Tx,
    robot: &RobotEntry,
    hash: &str,
    now: Timestamp,
) -> Result<RobotId, DbError> {
    let (creator_type, creator_id) = robot.creator.parts();
    let (id,): (i64,) = tx
        .one(
            "INSERT INTO robot (name, project_id, description, secret_hash, secret_changed_at, \
               duration, expires_at, disabled, creator_type, creator_id, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5, $5) RETURNING id",
            args![
                &robot.name,
                robot.project,
                &robot.description,
                hash,
                now,
                robot.duration,
                robot.expires_at,
                robot.disabled,
                creator_type,
                creator_id
            ],
        )
        .await?;
    add_scopes(tx, RobotId(id), &robot.grants).await?;
    Ok(RobotId(id))
}

pub(super) async fn add_scopes(tx: &mut Tx, id: RobotId, grants: &Grants) -> Result<(), DbError> {
    const CHUNK: usize = 100;
    let rows: Vec<(&str, i64, String)> = grants
        .parts()
        .map(|(place, set)| match place {
            Place::System => ("system", 0, write_access(Level::System, set)),
            Place::EveryProject => ("every", 0, write_access(Level::Project, set)),
            Place::Project(id) => ("project", id.get(), write_access(Level::Project, set)),
        })
        .collect();
    for chunk in rows.chunks(CHUNK) {
        let mut args = Args::new();
        for (kind, project, access) in chunk {
            args.push(id);
            args.push(*kind);
            args.push(*project);
            args.push(access);
        }
        let sql = format!(
            "INSERT INTO robot_scope (robot_id, kind, project_id, access) VALUES {} \
             ON CONFLICT (robot_id, kind, project_id) DO UPDATE SET access = excluded.access",
            rows_of(chunk.len(), 4)
        );
        tx.execute(AssertSqlSafe(sql), args).await?;
    }
    Ok(())
}

pub(super) async fn update(
    tx: &mut Tx,
    id: RobotId,
    change: &RobotChange,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE robot SET description = $2, duration = $3, expires_at = $4, disabled = $5, \
               updated_at = $6 WHERE id = $1",
            args![
                id,
                &change.description,
                change.duration,
                change.expires_at,
                change.disabled,
                now
            ],
        )
        .await?;
    if changed == 1 {
        tx.execute("DELETE FROM robot_scope WHERE robot_id = $1", args![id])
            .await?;
        add_scopes(tx, id, &change.grants).await?;
    }
    Ok(changed == 1)
}

pub(super) async fn set_secret(
    tx: &mut Tx,
    id: RobotId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    // Strictly later than before, whatever the clocks of the replicas say: what is remembered of
    // the old secret is known to be old by it.
    let changed = tx
        .execute(
            "UPDATE robot SET secret_hash = $2, updated_at = $3, \
               secret_changed_at = CASE WHEN secret_changed_at < $3 THEN $3 \
                 ELSE secret_changed_at + 1 END \
             WHERE id = $1",
            args![id, hash, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn delete(tx: &mut Tx, id: RobotId) -> Result<bool, DbError> {
    let deleted = tx
        .execute("DELETE FROM robot WHERE id = $1", args![id])
        .await?;
    Ok(deleted == 1)
}

pub(super) async fn forget_project(tx: &mut Tx, project: ProjectId) -> Result<(), DbError> {
    tx.execute("DELETE FROM robot WHERE project_id = $1", args![project])
        .await?;
    tx.execute(
        "DELETE FROM robot_scope WHERE kind = 'project' AND project_id = $1",
        args![project],
    )
    .await?;
    Ok(())
}
