//! Work that goes on beside requests.
//!
//! An *execution* is one run of something (a garbage collection, a retention of a project, a
//! delivery of an event) and is made of *tasks*; a task is run by one worker. Both are rows, so
//! work survives the process that began it. What a task does is the [`Handler`] of its job type.
//!
//! Invariants: a task is run by the one worker whose lease its row names, and a worker whose lease
//! ran out writes nothing more (its `attempt` is the fence); a worker that dies loses nothing, its
//! tasks are taken over once their leases end; an execution has ended when, and only when, all its
//! tasks have.

mod bodies;
mod cadence;
mod context;
mod error;
mod executions;
mod handler;
mod jobs;
mod logs;
mod queues;
mod routes;
mod running;
mod schedules;
mod status;
mod store;
mod workers;

pub use bodies::{ScheduleRequest, ScheduleShown, ScheduleWanted};
pub use cadence::{Cadence, CadenceError};
pub use context::TaskContext;
pub use error::JobsError;
pub use executions::{Execution, ExecutionQuery, NewExecution, NewTask, Task};
pub use handler::{Handler, JobError, Kind, TaskEnd};
pub use jobs::{Jobs, JobsOptions};
pub use queues::{Pool, Queue};
pub use routes::endpoints;
pub use schedules::Schedule;
pub use status::{Status, Trigger, UnknownWord};
