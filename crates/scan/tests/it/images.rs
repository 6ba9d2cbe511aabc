//! OCI layouts: which image is taken, and what its layers come to.

use berth_scan::{Limits, Platform, Source};
use serde_json::{Value, json};

use crate::made::{
    DEBIAN, Layout, Stored, Tar, base, digest, found, layout, osv, packages, status,
};
use crate::made::{amd64, report};

#[test]
fn every_way_to_store_a_layer_gives_the_same() {
    let first = base(&[("bash", "5.2"), ("zlib1g", "1.2")]);
    let second = Tar::new()
        .file(
            "app/node_modules/left/package.json",
            r#"{"name":"left","version":"1.0.0"}"#,
        )
        .end();
    let expected = ["bash 5.2 @0", "zlib1g 1.2 @0", "left 1.0.0 @1"];
    for stored in [Stored::Plain, Stored::Gzip, Stored::Zstd] {
        let image = layout(&[(first.clone(), stored), (second.clone(), stored)])
            .read(None)
            .unwrap();
        assert_eq!(packages(&image), expected);
        assert_eq!(image.content.distro.as_ref().unwrap().id, "debian");
        assert_eq!(image.warnings, [""; 0]);
        let ids: Vec<_> = image.layers.iter().map(|it| it.diff_id.clone()).collect();
        assert_eq!(ids, [Some(digest(&first)), Some(digest(&second))]);
    }
}

#[test]
fn what_a_later_layer_deletes_is_not_there() {
    let node = |name: &str| {
        let file = format!("app/node_modules/{name}/package.json");
        (file, format!(r#"{{"name":"{name}","version":"1.0.0"}}"#))
    };
    let (left, right) = (node("left"), node("right"));
    let first = Tar::new()
        .file("etc/os-release", DEBIAN)
        .file(
            "var/lib/dpkg/status",
            status(&[("bash", "5.1"), ("curl", "7")]),
        )
        .file(&left.0, &left.1)
        .file(&right.0, &right.1)
        .end();
    let second = Tar::new()
        .file("app/node_modules/.wh.left", "")
        .file("var/lib/dpkg/status", status(&[("bash", "5.2")]))
        .end();
    let image = layout(&[(first, Stored::Gzip), (second, Stored::Gzip)]);
    let advisories = [
        osv("CVE-2026-1001", "npm", "left", Some("2.0.0")),
        osv("CVE-2026-1002", "npm", "right", Some("2.0.0")),
        osv("CVE-2026-1003", "Debian:12", "bash", Some("5.3")),
        osv("CVE-2026-1004", "Debian:12", "curl", Some("8")),
        osv("CVE-2026-1005", "Debian:11", "bash", Some("5.3")),
    ];
    let report = report(&image, &advisories);
    assert_eq!(
        found(&report),
        ["bash 5.2 CVE-2026-1003", "right 1.0.0 CVE-2026-1002"]
    );
    let layers: Vec<_> = report.vulnerabilities.iter().map(|it| it.layer).collect();
    assert_eq!(layers, [1, 0]);

    let third = Tar::new().file("app/.wh..wh..opq", "").end();
    let (first, second) = (base(&[("bash", "5.2")]), third);
    let node = Tar::new().file(&right.0, &right.1).end();
    let image = layout(&[
        (first, Stored::Gzip),
        (node, Stored::Zstd),
        (second, Stored::Plain),
    ]);
    assert_eq!(packages(&image.read(None).unwrap()), ["bash 5.2 @0"]);
}

fn platform(mut entry: Value, os: &str, architecture: &str) -> Value {
    entry["platform"] = json!({"os": os, "architecture": architecture});
    entry
}

#[test]
fn an_index_gives_the_image_of_the_platform() {
    let layout = Layout::new();
    let image = |name: &str| layout.image(&[(base(&[(name, "1")]), Stored::Gzip)], json!({}));
    let inner = layout.index(&[
        platform(image("for-arm"), "linux", "arm64"),
        platform(image("for-amd"), "linux", "amd64"),
        platform(image("proof"), "unknown", "unknown"),
    ]);
    let layout = layout.tag(inner.clone(), Some("v1"));
    let read = |platform: &str| {
        let platform: Platform = platform.parse().unwrap();
        let source = Source::OciLayout(layout.path());
        berth_scan::Image::read(&source, None, &platform, &Limits::default())
    };
    assert_eq!(packages(&read("linux/amd64").unwrap()), ["for-amd 1 @0"]);
    assert_eq!(packages(&read("linux/arm64/v8").unwrap()), ["for-arm 1 @0"]);
    let error = read("linux/s390x").unwrap_err().to_string();
    assert!(
        error.ends_with("it holds no image for linux/s390x"),
        "{error}"
    );

    let outer = layout.index(&[inner]);
    let layout = Layout {
        entries: Vec::new(),
        ..layout
    }
    .tag(outer, None);
    assert_eq!(packages(&layout.read(None).unwrap()), ["for-amd 1 @0"]);
}

#[test]
fn an_image_is_named_by_name_tag_or_digest() {
    let layout = Layout::new();
    let one = layout.image(&[(base(&[("one", "1")]), Stored::Gzip)], json!({}));
    let two = layout.image(&[(base(&[("two", "1")]), Stored::Gzip)], json!({}));
    let second = two["digest"].as_str().unwrap().to_owned();
    let layout = layout
        .tag(one, Some("registry.example/app:v1"))
        .tag(two, Some("v2"));
    for (reference, expected) in [
        ("registry.example/app:v1", "one 1 @0"),
        ("v1", "one 1 @0"),
        ("v2", "two 1 @0"),
        (second.as_str(), "two 1 @0"),
    ] {
        let image = layout.read(Some(reference)).unwrap();
        assert_eq!(packages(&image), [expected], "{reference}");
    }
    let image = layout.read(Some("v1")).unwrap();
    assert_eq!(image.name, "registry.example/app:v1");
    let error = layout.read(None).unwrap_err().to_string();
    assert!(
        error.contains("name one: registry.example/app:v1, v2"),
        "{error}"
    );
    let error = layout.read(Some("v3")).unwrap_err().to_string();
    assert!(error.ends_with("it holds no image `v3`"), "{error}");
}

#[test]
fn the_configuration_is_looked_at() {
    let layout = Layout::new();
    let config = json!({
        "os": "linux",
        "config": {"User": "root", "Env": ["DB_PASSWORD=hunter2hunter2"]},
        "history": [{"created_by": "/bin/sh -c #(nop) ADD file:abc in / "}],
    });
    let image = layout.image(&[(base(&[]), Stored::Gzip)], config);
    let layout = layout.tag(image, Some("registry.example:5000/app:latest"));
    let image = layout.read(None).unwrap();
    let rules: Vec<&str> = image.practice.iter().map(|it| it.rule.as_str()).collect();
    for rule in ["CIS-DI-0001", "CIS-DI-0006", "CIS-DI-0010", "DKL-DI-0006"] {
        assert!(rules.contains(&rule), "{rule} is not among {rules:?}");
    }
    assert!(!format!("{:?}", image.practice).contains("hunter2"));
    assert_eq!(amd64().to_string(), "linux/amd64");
}
