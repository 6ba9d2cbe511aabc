//! Tests of the crate at its boundary.
#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod age;
mod archives;
mod feeds;
mod folders;
mod hostile;
mod images;
mod made;
mod output;
mod registry;
mod verdicts;
