//! Log lines, traces and counters.
//!
//! Invariant: none of them can slow a request down: lines and spans go through bounded queues,
//! what does not fit is dropped and counted, and labels take a bounded number of values.

mod lines;
mod log;
mod metrics;
mod observer;
mod trace;

pub use lines::DroppedLines;
pub use log::{Guard, InitError, LogFormat, LogOptions, init};
pub use metrics::{Direction, GcRun, Metrics};
pub use trace::TraceOptions;
