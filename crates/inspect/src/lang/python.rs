//! Python: `METADATA` of wheels and `PKG-INFO` of eggs.

use berth_advisories::PackageKind;

use super::{Found, package};

/// Reads the headers of one file; the description after them is not looked at.
pub fn metadata(bytes: &[u8]) -> Found {
    let mut name = String::new();
    let mut version = String::new();
    let mut stated = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key.to_ascii_lowercase().as_str() {
            "name" if name.is_empty() => name = normalised(value),
            "version" if version.is_empty() => value.clone_into(&mut version),
            "license" | "license-expression" if !stated.iter().any(|known| known == value) => {
                stated.push(value.to_owned());
            }
            "classifier" => {
                if let Some(license) = value.strip_prefix("License ::") {
                    let last = license.rsplit("::").next().unwrap_or_default();
                    stated.push(last.trim().to_owned());
                }
            }
            _ => {}
        }
    }
    let stated = stated.iter().map(String::as_str);
    Found::some(package(PackageKind::Pypi, &name, &version, stated))
}

/// The name as PEP 503 compares it.
pub fn normalised(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.trim().chars() {
        if matches!(character, '-' | '_' | '.') {
            if !text.ends_with('-') {
                text.push('-');
            }
        } else {
            text.push(character.to_ascii_lowercase());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read() {
        let text = b"Metadata-Version: 2.1\r\nName: Foo._Bar\r\nVersion: 1.0rc1\r\n\
            Classifier: License :: OSI Approved :: MIT License\r\nLicense: UNKNOWN\r\n\r\nName: no\r\n";
        let found = metadata(text);
        let only = &found.packages[0];
        assert_eq!(
            (only.name.as_str(), only.version.as_str()),
            ("foo-bar", "1.0rc1")
        );
        assert_eq!(only.licenses, ["MIT License"]);
        assert_eq!(metadata(b"\xff\xff:\n\n").packages, []);
    }
}
