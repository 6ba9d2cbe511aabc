//! Harbor's API over what keeps the store in order: runs, their logs and their schedules. Scrubs
//! and repairs, which Harbor does not have, in the same shape.
//!
//! Invariant: a handler does not ask who may; each endpoint states its access. An id leads only to
//! runs of its own kind.

mod bodies;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use berth_db::{DbError, Tx};
use berth_http::{ApiError, Json, ListQuery, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Entry, Operation, Permission, audit};
use berth_jobs::{
    Cadence, Execution, ExecutionQuery, Jobs, JobsError, NewExecution, NewTask, ScheduleRequest,
    Task, Trigger,
};
use berth_model::{Action, Code, ExecutionId, Resource};
use http::{HeaderValue, Method, StatusCode, Uri, header};

use crate::Lifecycle;
use crate::jobs::{GARBAGE_COLLECTION, PURGE_AUDIT_LOG, REPAIR, SCRUB};

use bodies::{OtherRun, RunBody};

/// One kind of upkeep: where its routes are and what they are called.
#[derive(Clone, Copy)]
struct Chore {
    /// Its vendor, and its job type.
    vendor: &'static str,
    /// Of its routes.
    path: &'static str,
    /// What the access log calls it.
    name: &'static str,
    resource: Resource,
    tag: &'static str,
    routes: Routes,
    /// The names of its operations, in the order of [`endpoints_of`].
    operations: [&'static str; 7],
}

/// The paths of a chore.
#[derive(Clone, Copy)]
struct Routes {
    runs: &'static str,
    run: &'static str,
    log: &'static str,
    schedule: &'static str,
}

macro_rules! routes {
    ($path:literal, $id:literal) => {
        Routes {
            runs: $path,
            run: concat!($path, "/{", $id, "}"),
            log: concat!($path, "/{", $id, "}/log"),
            schedule: concat!($path, "/schedule"),
        }
    };
}

const CHORES: [Chore; 4] = [
    Chore {
        vendor: GARBAGE_COLLECTION,
        path: "/api/v2.0/system/gc",
        name: "gc",
        resource: Resource::GarbageCollection,
        tag: "gc",
        routes: routes!("/api/v2.0/system/gc", "gc_id"),
        operations: [
            "getGCHistory",
            "getGC",
            "stopGC",
            "getGCLog",
            "getGCSchedule",
            "createGCSchedule",
            "updateGCSchedule",
        ],
    },
    Chore {
        vendor: PURGE_AUDIT_LOG,
        path: "/api/v2.0/system/purgeaudit",
        name: "purgeaudit",
        resource: Resource::PurgeAudit,
        tag: "purge",
        routes: routes!("/api/v2.0/system/purgeaudit", "purge_id"),
        operations: [
            "getPurgeHistory",
            "getPurgeJob",
            "stopPurge",
            "getPurgeJobLog",
            "getPurgeSchedule",
            "createPurgeSchedule",
            "updatePurgeSchedule",
        ],
    },
    Chore {
        vendor: SCRUB,
        path: "/api/v2.0/system/scrub",
        name: "scrub",
        resource: Resource::GarbageCollection,
        tag: "scrub",
        routes: routes!("/api/v2.0/system/scrub", "scrub_id"),
        operations: [
            "getScrubHistory",
            "getScrub",
            "stopScrub",
            "getScrubLog",
            "getScrubSchedule",
            "createScrubSchedule",
            "updateScrubSchedule",
        ],
    },
    Chore {
        vendor: REPAIR,
        path: "/api/v2.0/system/repair",
        name: "repair",
        resource: Resource::GarbageCollection,
        tag: "repair",
        routes: routes!("/api/v2.0/system/repair", "repair_id"),
        operations: [
            "getRepairHistory",
            "getRepair",
            "stopRepair",
            "getRepairLog",
            "getRepairSchedule",
            "createRepairSchedule",
            "updateRepairSchedule",
        ],
    },
];

/// Gives an operation its answer.
type Answering = fn(Operation) -> Operation;

#[derive(Clone)]
struct Service {
    lifecycle: Lifecycle,
    jobs: Jobs,
    chore: Chore,
}

/// Every endpoint of this crate.
pub fn endpoints(lifecycle: &Lifecycle, jobs: &Jobs) -> Vec<Endpoint> {
    let services = CHORES.map(|chore| Service {
        lifecycle: lifecycle.clone(),
        jobs: jobs.clone(),
        chore,
    });
    services.iter().flat_map(endpoints_of).collect()
}

fn endpoints_of(service: &Service) -> Vec<Endpoint> {
    let Chore {
        resource,
        tag,
        routes,
        operations: [history, one, stop_one, one_log, read, create, update],
        ..
    } = service.chore;
    let may = |action| Access::System(Permission::new(resource, action));
    let state = || service.clone();
    let of = |id, summary| Operation::new(id, tag, summary);
    // One shape, which Harbor knows by two names.
    let (one_of, list_of): (Answering, Answering) = match tag {
        "gc" => (
            Operation::answer::<RunBody>,
            Operation::answer::<Vec<RunBody>>,
        ),
        _ => (
            Operation::answer::<OtherRun>,
            Operation::answer::<Vec<OtherRun>>,
        ),
    };
    vec![
        Endpoint::new(
            Method::GET,
            routes.runs,
            may(Action::List),
            get(runs).with_state(state()),
        )
        .describe(list_of(of(history, "The runs, newest first").paged())),
        Endpoint::new(
            Method::GET,
            routes.run,
            may(Action::Read),
            get(run).with_state(state()),
        )
        .describe(one_of(of(one, "One run"))),
        Endpoint::new(
            Method::PUT,
            routes.run,
            may(Action::Stop),
            put(stop).with_state(state()),
        )
        .describe(of(stop_one, "Stop a run")),
        Endpoint::new(
            Method::GET,
            routes.log,
            may(Action::Read),
            get(log).with_state(state()),
        )
        .describe(of(one_log, "What a run has said so far").media_type("text/plain")),
        Endpoint::new(
            Method::GET,
            routes.schedule,
            may(Action::Read),
            get(schedule).with_state(state()),
        )
        .describe(one_of(of(read, "When it runs by itself"))),
        Endpoint::new(
            Method::POST,
            routes.schedule,
            may(Action::Create),
            post(create_schedule).with_state(state()),
        )
        .describe(
            of(create, "Run it now, or set when it runs by itself")
                .body::<ScheduleRequest>()
                .status(201)
                .errors(&[409]),
        ),
        Endpoint::new(
            Method::PUT,
            routes.schedule,
            may(Action::Update),
            put(update_schedule).with_state(state()),
        )
        .describe(
            of(update, "Set when it runs by itself, or run it now")
                .body::<ScheduleRequest>()
                .errors(&[409]),
        ),
    ]
}

async fn runs(
    State(service): State<Service>,
    page: Page,
    asked: ListQuery,
    uri: Uri,
) -> Result<Response, ApiError> {
    let vendors = [service.chore.vendor];
    let query = ExecutionQuery {
        vendors: &vendors,
        q: &asked.q,
        sort: &asked.sort,
        ..ExecutionQuery::default()
    };
    let (runs, total) = service
        .jobs
        .executions(query, page.limit(), page.offset())
        .await?;
    let mut bodies = Vec::with_capacity(runs.len());
    for run in runs {
        bodies.push(service.body(run).await?);
    }
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn run(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<RunBody>, ApiError> {
    let run = service.find(&id).await?;
    Ok(Json(service.body(run).await?))
}

async fn stop(
    State(service): State<Service>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    let run = service.find(&id).await?;
    service.jobs.stop_execution(run.id).await?;
    let entry = service.entry(&caller, "stop").on(id);
    let write = service
        .lifecycle
        .db
        .write(move |tx| Box::pin(async move { audit::record(tx, entry).await }));
    let written: Result<(), DbError> = write.await;
    Ok(written.map_err(JobsError::from)?)
}

async fn log(State(service): State<Service>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let run = service.find(&id).await?;
    let mut text = String::new();
    if let Some(task) = service.task(run.id).await? {
        (text, _) = service.jobs.task_log(task.id, 0).await?;
    }
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn schedule(State(service): State<Service>) -> Result<Json<RunBody>, ApiError> {
    let vendor = service.chore.vendor;
    let found = service.jobs.schedule(vendor, 0).await?;
    Ok(Json(RunBody::schedule(vendor, found)))
}

async fn create_schedule(
    State(service): State<Service>,
    caller: Caller,
    Json(asked): Json<ScheduleRequest>,
) -> Result<Response, ApiError> {
    let location = service.set(&caller, asked, "create").await?;
    let mut response = StatusCode::CREATED.into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn update_schedule(
    State(service): State<Service>,
    caller: Caller,
    Json(asked): Json<ScheduleRequest>,
) -> Result<(), ApiError> {
    service.set(&caller, asked, "update").await?;
    Ok(())
}

impl Service {
    fn entry(&self, caller: &Caller, operation: &str) -> Entry {
        let now = self.lifecycle.clock.now();
        Entry::by(caller, operation, self.chore.name, now)
    }

    /// Runs it now, or sets when it runs; gives where that can be looked at.
    async fn set(
        &self,
        caller: &Caller,
        asked: ScheduleRequest,
        change: &str,
    ) -> Result<String, ApiError> {
        let (chore, jobs) = (self.chore, self.jobs.clone());
        let params = asked.parameters.into();
        let wanted = asked.schedule;
        if wanted.kind == "Manual" {
            let new = NewExecution {
                vendor: chore.vendor,
                vendor_id: 0,
                trigger: Trigger::Manual,
                attributes: params,
                unique: Some(Jobs::unique_key(chore.vendor, 0)),
                tasks: Vec::new(),
            };
            let task = NewTask::new(chore.vendor, new.attributes.clone());
            let new = NewExecution {
                tasks: vec![task],
                ..new
            };
            let entry = self.entry(caller, "start");
            let id = self
                .lifecycle
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        let id = jobs.submit_in(tx, new).await?;
                        note(tx, entry.on(id.to_string())).await?;
                        Ok::<_, JobsError>(id)
                    })
                })
                .await?;
            return Ok(format!("{}/{id}", chore.path));
        }
        if wanted.kind.is_empty() {
            return Err(ApiError::bad_request(
                "schedule.type is missing: Manual, Hourly, Daily, Weekly, Custom or None",
            ));
        }
        let cadence = Cadence::parse(&wanted.kind, &wanted.cron).map_err(JobsError::from)?;
        let entry = self.entry(caller, change).on("schedule").saying(format!(
            "{} {}",
            cadence.word(),
            cadence.cron()
        ));
        self.lifecycle
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let task = (chore.vendor, &params);
                    // What never runs needs no parameters; it stays, so that no default comes back.
                    if cadence == Cadence::none() && jobs.check(chore.vendor, &params).is_err() {
                        jobs.remove_schedule_in(tx, chore.vendor, 0).await?;
                    } else {
                        jobs.set_schedule_in(tx, chore.vendor, 0, &cadence, task)
                            .await?;
                    }
                    note(tx, entry).await?;
                    Ok::<_, JobsError>(())
                })
            })
            .await?;
        Ok(format!("{}/schedule", chore.path))
    }

    async fn find(&self, id: &str) -> Result<Execution, ApiError> {
        let id = id
            .parse()
            .map(ExecutionId)
            .map_err(|_| ApiError::unprocessable("the id in the path must be a whole number"))?;
        let found = self.jobs.execution(self.chore.vendor, None, id).await;
        found.map_err(|error| match error {
            JobsError::NotFound(_) => ApiError::new(
                Code::NotFound,
                format!("{} {id} not found", self.chore.name),
            ),
            other => other.into(),
        })
    }

    /// The task that a run is made of.
    async fn task(&self, run: ExecutionId) -> Result<Option<Task>, ApiError> {
        let (tasks, _) = self.jobs.tasks(run, None, 1, 0).await?;
        Ok(tasks.into_iter().next())
    }

    async fn body(&self, run: Execution) -> Result<RunBody, ApiError> {
        let task = self.task(run.id).await?;
        Ok(RunBody::run(self.chore.vendor, run, task))
    }
}

async fn note(tx: &mut Tx, entry: Entry) -> Result<(), JobsError> {
    Ok(audit::record(tx, entry).await?)
}
