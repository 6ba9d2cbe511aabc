//! What APIs take and answer about schedules, in Harbor's shapes, whatever it is that they begin.

use berth_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Schedule;

/// Harbor's `Schedule`, as it is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleRequest")]
pub struct ScheduleRequest {
    /// When. Harbor reads keys whatever their case, and a client relies on it.
    #[serde(alias = "Schedule")]
    pub schedule: ScheduleWanted,
    /// What each run is told.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// Harbor's `ScheduleObj`, as it is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleObjRequest")]
pub struct ScheduleWanted {
    /// `Hourly`, `Daily`, `Weekly`, `Custom`; `Manual` runs it now; `None` ends a schedule.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Six fields, seconds first; with `Custom`.
    #[serde(default, alias = "Cron")]
    pub cron: String,
}

/// Harbor's `ScheduleObj`, as it is answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScheduleObj")]
pub struct ScheduleShown {
    #[serde(rename = "type")]
    kind: String,
    cron: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_scheduled_time: Option<String>,
}

impl ScheduleShown {
    /// By this word alone.
    pub fn word(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            cron: String::new(),
            next_scheduled_time: None,
        }
    }
}

impl From<Option<&Schedule>> for ScheduleShown {
    fn from(found: Option<&Schedule>) -> Self {
        found.map_or_else(
            || Self::word("None"),
            |schedule| Self {
                kind: schedule.cadence.clone(),
                cron: schedule.cron.clone(),
                next_scheduled_time: schedule.next_at.map(Timestamp::to_rfc3339),
            },
        )
    }
}
