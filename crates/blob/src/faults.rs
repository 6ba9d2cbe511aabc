//! Faults for tests: any step of the storage can be made to fail, and the power to go out.
//!
//! Invariant: without a plan in [`StoreOptions`](crate::StoreOptions) nothing here is ever called.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A step of the storage that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A file is created.
    Create,
    /// Bytes are written, or a file is cut.
    Write,
    /// A file's bytes are made durable.
    Sync,
    /// A file gets another name.
    Rename,
    /// A directory's names are made durable.
    SyncDirectory,
    /// A file is opened or read.
    Read,
    /// A file is removed.
    Remove,
}

/// How a step fails.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// With this error number; a write stores half of its bytes first.
    Errno(i32),
    /// As if the process were killed before the step: it and all later steps fail.
    Crash,
}

/// What a power failure does to names and bytes that were not made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// New names and new bytes are gone.
    Names,
    /// New names are there, new bytes are gone.
    Bytes,
    /// New names and lengths are there, new bytes are zeros.
    Zeros,
}

/// Which steps of a store fail, and what a power failure would take. For tests only.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    armed: Vec<Armed>,
    steps: Vec<Step>,
    crashed: bool,
    power_losses: u8,
    synced: HashMap<PathBuf, u64>,
    names: Vec<NewName>,
}

#[derive(Debug)]
struct Armed {
    step: Option<Step>,
    left: usize,
    fault: Fault,
}

#[derive(Debug)]
enum NewName {
    Created(PathBuf),
    Renamed { from: PathBuf, to: PathBuf },
}

/// A step that fails.
pub(crate) struct Strike {
    pub(crate) error: io::Error,
    /// Whether part of the step's work is done all the same.
    pub(crate) torn: bool,
}

impl FaultPlan {
    /// A plan in which nothing fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the `nth` (from 1) `step` from now fail; `None` counts steps of every kind.
    pub fn fail(&self, step: impl Into<Option<Step>>, nth: usize, fault: Fault) {
        self.lock().armed.push(Armed {
            step: step.into(),
            left: nth,
            fault,
        });
    }

    /// Every step tried since the plan was made or restarted.
    pub fn steps(&self) -> Vec<Step> {
        self.lock().steps.clone()
    }

    /// Ends a crash and disarms all faults, as starting the process again does.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.armed.clear();
        state.steps.clear();
        state.crashed = false;
    }

    /// Undoes on the disk what was not made durable, then restarts.
    ///
    /// Uploads and blobs written under this plan are concerned; the stores using it must be idle.
    pub fn simulate_power_loss(&self, loss: PowerLoss) -> io::Result<()> {
        let mut guard = self.lock();
        let state = &mut *guard;
        for name in std::mem::take(&mut state.names).into_iter().rev() {
            if loss != PowerLoss::Names {
                continue;
            }
            match name {
                NewName::Created(path) => {
                    fs::remove_file(&path)?;
                    state.synced.remove(&path);
                }
                NewName::Renamed { from, to } => {
                    fs::rename(&to, &from)?;
                    state.renamed(&to, &from);
                }
            }
        }
        for (path, &synced) in &state.synced {
            let mut file = OpenOptions::new().write(true).open(path)?;
            let length = file.metadata()?.len();
            if loss == PowerLoss::Zeros {
                file.seek(SeekFrom::Start(synced))?;
                let zeros = usize::try_from(length.saturating_sub(synced)).unwrap_or(0);
                file.write_all(&vec![0; zeros])?;
            } else {
                file.set_len(length.min(synced))?;
            }
        }
        state.power_losses = state.power_losses.wrapping_add(1);
        drop(guard);
        self.restart();
        Ok(())
    }

    /// Differs after each power failure.
    pub(crate) fn power_losses(&self) -> u8 {
        self.lock().power_losses
    }

    /// Says whether this step fails.
    pub(crate) fn strike(&self, step: Step) -> Option<Strike> {
        let mut state = self.lock();
        if state.crashed {
            return Some(Strike {
                error: io::Error::other("crashed"),
                torn: false,
            });
        }
        state.steps.push(step);
        let mut struck = None;
        state.armed.retain_mut(|armed| {
            if armed.step.is_some_and(|only| only != step) {
                return true;
            }
            armed.left = armed.left.saturating_sub(1);
            if armed.left == 0 {
                struck = Some(armed.fault);
            }
            armed.left > 0
        });
        match struck? {
            Fault::Errno(number) => Some(Strike {
                error: io::Error::from_raw_os_error(number),
                torn: true,
            }),
            Fault::Crash => {
                state.crashed = true;
                Some(Strike {
                    error: io::Error::other("crashed"),
                    torn: true,
                })
            }
        }
    }

    pub(crate) fn note_created(&self, path: &Path) {
        let mut state = self.lock();
        // Creating empties a file that is there already, whose name may be durable.
        if state.synced.insert(path.to_owned(), 0).is_none() {
            state.names.push(NewName::Created(path.to_owned()));
        }
    }

    pub(crate) fn note_length(&self, path: &Path, length: u64) {
        if let Some(synced) = self.lock().synced.get_mut(path) {
            *synced = length.min(*synced);
        }
    }

    pub(crate) fn note_synced(&self, path: &Path, length: u64) {
        self.lock().synced.insert(path.to_owned(), length);
    }

    pub(crate) fn note_renamed(&self, from: &Path, to: &Path) {
        let mut state = self.lock();
        state.renamed(from, to);
        state.names.push(NewName::Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }

    pub(crate) fn note_removed(&self, path: &Path) {
        let mut state = self.lock();
        state.synced.remove(path);
        state.names.retain(|name| match name {
            NewName::Created(created) => created != path,
            NewName::Renamed { to, .. } => to != path,
        });
    }

    pub(crate) fn note_directory_synced(&self, directory: &Path) {
        let mut state = self.lock();
        let inside = |path: &Path| path.parent() == Some(directory);
        let mut sources = Vec::new();
        state.names.retain(|name| match name {
            NewName::Created(path) => !inside(path),
            NewName::Renamed { from, to } => {
                if inside(to) {
                    sources.push(from.clone());
                }
                !inside(to)
            }
        });
        // A file whose new name is durable exists, whatever became of the old name.
        state.names.retain(|name| match name {
            NewName::Created(path) => !sources.contains(path),
            NewName::Renamed { .. } => true,
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(synced) = self.synced.remove(from) {
            self.synced.insert(to.to_owned(), synced);
        }
    }
}
