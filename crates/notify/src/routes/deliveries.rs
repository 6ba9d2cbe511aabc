//! Deliveries: what became of them, their logs, and delivering once more.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use berth_http::{ApiError, ListQuery, Page, list_response};
use berth_iam::ProjectFacts;
use berth_jobs::{Execution, ExecutionQuery, JobsError, NewExecution, NewTask, Status, Trigger};
use berth_model::{ExecutionId, TaskId};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{StatusCode, Uri};
use serde::Deserialize;

use super::bodies::{ExecutionBody, JobBody, TaskBody};
use super::id_in_path;
use crate::policies::TargetKind;
use crate::{Notify, NotifyError};

const VENDORS: [&str; 2] = [TargetKind::Http.vendor(), TargetKind::Slack.vendor()];

pub(super) async fn executions(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, policy)): Path<(String, String)>,
    page: Page,
    asked: ListQuery,
    uri: Uri,
) -> Result<Response, ApiError> {
    let policy = id_in_path("webhook_policy_id", &policy)?;
    let found = notify.deliveries(&facts, policy, None, &asked, &page);
    let (found, total) = found.await?;
    let bodies: Vec<ExecutionBody> = found.into_iter().map(ExecutionBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

pub(super) async fn tasks(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, policy, execution)): Path<(String, String, String)>,
    page: Page,
    asked: ListQuery,
    uri: Uri,
) -> Result<Response, ApiError> {
    let execution = notify.delivery(&facts, &policy, &execution).await?;
    let (tasks, total) = notify
        .inner
        .jobs
        .find_tasks(
            execution.id,
            (&asked.q, &asked.sort),
            page.limit(),
            page.offset(),
        )
        .await
        .map_err(NotifyError::from)?;
    let bodies: Vec<TaskBody> = tasks.into_iter().map(TaskBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

pub(super) async fn log(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, policy, execution, task)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let execution = notify.delivery(&facts, &policy, &execution).await?;
    let task = TaskId(id_in_path("task_id", &task)?);
    let jobs = &notify.inner.jobs;
    jobs.task_of(execution.id, task)
        .await
        .map_err(NotifyError::from)?;
    let (text, _) = jobs.task_log(task, 0).await.map_err(NotifyError::from)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

pub(super) async fn redeliver(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, policy, execution)): Path<(String, String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    let past = notify.delivery(&facts, &policy, &execution).await?;
    let id = notify.deliver_again(&past).await?;
    let location = format!(
        "/api/v2.0/projects/{}/webhook/policies/{}/executions/{id}/tasks",
        facts.id, past.vendor_id
    );
    Ok((StatusCode::CREATED, [(LOCATION, location)]))
}

#[derive(Deserialize)]
struct Wanted {
    policy_id: Option<i64>,
    status: Option<String>,
}

pub(super) async fn jobs(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    asked: ListQuery,
    uri: Uri,
) -> Result<Response, ApiError> {
    let wanted: Wanted = serde_urlencoded::from_str(uri.query().unwrap_or_default())
        .map_err(|error| ApiError::bad_request(format!("the query cannot be read: {error}")))?;
    let policy = wanted
        .policy_id
        .ok_or_else(|| ApiError::unprocessable("policy_id in query is required".to_owned()))?;
    let status = wanted.status.filter(|word| !word.is_empty());
    let status: Option<Status> = status
        .map(|word| word.parse())
        .transpose()
        .map_err(|error: berth_jobs::UnknownWord| ApiError::bad_request(error.to_string()))?;
    let found = notify.deliveries(&facts, policy, status, &asked, &page);
    let (found, total) = found.await?;
    let bodies: Vec<JobBody> = found.into_iter().map(JobBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

impl Notify {
    async fn deliveries(
        &self,
        facts: &ProjectFacts,
        policy: i64,
        status: Option<Status>,
        asked: &ListQuery,
        page: &Page,
    ) -> Result<(Vec<Execution>, i64), NotifyError> {
        self.policy(facts.id, policy).await?;
        let query = ExecutionQuery {
            vendors: &VENDORS,
            vendor_id: Some(policy),
            status,
            q: &asked.q,
            sort: &asked.sort,
            ..ExecutionQuery::default()
        };
        let (limit, offset) = (page.limit(), page.offset());
        Ok(self.inner.jobs.executions(query, limit, offset).await?)
    }

    /// A delivery of a policy of this project.
    async fn delivery(
        &self,
        facts: &ProjectFacts,
        policy: &str,
        execution: &str,
    ) -> Result<Execution, ApiError> {
        let policy = id_in_path("webhook_policy_id", policy)?;
        let id = ExecutionId(id_in_path("execution_id", execution)?);
        self.policy(facts.id, policy).await?;
        for vendor in VENDORS {
            match self.inner.jobs.execution(vendor, Some(policy), id).await {
                Err(JobsError::NotFound(_)) => {}
                found => return Ok(found.map_err(NotifyError::from)?),
            }
        }
        let missing = JobsError::NotFound(format!("execution {id}"));
        Err(NotifyError::from(missing).into())
    }

    /// Delivers the event of a past delivery once more, to the target as it is now.
    async fn deliver_again(&self, past: &Execution) -> Result<ExecutionId, NotifyError> {
        let kind = if past.vendor == TargetKind::Slack.vendor() {
            TargetKind::Slack
        } else {
            TargetKind::Http
        };
        let (tasks, _) = self.inner.jobs.tasks(past.id, None, 1, 0).await?;
        let again = tasks
            .into_iter()
            .map(|task| NewTask::new(kind.vendor(), task.params));
        let new = NewExecution {
            vendor: kind.vendor(),
            vendor_id: past.vendor_id,
            trigger: Trigger::Manual,
            attributes: past.attributes.clone(),
            unique: None,
            tasks: again.collect(),
        };
        Ok(self.inner.jobs.submit(new).await?)
    }
}
