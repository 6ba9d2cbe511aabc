//! Packages, the order of their versions, advisories, and which advisories affect a package.
//!
//! Pure: no I/O, no clock, no database. What reads images is `berth-inspect`, what keeps
//! advisories and reports is `berth-scan`.

mod advisory;
mod alpine_secdb;
mod cvss;
mod debian_tracker;
mod ecosystem;
mod exploited;
mod findings;
mod index;
mod matching;
mod osv;
mod package;
mod purl;
mod severity;
mod text;
pub mod version;
mod vex;

pub use advisory::{Advisory, Affected, Event, Names, Reference, Unfixed};
pub use alpine_secdb::parse_alpine_secdb;
pub use cvss::{CvssScore, CvssVersion, cvss_score, cvss_severity};
pub use debian_tracker::read_debian_tracker;
pub use ecosystem::{Ecosystem, Family, NoEcosystem};
pub use exploited::{Epss, Exploited, parse_kev, read_epss};
pub use findings::{Finding, findings};
pub use index::{AdvisoryIndex, Hit};
pub use matching::{Lookup, Match, NotCovered, Status, affects};
pub use osv::{OsvOptions, OsvParsed, parse_osv};
pub use package::{Distro, Package, PackageKind, SourcePackage};
pub use purl::{NoPurl, Purl};
pub use severity::Severity;
pub use text::FeedError;
pub use vex::{VexDocument, VexStatement, VexStatus, VexSubject, parse_openvex, vex_verdict};
