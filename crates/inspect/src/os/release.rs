//! Which distribution an image is: `os-release` and its forerunners.

use berth_advisories::Distro;

/// Longer values are not names.
const MAX_VALUE: usize = 256;

/// `os-release`: assignments as a shell writes them.
pub fn os_release(bytes: &[u8]) -> Distro {
    let mut distro = Distro::default();
    for line in String::from_utf8_lossy(bytes).lines().take(1000) {
        let Some((key, value)) = line.trim().split_once('=') else {
            continue;
        };
        let place = match key {
            "ID" => &mut distro.id,
            "VERSION_ID" => &mut distro.version_id,
            "VERSION_CODENAME" => &mut distro.codename,
            "PRETTY_NAME" => &mut distro.pretty_name,
            _ => continue,
        };
        *place = unquote(value);
    }
    distro.id = distro.id.to_lowercase();
    distro
}

/// A value without its quotes and escapes.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    let mut text = String::new();
    let mut escaped = false;
    for character in inner.chars().filter(|c| !c.is_control()).take(MAX_VALUE) {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        text.push(character);
    }
    text
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars()
        .filter(|c| !c.is_control())
        .take(MAX_VALUE)
        .collect()
}

/// `debian_version`: `12.7`, or `trixie/sid` before a release.
pub fn debian_version(bytes: &[u8]) -> Distro {
    let line = first_line(bytes);
    let (version, codename) = match line.split_once('/') {
        Some((codename, _)) => ("", codename),
        None => (line.split('.').next().unwrap_or_default(), ""),
    };
    Distro {
        id: "debian".into(),
        version_id: version.into(),
        codename: codename.into(),
        pretty_name: format!("Debian {line}"),
    }
}

/// `alpine-release`: `3.20.3`, or `3.21.0_alpha20240807` for edge.
pub fn alpine_release(bytes: &[u8]) -> Distro {
    let line = first_line(bytes);
    Distro {
        id: "alpine".into(),
        pretty_name: format!("Alpine Linux {line}"),
        version_id: line,
        codename: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=Debian\nVERSION_ID='12'\n\
                    VERSION_CODENAME=bookworm\nX=\"a\\\"b\"\n";
        let distro = os_release(text.as_bytes());
        assert_eq!(distro.id, "debian");
        assert_eq!(distro.version_id, "12");
        assert_eq!(distro.codename, "bookworm");
        assert_eq!(distro.pretty_name, "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(debian_version(b"12.7\n").version_id, "12");
        assert_eq!(debian_version(b"trixie/sid\n").codename, "trixie");
        assert_eq!(alpine_release(b"3.20.3\n").version_id, "3.20.3");
        assert_eq!(os_release(b"\xff=\x00\nID\nID=\"").id, "\"");
    }
}
