//! The catalog on both engines, through its services and through its routes.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod log;
mod members;
mod outbox;
mod projects;
mod recorder;
mod repositories;
mod routes;
mod settings;
mod support;
