//! The whole server, in process, over real HTTP, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod answer;
mod app;
mod client;
mod content;
mod deletes;
mod errors;
mod harness;
mod listing;
mod manifests;
mod mounts;
mod pull;
mod push;
mod ranges;
mod referrers;
mod refused_tokens;
mod roles;
mod tokens;
