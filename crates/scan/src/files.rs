//! The files of an image: those of a folder, or those of an archive that is read in place.
//!
//! Invariant: a name never leads out of the folder, and what is read whole is bounded.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::ScanError;

/// Files of an archive; more is no image.
const MOST_FILES: usize = 100_000;

/// Files by their names.
#[derive(Debug)]
pub(crate) enum Files {
    Folder(PathBuf),
    Archive {
        path: PathBuf,
        /// Where each begins, and how long it is.
        places: HashMap<String, (u64, u64)>,
    },
}

impl Files {
    pub(crate) fn folder(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }

    /// Finds out where the files of a tar archive are. It must be seekable and not compressed.
    pub(crate) fn archive(path: &Path) -> Result<Self, ScanError> {
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                ScanError::read(path, cause)
            }
            _ => ScanError::no_image(
                path,
                format!("it is no tar archive ({cause}): a compressed one is to be unpacked first"),
            ),
        };
        let file = File::open(path).map_err(failed)?;
        let mut archive = tar::Archive::new(file);
        let mut places = HashMap::new();
        let mut links = Vec::new();
        for entry in archive.entries_with_seek().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = clean(&entry.path().map_err(failed)?);
            let kind = entry.header().entry_type();
            if kind.is_file() {
                places.insert(name, (entry.raw_file_position(), entry.size()));
            } else if kind.is_symlink() || kind.is_hard_link() {
                // In older archives a layer that is there twice is a link to the first.
                let target = entry.link_name().map_err(failed)?.unwrap_or_default();
                let from = Path::new(&name).parent().filter(|_| kind.is_symlink());
                links.push((clean(&from.unwrap_or(Path::new("")).join(target)), name));
            }
            if places.len() + links.len() > MOST_FILES {
                return Err(ScanError::no_image(
                    path,
                    "it has too many files for an image",
                ));
            }
        }
        for (target, name) in links {
            if let Some(place) = places.get(&target).copied() {
                places.entry(name).or_insert(place);
            }
        }
        Ok(Self::Archive {
            path: path.to_owned(),
            places,
        })
    }

    /// Where the files are.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive { path, .. } => path,
        }
    }

    /// Opens a file; `None` if there is none of that name.
    pub(crate) fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, ScanError> {
        match self {
            Self::Folder(folder) => {
                let inside = Path::new(name)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_)));
                if !inside {
                    return Ok(None);
                }
                let path = folder.join(name);
                match fs::metadata(&path) {
                    // Opening a pipe would wait for somebody to write.
                    Ok(found) if !found.is_file() => {
                        Err(ScanError::no_image(path, "it is no regular file"))
                    }
                    Ok(_) => match File::open(&path) {
                        Ok(file) => Ok(Some(Box::new(file))),
                        Err(error) => Err(ScanError::read(path, error)),
                    },
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(ScanError::read(path, error)),
                }
            }
            Self::Archive { path, places } => {
                let Some((start, size)) = places.get(name) else {
                    return Ok(None);
                };
                let mut file = File::open(path).map_err(|error| ScanError::read(path, error))?;
                file.seek(SeekFrom::Start(*start))
                    .map_err(|error| ScanError::read(path, error))?;
                Ok(Some(Box::new(file.take(*size))))
            }
        }
    }

    /// Reads a file of at most `most` bytes.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ScanError> {
        let Some(file) = self.open(name)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| ScanError::read(self.path().join(name), error))?;
        if bytes.len() as u64 > most {
            let problem = format!("{name} is larger than {most} bytes");
            return Err(ScanError::no_image(self.path(), problem));
        }
        Ok(Some(bytes))
    }
}

/// The name of a file in an archive: relative, without `.` and `..`.
fn clean(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}
