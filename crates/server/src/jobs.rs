//! The job types of the server, and what is scheduled where nobody has said otherwise.
//!
//! Every job type is registered here, so that one look shows what can run beside requests.

use berth_jobs::JobsError;

use crate::Parts;

/// Registers every job type.
pub(crate) fn register(parts: &Parts) {
    let _ = &parts.jobs;
}

/// Schedules what should be done regularly; an operator who changed a schedule keeps the change.
pub(crate) async fn schedule_defaults(parts: &Parts) -> Result<(), JobsError> {
    let _ = &parts.jobs;
    Ok(())
}
