//! `berth scan`: an image on this machine or in a registry, held against advisories on this machine.
//!
//! Invariant: the report alone goes to standard output; and a scan that could not be made never
//! ends like one that found nothing.

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use berth_model::{Clock, Secret};
use berth_scan::output::{self, Format};
use berth_scan::{
    Credentials, Feeds, Image, ImageName, Limits, Pulling, Report, Source, Verdicts,
    find_credentials, scan,
};

use crate::cli::{ScanArgs, ScanFormat, ScanWhat};

/// Something is as grave as `--fail-on` says.
const FOUND: u8 = 1;
/// The scan could not be made.
const FAILED: u8 = 2;
/// Longest password, which may be a token.
const PASSWORD: u64 = 64 * 1024;

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
    let image = image(options)?;
    let now = Clock::system().now();
    let mut report = scan(image, &feeds, now);
    if options.ignore_unfixed {
        report.keep_fixed();
    }
    verdicts.apply(&mut report, now);
    Ok(report)
}

/// The image, read.
fn image(options: &ScanArgs) -> anyhow::Result<Image> {
    let platform = options.platform.clone().unwrap_or_default();
    let limits = Limits::default();
    let (source, reference) = match (&options.what, &options.image) {
        (None, Some(name)) => {
            return Ok(Image::pull(
                name,
                pulling(options, name)?,
                &platform,
                &limits,
            )?);
        }
        (Some(ScanWhat::OciLayout { dir, reference }), None) => {
            (Source::OciLayout(dir.clone()), reference)
        }
        (Some(ScanWhat::Archive { file, reference }), None) => {
            (Source::Archive(file.clone()), reference)
        }
        (Some(ScanWhat::Rootfs { dir }), None) => (Source::Rootfs(dir.clone()), &None),
        (None, None) => anyhow::bail!(
            "there is nothing to scan: name an image in a registry, or say oci-layout, archive or \
             rootfs and where it is"
        ),
        (Some(_), Some(name)) => anyhow::bail!("scan one thing at a time, not {name} as well"),
    };
    Ok(Image::read(
        &source,
        reference.as_deref(),
        &platform,
        &limits,
    )?)
}

/// How an image is pulled.
fn pulling(options: &ScanArgs, name: &ImageName) -> anyhow::Result<Pulling> {
    let credentials = match &options.username {
        Some(user) => {
            let mut password = String::new();
            let stdin = io::stdin().take(PASSWORD);
            let read = { stdin }.read_to_string(&mut password);
            read.context("the password cannot be read")?;
            Some(Credentials::Password {
                user: user.clone(),
                password: Secret::new(password.trim_end_matches(['\r', '\n']).to_owned()),
            })
        }
        None => find_credentials(name)?,
    };
    let variable = |names: [&str; 2]| {
        let mut set = names.iter().filter_map(|name| env::var(name).ok());
        set.find(|value| !value.is_empty())
    };
    let proxy = if options.insecure {
        ["http_proxy", "http_proxy"]
    } else {
        ["https_proxy", "HTTPS_PROXY"]
    };
    Ok(Pulling {
        credentials,
        insecure: options.insecure,
        proxy: variable(proxy),
        no_proxy: variable(["no_proxy", "NO_PROXY"]),
    })
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
