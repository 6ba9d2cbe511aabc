//! A report written down: for people, for programs, and for other tools.
//!
//! Invariant: what images and advisories say is data: it is written escaped, without control
//! characters, and ends where the format says.

mod cyclonedx;
mod sarif;
mod spdx;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use berth_advisories::{Distro, Package, Purl};
use berth_inspect::ImagePackage;
use serde::ser::{Serialize, Serializer};
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
            let document = cyclonedx::Document {
                bill: &bill(report, &revisions),
                vulnerabilities: Some(&report.vulnerabilities),
            };
            json(&document, to)
        }
        Format::Spdx => json(&spdx::Document(&bill(report, &revisions)), to),
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

/// The files that name a package.
type Places<'a> = BTreeSet<&'a str>;

impl Bill<'_> {
    /// The packages by their package URLs: each once, however many files name it.
    fn held(&self) -> BTreeMap<String, (&Package, Places<'_>)> {
        let mut held: BTreeMap<String, (&Package, Places<'_>)> = BTreeMap::new();
        for found in self.packages {
            let purl = Purl::of(&found.package, self.distro).to_string();
            let known = held.entry(purl);
            let known = known.or_insert_with(|| (&found.package, Places::new()));
            known.1.insert(&found.path);
        }
        held
    }

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

/// Writes a bill as SPDX 2.3, on one line.
///
/// # Errors
/// When it cannot be written.
pub fn spdx(bill: &Bill<'_>, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(to, &spdx::Document(bill)).map_err(io::Error::from)
}

/// Writes a bill as CycloneDX 1.6, without vulnerabilities, on one line.
///
/// # Errors
/// When it cannot be written.
pub fn cyclonedx(bill: &Bill<'_>, to: &mut dyn Write) -> io::Result<()> {
    let document = cyclonedx::Document {
        bill,
        vulnerabilities: None,
    };
    serde_json::to_writer(to, &document).map_err(io::Error::from)
}

/// Rows that are made while they are written, so that not all of them are held.
struct Each<F>(F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item = Value>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
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

fn json(value: &impl Serialize, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value).map_err(io::Error::from)?;
    writeln!(to)
}
