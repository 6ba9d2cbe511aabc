//! Tag retention: the policy of a project, and its runs as jobs.
//!
//! Invariant: a run decides by the policy as it stands when it looks at a repository, in the same
//! way whether it deletes or only says what it would delete; a policy is reached only by those
//! who hold the permission in its project.

mod body;
mod job;
mod routes;

use berth_catalog::{Catalog, CatalogError, Entry, record_in, set_retention_id};
use berth_db::Db;
use berth_iam::{Caller, Permission, ProjectFacts, access};
use berth_jobs::{Cadence, Jobs, JobsError, NewExecution, NewTask, Trigger};
use berth_model::{Action, Clock, Code, Coded, ExecutionId, ProjectId, Resource};
use berth_policy::{RetentionRules, RuleError};
use berth_registry::{Registry, RegistryError};
use serde_json::json;

use crate::store::retention::{self as store, PolicyRow};

pub use body::{PolicyBody, ScopeBody, TriggerBody};
pub use routes::endpoints;

/// The vendor of runs, and their job type.
pub(crate) const RETENTION: &str = "RETENTION";
/// Largest policy, bytes of its JSON.
const LARGEST: usize = 256 * 1024;

/// What can go wrong with retention.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// From the database.
    #[error(transparent)]
    Db(#[from] berth_db::DbError),
    /// From the catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// From the registry core.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// From the job service.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] berth_iam::Refusal),
    /// A rule that cannot be read.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A policy that says something impossible.
    #[error("{0}")]
    Invalid(String),
    /// There is no such policy, or not for this caller.
    #[error("retention policy {0} not found")]
    NotFound(i64),
}

impl Coded for RetentionError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Jobs(error) => error.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::Rule(RuleError::Twice(..)) => Code::Conflict,
            Self::Rule(_) | Self::Invalid(_) => Code::BadRequest,
            Self::NotFound(_) => Code::NotFound,
        }
    }
}

/// Tag retention. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Retention {
    db: Db,
    catalog: Catalog,
    registry: Registry,
    jobs: Jobs,
    clock: Clock,
}

/// A policy, with the project it is of.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) id: i64,
    pub(crate) project: ProjectId,
    pub(crate) project_name: String,
    pub(crate) body: PolicyBody,
}

impl From<PolicyRow> for Policy {
    fn from(row: PolicyRow) -> Self {
        let mut body: PolicyBody = serde_json::from_str(&row.policy).unwrap_or_default();
        body.id = row.id;
        body.scope = Some(ScopeBody {
            level: "project".to_owned(),
            reference: row.project_id.get(),
        });
        Self {
            id: row.id,
            project: row.project_id,
            project_name: row.project,
            body,
        }
    }
}

impl Retention {
    /// Over one database; its job type has to be [registered](Self::register).
    pub const fn new(
        db: Db,
        catalog: Catalog,
        registry: Registry,
        jobs: Jobs,
        clock: Clock,
    ) -> Self {
        Self {
            db,
            catalog,
            registry,
            jobs,
            clock,
        }
    }

    /// Lets the job service run retention.
    pub fn register(&self) {
        self.jobs.register(job::Run::new(self.clone()));
    }

    pub(crate) async fn policy(&self, id: i64) -> Result<Policy, RetentionError> {
        let row = store::find(&self.db, id).await?;
        row.map(Policy::from).ok_or(RetentionError::NotFound(id))
    }

    /// A policy, if the caller may do `action` to it. Of a project that is hidden from the caller
    /// it is not there.
    async fn policy_for(
        &self,
        caller: &Caller,
        id: i64,
        action: Action,
    ) -> Result<Policy, RetentionError> {
        let policy = self.policy(id).await?;
        let facts = self
            .catalog
            .project_facts_by_id(&caller.actor, policy.project)
            .await?;
        let facts = facts.ok_or(RetentionError::NotFound(id))?;
        let permission = Permission::new(Resource::TagRetention, action);
        if !access::allows(&caller.actor, &facts, permission) && facts.role.is_none() {
            return Err(RetentionError::NotFound(id));
        }
        access::require(&caller.actor, &facts, permission)?;
        Ok(policy)
    }

    async fn create(&self, caller: &Caller, body: PolicyBody) -> Result<i64, RetentionError> {
        let scope = body.scope.clone().unwrap_or_default();
        if scope.level != "project" {
            return Err(RetentionError::Invalid(
                "a retention policy is for a project: scope.level must be \"project\"".to_owned(),
            ));
        }
        let permission = Permission::new(Resource::TagRetention, Action::Create);
        let id = ProjectId(scope.reference);
        let facts = self.catalog.project_facts_by_id(&caller.actor, id).await?;
        let facts = match facts {
            Some(facts) => facts,
            None if access::allows_system(&caller.actor, permission) => {
                return Err(RetentionError::Invalid(format!(
                    "there is no project {id}: scope.ref must be the id of a project"
                )));
            }
            None => {
                let named = id.to_string();
                let refusal = berth_iam::Refusal::of(&caller.actor, permission, Some(&named));
                return Err(refusal.into());
            }
        };
        access::require(&caller.actor, &facts, permission)?;
        let (text, cadence) = written(&body)?;
        let entry = self.entry(caller, "create", &facts);
        let (jobs, now) = (self.jobs.clone(), self.clock.now());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(made) = store::insert(tx, id, &text, now).await? else {
                        return Err(RetentionError::Invalid(format!(
                            "project {id} has a retention policy already: change that one"
                        )));
                    };
                    set_retention_id(tx, id, Some(made)).await?;
                    schedule(&jobs, tx, made, &cadence).await?;
                    record_in(tx, named(entry, made)).await?;
                    Ok(made)
                })
            })
            .await
    }

    async fn change(
        &self,
        caller: &Caller,
        id: i64,
        body: PolicyBody,
    ) -> Result<(), RetentionError> {
        let policy = self.policy_for(caller, id, Action::Update).await?;
        let elsewhere = |scope: &ScopeBody| {
            let there = policy.project.get();
            scope.reference != 0 && scope.reference != there
        };
        if body.scope.as_ref().is_some_and(elsewhere) {
            return Err(RetentionError::NotFound(id));
        }
        let (text, cadence) = written(&body)?;
        let entry = self.entry_of(caller, "update", &policy);
        let (jobs, now) = (self.jobs.clone(), self.clock.now());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if !store::update(tx, id, &text, now).await? {
                        return Err(RetentionError::NotFound(id));
                    }
                    schedule(&jobs, tx, id, &cadence).await?;
                    Ok(record_in(tx, named(entry, id)).await?)
                })
            })
            .await
    }

    async fn remove(&self, caller: &Caller, id: i64) -> Result<(), RetentionError> {
        let policy = self.policy_for(caller, id, Action::Delete).await?;
        let entry = self.entry_of(caller, "delete", &policy);
        let (jobs, project) = (self.jobs.clone(), policy.project);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if !store::delete(tx, id).await? {
                        return Err(RetentionError::NotFound(id));
                    }
                    set_retention_id(tx, project, None).await?;
                    jobs.remove_schedule_in(tx, RETENTION, id).await?;
                    Ok(record_in(tx, named(entry, id)).await?)
                })
            })
            .await
    }

    async fn start(
        &self,
        caller: &Caller,
        id: i64,
        dry_run: bool,
    ) -> Result<ExecutionId, RetentionError> {
        let policy = self.policy_for(caller, id, Action::Update).await?;
        let params = json!({"policy": id, "dry_run": dry_run});
        let new = NewExecution {
            vendor: RETENTION,
            vendor_id: id,
            trigger: Trigger::Manual,
            attributes: params.clone(),
            unique: Some(Jobs::unique_key(RETENTION, id)),
            tasks: vec![NewTask::new(RETENTION, params)],
        };
        let entry = self.entry_of(caller, "create", &policy);
        let entry = entry.saying(if dry_run { "dry run" } else { "run" });
        let jobs = self.jobs.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let execution = jobs.submit_in(tx, new).await?;
                    record_in(tx, named(entry, id)).await?;
                    Ok(execution)
                })
            })
            .await
    }

    fn entry(&self, caller: &Caller, operation: &str, facts: &ProjectFacts) -> Entry {
        Entry::by(caller, operation, "tag_retention", self.clock.now())
            .in_project(facts.id)
            .on(format!("{}/retentions", facts.name))
    }

    fn entry_of(&self, caller: &Caller, operation: &str, policy: &Policy) -> Entry {
        Entry::by(caller, operation, "tag_retention", self.clock.now())
            .in_project(policy.project)
            .on(format!("{}/retentions", policy.project_name))
    }
}

fn named(mut entry: Entry, id: i64) -> Entry {
    entry.resource = format!("{}/{id}", entry.resource);
    entry
}

async fn schedule(
    jobs: &Jobs,
    tx: &mut berth_db::Tx,
    id: i64,
    cadence: &Cadence,
) -> Result<(), RetentionError> {
    if *cadence == Cadence::none() {
        return Ok(jobs.remove_schedule_in(tx, RETENTION, id).await?);
    }
    let params = json!({"policy": id, "dry_run": false});
    let what = (RETENTION, &params);
    Ok(jobs
        .set_schedule_in(tx, RETENTION, id, cadence, what)
        .await?)
}

/// The policy as it is stored, and when it runs.
fn written(body: &PolicyBody) -> Result<(String, Cadence), RetentionError> {
    if !matches!(body.algorithm.as_str(), "" | "or") {
        return Err(RetentionError::Invalid(
            "the algorithm of a retention policy is \"or\"".to_owned(),
        ));
    }
    RetentionRules::read(&body.rules)?;
    let trigger = body.trigger.clone().unwrap_or_default();
    if !matches!(trigger.kind.as_str(), "" | "Schedule" | "Manual") {
        return Err(RetentionError::Invalid(
            "the trigger of a retention policy is \"Schedule\"".to_owned(),
        ));
    }
    let cron = trigger.cron();
    let cadence = if cron.is_empty() {
        Cadence::none()
    } else {
        Cadence::custom(cron).map_err(JobsError::from)?
    };
    let text = body.stored();
    if text.len() > LARGEST {
        return Err(RetentionError::Invalid(format!(
            "a retention policy is at most {LARGEST} bytes long"
        )));
    }
    Ok((text, cadence))
}
