//! A report written down: for people, for programs, and for other tools.
//!
//! Invariant: what images and advisories say is data: it is written escaped, without control
//! characters, and ends where the format says.

mod cyclonedx;
mod sarif;
mod spdx;
mod table;

use std::io::{self, Write};

use berth_advisories::Distro;
use berth_inspect::ImagePackage;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Report;

/// A form of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// Everything, as [`Report`] has it.
    Json,
    /// SARIF 2.1.0, as code hosts read it.
    Sarif,
    /// CycloneDX 1.6: the components and their vulnerabilities.
    CycloneDx,
    /// SPDX 2.3 in JSON: the packages.
    Spdx,
}

/// Writes a report.
///
/// # Errors
/// When it cannot be written.
pub fn write(report: &Report, format: Format, to: &mut dyn Write) -> io::Result<()> {
    let revisions: Vec<&str> = report.feeds.iter().map(|it| it.revision.as_str()).collect();
    match format {
        Format::Table => table::write(report, to),
        Format::Json => json(report, to),
        Format::Sarif => json(&sarif::document(report), to),
        Format::CycloneDx => {
            let found = Some(report.vulnerabilities.as_slice());
            json(&cyclonedx::document(&bill(report, &revisions), found), to)
        }
        Format::Spdx => json(&spdx(&bill(report, &revisions)), to),
    }
}

/// A bill of materials: what an image is made of.
#[derive(Clone, Copy, Debug)]
pub struct Bill<'a> {
    /// When it was made, RFC 3339.
    pub created: &'a str,
    /// What it is about.
    pub name: &'a str,
    /// Its manifest's digest.
    pub digest: Option<&'a str>,
    /// The distribution.
    pub distro: Option<&'a Distro>,
    /// Everything it holds.
    pub packages: &'a [ImagePackage],
    /// What tells this document from another one about the same image.
    pub revisions: &'a [&'a str],
}

impl Bill<'_> {
    /// The same content has the same number.
    fn serial(&self) -> Uuid {
        let mut hash = Sha256::new();
        hash.update(self.digest.unwrap_or(self.name));
        for revision in self.revisions {
            hash.update(revision);
        }
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// As SPDX 2.3.
pub fn spdx(bill: &Bill<'_>) -> Value {
    spdx::document(bill)
}

/// As CycloneDX 1.6, without vulnerabilities.
pub fn cyclonedx(bill: &Bill<'_>) -> Value {
    cyclonedx::document(bill, None)
}

fn bill<'a>(report: &'a Report, revisions: &'a [&'a str]) -> Bill<'a> {
    Bill {
        created: &report.created,
        name: &report.name,
        digest: report.digest.as_deref(),
        distro: report.distro.as_ref(),
        packages: &report.packages,
        revisions,
    }
}

fn json(value: &impl serde::Serialize, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value).map_err(io::Error::from)?;
    writeln!(to)
}
