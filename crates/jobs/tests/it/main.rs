//! The job service at its boundary, on both engines, with real workers and handlers.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod leases;
mod running;
mod schedules;
mod support;
