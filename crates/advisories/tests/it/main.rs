//! Tests of the crate at its boundary.

mod versions;
mod versions_judge;
