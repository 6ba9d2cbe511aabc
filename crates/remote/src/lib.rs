//! The one client that goes out.
//!
//! Invariant: no connection of this crate ends at a loopback, private, link-local, multicast or
//! otherwise special address that the configuration does not allow. Addresses in URLs are judged
//! before each request and each redirect, names by the addresses that the connection is made to,
//! so a name that changes its answer between a check and its use gains nothing. Connections to a
//! log server may also end in private networks (`dial.rs`).

mod address;
mod client;
mod dial;
mod error;
mod registry;
mod resolver;

pub use address::{Allowed, AllowedError, is_public};
pub use client::{Arriving, Egress, EgressOptions, Received, Sending};
pub use dial::LogStream;
pub use error::EgressError;
pub use registry::{Credentials, PullError, RemoteManifest, RemoteRepository};
