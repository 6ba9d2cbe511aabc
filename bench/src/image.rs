//! Images to push, and pushing them in the steps that docker takes.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::http::{Connection, request};
use crate::servers::Server;

/// Bytes of one chunk: what docker's copying sends at a time.
const CHUNK: usize = 32 * 1024;
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// A piece of a body, framed as one chunk of `Transfer-Encoding: chunked`.
struct Piece {
    framed: Vec<u8>,
    lead: usize,
}

impl Piece {
    fn new(bytes: &[u8]) -> Self {
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        let lead = framed.len();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        Self { framed, lead }
    }

    fn bytes(&self) -> &[u8] {
        &self.framed[self.lead..self.framed.len() - 2]
    }
}

/// A blob that is sent over and over costs no memory: its pieces are shared.
pub(crate) struct Blob {
    pub(crate) digest: String,
    pub(crate) size: u64,
    pieces: Vec<Arc<Piece>>,
}

impl Blob {
    fn of(pieces: Vec<Arc<Piece>>) -> Self {
        let mut hash = Sha256::new();
        let mut size = 0;
        for piece in &pieces {
            hash.update(piece.bytes());
            size += piece.bytes().len() as u64;
        }
        Self {
            digest: format!("sha256:{}", hex::encode(hash.finalize())),
            size,
            pieces,
        }
    }

    pub(crate) fn small(bytes: &[u8]) -> Self {
        Self::of(vec![Arc::new(Piece::new(bytes))])
    }

    /// Writes the blob's bytes to a file.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut file = std::fs::File::create(path)?;
        for piece in &self.pieces {
            file.write_all(piece.bytes())?;
        }
        Ok(())
    }
}

/// Makes blobs that differ in their first bytes and do not compress.
pub(crate) struct Maker {
    common: Arc<Piece>,
    made: u64,
}

impl Maker {
    pub(crate) fn new() -> Self {
        Self {
            common: Arc::new(Piece::new(&noise(1, CHUNK))),
            made: 0,
        }
    }

    /// A blob of its own of `size` bytes: 4 KiB, or whole chunks.
    pub(crate) fn blob(&mut self, size: usize) -> Blob {
        self.made += 1;
        // By process, so that a server never holds the blob already.
        let seed = self.made + (u64::from(std::process::id()) << 32);
        let first = Arc::new(Piece::new(&noise(seed, size.min(CHUNK))));
        let rest = (size / CHUNK).saturating_sub(1);
        let pieces = std::iter::once(first)
            .chain(std::iter::repeat_n(self.common.clone(), rest))
            .collect();
        Blob::of(pieces)
    }

    /// An image of one layer of `size` bytes.
    pub(crate) fn image(&mut self, size: usize) -> Image {
        Image::of(vec![self.blob(size)])
    }
}

/// Bytes that do not compress, the same for the same seed (xorshift64*).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// An image: layers, config and manifest.
pub(crate) struct Image {
    pub(crate) layers: Vec<Blob>,
    config: Blob,
    pub(crate) manifest: Vec<u8>,
}

impl Image {
    pub(crate) fn of(layers: Vec<Blob>) -> Self {
        let ids: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": ids},
        });
        let config = Blob::small(config.to_string().as_bytes());
        let described: Vec<_> = layers
            .iter()
            .map(|layer| json!({"mediaType": LAYER, "size": layer.size, "digest": layer.digest}))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": config.size, "digest": config.digest},
            "layers": described,
        });
        Self {
            layers,
            config,
            manifest: manifest.to_string().into_bytes(),
        }
    }
}

/// Pushes all of an image under a tag.
pub(crate) async fn push(
    connection: &mut Connection,
    server: &Server,
    repository: &str,
    tag: &str,
    image: &Image,
) -> anyhow::Result<()> {
    for layer in &image.layers {
        upload(connection, server, repository, layer).await?;
    }
    upload(connection, server, repository, &image.config).await?;
    put_manifest(connection, server, repository, tag, &image.manifest).await
}

/// Asks for a blob and, as it is not there, sends it: HEAD, POST, PATCH, PUT.
pub(crate) async fn upload(
    connection: &mut Connection,
    server: &Server,
    repository: &str,
    blob: &Blob,
) -> anyhow::Result<()> {
    let auth = server.authorization();
    let path = format!("/v2/{repository}/blobs/{}", blob.digest);
    let head = request("HEAD", &path, &[auth]);
    let found = connection.call(&head, &[], true).await?;
    anyhow::ensure!(
        found.head.status == 404,
        "status {} of a blob that is new",
        found.head.status
    );
    let empty = [auth, ("Content-Length", "0")];
    let begin = request("POST", &format!("/v2/{repository}/blobs/uploads/"), &empty);
    let begun = connection.call(&begin, &[], false).await?.expect(202)?;
    let chunked = [
        auth,
        ("Transfer-Encoding", "chunked"),
        ("Content-Type", "application/octet-stream"),
    ];
    let append = request("PATCH", &begun.location()?, &chunked);
    let body: Vec<&[u8]> = blob
        .pieces
        .iter()
        .map(|piece| piece.framed.as_slice())
        .chain(std::iter::once(b"0\r\n\r\n".as_slice()))
        .collect();
    let appended = connection.call(&append, &body, false).await?.expect(202)?;
    let location = appended.location()?;
    let separator = if location.contains('?') { '&' } else { '?' };
    let path = format!("{location}{separator}digest={}", blob.digest);
    let finish = request("PUT", &path, &empty);
    connection.call(&finish, &[], false).await?.expect(201)?;
    Ok(())
}

/// Puts a manifest under a tag.
pub(crate) async fn put_manifest(
    connection: &mut Connection,
    server: &Server,
    repository: &str,
    tag: &str,
    manifest: &[u8],
) -> anyhow::Result<()> {
    let length = manifest.len().to_string();
    let headers = [
        server.authorization(),
        ("Content-Type", MANIFEST),
        ("Content-Length", &length),
    ];
    let path = format!("/v2/{repository}/manifests/{tag}");
    let put = request("PUT", &path, &headers);
    connection
        .call(&put, &[manifest], false)
        .await?
        .expect(201)?;
    Ok(())
}

/// The GET that asks for a path as a client of registries does.
pub(crate) fn get(server: &Server, path: &str) -> Vec<u8> {
    request("GET", path, &[server.authorization(), ("Accept", MANIFEST)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_have_their_size_and_differ() {
        let mut maker = Maker::new();
        let (first, second) = (maker.blob(4096), maker.blob(4096));
        assert_eq!((first.size, second.size), (4096, 4096));
        assert_ne!(first.digest, second.digest);
        assert_eq!(maker.blob(1 << 20).size, 1 << 20);
    }

    #[test]
    fn pieces_are_framed_as_chunks() {
        let piece = Piece::new(b"twelve bytes");
        assert_eq!(piece.framed, b"c\r\ntwelve bytes\r\n");
        assert_eq!(piece.bytes(), b"twelve bytes");
    }

    #[test]
    fn a_digest_is_of_the_bytes_that_are_saved() {
        let path = std::env::temp_dir().join(format!("berth-bench-{}", std::process::id()));
        let blob = Maker::new().blob(3 * CHUNK);
        blob.save(&path).unwrap();
        let saved = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&saved)));
        assert_eq!(digest, blob.digest);
    }
}
