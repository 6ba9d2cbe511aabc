//! Which texts of a layer are kept: those that a name can be, and that every database can hold.
//!
//! The invariant: what a report names is sound, and what was left out for it is among its reasons.

use berth_advisories::{Distro, Package};

use crate::findings::Finding;
use crate::limits::{Incomplete, Reason, Reasons};
use crate::report::{Database, FoundPackage, LayerReport, Link, ReleaseFile};

/// Bytes of a name, a version or another field of a package.
const FIELD: usize = 1024;
/// Licences of a package.
const LICENSES: usize = 64;
/// Bytes of a path, archives in archives included.
const PATH: usize = 16 * 1024;
/// Bytes of a sentence.
const SENTENCE: usize = 8 * 1024;

fn is_text(text: &str, most: usize) -> bool {
    text.len() <= most && !text.contains('\0')
}

/// Whether it can be a path in a layer.
pub fn is_sound_path(path: &str) -> bool {
    is_text(path, PATH)
}

/// What can be told apart from nonsense.
pub trait Sound {
    /// Whether every text in it can be what it is said to be.
    fn is_sound(&self) -> bool;
}

fn is_field(text: &str) -> bool {
    is_text(text, FIELD)
}

fn is_optional(text: Option<&String>) -> bool {
    text.is_none_or(|text| is_field(text))
}

impl Sound for Distro {
    fn is_sound(&self) -> bool {
        let Self {
            id,
            version_id,
            codename,
            pretty_name,
        } = self;
        [id, version_id, codename, pretty_name]
            .into_iter()
            .all(|text| is_field(text))
    }
}

impl Sound for Package {
    fn is_sound(&self) -> bool {
        let Self {
            kind: _,
            name,
            version,
            architecture,
            source,
            module,
            vendor,
            licenses,
        } = self;
        let source = source
            .as_ref()
            .is_none_or(|source| is_field(&source.name) && is_field(&source.version));
        !name.is_empty()
            && is_field(name)
            && is_field(version)
            && source
            && is_optional(architecture.as_ref())
            && is_optional(module.as_ref())
            && is_optional(vendor.as_ref())
            && licenses.len() <= LICENSES
            && licenses.iter().all(|text| is_field(text))
    }
}

impl Sound for FoundPackage {
    fn is_sound(&self) -> bool {
        is_sound_path(&self.path) && self.package.is_sound() && is_optional(self.owned_by.as_ref())
    }
}

impl Sound for ReleaseFile {
    fn is_sound(&self) -> bool {
        is_sound_path(&self.path) && self.distro.is_sound()
    }
}

impl Sound for Link {
    fn is_sound(&self) -> bool {
        is_sound_path(&self.path) && is_sound_path(&self.target)
    }
}

impl Sound for Finding {
    fn is_sound(&self) -> bool {
        is_sound_path(&self.path)
            && is_field(&self.rule)
            && is_text(&self.title, SENTENCE)
            && is_text(&self.detail, SENTENCE)
    }
}

impl Sound for Incomplete {
    fn is_sound(&self) -> bool {
        is_sound_path(&self.path) && is_text(&self.detail, SENTENCE)
    }
}

/// Leaves out what is not sound.
pub(crate) fn keep(report: &mut LayerReport, reasons: &mut Reasons) {
    let mut packages = |path: &str, left_out: usize| {
        if left_out > 0 {
            let detail = format!("{left_out} packages with names or versions that none has");
            reasons.add(Reason::File, path, detail);
        }
    };
    for Database {
        path,
        packages: listed,
        ..
    } in &mut report.databases
    {
        let before = listed.len();
        listed.retain(Sound::is_sound);
        packages(path, before - listed.len());
    }
    let before = report.packages.len();
    report.packages.retain(Sound::is_sound);
    packages("", before - report.packages.len());
    let before = report.findings.len();
    report.findings.retain(Sound::is_sound);
    if report.findings.len() < before {
        let detail = "findings at paths that no file has";
        reasons.add(Reason::Findings, "", detail);
    }
    let mut left_out = 0;
    let paths = |paths: &mut Vec<String>| {
        let before = paths.len();
        paths.retain(|path| is_sound_path(path));
        before - paths.len()
    };
    left_out += paths(&mut report.whiteouts);
    left_out += paths(&mut report.opaque);
    left_out += paths(&mut report.replaced);
    let before = report.links.len() + report.releases.len() + report.databases.len();
    report.links.retain(Sound::is_sound);
    report.releases.retain(Sound::is_sound);
    report.databases.retain(|it| is_sound_path(&it.path));
    left_out += before - report.links.len() - report.releases.len() - report.databases.len();
    if left_out > 0 {
        let detail = format!("{left_out} paths or links that none can be");
        reasons.add(Reason::Paths, "", detail);
    }
}

#[cfg(test)]
mod tests {
    use berth_advisories::PackageKind;

    use super::*;

    #[test]
    fn names_are_bounded() {
        let package = |name: &str, vendor: &str| Package {
            kind: PackageKind::Deb,
            name: name.to_owned(),
            version: "1".to_owned(),
            architecture: None,
            source: None,
            module: None,
            vendor: Some(vendor.to_owned()),
            licenses: Vec::new(),
        };
        assert!(package("bash", "Debian").is_sound());
        assert!(!package("", "Debian").is_sound());
        assert!(!package("ba\0sh", "Debian").is_sound());
        assert!(!package("bash", &"x".repeat(FIELD + 1)).is_sound());
        assert!(is_sound_path("etc/passwd") && !is_sound_path("etc/\0"));
    }
}
