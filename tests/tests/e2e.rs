//! End to end: each file is one client or one subject, each test has a server of its own.
//!
//! A tool that is not there is reported as `SKIPPED` and its test passes; `make test` installs
//! them all and counts what was skipped.
#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod api;
mod buildah;
mod cosign;
mod crane;
mod crash;
mod crowds;
mod docker;
mod harbor;
mod helm;
mod hooks;
mod layers;
mod oras;
mod podman;
mod policies;
mod processes;
mod regctl;
mod robots;
mod roles;
mod scan;
mod skopeo;
