//! A report written down: for people, for programs, and for other tools.
//!
//! Invariant: what images and advisories say is data: it is written escaped, without control
//! characters, and ends where the format says.

mod cyclonedx;
mod sarif;
mod table;

use std::io::{self, Write};

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
    }
}

fn json(value: &impl serde::Serialize, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value).map_err(io::Error::from)?;
    writeln!(to)
}
