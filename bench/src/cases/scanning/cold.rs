//! A large layer that nobody has read, beside the plainest walk of its archive; and what a child
//! that reads one holds in memory.
//!
//! The layer is made of this machine's own files: programs, texts and the list of its packages.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::process::peak_of;
use crate::report::{Report, Row, Target};
use crate::stats::{median, ratios};
use crate::workspace::{Workspace, settle_disk};

const ROUNDS: usize = 5;
/// Bytes of files at most.
const SIZE: u64 = 1_500_000_000;
/// What the server gives a child.
const MEMORY: &str = "1073741824";
const SECONDS: &str = "900";

pub(crate) fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let folder = workspace.folder("cold")?;
    let bytes = pack(&folder)?;
    let kinds = [
        ("gzip", "pigz -6 -k -c", ["gzip -dc", "pigz -dc"].as_slice()),
        ("zstd", "zstd -q -3 -c", ["zstd -q -dc"].as_slice()),
    ];
    for (kind, pack, walks) in kinds {
        let layer = folder.join(format!("layer.tar.{kind}"));
        shell(&format!(
            "{pack} {}/layer.tar > {}",
            folder.display(),
            layer.display()
        ))?;
        settle_disk()?;
        let mut ours = Vec::with_capacity(ROUNDS);
        let mut theirs = Vec::with_capacity(ROUNDS);
        let mut peak: f64 = 0.0;
        for _ in 0..ROUNDS {
            let walks = walks.iter().map(|walk| {
                let begun = Instant::now();
                shell(&format!(
                    "{walk} {} | tar -tf - > /dev/null",
                    layer.display()
                ))?;
                Ok(begun.elapsed().as_secs_f64())
            });
            let walks: Vec<f64> = walks.collect::<anyhow::Result<_>>()?;
            theirs.push(walks.into_iter().fold(f64::INFINITY, f64::min));
            let (took, held) = index(workspace.berth(), &layer)?;
            ours.push(took);
            peak = peak.max(held);
        }
        let size = bytes as f64 / 1e9;
        report.add(Row {
            measure: format!("layer of {size:.1} GB, {kind}, read for the first time, s"),
            berth: format!("{:.2}", median(&ours)),
            peer: format!("{} and tar -t {:.2}", walks.join(" or "), median(&theirs)),
            value: median(&ratios(&ours, &theirs)),
            target: Target::AtMost(1.3),
        });
        report.add(Row {
            measure: format!("peak memory of the process that reads it, {kind}, MiB"),
            berth: format!("{peak:.0}"),
            peer: String::new(),
            value: peak,
            target: Target::AtMost(64.0),
        });
    }
    Ok(())
}

/// Seconds that a child takes, as the server starts it, and the most MiB it holds.
fn index(berth: &Path, layer: &Path) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let mut child = Command::new(berth)
        .args(["index-layer", MEMORY, SECONDS])
        .arg(std::env::temp_dir())
        .stdin(File::open(layer)?)
        .stdout(Stdio::null())
        .spawn()?;
    let mut peak: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // The figure only grows: the last one before the end is the one.
        peak = peak.max(peak_of(child.id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    };
    ensure!(status.success(), "the layer was not read: {status}");
    Ok((begun.elapsed().as_secs_f64(), peak))
}

/// Packs files of this machine until there are enough; gives their bytes.
fn pack(folder: &Path) -> anyhow::Result<u64> {
    let mut files = vec![
        PathBuf::from("/etc/os-release"),
        PathBuf::from("/var/lib/dpkg/status"),
    ];
    let mut bytes = 0;
    for root in ["/usr/bin", "/usr/share", "/usr/sbin", "/usr/lib"] {
        collect(Path::new(root), &mut files, &mut bytes)?;
    }
    let mut list = String::new();
    for file in &files {
        let name = file.to_str().context("a name that is no text")?;
        writeln!(list, "{}", name.trim_start_matches('/'))?;
    }
    let names = folder.join("names");
    std::fs::write(&names, list)?;
    shell(&format!(
        "tar -C / --no-recursion --hard-dereference -T {} -cf {}/layer.tar",
        names.display(),
        folder.display()
    ))?;
    Ok(bytes)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, bytes: &mut u64) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    for entry in entries {
        if *bytes >= SIZE {
            return Ok(());
        }
        let meta = std::fs::symlink_metadata(&entry)?;
        let is_plain = entry
            .to_str()
            .is_some_and(|name| !name.contains(['\n', '\\', '"']));
        if meta.is_dir() {
            collect(&entry, files, bytes)?;
        } else if meta.is_file() && is_plain && *bytes + meta.len() <= SIZE {
            *bytes += meta.len();
            files.push(entry);
        }
    }
    Ok(())
}

fn shell(line: &str) -> anyhow::Result<()> {
    let status = Command::new("bash")
        .args(["-o", "pipefail", "-c", line])
        .status()?;
    ensure!(status.success(), "{line}: {status}");
    Ok(())
}
