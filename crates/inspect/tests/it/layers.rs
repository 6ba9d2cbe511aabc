//! What ordinary layers give, and what several of them come to.

use berth_inspect::{Compression, LayerReport, Origin, merge};
use sha2::{Digest, Sha256};

use crate::archive::{Archive, gzip, inspect, names, status, zip};

const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\n";

fn base() -> Archive {
    Archive::default()
        .entry("etc/os-release", b'2', "../usr/lib/os-release", b"")
        .file("./usr/lib/os-release", DEBIAN)
        .file(
            "var/lib/dpkg/status",
            status(&[("bash", "5.2"), ("libc6", "2.36")]),
        )
}

fn image(layers: &[LayerReport]) -> Vec<String> {
    let report = merge(layers);
    let packages = report.packages.iter();
    packages
        .map(|one| {
            format!(
                "{} {} @{}",
                one.package.name, one.package.version, one.layer
            )
        })
        .collect()
}

#[test]
fn every_compression_gives_the_same() {
    let plain = base().end();
    let expected = format!("sha256:{}", hex::encode(Sha256::digest(&plain)));
    let (first, second) = plain.split_at(700);
    let members = [gzip(first), gzip(second)].concat();
    let zstd = zstd::encode_all(plain.as_slice(), 3).unwrap();
    let (first, second) = plain.split_at(900);
    let frames = [
        zstd::encode_all(first, 1).unwrap(),
        b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec(),
        zstd::encode_all(second, 1).unwrap(),
    ]
    .concat();
    for (bytes, compression) in [
        (plain.clone(), Compression::None),
        (gzip(&plain), Compression::Gzip),
        (members, Compression::Gzip),
        (zstd, Compression::Zstd),
        (frames, Compression::Zstd),
    ] {
        let report = inspect(&bytes);
        assert_eq!(report.diff_id.as_deref(), Some(expected.as_str()));
        assert_eq!(report.compression, compression);
        assert_eq!(report.compressed_bytes, bytes.len() as u64);
        assert_eq!(report.bytes, plain.len() as u64);
        assert_eq!(report.incomplete, []);
        assert_eq!(names(&report), ["bash 5.2", "libc6 2.36"]);
        assert_eq!(merge(&[report]).distro.unwrap().id, "debian");
    }
}

#[test]
fn a_report_survives_json() {
    let report = base().report();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<LayerReport>(&json).unwrap(), report);
}

#[test]
fn languages_are_found_where_they_are() {
    let pom = b"groupId=g\nartifactId=a\nversion=1\n";
    let inner = zip(&[("META-INF/maven/g/a/pom.properties", pom)]);
    let outer = zip(&[
        ("BOOT-INF/lib/a.jar", &inner),
        ("META-INF/MANIFEST.MF", b"X: 1\n"),
    ]);
    let report = Archive::default()
        .file(
            "app/node_modules/x/package.json",
            r#"{"name":"x","version":"1.0.0"}"#,
        )
        .file(
            "app/node_modules/x/node_modules/y/package.json",
            r#"{"name":"y","version":"2.0.0"}"#,
        )
        .file(
            "app/node_modules/x/esm/package.json",
            r#"{"name":"no","version":"2.0.0"}"#,
        )
        .file(
            "py/site-packages/a-1.dist-info/METADATA",
            "Name: A_b\nVersion: 1\n",
        )
        .file(
            "usr/lib/python3/dist-packages/z-3.egg-info",
            "Name: z\nVersion: 3\n",
        )
        .file(
            "var/lib/dpkg/info/python3-z.list",
            "/.\n/usr/lib/python3/dist-packages/z-3.egg-info\n",
        )
        .file(
            "gems/specifications/r-1.gemspec",
            "# stub: r 1.0 ruby lib\n",
        )
        .file(
            "vendor/composer/installed.json",
            r#"[{"name":"v/p","version":"1.1"}]"#,
        )
        .file(
            "app/a.deps.json",
            r#"{"libraries":{"N/1.0":{"type":"package"}}}"#,
        )
        .file(
            "app/Cargo.lock",
            "[[package]]\nname=\"c\"\nversion=\"1.0.0\"\nsource=\"registry\"\n",
        )
        .file("app/app.jar", outer)
        .report();
    assert_eq!(
        names(&report),
        [
            "N 1.0", "a-b 1", "c 1.0.0", "g:a 1", "r 1.0", "v/p 1.1", "x 1.0.0", "y 2.0.0", "z 3"
        ]
    );
    assert_eq!(report.incomplete, []);
    let of = |name: &str| {
        let found = report
            .packages
            .iter()
            .find(|found| found.package.name == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(of("z").owned_by.as_deref(), Some("python3-z"));
    assert_eq!(of("a-b").owned_by, None);
    assert_eq!(of("g:a").path, "app/app.jar!/BOOT-INF/lib/a.jar");
    assert_eq!(of("g:a").origin, Origin::JavaPom);
}

#[test]
fn the_last_database_counts_and_the_first_layer_is_named() {
    let lower = base().report();
    let upper = Archive::default()
        .file(
            "var/lib/dpkg/status",
            status(&[("bash", "5.2"), ("curl", "7"), ("libc6", "2.37")]),
        )
        .report();
    assert_eq!(
        image(&[lower.clone(), upper.clone()]),
        ["bash 5.2 @0", "curl 7 @1", "libc6 2.37 @1"]
    );
    let gone = Archive::default().file("var/lib/.wh.dpkg", "").report();
    assert_eq!(gone.whiteouts, ["var/lib/dpkg"]);
    assert_eq!(image(&[lower.clone(), gone]), [""; 0]);
    let opaque = Archive::default()
        .file("var/lib/dpkg/.wh..wh..opq", "")
        .file("var/lib/dpkg/status", status(&[("only", "1")]))
        .report();
    assert_eq!(image(&[lower, upper, opaque]), ["only 1 @2"]);
}

#[test]
fn distroless_status_files_add_up() {
    let lower = Archive::default()
        .file(
            "var/lib/dpkg/status.d/base",
            "Package: base-files\nVersion: 12\n",
        )
        .file("var/lib/dpkg/status.d/base.md5sums", "x\n")
        .report();
    let upper = Archive::default()
        .file("var/lib/dpkg/status.d/tz", "Package: tzdata\nVersion: 1\n")
        .report();
    assert_eq!(image(&[lower, upper]), ["base-files 12 @0", "tzdata 1 @1"]);
}

#[test]
fn links_lead_to_databases() {
    let apk = "P:musl\nV:1.2\n\n";
    let merged = Archive::default()
        .entry("lib", b'2', "usr/lib", b"")
        .file("usr/lib/apk/db/installed", apk)
        .report();
    assert_eq!(image(&[merged]), ["musl 1.2 @0"]);
    let elsewhere = Archive::default()
        .file("opt/apk/db/installed", apk)
        .report();
    assert_eq!(image(std::slice::from_ref(&elsewhere)), [""; 0]);
    let link = Archive::default()
        .entry("lib/apk", b'2', "/opt/apk", b"")
        .report();
    assert_eq!(image(&[elsewhere, link]), ["musl 1.2 @0"]);
    let dangling = Archive::default()
        .entry("var/lib/dpkg/status", b'2', "/opt/x", b"")
        .report();
    assert_eq!(merge(&[dangling]).incomplete.len(), 1);
    let circle = Archive::default()
        .entry("var", b'2', "lib", b"")
        .entry("lib", b'2', "var", b"")
        .report();
    assert_eq!(image(&[circle]), [""; 0]);
}

#[test]
fn language_packages_go_with_their_files() {
    let json = |version: &str| format!(r#"{{"name":"x","version":"{version}"}}"#);
    let lower = Archive::default()
        .file("a/node_modules/x/package.json", json("1.0.0"))
        .file("b/node_modules/x/package.json", json("1.0.0"))
        .file("c/node_modules/x/package.json", json("1.0.0"))
        .report();
    for (layer, expected) in [
        (
            Archive::default().file("a/.wh.node_modules", ""),
            vec!["x 1.0.0 @0"; 2],
        ),
        (
            Archive::default().entry("a", b'2', "b", b""),
            vec!["x 1.0.0 @0"; 2],
        ),
        (
            Archive::default().file("a/.wh..wh..opq", ""),
            vec!["x 1.0.0 @0"; 2],
        ),
        (Archive::default().file(".wh..wh..opq", ""), vec![]),
        (
            Archive::default().entry("a", b'5', "", b""),
            vec!["x 1.0.0 @0"; 3],
        ),
        (
            Archive::default().file("a/.wh.node_module", ""),
            vec!["x 1.0.0 @0"; 3],
        ),
        (
            Archive::default().file("a/node_modules/x/package.json", json("1.0.0")),
            vec!["x 1.0.0 @0"; 3],
        ),
        (
            Archive::default().file("a/node_modules/x/package.json", json("2.0.0")),
            vec!["x 1.0.0 @0", "x 1.0.0 @0", "x 2.0.0 @1"],
        ),
        (
            Archive::default().file("a/node_modules/x/package.json", "{}"),
            vec!["x 1.0.0 @0"; 2],
        ),
    ] {
        assert_eq!(image(&[lower.clone(), layer.report()]), expected);
    }
}

#[test]
fn secrets_that_were_deleted_are_still_there() {
    let key = ["AK", "IAQ3EGWK5TJXN2PRLV"].concat();
    let lower = Archive::default()
        .file("app/config", format!("a\nid = {key}\n"))
        .mode("usr/bin/su", 0o4755, b"x")
        .report();
    assert!(!serde_json::to_string(&lower).unwrap().contains(&key));
    let later = Archive::default().file("app/.wh.config", "").report();
    let report = merge(&[lower.clone(), later]);
    let seen: Vec<_> = report
        .findings
        .iter()
        .map(|one| {
            (
                one.finding.rule.as_str(),
                one.finding.line,
                one.layer,
                one.removed_later,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("secret-aws-access-key-id", Some(2), 0, true),
            ("CIS-DI-0008", None, 0, false)
        ]
    );
    let cleaned = Archive::default().file("app/config", "nothing\n").report();
    assert!(merge(&[lower, cleaned]).findings[0].removed_later);
}
