//! What each fuzz target of `berth-inspect` does with its bytes, and what must then hold.
//!
//! `crates/inspect/tests/it` includes this file and runs the same functions over `seeds/` and
//! mutations of it. It is no module of the library: that one is included by another crate's tests.

use berth_inspect::findings::{accounts, history, practice, secrets};
use berth_inspect::lang::{self, binary, go, java, rust};
use berth_inspect::os::{Owners, apk, dpkg, release, rpm};
use berth_inspect::tar::Reader;
use berth_inspect::{Limits, Origin, Spares, inspect_layer, merge};

/// A function that takes any bytes.
pub type Entry = fn(&[u8]);

/// Every target, by its name and the name of its folder under `seeds`.
pub const ENTRIES: [(&str, Entry); 10] = [
    ("inspect_layer", layer),
    ("inspect_tar", tar),
    ("inspect_dpkg", dpkg_status),
    ("inspect_apk", apk_installed),
    ("inspect_rpm", rpm_database),
    ("inspect_binary", executable),
    ("inspect_jar", jar),
    ("inspect_metadata", metadata),
    ("inspect_text", text),
    ("inspect_config", config),
];

/// A whole layer: read, stored and merged.
pub fn layer(bytes: &[u8]) {
    let limits = Limits {
        total_bytes: 16 << 20,
        ..Limits::default()
    };
    let Ok(report) = inspect_layer(bytes, &limits, &|| false) else {
        return;
    };
    assert!(report.diff_id.is_some() || !report.incomplete.is_empty());
    let json = serde_json::to_string(&report).expect("a report is JSON");
    assert_eq!(serde_json::from_str(&json).ok().as_ref(), Some(&report));
    let image = merge(&[report.clone(), report]);
    assert!(image.packages.is_sorted());
}

/// An archive: no entry gives more data than it says.
pub fn tar(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    while let Ok(Some(entry)) = reader.next_entry() {
        let mut seen = 0_u64;
        while let Ok(data) = reader.data() {
            let count = data.len();
            if count == 0 || seen > 1 << 22 {
                break;
            }
            seen += count as u64;
            reader.consume(count);
        }
        assert!(seen <= entry.size || entry.flag == b'g');
    }
}

/// A status file.
pub fn dpkg_status(bytes: &[u8]) {
    for package in dpkg::status(bytes).packages {
        assert!(!package.name.is_empty() && !package.version.is_empty());
    }
    assert!(dpkg::list(bytes).all(|path| !path.is_empty()));
}

/// An installed database.
pub fn apk_installed(bytes: &[u8]) {
    for package in apk::installed(bytes, &mut Owners::default()).packages {
        assert!(!package.name.is_empty() && !package.version.is_empty());
    }
}

/// A database of rpm, of each format, and a bare header.
pub fn rpm_database(bytes: &[u8]) {
    let _ = rpm::packages(bytes, Origin::RpmBdb, &mut Owners::default());
    let _ = rpm::header::package(bytes, &mut Owners::default());
}

/// An executable.
pub fn executable(bytes: &[u8]) {
    let _ = binary::is_executable(bytes);
    if let Some(layout) = binary::layout(bytes) {
        let _ = go::packages(bytes, &layout);
    }
    let _ = rust::audit_section(bytes);
}

/// A Java archive.
pub fn jar(bytes: &[u8]) {
    let mut archive = java::Archive {
        found: &mut |_, _, _| (),
        problem: &mut |_, _| (),
        budget: 1 << 20,
        depth: 3,
        cancel: &|| false,
        spares: &Spares::default(),
    };
    archive.read(bytes, "x.jar");
}

/// Every text that lists packages.
pub fn metadata(bytes: &[u8]) {
    for origin in [
        Origin::NodeModule,
        Origin::PythonMetadata,
        Origin::CargoLock,
        Origin::Gemspec,
        Origin::ComposerInstalled,
        Origin::DotnetDeps,
        Origin::NugetLock,
    ] {
        for package in lang::metadata(origin, bytes).packages {
            assert!(!package.name.is_empty() && !package.version.contains('\n'));
        }
    }
    let _ = release::os_release(bytes);
    let _ = release::debian_version(bytes);
}

/// Texts with secrets, and files of accounts.
pub fn text(bytes: &[u8]) {
    assert!(secrets::search("x", bytes, 10).len() <= 10);
    for path in ["etc/passwd", "etc/group", "etc/shadow"] {
        let _ = accounts::check(path, bytes);
    }
}

/// An image's configuration and its history.
pub fn config(bytes: &[u8]) {
    let _ = practice::check(bytes, Some("latest"));
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = history::instruction(text);
    }
}
