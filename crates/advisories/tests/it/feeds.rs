//! Whole feeds, where `BERTH_TEST_ADVISORIES` names a folder of them: every advisory is read, and
//! what the index finds is what an independent trial of every entry finds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use berth_advisories::{
    Advisory, AdvisoryIndex, Event, OsvOptions, Package, PackageKind, affects, parse_osv, version,
};

use crate::matching::{distro, package};
use crate::zip;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("BERTH_TEST_ADVISORIES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: BERTH_TEST_ADVISORIES names no folder with feeds");
    }
    folder
}

fn read(feed: &str) -> Option<Vec<Advisory>> {
    let archive = std::fs::read(folder()?.join(feed)).expect("the feed");
    let options = OsvOptions {
        binary_names: feed.starts_with("Debian"),
    };
    let mut skipped = 0;
    let advisories: Vec<Advisory> = zip::files(&archive)
        .filter(|(name, _)| !name.ends_with('/'))
        .map(|(name, json)| {
            let parsed = parse_osv(&name, &json, options).expect(&name);
            skipped += parsed.skipped;
            parsed.advisory
        })
        .collect();
    let entries: usize = advisories.iter().map(|one| one.affected.len()).sum();
    let in_force = advisories.iter().filter(|one| one.is_in_force()).count();
    println!(
        "{feed}: {} advisories, {in_force} in force, {entries} entries, {skipped} skipped",
        advisories.len()
    );
    Some(advisories)
}

/// Packages at and beside every version that the feed speaks of.
fn packages(advisories: &[Advisory], kind: PackageKind) -> Vec<Package> {
    let mut packages = Vec::new();
    for entry in advisories.iter().flat_map(|one| &one.affected) {
        let versions = entry
            .ranges
            .iter()
            .flatten()
            .map(Event::version)
            .chain(entry.versions.iter().map(String::as_str))
            .chain(["0.0.1", "999999"]);
        packages.extend(
            versions
                .take(12)
                .map(|version| package(kind, &entry.name, version)),
        );
    }
    packages.sort();
    packages.dedup();
    // Enough to show it and few enough for an unoptimised build.
    let step = packages.len().div_ceil(4_000);
    packages.into_iter().step_by(step).collect()
}

#[test]
fn the_index_finds_what_trying_every_entry_finds() {
    for (feed, kind, os) in [
        ("PyPI.zip", PackageKind::Pypi, None),
        ("Go.zip", PackageKind::Golang, None),
        ("crates.io.zip", PackageKind::Cargo, None),
        ("Debian.zip", PackageKind::Deb, Some(("debian", "12"))),
        (
            "AlmaLinux.zip",
            PackageKind::Rpm,
            Some(("almalinux", "9.4")),
        ),
    ] {
        let Some(advisories) = read(feed) else {
            return;
        };
        let os = os.map(|(id, version)| distro(id, version));
        let packages = packages(&advisories, kind);
        let index: AdvisoryIndex = advisories.iter().cloned().collect();
        let start = Instant::now();
        let found: Vec<_> = packages
            .iter()
            .map(|package| index.matches(package, os.as_ref()).expect("covered"))
            .collect();
        let took = start.elapsed().as_nanos() / packages.len() as u128;
        let hits: usize = found.iter().map(Vec::len).sum();
        println!("  {} packages, {hits} hits, {took} ns each", packages.len());
        assert!(hits > packages.len() / 10, "{feed}");
        // Trying all costs packages times entries: a sample of the packages.
        for (package, found) in packages.iter().zip(&found).step_by(40) {
            let mut ids: Vec<&str> = found
                .iter()
                .map(|hit| hit.advisory.feed_id.as_str())
                .collect();
            let mut all: Vec<&str> = advisories
                .iter()
                .filter(|one| one.is_in_force())
                .flat_map(|one| one.affected.iter().map(move |entry| (one, entry)))
                .filter(|(_, entry)| entry.name == package.name)
                .filter(|(_, entry)| affects(entry, package, os.as_ref()).is_some())
                .map(|(one, _)| one.feed_id.as_str())
                .collect();
            ids.sort_unstable();
            all.sort_unstable();
            assert_eq!(ids, all, "{package:?}");
        }
    }
}

/// Two revisions of a feed, a week apart: the fingerprints tell the few that changed.
#[test]
fn fingerprints_tell_what_an_update_changed() {
    for feed in ["crates.io.zip", "AlmaLinux.zip"] {
        let (Some(old), Some(new)) = (read(&format!("2026-08-14/{feed}")), read(feed)) else {
            return;
        };
        let prints = |advisories: &[Advisory]| -> BTreeMap<String, String> {
            let prints = advisories.iter();
            prints
                .map(|one| (one.feed_id.clone(), one.fingerprint()))
                .collect()
        };
        let (old, new) = (prints(&old), prints(&new));
        let added = new.keys().filter(|id| !old.contains_key(*id)).count();
        let removed = old.keys().filter(|id| !new.contains_key(*id)).count();
        let changed = new
            .iter()
            .filter(|(id, print)| old.get(*id).is_some_and(|before| before != *print))
            .count();
        println!("{feed}: {added} added, {changed} changed, {removed} removed");
        assert!(added + changed > 0 && (added + changed + removed) * 10 < new.len());
    }
}

/// Where a feed lists versions one by one beside its ranges, the ranges must say the same.
#[test]
fn python_ranges_agree_with_the_versions_listed() {
    let Some(advisories) = read("PyPI.zip") else {
        return;
    };
    let (mut inside, mut outside) = (0, 0);
    for advisory in advisories.iter().filter(|one| one.is_in_force()) {
        for entry in &advisory.affected {
            let mut by_range = entry.clone();
            by_range.versions.clear();
            if by_range.ranges.is_empty() {
                continue;
            }
            for listed in &entry.versions {
                if !version::is_valid(PackageKind::Pypi, listed) {
                    continue;
                }
                let package = package(PackageKind::Pypi, &entry.name, listed);
                match affects(&by_range, &package, None) {
                    Some(_) => inside += 1,
                    None => outside += 1,
                }
            }
        }
    }
    println!("listed versions inside a range: {inside}, outside: {outside}");
    assert!(inside > 100_000 && outside * 50 < inside);
}
