//! dpkg: `status`, `status.d/*` and the file lists under `info`.

use berth_advisories::{Package, PackageKind, SourcePackage};

use super::Listed;

/// A field of one package.
#[derive(Default)]
struct Stanza<'a> {
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    source: &'a str,
    status: &'a str,
    origin: &'a str,
}

/// Reads the packages that are there: unpacked or further, not merely configured files.
pub fn status(bytes: &[u8]) -> Listed {
    let text = String::from_utf8_lossy(bytes);
    let mut listed = Listed::default();
    let mut broken = 0_usize;
    let mut stanza = Stanza::default();
    let mut any = false;
    // An empty line more ends the last stanza.
    for line in text.split('\n').chain([""]) {
        let line = line.trim_end_matches('\r');
        if line.trim_matches([' ', '\t']).is_empty() {
            if any {
                match package(&stanza) {
                    Some(package) => listed.packages.extend(package),
                    None => broken += 1,
                }
            }
            stanza = Stanza::default();
            any = false;
            continue;
        }
        any = true;
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let place = match key.len() {
            7 if key.eq_ignore_ascii_case("package") => &mut stanza.name,
            7 if key.eq_ignore_ascii_case("version") => &mut stanza.version,
            12 if key.eq_ignore_ascii_case("architecture") => &mut stanza.architecture,
            6 if key.eq_ignore_ascii_case("source") => &mut stanza.source,
            6 if key.eq_ignore_ascii_case("status") => &mut stanza.status,
            6 if key.eq_ignore_ascii_case("origin") => &mut stanza.origin,
            _ => continue,
        };
        *place = value;
    }
    if broken > 0 {
        listed.problem = Some(format!("{broken} stanzas name no package or no version"));
    }
    listed
}

/// The package of a stanza: `Some(None)` if it is not installed, nothing if it makes no sense.
#[expect(
    clippy::option_option,
    reason = "three outcomes, all used at one place"
)]
fn package(stanza: &Stanza<'_>) -> Option<Option<Package>> {
    // distroless writes no status: what is listed is there.
    let state = stanza.status.split_ascii_whitespace().nth(2);
    if matches!(state, Some("not-installed" | "config-files")) {
        return Some(None);
    }
    let sane = |text: &str| {
        !text.is_empty() && text.len() <= 512 && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !sane(stanza.name) || !sane(stanza.version) {
        return None;
    }
    let version = without_epoch_zero(stanza.version);
    Some(Some(Package {
        kind: PackageKind::Deb,
        name: stanza.name.to_owned(),
        version: version.to_owned(),
        architecture: sane(stanza.architecture).then(|| stanza.architecture.to_owned()),
        source: Some(source(stanza.source, stanza.name, version)),
        module: None,
        vendor: sane(stanza.origin).then(|| stanza.origin.to_owned()),
        licenses: Vec::new(),
    }))
}

/// `Source: name` or `Source: name (version)`.
fn source(field: &str, name: &str, version: &str) -> SourcePackage {
    let (source, rest) = match field.split_once('(') {
        Some((source, rest)) => (source.trim(), rest.trim_end_matches(')').trim()),
        None => (field, ""),
    };
    SourcePackage {
        name: if source.is_empty() { name } else { source }.to_owned(),
        version: if rest.is_empty() {
            version
        } else {
            without_epoch_zero(rest)
        }
        .to_owned(),
    }
}

pub(super) fn without_epoch_zero(version: &str) -> &str {
    version.strip_prefix("0:").unwrap_or(version)
}

/// The package whose file list this is: `info/libc6:amd64.list` is that of `libc6`.
pub fn list_owner(path: &str) -> &str {
    let name = crate::path::base(path);
    let name = name.strip_suffix(".list").unwrap_or(name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// The files of a list, from the root.
pub fn list(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| str::from_utf8(line).ok()?.strip_prefix('/'))
        .filter(|path| !path.is_empty() && *path != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let text = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\n\
            Source: openssl (3.0.1-1)\nVersion: 3.0.1-1+b2\nDescription: x\n Package: no\n .\n\n\
            Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
            Package: held\nStatus: hold ok unpacked\nVersion: 0:2-1\n\n\n\
            package: bash\nversion: 1:5.2-2\nsource: bash-src\nOrigin: Docker\n";
        let listed = status(text.as_bytes());
        assert_eq!(listed.problem, None);
        let seen: Vec<_> = listed
            .packages
            .iter()
            .map(|package| {
                let source = package.source.as_ref().unwrap();
                format!(
                    "{} {} {} {}",
                    package.name, package.version, source.name, source.version
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                "libssl3 3.0.1-1+b2 openssl 3.0.1-1",
                "held 2-1 held 2-1",
                "bash 1:5.2-2 bash-src 1:5.2-2",
            ]
        );
        assert_eq!(listed.packages[2].vendor.as_deref(), Some("Docker"));
    }

    #[test]
    fn damage_is_said_and_the_rest_is_read() {
        let listed =
            status(b"Package: a\nVersion: 1\n\nPackage: b\n\n\xff\xfe\n\nPackage: c\nVersion: 2");
        assert_eq!(listed.packages.len(), 2);
        assert_eq!(
            listed.problem.as_deref(),
            Some("2 stanzas name no package or no version")
        );
        let mut long = b"Package: a\nVersion: ".to_vec();
        long.extend(vec![b'1'; 1 << 20]);
        assert!(status(&long).packages.is_empty());
    }

    #[test]
    fn lists_name_files_and_owners() {
        assert_eq!(list_owner("var/lib/dpkg/info/libc6:amd64.list"), "libc6");
        assert_eq!(list_owner("var/lib/dpkg/info/bash.list"), "bash");
        assert_eq!(
            list(b"/.\n/bin\n/bin/sh\n").collect::<Vec<_>>(),
            ["bin", "bin/sh"]
        );
    }
}
