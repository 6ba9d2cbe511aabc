//! What the child runs: confined first, it reads one layer and says what is in it.
//!
//! Invariant: before the first byte of a layer is read, the process has its limits and, where the
//! kernel can, nothing else that it may do; where it cannot, that is said.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use berth_inspect::{Limits, Spares, inspect_layer_with};

use crate::wire::{self, WireError};

/// What a child is allowed.
#[derive(Clone, Debug)]
pub struct Limited {
    /// Bytes of memory.
    pub memory: u64,
    /// Seconds of work.
    pub seconds: u64,
    /// Where its temporary files are.
    pub scratch: PathBuf,
}

/// Reads a layer from standard input and writes what is in it to standard output.
pub fn index_layer(limited: &Limited) -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Err(error) = crate::confine::limit(limited) {
        // Without its limits a layer could take the machine.
        return failed(&format!("the limits cannot be set: {error}"));
    }
    let spares = temporary(&limited.scratch);
    #[cfg(target_os = "linux")]
    if let Err(error) = crate::confine::forbid() {
        // Some containers forbid to forbid: then it goes on within its limits.
        complain(&format!("system calls could not be forbidden: {error}"));
    }
    let limits = Limits::default();
    let report = inspect_layer_with(io::stdin(), &limits, &|| false, spares.into());
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let written = match report {
        Ok(report) => wire::write_report(&mut out, &report),
        Err(error) => wire::write_refusal(&mut out, &error.to_string()),
    };
    match written.and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(WireError::Long) => failed("the layer holds more than can be told"),
        Err(error) => failed(&error.to_string()),
    }
}

/// Files for what is too large for memory. Where there are none, such files are not read, which the
/// report says.
fn temporary(folder: &Path) -> Vec<File> {
    (0..Spares::needed(&Limits::default()))
        .filter_map(|_| tempfile::tempfile_in(folder).ok())
        .collect()
}

/// Tells whoever started this.
fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

fn failed(why: &str) -> ExitCode {
    complain(why);
    ExitCode::FAILURE
}
