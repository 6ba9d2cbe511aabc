//! Reading the access log.

use berth_db::Durability;
use berth_iam::audit::event;
use berth_iam::{Caller, Entry, ProjectFacts};
use berth_model::{ProjectId, Role, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::query::{Column, Filter, Kind, order_by};
use crate::store::role::projects_with;
use crate::{Catalog, CatalogError, Viewer, store};

/// A line of the access log as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: i64,
    /// When; of several like ones, the first.
    pub at: Timestamp,
    /// Who; empty is anonymous.
    pub username: String,
    /// From where.
    pub address: String,
    /// What was done.
    pub operation: String,
    /// To what kind of thing.
    pub resource_type: String,
    /// To which.
    pub resource: String,
    /// What more there is to say; empty when the other fields say it all.
    pub description: String,
    /// Whether it was done, and not refused.
    pub succeeded: bool,
    /// How often within one second.
    pub times: i64,
}

/// The names of what is recorded: Harbor's first, then ours.
pub(crate) const EVENTS: &[&str] = &[
    "create_artifact",
    "delete_artifact",
    "pull_artifact",
    "create_project",
    "delete_project",
    "update_project",
    "delete_repository",
    "login_user",
    "logout_user",
    "create_user",
    "delete_user",
    "update_user",
    "create_robot",
    "delete_robot",
    "update_configuration",
    "create_member",
    "delete_member",
    "update_member",
    "create_tag",
    "delete_tag",
    "delete_blob",
    "update_repository",
    "update_robot",
    "create_usergroup",
    "delete_usergroup",
    "update_usergroup",
    "update_quota",
    "create_webhook",
    "update_webhook",
    "delete_webhook",
    "update_artifact",
    "create_label",
    "update_label",
    "delete_label",
    "create_tag_retention",
    "update_tag_retention",
    "delete_tag_retention",
    "create_immutable_rule",
    "update_immutable_rule",
    "delete_immutable_rule",
    "create_repository",
    "stop_jobservice",
    "pause_jobservice",
    "resume_jobservice",
    "start_gc",
    "stop_gc",
    "create_gc",
    "update_gc",
    "start_purgeaudit",
    "stop_purgeaudit",
    "create_purgeaudit",
    "update_purgeaudit",
    "start_scrub",
    "stop_scrub",
    "create_scrub",
    "update_scrub",
    "start_repair",
    "stop_repair",
    "create_repair",
    "update_repair",
];

/// Which lines are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditScope {
    /// Of one project; the caller's right to them was checked.
    Project(ProjectId),
    /// All that the viewer may read: everything for a system administrator, of a user the projects
    /// he administers, of a robot those whose log it was given.
    Viewer(Viewer),
}

const COLUMNS: &[Column] = &[
    Column::new("id", "l.id", Kind::Integer),
    Column::new("username", "l.username", Kind::Text),
    Column::new("resource", "l.resource", Kind::Text),
    Column::new("resource_type", "l.resource_type", Kind::Text),
    // Harbor calls a push a creation. Both words find it; `push` alone finds nothing else.
    Column::new("operation", "l.operation", Kind::Text).also("create", "push"),
    Column::new("op_time", "l.at", Kind::Time),
    Column::new("creation_time", "l.at", Kind::Time),
    Column::new("project_id", "l.project_id", Kind::Integer),
    Column::new("repository", "l.repository", Kind::Text),
    Column::new("tag", "l.tag", Kind::Text),
    Column::new("digest", "l.digest", Kind::Text),
    Column::new("source_ip", "l.address", Kind::Text),
    Column::new("operation_description", "l.description", Kind::Text),
    Column::new("operation_result", "l.succeeded", Kind::Bool),
];

impl Catalog {
    /// A page of the access log, newest first unless asked, and how many lines there are.
    pub async fn list_log(
        &self,
        scope: AuditScope,
        q: &str,
        sort: &str,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<AuditEntry>, i64), CatalogError> {
        let mut filter = Filter::new();
        match scope {
            AuditScope::Project(project) => {
                let project = filter.bind(project);
                filter.and(format!("l.project_id = {project}"));
            }
            AuditScope::Viewer(Viewer::Everything) => {}
            AuditScope::Viewer(Viewer::User(user)) => {
                let user = filter.bind(user);
                let role = filter.bind(Role::ProjectAdmin.id());
                let projects = projects_with(&user, &role);
                filter.and(format!("l.project_id IN ({projects})"));
            }
            AuditScope::Viewer(viewer @ Viewer::Robot(..)) => {
                if let Some(given) = viewer.given(&mut filter) {
                    filter.and(format!("l.project_id IN ({given})"));
                }
            }
            AuditScope::Viewer(Viewer::Anonymous) => return Ok((Vec::new(), 0)),
        }
        filter.and_query(q, COLUMNS)?;
        // Lines are written in the order they happened, so the newest id is the newest line.
        let order = order_by(sort, COLUMNS, "l.id DESC", "l.id DESC")?;
        store::log::list(self.db(), &filter, &order, limit, offset).await
    }
}

/// Which lines a purge deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPurge {
    /// Those older than this.
    pub before: Timestamp,
    /// Those of these events; all if there are none.
    pub events: Vec<String>,
    /// None are deleted; they are counted.
    pub dry_run: bool,
}

/// The events that Harbor's clients choose by name; `other` means the rest.
const CHOSEN: [&str; 3] = ["create_artifact", "delete_artifact", "pull_artifact"];

impl LogPurge {
    /// Reads the names of events, joined by commas. A name may also be that of an operation, or
    /// `other`.
    pub fn events(text: &str) -> Result<Vec<String>, CatalogError> {
        let mut events = Vec::new();
        for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            let meant = match name {
                "other" => Self::others(),
                name if EVENTS.contains(&name) => vec![name.to_owned()],
                name => Self::events_of(name),
            };
            if meant.is_empty() {
                return Err(CatalogError::Invalid(format!(
                    "there is no event {name:?}: GET /api/v2.0/auditlog-exts/events names them, \
                     and \"other\" means all but those of artifacts"
                )));
            }
            events.extend(meant);
        }
        events.sort_unstable();
        events.dedup();
        Ok(events)
    }

    fn others() -> Vec<String> {
        let rest = EVENTS.iter().filter(|name| !CHOSEN.contains(name));
        rest.map(ToString::to_string).collect()
    }

    /// The events of an operation: of `pull`, `pull_artifact`. A push is a creation.
    fn events_of(operation: &str) -> Vec<String> {
        let operation = if operation == "push" {
            "create"
        } else {
            operation
        };
        let of_it = |name: &&&str| {
            let rest = name.strip_prefix(operation);
            rest.is_some_and(|rest| rest.starts_with('_'))
        };
        EVENTS
            .iter()
            .filter(of_it)
            .map(ToString::to_string)
            .collect()
    }
}

/// Lines looked at, and deleted, in one transaction.
const PURGED_AT_ONCE: i64 = 1_000;

impl Catalog {
    /// Deletes lines of the access log in batches, the oldest first; gives how many there were.
    /// Ends early, with what is done, when `stop` is cancelled. `told` hears how many so far.
    pub async fn purge_log(
        &self,
        purge: &LogPurge,
        stop: &CancellationToken,
        mut told: impl FnMut(u64) + Send,
    ) -> Result<u64, CatalogError> {
        let mut purged = 0;
        let mut last = (i64::MIN, 0);
        while !stop.is_cancelled() {
            let page =
                store::log::older_than(self.db(), purge.before, last, PURGED_AT_ONCE).await?;
            let Some(end) = page.last() else { break };
            last = (end.at, end.id);
            let wanted = page.iter().filter(|line| {
                let event = event(&line.operation, &line.resource_type);
                purge.events.is_empty() || purge.events.contains(&event)
            });
            let ids: Vec<i64> = wanted.map(|line| line.id).collect();
            purged += ids.len() as u64;
            if !purge.dry_run && !ids.is_empty() {
                self.db()
                    .write_with(Durability::Relaxed, move |tx| {
                        Box::pin(async move { store::log::delete(tx, &ids).await })
                    })
                    .await?;
            }
            told(purged);
        }
        Ok(purged)
    }

    /// How many lines are older than this.
    pub async fn count_log_before(&self, before: Timestamp) -> Result<u64, CatalogError> {
        store::log::count_before(self.db(), before).await
    }
}

/// The caller did `operation` to a project.
pub(crate) fn of_project(caller: &Caller, operation: &str, at: Timestamp, name: &str) -> Entry {
    Entry::by(caller, operation, "project", at).on(name)
}

/// The caller did `operation` to a robot.
pub(crate) fn of_robot(
    caller: &Caller,
    operation: &str,
    at: Timestamp,
    name: &str,
    project: Option<ProjectId>,
) -> Entry {
    Entry {
        project_id: project,
        ..Entry::by(caller, operation, "robot", at).on(name)
    }
}

/// The caller did `operation` to a member of a project.
pub(crate) fn of_member(
    caller: &Caller,
    operation: &str,
    at: Timestamp,
    project: &ProjectFacts,
    username: &str,
) -> Entry {
    Entry::by(caller, operation, "member", at)
        .on(format!("{}/{username}", project.name))
        .in_project(project.id)
}
