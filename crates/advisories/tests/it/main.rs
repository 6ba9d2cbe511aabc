//! Tests of the crate at its boundary.

mod feeds;
mod fuzzing;
mod importers;
mod matching;
mod osv;
mod purl;
mod versions;
mod versions_judge;
mod vex;
mod zip;
