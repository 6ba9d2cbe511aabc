//! `/retentions`.
//!
//! Invariant: an execution is reached only through its policy, and a task only through its
//! execution; the policy says whose they are.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Operation};
use berth_jobs::{Execution, ExecutionQuery};
use berth_model::{Action, ExecutionId, TaskId};
use http::{HeaderValue, Method, StatusCode, Uri, header};

use super::body::{ActionBody, ExecutionBody, MetadataBody, PolicyBody, RunBody, TaskBody};
use super::{RETENTION, Retention, RetentionError};

const POLICY: &str = "/api/v2.0/retentions/{id}";
const EXECUTIONS: &str = "/api/v2.0/retentions/{id}/executions";
const EXECUTION: &str = "/api/v2.0/retentions/{id}/executions/{eid}";
const TASKS: &str = "/api/v2.0/retentions/{id}/executions/{eid}/tasks";
const TASK: &str = "/api/v2.0/retentions/{id}/executions/{eid}/tasks/{tid}";

type Route = (Method, &'static str, MethodRouter<Retention>, Operation);

const fn operation(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Retention", summary)
}

/// Every endpoint of retention.
pub fn endpoints(retention: Retention) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = routes()
        .into_iter()
        .map(|(method, path, handler, operation)| {
            let handler = handler.with_state(retention.clone());
            Endpoint::new(method, path, Access::ByObject, handler).describe(operation)
        })
        .collect();
    let metadata = get(|| async { Json(MetadataBody::all()) });
    endpoints.push(
        Endpoint::new(
            Method::GET,
            "/api/v2.0/retentions/metadatas",
            Access::Authenticated,
            metadata,
        )
        .describe(
            operation("getRentenitionMetadata", "What retention policies can say")
                .answer::<MetadataBody>(),
        ),
    );
    endpoints
}

fn routes() -> Vec<Route> {
    vec![
        (
            Method::POST,
            "/api/v2.0/retentions",
            post(create),
            operation("createRetention", "Make the retention policy of a project")
                .body::<PolicyBody>()
                .creates()
                .errors(&[409]),
        ),
        (
            Method::GET,
            POLICY,
            get(read),
            operation("getRetention", "Read a retention policy").answer::<PolicyBody>(),
        ),
        (
            Method::PUT,
            POLICY,
            put(update),
            operation("updateRetention", "Change a retention policy")
                .body::<PolicyBody>()
                .errors(&[409]),
        ),
        (
            Method::DELETE,
            POLICY,
            delete(remove),
            operation("deleteRetention", "Delete a retention policy"),
        ),
        (
            Method::POST,
            EXECUTIONS,
            post(trigger),
            operation("triggerRetentionExecution", "Run a retention policy now")
                .body::<RunBody>()
                .creates()
                .errors(&[409]),
        ),
        (
            Method::GET,
            EXECUTIONS,
            get(executions),
            operation("listRetentionExecutions", "List the runs of a policy")
                .pages()
                .answer::<Vec<ExecutionBody>>(),
        ),
        (
            Method::PATCH,
            EXECUTION,
            patch(operate),
            operation("operateRetentionExecution", "Stop a run").body::<ActionBody>(),
        ),
        (
            Method::GET,
            TASKS,
            get(tasks),
            operation("listRetentionTasks", "List what a run did, by repository")
                .pages()
                .answer::<Vec<TaskBody>>(),
        ),
        (
            Method::GET,
            TASK,
            get(log),
            operation("getRetentionTaskLog", "What a run said of a repository")
                .media_type("text/plain"),
        ),
    ]
}

async fn create(
    State(retention): State<Retention>,
    caller: Caller,
    Json(policy): Json<PolicyBody>,
) -> Result<Response, ApiError> {
    let id = retention.create(&caller, policy).await?;
    Ok(created(&format!("/api/v2.0/retentions/{id}")))
}

async fn read(
    State(retention): State<Retention>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PolicyBody>, ApiError> {
    let policy = retention.policy_for(&caller, number(&id)?, Action::Read);
    Ok(Json(policy.await?.body))
}

async fn update(
    State(retention): State<Retention>,
    caller: Caller,
    Path(id): Path<String>,
    Json(policy): Json<PolicyBody>,
) -> Result<(), ApiError> {
    Ok(retention.change(&caller, number(&id)?, policy).await?)
}

async fn remove(
    State(retention): State<Retention>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    Ok(retention.remove(&caller, number(&id)?).await?)
}

async fn trigger(
    State(retention): State<Retention>,
    caller: Caller,
    Path(id): Path<String>,
    Json(run): Json<RunBody>,
) -> Result<Response, ApiError> {
    let id = number(&id)?;
    let execution = retention.start(&caller, id, run.dry_run).await?;
    Ok(created(&format!(
        "/api/v2.0/retentions/{id}/executions/{execution}"
    )))
}

async fn executions(
    State(retention): State<Retention>,
    caller: Caller,
    Path(id): Path<String>,
    page: Page,
    uri: Uri,
) -> Result<Response, ApiError> {
    let policy = retention
        .policy_for(&caller, number(&id)?, Action::List)
        .await?;
    let query = ExecutionQuery {
        vendors: &[RETENTION],
        vendor_id: Some(policy.id),
        ..ExecutionQuery::default()
    };
    let found = retention
        .jobs
        .executions(query, page.limit(), page.offset());
    let (runs, total) = found.await?;
    let bodies: Vec<ExecutionBody> = runs.into_iter().map(ExecutionBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn operate(
    State(retention): State<Retention>,
    caller: Caller,
    Path((id, eid)): Path<(String, String)>,
    Json(body): Json<ActionBody>,
) -> Result<(), ApiError> {
    let run = retention
        .run_for(&caller, &id, &eid, Action::Update)
        .await?;
    if body.action != "stop" {
        return Err(ApiError::bad_request("the action on a run is \"stop\""));
    }
    Ok(retention.jobs.stop_execution(run.id).await?)
}

async fn tasks(
    State(retention): State<Retention>,
    caller: Caller,
    Path((id, eid)): Path<(String, String)>,
    page: Page,
    uri: Uri,
) -> Result<Response, ApiError> {
    let run = retention.run_for(&caller, &id, &eid, Action::List).await?;
    let found = retention
        .jobs
        .tasks(run.id, None, page.limit(), page.offset());
    let (tasks, total) = found.await?;
    let bodies: Vec<TaskBody> = tasks.into_iter().map(TaskBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn log(
    State(retention): State<Retention>,
    caller: Caller,
    Path((id, eid, tid)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let run = retention.run_for(&caller, &id, &eid, Action::Read).await?;
    let task = retention
        .jobs
        .task_of(run.id, TaskId(number(&tid)?))
        .await?;
    let (text, _) = retention.jobs.task_log(task.id, 0).await?;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

impl Retention {
    /// A run of a policy, if the caller may do `action` to the policy.
    async fn run_for(
        &self,
        caller: &Caller,
        id: &str,
        eid: &str,
        action: Action,
    ) -> Result<Execution, RetentionError> {
        let policy = self.policy_for(caller, whole(id)?, action).await?;
        let eid = ExecutionId(whole(eid)?);
        let found = self.jobs.execution(RETENTION, Some(policy.id), eid).await?;
        Ok(found)
    }
}

fn number(text: &str) -> Result<i64, ApiError> {
    Ok(whole(text)?)
}

fn whole(text: &str) -> Result<i64, RetentionError> {
    text.parse()
        .map_err(|_| RetentionError::Invalid("an id in the path must be a whole number".to_owned()))
}

fn created(location: &str) -> Response {
    let mut response = StatusCode::CREATED.into_response();
    // Words and ids: nothing a header could not hold.
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
