//! One layer, read once.
//!
//! The invariant: what is reported is the state of the layer when its last entry is unpacked (a
//! later entry replaces an earlier one of the same path), and only files of interest are held, one
//! at a time.

mod content;

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use berth_advisories::{Distro, Package};

use crate::findings::{Finding, files};
use crate::limits::{Limits, Reason, Reasons};
use crate::os::Owners;
use crate::path::{self, Whiteout};
use crate::report::{Database, FoundPackage, LayerReport, Link, Origin, ReleaseFile};
use crate::select::{self, Interest};
use crate::sound;
use crate::spool::{Spares, Spool};
use crate::stream::{self, Stop};
use crate::tar::{Entry, Failure, Kind, Reader};
use crate::{Error, INDEXER_REVISION};

/// Reads a layer to its end and lists what is in it.
///
/// `cancel` is asked often; when it says so, what was found until then is returned. The reader is
/// read from another thread.
pub fn inspect_layer<R: Read + Send>(
    reader: R,
    limits: &Limits,
    cancel: &dyn Fn() -> bool,
) -> Result<LayerReport, Error> {
    inspect_layer_with(reader, limits, cancel, Spares::default())
}

/// As [`inspect_layer`], with temporary files for what is too large for memory.
pub fn inspect_layer_with<R: Read + Send>(
    reader: R,
    limits: &Limits,
    cancel: &dyn Fn() -> bool,
    spares: Spares,
) -> Result<LayerReport, Error> {
    let mut walk = Walk::new(limits, cancel, spares);
    let (outcome, summary, stopped) = stream::read(reader, limits, cancel, |stream| {
        let outcome = walk.entries(&mut Reader::new(stream));
        walk.note(outcome)
    })?;
    outcome?;
    if let Some(stop) = stopped {
        walk.reasons.add(stop.reason, "", stop.detail);
    }
    let mut report = LayerReport {
        revision: INDEXER_REVISION,
        diff_id: summary.diff_id,
        compression: summary.compression,
        compressed_bytes: summary.compressed_bytes,
        bytes: summary.bytes,
        entries: walk.entries,
        releases: Vec::new(),
        databases: Vec::new(),
        packages: Vec::new(),
        whiteouts: Vec::new(),
        opaque: Vec::new(),
        replaced: Vec::new(),
        links: Vec::new(),
        findings: Vec::new(),
        incomplete: Vec::new(),
    };
    walk.finish(&mut report);
    Ok(report)
}

/// What is known of one path.
#[derive(Debug, Clone)]
enum Item {
    Release(Distro),
    Database(Origin, Vec<Package>),
    Packages(Vec<FoundPackage>),
    Link(String),
    /// A file that gave nothing, but may replace one that did.
    Nothing,
}

/// Why the walk ends early; not all of it is worth an error.
enum End {
    Archive(Failure),
    Limit(Reason, String),
    Spool(std::io::Error),
}

impl<T: Into<Failure>> From<T> for End {
    fn from(failure: T) -> Self {
        Self::Archive(failure.into())
    }
}

struct Walk<'a> {
    limits: &'a Limits,
    cancel: &'a dyn Fn() -> bool,
    reasons: Reasons,
    entries: u64,
    items: BTreeMap<String, Item>,
    packages: usize,
    whiteouts: Vec<String>,
    opaque: Vec<String>,
    owners: Owners,
    findings: Vec<Finding>,
    buffer: Vec<u8>,
    spool: Spool,
    spares: Spares,
}

impl<'a> Walk<'a> {
    fn new(limits: &'a Limits, cancel: &'a dyn Fn() -> bool, spares: Spares) -> Self {
        Self {
            limits,
            cancel,
            reasons: Reasons::default(),
            entries: 0,
            items: BTreeMap::new(),
            packages: 0,
            whiteouts: Vec::new(),
            opaque: Vec::new(),
            owners: Owners::default(),
            findings: Vec::new(),
            buffer: Vec::new(),
            spool: Spool::new(&spares),
            spares,
        }
    }

    /// Turns the end of the walk into a reason, or an error if it says nothing of the layer.
    fn note(&mut self, outcome: Result<(), End>) -> Result<(), Error> {
        match outcome {
            Ok(()) => Ok(()),
            Err(End::Limit(reason, detail)) => {
                self.reasons.add(reason, "", detail);
                Ok(())
            }
            Err(End::Spool(error)) => Err(Error::Spool(error)),
            // The stream itself remembers why it stopped.
            Err(End::Archive(Failure::Io(error))) if Stop::of(&error).is_some() => Ok(()),
            Err(End::Archive(failure)) => {
                self.reasons
                    .add(Reason::ArchiveBroken, "", failure.to_string());
                Ok(())
            }
        }
    }

    fn entries<R: BufRead>(&mut self, reader: &mut Reader<R>) -> Result<(), End> {
        while let Some(entry) = reader.next_entry()? {
            self.entries += 1;
            if self.entries > self.limits.entries {
                let detail = format!("more than {} entries", self.limits.entries);
                return Err(End::Limit(Reason::Entries, detail));
            }
            // Small entries come by thousands in one chunk of the stream.
            if self.entries.is_multiple_of(4096) && (self.cancel)() {
                let detail = "stopped before the end of the layer".to_owned();
                return Err(End::Limit(Reason::Cancelled, detail));
            }
            if entry.kind == Kind::Other {
                continue;
            }
            let path = path::clean(&entry.name);
            if path.is_empty() {
                continue;
            }
            if path.len() > self.limits.path_bytes
                || path.matches('/').count() >= self.limits.path_depth
            {
                self.reasons
                    .add(Reason::Path, &path, "a path that is too long or too deep");
                continue;
            }
            if let Some(whiteout) = path::whiteout(&path) {
                self.whiteout(whiteout);
                continue;
            }
            self.entry(reader, &entry, path)?;
        }
        Ok(())
    }

    fn whiteout(&mut self, whiteout: Whiteout) {
        if self.whiteouts.len() + self.opaque.len() >= self.limits.paths {
            self.reasons
                .add(Reason::Paths, "", "more whiteouts than are kept");
            return;
        }
        match whiteout {
            Whiteout::Path(path) => self.whiteouts.push(path),
            Whiteout::Opaque(path) => self.opaque.push(path),
            Whiteout::Reserved => {}
        }
    }

    fn entry<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        entry: &Entry,
        path: String,
    ) -> Result<(), End> {
        if entry.kind == Kind::Directory {
            self.items.remove(&path);
            return Ok(());
        }
        let linked = if entry.kind == Kind::HardLink {
            self.items.get(&path::clean(&entry.link)).cloned()
        } else {
            None
        };
        self.replace(&path);
        if self.items.len() >= self.limits.paths {
            self.reasons
                .add(Reason::Paths, "", "more files of interest than are kept");
            return Ok(());
        }
        match entry.kind {
            Kind::File => {
                self.doubtful(entry, &path);
                self.file(reader, entry, path)
            }
            Kind::HardLink => {
                self.hard_link(entry, path, linked);
                Ok(())
            }
            Kind::Symlink => {
                if is_link_of_interest(&path) {
                    let target = path::target(&path, &String::from_utf8_lossy(&entry.link));
                    self.items.insert(path, Item::Link(target));
                }
                Ok(())
            }
            Kind::Directory | Kind::Special | Kind::Other => Ok(()),
        }
    }

    /// What is no directory takes the place of what was there, and of all below it.
    fn replace(&mut self, path: &str) {
        if self.items.is_empty() {
            return;
        }
        self.items.remove(path);
        let below = format!("{path}/");
        let gone: Vec<String> = self
            .items
            .range(below.clone()..)
            .take_while(|(known, _)| known.starts_with(&below))
            .map(|(known, _)| known.clone())
            .collect();
        for known in gone {
            self.items.remove(&known);
        }
    }

    fn doubtful(&mut self, entry: &Entry, path: &str) {
        for finding in files::check(path, entry.mode, entry.size) {
            self.find(finding);
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < self.limits.findings {
            self.findings.push(finding);
        } else {
            self.reasons.add(
                Reason::Findings,
                &finding.path,
                "more findings than are kept",
            );
        }
    }

    fn hard_link(&mut self, entry: &Entry, path: String, linked: Option<Item>) {
        let interest = select::interest(&path);
        match linked {
            Some(Item::Packages(packages)) => {
                let of = path::clean(&entry.link);
                let packages = packages.into_iter().map(|mut package| {
                    let inside = package
                        .path
                        .strip_prefix(&of)
                        .unwrap_or_default()
                        .to_owned();
                    package.path = format!("{path}{inside}");
                    package
                });
                let packages: Vec<_> = packages.collect();
                if self.room(packages.len(), &path) {
                    self.items.insert(path, Item::Packages(packages));
                }
            }
            Some(Item::Database(origin, packages)) => {
                if self.room(packages.len(), &path) {
                    self.items.insert(path, Item::Database(origin, packages));
                }
            }
            Some(item @ (Item::Release(_) | Item::Link(_))) => {
                self.items.insert(path, item);
            }
            None | Some(Item::Nothing) => {
                let databases = [Interest::OsRelease, Interest::AlpineRelease];
                let database = matches!(
                    interest,
                    Some(Interest::Database(_) | Interest::RpmDatabase(_))
                );
                if database || interest.is_some_and(|interest| databases.contains(&interest)) {
                    let target = path::clean(&entry.link);
                    let detail = format!("a link to {target}, which was not read");
                    self.reasons.add(Reason::Link, &path, detail);
                }
                self.items.insert(path, Item::Nothing);
            }
        }
    }

    /// Whether so many packages more may be kept.
    fn room(&mut self, count: usize, path: &str) -> bool {
        if self.packages + count > self.limits.packages {
            self.reasons
                .add(Reason::Packages, path, "more packages than are kept");
            return false;
        }
        self.packages += count;
        true
    }

    fn finish(mut self, report: &mut LayerReport) {
        for (path, item) in self.items {
            match item {
                Item::Release(distro) => report.releases.push(ReleaseFile { path, distro }),
                Item::Database(origin, packages) => report.databases.push(Database {
                    path,
                    origin,
                    packages,
                }),
                Item::Packages(packages) => {
                    report
                        .packages
                        .extend(packages.into_iter().map(|mut package| {
                            package.owned_by = self.owners.of(&path).map(str::to_owned);
                            package
                        }));
                }
                Item::Link(target) => report.links.push(Link { path, target }),
                Item::Nothing => report.replaced.push(path),
            }
        }
        report.packages.sort();
        report.packages.dedup();
        report.whiteouts = self.whiteouts;
        report.opaque = self.opaque;
        for paths in [&mut report.whiteouts, &mut report.opaque] {
            paths.sort();
            paths.dedup();
        }
        report.findings = self.findings;
        report.findings.sort();
        report.findings.dedup();
        sound::keep(report, &mut self.reasons);
        report.incomplete = self.reasons.into_vec();
    }
}

/// Links that lead to databases, and links that may stand where a package was. Those between
/// libraries and in documentation are too many to keep and stand for nothing.
fn is_link_of_interest(path: &str) -> bool {
    let passed_over = path.starts_with("usr/share/")
        || path.starts_with("etc/alternatives/")
        || path::base(path).contains(".so");
    select::leads_to_database(path) || !passed_over
}
