//! A report written down: for people, for programs, and for other tools.
//!
//! Invariant: what images and advisories say is data: it is written escaped, without control
//! characters, and ends where the format says.

mod cyclonedx;
mod sarif;
mod spdx;
mod table;

use std::io::{self, Write};

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
    match format {
        Format::Table => table::write(report, to),
        Format::Json => json(report, to),
        Format::Sarif => json(&sarif::document(report), to),
        Format::CycloneDx => json(&cyclonedx::document(report), to),
        Format::Spdx => json(&spdx::document(report), to),
    }
}

fn json(value: &impl serde::Serialize, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value).map_err(io::Error::from)?;
    writeln!(to)
}

/// The same content has the same number.
fn serial(report: &Report) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(report.digest.as_deref().unwrap_or(&report.name));
    for feed in &report.feeds {
        hash.update(&feed.revision);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
