//! Scans images: reads what they hold, finds which advisories affect it, and reports it.
//!
//! [`Image::read`] inspects an image on this machine, [`Image::pull`] one in a registry, [`Feeds`] are the advisories it is held
//! against, [`scan`] makes the [`Report`] and [`output`] writes it. None of it needs a server or a
//! database.

mod error;
mod feeds;
mod files;
mod image;
mod layout;
pub mod output;
mod pack;
mod registry;
mod report;
mod rootfs;
mod verdicts;

pub use berth_advisories::Severity;
pub use berth_inspect::Limits;
pub use berth_inspect::findings::Severity as FindingSeverity;
pub use berth_remote::Credentials;
pub use error::ScanError;
pub use feeds::{Feed, Feeds, Told, read_feed};
pub use image::{Image, Layer, Platform, Source};
pub use pack::{ARTIFACT as ADVISORY_ARTIFACT, pack};
pub use registry::{ImageName, Pulling, find_credentials};
pub use report::{Ignored, Report, Vulnerability, scan};
pub use verdicts::Verdicts;
