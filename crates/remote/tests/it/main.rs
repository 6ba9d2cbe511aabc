//! The client against real servers on this machine.
#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod sending;
