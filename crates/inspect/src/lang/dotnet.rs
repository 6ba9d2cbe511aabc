//! .NET: what an application was published with, and lock files of NuGet.

use berth_advisories::PackageKind;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Found, json, package};

#[derive(Deserialize)]
struct Deps {
    #[serde(default)]
    libraries: Map<String, Value>,
}

/// Reads `*.deps.json`: packages, and the runtime of self-contained applications.
pub fn deps(bytes: &[u8]) -> Found {
    let deps: Deps = match json(bytes) {
        Ok(deps) => deps,
        Err(error) => return Found::problem(error.to_string()),
    };
    Found::some(deps.libraries.iter().filter_map(|(key, library)| {
        let (name, version) = key.split_once('/')?;
        let name = match library["type"].as_str()? {
            "package" => name,
            "runtimepack" => name.strip_prefix("runtimepack.").unwrap_or(name),
            _ => return None,
        };
        package(PackageKind::Nuget, name, version, [])
    }))
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: Map<String, Value>,
}

/// Reads `packages.lock.json`.
pub fn packages_lock(bytes: &[u8]) -> Found {
    let lock: Lock = match json(bytes) {
        Ok(lock) => lock,
        Err(error) => return Found::problem(error.to_string()),
    };
    let mut packages: Vec<_> = lock
        .dependencies
        .values()
        .filter_map(Value::as_object)
        .flatten()
        .filter(|(_, locked)| locked["type"] != "Project")
        .filter_map(|(name, locked)| {
            package(PackageKind::Nuget, name, locked["resolved"].as_str()?, [])
        })
        .collect();
    packages.sort();
    packages.dedup();
    Found::some(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read() {
        let text = r#"{"libraries":{"App/1.0.0":{"type":"project"},
            "Newtonsoft.Json/13.0.1":{"type":"package"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"},"odd":{}}}"#;
        let names: Vec<_> = deps(text.as_bytes())
            .packages
            .into_iter()
            .map(|package| format!("{} {}", package.name, package.version))
            .collect();
        assert_eq!(
            names,
            [
                "Newtonsoft.Json 13.0.1",
                "Microsoft.NETCore.App.Runtime.linux-x64 8.0.1"
            ]
        );
        let text = r#"{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","resolved":"1.0"},
            "p":{"type":"Project"}},"net8.0":{"A":{"type":"Transitive","resolved":"1.0"}}}}"#;
        assert_eq!(packages_lock(text.as_bytes()).packages.len(), 1);
        assert!(deps(b"[1]").problem.is_some());
    }
}
