//! Why a layer has no index.

use std::io;
use std::time::Duration;

use crate::wire::WireError;

/// Why a layer has no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The caller stopped the reading.
    #[error("stopped")]
    Stopped,
    /// Its bytes did not come.
    #[error("its bytes could not be read: {0}")]
    Source(#[source] io::Error),
    /// It is no layer, or cannot be read here.
    #[error("{0}")]
    Unreadable(String),
    /// No process could be started.
    #[error(
        "no process to read it in could be started ({0}): let the server start processes, or set \
         scan.isolation to none"
    )]
    Start(#[source] io::Error),
    /// It took too long.
    #[error(
        "reading it took more than {} s and was ended: raise scan.layer_seconds if the layer is to \
         be trusted",
        .0.as_secs()
    )]
    Time(Duration),
    /// It took too much memory.
    #[error(
        "reading it took more than {} MiB of memory and was ended: raise scan.layer_memory_mib if \
         the layer is to be trusted",
        .0 / (1024 * 1024)
    )]
    Memory(u64),
    /// The process that read it is gone.
    #[error("the process that read it ended before it was done ({0})")]
    Died(String),
    /// The process said what cannot be.
    #[error("the process that read it answered nonsense: {0}")]
    Nonsense(#[source] WireError),
}
