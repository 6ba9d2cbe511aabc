//! The server loop over real sockets.

#![expect(clippy::unwrap_used, reason = "this whole binary is tests")]

mod descriptors;
mod limits;
mod observed;
mod protocols;
mod support;
mod tls;
