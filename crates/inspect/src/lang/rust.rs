//! Rust: the audit section that cargo-auditable puts into executables, and `Cargo.lock`.

use std::io::Read;

use berth_advisories::PackageKind;
use serde::Deserialize;

use super::{Found, json, package};

/// The list of a large program is some 100 KiB.
const MAX_UNPACKED: u64 = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct Audit {
    packages: Vec<Audited>,
}

#[derive(Deserialize)]
struct Audited {
    name: String,
    version: String,
    /// `build` for what was only used while building.
    #[serde(default)]
    kind: String,
}

/// Reads the content of the section: compressed JSON.
pub fn audit_section(bytes: &[u8]) -> Found {
    let mut text = Vec::new();
    let unpacked = flate2::read::ZlibDecoder::new(bytes)
        .take(MAX_UNPACKED + 1)
        .read_to_end(&mut text);
    if let Err(error) = unpacked {
        return Found::problem(error.to_string());
    }
    if text.len() as u64 > MAX_UNPACKED {
        return Found::problem("the audit section is too large");
    }
    match json::<Audit>(&text) {
        Ok(audit) => Found::some(
            audit
                .packages
                .iter()
                .filter(|one| one.kind != "build")
                .filter_map(|one| package(PackageKind::Cargo, &one.name, &one.version, [])),
        ),
        Err(error) => Found::problem(error.to_string()),
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

/// Reads a lock file; what has no source is the workspace itself and not locked.
pub fn cargo_lock(bytes: &[u8]) -> Found {
    let Ok(text) = str::from_utf8(bytes) else {
        return Found::problem("not UTF-8");
    };
    match toml::from_str::<Lock>(text) {
        Ok(lock) => Found::some(
            lock.package
                .iter()
                .filter(|one| one.source.is_some())
                .filter_map(|one| package(PackageKind::Cargo, &one.name, &one.version, [])),
        ),
        Err(error) => Found::problem(error.message().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_audit_section_is_read() {
        let text = br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io"},
            {"name":"cc","version":"1.0.9","source":"crates.io","kind":"build"},
            {"name":"root","version":"0.1.0","source":"local","root":true}]}"#;
        let found = audit_section(&compressed(text));
        let names: Vec<_> = found.packages.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "root"]);
        assert!(audit_section(b"\x78\x9cno").problem.is_some());
        let bomb = compressed(&vec![b' '; MAX_UNPACKED as usize + 10]);
        assert_eq!(
            audit_section(&bomb).problem.as_deref(),
            Some("the audit section is too large")
        );
    }

    #[test]
    fn lock_files_are_read() {
        let text = b"version = 4\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n\
            [[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+x\"\n";
        let found = cargo_lock(text);
        assert_eq!(found.packages.len(), 1);
        assert_eq!(found.packages[0].name, "serde");
        assert!(cargo_lock(b"[[").problem.is_some());
        assert!(cargo_lock("[".repeat(100_000).as_bytes()).problem.is_some());
    }
}
