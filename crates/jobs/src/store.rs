//! The rows of executions, tasks, logs, schedules and workers.

pub(crate) mod execution;
pub(crate) mod lane;
pub(crate) mod log;
pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod task;
