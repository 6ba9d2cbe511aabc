//! What the package managers of languages left behind. Each parser is a function over bytes; what
//! names no package gives none, what is damaged gives nothing rather than a guess.

pub mod binary;
pub mod dotnet;
pub mod go;
pub mod java;
pub mod node;
pub mod php;
pub mod python;
pub mod ruby;
pub mod rust;
pub mod zip;

use berth_advisories::{Package, PackageKind};

use crate::report::Origin;

/// No package has a longer name or version.
const MAX_NAME: usize = 512;

/// Packages of one file that are kept.
const MAX_OF_A_FILE: usize = 50_000;

/// What a file gave.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// The packages.
    pub packages: Vec<Package>,
    /// Why the file could not be read, if so.
    pub problem: Option<String>,
}

impl Found {
    fn problem(text: impl Into<String>) -> Self {
        Self {
            packages: Vec::new(),
            problem: Some(text.into()),
        }
    }

    fn some(packages: impl IntoIterator<Item = Package>) -> Self {
        Self {
            packages: packages.into_iter().take(MAX_OF_A_FILE).collect(),
            problem: None,
        }
    }
}

/// Reads a text that lists packages.
pub fn metadata(origin: Origin, bytes: &[u8]) -> Found {
    match origin {
        Origin::NodeModule => node::package_json(bytes),
        Origin::PythonMetadata => python::metadata(bytes),
        Origin::CargoLock => rust::cargo_lock(bytes),
        Origin::Gemspec => ruby::gemspec(bytes),
        Origin::ComposerInstalled => php::installed(bytes),
        Origin::DotnetDeps => dotnet::deps(bytes),
        Origin::NugetLock => dotnet::packages_lock(bytes),
        _ => Found::default(),
    }
}

/// A package, if the name and the version can be ones.
fn package<'a>(
    kind: PackageKind,
    name: &str,
    version: &str,
    stated: impl IntoIterator<Item = &'a str>,
) -> Option<Package> {
    let (name, version) = (name.trim(), version.trim());
    let sane = |text: &str| {
        !text.is_empty()
            && text.len() <= MAX_NAME
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    if !sane(name) || !sane(version) {
        return None;
    }
    Some(Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: None,
        source: None,
        module: None,
        vendor: None,
        licenses: licenses(stated),
    })
}

/// Licences as stated, without what is empty or absurdly long.
pub(crate) fn licenses<'a>(stated: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut licenses: Vec<String> = Vec::new();
    for text in stated.into_iter().take(20) {
        let text = text.trim();
        let sane = !text.is_empty() && text.len() <= 200 && !text.chars().any(char::is_control);
        if sane && !text.eq_ignore_ascii_case("unknown") && !licenses.iter().any(|l| l == text) {
            licenses.push(text.to_owned());
        }
    }
    licenses
}

/// JSON without the mark that some editors put before it.
fn json<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}
