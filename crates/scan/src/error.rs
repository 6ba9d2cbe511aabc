//! Why a scan could not be made.

use std::io;
use std::path::{Path, PathBuf};

use berth_advisories::FeedError;
use berth_remote::{EgressError, PullError};

/// Why a scan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It is not what it is said to be.
    #[error("{path}: {problem}")]
    NoImage {
        /// What was to be scanned.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// It cannot be pulled.
    #[error("{image}: {cause}{}", advice(.cause))]
    Pull {
        /// The image.
        image: String,
        /// Why.
        cause: PullError,
    },
    /// A layer cannot be read.
    #[error("layer {layer}: {cause}")]
    Layer {
        /// Its digest.
        layer: String,
        /// Why.
        cause: berth_inspect::Error,
    },
    /// A feed of advisories cannot be used.
    #[error("{path}: {cause}")]
    Feed {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: FeedError,
    },
    /// A line of a list of ignored vulnerabilities cannot be used.
    #[error("{path}, line {line}: {problem}")]
    List {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A feed of advisories is in no form that is known.
    #[error(
        "{path} holds no advisories: give OSV JSON in a zip archive, a folder or a file, an Alpine \
         secdb file, the Debian tracker's JSON, CISA's catalogue or EPSS"
    )]
    NoFeed {
        /// The file.
        path: PathBuf,
    },
}

impl ScanError {
    pub(crate) fn read(path: impl AsRef<Path>, cause: io::Error) -> Self {
        Self::Read {
            path: path.as_ref().to_owned(),
            cause,
        }
    }

    pub(crate) fn no_image(path: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::NoImage {
            path: path.as_ref().to_owned(),
            problem: problem.into(),
        }
    }
}

/// What somebody at a command line can do about it.
fn advice(cause: &PullError) -> &'static str {
    match cause {
        PullError::Login { .. } => ": log in with docker or podman, or give --username",
        PullError::Egress(EgressError::Connection(_)) => {
            " (give --insecure if the registry speaks without TLS)"
        }
        _ => "",
    }
}
