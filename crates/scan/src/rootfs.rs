//! A folder read as if it were the only layer of an image.
//!
//! Invariant: nothing outside the folder is read, links are not followed, and what is no file, no
//! folder and no link is left out.

use std::fs::{self, File};
use std::io::{self, PipeWriter};
use std::path::Path;
use std::thread;

use berth_inspect::{LayerReport, Limits, inspect_layer};

use crate::ScanError;

/// Inspects what is in a folder; also says how many entries could not be read.
pub(crate) fn inspect(folder: &Path, limits: &Limits) -> Result<(LayerReport, usize), ScanError> {
    let failed = |cause| ScanError::read(folder, cause);
    // A folder that is not there is an error, and not an image without packages.
    fs::read_dir(folder).map_err(failed)?;
    let (reader, writer) = io::pipe().map_err(failed)?;
    thread::scope(|scope| {
        let walk = scope.spawn(move || pack(folder, writer));
        let report = inspect_layer(reader, limits, &|| false);
        let unread = walk.join().unwrap_or(Ok(0));
        let report = report.map_err(|cause| ScanError::Layer {
            layer: folder.display().to_string(),
            cause,
        })?;
        match unread {
            Ok(unread) => Ok((report, unread)),
            // The reader has had enough, and its report says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok((report, 0)),
            Err(error) => Err(failed(error)),
        }
    })
}

/// Writes the folder as an archive; gives how many entries could not be read.
fn pack(folder: &Path, to: PipeWriter) -> io::Result<usize> {
    let mut archive = tar::Builder::new(to);
    archive.follow_symlinks(false);
    archive.sparse(false);
    let mut unread = 0;
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else {
            unread += 1;
            continue;
        };
        for entry in entries {
            let Ok(entry) = entry else {
                unread += 1;
                continue;
            };
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                unread += 1;
                continue;
            };
            let Ok(name) = path.strip_prefix(folder) else {
                continue;
            };
            if kind.is_dir() {
                archive.append_path_with_name(&path, name)?;
                waiting.push(path);
            } else if kind.is_symlink() {
                archive.append_path_with_name(&path, name)?;
            } else if kind.is_file() {
                match File::open(&path) {
                    Ok(mut file) => archive.append_file(name, &mut file)?,
                    Err(_) => unread += 1,
                }
            }
        }
    }
    archive.finish()?;
    Ok(unread)
}
