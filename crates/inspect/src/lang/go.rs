//! Go: the build information that the linker puts into every executable.

use berth_advisories::{Package, PackageKind};

use super::binary::{Layout, Order};
use super::package;
use crate::spool::ReadAt;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;
const HEADER: usize = 32;

/// The list of modules of a large program is some 100 KiB.
const MAX_TEXT: usize = 8 * 1024 * 1024;

/// How far into a data segment the linker may have put it; it is near the beginning.
const MAX_SEARCH: usize = 1024 * 1024;

/// Reads the modules of an executable and the standard library; nothing if Go did not make it.
pub fn packages(file: &(impl ReadAt + ?Sized), layout: &Layout) -> Option<Vec<Package>> {
    let (version, modules) = raw(file, layout)?;
    let mut packages = Vec::new();
    packages.extend(standard_library(&version));
    packages.extend(parse(&modules));
    packages.sort();
    packages.dedup();
    Some(packages)
}

/// The toolchain's version and the text of the modules.
pub fn raw(file: &(impl ReadAt + ?Sized), layout: &Layout) -> Option<(String, String)> {
    let named = [".go.buildinfo", "__go_buildinfo"];
    let place = named
        .into_iter()
        .find_map(|name| layout.section(name))
        .or_else(|| {
            let mut data = layout.segments.iter();
            data.find(|segment| segment.data && segment.size > 0)
        })?;
    let count = usize::try_from(place.size)
        .unwrap_or(usize::MAX)
        .min(MAX_SEARCH);
    let bytes = file.bytes(place.offset, count).ok()?;
    let at = memchr::memmem::find_iter(&bytes, MAGIC)
        .find(|at| (place.address + *at as u64).is_multiple_of(ALIGNMENT as u64))?;
    let header = bytes.get(at..at + HEADER)?;
    let (version, modules) = if header[15] & 2 != 0 {
        let mut offset = place.offset + (at + HEADER) as u64;
        let version = inline(file, &mut offset)?;
        (version, inline(file, &mut offset).unwrap_or_default())
    } else {
        let order = Order {
            big: header[15] & 1 != 0,
        };
        let width = usize::from(header[14]);
        if !matches!(width, 4 | 8) {
            return None;
        }
        let text =
            |at: usize| pointed(file, layout, order, width, order.number(header, at, width)?);
        (text(16)?, text(16 + width).unwrap_or_default())
    };
    if version.is_empty() {
        return None;
    }
    Some((
        String::from_utf8_lossy(&version).into_owned(),
        unframed(&modules).map_or_else(String::new, |text| {
            String::from_utf8_lossy(text).into_owned()
        }),
    ))
}

/// A string after its length, since Go 1.18.
fn inline(file: &(impl ReadAt + ?Sized), offset: &mut u64) -> Option<Vec<u8>> {
    let head = file.bytes(*offset, 10).ok()?;
    let mut length = 0_u64;
    let mut taken = 0;
    for (index, byte) in head.iter().enumerate().take(5) {
        length |= u64::from(byte & 0x7f) << (7 * index);
        taken = index + 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_TEXT)?;
    let text = file.bytes(*offset + taken as u64, length).ok()?;
    *offset += (taken + length) as u64;
    (text.len() == length).then_some(text)
}

/// A string by the address of its address and length, before Go 1.18.
fn pointed(
    file: &(impl ReadAt + ?Sized),
    layout: &Layout,
    order: Order,
    width: usize,
    address: u64,
) -> Option<Vec<u8>> {
    let head = layout.load(file, address, 2 * width)?;
    let at = order.number(&head, 0, width)?;
    let length = order.number(&head, width, width)?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_TEXT)?;
    let text = layout.load(file, at, length)?;
    (text.len() == length).then_some(text)
}

/// The text between its two marks of sixteen bytes.
fn unframed(text: &[u8]) -> Option<&[u8]> {
    let end = text.len().checked_sub(16)?;
    (text.len() >= 33 && text[end - 1] == b'\n').then(|| &text[16..end])
}

/// `go1.21.5 X:experiment` becomes version 1.21.5 of `stdlib`; a toolchain between releases has none.
fn standard_library(version: &str) -> Option<Package> {
    let token = version
        .split_ascii_whitespace()
        .next()?
        .strip_prefix("go")?;
    if !token.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    package(PackageKind::Golang, "stdlib", token, [])
}

/// The lines `mod`, `dep` and `=>`.
fn parse(text: &str) -> Vec<Package> {
    let mut modules: Vec<(&str, &str)> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next()) {
            (Some("mod" | "dep"), Some(path), version) => {
                modules.push((path, version.unwrap_or_default()));
            }
            // What was built instead of the module before.
            (Some("=>"), Some(path), version) => {
                if let Some(last) = modules.last_mut() {
                    *last = (path, version.unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    modules
        .into_iter()
        .filter(|(path, version)| *version != "(devel)" && !path.starts_with(['.', '/']))
        .filter_map(|(path, version)| package(PackageKind::Golang, path, version, []))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::binary::layout;
    use super::*;

    /// The smallest ELF file that has build information where Go puts it.
    fn elf(info: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[16] = 2;
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        let data = 128_u64;
        let mut put = |at: usize, value: u64| {
            file[at..at + 8].copy_from_slice(&value.to_le_bytes());
        };
        put(64, 1 | 6 << 32);
        put(72, data);
        put(80, 0x40_0080);
        put(96, info.len() as u64);
        put(104, info.len() as u64);
        file.resize(128, 0);
        file.extend_from_slice(info);
        file
    }

    fn names(file: &[u8]) -> Vec<String> {
        let packages = packages(file, &layout(file).unwrap()).unwrap_or_default();
        let names = packages
            .iter()
            .map(|one| format!("{} {}", one.name, one.version));
        names.collect()
    }

    const MODULES: &str = "path\texample.org/app\nmod\texample.org/app\t(devel)\t\n\
        dep\tgolang.org/x/net\tv0.1.0\th1:x=\ndep\texample.org/old\tv1.0.0\n\
        =>\texample.org/new\tv1.0.1\th1:y=\ndep\texample.org/local\tv1.0.0\n=>\t./local\t\n";

    fn framed() -> Vec<u8> {
        [&[b'0'; 16][..], MODULES.as_bytes(), &[b'1'; 16]].concat()
    }

    const EXPECTED: [&str; 3] = [
        "example.org/new v1.0.1",
        "golang.org/x/net v0.1.0",
        "stdlib 1.21.5",
    ];

    #[test]
    fn inline_information_is_read() {
        let mut info = MAGIC.to_vec();
        info.extend([8, 2]);
        info.resize(32, 0);
        info.push(8);
        info.extend(b"go1.21.5");
        let modules = framed();
        info.extend([
            (modules.len() & 0x7f | 0x80) as u8,
            (modules.len() >> 7) as u8,
        ]);
        info.extend(&modules);
        let file = elf(&info);
        assert_eq!(names(&file), EXPECTED);
        for cut in 0..file.len() {
            if let Some(layout) = layout(&file[..cut]) {
                let _ = packages(&file[..cut], &layout);
            }
        }
    }

    #[test]
    fn pointers_are_followed() {
        let modules = framed();
        let base = 0x40_0080_u64;
        let mut info = MAGIC.to_vec();
        info.extend([8, 0]);
        info.extend((base + 32).to_le_bytes());
        info.extend((base + 48).to_le_bytes());
        for (at, length) in [(64, 8), (72, modules.len() as u64)] {
            info.extend((base + at).to_le_bytes());
            info.extend(u64::to_le_bytes(length));
        }
        info.extend(b"go1.21.5");
        info.extend(&modules);
        assert_eq!(names(&elf(&info)), EXPECTED);
    }

    #[test]
    fn other_executables_give_nothing() {
        assert_eq!(names(&elf(&[7; 200])), [""; 0]);
        assert_eq!(standard_library("devel go1.22-abc"), None);
        assert_eq!(
            standard_library("go1.22rc1 X:loopvar").unwrap().version,
            "1.22rc1"
        );
    }
}
