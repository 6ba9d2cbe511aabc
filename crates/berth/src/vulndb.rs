//! `berth vulndb`: the advisories that the server holds images against.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use berth_config::Settings;
use berth_model::{Clock, Timestamp};
use berth_server::Parts;
use berth_vuln::Scanning;

use crate::cli::VulndbCommand;

/// Runs a command on the server's database; a server may be running on it.
pub(crate) async fn run(settings: &Settings, command: VulndbCommand) -> anyhow::Result<ExitCode> {
    if let VulndbCommand::Pack { files, output, tag } = &command {
        let digest = berth_scan::pack(files, output, tag)?;
        println!("{}:{tag} {digest}", output.display());
        return Ok(ExitCode::SUCCESS);
    }
    let parts = Parts::open(settings, Clock::system()).await?;
    let advisories = &parts.scanning;
    let done = match command {
        VulndbCommand::Import {
            files,
            name,
            binary_names,
        } => import(advisories, &files, name.as_deref(), binary_names).await,
        VulndbCommand::List => list(advisories).await,
        VulndbCommand::Pack { .. } => Ok(()),
    };
    parts.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn import(
    advisories: &Scanning,
    files: &[PathBuf],
    name: Option<&str>,
    binary_names: bool,
) -> anyhow::Result<()> {
    for file in files {
        let name = match name {
            Some(name) => name.to_owned(),
            None => stem(file),
        };
        let change = advisories
            .import(&name, file, binary_names)
            .await
            .with_context(|| format!("{} could not be imported", file.display()))?;
        println!("{name}: {change}");
    }
    Ok(())
}

async fn list(advisories: &Scanning) -> anyhow::Result<()> {
    let feeds = advisories.feeds().await?;
    if feeds.is_empty() {
        println!("no advisories yet: get some with `berth vulndb import FILE`");
    }
    for feed in feeds {
        println!(
            "{}: {} advisories, imported {}, youngest of {}",
            feed.name,
            feed.advisories,
            Timestamp::from_micros(feed.imported_at).to_rfc3339(),
            feed.newest_at.map_or_else(
                || "unknown date".to_owned(),
                |at| Timestamp::from_micros(at).to_rfc3339()
            ),
        );
    }
    Ok(())
}

/// A file's name without its ending: `Debian.zip` is the feed `Debian`.
fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
