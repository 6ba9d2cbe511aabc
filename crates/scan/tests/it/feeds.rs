//! Advisories from files of every form.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use berth_scan::{Feeds, Severity, scan};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::made::{DEBIAN, NOW, Stored, Tar, base, feed, found, gzip, layout, osv};

fn read(path: &Path) -> Feeds {
    let mut feeds = Feeds::default();
    feeds.add(path, false).unwrap();
    feeds
}

fn put(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn found_by(feeds: &Feeds) -> Vec<String> {
    let layout = layout(&[(base(&[("bash", "5.2-1"), ("curl", "8.0-1")]), Stored::Gzip)]);
    found(&scan(layout.read(None).unwrap(), feeds, NOW))
}

#[test]
fn osv_comes_as_folder_archive_or_file() {
    let advisories = [
        osv("CVE-2026-1001", "Debian:12", "bash", Some("5.2-2")),
        osv("CVE-2026-1002", "Debian:12", "curl", Some("7.9-1")),
        osv("CVE-2026-1003", "Debian:12", "curl", None),
        json!({"id": "broken"}),
        json!(["not an advisory"]),
    ];
    let expected = ["bash 5.2-1 CVE-2026-1001", "curl 8.0-1 CVE-2026-1003"];
    let folder = feed(&advisories);
    fs::create_dir(folder.path().join("more")).unwrap();
    fs::write(folder.path().join("more/README.md"), "no advisory").unwrap();
    let feeds = read(folder.path());
    assert_eq!(found_by(&feeds), expected);
    let read_of_it = &feeds.feeds[0];
    assert_eq!((read_of_it.advisories, read_of_it.skipped), (4, 1));
    assert_eq!(read_of_it.newest, Some(1_767_323_045_000_000));
    // The same documents are the same revision, others are not.
    assert_eq!(read(folder.path()).feeds[0].revision, read_of_it.revision);
    let other = feed(&advisories[..2]);
    assert_ne!(read(other.path()).feeds[0].revision, read_of_it.revision);

    let place = TempDir::new().unwrap();
    let mut archive = zip::ZipWriter::new(File::create(place.path().join("all.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (nr, advisory) in advisories.iter().enumerate() {
        archive.start_file(format!("{nr}.json"), options).unwrap();
        archive.write_all(advisory.to_string().as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    assert_eq!(found_by(&read(&place.path().join("all.zip"))), expected);

    let one = put(&place, "one.json", advisories[0].to_string());
    assert_eq!(found_by(&read(&one)), expected[..1]);
    let one = put(
        &place,
        "one.json.gz",
        gzip(advisories[0].to_string().as_bytes()),
    );
    assert_eq!(found_by(&read(&one)), expected[..1]);
}

fn tracker() -> Value {
    json!({
        "bash": {"CVE-2026-1001": {"description": "Bad", "releases": {
            "bookworm": {"status": "resolved", "fixed_version": "5.2-2", "urgency": "high"}}}},
        "curl": {"CVE-2026-1002": {"releases": {
            "bookworm": {"status": "open", "nodsa": "Minor issue", "nodsa_reason": "ignored",
                "urgency": "low"},
            "sid": {"status": "resolved", "fixed_version": "9", "urgency": "low"}}},
            "CVE-2026-1003": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0"}}}},
    })
}

#[test]
fn debians_tracker_knows_what_will_not_be_fixed() {
    let place = TempDir::new().unwrap();
    let text = tracker().to_string();
    for path in [
        put(&place, "debian.json", &text),
        put(
            &place,
            "debian.json.zst",
            zstd::encode_all(text.as_bytes(), 1).unwrap(),
        ),
    ] {
        let feeds = read(&path);
        let layout = layout(&[(base(&[("bash", "5.2-1"), ("curl", "8.0-1")]), Stored::Gzip)]);
        let report = scan(layout.read(None).unwrap(), &feeds, NOW);
        assert_eq!(
            found(&report),
            ["bash 5.2-1 CVE-2026-1001", "curl 8.0-1 CVE-2026-1002"]
        );
        let said: Vec<_> = report
            .vulnerabilities
            .iter()
            .map(|it| (it.severity, it.status, it.fixed_version.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                (Severity::High, "fixed", Some("5.2-2")),
                (Severity::Low, "will_not_fix", None)
            ]
        );
    }
}

#[test]
fn alpines_secdb_names_sources() {
    let place = TempDir::new().unwrap();
    let secdb = json!({
        "distroversion": "v3.20", "reponame": "main",
        "packages": [{"pkg": {"name": "openssl", "secfixes": {"3.3.3-r0": ["CVE-2026-1001"],
            "3.3.1-r0": ["CVE-2026-1002"]}}}],
    });
    let feeds = read(&put(&place, "main.json", secdb.to_string()));
    let layer = Tar::new()
        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n")
        .file(
            "lib/apk/db/installed",
            "P:libssl3\nV:3.3.2-r0\nA:x86_64\no:openssl\n\n",
        )
        .end();
    let layout = layout(&[(layer, Stored::Gzip)]);
    let report = scan(layout.read(None).unwrap(), &feeds, NOW);
    assert_eq!(found(&report), ["libssl3 3.3.2-r0 CVE-2026-1001"]);
}

#[test]
fn what_is_exploited_is_marked() {
    let place = TempDir::new().unwrap();
    let kev = json!({"catalogVersion": "1", "vulnerabilities": [
        {"cveID": "CVE-2026-1001", "dateAdded": "2026-01-05", "dueDate": "2026-02-01"}]});
    let epss = "#model_version:v1\ncve,epss,percentile\nCVE-2026-1001,0.5,0.9\n";
    let advisories = feed(&[osv("CVE-2026-1001", "Debian:12", "bash", None)]);
    let mut feeds = read(advisories.path());
    feeds
        .add(&put(&place, "kev.json", kev.to_string()), false)
        .unwrap();
    feeds
        .add(&put(&place, "epss.csv.gz", gzip(epss.as_bytes())), false)
        .unwrap();
    let layout = layout(&[(base(&[("bash", "5.2-1")]), Stored::Gzip)]);
    let report = scan(layout.read(None).unwrap(), &feeds, NOW);
    let it = &report.vulnerabilities[0];
    assert_eq!(it.exploited_since.as_deref(), Some("2026-01-05"));
    assert_eq!((it.epss, it.score), (Some(0.5), Some(9.8)));
    assert_eq!(it.severity, Severity::Critical);
}

#[test]
fn what_no_feed_speaks_of_is_told() {
    let foreign = "Package: thing\nStatus: install ok installed\nOrigin: Somebody\nVersion: 1\n";
    let layer = Tar::new()
        .file("etc/os-release", DEBIAN)
        .file(
            "var/lib/dpkg/status",
            format!("{}\n{foreign}", crate::made::status(&[("bash", "1")])),
        )
        .file(
            "app/node_modules/left/package.json",
            r#"{"name":"left","version":"1.0.0"}"#,
        )
        .end();
    let layout = layout(&[(layer, Stored::Gzip)]);
    let report = |ecosystem: &str| {
        let feeds = crate::made::feeds(&[osv("CVE-2026-1001", ecosystem, "x", None)]);
        let report = scan(layout.read(None).unwrap(), &feeds, NOW);
        let left: Vec<_> = report.not_covered.into_iter().collect();
        left
    };
    assert_eq!(report("npm"), [("debian:12".to_owned(), 2)]);
    assert_eq!(
        report("Debian:12"),
        [
            ("npm".to_owned(), 1),
            ("packages of other builders".to_owned(), 1)
        ]
    );
}
