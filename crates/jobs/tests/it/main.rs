//! The job service at its boundary, on both engines, with real workers and handlers.

mod leases;
mod running;
mod schedules;
mod support;
