//! The store as its users see it.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod commits;
mod faults;
mod reads;
mod resumes;
mod support;
mod walks;
