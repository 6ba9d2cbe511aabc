//! Which entries affect which packages.

use berth_advisories::{
    AdvisoryIndex, Distro, Lookup, NotCovered, Package, PackageKind, SourcePackage, affects,
};

use crate::osv::parse;

pub(crate) fn package(kind: PackageKind, name: &str, version: &str) -> Package {
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: None,
        source: None,
        module: None,
        vendor: None,
        licenses: Vec::new(),
    }
}

pub(crate) fn distro(id: &str, version: &str) -> Distro {
    Distro {
        id: id.to_owned(),
        version_id: version.to_owned(),
        ..Distro::default()
    }
}

/// The verdict over a package by one range of events: status and fix.
fn verdict(ecosystem: &str, kind: PackageKind, events: &str, more: &str, version: &str) -> String {
    let advisory = parse(&format!(
        r#"{{"id":"X","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"p"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]{more}}}]}}"#
    ));
    let matched = affects(&advisory.affected[0], &package(kind, "p", version), None);
    matched.map_or("-".to_owned(), |matched| {
        format!(
            "{} {}",
            matched.status.as_str(),
            matched.fixed_version.unwrap_or_default()
        )
        .trim()
        .to_owned()
    })
}

#[test]
fn ranges() {
    let two =
        r#"{"introduced":"1.0"},{"fixed":"1.5"},{"introduced":"2.0"},{"last_affected":"2.3"}"#;
    for (version, expected) in [
        ("0.9", "-"),
        ("1.0", "fixed 1.5"),
        ("1.4.9", "fixed 1.5"),
        ("1.5", "-"),
        ("1.9", "-"),
        ("2.0", "affected"),
        ("2.3", "affected"),
        ("2.3.1", "-"),
    ] {
        assert_eq!(
            verdict("npm", PackageKind::Npm, two, "", version),
            expected,
            "{version}"
        );
    }
    let limit = r#"{"introduced":"0"},{"limit":"3"}"#;
    assert_eq!(
        verdict("npm", PackageKind::Npm, limit, "", "2.9.0"),
        "affected"
    );
    assert_eq!(verdict("npm", PackageKind::Npm, limit, "", "3.0.0"), "-");
    // At one version, what was written later holds.
    let again = r#"{"introduced":"0"},{"fixed":"1.0"},{"introduced":"1.0"},{"fixed":"2.0"}"#;
    assert_eq!(
        verdict("npm", PackageKind::Npm, again, "", "1.0.0"),
        "fixed 2.0"
    );
    let listed = r#","versions":["1.7"]"#;
    assert_eq!(
        verdict("PyPI", PackageKind::Pypi, two, listed, "1.7.0"),
        "affected"
    );
}

#[test]
fn versions_that_cannot_be_read() {
    let all = r#"{"introduced":"0"}"#;
    let some = r#"{"introduced":"0"},{"fixed":"1.0.0"}"#;
    let listed = r#","versions":["odd one"]"#;
    assert_eq!(verdict("Go", PackageKind::Golang, some, "", "(devel)"), "-");
    assert_eq!(
        verdict("Go", PackageKind::Golang, all, "", "(devel)"),
        "affected"
    );
    assert_eq!(
        verdict("PyPI", PackageKind::Pypi, some, listed, "odd one"),
        "affected"
    );
    assert_eq!(
        verdict("PyPI", PackageKind::Pypi, some, listed, "odd two"),
        "-"
    );
    assert_eq!(
        verdict("Packagist", PackageKind::Composer, some, "", "dev-main"),
        "-"
    );
}

#[test]
fn sources_and_binaries() {
    let advisory = parse(
        r#"{"id":"CVE-2024-0001","affected":[{"package":{"ecosystem":"Debian:12","name":"samba"},
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2:4.17.12-1"}]}]}]}"#,
    );
    let entry = &advisory.affected[0];
    let twelve = distro("debian", "12");
    // A binary package whose own version has nothing to do with its source's.
    let mut ldb = package(PackageKind::Deb, "libldb2", "2:2.6.2-1");
    assert!(affects(entry, &ldb, Some(&twelve)).is_none());
    ldb.source = Some(SourcePackage {
        name: "samba".to_owned(),
        version: "2:4.17.11-1".to_owned(),
    });
    let matched = affects(entry, &ldb, Some(&twelve)).expect("affected");
    assert_eq!(matched.fixed_version.as_deref(), Some("2:4.17.12-1"));
    assert!(affects(entry, &ldb, Some(&distro("debian", "11"))).is_none());
    assert!(affects(entry, &ldb, None).is_none());
    // A binary package that happens to be named like the source.
    let mut other = package(PackageKind::Deb, "samba", "1.0");
    other.source = Some(SourcePackage {
        name: "something".to_owned(),
        version: "1.0".to_owned(),
    });
    assert!(affects(entry, &other, Some(&twelve)).is_none());
    ldb.vendor = Some("Docker".to_owned());
    assert!(matches!(
        Lookup::new(&ldb, Some(&twelve)),
        Err(NotCovered::ThirdParty)
    ));
    ldb.vendor = Some("Debian".to_owned());
    assert!(affects(entry, &ldb, Some(&twelve)).is_some());
}

#[test]
fn modules_and_architectures() {
    let eight = distro("almalinux", "8.10");
    let entry = |fixed: &str, summary: &str| {
        parse(&format!(
            r#"{{"id":"ALSA-1","summary":"{summary}","affected":[{{"package":{{"ecosystem":"AlmaLinux:8","name":"nodejs"}},
            "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
        ))
        .affected
        .remove(0)
    };
    let modular = entry(
        "1:18.2-1.module_el8.6.0+1",
        "Important: nodejs:18 security update",
    );
    let plain = entry("1:18.2-1.el8", "Important: nodejs security update");
    let mut node = package(PackageKind::Rpm, "nodejs", "1:16.1-1.module_el8.6.0+1");
    node.module = Some("nodejs:16".to_owned());
    assert!(affects(&modular, &node, Some(&eight)).is_none());
    assert!(affects(&plain, &node, Some(&eight)).is_none());
    node.module = Some("nodejs:18".to_owned());
    assert!(affects(&modular, &node, Some(&eight)).is_some());
    let unmodular = package(PackageKind::Rpm, "nodejs", "1:16.1-1.el8");
    assert!(affects(&modular, &unmodular, Some(&eight)).is_none());
    assert!(affects(&plain, &unmodular, Some(&eight)).is_some());

    let mut on_one = plain.clone();
    on_one.architectures = vec!["x86_64".to_owned()];
    let mut arm = unmodular.clone();
    arm.architecture = Some("aarch64".to_owned());
    assert!(affects(&on_one, &arm, Some(&eight)).is_none());
    arm.architecture = Some("x86_64".to_owned());
    assert!(affects(&on_one, &arm, Some(&eight)).is_some());
}

#[test]
fn the_index_says_what_it_does_not_cover() {
    let index: AdvisoryIndex = [
        parse(
            r#"{"id":"X","affected":[{"package":{"ecosystem":"PyPI","name":"A_b"},"versions":["1.0"]}]}"#,
        ),
        parse(
            r#"{"id":"W","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"a-b"},"versions":["1.0"]}]}"#,
        ),
    ]
    .into_iter()
    .collect();
    let hits = index
        .matches(&package(PackageKind::Pypi, "a-b", "1.0"), None)
        .expect("covered");
    let ids: Vec<&str> = hits.iter().map(|hit| hit.advisory.id.as_str()).collect();
    assert_eq!(ids, ["X"]);
    let bash = package(PackageKind::Rpm, "bash", "1-1");
    let fedora = index.matches(&bash, Some(&distro("fedora", "40")));
    assert!(matches!(fedora, Err(NotCovered::Distribution)));
    assert!(!index.covers(&"debian:12".parse().expect("a key")));
}
