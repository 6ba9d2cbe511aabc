//! apk: the installed database, one letter a field.

use berth_advisories::{Package, PackageKind, SourcePackage};

use super::{Listed, Owners};

/// Reads the packages, and which files they own.
pub fn installed(bytes: &[u8], owners: &mut Owners) -> Listed {
    let mut listed = Listed::default();
    let mut broken = 0_usize;
    let mut stanza = Stanza::default();
    for line in bytes.split(|byte| *byte == b'\n').chain([&b""[..]]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            if stanza.any {
                match stanza.package() {
                    Some(package) => listed.packages.push(package),
                    None => broken += 1,
                }
            }
            stanza = Stanza::default();
            continue;
        }
        stanza.any = true;
        let [key, b':', value @ ..] = line else {
            continue;
        };
        let Ok(value) = str::from_utf8(value) else {
            continue;
        };
        match key {
            b'P' => stanza.name = value,
            b'V' => stanza.version = value,
            b'A' => stanza.architecture = value,
            b'o' => stanza.origin = value,
            b'L' => stanza.license = value,
            b'F' => stanza.directory = value,
            b'R' => {
                let package = owners.package(stanza.name);
                if stanza.directory.is_empty() {
                    owners.file(value, package);
                } else {
                    owners.file(&format!("{}/{value}", stanza.directory), package);
                }
            }
            _ => {}
        }
    }
    if broken > 0 {
        listed.problem = Some(format!("{broken} stanzas name no package or no version"));
    }
    listed
}

#[derive(Default)]
struct Stanza<'a> {
    any: bool,
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    origin: &'a str,
    license: &'a str,
    directory: &'a str,
}

impl Stanza<'_> {
    fn package(&self) -> Option<Package> {
        let sane = |text: &str| {
            !text.is_empty()
                && text.len() <= 512
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !sane(self.name) || !sane(self.version) {
            return None;
        }
        let origin = if sane(self.origin) {
            self.origin
        } else {
            self.name
        };
        Some(Package {
            kind: PackageKind::Apk,
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            architecture: sane(self.architecture).then(|| self.architecture.to_owned()),
            source: Some(SourcePackage {
                name: origin.to_owned(),
                version: self.version.to_owned(),
            }),
            module: None,
            vendor: None,
            licenses: crate::lang::licenses([self.license]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_database_is_read() {
        let text = b"C:Q1abc=\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\nL:Apache-2.0\n\
            F:usr/lib\nR:libcrypto.so.3\na:0:0:755\n\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nP:broken\n\n\xff\n";
        let mut owners = Owners::default();
        let listed = installed(text, &mut owners);
        assert_eq!(listed.packages.len(), 2);
        let first = &listed.packages[0];
        assert_eq!(first.source.as_ref().unwrap().name, "openssl");
        assert_eq!(first.licenses, ["Apache-2.0"]);
        assert_eq!(listed.packages[1].source.as_ref().unwrap().name, "musl");
        assert_eq!(owners.of("usr/lib/libcrypto.so.3"), Some("libcrypto3"));
        assert_eq!(owners.of("lib/libcrypto.so.3"), Some("libcrypto3"));
        assert_eq!(owners.of("usr/lib/other"), None);
        assert!(listed.problem.is_some());
    }
}
