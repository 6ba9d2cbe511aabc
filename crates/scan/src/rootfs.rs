//! A folder read as if it were the only layer of an image.
//!
//! Invariant: nothing outside the folder is read, links are not followed, and what is no file, no
//! folder and no link is left out.

use std::fs::{self, File};
use std::io::{self, PipeWriter, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;

use berth_inspect::{LayerReport, Limits, inspect_layer};

use crate::ScanError;

/// Where databases of packages are: that one of these cannot be read must not look like none.
const DATABASES: [&str; 6] = [
    "var/lib/dpkg",
    "lib/apk/db",
    "usr/lib/apk/db",
    "var/lib/rpm",
    "usr/lib/sysimage/rpm",
    "usr/share/rpm",
];

/// What could not be read.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// How many files and folders.
    pub(crate) count: usize,
    /// One that may have been a database of packages.
    pub(crate) database: Option<String>,
}

impl Unread {
    fn add(&mut self, name: &Path) {
        self.count += 1;
        let may_be =
            |database: &&str| name.starts_with(database) || Path::new(database).starts_with(name);
        if DATABASES.iter().any(may_be) {
            self.database = Some(name.display().to_string());
        }
    }
}

/// Inspects what is in a folder; also says what could not be read.
pub(crate) fn inspect(folder: &Path, limits: &Limits) -> Result<(LayerReport, Unread), ScanError> {
    let failed = |cause| ScanError::read(folder, cause);
    // A folder that is not there is an error, and not an image without packages.
    fs::read_dir(folder).map_err(failed)?;
    let (reader, writer) = io::pipe().map_err(failed)?;
    thread::scope(|scope| {
        let walk = scope.spawn(move || pack(folder, writer));
        let report = inspect_layer(reader, limits, &|| false);
        let unread = walk.join().unwrap_or_else(|_| Ok(Unread::default()));
        let report = report.map_err(|cause| ScanError::Layer {
            layer: folder.display().to_string(),
            cause,
        })?;
        match unread {
            Ok(unread) => Ok((report, unread)),
            // The reader has had enough, and its report says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Ok((report, Unread::default()))
            }
            Err(error) => Err(failed(error)),
        }
    })
}

/// Appends a file as long as it is now: what is written to it meanwhile must not break the archive.
fn append(archive: &mut tar::Builder<PipeWriter>, name: &Path, file: File) -> io::Result<()> {
    let metadata = file.metadata()?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata_in_mode(&metadata, tar::HeaderMode::Deterministic);
    header.set_mode(metadata.mode());
    let length = metadata.len();
    header.set_size(length);
    archive.append_data(
        &mut header,
        name,
        file.take(length).chain(io::repeat(0)).take(length),
    )
}

/// Writes the folder as an archive; gives what could not be read. Folders have no entries: nothing
/// is known by them.
fn pack(folder: &Path, to: PipeWriter) -> io::Result<Unread> {
    let mut archive = tar::Builder::new(to);
    archive.follow_symlinks(false);
    let mut unread = Unread::default();
    let device = fs::metadata(folder)?.dev();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else {
            unread.add(path.strip_prefix(folder).unwrap_or(&path));
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(name) = path.strip_prefix(folder) else {
                continue;
            };
            let Ok(kind) = entry.file_type() else {
                unread.add(name);
                continue;
            };
            if kind.is_dir() {
                // What the kernel shows there is endless and no part of an image.
                let of_kernel = ["proc", "sys", "dev"]
                    .iter()
                    .any(|it| name == Path::new(it));
                if !of_kernel || entry.metadata().is_ok_and(|it| it.dev() == device) {
                    waiting.push(path);
                }
            } else if kind.is_symlink() {
                match fs::read_link(&path) {
                    Ok(target) => {
                        let mut header = tar::Header::new_gnu();
                        header.set_entry_type(tar::EntryType::Symlink);
                        header.set_size(0);
                        archive.append_link(&mut header, name, target)?;
                    }
                    Err(_) => unread.add(name),
                }
            } else if kind.is_file() {
                match File::open(&path) {
                    Ok(file) => append(&mut archive, name, file)?,
                    Err(_) => unread.add(name),
                }
            }
        }
    }
    archive.finish()?;
    Ok(unread)
}
