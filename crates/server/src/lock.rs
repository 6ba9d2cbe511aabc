//! One server on one data folder.
//!
//! The server remembers what repositories hold (see `berth-registry`'s cache) on the ground that
//! it alone changes them. The lock makes that so.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held while a server, or a repair, works on a data folder. Ends with the process.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the folder. `Ok(None)`: another process has it.
    pub fn take(data: &Path) -> io::Result<Option<Self>> {
        let path = data.join("berth.lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataLock;

    #[test]
    fn a_folder_has_one_holder() {
        let folder = std::env::temp_dir().join(format!("berth-lock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let held = DataLock::take(&folder).unwrap();
        assert!(held.is_some());
        assert!(DataLock::take(&folder).unwrap().is_none());
        drop(held);
        assert!(DataLock::take(&folder).unwrap().is_some());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
