//! OpenVEX statements, and the rows of a report that they speak of.

use berth_advisories::{
    AdvisoryIndex, PackageKind, Purl, Severity, VexStatus, VexSubject, findings, parse_openvex,
    vex_verdict,
};

use crate::matching::package;
use crate::osv::parse;

const IMAGE: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn document(products: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/1","author":"A","timestamp":"2024-01-01T00:00:00Z",
        "statements":[{{"vulnerability":{{"name":"CVE-2024-0001"}},"products":[{products}],"status":"not_affected","justification":"vulnerable_code_not_present"}},
        {{"vulnerability":"CVE-2024-0001","products":[],"status":"fixed"}},{{"status":"sure"}}]}}"#
    )
}

fn verdict(products: &str) -> Option<VexStatus> {
    let document = parse_openvex("v.json", document(products).as_bytes()).expect("a document");
    let purl: Purl = "pkg:deb/debian/curl@7.88?arch=amd64&distro=debian-12"
        .parse()
        .expect("a purl");
    let image: Purl = "pkg:oci/app?repository_url=r.example.com%2Fapp"
        .parse()
        .expect("a purl");
    let subject = VexSubject {
        vulnerabilities: &["GHSA-x", "CVE-2024-0001"],
        package: &purl,
        digests: &[IMAGE],
        image: Some(&image),
    };
    assert_eq!(document.skipped, if products.is_empty() { 3 } else { 2 });
    let verdict = vex_verdict([&document], &subject);
    verdict.map(|statement| statement.status)
}

#[test]
fn a_statement_reaches_as_far_as_it_names() {
    let yes = Some(VexStatus::NotAffected);
    let digest = format!(r#"{{"@id":"pkg:oci/app@{IMAGE}"}}"#).replace("sha256:", "sha256%3A");
    let other = digest.replace('a', "b").replace("bpp", "app");
    for (products, expected) in [
        (r#"{"@id":"pkg:deb/debian/curl@7.88"}"#.to_owned(), yes),
        (r#"{"@id":"pkg:deb/debian/curl"}"#.to_owned(), yes),
        (r#""pkg:deb/debian/curl""#.to_owned(), yes),
        (r#"{"@id":"pkg:deb/debian/curl@7.89"}"#.to_owned(), None),
        (
            r#"{"@id":"pkg:deb/debian/curl@7.88?arch=arm64"}"#.to_owned(),
            None,
        ),
        (r#"{"@id":"pkg:deb/debian/wget"}"#.to_owned(), None),
        (digest.clone(), yes),
        (other, None),
        (format!(r#"{{"@id":"{IMAGE}"}}"#), yes),
        (
            format!(r#"{{"@id":"x","hashes":{{"sha-256":"{}"}}}}"#, &IMAGE[7..]),
            yes,
        ),
        (
            digest.replace('}', r#","subcomponents":[{"@id":"pkg:deb/debian/curl"}]}"#),
            yes,
        ),
        (
            digest.replace('}', r#","subcomponents":[{"@id":"pkg:deb/debian/wget"}]}"#),
            None,
        ),
        (
            digest.replace('}', r#","subcomponents":[{"@id":"unreadable"}]}"#),
            None,
        ),
        (r#"{"@id":"pkg:oci/app"}"#.to_owned(), yes),
        (
            r#"{"@id":"pkg:oci/app?repository_url=elsewhere"}"#.to_owned(),
            None,
        ),
        (
            r#"{"@id":"something"},{"@id":"pkg:deb/debian/curl"}"#.to_owned(),
            yes,
        ),
    ] {
        assert_eq!(verdict(&products), expected, "{products}");
    }
    assert_eq!(verdict(""), None);
}

#[test]
fn the_latest_word_counts() {
    let json = r#"{"@context":"https://openvex.dev/ns","statements":[
      {"vulnerability":{"name":"CVE-1"},"timestamp":"2024-03-01T00:00:00Z","products":["pkg:npm/a"],"status":"fixed"},
      {"vulnerability":{"name":"CVE-1"},"timestamp":"2024-01-01T00:00:00Z","products":["pkg:npm/a"],"status":"affected"},
      {"vulnerability":{"name":"CVE-1"},"products":["pkg:npm/a"],"status":"under_investigation"}]}"#;
    let document = parse_openvex("v.json", json.as_bytes()).expect("a document");
    let purl: Purl = "pkg:npm/a@1".parse().expect("a purl");
    let subject = VexSubject {
        vulnerabilities: &["CVE-1"],
        package: &purl,
        digests: &[],
        image: None,
    };
    let verdict = vex_verdict([&document], &subject).expect("a verdict");
    assert_eq!(verdict.status, VexStatus::Fixed);
    assert!(verdict.status.silences() && !VexStatus::Affected.silences());
    for json in [
        "",
        "{}",
        r#"{"@context":"https://openvex.dev/ns"}"#,
        r#"{"@context":"x","statements":[]}"#,
    ] {
        assert!(parse_openvex("v.json", json.as_bytes()).is_err());
    }
}

#[test]
fn advisories_of_one_vulnerability_make_one_row() {
    let on = |id: &str, names: &str, fixed: &str| {
        parse(&format!(
            r#"{{"id":"{id}",{names},"affected":[{{"package":{{"ecosystem":"PyPI","name":"p"}},
            "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{fixed}]}}]}}]}}"#
        ))
    };
    let index: AdvisoryIndex = [
        on(
            "GHSA-1",
            r#""database_specific":{"severity":"LOW"}"#,
            r#",{"fixed":"1.9"}"#,
        ),
        on(
            "PYSEC-1",
            r#""aliases":["GHSA-1","CVE-2024-0001"]"#,
            r#",{"fixed":"1.10"}"#,
        ),
        on(
            "PYSEC-2",
            r#""severity":[{"score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#,
            "",
        ),
    ]
    .into_iter()
    .collect();
    let hits = index
        .matches(&package(PackageKind::Pypi, "p", "1.0"), None)
        .expect("covered");
    let rows = findings(PackageKind::Pypi, &hits);
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.id.as_str(),
                row.aliases.join(" "),
                row.severity,
                row.status.as_str(),
                row.fixed_version.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (
                "CVE-2024-0001",
                "GHSA-1 PYSEC-1".to_owned(),
                Severity::Low,
                "fixed",
                Some("1.10")
            ),
            (
                "PYSEC-2",
                String::new(),
                Severity::Critical,
                "affected",
                None
            ),
        ]
    );
}

#[test]
fn an_advisory_that_mends_several_makes_several_rows() {
    let index: AdvisoryIndex = [parse(
        r#"{"id":"ALSA-1","related":["CVE-2024-0002","CVE-2024-0001"],"affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"p"},
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2-1"}]}]}]}"#,
    )]
    .into_iter()
    .collect();
    let alma = crate::matching::distro("almalinux", "9.4");
    let hits = index
        .matches(&package(PackageKind::Rpm, "p", "1-1"), Some(&alma))
        .expect("covered");
    let rows = findings(PackageKind::Rpm, &hits);
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-0001", "CVE-2024-0002"]);
    assert_eq!(rows[0].aliases, ["ALSA-1"]);
}
