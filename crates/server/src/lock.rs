//! Who works on a data folder: one process with SQLite, several with PostgreSQL.
//!
//! With SQLite the server remembers what repositories hold (see `berth-registry`'s cache) on the
//! ground that it alone changes them. The lock makes that so. A repair is alone in any case.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How often another process that is about to share the folder is given time to do so.
const TURNS: u32 = 100;
const TURN: Duration = Duration::from_millis(50);

/// Held while a server, or a repair, works on a data folder. Ends with the process.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
    /// Whether nobody else worked on the folder when it was taken: what requests have left there
    /// by then is nobody's.
    pub was_alone: bool,
}

impl DataLock {
    /// Takes the folder. `Ok(None)`: another process has it.
    pub fn take(data: &Path) -> io::Result<Option<Self>> {
        let file = open(data)?;
        let taken = is_taken(file.try_lock())?;
        Ok(taken.then_some(Self {
            _file: file,
            was_alone: true,
        }))
    }

    /// Takes the folder together with others that do so. `Ok(None)`: another process has it for
    /// itself.
    pub fn share(data: &Path) -> io::Result<Option<Self>> {
        let file = open(data)?;
        let was_alone = is_taken(file.try_lock())?;
        for _ in 0..TURNS {
            // From a lock of its own, this is a step back.
            if is_taken(file.try_lock_shared())? {
                return Ok(Some(Self {
                    _file: file,
                    was_alone,
                }));
            }
            sleep(TURN);
        }
        Ok(None)
    }
}

fn open(data: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(data.join("berth.lock"))
}

fn is_taken(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::DataLock;

    #[test]
    fn several_share_a_folder_and_one_that_wants_it_alone_waits() {
        let folder = std::env::temp_dir().join(format!("berth-share-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = DataLock::share(&folder).unwrap().unwrap();
        let second = DataLock::share(&folder).unwrap().unwrap();
        assert!(first.was_alone && !second.was_alone);
        drop(first);
        assert!(DataLock::take(&folder).unwrap().is_none());
        drop(second);
        assert!(DataLock::take(&folder).unwrap().is_some());
        std::fs::remove_dir_all(&folder).unwrap();
    }

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
