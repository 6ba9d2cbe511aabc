//! The job types of the server, and what is scheduled where nobody has said otherwise.
//!
//! Every job type is registered here, so that one look shows what can run beside requests.

mod quotas;

use berth_config::Settings;
use berth_jobs::{Cadence, JobsError};
use serde_json::json;

use crate::Parts;

/// Registers every job type.
pub(crate) fn register(parts: &Parts, settings: &Settings) {
    let Parts {
        jobs,
        lifecycle,
        catalog,
        ..
    } = parts;
    jobs.register(quotas::ReconcileQuotas(lifecycle.clone()));
    berth_lifecycle::jobs::register(jobs, lifecycle, catalog, settings.scrub.rate_mib);
    parts.retention.register();
    parts.scanning.register();
}

/// Schedules what should be done regularly; an operator who changed a schedule keeps the change.
pub(crate) async fn schedule_defaults(parts: &Parts) -> Result<(), JobsError> {
    let daily = Cadence::daily();
    parts
        .jobs
        .default_schedule(quotas::KIND, &daily, quotas::KIND, &json!({}))
        .await?;
    parts.scanning.schedule_defaults().await?;
    berth_lifecycle::jobs::schedule_defaults(&parts.jobs).await
}
