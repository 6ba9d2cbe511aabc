//! Going through the store, for checks and sweeps.
//!
//! Invariant: a bounded number of entries is in memory, however large a directory is.

use std::collections::VecDeque;
use std::fs::{DirEntry, ReadDir};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use berth_model::Timestamp;
use berth_oci::{Algorithm, Digest};

use crate::disk::Disk;
use crate::error::BlobError;
use crate::key::{self, Key};
use crate::store::BlobStore;

/// Entries, and directories, read at once.
const AT_ONCE: usize = 256;

/// Something that lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A complete blob; whether its row is there is for the caller to find out.
    Blob {
        /// Its key.
        stored_as: String,
        /// The digest it was stored as.
        digest: Digest,
        /// Its size.
        size: u64,
        /// When its bytes were last written.
        modified: Timestamp,
    },
    /// An unfinished upload.
    Upload {
        /// Its id.
        id: String,
        /// Bytes written.
        size: u64,
        /// When bytes were last written.
        modified: Timestamp,
    },
    /// Something this crate never makes.
    Stray {
        /// Where it lies.
        path: PathBuf,
    },
}

/// A walk through the store; see [`BlobStore::walk`].
#[derive(Debug)]
pub struct Walk {
    store: BlobStore,
    found: VecDeque<Result<Entry, BlobError>>,
    /// `None` while a thread has it.
    rest: Option<Rest>,
}

/// What is still to be read.
#[derive(Debug, Default)]
struct Rest {
    places: Vec<Place>,
    open: Option<(Place, ReadDir)>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Uploads,
    Blobs,
    Algorithm(Algorithm),
    Fan(Algorithm, u8),
}

impl Walk {
    pub(crate) fn new(store: BlobStore) -> Self {
        let rest = Rest {
            // Taken from the end.
            places: vec![Place::Uploads, Place::Blobs],
            open: None,
        };
        Self {
            store,
            found: VecDeque::new(),
            rest: Some(rest),
        }
    }

    /// The next entry, or `None` after the last one.
    ///
    /// An error stands for a directory or an entry that cannot be read; the walk goes on after it.
    /// If the returned future is dropped before it is done, the walk ends with an error.
    pub async fn next(&mut self) -> Option<Result<Entry, BlobError>> {
        loop {
            if let Some(entry) = self.found.pop_front() {
                return Some(entry);
            }
            let Some(mut rest) = self.rest.take() else {
                self.rest = Some(Rest::default());
                let error = io::Error::other("the walk through the storage was interrupted");
                return Some(Err(error.into()));
            };
            if rest.open.is_none() && rest.places.is_empty() {
                self.rest = Some(rest);
                return None;
            }
            let read = self.store.run(move |disk| {
                let found = rest.read(disk);
                (rest, found)
            });
            match read.await {
                Ok((rest, found)) => {
                    self.rest = Some(rest);
                    self.found = found;
                }
                Err(error) => {
                    self.rest = Some(Rest::default());
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Rest {
    /// Reads on, for as many entries as are held at once or as many directories.
    fn read(&mut self, disk: &Disk) -> VecDeque<Result<Entry, BlobError>> {
        let mut found = VecDeque::new();
        for _ in 0..AT_ONCE {
            self.read_directory(disk, &mut found);
            let done = self.open.is_none() && self.places.is_empty();
            if done || found.len() >= AT_ONCE {
                break;
            }
        }
        found
    }

    /// Reads on in the open directory, or opens the next one.
    fn read_directory(&mut self, disk: &Disk, found: &mut VecDeque<Result<Entry, BlobError>>) {
        if self.open.is_none() {
            let Some(place) = self.places.pop() else {
                return;
            };
            match std::fs::read_dir(place.path(disk)) {
                Ok(directory) => {
                    self.places.extend(place.inner());
                    self.open = Some((place, directory));
                }
                Err(error) => found.push_back(Err(error.into())),
            }
        }
        let Some((place, directory)) = &mut self.open else {
            return;
        };
        let place = *place;
        while found.len() < AT_ONCE {
            let Some(entry) = directory.next() else {
                self.open = None;
                break;
            };
            match entry.and_then(|entry| place.describe(&entry)) {
                Ok(Some(entry)) => found.push_back(Ok(entry)),
                Ok(None) => {}
                // Removed or renamed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.push_back(Err(error.into())),
            }
        }
    }
}

impl Place {
    fn path(self, disk: &Disk) -> PathBuf {
        match self {
            Self::Uploads => disk.uploads(),
            Self::Blobs => disk.blobs(),
            Self::Algorithm(algorithm) => disk.algorithm(algorithm),
            Self::Fan(algorithm, fan) => disk.fan(algorithm, fan),
        }
    }

    /// The places to be walked below this one.
    fn inner(self) -> Vec<Self> {
        match self {
            Self::Blobs => Algorithm::ALL.map(Self::Algorithm).to_vec(),
            Self::Algorithm(algorithm) => {
                (0..=u8::MAX).map(|fan| Self::Fan(algorithm, fan)).collect()
            }
            Self::Uploads | Self::Fan(..) => Vec::new(),
        }
    }

    /// What `entry` is; `None` for a place that is walked itself.
    fn describe(self, entry: &DirEntry) -> io::Result<Option<Entry>> {
        let metadata = entry.metadata()?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if metadata.is_dir() && self.holds_place(name) {
            return Ok(None);
        }
        let size = metadata.len();
        // The time of the last change of any kind: a blob's modification time is its seal.
        let modified = Timestamp::from_micros(
            metadata.ctime().saturating_mul(1_000_000) + metadata.ctime_nsec() / 1_000,
        );
        let known = match self {
            _ if !metadata.is_file() => None,
            Self::Uploads => key::parse_upload(name).ok().map(|_| Entry::Upload {
                id: name.to_owned(),
                size,
                modified,
            }),
            Self::Fan(algorithm, fan) => {
                let text = format!("{algorithm}/{fan:02x}/{name}");
                describe_blob(&text, size, modified)
            }
            Self::Blobs | Self::Algorithm(_) => None,
        };
        Ok(Some(known.unwrap_or_else(|| stray(&path))))
    }

    fn holds_place(self, name: &str) -> bool {
        match self {
            Self::Blobs => Algorithm::ALL
                .into_iter()
                .any(|algorithm| algorithm.as_str() == name),
            Self::Algorithm(_) => (0..=u8::MAX).any(|fan| format!("{fan:02x}") == name),
            Self::Uploads | Self::Fan(..) => false,
        }
    }
}

fn describe_blob(text: &str, size: u64, modified: Timestamp) -> Option<Entry> {
    let key = Key::parse(text).ok()?;
    let digest = key.digest().ok()?;
    Some(Entry::Blob {
        stored_as: key.into_string(),
        digest,
        size,
        modified,
    })
}

fn stray(path: &Path) -> Entry {
    Entry::Stray {
        path: path.to_owned(),
    }
}
