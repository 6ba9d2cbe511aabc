//! What can go wrong with the key file and with sealed values.

use std::io;
use std::path::PathBuf;

use berth_model::{Code, Coded};

/// An error of the key file or of a sealed value.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// The key file could not be read or written.
    #[error("the key file {} could not be used: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner can read the key file.
    #[error(
        "the key file {} can be read by others (mode {mode:03o}): run chmod 600 on it", path.display()
    )]
    KeyFileExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file does not hold a key.
    #[error(
        "the key file {} is damaged, it must hold 64 hexadecimal digits: restore it from a backup", path.display()
    )]
    KeyFileMalformed {
        /// The file.
        path: PathBuf,
    },
    /// A value could not be sealed.
    #[error("a value could not be encrypted")]
    Seal,
    /// A sealed value is damaged, belongs elsewhere or was sealed with another key file.
    #[error("an encrypted value cannot be read: was the database used with another key file?")]
    Open,
}

impl Coded for CryptoError {
    fn code(&self) -> Code {
        Code::Unknown
    }
}
