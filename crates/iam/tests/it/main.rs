//! The crate at its boundary, on both engines.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod lockout;
mod logins;
mod routes;
mod support;
mod tokens;
