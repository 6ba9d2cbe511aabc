//! The header of one package: an index of tags and a store of values.

use berth_advisories::{Package, PackageKind, SourcePackage};

use super::super::Owners;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENSE: u32 = 1014;
const ARCH: u32 = 1022;
const SOURCE_RPM: u32 = 1044;
const DIR_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIR_NAMES: u32 = 1118;
const MODULARITY_LABEL: u32 = 5096;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// The header is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

fn be(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'a> Header<'a> {
    fn new(blob: &'a [u8]) -> Option<Self> {
        let entries = be(blob, 0)? as usize;
        let size = be(blob, 4)? as usize;
        let index_end = entries.checked_mul(16)?.checked_add(8)?;
        let end = index_end.checked_add(size)?;
        Some(Self {
            index: blob.get(8..index_end)?,
            store: blob.get(index_end..end)?,
        })
    }

    /// The type, count and values of a tag.
    fn find(&self, tag: u32) -> Option<(u32, usize, &'a [u8])> {
        let entry = self
            .index
            .chunks_exact(16)
            .find(|entry| be(entry, 0) == Some(tag))?;
        let offset = be(entry, 8)? as usize;
        Some((
            be(entry, 4)?,
            be(entry, 12)? as usize,
            self.store.get(offset..)?,
        ))
    }

    fn text(&self, tag: u32) -> Option<&'a str> {
        let (kind, _, values) = self.find(tag)?;
        if !matches!(kind, STRING | STRING_ARRAY | I18N_STRING) {
            return None;
        }
        let end = memchr::memchr(0, values)?;
        str::from_utf8(&values[..end])
            .ok()
            .filter(|text| !text.is_empty() && text.len() <= 4096 && *text != "(none)")
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + 'a {
        let (count, values) = match self.find(tag) {
            Some((INT32, count, values)) => (count, values),
            _ => (0, &[][..]),
        };
        values
            .chunks_exact(4)
            .take(count)
            .map_while(|value| be(value, 0))
    }

    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a str> {
        let (count, values) = match self.find(tag) {
            Some((STRING_ARRAY, count, values)) => (count, values),
            _ => (0, &[][..]),
        };
        values
            .split(|byte| *byte == 0)
            .take(count)
            .map(|text| str::from_utf8(text).unwrap_or_default())
    }
}

/// The package of a header; nothing for a key that was imported, which is kept like one.
pub fn package(blob: &[u8], owners: &mut Owners) -> Result<Option<Package>, Damaged> {
    let header = Header::new(blob).ok_or(Damaged)?;
    let name = header.text(NAME).ok_or(Damaged)?;
    if name == "gpg-pubkey" {
        return Ok(None);
    }
    let version = header.text(VERSION).ok_or(Damaged)?;
    let release = header.text(RELEASE).unwrap_or_default();
    let mut full = match header.numbers(EPOCH).next() {
        None | Some(0) => String::new(),
        Some(epoch) => format!("{epoch}:"),
    };
    full.push_str(version);
    if !release.is_empty() {
        full.push('-');
        full.push_str(release);
    }
    own(&header, name, owners);
    let source = header
        .text(SOURCE_RPM)
        .and_then(source)
        .unwrap_or_else(|| SourcePackage {
            name: name.to_owned(),
            version: full.clone(),
        });
    Ok(Some(Package {
        kind: PackageKind::Rpm,
        name: name.to_owned(),
        version: full,
        architecture: header.text(ARCH).map(str::to_owned),
        source: Some(source),
        module: header.text(MODULARITY_LABEL).and_then(module),
        vendor: header.text(VENDOR).map(str::to_owned),
        licenses: crate::lang::licenses([header.text(LICENSE).unwrap_or_default()]),
    }))
}

/// `name-version-release.src.rpm`.
fn source(file: &str) -> Option<SourcePackage> {
    let stem = file
        .strip_suffix(".src.rpm")
        .or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage {
        name: name.to_owned(),
        version: format!("{version}-{release}"),
    })
}

/// `name:stream:version:context` becomes `name:stream`.
fn module(label: &str) -> Option<String> {
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    Some(format!("{name}:{stream}"))
}

fn own(header: &Header<'_>, name: &str, owners: &mut Owners) {
    let package = owners.package(name);
    let directories: Vec<&str> = header.texts(DIR_NAMES).collect();
    let files = header.texts(BASE_NAMES).zip(header.numbers(DIR_INDEXES));
    for (file, directory) in files {
        if let Some(directory) = directories.get(directory as usize) {
            owners.file(
                &format!("{}{file}", directory.trim_start_matches('/')),
                package,
            );
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A header with these tags; values as they lie in the store.
    pub(crate) fn build(tags: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
        let mut store = Vec::new();
        let mut index = Vec::new();
        for (tag, kind, count, value) in tags {
            if *kind == INT32 {
                store.resize(store.len().next_multiple_of(4), 0);
            }
            for number in [*tag, *kind, store.len() as u32, *count] {
                index.extend(number.to_be_bytes());
            }
            store.extend_from_slice(value);
        }
        let mut blob = (tags.len() as u32).to_be_bytes().to_vec();
        blob.extend((store.len() as u32).to_be_bytes());
        blob.extend(index);
        blob.extend(store);
        blob
    }

    pub(crate) fn sample(name: &str) -> Vec<u8> {
        let name = format!("{name}\0");
        build(&[
            (NAME, STRING, 1, name.as_bytes()),
            (VERSION, STRING, 1, b"1.2\0"),
            (RELEASE, STRING, 1, b"3.el9\0"),
            (EPOCH, INT32, 1, &7_u32.to_be_bytes()),
            (ARCH, STRING, 1, b"x86_64\0"),
            (VENDOR, STRING, 1, b"Example\0"),
            (LICENSE, STRING, 1, b"MIT\0"),
            (SOURCE_RPM, STRING, 1, b"some-src-1.2-3.el9.src.rpm\0"),
            (MODULARITY_LABEL, STRING, 1, b"nodejs:18:80600:ad0\0"),
            (DIR_INDEXES, INT32, 2, &[0, 0, 0, 1, 0, 0, 0, 0]),
            (BASE_NAMES, STRING_ARRAY, 2, b"a\0b\0"),
            (DIR_NAMES, STRING_ARRAY, 2, b"/usr/lib/\0/opt/x/\0"),
        ])
    }

    #[test]
    fn a_header_gives_a_package() {
        let mut owners = Owners::default();
        let package = package(&sample("thing"), &mut owners).unwrap().unwrap();
        assert_eq!(package.name, "thing");
        assert_eq!(package.version, "7:1.2-3.el9");
        assert_eq!(package.architecture.as_deref(), Some("x86_64"));
        let source = package.source.unwrap();
        assert_eq!(
            (source.name.as_str(), source.version.as_str()),
            ("some-src", "1.2-3.el9")
        );
        assert_eq!(package.module.as_deref(), Some("nodejs:18"));
        assert_eq!(package.vendor.as_deref(), Some("Example"));
        assert_eq!(package.licenses, ["MIT"]);
        assert_eq!(owners.of("opt/x/a"), Some("thing"));
        assert_eq!(owners.of("usr/lib/b"), Some("thing"));
    }

    #[test]
    fn damage_is_an_error() {
        let whole = sample("thing");
        for cut in 0..whole.len() {
            let _ = package(&whole[..cut], &mut Owners::default());
        }
        assert_eq!(
            package(&whole[..whole.len() - 1], &mut Owners::default()),
            Err(Damaged)
        );
        assert_eq!(package(&[0xff; 64], &mut Owners::default()), Err(Damaged));
        assert_eq!(
            package(&sample("gpg-pubkey"), &mut Owners::default()),
            Ok(None)
        );
    }
}
