//! The layers of an image put together.
//!
//! The invariant: the result is what a runtime would show, the last layer on top: a database is
//! that of the last layer that has it, a language's package is there while its file is; and it
//! depends on nothing but the reports and their order.

use std::collections::{BTreeMap, BTreeSet};

use berth_advisories::{Distro, Package};
use serde::{Deserialize, Serialize};

use crate::findings::Finding;
use crate::limits::{Incomplete, Reason};
use crate::path::{base, is_below, parent, target};
use crate::report::{FoundPackage, LayerReport, Origin};
use crate::select::{OS_DATABASES, RELEASES, STATUS_DIRECTORY};

/// A package of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImagePackage {
    /// The package.
    pub package: Package,
    /// The file that names it.
    pub path: String,
    /// What kind of file that is.
    pub origin: Origin,
    /// The first layer that has it, counted from the base.
    pub layer: usize,
    /// The package of the distribution that owns the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
}

/// A finding in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageFinding {
    /// The layer it is in.
    pub layer: usize,
    /// What was found.
    pub finding: Finding,
    /// Whether a later layer deletes or replaces the file. The bytes are in the image all the same.
    pub removed_later: bool,
}

/// What an image holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// The distribution, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distro: Option<Distro>,
    /// Its packages, in order and without repetition.
    pub packages: Vec<ImagePackage>,
    /// Secrets and doubtful files.
    pub findings: Vec<ImageFinding>,
    /// What was left unread in its layers.
    pub incomplete: Vec<Incomplete>,
}

/// What is at a path.
#[derive(Default)]
struct State<'a> {
    releases: BTreeMap<&'a str, &'a Distro>,
    databases: BTreeMap<&'a str, (Origin, &'a [Package])>,
    /// By the file that names them, with the layer that brought each.
    packages: BTreeMap<&'a str, Vec<(usize, &'a FoundPackage)>>,
    links: BTreeMap<&'a str, &'a str>,
    /// Findings that are still visible, by their path.
    findings: BTreeMap<&'a str, Vec<usize>>,
}

/// Puts the layers of an image together, the base first.
pub fn merge(layers: &[LayerReport]) -> ImageReport {
    let mut state = State::default();
    let mut findings = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let before = state.take_away(layer, &mut findings);
        state.put(index, layer, &before, &mut findings);
    }
    let mut report = ImageReport {
        distro: state.distro(),
        findings,
        ..ImageReport::default()
    };
    for layer in layers {
        report.incomplete.extend(layer.incomplete.iter().cloned());
    }
    state.os_packages(layers, &mut report);
    for (layer, found) in state.packages.into_values().flatten() {
        report.packages.push(ImagePackage {
            package: found.package.clone(),
            path: found.path.clone(),
            origin: found.origin,
            layer,
            owned_by: found.owned_by.clone(),
        });
    }
    report.packages.sort();
    report.packages.dedup();
    report.findings.sort();
    report.incomplete.sort();
    report.incomplete.dedup();
    report
}

/// The file that a path is in: without what follows into an archive.
fn file_of(path: &str) -> &str {
    path.split_once("!/").map_or(path, |(file, _)| file)
}

type Packages<'a> = BTreeMap<&'a str, Vec<(usize, &'a FoundPackage)>>;

impl<'a> State<'a> {
    /// Applies whiteouts, and what stands in the place of something else. Gives the packages whose
    /// files this layer has again.
    fn take_away(&mut self, layer: &'a LayerReport, findings: &mut [ImageFinding]) -> Packages<'a> {
        for directory in &layer.opaque {
            self.remove(|path| is_below(path, directory), directory, findings);
        }
        for gone in &layer.whiteouts {
            self.remove_at(gone, findings);
        }
        let mut before = Packages::new();
        for path in paths_of(layer) {
            if let Some(known) = self.packages.get(path) {
                before.insert(path, known.clone());
            }
            self.remove_at(path, findings);
        }
        before
    }

    fn remove_at(&mut self, gone: &str, findings: &mut [ImageFinding]) {
        self.remove(|path| path == gone || is_below(path, gone), gone, findings);
    }

    /// Removes what matches among the paths that begin with `prefix`.
    fn remove(
        &mut self,
        matches: impl Fn(&str) -> bool,
        prefix: &str,
        findings: &mut [ImageFinding],
    ) {
        fn keys<'a, T>(
            map: &BTreeMap<&'a str, T>,
            prefix: &str,
            matches: &impl Fn(&str) -> bool,
        ) -> Vec<&'a str> {
            use std::ops::Bound;
            let from = (Bound::Included(prefix), Bound::Unbounded);
            map.range::<str, _>(from)
                .map(|(path, _)| *path)
                .take_while(|path| path.starts_with(prefix))
                .filter(|path| matches(path))
                .collect()
        }
        for path in keys(&self.releases, prefix, &matches) {
            self.releases.remove(path);
        }
        for path in keys(&self.databases, prefix, &matches) {
            self.databases.remove(path);
        }
        for path in keys(&self.packages, prefix, &matches) {
            self.packages.remove(path);
        }
        for path in keys(&self.links, prefix, &matches) {
            self.links.remove(path);
        }
        for path in keys(&self.findings, prefix, &matches) {
            for index in self.findings.remove(path).unwrap_or_default() {
                findings[index].removed_later = true;
            }
        }
    }

    fn put(
        &mut self,
        index: usize,
        layer: &'a LayerReport,
        before: &Packages<'a>,
        findings: &mut Vec<ImageFinding>,
    ) {
        for release in &layer.releases {
            self.releases.insert(&release.path, &release.distro);
        }
        for database in &layer.databases {
            let known = (database.origin, database.packages.as_slice());
            self.databases.insert(&database.path, known);
        }
        for link in &layer.links {
            self.links.insert(&link.path, &link.target);
        }
        for found in &layer.packages {
            let file = file_of(&found.path);
            // A copy of a file, such as a change of its owner makes, brings no package, and says
            // nothing new of who owns it.
            let same = before.get(file).and_then(|known| {
                known
                    .iter()
                    .find(|(_, old)| old.path == found.path && old.package == found.package)
            });
            let entry = match same {
                Some((layer, old)) if found.owned_by.is_none() => (*layer, *old),
                Some((layer, _)) => (*layer, found),
                None => (index, found),
            };
            self.packages.entry(file).or_default().push(entry);
        }
        for finding in &layer.findings {
            self.findings
                .entry(&finding.path)
                .or_default()
                .push(findings.len());
            findings.push(ImageFinding {
                layer: index,
                finding: finding.clone(),
                removed_later: false,
            });
        }
    }

    /// Where a path leads, links followed.
    fn resolve(&self, path: &str) -> String {
        let mut current = path.to_owned();
        for _ in 0..40 {
            let found = current
                .match_indices('/')
                .map(|(at, _)| at)
                .chain([current.len()])
                .find_map(|end| Some((end, *self.links.get(&current[..end])?)));
            let Some((end, link)) = found else {
                break;
            };
            current = target("", &format!("{link}{}", &current[end..]));
        }
        current
    }

    fn distro(&self) -> Option<Distro> {
        RELEASES.into_iter().find_map(|path| {
            let distro = self.releases.get(self.resolve(path).as_str())?;
            (!distro.id.is_empty()).then(|| (*distro).clone())
        })
    }

    fn os_packages(&self, layers: &[LayerReport], report: &mut ImageReport) {
        let mut used: BTreeSet<String> = BTreeSet::new();
        let mut unread = Vec::new();
        for (known, _) in OS_DATABASES {
            let path = self.resolve(known);
            let is_link = self.links.contains_key(known);
            let is_below_link = self.links.contains_key(parent(known));
            if (is_link || is_below_link) && !self.databases.contains_key(path.as_str()) {
                let entry = Incomplete {
                    reason: Reason::Link,
                    path: known.to_owned(),
                    detail: format!("a link to {path}, which was not read"),
                };
                unread.push((is_link, entry));
            }
            used.insert(path);
        }
        let directory = self.resolve(STATUS_DIRECTORY);
        let single = self
            .databases
            .keys()
            .filter(|path| parent(path) == directory);
        used.extend(
            single
                .filter(|path| !base(path).is_empty())
                .map(|path| (*path).to_owned()),
        );
        for path in used {
            let Some((origin, packages)) = self.databases.get(path.as_str()) else {
                continue;
            };
            let first = introductions(layers, *origin);
            report.packages.extend(packages.iter().map(|package| {
                let key = identity(package);
                ImagePackage {
                    package: package.clone(),
                    path: path.clone(),
                    origin: *origin,
                    layer: first
                        .get(&key)
                        .copied()
                        .unwrap_or(layers.len().saturating_sub(1)),
                    owned_by: None,
                }
            }));
        }
        // A directory that is a link holds one kind of database: if any was found, that is it.
        let none = report.packages.is_empty();
        let unread = unread.into_iter().filter(|(is_link, _)| *is_link || none);
        report.incomplete.extend(unread.map(|(_, entry)| entry));
    }
}

fn identity(package: &Package) -> (&str, &str, Option<&str>) {
    (
        &package.name,
        &package.version,
        package.architecture.as_deref(),
    )
}

type Introductions<'a> = BTreeMap<(&'a str, &'a str, Option<&'a str>), usize>;

/// The first layer whose database of this kind lists each package in this version.
fn introductions(layers: &[LayerReport], origin: Origin) -> Introductions<'_> {
    let mut first = Introductions::new();
    for (index, layer) in layers.iter().enumerate() {
        for database in layer.databases.iter().filter(|one| one.origin == origin) {
            for package in &database.packages {
                first.entry(identity(package)).or_insert(index);
            }
        }
    }
    first
}

/// The paths at which a layer has something of its own that is no directory.
fn paths_of(layer: &LayerReport) -> impl Iterator<Item = &str> {
    let releases = layer.releases.iter().map(|one| one.path.as_str());
    let databases = layer.databases.iter().map(|one| one.path.as_str());
    let packages = layer.packages.iter().map(|one| file_of(&one.path));
    let links = layer.links.iter().map(|one| one.path.as_str());
    let findings = layer.findings.iter().map(|one| one.path.as_str());
    let replaced = layer.replaced.iter().map(String::as_str);
    let mut paths: Vec<&str> = releases
        .chain(databases)
        .chain(packages)
        .chain(links)
        .chain(findings)
        .chain(replaced)
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter()
}
