//! A package as an image holds it. The invariant: two equal packages are affected by the same
//! advisories, wherever they were found.

use serde::{Deserialize, Serialize};

/// Who packages it: decides how its name is written and its versions are ordered.
///
/// The names on the wire are the types of package URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// dpkg.
    Deb,
    /// apk-tools.
    Apk,
    /// rpm.
    Rpm,
    /// npm.
    Npm,
    /// Python.
    Pypi,
    /// A Go module; the standard library is the module `stdlib`.
    Golang,
    /// A Rust crate.
    Cargo,
    /// Java; the name is `group:artifact`.
    Maven,
    /// Ruby.
    Gem,
    /// PHP; the name is `vendor/package`.
    Composer,
    /// .NET.
    Nuget,
}

impl PackageKind {
    /// Whether the distribution's own tool installed it.
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm)
    }

    /// The type of its package URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Golang => "golang",
            Self::Cargo => "cargo",
            Self::Maven => "maven",
            Self::Gem => "gem",
            Self::Composer => "composer",
            Self::Nuget => "nuget",
        }
    }
}

/// A distribution as `os-release` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Distro {
    /// `ID`, in lower case: `debian`, `alpine`, `almalinux`.
    pub id: String,
    /// `VERSION_ID`: `12`, `3.20.3`, `9.4`; empty where the distribution rolls.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version_id: String,
    /// `VERSION_CODENAME`: `bookworm`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub codename: String,
    /// `PRETTY_NAME`, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pretty_name: String,
}

/// The source package that a binary package was built from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, which may differ from the binary package's.
    pub version: String,
}

/// One package in one version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Who packages it.
    pub kind: PackageKind,
    /// The name as its ecosystem writes it; Python's normalised by PEP 503.
    pub name: String,
    /// The whole version: with epoch and release for deb and rpm (`1:2.3-4`; no epoch 0).
    pub version: String,
    /// The architecture, where the package names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// What it was built from. For OS packages always there: itself if nothing else is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// The rpm module stream, `name:stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Who built it, where the package says so (rpm `Vendor`, deb `Origin`): a package of a
    /// third party is not what the distribution's advisories speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Licences as the package states them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
}
