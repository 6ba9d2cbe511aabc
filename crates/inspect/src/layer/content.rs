//! What is read of one file, and what it gives.
//!
//! The invariant: at most one file is held at a time, and no more of it than its limit.

use std::io::BufRead;

use berth_advisories::Package;

use super::{End, Item, Walk};
use crate::ReadAt;
use crate::findings::{accounts, secrets};
use crate::lang::java::{Archive, Trouble};
use crate::lang::{binary, go, metadata, rust};
use crate::limits::Reason;
use crate::os::{Listed, apk, dpkg, release, rpm};
use crate::path;
use crate::report::{FoundPackage, Origin};
use crate::select::{self, Interest};
use crate::tar::{Entry, Reader};

impl Walk<'_> {
    pub(super) fn file<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        entry: &Entry,
        path: String,
    ) -> Result<(), End> {
        let Some(interest) = select::interest(&path) else {
            return self.unnamed(reader, entry, path);
        };
        let limits = self.limits;
        let item = match interest {
            Interest::RpmDatabase(origin) => {
                self.spool(reader, &path, limits.rpm_bytes)?;
                let listed = rpm::packages(&self.spool, origin, &mut self.owners);
                self.database(&path, origin, listed)
            }
            Interest::RpmLog => {
                if entry.size > 0 {
                    let detail = "changes that are not yet in the database are not read";
                    self.reasons.add(Reason::Database, &path, detail);
                }
                Item::Nothing
            }
            Interest::Archive => {
                self.spool(reader, &path, limits.archive_bytes)?;
                self.archive(&path)
            }
            Interest::Database(origin) => {
                self.buffer(reader, &path, limits.database_bytes)?;
                let listed = if origin == Origin::Apk {
                    apk::installed(&self.buffer, &mut self.owners)
                } else {
                    dpkg::status(&self.buffer)
                };
                self.database(&path, origin, listed)
            }
            Interest::DpkgList => {
                self.buffer(reader, &path, limits.metadata_bytes)?;
                let package = self.owners.package(dpkg::list_owner(&path));
                for file in dpkg::list(&self.buffer) {
                    self.owners.file(file, package);
                }
                return Ok(());
            }
            Interest::Metadata(origin) => {
                self.buffer(reader, &path, limits.metadata_bytes)?;
                let found = metadata(origin, &self.buffer);
                if let Some(problem) = found.problem {
                    self.reasons.add(Reason::File, &path, problem);
                }
                self.found(&path, origin, found.packages)
            }
            Interest::OsRelease | Interest::DebianVersion | Interest::AlpineRelease => {
                self.buffer(reader, &path, 64 * 1024)?;
                Item::Release(match interest {
                    Interest::DebianVersion => release::debian_version(&self.buffer),
                    Interest::AlpineRelease => release::alpine_release(&self.buffer),
                    _ => release::os_release(&self.buffer),
                })
            }
            Interest::Accounts => {
                self.buffer(reader, &path, limits.metadata_bytes)?;
                for finding in accounts::check(&path, &self.buffer) {
                    self.find(finding);
                }
                Item::Nothing
            }
        };
        self.items.insert(path, item);
        Ok(())
    }

    fn database(&mut self, path: &str, origin: Origin, listed: Listed) -> Item {
        if let Some(problem) = listed.problem {
            self.reasons.add(Reason::Database, path, problem);
        }
        let mut packages = listed.packages;
        let room = self.limits.packages - self.packages.min(self.limits.packages);
        if !self.room(packages.len(), path) {
            packages.truncate(room);
            self.packages += packages.len();
        }
        Item::Database(origin, packages)
    }

    fn found(&mut self, path: &str, origin: Origin, packages: Vec<Package>) -> Item {
        if packages.is_empty() || !self.room(packages.len(), path) {
            return Item::Nothing;
        }
        let packages = packages.into_iter().map(|package| FoundPackage {
            path: path.to_owned(),
            origin,
            package,
            owned_by: None,
        });
        Item::Packages(packages.collect())
    }

    /// A file whose name says nothing: an executable, a text, or neither.
    fn unnamed<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        entry: &Entry,
        path: String,
    ) -> Result<(), End> {
        let text = entry.size <= self.limits.text_bytes && secrets::is_searched(&path);
        let program = entry.size > 64 && is_program_path(&path);
        if entry.size == 0 || !text && !program {
            return Ok(());
        }
        self.buffer.clear();
        let wanted = if text { 4096 } else { 64 };
        while self.buffer.len() < wanted {
            let data = reader.data()?;
            let count = data.len().min(wanted - self.buffer.len());
            if count == 0 {
                break;
            }
            self.buffer.extend_from_slice(&data[..count]);
            reader.consume(count);
        }
        let item = if program && binary::is_executable(&self.buffer) {
            let head = std::mem::take(&mut self.buffer);
            self.spool.clear();
            self.spool.write(&head).map_err(End::Spool)?;
            self.buffer = head;
            if entry.size > self.limits.binary_bytes {
                let detail = format!("{} bytes are more than are read", entry.size);
                self.reasons.add(Reason::FileTooLarge, &path, detail);
                return Ok(());
            }
            self.spool_on(reader, &path, self.limits.binary_bytes)?;
            self.program(&path)
        } else if text && !self.buffer.contains(&0) {
            self.buffer_on(reader, &path, self.limits.text_bytes)?;
            let room = self.limits.findings - self.findings.len().min(self.limits.findings);
            for finding in secrets::search(&path, &self.buffer, room + 1) {
                self.find(finding);
            }
            Item::Nothing
        } else if entry.mode & 0o111 != 0 {
            Item::Nothing
        } else {
            return Ok(());
        };
        self.items.insert(path, item);
        Ok(())
    }

    fn program(&mut self, path: &str) -> Item {
        let Some(layout) = binary::layout(&self.spool) else {
            return Item::Nothing;
        };
        if let Some(packages) = go::packages(&self.spool, &layout) {
            return self.found(path, Origin::GoBinary, packages);
        }
        let section = layout
            .section(".dep-v0")
            .or_else(|| layout.section("rust-deps-v0"));
        let Some(section) = section else {
            return Item::Nothing;
        };
        let count = usize::try_from(section.size)
            .unwrap_or(usize::MAX)
            .min(1 << 20);
        let bytes = self.spool.bytes(section.offset, count).unwrap_or_default();
        let found = rust::audit_section(&bytes);
        if let Some(problem) = found.problem {
            self.reasons.add(Reason::File, path, problem);
        }
        self.found(path, Origin::RustBinary, found.packages)
    }

    fn archive(&mut self, path: &str) -> Item {
        let mut packages: Vec<FoundPackage> = Vec::new();
        let reasons = &mut self.reasons;
        let most = self.limits.packages - self.packages.min(self.limits.packages);
        let mut archive = Archive {
            found: &mut |path, origin, package| {
                if packages.len() <= most {
                    packages.push(FoundPackage {
                        path,
                        origin,
                        package,
                        owned_by: None,
                    });
                }
            },
            problem: &mut |path, trouble| match trouble {
                Trouble::Damaged(text) => reasons.add(Reason::File, path, text),
                Trouble::TooDeep => {
                    reasons.add(Reason::Depth, path, "archives too deep in archives");
                }
                Trouble::TooLarge => {
                    reasons.add(Reason::FileTooLarge, path, "unpacks to more than is read");
                }
                Trouble::Spool => {
                    reasons.add(Reason::File, path, "no temporary file could be written");
                }
            },
            budget: self.limits.archive_bytes,
            depth: self.limits.archive_depth,
            cancel: self.cancel,
            spares: &self.spares,
        };
        archive.read(&self.spool, path);
        if packages.is_empty() || !self.room(packages.len(), path) {
            return Item::Nothing;
        }
        Item::Packages(packages)
    }

    /// Reads a whole file into `buffer`, as far as allowed.
    fn buffer<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        path: &str,
        limit: u64,
    ) -> Result<(), End> {
        self.buffer.clear();
        self.buffer_on(reader, path, limit)
    }

    fn buffer_on<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        path: &str,
        limit: u64,
    ) -> Result<(), End> {
        loop {
            let data = reader.data()?;
            let count = data.len();
            if count == 0 {
                return Ok(());
            }
            if (self.buffer.len() + count) as u64 > limit {
                let detail = format!("only the first {} bytes were read", self.buffer.len());
                self.reasons.add(Reason::FileTooLarge, path, detail);
                return Ok(());
            }
            self.buffer.extend_from_slice(data);
            reader.consume(count);
        }
    }

    /// Reads a whole file into `spool`, as far as allowed.
    fn spool<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        path: &str,
        limit: u64,
    ) -> Result<(), End> {
        self.spool.clear();
        self.spool_on(reader, path, limit)
    }

    fn spool_on<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        path: &str,
        limit: u64,
    ) -> Result<(), End> {
        loop {
            let data = reader.data()?;
            let count = data.len();
            if count == 0 {
                return Ok(());
            }
            let held = self.spool.len();
            if held + count as u64 > limit {
                let detail = format!("only the first {held} bytes were read");
                self.reasons.add(Reason::FileTooLarge, path, detail);
                return Ok(());
            }
            self.spool.write(data).map_err(End::Spool)?;
            reader.consume(count);
        }
    }
}

/// Libraries of the distribution and debug files are no programs that name packages; they are most
/// of the bytes of an image.
fn is_program_path(path: &str) -> bool {
    let name = path::base(path);
    let library = has_extension(name, "so") || name.contains(".so.");
    let of_distribution = path.starts_with("lib") || path.starts_with("usr/lib");
    if library && of_distribution && !path.contains("-packages/") {
        return false;
    }
    !path.starts_with("usr/lib/debug/")
        && !["debug", "ko", "pyc"]
            .iter()
            .any(|extension| has_extension(name, extension))
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, found)| found == extension)
}
