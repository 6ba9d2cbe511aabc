//! Packages, the order of their versions, advisories, and which advisories affect a package.
//!
//! Pure: no I/O, no clock, no database. What reads images is `berth-inspect`, what keeps
//! advisories and reports is `berth-scan`.

mod package;
pub mod version;

pub use package::{Distro, Package, PackageKind, SourcePackage};
