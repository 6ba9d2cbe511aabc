//! How the number of vulnerabilities has gone, day by day.
//!
//! Invariant: a day is kept as it was counted last; the day that has not ended is counted whenever
//! it is asked for, and kept by a job.

use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use berth_http::{ApiError, Json, Query};
use berth_iam::{Access, Endpoint, Operation, Permission};
use berth_jobs::{Handler, JobError, Kind, TaskContext};
use berth_model::{Action, Resource, Timestamp};
use futures_util::future::BoxFuture;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Scanning;
use crate::store::trend::{self, DayRow};

/// The job type, and its vendor.
pub(crate) const TREND: &str = "SECURITY_TREND";
/// When days are kept: shortly before they end, and once more as they begin.
pub(crate) const CRON: &str = "0 55 11,23 * * *";

const DAY: Duration = Duration::from_hours(24);
/// Days that can be asked for.
const MOST: u32 = 365;
/// Days that are asked for where nothing is said.
const USUAL: u32 = 30;
/// Days that are kept.
const KEPT: u32 = 400;

/// Keeps what is counted today.
pub(crate) struct Keep(pub(crate) Scanning);

impl Handler for Keep {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            time_out: Some(Duration::from_mins(30)),
            ..Kind::new(TREND)
        }
    }

    fn check(&self, _: &Value) -> Result<(), String> {
        Ok(())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let today = beginning(task.clock().now());
            let row = trend::count(&self.0.db, today)
                .await
                .map_err(JobError::retry)?;
            let first = today.minus(DAY * KEPT);
            self.0
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        trend::put(tx, &row).await?;
                        trend::forget(tx, first).await
                    })
                })
                .await
                .map_err(JobError::retry)
        })
    }
}

/// The beginning of the day, UTC, that `at` lies in.
fn beginning(at: Timestamp) -> Timestamp {
    const SECONDS: i64 = 24 * 60 * 60;
    Timestamp::from_seconds(at.seconds().div_euclid(SECONDS) * SECONDS)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
struct TrendQuery {
    /// How many days, up to today.
    #[schemars(range(min = 1, max = 365))]
    days: u32,
}

impl Default for TrendQuery {
    fn default() -> Self {
        Self { days: USUAL }
    }
}

/// What all images had at the end of a day; today: what they have.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SecurityDay")]
struct DayBody {
    /// Its beginning.
    #[schemars(extend("format" = "date-time"))]
    day: String,
    critical_cnt: i64,
    high_cnt: i64,
    medium_cnt: i64,
    low_cnt: i64,
    none_cnt: i64,
    unknown_cnt: i64,
    fixable_cnt: i64,
    scanned_cnt: i64,
    total_artifact: i64,
}

impl From<DayRow> for DayBody {
    fn from(row: DayRow) -> Self {
        Self {
            day: Timestamp::from_micros(row.day).to_rfc3339(),
            critical_cnt: row.totals.critical,
            high_cnt: row.totals.high,
            medium_cnt: row.totals.medium,
            low_cnt: row.totals.low,
            none_cnt: row.totals.negligible,
            unknown_cnt: row.totals.unknown,
            fixable_cnt: row.totals.fixable,
            scanned_cnt: row.scanned,
            total_artifact: row.artifacts,
        }
    }
}

pub(crate) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/security/trend",
            Access::System(Permission::new(Resource::SecurityHub, Action::Read)),
            get(read).with_state(scanning.clone()),
        )
        .describe(
            Operation::new(
                "getSecurityTrend",
                "securityhub",
                "Vulnerabilities in all images, day by day",
            )
            .query::<TrendQuery>()
            .answer::<Vec<DayBody>>(),
        ),
    ]
}

async fn read(
    State(scanning): State<Scanning>,
    Query(wanted): Query<TrendQuery>,
) -> Result<Json<Vec<DayBody>>, ApiError> {
    if !(1..=MOST).contains(&wanted.days) {
        return Err(ApiError::unprocessable(format!(
            "days is a number from 1 to {MOST}, not {}",
            wanted.days
        )));
    }
    let today = beginning(scanning.clock.now());
    let first = today.minus(DAY * (wanted.days - 1));
    let mut rows = trend::days(&scanning.db, first, today).await?;
    rows.push(trend::count(&scanning.db, today).await?);
    Ok(Json(rows.into_iter().map(DayBody::from).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        for (at, day) in [(0, 0), (86_399, 0), (86_400, 86_400), (-1, -86_400)] {
            let at = Timestamp::from_seconds(at);
            assert_eq!(beginning(at), Timestamp::from_seconds(day));
        }
    }
}
