//! Webhooks: projects tell other systems what happens in them. And audit lines, to a log server.
//!
//! The dispatcher takes events out of the outbox and makes an execution for each target of each
//! policy that listens; the job service delivers them. Invariant: an event leaves the outbox in the
//! transaction that makes its executions, so each is delivered at least once whatever crashes, and
//! executions are made in the order of the events.

mod deliver;
mod dispatch;
mod error;
mod notify;
mod payload;
mod policies;
mod routes;
mod store;
mod syslog;

pub use error::NotifyError;
pub use notify::Notify;
pub use routes::endpoints;
