//! Archives made byte by byte, right or wrong.

use std::fmt::Write as _;
use std::io::Write;

use berth_inspect::{LayerReport, Limits, inspect_layer};

/// An archive under construction.
#[derive(Default, Clone)]
pub(crate) struct Archive(pub(crate) Vec<u8>);

/// A header with a right checksum.
pub(crate) fn header(name: &[u8], flag: u8, size: u64, link: &[u8]) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    block
}

/// Puts the checksum right.
pub(crate) fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

impl Archive {
    pub(crate) fn raw(mut self, header: &[u8; 512], data: &[u8]) -> Self {
        self.0.extend(header);
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn entry(self, name: &str, flag: u8, link: &str, data: &[u8]) -> Self {
        self.raw(
            &header(name.as_bytes(), flag, data.len() as u64, link.as_bytes()),
            data,
        )
    }

    pub(crate) fn file(self, name: &str, data: impl AsRef<[u8]>) -> Self {
        self.entry(name, b'0', "", data.as_ref())
    }

    pub(crate) fn mode(self, name: &str, mode: u32, data: &[u8]) -> Self {
        let mut block = header(name.as_bytes(), b'0', data.len() as u64, b"");
        block[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
        sum(&mut block);
        self.raw(&block, data)
    }

    /// An extended header of these records.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut data = String::new();
        for (key, value) in records {
            let body = key.len() + value.len() + 3;
            let mut length = body + body.to_string().len();
            if length.to_string().len() + body != length {
                length += 1;
            }
            let _ = writeln!(data, "{length} {key}={value}");
        }
        self.entry("PaxHeaders/x", b'x', "", data.as_bytes())
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    pub(crate) fn report(self) -> LayerReport {
        inspect(&self.end())
    }
}

pub(crate) fn inspect(bytes: &[u8]) -> LayerReport {
    inspect_layer(bytes, &Limits::default(), &|| false).expect("a report")
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Packages of a layer, `name version`, sorted.
pub(crate) fn names(report: &LayerReport) -> Vec<String> {
    let os = report
        .databases
        .iter()
        .flat_map(|database| &database.packages);
    let languages = report.packages.iter().map(|found| &found.package);
    let mut names: Vec<String> = os
        .chain(languages)
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    names.sort();
    names
}

/// A status file of dpkg.
pub(crate) fn status(packages: &[(&str, &str)]) -> String {
    let stanza = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n")
    };
    packages.iter().map(stanza).collect()
}

/// A zip archive of uncompressed members.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let stored: Vec<_> = members
        .iter()
        .map(|(name, data)| (*name, 0_u16, data.len(), data.to_vec()))
        .collect();
    zip_of(&stored)
}

/// A zip archive of members as they are: name, method, claimed size, bytes.
pub(crate) fn zip_of(members: &[(&str, u16, usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for (name, method, size, data) in members {
        let offset = bytes.len() as u32;
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0]);
        common.extend(method.to_le_bytes());
        common.extend([0; 8]);
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((*size as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend((members.len() as u16).to_le_bytes());
    bytes.extend((members.len() as u16).to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}
