//! PHP: what Composer installed.

use berth_advisories::PackageKind;
use serde::Deserialize;
use serde_json::Value;

use super::{Found, json, package};

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Since2 { packages: Vec<Value> },
    Before2(Vec<Value>),
}

/// Reads `installed.json`, of Composer 2 or 1.
pub fn installed(bytes: &[u8]) -> Found {
    let packages = match json(bytes) {
        Ok(Installed::Since2 { packages } | Installed::Before2(packages)) => packages,
        Err(error) => return Found::problem(error.to_string()),
    };
    Found::some(packages.iter().filter_map(|one| {
        let stated = one["license"].as_array().into_iter().flatten();
        package(
            PackageKind::Composer,
            &one["name"].as_str()?.to_lowercase(),
            one["version"].as_str()?,
            stated.filter_map(Value::as_str),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read() {
        let one =
            r#"[{"name":"Monolog/monolog","version":"v2.3.1","license":["MIT"]},{"name":"x"},7]"#;
        for text in [
            one.to_owned(),
            format!("{{\"packages\":{one},\"dev\":true}}"),
        ] {
            let found = installed(text.as_bytes());
            assert_eq!(found.packages.len(), 1, "{text}");
            assert_eq!(found.packages[0].name, "monolog/monolog");
            assert_eq!(found.packages[0].version, "v2.3.1");
        }
        assert!(installed(b"{}").problem.is_some());
    }
}
