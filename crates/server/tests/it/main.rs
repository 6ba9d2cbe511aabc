//! The whole server, in process, over real HTTP, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod answer;
mod app;
mod audit;
mod client;
mod concurrency;
mod content;
mod corruption;
mod deletes;
mod disk_faults;
mod errors;
mod gc;
mod harbor;
mod harness;
mod labels;
mod limits;
mod listing;
mod lockout;
mod manifests;
mod mounts;
mod openapi;
mod pull;
mod push;
mod quota_counts;
mod quotas;
mod ranges;
mod readonly;
mod referrers;
mod refused_tokens;
mod roles;
mod sessions;
mod speed;
mod tokens;
mod upkeep;
mod uploads_broken;
