//! What is in a Helm chart: files of its archive, and what its config says it depends on.
//!
//! Invariant: an archive is hostile. It is read as a stream up to a bound, nothing of it is
//! written anywhere, and a file that is not at its place is not there.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Most bytes that are unpacked to find a file.
const UNPACKED_BYTES: u64 = 64 * 1024 * 1024;
/// Most files that are looked at.
const ENTRIES: usize = 10_000;
/// Largest file that is shown.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The text of the file `name` in the chart's own folder, whatever the case of its name. None:
/// there is no such file.
pub(super) fn file(archive: &[u8], name: &str) -> io::Result<Option<String>> {
    let unpacked = GzDecoder::new(archive).take(UNPACKED_BYTES);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries()?.take(ENTRIES) {
        let entry = entry?;
        let path = entry.path_bytes();
        let path = path.strip_prefix(b"./").unwrap_or(&path);
        // A chart has all its files in one folder, called as the chart.
        let mut parts = path.splitn(2, |byte| *byte == b'/');
        let (_, Some(rest)) = (parts.next(), parts.next()) else {
            continue;
        };
        if !rest.eq_ignore_ascii_case(name.as_bytes()) || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut text = Vec::new();
        entry.take(FILE_BYTES + 1).read_to_end(&mut text)?;
        if text.len() as u64 > FILE_BYTES {
            return Err(io::Error::other("the file is too large to be shown"));
        }
        return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
    }
    Ok(None)
}

/// The part of a chart's config that is answered.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    dependencies: Option<Vec<Box<RawValue>>>,
}

/// What the chart depends on, as its config has it: a JSON array.
pub(super) fn dependencies(config: &[u8]) -> Result<Bytes, serde_json::Error> {
    let config: Config = serde_json::from_slice(config)?;
    serde_json::to_vec(&config.dependencies.unwrap_or_default()).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn only_the_charts_own_files_are_found() {
        let chart = packed(&[
            ("app/charts/db/values.yaml", b"a: other"),
            ("values.yaml", b"a: loose"),
            ("app/values.yaml", b"a: 1"),
            ("app/README.md", b"# App"),
        ]);
        let found = |name| file(&chart, name).unwrap();
        assert_eq!(found("values.yaml").as_deref(), Some("a: 1"));
        assert_eq!(found("readme.md").as_deref(), Some("# App"));
        assert_eq!(found("Chart.yaml"), None);
    }

    #[test]
    fn what_is_no_archive_or_a_bomb_is_refused() {
        assert!(file(b"no archive", "values.yaml").is_err());
        let zeros = vec![0; 1024 * 1024];
        let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = tar::Header::new_gnu();
        header.set_path("app/other").unwrap();
        header.set_size(1 << 40);
        header.set_cksum();
        bomb.write_all(header.as_bytes()).unwrap();
        for _ in 0..80 {
            bomb.write_all(&zeros).unwrap();
        }
        let bomb = bomb.finish().unwrap();
        assert!(bomb.len() < 1024 * 1024);
        assert!(file(&bomb, "values.yaml").is_err());
        let large = packed(&[("app/values.yaml", &vec![b'#'; FILE_BYTES as usize + 1])]);
        assert!(file(&large, "values.yaml").is_err());
    }

    #[test]
    fn dependencies_are_a_list_even_if_there_are_none() {
        let with =
            br#"{"name":"app","dependencies":[{"name":"db","version":"1","repository":""}]}"#;
        assert_eq!(
            dependencies(with).unwrap(),
            &br#"[{"name":"db","version":"1","repository":""}]"#[..]
        );
        assert_eq!(dependencies(b"{}").unwrap(), &b"[]"[..]);
        assert!(dependencies(b"[]").is_err() || dependencies(b"x").is_err());
    }
}
