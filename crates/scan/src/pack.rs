//! Files of advisories as an artifact, in a folder with an OCI layout: one layer a file, named by
//! its title, so that any client pushes it and any server takes it in.
//!
//! Invariant: the same files are the same artifact, to the byte; a file that holds no advisories is
//! an error and nothing is written.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::feeds::read_feed;
use crate::{Feed, ScanError};

/// The type of the artifact.
pub const ARTIFACT: &str = "application/vnd.berth.advisories.v1";
/// The media type of its layers: whatever a feed may be.
const LAYER: &str = "application/vnd.berth.advisories.feed.v1";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Writes a layout into a new folder; gives the digest of the artifact's manifest.
///
/// # Errors
/// When a file cannot be read, holds no advisories or has the name of another one, and when the
/// folder is there already or cannot be written.
pub fn pack(files: &[PathBuf], output: &Path, tag: &str) -> Result<String, ScanError> {
    let mut titles: Vec<String> = Vec::new();
    for path in files {
        let Feed { name, .. } = read_feed(path, false, &mut |_| {})?;
        if path.is_dir() || titles.contains(&name) {
            let problem = "it is a folder, or a file before has the same name: give files, each by \
                           a name of its own";
            return Err(ScanError::read(path, std::io::Error::other(problem)));
        }
        titles.push(name);
    }
    let failed = |error| ScanError::read(output, error);
    fs::create_dir(output).map_err(failed)?;
    let blobs = output.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(failed)?;
    let mut layers = Vec::new();
    for (path, title) in files.iter().zip(&titles) {
        let mut layer = copy(path, &blobs).map_err(|error| ScanError::read(path, error))?;
        layer["mediaType"] = LAYER.into();
        layer["annotations"] = json!({"org.opencontainers.image.title": title});
        layers.push(layer);
    }
    let config = write(&blobs, b"{}", EMPTY).map_err(failed)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT,
        "config": config,
        "layers": layers,
    });
    let bytes = manifest.to_string().into_bytes();
    let mut manifest = write(&blobs, &bytes, MANIFEST).map_err(failed)?;
    let digest = manifest["digest"].as_str().unwrap_or_default().to_owned();
    manifest["artifactType"] = ARTIFACT.into();
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    fs::write(output.join("index.json"), index.to_string()).map_err(failed)?;
    let layout = json!({"imageLayoutVersion": "1.0.0"}).to_string();
    fs::write(output.join("oci-layout"), layout).map_err(failed)?;
    Ok(digest)
}

fn write(blobs: &Path, bytes: &[u8], media_type: &str) -> std::io::Result<Value> {
    let hex = hex::encode(Sha256::digest(bytes));
    fs::write(blobs.join(&hex), bytes)?;
    let digest = format!("sha256:{hex}");
    Ok(json!({"mediaType": media_type, "digest": digest, "size": bytes.len()}))
}

fn copy(path: &Path, blobs: &Path) -> std::io::Result<Value> {
    let (mut from, part) = (File::open(path)?, blobs.join("part"));
    let mut to = File::create(&part)?;
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        size += read;
    }
    let hex = hex::encode(hash.finalize());
    fs::rename(part, blobs.join(&hex))?;
    Ok(json!({"digest": format!("sha256:{hex}"), "size": size}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_are_the_same_artifact() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.json");
        let advisory = json!({
            "id": "CVE-2026-1", "modified": "2026-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1"]}],
        });
        fs::write(&file, advisory.to_string()).unwrap();
        let out = |name: &str| folder.path().join(name);
        let files = [file.clone()];
        let first = pack(&files, &out("a"), "v1").unwrap();
        assert_eq!(pack(&files, &out("b"), "v2").unwrap(), first);
        pack(&files, &out("a"), "v1").unwrap_err();
        pack(&[file.clone(), file], &out("c"), "v1").unwrap_err();
        let wrong = out("wrong.json");
        fs::write(&wrong, "{}").unwrap();
        pack(&[wrong], &out("d"), "v1").unwrap_err();
        assert!(!out("c").exists() && !out("d").exists());
        let hex = first.strip_prefix("sha256:").unwrap();
        let manifest = fs::read(out("a").join("blobs/sha256").join(hex)).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let layer = &manifest["layers"][0];
        assert_eq!(
            layer["annotations"]["org.opencontainers.image.title"],
            "one.json"
        );
        let blob = layer["digest"].as_str().unwrap().replace("sha256:", "");
        let blob = fs::read(out("a").join("blobs/sha256").join(blob)).unwrap();
        assert_eq!(blob, advisory.to_string().into_bytes());
    }
}
