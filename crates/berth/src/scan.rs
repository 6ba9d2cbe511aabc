//! `berth scan`: an image on this machine, held against advisories on this machine.
//!
//! Invariant: the report alone goes to standard output; and a scan that could not be made never
//! ends like one that found nothing.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use berth_model::Clock;
use berth_scan::output::{self, Format};
use berth_scan::{Feeds, Image, Limits, Report, Source, Verdicts, scan};

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
        Ok(report) => judge(options, &report),
        Err(error) => {
            eprintln!("berth: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn judge(options: &ScanArgs, report: &Report) -> ExitCode {
    let reaches = options.fail_on.is_some_and(|it| report.reaches(it));
    if reaches || options.fail_on_finding.is_some_and(|it| report.finds(it)) {
        return ExitCode::from(FOUND);
    }
    if report.is_whole() || options.allow_incomplete {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "berth: part of the image could not be read, so it may hold more than was found: the \
         report says what; --allow-incomplete takes it as it is"
    );
    ExitCode::from(FAILED)
}

fn report(options: &ScanArgs) -> anyhow::Result<Report> {
    anyhow::ensure!(
        !options.db.is_empty() || !options.db_binary.is_empty(),
        "there are no advisories to hold the image against: name them with --db, for example \
         --db Debian.zip"
    );
    let mut verdicts = Verdicts::default();
    for path in &options.vex {
        verdicts.add_vex(path)?;
    }
    for path in &options.ignore_file {
        verdicts.add_list(path)?;
    }
    for id in &options.ignore {
        verdicts.ignore(id);
    }
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
    let now = Clock::system().now();
    let mut report = scan(image, &feeds, now);
    if options.ignore_unfixed {
        report.keep_fixed();
    }
    verdicts.apply(&mut report, now);
    Ok(report)
}

fn write(options: &ScanArgs, report: &Report) -> anyhow::Result<()> {
    let format = match options.format {
        ScanFormat::Table => Format::Table,
        ScanFormat::Json => Format::Json,
        ScanFormat::Sarif => Format::Sarif,
        ScanFormat::Cyclonedx => Format::CycloneDx,
        ScanFormat::Spdx => Format::Spdx,
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
