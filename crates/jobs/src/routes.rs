//! Harbor's API over the job service: queues, pools, workers, logs, schedules.
//!
//! Invariant: a handler does not ask who may; each endpoint states its access.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use berth_http::{ApiError, Json, ListQuery, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Entry, Operation, Permission, audit};
use berth_model::{Action, Resource, TaskId, Timestamp};
use http::{HeaderValue, Method, Uri, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Jobs, JobsError, Pool, Queue, Schedule, Task};

const TAG: &str = "jobservice";

const fn monitor(action: Action) -> Access {
    Access::System(Permission::new(Resource::JobserviceMonitor, action))
}

#[derive(Clone)]
struct Service {
    jobs: Jobs,
}

/// Every endpoint of this crate.
pub fn endpoints(jobs: Jobs) -> Vec<Endpoint> {
    let service = Service { jobs };
    let state = || service.clone();
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/jobservice/pools",
            monitor(Action::List),
            get(pools).with_state(state()),
        )
        .describe(
            Operation::new("getWorkerPools", TAG, "The processes that run jobs")
                .answer::<Vec<PoolBody>>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/jobservice/pools/{pool_id}/workers",
            monitor(Action::List),
            get(workers).with_state(state()),
        )
        .describe(
            Operation::new(
                "getWorkers",
                TAG,
                "What a process runs; `all` is every process",
            )
            .answer::<Vec<WorkerBody>>(),
        ),
        Endpoint::new(
            Method::PUT,
            "/api/v2.0/jobservice/jobs/{job_id}",
            monitor(Action::Stop),
            put(stop_job).with_state(state()),
        )
        .describe(Operation::new("stopRunningJob", TAG, "Stop a running job")),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/jobservice/jobs/{job_id}/log",
            monitor(Action::List),
            get(job_log).with_state(state()),
        )
        .describe(
            Operation::new("actionGetJobLog", TAG, "What a job has said so far")
                .media_type("text/plain"),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/jobservice/queues",
            monitor(Action::List),
            get(queues).with_state(state()),
        )
        .describe(
            Operation::new("listJobQueues", TAG, "The job types and what waits of them")
                .answer::<Vec<QueueBody>>(),
        ),
        Endpoint::new(
            Method::PUT,
            "/api/v2.0/jobservice/queues/{job_type}",
            monitor(Action::Stop),
            put(act_on_queue).with_state(state()),
        )
        .describe(
            Operation::new(
                "actionPendingJobs",
                TAG,
                "Stop what waits of a job type, pause or resume it; `all` is every type",
            )
            .body::<ActionBody>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/schedules",
            monitor(Action::List),
            get(schedules).with_state(state()),
        )
        .describe(
            Operation::new(
                "listSchedules",
                "schedule",
                "What begins by itself, and when",
            )
            .paged()
            .answer::<Vec<ScheduleBody>>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/schedules/{job_type}/paused",
            Access::Authenticated,
            get(paused).with_state(state()),
        )
        .describe(
            Operation::new(
                "getSchedulePaused",
                "schedule",
                "Whether the schedules are paused",
            )
            .answer::<PausedBody>(),
        ),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WorkerPool")]
struct PoolBody {
    worker_pool_id: String,
    pid: i64,
    host: String,
    concurrency: i64,
    start_at: String,
    heartbeat_at: String,
}

impl From<Pool> for PoolBody {
    fn from(pool: Pool) -> Self {
        Self {
            worker_pool_id: pool.id,
            pid: pool.pid,
            host: pool.host,
            concurrency: pool.concurrency,
            start_at: pool.started_at.to_rfc3339(),
            heartbeat_at: pool.heartbeat_at.to_rfc3339(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Worker")]
struct WorkerBody {
    id: String,
    pool_id: String,
    /// Empty: the worker is free.
    job_name: String,
    job_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    check_in: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkin_at: Option<String>,
}

impl WorkerBody {
    fn of(pool: &Pool, number: usize, task: Option<&Task>) -> Self {
        let progress = |task: &Task| match task.progress {
            (_, 0) => String::new(),
            (done, total) => format!("{done}/{total}"),
        };
        Self {
            id: format!("{}-{number}", pool.id),
            pool_id: pool.id.clone(),
            job_name: task.map(|task| task.kind.clone()).unwrap_or_default(),
            job_id: task.map(|task| task.id.to_string()).unwrap_or_default(),
            start_at: task.and_then(|task| Some(task.started_at?.to_rfc3339())),
            check_in: task.map(progress).unwrap_or_default(),
            checkin_at: task.map(|task| task.updated_at.to_rfc3339()),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobQueue")]
struct QueueBody {
    job_type: String,
    count: i64,
    /// For how long the oldest has been waiting, seconds.
    latency: i64,
    paused: bool,
}

impl From<Queue> for QueueBody {
    fn from(queue: Queue) -> Self {
        Self {
            job_type: queue.kind,
            count: queue.count,
            latency: queue.latency,
            paused: queue.paused,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ActionRequest")]
struct ActionBody {
    /// `stop`, `pause` or `resume`.
    action: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScheduleTask")]
struct ScheduleBody {
    id: i64,
    vendor_type: String,
    vendor_id: i64,
    cron: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_scheduled_time: Option<String>,
}

impl From<Schedule> for ScheduleBody {
    fn from(schedule: Schedule) -> Self {
        Self {
            id: schedule.id,
            vendor_type: schedule.vendor,
            vendor_id: schedule.vendor_id,
            cron: schedule.cron,
            update_time: schedule.updated_at.to_rfc3339(),
            next_scheduled_time: schedule.next_at.map(Timestamp::to_rfc3339),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SchedulerStatus")]
struct PausedBody {
    paused: bool,
}

fn task_id(text: &str) -> Result<TaskId, ApiError> {
    let id = text.parse::<i64>().map(TaskId);
    id.map_err(|_| JobsError::NotFound(format!("job {text}")).into())
}

async fn pools(State(service): State<Service>) -> Result<Json<Vec<PoolBody>>, ApiError> {
    let pools = service.jobs.pools().await?;
    Ok(Json(pools.into_iter().map(PoolBody::from).collect()))
}

async fn workers(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<WorkerBody>>, ApiError> {
    let mut pools = service.jobs.pools().await?;
    if id != "all" {
        pools.retain(|pool| pool.id == id);
        if pools.is_empty() {
            return Err(JobsError::NotFound(format!("worker pool {id}")).into());
        }
    }
    let mut workers = Vec::new();
    for pool in &pools {
        let tasks = service.jobs.running_tasks(Some(&pool.id)).await?;
        let most = tasks.len().max(pool.concurrency.clamp(0, 1000) as usize);
        workers.extend((0..most).map(|number| WorkerBody::of(pool, number, tasks.get(number))));
    }
    Ok(Json(workers))
}

async fn stop_job(
    State(service): State<Service>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    let id = task_id(&id)?;
    service.jobs.stop_task(id).await?;
    service.note(&caller, "stop", &format!("job {id}")).await
}

async fn job_log(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = task_id(&id)?;
    service.jobs.task(id).await?;
    let (text, _) = service.jobs.task_log(id, 0).await?;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn queues(State(service): State<Service>) -> Result<Json<Vec<QueueBody>>, ApiError> {
    let queues = service.jobs.queues().await?;
    Ok(Json(queues.into_iter().map(QueueBody::from).collect()))
}

async fn act_on_queue(
    State(service): State<Service>,
    caller: Caller,
    Path(kind): Path<String>,
    Json(request): Json<ActionBody>,
) -> Result<(), ApiError> {
    match request.action.as_str() {
        "stop" => service.jobs.stop_waiting(&kind).await?,
        "pause" => service.jobs.pause(&kind, true).await?,
        "resume" => service.jobs.pause(&kind, false).await?,
        _ => {
            let sentence = "the action must be stop, pause or resume";
            return Err(JobsError::Invalid(sentence.to_owned()).into());
        }
    }
    service
        .note(&caller, &request.action, &format!("queue {kind}"))
        .await
}

async fn schedules(
    State(service): State<Service>,
    page: Page,
    wanted: ListQuery,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked = (wanted.q.as_str(), wanted.sort.as_str());
    let found = service.jobs.schedules(asked, page.limit(), page.offset());
    let (schedules, total) = found.await?;
    let bodies: Vec<ScheduleBody> = schedules.into_iter().map(ScheduleBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn paused(
    State(service): State<Service>,
    Path(kind): Path<String>,
) -> Result<Json<PausedBody>, ApiError> {
    let paused = service.jobs.is_paused(&kind).await?;
    Ok(Json(PausedBody { paused }))
}

impl Service {
    /// Writes who did what to the job service into the access log.
    async fn note(&self, caller: &Caller, operation: &str, what: &str) -> Result<(), ApiError> {
        let now = self.jobs.clock().now();
        let mut entry = Entry::by(caller, operation, "jobservice", now);
        what.clone_into(&mut entry.resource);
        self.jobs
            .db()
            .write(move |tx| Box::pin(async move { audit::record(tx, entry).await }))
            .await
            .map_err(JobsError::from)?;
        Ok(())
    }
}
