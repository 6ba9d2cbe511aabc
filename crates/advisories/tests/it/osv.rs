//! The OSV importer: what each feed means, and what it takes from strangers.

use berth_advisories::{
    Advisory, Distro, Ecosystem, Event, FeedError, Names, OsvOptions, PackageKind, Severity,
    parse_osv,
};

pub(crate) fn parse(json: &str) -> Advisory {
    let parsed = parse_osv("a.json", json.as_bytes(), OsvOptions::default()).expect("an advisory");
    parsed.advisory
}

#[test]
fn a_language_advisory_goes_by_its_cve() {
    let advisory = parse(
        r#"{"id":"PYSEC-2024-1","aliases":["GHSA-aaaa-bbbb-cccc","CVE-2024-0001"],"summary":"S",
        "modified":"2024-02-01T00:00:00Z","published":"2024-01-01","unknown":{"x":1},
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "database_specific":{"cwe_ids":["CWE-79","nonsense"]},
        "references":[{"type":"FIX","url":"https://example.com/1"},{"url":"javascript:alert(1)"}],
        "affected":[{"package":{"ecosystem":"PyPI","name":"Foo_Bar.baz"},
        "ranges":[{"type":"GIT","events":[{"introduced":"0"}]},
        {"type":"ECOSYSTEM","events":[{"fixed":"2.10"},{"introduced":"0"},{"introduced":"2.11"},{"last_affected":"2.9"}]}],
        "versions":["1.0","1.0"]},{"package":{"ecosystem":"Nowhere","name":"x"},"versions":["1"]}]}"#,
    );
    assert_eq!(
        (advisory.id.as_str(), advisory.feed_id.as_str()),
        ("CVE-2024-0001", "PYSEC-2024-1")
    );
    assert_eq!(advisory.vulnerabilities, ["CVE-2024-0001"]);
    assert_eq!(advisory.aliases, ["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"]);
    assert_eq!(advisory.severity(), Severity::Critical);
    assert_eq!(advisory.cwes, ["CWE-79"]);
    assert_eq!(advisory.references.len(), 1);
    assert_eq!(advisory.published, Some(1_704_067_200_000_000));
    let [affected] = advisory.affected.as_slice() else {
        panic!("one entry");
    };
    assert_eq!(
        (affected.name.as_str(), affected.names),
        ("foo-bar-baz", Names::Package)
    );
    assert_eq!(affected.versions, ["1.0"]);
    let versions: Vec<&str> = affected.ranges[0].iter().map(Event::version).collect();
    assert_eq!(versions, ["0", "2.9", "2.10", "2.11"]);
}

#[test]
fn a_distribution_mends_several_at_once() {
    let advisory = parse(
        r#"{"id":"ALSA-2024:1","related":["CVE-2024-0002","CVE-2024-0001"],"summary":"Important: nodejs:18 security update",
        "affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"nodejs"},
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:18.1-1.module_el8.6.0+1"}]}]}]}"#,
    );
    assert_eq!(advisory.id, "ALSA-2024:1");
    assert_eq!(advisory.vulnerabilities, ["CVE-2024-0001", "CVE-2024-0002"]);
    assert_eq!(advisory.severity(), Severity::High);
    assert_eq!(advisory.affected[0].module.as_deref(), Some("nodejs:18"));
    assert_eq!(advisory.affected[0].names, Names::Package);
    assert!(advisory.is_in_force());
}

#[test]
fn what_is_no_vulnerability_is_not_in_force() {
    for json in [
        r#"{"id":"X-1","withdrawn":"2024-01-01T00:00:00Z"}"#,
        r#"{"id":"X-1","withdrawn":"some day"}"#,
        r#"{"id":"ALBA-2024:1","summary":"bug fix"}"#,
        r#"{"id":"RUSTSEC-2024-1","affected":[{"database_specific":{"informational":"unmaintained"}}]}"#,
    ] {
        assert!(!parse(json).is_in_force(), "{json}");
    }
    let unsound =
        r#"{"id":"RUSTSEC-2024-1","affected":[{"database_specific":{"informational":"unsound"}}]}"#;
    assert!(parse(unsound).is_in_force());
}

#[test]
fn debian_names_sources_unless_told_otherwise() {
    let json = r#"{"id":"DEBIAN-CVE-2024-0001","upstream":["CVE-2024-0001"],"affected":[{"package":{"ecosystem":"Debian:12","name":"curl"},
        "ecosystem_specific":{"urgency":"unimportant"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;
    let advisory = parse(json);
    assert_eq!(advisory.id, "CVE-2024-0001");
    let entry = &advisory.affected[0];
    assert_eq!(
        (entry.names, entry.rating),
        (Names::Source, Some(Severity::Negligible))
    );
    assert_eq!(advisory.severity_for(entry), Severity::Negligible);
    let options = OsvOptions { binary_names: true };
    let parsed = parse_osv("x", json.as_bytes(), options).expect("an advisory");
    assert_eq!(parsed.advisory.affected[0].names, Names::Package);
}

#[test]
fn bad_documents_are_refused_by_name() {
    for json in [
        "",
        "[]",
        "{}",
        r#"{"id":7}"#,
        r#"{"id":"  "}"#,
        &"[".repeat(100_000),
    ] {
        let error = parse_osv("bad.json", json.as_bytes(), OsvOptions::default());
        let Err(FeedError::Malformed { entry, .. }) = error else {
            panic!("{}", &json[..json.len().min(20)]);
        };
        assert_eq!(entry, "bad.json");
    }
    // Everything else may be of any type.
    let odd = parse(
        r#"{"id":"X","aliases":7,"summary":[],"severity":{"a":1},"affected":[1,null,{"package":3}],"references":[null]}"#,
    );
    assert_eq!(odd.vulnerabilities, ["X"]);
}

#[test]
fn the_fingerprint_follows_content_and_nothing_else() {
    let one = parse(r#"{"id":"X","aliases":["B","A"],"modified":"2024-01-01T00:00:00Z"}"#);
    let same = parse(r#"{"modified":"2025-01-01T00:00:00Z","aliases":["A","B","A"],"id":"X"}"#);
    let other = parse(r#"{"id":"X","aliases":["A","C"]}"#);
    assert_eq!(one.fingerprint(), same.fingerprint());
    assert_ne!(one.fingerprint(), other.fingerprint());
    assert_eq!(one.fingerprint().len(), 64);
    let stored: Advisory =
        serde_json::from_str(&serde_json::to_string(&one).expect("JSON")).expect("an advisory");
    assert_eq!(stored, one);
}

#[test]
fn ecosystems_have_one_key() {
    for (osv, key) in [
        ("Debian:12", Some("debian:12")),
        ("Alpine:v3.20", Some("alpine:3.20")),
        ("Alpine:edge", Some("alpine:edge")),
        ("AlmaLinux:9", Some("almalinux:9")),
        ("Rocky Linux:9", Some("rocky:9")),
        ("Ubuntu:22.04:LTS", Some("ubuntu:22.04")),
        ("Ubuntu:23.10", Some("ubuntu:23.10")),
        ("Ubuntu:Pro:16.04:LTS", None),
        ("Red Hat:enterprise_linux:9::baseos", Some("redhat:9")),
        ("Red Hat:openshift:4.12::el8", None),
        (
            "SUSE:Linux Enterprise Module for Python 3 15 SP5",
            Some("suse:15.5"),
        ),
        (
            "SUSE:Linux Enterprise Server 15 SP3-LTSS",
            Some("suse:15.3"),
        ),
        ("SUSE:Linux Enterprise Micro 5.5", Some("suse:micro-5.5")),
        ("openSUSE:Leap 15.6", Some("opensuse:15.6")),
        ("openSUSE:Tumbleweed", Some("opensuse:tumbleweed")),
        ("Wolfi", Some("wolfi")),
        ("Chainguard", Some("chainguard")),
        ("npm", Some("npm")),
        ("PyPI", Some("pypi")),
        ("Go", Some("go")),
        ("crates.io", Some("crates.io")),
        ("Maven", Some("maven")),
        ("Packagist", Some("packagist")),
        ("RubyGems", Some("rubygems")),
        ("NuGet", Some("nuget")),
        ("Debian", None),
        ("Haskell", None),
        ("", None),
    ] {
        let parsed = Ecosystem::parse_osv(osv);
        assert_eq!(
            parsed.as_ref().map(Ecosystem::to_string).as_deref(),
            key,
            "{osv}"
        );
        if let Some(parsed) = parsed {
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }
    let of = |kind, id: &str, version: &str, codename: &str| {
        let distro = Distro {
            id: id.to_owned(),
            version_id: version.to_owned(),
            codename: codename.to_owned(),
            pretty_name: String::new(),
        };
        Ecosystem::of(kind, Some(&distro)).map(|key| key.to_string())
    };
    for (kind, id, version, codename, key) in [
        (
            PackageKind::Deb,
            "debian",
            "12",
            "bookworm",
            Some("debian:12"),
        ),
        (PackageKind::Deb, "debian", "", "forky", Some("debian:14")),
        (PackageKind::Deb, "debian", "", "sid", Some("debian:sid")),
        (PackageKind::Deb, "debian", "", "", None),
        (
            PackageKind::Deb,
            "ubuntu",
            "22.04",
            "jammy",
            Some("ubuntu:22.04"),
        ),
        (
            PackageKind::Apk,
            "alpine",
            "3.20.3",
            "",
            Some("alpine:3.20"),
        ),
        (
            PackageKind::Apk,
            "alpine",
            "3.21_alpha20240606",
            "",
            Some("alpine:edge"),
        ),
        (PackageKind::Apk, "wolfi", "20230201", "", Some("wolfi")),
        (
            PackageKind::Rpm,
            "almalinux",
            "9.4",
            "",
            Some("almalinux:9"),
        ),
        (PackageKind::Rpm, "rhel", "8.10", "", Some("redhat:8")),
        (PackageKind::Rpm, "centos", "7", "", Some("redhat:7")),
        (PackageKind::Rpm, "centos", "9", "", None),
        (PackageKind::Rpm, "sles", "15.5", "", Some("suse:15.5")),
        (
            PackageKind::Rpm,
            "opensuse-leap",
            "15.6",
            "",
            Some("opensuse:15.6"),
        ),
        (PackageKind::Rpm, "fedora", "40", "", None),
        (PackageKind::Deb, "almalinux", "9", "", None),
        (PackageKind::Npm, "fedora", "40", "", Some("npm")),
    ] {
        assert_eq!(
            of(kind, id, version, codename).as_deref(),
            key,
            "{id} {version}"
        );
    }
}
