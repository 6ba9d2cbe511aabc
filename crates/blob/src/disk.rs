//! Every call to the file system, each a step that tests can make fail. All of it blocks.
//!
//! Invariant: paths are made of the root and parsed keys only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use berth_oci::Algorithm;
use rustix::fs::{Advice, fadvise};
use rustix::io::{ReadWriteFlags, preadv2};
use uuid::Uuid;

use crate::faults::{FaultPlan, Step};
use crate::hasher::{Boot, Hasher};
use crate::key::Key;
use crate::pool::{BUFFER, Pool};

/// The modification time that a commit gives a blob's file. Whatever writes to the file afterwards
/// changes it, so a file without it is hashed before it is believed.
const SEAL: SystemTime = UNIX_EPOCH;

/// Directories the blobs of one algorithm are spread over, by the digest's first byte.
const FANS: usize = 256;

pub(crate) struct Disk {
    root: PathBuf,
    sync: bool,
    faults: Option<FaultPlan>,
    boot: Boot,
    /// Open directories, so that a commit syncs one without opening it.
    fans: [Vec<OnceLock<File>>; 2],
    pub(crate) pool: Pool,
}

impl Disk {
    /// Makes the directories under `root` that are not there yet, durably.
    pub(crate) fn open(root: &Path, sync: bool, faults: Option<FaultPlan>) -> io::Result<Self> {
        let fans = || (0..FANS).map(|_| OnceLock::new()).collect();
        let mut boot = boot();
        if let Some(plan) = &faults {
            boot[0] = boot[0].wrapping_add(plan.power_losses());
        }
        let disk = Self {
            root: root.to_owned(),
            sync,
            faults,
            boot,
            fans: [fans(), fans()],
            pool: Pool::default(),
        };
        DirBuilder::new().recursive(true).mode(0o750).create(root)?;
        for name in ["blobs", "uploads", "quarantine"] {
            make_directory(&root.join(name))?;
        }
        for algorithm in Algorithm::ALL {
            let directory = disk.algorithm(algorithm);
            make_directory(&directory)?;
            make_fans(&directory)?;
            disk.sync_directory(&directory)?;
        }
        for name in ["blobs", "uploads", "quarantine", ""] {
            disk.sync_directory(&root.join(name))?;
        }
        if let Some(parent) = root
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            disk.sync_directory(parent)?;
        }
        Ok(disk)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) const fn boot(&self) -> &Boot {
        &self.boot
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub(crate) fn upload(&self, id: Uuid) -> PathBuf {
        self.uploads().join(id.hyphenated().to_string())
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn algorithm(&self, algorithm: Algorithm) -> PathBuf {
        self.blobs().join(algorithm.as_str())
    }

    pub(crate) fn fan(&self, algorithm: Algorithm, fan: u8) -> PathBuf {
        self.algorithm(algorithm).join(format!("{fan:02x}"))
    }

    pub(crate) fn blob(&self, key: &Key) -> PathBuf {
        self.blobs().join(key.as_str())
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// Creates the file, or empties the one that is there.
    pub(crate) fn create(&self, path: &Path) -> io::Result<File> {
        self.step(Step::Create)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(path)?;
        self.note(|plan| plan.note_created(path));
        Ok(file)
    }

    pub(crate) fn open_to_write(&self, path: &Path) -> io::Result<File> {
        self.step(Step::Read)?;
        OpenOptions::new().read(true).write(true).open(path)
    }

    /// Opens a plain file; anything else counts as not found. Gives its length and whether it is
    /// sealed.
    pub(crate) fn open_to_read(&self, path: &Path) -> io::Result<(File, u64, bool)> {
        self.step(Step::Read)?;
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() {
            let sealed = metadata.modified()? == SEAL;
            Ok((file, metadata.len(), sealed))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Writes all `pieces` where the file's cursor stands.
    pub(crate) fn append(&self, mut file: &File, pieces: &[&[u8]]) -> io::Result<()> {
        if let Some(strike) = self
            .faults
            .as_ref()
            .and_then(|plan| plan.strike(Step::Write))
        {
            if let Some(piece) = pieces.first().filter(|_| strike.torn) {
                file.write_all(&piece[..piece.len() / 2])?;
            }
            return Err(strike.error);
        }
        let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut slices = slices.as_mut_slice();
        while !slices.is_empty() {
            match file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut slices, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes the file end at `length` and puts its cursor there.
    pub(crate) fn cut(&self, mut file: &File, path: &Path, length: u64) -> io::Result<()> {
        self.step(Step::Write)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        self.note(|plan| plan.note_length(path, length));
        Ok(())
    }

    /// Marks the file as complete and its bytes as hashed.
    #[expect(
        clippy::unused_self,
        reason = "all calls to the file system are made through here"
    )]
    pub(crate) fn seal(&self, file: &File) -> io::Result<()> {
        file.set_modified(SEAL)
    }

    /// Makes the file's bytes durable, its name not.
    pub(crate) fn sync_file(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        if !self.sync {
            return Ok(());
        }
        self.step(Step::Sync)?;
        file.sync_data()?;
        self.note(|plan| plan.note_synced(path, length));
        Ok(())
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Step::Rename)?;
        fs::rename(from, to)?;
        self.note(|plan| plan.note_renamed(from, to));
        Ok(())
    }

    /// Removes a file; one that is not there counts as removed.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Remove)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => outcome?,
        }
        self.note(|plan| plan.note_removed(path));
        Ok(())
    }

    /// Makes the names in the directory of `key` durable.
    pub(crate) fn sync_fan(&self, key: &Key) -> io::Result<()> {
        if !self.sync {
            return Ok(());
        }
        self.step(Step::SyncDirectory)?;
        let path = self.fan(key.algorithm(), key.fan());
        let fans = match key.algorithm() {
            Algorithm::Sha256 => &self.fans[0],
            Algorithm::Sha512 => &self.fans[1],
        };
        let slot = &fans[usize::from(key.fan())];
        let directory = if let Some(directory) = slot.get() {
            directory
        } else {
            let directory = File::open(&path)?;
            slot.get_or_init(|| directory)
        };
        directory.sync_all()?;
        self.note(|plan| plan.note_directory_synced(&path));
        Ok(())
    }

    /// Makes the names in any directory durable.
    pub(crate) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        if !self.sync {
            return Ok(());
        }
        self.step(Step::SyncDirectory)?;
        File::open(path)?.sync_all()?;
        self.note(|plan| plan.note_directory_synced(path));
        Ok(())
    }

    /// Fills `buffer` from `at` on as far as the file goes and says how far that was.
    pub(crate) fn read(&self, file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.step(Step::Read)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read_at(&mut buffer[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Fills `buffer` from `at` on with what the kernel has in memory, without waiting. `false` if
    /// that is not all of it; a read that waits then tells the rest.
    pub(crate) fn read_cached(&self, file: &File, buffer: &mut [u8], at: u64) -> bool {
        // Faults are met by the reads that may fail. And to the kernel an offset of -1 is not one
        // past every file but the file's own cursor (preadv2(2)).
        if self.faults.is_some() || i64::try_from(at).is_err() {
            return false;
        }
        let wanted = buffer.len();
        let mut slices = [IoSliceMut::new(buffer)];
        preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT).is_ok_and(|read| read == wanted)
    }

    /// Has the kernel forget what it remembers of a range, so that the next read is from the disk
    /// and a scrub does not push out what pulls need. A wish: one that is refused costs nothing.
    pub(crate) fn forget_cached(file: &File, at: u64, end: u64) {
        if let Some(length) = NonZeroU64::new(end.saturating_sub(at)) {
            let _ = fadvise(file, at, Some(length), Advice::DontNeed);
        }
    }

    /// Hashes the bytes from `at` to `end` and says how far the file went.
    pub(crate) fn hash(
        &self,
        file: &File,
        hasher: &mut Hasher,
        mut at: u64,
        end: u64,
    ) -> io::Result<u64> {
        let mut buffer = self.pool.take(BUFFER);
        while at < end {
            let want = usize::try_from(end - at).map_or(BUFFER, |left| left.min(BUFFER));
            let piece = &mut buffer.as_mut()[..want];
            let read = self.read(file, piece, at)?;
            hasher.update(&piece[..read]);
            at += read as u64;
            if read < want {
                break;
            }
        }
        Ok(at)
    }

    fn step(&self, step: Step) -> io::Result<()> {
        match self.faults.as_ref().and_then(|plan| plan.strike(step)) {
            Some(strike) => Err(strike.error),
            None => Ok(()),
        }
    }

    fn note(&self, note: impl FnOnce(&FaultPlan)) {
        if let Some(plan) = &self.faults {
            note(plan);
        }
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o750).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Makes the directories that blobs are spread over. Those that are there are listed rather than
/// made in vain, which would be most of the time that opening takes.
fn make_fans(parent: &Path) -> io::Result<()> {
    let mut missing = [true; FANS];
    for entry in fs::read_dir(parent)? {
        let name = entry?.file_name();
        let fan = name
            .to_str()
            .and_then(|name| u8::from_str_radix(name, 16).ok());
        if let Some(fan) = fan {
            missing[usize::from(fan)] &= name != *format!("{fan:02x}");
        }
    }
    for fan in (0..FANS).filter(|&fan| missing[fan]) {
        make_directory(&parent.join(format!("{fan:02x}")))?;
    }
    Ok(())
}

/// The kernel's name for its run since boot; where there is none, one for this process, which only
/// makes resumed uploads be hashed again.
fn boot() -> Boot {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|text| Uuid::try_parse(text.trim()).ok())
        .unwrap_or_else(Uuid::new_v4)
        .into_bytes()
}
