//! Ruby: the specifications of installed gems, which are Ruby code in one known shape.

use berth_advisories::PackageKind;

use super::{Found, package};

/// Reads `s.name`, `s.version` and the licences of one specification.
pub fn gemspec(bytes: &[u8]) -> Found {
    let text = String::from_utf8_lossy(bytes);
    let mut name = None;
    let mut version = None;
    let mut stated = Vec::new();
    for line in text.lines().take(5000) {
        let line = line.trim();
        if let Some(stub) = line.strip_prefix("# stub: ") {
            let mut parts = stub.split(' ');
            if let (Some(stub_name), Some(stub_version)) = (parts.next(), parts.next()) {
                name.get_or_insert_with(|| stub_name.to_owned());
                version.get_or_insert_with(|| stub_version.to_owned());
            }
            continue;
        }
        let Some((place, value)) = line.split_once('=') else {
            continue;
        };
        let Some((_, field)) = place.trim().split_once('.') else {
            continue;
        };
        match field {
            "name" => name = name.or_else(|| quoted(value).next().map(str::to_owned)),
            "version" => version = version.or_else(|| quoted(value).next().map(str::to_owned)),
            "license" | "licenses" => stated.extend(quoted(value).map(str::to_owned)),
            _ => {}
        }
    }
    let (name, version) = (name.unwrap_or_default(), version.unwrap_or_default());
    let stated = stated.iter().map(String::as_str);
    Found::some(package(PackageKind::Gem, &name, &version, stated))
}

/// The strings of an expression.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let quote = if text.contains('"') { '"' } else { '\'' };
    text.split(quote).skip(1).step_by(2).take(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_read() {
        let text = b"# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\nGem::Specification.new do |s|\n\
            s.name = \"rack\".freeze\n  s.licenses = [\"MIT\".freeze, \"X\".freeze]\nend\n";
        let only = &gemspec(text).packages[0];
        assert_eq!(
            (only.name.as_str(), only.version.as_str()),
            ("rack", "2.2.3")
        );
        assert_eq!(only.licenses, ["MIT", "X"]);
        let old =
            b"Gem::Specification.new do |s|\n s.name = 'a'\n s.version = Gem::Version.new('1.0')\n";
        let only = &gemspec(old).packages[0];
        assert_eq!((only.name.as_str(), only.version.as_str()), ("a", "1.0"));
        assert_eq!(gemspec(b"s.version = VERSION\n\xff").packages, []);
    }
}
