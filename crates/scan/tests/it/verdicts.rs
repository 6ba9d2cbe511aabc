//! What somebody has judged not to count.

use std::fs;

use berth_model::Timestamp;
use berth_scan::{Report, Verdicts, scan};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::made::{Layout, NOW, Stored, base, feeds, found, osv};

fn image() -> (Layout, String, String) {
    let layout = Layout::new();
    let config = json!({"config": {"User": "root"}});
    let image = layout.image(
        &[(base(&[("bash", "5.2-1"), ("curl", "8.0-1")]), Stored::Gzip)],
        config,
    );
    let manifest = image["digest"].as_str().unwrap().to_owned();
    let index = layout.index(&[image]);
    let digest = index["digest"].as_str().unwrap().to_owned();
    (layout.tag(index, None), manifest, digest)
}

fn judged(layout: &Layout, verdicts: &Verdicts) -> Report {
    let mut advisory = osv("DSA-1", "Debian:12", "bash", Some("5.2-2"));
    advisory["upstream"] = json!(["CVE-2026-1001"]);
    let advisories = [advisory, osv("CVE-2026-1002", "Debian:12", "curl", None)];
    let mut report = scan(layout.read(None).unwrap(), &feeds(&advisories), NOW);
    verdicts.apply(&mut report, NOW);
    report
}

const BOTH: [&str; 2] = ["bash 5.2-1 CVE-2026-1001", "curl 8.0-1 CVE-2026-1002"];

#[test]
fn lists_say_what_does_not_count_and_until_when() {
    let (layout, ..) = image();
    let place = TempDir::new().unwrap();
    let list = place.path().join("ignored.txt");
    let judge = |text: &str| {
        fs::write(&list, text).unwrap();
        let mut verdicts = Verdicts::default();
        verdicts
            .add_list(&list)
            .map(|()| judged(&layout, &verdicts))
    };
    assert_eq!(found(&judge("# nothing\n\n").unwrap()), BOTH);
    let report = judge("CVE-2026-1001  # not called\nCIS-DI-0001\n").unwrap();
    assert_eq!(found(&report), BOTH[1..]);
    assert_eq!(report.ignored.len(), 1);
    assert_eq!(report.ignored[0].reason, "ignored.txt: not called");
    assert!(report.practice.iter().all(|it| it.rule != "CIS-DI-0001"));
    assert!(!report.practice.is_empty());
    // By another of its names, and with an end that has come or has not.
    assert_eq!(found(&judge("DSA-1\r\n").unwrap()), BOTH[1..]);
    assert_eq!(found(&judge("CVE-2026-1001 exp:2026-11-01").unwrap()), BOTH);
    assert_eq!(
        found(&judge("CVE-2026-1001 exp:2026-11-02").unwrap()),
        BOTH[1..]
    );
    for broken in [
        "CVE-2026-1001 tomorrow",
        "CVE-2026-1001 exp:soon",
        "CVE-2026-1001 exp:2026-11-02 x",
    ] {
        let error = judge(&format!("\n{broken}")).unwrap_err().to_string();
        assert!(error.contains("ignored.txt, line 2: "), "{error}");
    }
    let mut verdicts = Verdicts::default();
    verdicts.ignore("CVE-2026-1002");
    assert_eq!(found(&judged(&layout, &verdicts)), BOTH[..1]);
}

fn vex(statements: &[Value]) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex",
        "author": "us",
        "timestamp": "2026-10-01T00:00:00Z",
        "statements": statements,
    })
}

fn says(product: &str, status: &str) -> Value {
    json!({
        "vulnerability": {"name": "CVE-2026-1001"},
        "products": [{"@id": product}],
        "status": status,
        "justification": "vulnerable_code_not_in_execute_path",
    })
}

#[test]
fn openvex_speaks_of_packages_and_images() {
    let (layout, manifest, index) = image();
    let place = TempDir::new().unwrap();
    let judge = |documents: &[Value]| {
        let mut verdicts = Verdicts::default();
        for (nr, document) in documents.iter().enumerate() {
            let path = place.path().join(format!("{nr}.json"));
            fs::write(&path, document.to_string()).unwrap();
            verdicts.add_vex(&path).unwrap();
        }
        judged(&layout, &verdicts)
    };
    let products = [
        "pkg:deb/debian/bash",
        "pkg:deb/debian/bash@5.2-1",
        &manifest,
        &index,
    ];
    for product in products {
        let report = judge(&[vex(&[says(product, "not_affected")])]);
        assert_eq!(found(&report), BOTH[1..], "{product}");
        assert_eq!(
            report.ignored[0].reason,
            "VEX: not_affected vulnerable_code_not_in_execute_path"
        );
    }
    let other = format!("sha256:{}", "0".repeat(64));
    for product in [
        "pkg:deb/debian/bash@5.1",
        "pkg:deb/debian/curl",
        "pkg:npm/bash",
        &other,
    ] {
        let report = judge(&[vex(&[says(product, "not_affected")])]);
        assert_eq!(found(&report), BOTH, "{product}");
    }
    // Only what says that it does not matter takes it out, and what was said last counts.
    for status in ["affected", "under_investigation"] {
        assert_eq!(found(&judge(&[vex(&[says(products[0], status)])])), BOTH);
    }
    let before = vex(&[says(products[0], "not_affected")]);
    let mut after = vex(&[says(products[0], "affected")]);
    assert_eq!(found(&judge(&[before.clone(), after.clone()])), BOTH);
    after["timestamp"] = json!("2026-09-01T00:00:00Z");
    assert_eq!(found(&judge(&[before, after])), BOTH[1..]);

    let broken = place.path().join("broken.json");
    for text in ["{}", "", "{\"@context\":\"https://openvex.dev/ns\"}"] {
        fs::write(&broken, text).unwrap();
        assert!(Verdicts::default().add_vex(&broken).is_err());
    }
    assert!(Timestamp::parse("2026-11-02").is_some());
}
