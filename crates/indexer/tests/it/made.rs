//! Layers and indexers of tests.

use std::io::{self, Write};
use std::time::Duration;

use berth_indexer::{Bounds, IndexError, Indexer, Program};
use berth_inspect::LayerReport;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

pub(crate) const MIB: u64 = 1024 * 1024;

pub(crate) const BOUNDS: Bounds = Bounds {
    memory: 1024 * MIB,
    time: Duration::from_mins(1),
};

/// The real child.
pub(crate) fn child() -> Program {
    Program {
        path: env!("CARGO_BIN_EXE_berth-index-layer").into(),
        arguments: Vec::new(),
    }
}

/// A child that a shell plays.
pub(crate) fn played(script: &str) -> Program {
    Program {
        path: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
}

/// A tar archive with these files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A layer with packages of all sorts.
pub(crate) fn layer() -> Vec<u8> {
    let stanza = |nr: u32| {
        let installed = "Status: install ok installed\nArchitecture: amd64";
        format!("Package: lib{nr}\n{installed}\nVersion: 1.{nr}-1\n\n")
    };
    let status: String = (0..500).map(stanza).collect();
    let npm = br#"{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}"#;
    gzip(&archive(&[
        ("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        ("var/lib/dpkg/status", status.as_bytes()),
        ("app/node_modules/left-pad/package.json", npm),
        ("app/.wh.gone", b""),
        ("srv/.wh..wh..opq", b""),
    ]))
}

/// The pieces in which a layer comes.
pub(crate) fn pieces(layer: &[u8]) -> Vec<io::Result<Bytes>> {
    let pieces = layer.chunks(64 * 1024);
    pieces.map(|it| Ok(Bytes::copy_from_slice(it))).collect()
}

pub(crate) async fn read(indexer: &Indexer, layer: &[u8]) -> Result<LayerReport, IndexError> {
    let pieces = futures_util::stream::iter(pieces(layer));
    indexer.read(pieces, &CancellationToken::new()).await
}

/// A Java archive with another in it, of so many bytes.
pub(crate) fn jar(bytes: usize) -> Vec<u8> {
    let packed = |name: &str, content: &[u8]| {
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        let mut jar = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        jar.start_file(name, stored).unwrap();
        jar.write_all(content).unwrap();
        jar.finish().unwrap().into_inner()
    };
    packed("lib/inner-1.0.jar", &packed("a.class", &vec![1; bytes]))
}
