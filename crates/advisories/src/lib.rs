//! Packages, the order of their versions, advisories, and which advisories affect a package.
//!
//! Pure: no I/O, no clock, no database. What reads images is `berth-inspect`, what keeps
//! advisories and reports is `berth-scan`.

mod advisory;
mod cvss;
mod ecosystem;
mod index;
mod matching;
mod osv;
mod package;
mod severity;
mod text;
pub mod version;

pub use advisory::{Advisory, Affected, Event, Names, Reference, Unfixed};
pub use cvss::{CvssScore, CvssVersion, cvss_score, cvss_severity};
pub use ecosystem::{Ecosystem, Family, NoEcosystem};
pub use index::{AdvisoryIndex, Hit};
pub use matching::{Lookup, Match, NotCovered, Status, affects};
pub use osv::{OsvOptions, OsvParsed, parse_osv};
pub use package::{Distro, Package, PackageKind, SourcePackage};
pub use severity::Severity;
pub use text::FeedError;
