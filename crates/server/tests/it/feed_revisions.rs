//! Two revisions of a feed, one after the other: exactly the images change that the difference is
//! about, exactly these are told of, and no layer is read.

mod layers;
mod real;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use berth_vuln::{FeedChange, Rematch};
use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{App, both_with};
use crate::content::sha256;
use crate::corruption::{Damage, damage, stored};
use crate::scanning::{MIME, advisory, artifact, layer, push, scan};
use crate::webhooks::{self, Receiver};

const REPOSITORY: &str = "revisions/app";

/// An image, and what the two revisions must say of it.
struct Expected {
    layer: Bytes,
    /// The names of its vulnerabilities by the older and by the newer revision, where they are
    /// known without knowing how versions are ordered.
    names: Option<[BTreeSet<String>; 2]>,
    changes: bool,
    /// Texts may differ that a report quotes, and nothing else.
    texts: bool,
}

impl Expected {
    fn new(layer: Bytes, changes: bool) -> Self {
        Self {
            layer,
            names: None,
            changes,
            texts: false,
        }
    }

    fn named(mut self, before: BTreeSet<String>, after: BTreeSet<String>) -> Self {
        self.names = Some([before, after]);
        self
    }
}

/// The feeds of a revision, by their names.
type Revision = Vec<(&'static str, PathBuf)>;

/// How an image stands: its overview, which no re-match may touch where nothing changes, and its
/// vulnerabilities.
#[derive(Clone, Debug, PartialEq)]
struct Stand {
    overview: Value,
    found: Vec<Value>,
}

impl Stand {
    async fn of(app: &App, tag: &str) -> Self {
        let at = artifact(REPOSITORY, tag);
        let shown = app.get(&format!("{at}?with_scan_overview=true")).send();
        let shown = shown.await.expect(200).json();
        let report = app.get(&format!("{at}/additions/vulnerabilities")).send();
        let report = report.await.expect(200).json();
        Self {
            overview: shown["scan_overview"][MIME].clone(),
            found: report[MIME]["vulnerabilities"].as_array().unwrap().clone(),
        }
    }

    fn names(&self) -> BTreeSet<String> {
        let ids = self.found.iter().map(|it| it["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// Without what is quoted from advisories.
    fn without_texts(&self) -> Self {
        let mut bare = self.clone();
        for item in &mut bare.found {
            item["links"] = Value::Null;
            item["description"] = Value::Null;
        }
        bare
    }
}

async fn take_in(app: &App, revision: &Revision) -> Vec<FeedChange> {
    let mut changes = Vec::new();
    for (name, path) in revision {
        let change = app.parts.scanning.import(name, path, false).await;
        changes.push(change.expect("imported"));
    }
    changes
}

async fn stands(app: &App, images: &BTreeMap<String, Expected>) -> BTreeMap<String, Stand> {
    let mut stands = BTreeMap::new();
    for tag in images.keys() {
        stands.insert(tag.clone(), Stand::of(app, tag).await);
    }
    stands
}

/// Somebody who listens to scans.
struct Listener {
    receiver: Receiver,
    policy: String,
}

impl Listener {
    async fn new(app: &App) -> Self {
        let receiver = Receiver::start(vec![200]).await;
        let targets = json!([{"type": "http", "address": receiver.address}]);
        let kinds = ["SCANNING_COMPLETED"];
        let policy = webhooks::make(app, "revisions", "scans", &kinds, targets).await;
        Self { receiver, policy }
    }

    /// All that was told until now; nothing more is told after it.
    async fn told(mut self, app: &App) -> Vec<Value> {
        // Events become deliveries, and these end.
        for _ in 0..1200 {
            if app.count("SELECT COUNT(*) FROM event").await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let deliveries = webhooks::settled(app, &self.policy).await;
        let mut told = Vec::new();
        for _ in deliveries {
            let (_, body) = self.receiver.next().await;
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["type"], "SCANNING_COMPLETED", "{body}");
            told.push(body["event_data"]["resources"][0].clone());
        }
        app.delete(&self.policy).send().await.expect(200);
        told
    }
}

/// Demands that what was told are these images, each once, each as it stands now.
fn assert_told(told: &[Value], changed: &BTreeSet<&str>, stands: &BTreeMap<String, Stand>) {
    let mut tags: Vec<&str> = told.iter().map(|it| it["tag"].as_str().unwrap()).collect();
    tags.sort_unstable();
    let changed: Vec<&str> = changed.iter().copied().collect();
    assert_eq!(tags, changed, "others were told of");
    for one in told {
        let stand = &stands[one["tag"].as_str().unwrap()];
        let overview = &one["scan_overview"][MIME];
        assert_eq!(overview["summary"], stand.overview["summary"], "{one}");
    }
}

/// Imports `older`, scans the images, takes their layers away, imports `newer`, and `older` again.
/// Gives how each stands by the older and by the newer revision, and what the newer changed.
async fn prove(
    app: &App,
    older: &Revision,
    newer: &Revision,
    images: BTreeMap<String, Expected>,
) -> ([BTreeMap<String, Stand>; 2], Vec<FeedChange>) {
    app.project("revisions", false).await;
    take_in(app, older).await;
    for (tag, image) in &images {
        push(app, REPOSITORY, tag, &image.layer).await;
        let overview = scan(app, REPOSITORY, tag).await;
        assert_eq!(overview["scan_status"], "Success", "{tag}: {overview}");
    }
    let first = stands(app, &images).await;
    // Nobody can read a layer from here on, nor what was read of one.
    let layers: BTreeSet<String> = images.values().map(|it| sha256(&it.layer)).collect();
    for digest in &layers {
        damage(&stored(app, digest), Damage::Remove);
    }
    let forget = app.parts.db.write::<_, berth_db::DbError, _>(|tx| {
        Box::pin(async move {
            let sql = "DELETE FROM layer_index";
            tx.execute(sql, berth_db::args![]).await?;
            Ok(())
        })
    });
    forget.await.unwrap();
    let listener = Listener::new(app).await;
    let changes = take_in(app, newer).await;
    let second = stands(app, &images).await;
    let changed: BTreeSet<&str> = images
        .iter()
        .filter_map(|(tag, image)| image.changes.then_some(tag.as_str()))
        .collect();
    for (tag, image) in &images {
        let (before, after) = (&first[tag], &second[tag]);
        if let Some([older, newer]) = &image.names {
            assert_eq!(&before.names(), older, "{tag} by the older revision");
            assert_eq!(&after.names(), newer, "{tag} by the newer revision");
        }
        if image.changes {
            assert_ne!(before.found, after.found, "{tag} must change");
        } else if image.texts {
            assert_eq!(before.without_texts(), after.without_texts(), "{tag}");
        } else {
            assert_eq!(before, after, "{tag} must not change");
        }
    }
    let moved = |a: &BTreeMap<String, Stand>, b: &BTreeMap<String, Stand>| {
        let counts = |it: &Stand| it.overview["summary"].clone();
        let moved = a.iter().filter(|(tag, it)| counts(it) != counts(&b[*tag]));
        moved.count()
    };
    let counted: usize = changes.iter().map(|it| it.rematch.images).sum();
    assert_eq!(counted, moved(&first, &second), "{changes:?}");
    let news = listener.told(app).await;
    assert_told(&news, &changed, &second);

    // What a feed takes back leaves no trace.
    let listener = Listener::new(app).await;
    take_in(app, older).await;
    let third = stands(app, &images).await;
    assert_eq!(first, third);
    let news = listener.told(app).await;
    assert_told(&news, &changed, &third);
    assert_eq!(app.count("SELECT COUNT(*) FROM layer_index").await, 0);
    eprintln!(
        "{} images, {} of them changed: {changes:?}",
        images.len(),
        changed.len()
    );
    ([first, second], changes)
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

/// A folder with a revision, and the same advisories as they are named in it.
fn folder(advisories: &[Value]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for one in advisories {
        let file = format!("{}.json", one["id"].as_str().unwrap());
        std::fs::write(folder.path().join(file), one.to_string()).unwrap();
    }
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_revisions_change_the_images_that_they_differ_about() {
    let older = folder(&[
        advisory("CVE-2026-201", "same", Some("2"), ""),
        advisory("CVE-2026-202", "rated", Some("2"), "low"),
        advisory("CVE-2026-203", "mended", None, ""),
        advisory("CVE-2026-204", "withdrawn", Some("2"), ""),
        advisory("CVE-2026-205", "gone", Some("2"), ""),
        advisory("CVE-2026-206", "later", Some("2"), ""),
        advisory("CVE-2026-207", "quoted", Some("2"), ""),
    ]);
    let mut withdrawn = advisory("CVE-2026-204", "withdrawn", Some("2"), "");
    withdrawn["withdrawn"] = json!("2026-02-01T00:00:00Z");
    let mut quoted = advisory("CVE-2026-207", "quoted", Some("2"), "");
    quoted["details"] = json!("It is told in other words.");
    let mut touched = advisory("CVE-2026-201", "same", Some("2"), "");
    touched["modified"] = json!("2026-02-01T00:00:00Z");
    let newer = folder(&[
        touched,
        advisory("CVE-2026-202", "rated", Some("2"), "high"),
        advisory("CVE-2026-203", "mended", Some("2"), ""),
        withdrawn,
        advisory("CVE-2026-206", "later", Some("3"), ""),
        quoted,
        advisory("CVE-2026-208", "new", Some("2"), ""),
    ]);
    both_with(&webhooks::setup(), async |app| {
        let mut images = BTreeMap::new();
        for (package, version, before, after, changes) in [
            (
                "same",
                "1",
                &["CVE-2026-201"][..],
                &["CVE-2026-201"][..],
                false,
            ),
            ("rated", "1", &["CVE-2026-202"], &["CVE-2026-202"], true),
            ("rated", "2", &[], &[], false),
            ("mended", "1", &["CVE-2026-203"], &["CVE-2026-203"], true),
            ("mended", "2", &["CVE-2026-203"], &[], true),
            ("withdrawn", "1", &["CVE-2026-204"], &[], true),
            ("withdrawn", "2", &[], &[], false),
            ("gone", "1", &["CVE-2026-205"], &[], true),
            ("gone", "2", &[], &[], false),
            ("later", "2", &[], &["CVE-2026-206"], true),
            ("later", "3", &[], &[], false),
            ("new", "1", &[], &["CVE-2026-208"], true),
            ("new", "2", &[], &[], false),
            ("quoted", "1", &["CVE-2026-207"], &["CVE-2026-207"], false),
            ("other", "1", &[], &[], false),
        ] {
            let held = layer(&[(package, version), ("base", "1")]);
            let mut image = Expected::new(held, changes).named(names(before), names(after));
            image.texts = package == "quoted";
            images.insert(format!("{package}-{version}"), image);
        }
        let older = vec![("made", older.path().to_owned())];
        let newer = vec![("made", newer.path().to_owned())];
        let (stands, changes) = prove(app, &older, &newer, images).await;
        let [before, after] = stands.map(|it| it["quoted-1"].found[0].clone());
        assert_eq!(before["description"], "A flaw of quoted.");
        assert_eq!(after["description"], "It is told in other words.");
        let mut told = changes[0].clone();
        told.rematch.rematch_milliseconds = 0;
        let rematch = Rematch {
            matched: 13,
            packages: 7,
            images: 7,
            rematch_milliseconds: 0,
        };
        let expected = FeedChange {
            feed: "made".to_owned(),
            advisories: 6,
            changed: 5,
            added: 1,
            removed: 2,
            withdrawn: 1,
            rematch,
        };
        assert_eq!(told, expected);
    })
    .await;
}
