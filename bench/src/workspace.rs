//! The folder that a run works in, on the disk that the build is on; removed at the end.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where one run keeps the servers' data.
pub(crate) struct Workspace {
    root: PathBuf,
    berth: PathBuf,
}

impl Workspace {
    pub(crate) fn make() -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let beside = own.parent().context("the program is in no folder")?;
        let berth = match std::env::var_os("BERTH_BENCH_BINARY") {
            Some(path) => PathBuf::from(path),
            None => beside.join("berth"),
        };
        anyhow::ensure!(
            berth.is_file(),
            "{} is not there: run cargo build --release -p berth first",
            berth.display()
        );
        // Not the folder for temporary files: that may be memory, where syncing costs nothing.
        let root = beside.join(format!("bench-data-{}", std::process::id()));
        std::fs::create_dir_all(&root)?;
        Ok(Self { root, berth })
    }

    /// The binary to measure.
    pub(crate) fn berth(&self) -> &Path {
        &self.berth
    }

    /// A new folder in it.
    pub(crate) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.root.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Where the table of the last whole run is kept.
pub(crate) fn results_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md")
}

/// Waits until everything written so far is on the disk.
pub(crate) fn settle_disk() -> anyhow::Result<()> {
    let status = std::process::Command::new("sync").status()?;
    anyhow::ensure!(status.success(), "sync failed");
    Ok(())
}
