//! The whole server, in process, over real HTTP, on both databases.

mod answer;
mod app;
mod client;
mod content;
mod harness;
