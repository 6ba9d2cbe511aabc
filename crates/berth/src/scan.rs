//! `berth scan`: an image on this machine, held against advisories on this machine.
//!
//! Invariant: the report alone goes to standard output; and a scan that could not be made never
//! ends like one that found nothing.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use berth_scan::output::{self, Format};
use berth_scan::{Feeds, Image, Limits, Report, Source, scan};

use crate::cli::{ScanArgs, ScanFormat, ScanWhat};

/// Something is as grave as `--fail-on` says.
const FOUND: u8 = 1;
/// The scan could not be made.
const FAILED: u8 = 2;

pub(crate) fn run(options: &ScanArgs) -> ExitCode {
    match report(options).and_then(|report| {
        write(options, &report)?;
        Ok(report)
    }) {
        Ok(report) => match options.fail_on {
            Some(severity) if report.reaches(severity) => ExitCode::from(FOUND),
            Some(_) | None => ExitCode::SUCCESS,
        },
        Err(error) => {
            eprintln!("berth: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn report(options: &ScanArgs) -> anyhow::Result<Report> {
    anyhow::ensure!(
        !options.db.is_empty() || !options.db_binary.is_empty(),
        "there are no advisories to hold the image against: name them with --db, for example \
         --db Debian.zip"
    );
    let mut feeds = Feeds::default();
    for path in &options.db {
        feeds.add(path, false)?;
    }
    for path in &options.db_binary {
        feeds.add(path, true)?;
    }
    let (source, reference) = match &options.what {
        ScanWhat::OciLayout { dir, reference } => (Source::OciLayout(dir.clone()), reference),
        ScanWhat::Archive { file, reference } => (Source::Archive(file.clone()), reference),
        ScanWhat::Rootfs { dir } => (Source::Rootfs(dir.clone()), &None),
    };
    let platform = options.platform.clone().unwrap_or_default();
    let image = Image::read(&source, reference.as_deref(), &platform, &Limits::default())?;
    let mut report = scan(image, &feeds);
    if options.ignore_unfixed {
        report.keep_fixed();
    }
    Ok(report)
}

fn write(options: &ScanArgs, report: &Report) -> anyhow::Result<()> {
    let format = match options.format {
        ScanFormat::Table => Format::Table,
        ScanFormat::Json => Format::Json,
        ScanFormat::Sarif => Format::Sarif,
        ScanFormat::Cyclonedx => Format::CycloneDx,
    };
    let mut to: Box<dyn Write> = match &options.output {
        Some(path) => {
            let file = File::create(path);
            Box::new(file.with_context(|| format!("{} cannot be written", path.display()))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let mut to = BufWriter::new(&mut to);
    output::write(report, format, &mut to)?;
    to.flush()?;
    Ok(())
}
