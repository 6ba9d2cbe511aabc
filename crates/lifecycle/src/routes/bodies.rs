//! What the routes take and answer, in Harbor's shapes.

use std::borrow::Cow;

use berth_jobs::{Execution, Schedule, ScheduleShown, Task, Trigger};
use berth_model::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

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
    schedule: ScheduleShown,
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
            schedule: ScheduleShown::word(kind),
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
            schedule: found.as_ref().into(),
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
