//! What the routes take and answer, in Harbor's shapes.

use std::borrow::Cow;

use berth_jobs::{Execution, Schedule, Task, Trigger};
use berth_model::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Harbor's `Schedule`, as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleRequest")]
pub(super) struct Asked {
    /// When.
    pub(super) schedule: Wanted,
    /// What each run is told.
    #[serde(default)]
    pub(super) parameters: Map<String, Value>,
}

/// Harbor's `ScheduleObj`, as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleObjRequest")]
pub(super) struct Wanted {
    /// `Hourly`, `Daily`, `Weekly`, `Custom`; `Manual` runs it now; `None` ends a schedule.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    /// Six fields, seconds first; with `Custom`.
    #[serde(default)]
    pub(super) cron: String,
}

/// Harbor's `ScheduleObj`, as it is answered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScheduleObj")]
pub(super) struct When {
    #[serde(rename = "type")]
    kind: String,
    cron: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_scheduled_time: Option<String>,
}

/// Harbor's `GCHistory`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GCHistory")]
pub(super) struct RunBody {
    id: i64,
    job_name: &'static str,
    /// `MANUAL` or `SCHEDULE`.
    job_kind: &'static str,
    /// JSON: what it was told, and what came of it.
    job_parameters: String,
    schedule: When,
    job_status: &'static str,
    deleted: bool,
    creation_time: String,
    update_time: String,
}

/// Harbor's `ExecHistory`: the same, of everything that is no garbage collection.
pub(super) struct OtherRun;

impl JsonSchema for OtherRun {
    fn schema_name() -> Cow<'static, str> {
        "ExecHistory".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RunBody::json_schema(generator)
    }
}

impl RunBody {
    /// A run. What came of it stands beside what it was told.
    pub(super) fn run(vendor: &'static str, run: Execution, task: Option<Task>) -> Self {
        let mut parameters = object(run.attributes);
        if let Some(task) = task {
            parameters.extend(object(task.attributes));
            let (done, total) = task.progress;
            if total > 0 {
                parameters.insert("progress".to_owned(), format!("{done}/{total}").into());
            }
        }
        let kind = match run.trigger {
            Trigger::Manual => "Manual",
            Trigger::Schedule | Trigger::Event => "Schedule",
        };
        Self {
            id: run.id.get(),
            job_name: vendor,
            job_kind: run.trigger.as_str(),
            job_parameters: Value::Object(parameters).to_string(),
            schedule: When {
                kind: kind.to_owned(),
                cron: String::new(),
                next_scheduled_time: None,
            },
            job_status: run.status.as_str(),
            deleted: false,
            creation_time: run.started_at.to_rfc3339(),
            update_time: run.updated_at.to_rfc3339(),
        }
    }

    /// A schedule, or that there is none.
    pub(super) fn schedule(vendor: &'static str, found: Option<Schedule>) -> Self {
        let time = |at: Timestamp| at.to_rfc3339();
        let start = Timestamp::from_seconds(0);
        let (created, updated) = found.as_ref().map_or((start, start), |schedule| {
            (schedule.created_at, schedule.updated_at)
        });
        Self {
            id: found.as_ref().map_or(0, |schedule| schedule.id),
            job_name: vendor,
            job_kind: Trigger::Schedule.as_str(),
            job_parameters: found
                .as_ref()
                .map_or_else(|| "{}".to_owned(), |schedule| schedule.params.to_string()),
            schedule: When {
                kind: found
                    .as_ref()
                    .map_or_else(|| "None".to_owned(), |schedule| schedule.cadence.clone()),
                cron: found
                    .as_ref()
                    .map(|schedule| schedule.cron.clone())
                    .unwrap_or_default(),
                next_scheduled_time: found
                    .as_ref()
                    .and_then(|schedule| schedule.next_at.map(time)),
            },
            job_status: "",
            deleted: false,
            creation_time: time(created),
            update_time: time(updated),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
