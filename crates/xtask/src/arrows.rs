//! The arrows between crates, held against `cargo metadata`.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

/// What each crate may depend on, besides crates of lower layers listed in `LAYERS`.
///
/// A crate may use everything in a lower layer; within its own layer only what stands here.
const SIDEWAYS: &[(&str, &str)] = &[
    ("berth-catalog", "berth-iam"),
    ("berth-registry", "berth-catalog"),
    ("berth-registry", "berth-iam"),
    ("berth-jobs", "berth-iam"),
    ("berth-notify", "berth-catalog"),
    ("berth-notify", "berth-iam"),
    ("berth-notify", "berth-jobs"),
    ("berth-lifecycle", "berth-registry"),
    ("berth-lifecycle", "berth-catalog"),
    ("berth-lifecycle", "berth-iam"),
    ("berth-lifecycle", "berth-jobs"),
    ("berth-vuln", "berth-registry"),
    ("berth-vuln", "berth-catalog"),
    ("berth-vuln", "berth-iam"),
    ("berth-vuln", "berth-jobs"),
    ("berth-vuln", "berth-scan"),
    ("berth-vuln", "berth-remote"),
    ("berth-vuln", "berth-scanners"),
    ("berth-portal", "berth-iam"),
    ("berth-scanners", "berth-catalog"),
    ("berth-scanners", "berth-iam"),
    ("berth-policy", "berth-model"),
    ("berth-inspect", "berth-advisories"),
    ("berth-oci", "berth-model"),
    ("berth-blob", "berth-crypto"),
    ("berth-telemetry", "berth-http"),
];

/// The layers of ARCHITECTURE.md, lowest first.
const LAYERS: &[&[&str]] = &[
    &[
        "berth-model",
        "berth-oci",
        "berth-policy",
        "berth-advisories",
        "berth-inspect",
    ],
    &[
        "berth-db",
        "berth-blob",
        "berth-http",
        "berth-crypto",
        "berth-telemetry",
        "berth-config",
    ],
    &["berth-schema", "berth-remote", "berth-indexer"],
    &[
        "berth-iam",
        "berth-catalog",
        "berth-registry",
        "berth-jobs",
        "berth-notify",
        "berth-lifecycle",
        "berth-scan",
        "berth-vuln",
        "berth-portal",
        "berth-scanners",
    ],
    &["berth-server"],
    &["berth"],
];

/// Crates that only tests and developers use; product crates must not depend on them.
const DEVELOPMENT: &[&str] = &["berth-testkit", "xtask", "berth-e2e", "berth-bench"];

/// The arrows that the picture does not have.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cargo metadata could not be run")?;
    anyhow::ensure!(output.status.success(), "cargo metadata failed");
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("no packages in cargo metadata")?;
    let own: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut problems = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if DEVELOPMENT.contains(&name) {
            continue;
        }
        if layer(name).is_none() {
            problems.push(format!("{name} has no place in xtask's layers"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let target = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if own.contains(target) && !for_tests && !allowed(name, target) {
                problems.push(format!(
                    "{name} must not depend on {target}: see ARCHITECTURE.md"
                ));
            }
        }
    }
    Ok(problems)
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn allowed(from: &str, to: &str) -> bool {
    match (layer(from), layer(to)) {
        (Some(from_layer), Some(to_layer)) => {
            to_layer < from_layer || (to_layer == from_layer && SIDEWAYS.contains(&(from, to)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn arrows_point_down() {
        assert!(allowed("berth-server", "berth-registry"));
        assert!(allowed("berth-registry", "berth-catalog"));
        assert!(!allowed("berth-catalog", "berth-registry"));
        assert!(!allowed("berth-model", "berth-db"));
        assert!(!allowed("berth-registry", "berth-testkit"));
    }
}
