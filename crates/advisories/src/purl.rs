//! Package URLs: `pkg:type/namespace/name@version?qualifiers#subpath`.
//!
//! Invariant: what [`Purl`] writes it reads again as the same, and [`Purl::of`] and
//! [`Purl::package`] are each other's reverse in everything a package URL can hold (not licences
//! and vendor, nor the letter case of Go modules, which the specification gives up).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::text::LONGEST_NAME;
use crate::{Distro, Ecosystem, Package, PackageKind, SourcePackage};

/// What stays as it is in every part.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');
/// Namespaces and subpaths keep their slashes.
const PATH: &AsciiSet = &PART.remove(b'/');

/// The longest package URL that is read.
const LONGEST: usize = 4_096;

/// A package URL in its parts, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purl {
    /// `deb`, `npm`, `oci`, …; in lower case.
    pub kind: String,
    /// `debian`, `@scope`, `org.apache`; empty if there is none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The version; empty if any is meant.
    pub version: String,
    /// `arch`, `distro`, `epoch`, …; keys in lower case.
    pub qualifiers: BTreeMap<String, String>,
    /// A path within the package.
    pub subpath: String,
}

/// Text that is no package URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a package URL: it must read pkg:type/name@version")]
pub struct NoPurl;

impl FromStr for Purl {
    type Err = NoPurl;

    fn from_str(text: &str) -> Result<Self, NoPurl> {
        if text.len() > LONGEST {
            return Err(NoPurl);
        }
        let (scheme, rest) = text.trim().split_once(':').ok_or(NoPurl)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(NoPurl);
        }
        let (rest, subpath) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, path) = rest.trim_start_matches('/').split_once('/').ok_or(NoPurl)?;
        let path = path.trim_matches('/');
        // An `@` within a namespace is written `%40`; the version's is the last one.
        let (path, version) = match path.rsplit_once('@') {
            Some((path, version)) if !path.is_empty() && !version.contains('/') => (path, version),
            _ => (path, ""),
        };
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut purl = Self {
            kind: kind.to_ascii_lowercase(),
            namespace: segments(namespace)?,
            name: decode(name)?,
            version: decode(version)?,
            qualifiers: BTreeMap::new(),
            subpath: segments(subpath)?,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or(NoPurl)?;
            let is_key = !key.is_empty()
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
            if !is_key {
                return Err(NoPurl);
            }
            let value = decode(value)?;
            if !value.is_empty() {
                purl.qualifiers.insert(key.to_ascii_lowercase(), value);
            }
        }
        let is_type = kind.starts_with(|first: char| first.is_ascii_alphabetic())
            && kind
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
        if !is_type || purl.name.is_empty() {
            return Err(NoPurl);
        }
        purl.normalise();
        Ok(purl)
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", utf8_percent_encode(&self.namespace, PATH))?;
        }
        write!(f, "{}", utf8_percent_encode(&self.name, PART))?;
        if !self.version.is_empty() {
            write!(f, "@{}", utf8_percent_encode(&self.version, PART))?;
        }
        for (place, (key, value)) in self.qualifiers.iter().enumerate() {
            let before = if place == 0 { '?' } else { '&' };
            write!(f, "{before}{key}={}", utf8_percent_encode(value, PART))?;
        }
        if !self.subpath.is_empty() {
            write!(f, "#{}", utf8_percent_encode(&self.subpath, PATH))?;
        }
        Ok(())
    }
}

fn decode(text: &str) -> Result<String, NoPurl> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| NoPurl)?;
    if text.contains(char::is_control) {
        return Err(NoPurl);
    }
    Ok(text.into_owned())
}

/// A path without empty segments and without `.` and `..`.
fn segments(path: &str) -> Result<String, NoPurl> {
    let mut decoded = Vec::new();
    for segment in path.split('/') {
        let segment = decode(segment)?;
        if segment.contains('/') {
            return Err(NoPurl);
        }
        if !matches!(segment.as_str(), "" | "." | "..") {
            decoded.push(segment);
        }
    }
    Ok(decoded.join("/"))
}

impl Purl {
    /// The package URL of a package of an image of such a distribution.
    pub fn of(package: &Package, distro: Option<&Distro>) -> Self {
        let mut purl = Self {
            kind: package.kind.as_str().to_owned(),
            name: package.name.clone(),
            version: package.version.clone(),
            ..Self::default()
        };
        match package.kind {
            PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm => purl.os(package, distro),
            PackageKind::Maven => {
                if let Some((group, artifact)) = package.name.split_once(':') {
                    group.clone_into(&mut purl.namespace);
                    artifact.clone_into(&mut purl.name);
                }
            }
            PackageKind::Npm | PackageKind::Golang | PackageKind::Composer => {
                if let Some((namespace, name)) = package.name.rsplit_once('/') {
                    namespace.clone_into(&mut purl.namespace);
                    name.clone_into(&mut purl.name);
                }
            }
            PackageKind::Pypi | PackageKind::Cargo | PackageKind::Gem | PackageKind::Nuget => {}
        }
        purl.normalise();
        purl
    }

    fn os(&mut self, package: &Package, distro: Option<&Distro>) {
        let mut qualify = |key: &str, value: &str| {
            if !value.is_empty() {
                self.qualifiers.insert(key.to_owned(), value.to_owned());
            }
        };
        qualify("arch", package.architecture.as_deref().unwrap_or_default());
        if let Some(distro) = distro {
            self.namespace = match distro.id.as_str() {
                "rhel" => "redhat".to_owned(),
                id => id.to_owned(),
            };
            let release = [&distro.version_id, &distro.codename]
                .into_iter()
                .find(|release| !release.is_empty());
            if let Some(release) = release {
                qualify("distro", &format!("{}-{release}", distro.id));
            }
        }
        if let Some(module) = &package.module {
            qualify("rpmmod", module);
        }
        if let Some(source) = &package.source
            && (source.name != package.name || source.version != package.version)
        {
            let upstream = if source.version == package.version {
                source.name.clone()
            } else {
                format!("{}@{}", source.name, source.version)
            };
            qualify("upstream", &upstream);
        }
        // The epoch of an rpm is no part of its version there.
        if package.kind == PackageKind::Rpm
            && let Some((epoch, version)) = package.version.split_once(':')
        {
            qualify("epoch", epoch);
            version.clone_into(&mut self.version);
        }
    }

    /// The package it names, if it is of a kind that is known.
    pub fn package(&self) -> Option<Package> {
        let kind = [
            PackageKind::Deb,
            PackageKind::Apk,
            PackageKind::Rpm,
            PackageKind::Npm,
            PackageKind::Pypi,
            PackageKind::Golang,
            PackageKind::Cargo,
            PackageKind::Maven,
            PackageKind::Gem,
            PackageKind::Composer,
            PackageKind::Nuget,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == self.kind)?;
        let name = match kind {
            _ if kind.is_os() || self.namespace.is_empty() => self.name.clone(),
            PackageKind::Maven => format!("{}:{}", self.namespace, self.name),
            _ => format!("{}/{}", self.namespace, self.name),
        };
        if name.len() > LONGEST_NAME || self.version.len() > LONGEST_NAME {
            return None;
        }
        let qualifier = |key: &str| self.qualifiers.get(key).cloned();
        let version = match qualifier("epoch") {
            Some(epoch) if kind == PackageKind::Rpm && epoch != "0" => {
                format!("{epoch}:{}", self.version)
            }
            _ => self.version.clone(),
        };
        let source = kind.is_os().then(|| match qualifier("upstream") {
            None => SourcePackage {
                name: name.clone(),
                version: version.clone(),
            },
            Some(upstream) => {
                let (name, source) = upstream.split_once('@').unwrap_or((&upstream, &version));
                SourcePackage {
                    name: name.to_owned(),
                    version: source.to_owned(),
                }
            }
        });
        Some(Package {
            kind,
            name,
            version,
            architecture: qualifier("arch").filter(|_| kind.is_os()),
            source,
            module: qualifier("rpmmod").filter(|_| kind == PackageKind::Rpm),
            vendor: None,
            licenses: Vec::new(),
        })
    }

    /// Whether `self`, as written in a statement, speaks of `other`: parts that it leaves out may
    /// be anything.
    pub fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
            && (self.version.is_empty() || self.version == other.version)
            && self
                .qualifiers
                .iter()
                .all(|(key, value)| other.qualifiers.get(key) == Some(value))
    }

    /// Letter case and separators that the type holds for equal.
    fn normalise(&mut self) {
        match self.kind.as_str() {
            "deb" | "apk" | "rpm" => {
                self.namespace.make_ascii_lowercase();
                if self.kind != "rpm" {
                    self.name.make_ascii_lowercase();
                }
            }
            "golang" | "composer" => {
                self.namespace.make_ascii_lowercase();
                self.name.make_ascii_lowercase();
            }
            "pypi" => {
                if let Some(python) = Ecosystem::of(PackageKind::Pypi, None) {
                    self.name = python.normal_name(&self.name).into_owned();
                }
            }
            "oci" => self.name.make_ascii_lowercase(),
            _ => {}
        }
    }
}
