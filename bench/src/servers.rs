//! The servers that are measured, each on a port of its own of 127.0.0.1.

mod berth;
mod distribution;
mod nginx;

use std::net::TcpListener;

use crate::process::Process;

pub(crate) use berth::{BerthOptions, command};
pub(crate) use nginx::Files;

/// A server that answers.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) port: u16,
    authorization: String,
}

impl Server {
    /// The header to send with every request.
    pub(crate) fn authorization(&self) -> (&str, &str) {
        ("Authorization", &self.authorization)
    }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether something listens on a port.
fn answers(port: u16) -> Option<()> {
    std::net::TcpStream::connect(("127.0.0.1", port))
        .ok()
        .map(drop)
}
