//! Revisions as they were published, where `BERTH_TEST_ADVISORIES` names a folder that holds
//! `AlmaLinux.zip` and `crates.io.zip`, and the same of an earlier day in a folder below, named by
//! the day.
//!
//! What must change is told from the documents alone. No order of versions is needed for it: a
//! version that is the beginning of a range is in it, one that ends it is not, and before every rpm
//! comes `0-0`. Only releases that are plain numbers are put in order, number by number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::layers::{almalinux, locked};
use super::{Expected, Revision, prove};
use crate::app::both_with;
use crate::webhooks;

const ALMALINUX: &str = "AlmaLinux.zip";
const CRATES: &str = "crates.io.zip";
/// Before every version of an rpm, and of a crate that is no preview.
const LOWEST_RPM: &str = "0-0";
const LOWEST_CRATE: &str = "0.0.0";

/// What an advisory says of a package: where its ranges begin, and where they end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    advisory: String,
    ranges: Vec<(String, Option<String>)>,
    /// What it is called in a report.
    names: BTreeSet<String>,
    /// What it is rated by.
    rated: String,
}

/// By ecosystem and name.
type Feed = BTreeMap<(String, String), Vec<Said>>;

/// The folders of the older and the newer revision.
fn folders() -> Option<[PathBuf; 2]> {
    let Some(newer) = std::env::var_os("BERTH_TEST_ADVISORIES").map(PathBuf::from) else {
        eprintln!("SKIPPED: BERTH_TEST_ADVISORIES names no folder with feeds");
        return None;
    };
    let whole = |folder: &Path| {
        [ALMALINUX, CRATES]
            .iter()
            .all(|it| folder.join(it).is_file())
    };
    let below = std::fs::read_dir(&newer).unwrap();
    let mut older: Vec<PathBuf> = below.map(|it| it.unwrap().path()).collect();
    older.retain(|it| whole(it));
    older.sort();
    match older.pop() {
        Some(older) if whole(&newer) => Some([older, newer]),
        _ => {
            eprintln!("SKIPPED: BERTH_TEST_ADVISORIES holds no two revisions");
            None
        }
    }
}

fn documents(archive: &Path) -> Vec<Value> {
    let mut archive = zip::ZipArchive::new(File::open(archive).unwrap()).unwrap();
    let mut documents = Vec::new();
    for nr in 0..archive.len() {
        let file = archive.by_index(nr).unwrap();
        if file.is_file() {
            documents.push(serde_json::from_reader(file).unwrap());
        }
    }
    documents
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The names of the vulnerabilities that a document speaks of; none: it speaks of none.
fn names(document: &Value) -> BTreeSet<String> {
    let id = document["id"].as_str().unwrap();
    let cves = |field: &str| -> BTreeSet<String> {
        let cves = strings(&document[field]).filter(|name| name.starts_with("CVE-"));
        cves.map(str::to_owned).collect()
    };
    if id.starts_with("RUSTSEC-") {
        // All names are of one: the first CVE, else the first of GitHub's, else its own.
        let mut known = cves("aliases");
        if known.is_empty() {
            let others = strings(&document["aliases"]).filter(|name| name.starts_with("GHSA-"));
            known = others.map(str::to_owned).collect();
        }
        return BTreeSet::from([known.pop_first().unwrap_or_else(|| id.to_owned())]);
    }
    let related = cves("related");
    if related.is_empty() && id.starts_with("ALSA-") {
        return BTreeSet::from([id.to_owned()]);
    }
    related
}

fn is_in_force(document: &Value) -> bool {
    let is_notice = |affected: &Value| {
        let what = affected["database_specific"]["informational"].as_str();
        matches!(what, Some("unmaintained" | "notice"))
    };
    let mut affected = document["affected"].as_array().into_iter().flatten();
    document["withdrawn"].is_null() && !affected.any(is_notice)
}

fn ranges(affected: &Value) -> Vec<(String, Option<String>)> {
    let mut ranges = Vec::new();
    for range in affected["ranges"].as_array().into_iter().flatten() {
        for event in range["events"].as_array().unwrap() {
            if let Some(begin) = event["introduced"].as_str() {
                ranges.push((begin.to_owned(), None));
            } else if let Some(end) = event["fixed"].as_str() {
                ranges.last_mut().unwrap().1 = Some(end.to_owned());
            }
        }
    }
    ranges
}

fn feed(archive: &Path) -> Feed {
    let mut feed = Feed::new();
    for document in documents(archive) {
        let names = names(&document);
        if names.is_empty() || !is_in_force(&document) {
            continue;
        }
        for affected in document["affected"].as_array().into_iter().flatten() {
            let text = |field: &str| affected["package"][field].as_str().unwrap().to_owned();
            let said = Said {
                advisory: document["id"].as_str().unwrap().to_owned(),
                ranges: ranges(affected),
                names: names.clone(),
                rated: format!("{} {}", document["summary"], document["severity"]),
            };
            let all = feed.entry((text("ecosystem"), text("name"))).or_default();
            all.push(said);
        }
    }
    for all in feed.values_mut() {
        all.sort();
        // Packages of modules are for images that hold the module.
        all.retain(|said| {
            let mut ends = said.ranges.iter().filter_map(|(_, end)| end.as_deref());
            !ends.any(|end| end.contains(".module"))
        });
    }
    feed.retain(|_, all| !all.is_empty());
    feed
}

/// Documents in force by their names, without the times at which they were changed.
fn in_force(archive: &Path) -> BTreeMap<String, Value> {
    let documents = documents(archive).into_iter();
    let mut documents: BTreeMap<String, Value> = documents
        .filter(|it| is_in_force(it) && !names(it).is_empty())
        .map(|it| (it["id"].as_str().unwrap().to_owned(), it))
        .collect();
    for document in documents.values_mut() {
        document["modified"] = Value::Null;
    }
    documents
}

/// What an import must tell of itself: advisories, changed, added and removed ones.
fn counts(older: &Path, newer: &Path) -> [usize; 4] {
    let (older, newer) = (in_force(older), in_force(newer));
    let differing = newer.iter().filter(|(id, it)| older.get(*id) != Some(it));
    let added = newer.keys().filter(|id| !older.contains_key(*id));
    let removed = older.keys().filter(|id| !newer.contains_key(*id));
    [
        newer.len(),
        differing.count(),
        added.count(),
        removed.count(),
    ]
}

/// What a revision says of a package in its lowest version.
fn lowest(feed: &Feed, key: &(String, String)) -> BTreeSet<String> {
    let all = feed.get(key).into_iter().flatten();
    let lowest = all.filter(|said| said.ranges.iter().any(|(begin, _)| is_lowest(begin)));
    lowest.flat_map(|said| said.names.iter().cloned()).collect()
}

fn is_lowest(begin: &str) -> bool {
    matches!(begin, "0" | "0.0.0" | "0.0.0-0")
}

/// `1.2.3-4.el9` as numbers, where it is that plain.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let (upstream, release) = version.split_once('-')?;
    let release = release.split(".el").next()?;
    let all = upstream.split('.').chain(release.split('.'));
    all.map(|part| part.parse().ok()).collect()
}

/// At most so many, from all over the list.
fn some<T>(all: Vec<T>, most: usize) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(most).max(1);
    all.into_iter().step_by(step)
}

/// Those that differ between the revisions, and those that do not.
fn keys(older: &Feed, newer: &Feed) -> [Vec<(String, String)>; 2] {
    let all: BTreeSet<_> = older.keys().chain(newer.keys()).cloned().collect();
    let (differ, same): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|key| older.get(key) != newer.get(key));
    [differ, same]
}

/// What the newer revision says of a package and the older does not.
fn added<'a>(older: &'a Feed, newer: &'a Feed, key: &(String, String)) -> Vec<&'a Said> {
    let before = older.get(key).map_or(&[][..], Vec::as_slice);
    let after = newer.get(key).map_or(&[][..], Vec::as_slice);
    after.iter().filter(|said| !before.contains(said)).collect()
}

type Images = BTreeMap<String, Expected>;

fn rpm((ecosystem, name): &(String, String), version: &str, changes: bool) -> Expected {
    let release = ecosystem.strip_prefix("AlmaLinux:").unwrap();
    let held = [(name.as_str(), version), ("of-nobody", "1-1")];
    Expected::new(almalinux(&format!("{release}.1"), &held), changes)
}

fn rpms(older: &Feed, newer: &Feed, images: &mut Images) {
    let [differ, same] = keys(older, newer);
    let tell = |key: &(String, String), image: Expected| {
        image.named(lowest(older, key), lowest(newer, key))
    };
    let gains: Vec<_> = differ
        .iter()
        .filter(|key| lowest(older, key) != lowest(newer, key))
        .collect();
    assert!(gains.len() > 20, "the revisions hardly differ");
    for (nr, key) in some(gains, 12).enumerate() {
        let image = tell(key, rpm(key, LOWEST_RPM, true));
        images.insert(format!("rpm-affected-{nr}"), image);
    }
    // The version that the newer revision demands is not affected by what is new in it; the one
    // that was demanded last before is.
    let (mut mended, mut outdated) = (Vec::new(), Vec::new());
    for key in &differ {
        let [only] = added(older, newer, key)[..] else {
            continue;
        };
        let [(begin, Some(end))] = only.ranges.as_slice() else {
            continue;
        };
        assert!(is_lowest(begin), "{only:?}");
        mended.push((key, end));
        let before = older.get(key).into_iter().flatten();
        let ends = before.flat_map(|said| said.ranges.iter().filter_map(|(_, end)| end.as_ref()));
        let last = ends.filter_map(|end| Some((numbers(end)?, end))).max();
        if let (Some((last, version)), Some(end)) = (last, numbers(end))
            && last < end
            && !only.names.is_subset(&lowest(older, key))
        {
            outdated.push((key, version));
        }
    }
    for (nr, (key, version)) in some(mended, 10).enumerate() {
        images.insert(format!("rpm-mended-{nr}"), rpm(key, version, false));
    }
    for (nr, (key, version)) in some(outdated, 8).enumerate() {
        images.insert(format!("rpm-outdated-{nr}"), rpm(key, version, true));
    }
    // The same name in another release, of which nothing new is said.
    let differing: BTreeSet<&str> = differ.iter().map(|(_, name)| name.as_str()).collect();
    let is_namesake = |key: &(String, String)| differing.contains(key.1.as_str());
    let (namesakes, others): (Vec<_>, Vec<_>) = same.iter().partition(|key| is_namesake(key));
    for (what, keys, most) in [("namesake", namesakes, 5), ("elsewhere", others, 10)] {
        for (nr, key) in some(keys, most).enumerate() {
            let image = tell(key, rpm(key, LOWEST_RPM, false));
            images.insert(format!("rpm-{what}-{nr}"), image);
        }
    }
}

fn crates(older: &Feed, newer: &Feed, images: &mut Images) {
    let [differ, same] = keys(older, newer);
    let image = |key: &(String, String), version: &str, changes: bool| {
        let held = [(key.1.as_str(), version), ("of-nobody", "1.0.0")];
        Expected::new(locked(&held), changes)
    };
    for (nr, key) in some(differ, 12).enumerate() {
        let names = [lowest(older, &key), lowest(newer, &key)];
        let [before, after] = names.clone();
        let made = image(&key, LOWEST_CRATE, before != after);
        images.insert(format!("crate-{nr}-lowest"), made.named(before, after));
        for said in added(older, newer, &key) {
            let Some((begin, end)) = said.ranges.last() else {
                continue;
            };
            if !is_lowest(begin) {
                let version = begin.strip_suffix("-0").unwrap_or(begin);
                let made = image(&key, version, true);
                images.insert(format!("crate-{nr}-begin"), made);
            }
            if let Some(end) = end {
                images.insert(format!("crate-{nr}-end"), image(&key, end, false));
            }
        }
    }
    for (nr, key) in some(same, 8).enumerate() {
        let names = [lowest(older, &key), lowest(newer, &key)];
        let [before, after] = names;
        let made = image(&key, LOWEST_CRATE, false);
        images.insert(format!("crate-elsewhere-{nr}"), made.named(before, after));
    }
}

/// What two documents of one name differ in, where that is nothing that decides anything.
fn texts(folders: &[PathBuf; 2], unchanged: &[(String, String)], images: &mut Images) {
    let [older, newer] = folders.clone().map(|folder| {
        let all = documents(&folder.join(ALMALINUX)).into_iter();
        let all = all.map(|it| (it["id"].as_str().unwrap().to_owned(), it));
        all.collect::<BTreeMap<String, Value>>()
    });
    let mut found = Vec::new();
    for (id, document) in &newer {
        let before = older.get(id);
        let differs = |field: &str| before.is_some_and(|it| it[field] != document[field]);
        if !differs("references") && !differs("details") {
            continue;
        }
        let affected = document["affected"].as_array().into_iter().flatten();
        found.extend(affected.filter_map(|it| {
            let text = |field: &str| it["package"][field].as_str().unwrap().to_owned();
            let key = (text("ecosystem"), text("name"));
            unchanged.contains(&key).then_some(key)
        }));
    }
    for (nr, key) in some(found, 4).enumerate() {
        let mut image = rpm(&key, LOWEST_RPM, false);
        image.texts = true;
        images.insert(format!("rpm-text-{nr}"), image);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_published_revisions_change_the_images_that_they_differ_about() {
    let Some(folders) = folders() else { return };
    let files = folders.each_ref().map(|folder| -> Revision {
        vec![
            ("almalinux", folder.join(ALMALINUX)),
            ("crates", folder.join(CRATES)),
        ]
    });
    let [alma, rust] = [ALMALINUX, CRATES]
        .map(|archive| folders.each_ref().map(|folder| feed(&folder.join(archive))));
    both_with(&webhooks::setup(), async |app| {
        let mut images = Images::new();
        rpms(&alma[0], &alma[1], &mut images);
        crates(&rust[0], &rust[1], &mut images);
        texts(&folders, &keys(&alma[0], &alma[1])[1], &mut images);
        let [older, newer] = &files;
        let (_, changes) = prove(app, older, newer, images).await;
        for (change, archive) in changes.iter().zip([ALMALINUX, CRATES]) {
            let [older, newer] = folders.each_ref().map(|folder| folder.join(archive));
            let expected = counts(&older, &newer);
            let told = [
                change.advisories,
                change.changed,
                change.added,
                change.removed,
            ];
            assert_eq!(told, expected, "{archive}");
        }
    })
    .await;
}
