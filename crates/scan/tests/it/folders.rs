//! Folders that are root file systems.

use std::fs;
use std::os::unix::fs::symlink;

use berth_scan::{Source, scan};
use tempfile::TempDir;

use crate::made::{DEBIAN, NOW, feeds, found, osv, packages, read, status, write};

#[test]
fn databases_of_distributions_are_found() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root.join("usr/lib/os-release"), DEBIAN);
    fs::create_dir_all(root.join("etc")).unwrap();
    symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    write(root.join("var/lib/dpkg/status"), status(&[("bash", "5.2")]));
    write(
        root.join("app/node_modules/left/package.json"),
        r#"{"name":"left","version":"1.0.0"}"#,
    );
    let image = read(&Source::Rootfs(root.to_owned()), None).unwrap();
    assert_eq!(packages(&image), ["bash 5.2 @0", "left 1.0.0 @0"]);
    assert_eq!(image.warnings, [""; 0]);
    assert!(image.content.incomplete.is_empty());
    assert_eq!(image.layers.len(), 0);

    // Distroless: a file for each package.
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root.join("etc/os-release"), DEBIAN);
    write(
        root.join("var/lib/dpkg/status.d/base"),
        "Package: base-files\nVersion: 12.4\n",
    );
    write(
        root.join("var/lib/dpkg/status.d/tz"),
        "Package: tzdata\nVersion: 2024a\n",
    );
    write(
        root.join("var/lib/dpkg/status.d/tz.md5sums"),
        "0 usr/share/x\n",
    );
    let image = read(&Source::Rootfs(root.to_owned()), None).unwrap();
    assert_eq!(packages(&image), ["base-files 12.4 @0", "tzdata 2024a @0"]);

    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(
        root.join("etc/os-release"),
        "ID=alpine\nVERSION_ID=3.20.3\n",
    );
    write(
        root.join("lib/apk/db/installed"),
        "P:libssl3\nV:3.3.2-r0\nA:x86_64\no:openssl\n\nP:musl\nV:1.2.5-r0\n\n",
    );
    let image = read(&Source::Rootfs(root.to_owned()), None).unwrap();
    assert_eq!(
        packages(&image),
        ["libssl3 3.3.2-r0 @0", "musl 1.2.5-r0 @0"]
    );
    let feeds = feeds(&[osv(
        "CVE-2026-1001",
        "Alpine:v3.20",
        "openssl",
        Some("3.3.3-r0"),
    )]);
    assert_eq!(
        found(&scan(image, &feeds, NOW)),
        ["libssl3 3.3.2-r0 CVE-2026-1001"]
    );
}

#[test]
fn links_lead_nowhere_else() {
    let outside = TempDir::new().unwrap();
    write(
        outside.path().join("var/lib/dpkg/status"),
        status(&[("stranger", "1")]),
    );
    write(
        outside.path().join("left/package.json"),
        r#"{"name":"left","version":"1.0.0"}"#,
    );
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root.join("etc/os-release"), DEBIAN);
    fs::create_dir_all(root.join("var/lib")).unwrap();
    symlink(
        outside.path().join("var/lib/dpkg"),
        root.join("var/lib/dpkg"),
    )
    .unwrap();
    symlink(outside.path(), root.join("node_modules")).unwrap();
    symlink(".", root.join("loop")).unwrap();
    symlink("b", root.join("a")).unwrap();
    symlink("a", root.join("b")).unwrap();
    let image = read(&Source::Rootfs(root.to_owned()), None).unwrap();
    assert_eq!(packages(&image), [""; 0]);
    // That the database was not read is said.
    assert_eq!(
        image.content.incomplete.len(),
        1,
        "{:?}",
        image.content.incomplete
    );
    assert_eq!(image.content.incomplete[0].path, "var/lib/dpkg/status");
}

#[test]
fn what_is_no_file_does_not_stop_it() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root.join("etc/os-release"), DEBIAN);
    write(root.join("var/lib/dpkg/status"), status(&[("bash", "5.2")]));
    write(root.join(format!("{}/x", "long/".repeat(60))), "x");
    let pipe = std::process::Command::new("mkfifo")
        .arg(root.join("pipe"))
        .status();
    assert!(pipe.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.join("odd\nname"), "x").unwrap();
    let image = read(&Source::Rootfs(root.to_owned()), None).unwrap();
    assert_eq!(packages(&image), ["bash 5.2 @0"]);
    assert!(
        image.content.incomplete.is_empty(),
        "{:?}",
        image.content.incomplete
    );
}
