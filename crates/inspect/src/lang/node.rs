//! Node: the `package.json` of an installed module.

use berth_advisories::PackageKind;
use serde::Deserialize;
use serde_json::Value;

use super::{Found, json, package};

#[derive(Deserialize)]
struct Manifest {
    name: Option<Value>,
    version: Option<Value>,
    license: Option<Value>,
    licenses: Option<Value>,
}

/// Reads one manifest.
pub fn package_json(bytes: &[u8]) -> Found {
    let manifest: Manifest = match json(bytes) {
        Ok(manifest) => manifest,
        Err(error) => return Found::problem(error.to_string()),
    };
    let text = |value: &Option<Value>| {
        let value = value.as_ref().and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let (name, version) = (text(&manifest.name), text(&manifest.version));
    let version = version.trim().trim_start_matches(['v', '=']);
    let mut stated = Vec::new();
    for value in [&manifest.license, &manifest.licenses]
        .into_iter()
        .flatten()
    {
        let many = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        stated.extend(
            many.iter()
                .filter_map(|one| one.as_str().or_else(|| one["type"].as_str())),
        );
    }
    Found::some(package(PackageKind::Npm, &name, version, stated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read() {
        let found = package_json(br#"{"name":"@s/x","version":"v1.2.3","license":{"type":"MIT"}}"#);
        let only = &found.packages[0];
        assert_eq!(
            (only.name.as_str(), only.version.as_str()),
            ("@s/x", "1.2.3")
        );
        assert_eq!(only.licenses, ["MIT"]);
        assert_eq!(package_json(br#"{"type":"module"}"#), Found::default());
        assert_eq!(
            package_json(br#"{"name":5,"version":[]}"#),
            Found::default()
        );
        assert!(package_json(b"{").problem.is_some());
        assert!(
            package_json("[".repeat(100_000).as_bytes())
                .problem
                .is_some()
        );
    }
}
