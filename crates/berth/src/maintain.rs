//! `berth gc` and `berth fsck`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use berth_config::Settings;
use berth_lifecycle::{FsckOptions, GcOptions, Unwatched};
use berth_model::Clock;
use berth_server::{DataLock, Parts};
use tokio_util::sync::CancellationToken;

use crate::cli::{FsckArgs, GcArgs};

pub(crate) async fn gc(settings: &Settings, args: &GcArgs) -> anyhow::Result<ExitCode> {
    must_exist(settings)?;
    let parts = Parts::open(settings, Clock::system()).await?;
    let options = GcOptions {
        empty_trash: args.empty_trash,
        ..GcOptions::default()
    };
    let watch = Unwatched(CancellationToken::new());
    let report = parts.lifecycle.collect_with(&options, &watch).await?;
    println!("blobs deleted:       {}", report.blobs);
    println!("bytes freed:         {}", report.bytes);
    println!("trash emptied:       {}", report.emptied);
    println!("uploads dropped:     {}", report.uploads);
    println!("reviews:             {}", report.reviewed);
    parts.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A mistyped folder must not be made and found to be in order.
fn must_exist(settings: &Settings) -> anyhow::Result<()> {
    if !settings.data.is_dir() {
        bail!("there is no data folder at {}", settings.data.display());
    }
    Ok(())
}

pub(crate) async fn fsck(settings: &Settings, args: &FsckArgs) -> anyhow::Result<ExitCode> {
    must_exist(settings)?;
    let lock = DataLock::take(&settings.data).context("the data folder cannot be locked")?;
    if args.repair && lock.is_none() {
        bail!(
            "a server is running on {}: stop it before a repair",
            settings.data.display()
        );
    }
    let parts = Parts::open(settings, Clock::system()).await?;
    let options = FsckOptions {
        rehash: args.rehash,
        repair: args.repair,
        settled_before: None,
    };
    let nobody = Unwatched::default();
    let report = parts.lifecycle.fsck(options, &nobody).await?;
    for problem in &report.problems {
        println!("{problem}");
    }
    if report.found > report.problems.len() as u64 {
        println!("… and {} more", report.found - report.problems.len() as u64);
    }
    println!(
        "checked {} blobs and {} manifests",
        report.blobs, report.manifests
    );
    if report.leftovers > 0 && !args.repair {
        println!(
            "{} files were left by interrupted pushes; the server removes them when it starts",
            report.leftovers
        );
    }
    if report.repaired > 0 {
        println!("{} were put right", report.repaired);
    }
    parts.close().await;
    if report.found == 0 {
        println!("no problems");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} found",
        if report.found == 1 {
            "1 problem".to_owned()
        } else {
            format!("{} problems", report.found)
        }
    );
    Ok(ExitCode::FAILURE)
}
