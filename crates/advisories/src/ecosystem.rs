//! Which body of packages an advisory speaks of: a language's registry or a release of a
//! distribution. The key by which advisories are looked up.
//!
//! Invariant: an advisory's ecosystem string and a package of an image lead to the same key or to
//! none. None means "not covered", which is not "not affected".

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Distro, PackageKind};

/// Whose packages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are names")]
pub enum Family {
    Debian,
    Ubuntu,
    Alpine,
    Wolfi,
    Chainguard,
    MinimOs,
    AlmaLinux,
    Rocky,
    RedHat,
    Suse,
    OpenSuse,
    Mageia,
    AzureLinux,
    Photon,
    Npm,
    Pypi,
    Go,
    CratesIo,
    Maven,
    RubyGems,
    Packagist,
    NuGet,
}

/// The families: their name in keys, their name in OSV, and how they package.
const FAMILIES: [(Family, &str, &str, PackageKind); 22] = [
    (Family::Debian, "debian", "Debian", PackageKind::Deb),
    (Family::Ubuntu, "ubuntu", "Ubuntu", PackageKind::Deb),
    (Family::Alpine, "alpine", "Alpine", PackageKind::Apk),
    (Family::Wolfi, "wolfi", "Wolfi", PackageKind::Apk),
    (
        Family::Chainguard,
        "chainguard",
        "Chainguard",
        PackageKind::Apk,
    ),
    (Family::MinimOs, "minimos", "MinimOS", PackageKind::Apk),
    (
        Family::AlmaLinux,
        "almalinux",
        "AlmaLinux",
        PackageKind::Rpm,
    ),
    (Family::Rocky, "rocky", "Rocky Linux", PackageKind::Rpm),
    (Family::RedHat, "redhat", "Red Hat", PackageKind::Rpm),
    (Family::Suse, "suse", "SUSE", PackageKind::Rpm),
    (Family::OpenSuse, "opensuse", "openSUSE", PackageKind::Rpm),
    (Family::Mageia, "mageia", "Mageia", PackageKind::Rpm),
    (
        Family::AzureLinux,
        "azurelinux",
        "Azure Linux",
        PackageKind::Rpm,
    ),
    (Family::Photon, "photon", "Photon OS", PackageKind::Rpm),
    (Family::Npm, "npm", "npm", PackageKind::Npm),
    (Family::Pypi, "pypi", "PyPI", PackageKind::Pypi),
    (Family::Go, "go", "Go", PackageKind::Golang),
    (
        Family::CratesIo,
        "crates.io",
        "crates.io",
        PackageKind::Cargo,
    ),
    (Family::Maven, "maven", "Maven", PackageKind::Maven),
    (Family::RubyGems, "rubygems", "RubyGems", PackageKind::Gem),
    (
        Family::Packagist,
        "packagist",
        "Packagist",
        PackageKind::Composer,
    ),
    (Family::NuGet, "nuget", "NuGet", PackageKind::Nuget),
];

impl Family {
    /// How its packages are written and ordered.
    pub fn kind(self) -> PackageKind {
        self.row().3
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, PackageKind) {
        &FAMILIES[self as usize]
    }

    /// Families that have no releases: one key for all their packages.
    fn rolls(self) -> bool {
        !self.kind().is_os() || matches!(self, Self::Wolfi | Self::Chainguard | Self::MinimOs)
    }
}

/// The key: `debian:12`, `alpine:3.20`, `alpine:edge`, `almalinux:9`, `wolfi`, `npm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Ecosystem {
    family: Family,
    release: String,
}

impl Ecosystem {
    /// A release of a distribution, as [`Ecosystem::of`] would name it.
    pub(crate) fn new(family: Family, release: &str) -> Self {
        Self {
            family,
            release: release.to_owned(),
        }
    }

    /// Whose packages they are.
    pub fn family(&self) -> Family {
        self.family
    }

    /// How its packages are written and ordered.
    pub fn kind(&self) -> PackageKind {
        self.family.kind()
    }

    /// Reads an ecosystem as OSV names it: `Debian:12`, `Ubuntu:22.04:LTS`, `Alpine:v3.20`,
    /// `Red Hat:enterprise_linux:9::baseos`, `SUSE:Linux Enterprise Server 15 SP5`, `PyPI`.
    pub fn parse_osv(text: &str) -> Option<Self> {
        let (name, suffix) = text.split_once(':').unwrap_or((text, ""));
        let family = FAMILIES.iter().find(|row| row.2 == name)?.0;
        if family.rolls() {
            return Some(Self::new(family, ""));
        }
        let first = suffix.split(':').next().unwrap_or_default();
        let release = match family {
            // Fixes that only subscribers get (`Ubuntu:Pro:…`) are no fixes for everybody.
            Family::Ubuntu => dotted_start(first, 2).filter(|_| !suffix.contains("Pro"))?,
            Family::Alpine => match first.strip_prefix('v').unwrap_or(first) {
                "edge" => "edge".to_owned(),
                release => dotted_start(release, 2)?,
            },
            Family::RedHat => suffix
                .strip_prefix("enterprise_linux:")
                .and_then(|rest| dotted_start(rest, 1))?,
            Family::Suse => suse_release(suffix)?,
            Family::OpenSuse => match first.strip_prefix("Leap ") {
                Some(release) => dotted_start(release, 2)?,
                None if first == "Tumbleweed" => "tumbleweed".to_owned(),
                None => return None,
            },
            Family::Photon => dotted_start(first, 2)?,
            _ => dotted_start(first, 1)?,
        };
        Some(Self::new(family, &release))
    }

    /// Where the advisories about such a package of such a distribution are.
    pub fn of(kind: PackageKind, distro: Option<&Distro>) -> Option<Self> {
        if !kind.is_os() {
            let family = FAMILIES.iter().find(|row| row.3 == kind)?.0;
            return Some(Self::new(family, ""));
        }
        let distro = distro?;
        let version = distro.version_id.as_str();
        let (family, release) = match (kind, distro.id.as_str()) {
            (PackageKind::Deb, "debian") => (
                Family::Debian,
                // Testing and unstable have no number; their code name has one.
                dotted_start(version, 1).or_else(|| debian_release(&distro.codename))?,
            ),
            (PackageKind::Deb, "ubuntu") => (Family::Ubuntu, dotted_start(version, 2)?),
            (PackageKind::Apk, "alpine") => {
                let edge = version == "edge" || version.contains(['_', '~']);
                let release = if edge {
                    "edge".to_owned()
                } else {
                    dotted_start(version, 2)?
                };
                (Family::Alpine, release)
            }
            (PackageKind::Apk, "wolfi") => (Family::Wolfi, String::new()),
            (PackageKind::Apk, "chainguard") => (Family::Chainguard, String::new()),
            (PackageKind::Apk, "minimos") => (Family::MinimOs, String::new()),
            (PackageKind::Rpm, "almalinux") => (Family::AlmaLinux, dotted_start(version, 1)?),
            (PackageKind::Rpm, "rocky") => (Family::Rocky, dotted_start(version, 1)?),
            (PackageKind::Rpm, "rhel") => (Family::RedHat, dotted_start(version, 1)?),
            // Rebuilt from Red Hat's sources; CentOS Stream is not.
            (PackageKind::Rpm, "centos") if !distro.pretty_name.contains("Stream") => {
                let release = dotted_start(version, 1)?;
                if !matches!(release.as_str(), "6" | "7" | "8") {
                    return None;
                }
                (Family::RedHat, release)
            }
            (PackageKind::Rpm, "sles" | "sles_sap" | "sled") => {
                (Family::Suse, dotted_start(version, 2)?)
            }
            (PackageKind::Rpm, "sle-micro" | "sl-micro" | "suse-microos") => {
                (Family::Suse, format!("micro-{}", dotted_start(version, 2)?))
            }
            (PackageKind::Rpm, "opensuse-leap") => (Family::OpenSuse, dotted_start(version, 2)?),
            (PackageKind::Rpm, "opensuse-tumbleweed") => {
                (Family::OpenSuse, "tumbleweed".to_owned())
            }
            (PackageKind::Rpm, "mageia") => (Family::Mageia, dotted_start(version, 1)?),
            (PackageKind::Rpm, "azurelinux" | "mariner") => {
                (Family::AzureLinux, dotted_start(version, 1)?)
            }
            (PackageKind::Rpm, "photon") => (Family::Photon, dotted_start(version, 2)?),
            _ => return None,
        };
        Some(Self::new(family, &release))
    }

    /// The name as it is looked up: names that the ecosystem holds for equal are written alike.
    pub fn normal_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.family {
            Family::Pypi => {
                let mut normal = String::with_capacity(name.len());
                for c in name.chars() {
                    match c {
                        '-' | '_' | '.' if normal.ends_with('-') => {}
                        '-' | '_' | '.' => normal.push('-'),
                        c => normal.push(c.to_ascii_lowercase()),
                    }
                }
                Cow::Owned(normal)
            }
            Family::Packagist | Family::NuGet | Family::Go
                if name.bytes().any(|byte| byte.is_ascii_uppercase()) =>
            {
                Cow::Owned(name.to_ascii_lowercase())
            }
            _ => Cow::Borrowed(name),
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family.row().1)?;
        if !self.release.is_empty() {
            write!(f, ":{}", self.release)?;
        }
        Ok(())
    }
}

/// Text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no ecosystem")]
pub struct NoEcosystem(String);

impl FromStr for Ecosystem {
    type Err = NoEcosystem;

    fn from_str(text: &str) -> Result<Self, NoEcosystem> {
        let (name, release) = text.split_once(':').unwrap_or((text, ""));
        FAMILIES
            .iter()
            .find(|row| row.1 == name && row.0.rolls() == release.is_empty())
            .map(|row| Self::new(row.0, release))
            .ok_or_else(|| NoEcosystem(text.to_owned()))
    }
}

impl From<Ecosystem> for String {
    fn from(ecosystem: Ecosystem) -> Self {
        ecosystem.to_string()
    }
}

impl TryFrom<String> for Ecosystem {
    type Error = NoEcosystem;

    fn try_from(text: String) -> Result<Self, NoEcosystem> {
        text.parse()
    }
}

/// The number of a Debian release by its code name; `sid` is its own.
pub(crate) fn debian_release(codename: &str) -> Option<String> {
    let release = match codename {
        "wheezy" => "7",
        "jessie" => "8",
        "stretch" => "9",
        "buster" => "10",
        "bullseye" => "11",
        "bookworm" => "12",
        "trixie" => "13",
        "forky" => "14",
        "duke" => "15",
        "sid" => "sid",
        _ => return None,
    };
    Some(release.to_owned())
}

/// The first so many numbers at the start of `12.5`, `3.20.3`, `v8`.
fn dotted_start(text: &str, count: usize) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let numbers: Vec<&str> = text[..end]
        .split('.')
        .take_while(|number| !number.is_empty())
        .take(count)
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("."))
}

/// `15.5` of `Linux Enterprise Server 15 SP5`, whichever product or module it is.
fn suse_release(text: &str) -> Option<String> {
    let product = text.strip_prefix("Linux ")?;
    let mut release = None;
    for word in product.split([' ', '-']) {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            release = dotted_start(word, 2);
        } else if let Some(pack) = word.strip_prefix("SP")
            && let Some(major) = release.as_mut()
            && pack.bytes().all(|byte| byte.is_ascii_digit())
        {
            major.push('.');
            major.push_str(pack);
        }
    }
    let release = release?;
    Some(if product.contains("Micro") {
        format!("micro-{release}")
    } else {
        release
    })
}
