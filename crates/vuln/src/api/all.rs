//! Harbor's routes over scans of everything: schedule, stop, and how far the last one has come.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use berth_db::Tx;
use berth_http::{ApiError, Json};
use berth_iam::{Access, Caller, Endpoint, Entry, Operation, Permission, audit};
use berth_jobs::{
    Cadence, Execution, ExecutionQuery, JobsError, Schedule, ScheduleRequest, ScheduleShown,
    Trigger,
};
use berth_model::{Action, Code, Resource, Timestamp};
use http::{HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::external::SCAN_EXTERNAL;
use crate::scan_all::SCAN_ALL;
use crate::{SCAN, Scanning, VulnError};

const SCHEDULE: &str = "/api/v2.0/system/scanAll/schedule";
const METRICS: &str = "/api/v2.0/scans/all/metrics";

/// How far a scan of everything has come.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Stats")]
struct StatsBody {
    /// Images that are to be scanned.
    total: i64,
    /// Those whose scan has ended, however.
    completed: i64,
    /// How many scans stand where.
    metrics: BTreeMap<String, i64>,
    ongoing: bool,
    /// `Manual` or `Schedule`; none: nothing was scanned yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'static str>,
}

/// Harbor's `Schedule`, as it is answered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
struct ScheduleBody {
    id: i64,
    status: &'static str,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
    schedule: ScheduleShown,
    parameters: Map<String, Value>,
}

impl From<Option<Schedule>> for ScheduleBody {
    fn from(found: Option<Schedule>) -> Self {
        let start = Timestamp::from_seconds(0);
        let (id, made, changed) = found.as_ref().map_or((0, start, start), |schedule| {
            (schedule.id, schedule.created_at, schedule.updated_at)
        });
        Self {
            id,
            status: "",
            creation_time: made.to_rfc3339(),
            update_time: changed.to_rfc3339(),
            schedule: found.as_ref().into(),
            parameters: Map::new(),
        }
    }
}

pub(super) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let may = |action| Access::System(Permission::new(Resource::ScanAll, action));
    let operation = |id, summary| Operation::new(id, "scanAll", summary);
    let routes = [
        (
            Method::GET,
            METRICS,
            Action::Read,
            get(metrics),
            operation(
                "getLatestScanAllMetrics",
                "How far the last scan of everything has come",
            )
            .answer::<StatsBody>(),
        ),
        (
            Method::GET,
            "/api/v2.0/scans/schedule/metrics",
            Action::Read,
            get(scheduled_metrics),
            operation(
                "getLatestScheduledScanAllMetrics",
                "How far the last scan of everything has come that began by itself",
            )
            .answer::<StatsBody>(),
        ),
        (
            Method::GET,
            SCHEDULE,
            Action::Read,
            get(schedule),
            operation("getScanAllSchedule", "When everything is scanned").answer::<ScheduleBody>(),
        ),
        (
            Method::POST,
            SCHEDULE,
            Action::Create,
            post(create_schedule),
            operation(
                "createScanAllSchedule",
                "Scan everything now, or set when it is scanned",
            )
            .body::<ScheduleRequest>()
            .creates()
            .errors(&[409, 412]),
        ),
        (
            Method::PUT,
            SCHEDULE,
            Action::Update,
            put(update_schedule),
            operation("updateScanAllSchedule", "Set when everything is scanned")
                .body::<ScheduleRequest>(),
        ),
        (
            Method::POST,
            "/api/v2.0/system/scanAll/stop",
            Action::Stop,
            post(stop),
            operation("stopScanAll", "Stop scanning everything")
                .status(202)
                .errors(&[400]),
        ),
    ];
    routes
        .into_iter()
        .map(|(method, path, action, handler, operation)| {
            let handler = handler.with_state(scanning.clone());
            Endpoint::new(method, path, may(action), handler).describe(operation)
        })
        .collect()
}

async fn metrics(State(scanning): State<Scanning>) -> Result<Json<StatsBody>, ApiError> {
    scanning.stats(None).await
}

async fn scheduled_metrics(State(scanning): State<Scanning>) -> Result<Json<StatsBody>, ApiError> {
    scanning.stats(Some(Trigger::Schedule)).await
}

async fn schedule(State(scanning): State<Scanning>) -> Result<Json<ScheduleBody>, ApiError> {
    Ok(Json(scanning.jobs.schedule(SCAN_ALL, 0).await?.into()))
}

async fn create_schedule(
    State(scanning): State<Scanning>,
    caller: Caller,
    Json(asked): Json<ScheduleRequest>,
) -> Result<Response, ApiError> {
    let place = match asked.schedule.kind.as_str() {
        "Manual" => {
            let entry = scanning.entry(&caller, "start");
            let this = scanning.clone();
            scanning
                .db
                .write::<_, JobsError, _>(move |tx| {
                    Box::pin(async move {
                        let id = this.submit_all(tx).await?;
                        note(tx, entry.on(id.to_string())).await
                    })
                })
                .await?;
            METRICS
        }
        "None" => SCHEDULE,
        _ => {
            if scanning.jobs.schedule(SCAN_ALL, 0).await?.is_some() {
                return Err(ApiError::new(
                    Code::Precondition,
                    "there is a schedule: change it with PUT, or delete it with the type None",
                ));
            }
            scanning.set(&caller, asked, "create").await?;
            SCHEDULE
        }
    };
    let mut response = StatusCode::CREATED.into_response();
    let place = HeaderValue::from_static(place);
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

async fn update_schedule(
    State(scanning): State<Scanning>,
    caller: Caller,
    Json(asked): Json<ScheduleRequest>,
) -> Result<(), ApiError> {
    if asked.schedule.kind == "Manual" {
        return Err(ApiError::bad_request(
            "Manual is no schedule: scan everything now with POST",
        ));
    }
    scanning.set(&caller, asked, "update").await
}

async fn stop(State(scanning): State<Scanning>, caller: Caller) -> Result<StatusCode, ApiError> {
    let last = scanning.last_scan_all(None).await?;
    let Some(running) = last.filter(|last| last.ended_at.is_none()) else {
        return Err(ApiError::bad_request(
            "everything is not being scanned: there is nothing to stop",
        ));
    };
    scanning.jobs.stop_execution(running.id).await?;
    let entry = scanning.entry(&caller, "stop").on(running.id.to_string());
    scanning
        .db
        .write::<_, JobsError, _>(move |tx| Box::pin(async move { note(tx, entry).await }))
        .await?;
    Ok(StatusCode::ACCEPTED)
}

async fn note(tx: &mut Tx, entry: Entry) -> Result<(), JobsError> {
    Ok(audit::record(tx, entry).await?)
}

impl Scanning {
    fn entry(&self, caller: &Caller, operation: &str) -> Entry {
        Entry::by(caller, operation, "scanall", self.clock.now())
    }

    /// Sets when everything is scanned; `None` ends it.
    async fn set(
        &self,
        caller: &Caller,
        asked: ScheduleRequest,
        change: &str,
    ) -> Result<(), ApiError> {
        let wanted = asked.schedule;
        if wanted.kind.is_empty() {
            return Err(ApiError::bad_request(
                "schedule.type is missing: Manual, Hourly, Daily, Weekly, Custom or None",
            ));
        }
        let cadence = Cadence::parse(&wanted.kind, &wanted.cron).map_err(JobsError::from)?;
        let (word, cron) = (cadence.word(), cadence.cron());
        let entry = self.entry(caller, change).on("schedule");
        let entry = entry.saying(format!("{word} {cron}"));
        let jobs = self.jobs.clone();
        self.db
            .write::<_, JobsError, _>(move |tx| {
                Box::pin(async move {
                    if cadence == Cadence::none() {
                        jobs.remove_schedule_in(tx, SCAN_ALL, 0).await?;
                    } else {
                        let task = (SCAN_ALL, &json!({}));
                        jobs.set_schedule_in(tx, SCAN_ALL, 0, &cadence, task)
                            .await?;
                    }
                    note(tx, entry).await
                })
            })
            .await?;
        Ok(())
    }

    async fn last_scan_all(
        &self,
        trigger: Option<Trigger>,
    ) -> Result<Option<Execution>, JobsError> {
        let query = ExecutionQuery {
            vendors: &[SCAN_ALL],
            trigger,
            ..ExecutionQuery::default()
        };
        let (runs, _) = self.jobs.executions(query, 1, 0).await?;
        Ok(runs.into_iter().next())
    }

    async fn stats(&self, trigger: Option<Trigger>) -> Result<Json<StatsBody>, ApiError> {
        let Some(run) = self.last_scan_all(trigger).await? else {
            return Ok(Json(StatsBody::default()));
        };
        let mut counts = BTreeMap::new();
        for kind in [SCAN, SCAN_EXTERNAL] {
            let counted = self.jobs.task_counts(run.id, Some(kind)).await;
            for (status, count) in counted.map_err(VulnError::from)? {
                let counted = counts.entry(status.to_string()).or_insert((status, 0));
                counted.1 += count;
            }
        }
        let counts: Vec<_> = counts.into_values().collect();
        let given: i64 = counts.iter().map(|(_, count)| count).sum();
        let ended = counts.iter().filter(|(status, _)| status.is_final());
        let ongoing = run.ended_at.is_none();
        // Tasks are made little by little; how many it will be was counted at the beginning.
        let planned = run.attributes["planned"].as_i64().unwrap_or(0);
        Ok(Json(StatsBody {
            total: if ongoing { given.max(planned) } else { given },
            completed: ended.map(|(_, count)| count).sum(),
            metrics: counts
                .iter()
                .map(|(status, count)| (status.to_string(), *count))
                .collect(),
            ongoing,
            trigger: Some(match run.trigger {
                Trigger::Manual => "Manual",
                Trigger::Schedule => "Schedule",
                Trigger::Event => "Event",
            }),
        }))
    }
}
