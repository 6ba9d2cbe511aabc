//! What the end-to-end tests share: the server as a process of its own, its API, other people's
//! clients, and images made without any of them.
//!
//! Invariant: a test ends only processes it started, by their handle, and writes only into
//! folders of its own; so all tests can run at once.
#![expect(
    clippy::unwrap_used,
    reason = "only tests use this crate: a panic is how they report"
)]

pub mod api;
pub mod command;
pub mod content;
pub mod image;
pub mod kills;
pub mod server;
mod tar;

pub use api::{Api, Login, Reply};
pub use command::{Home, Ran, Run};
pub use image::Image;
pub use server::{Options, Server};
