//! Tests of the crate at its boundary.

mod feeds;
mod matching;
mod osv;
mod versions;
mod versions_judge;
mod zip;
