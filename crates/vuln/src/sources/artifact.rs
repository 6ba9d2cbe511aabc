//! Advisories as an artifact: each layer with a title is a file.
//!
//! Invariant: what is given has the digest that the manifest names; nothing a registry says chooses
//! a path or an amount.

use std::path::{Path, PathBuf};

use berth_oci::{Digest, Manifest, ManifestKind, Reference, RepositoryName};
use berth_remote::{EgressError, Received, RemoteRepository};
use futures_util::StreamExt;
use http::StatusCode;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt;

use super::{LARGEST, TIME};
use crate::feeds::FeedFile;
use crate::{Scanning, VulnError};

/// What tells a layer from others: its file's name.
const TITLE: &str = "org.opencontainers.image.title";
/// Files of one feed.
const FILES: usize = 1000;

/// A layer that is a file of the feed.
struct Part {
    digest: Digest,
    size: u64,
    title: String,
}

impl Scanning {
    /// Writes the files of an artifact of this registry into a folder. Gives its digest with them,
    /// or nothing if it is `known`.
    pub(super) async fn local_artifact(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        known: Option<&str>,
        folder: &Path,
    ) -> Result<Option<(String, Vec<FeedFile>)>, VulnError> {
        let named = self.registry.manifest_named(repository, reference).await?;
        let (digest, media_type, payload) = named;
        if known == Some(&digest) {
            return Ok(None);
        }
        let mut files = Vec::new();
        for (nr, part) in parts(&payload, &media_type)?.into_iter().enumerate() {
            let path = folder.join(nr.to_string());
            let mut pieces = self.registry.blob_stream(repository, &part.digest).await?;
            let mut file = tokio::fs::File::create(&path).await.map_err(unwritten)?;
            while let Some(piece) = pieces.next().await {
                file.write_all(&piece?).await.map_err(unwritten)?;
            }
            file.flush().await.map_err(unwritten)?;
            let title = part.title;
            files.push(FeedFile { title, path });
        }
        Ok(Some((digest, files)))
    }

    /// As [`Self::local_artifact`], of another registry.
    pub(super) async fn remote_artifact(
        &self,
        (base, repository): (&str, &str),
        reference: &Reference,
        known: Option<&str>,
        folder: &Path,
    ) -> Result<Option<(String, Vec<FeedFile>)>, VulnError> {
        let mut pull = RemoteRepository::new(self.egress.clone(), base, repository, None);
        let manifest = pull.manifest(reference).await?;
        let digest = manifest.digest.to_string();
        if known == Some(&digest) {
            return Ok(None);
        }
        let mut files = Vec::new();
        let parts = parts(&manifest.bytes, &manifest.media_type)?;
        for (nr, part) in parts.into_iter().enumerate() {
            let path = folder.join(nr.to_string());
            let fetched = fetch(&mut pull, &part, &path);
            let fetched = tokio::time::timeout(TIME, fetched).await;
            fetched.unwrap_or(Err(EgressError::TimedOut(TIME).into()))?;
            let title = part.title;
            files.push(FeedFile { title, path });
        }
        Ok(Some((digest, files)))
    }
}

/// Writes a file of another registry's artifact, and compares its digest.
async fn fetch(pull: &mut RemoteRepository, part: &Part, path: &Path) -> Result<(), VulnError> {
    let mut arriving = pull.blob(&part.digest, part.size).await?;
    let mut file = tokio::fs::File::create(path).await.map_err(unwritten)?;
    while let Some(piece) = arriving.part().await? {
        file.write_all(&piece).await.map_err(unwritten)?;
    }
    file.flush().await.map_err(unwritten)?;
    let (path, wanted) = (path.to_owned(), part.digest.as_str().to_owned());
    let hashed = tokio::task::spawn_blocking(move || sha256(&path)).await;
    let hashed = hashed.map_err(|error| VulnError::Invalid(error.to_string()))?;
    if hashed.map_err(unwritten)? != wanted {
        return Err(VulnError::Invalid(format!(
            "the registry sent a layer with another digest than {wanted}"
        )));
    }
    Ok(())
}

/// The files that a manifest names.
fn parts(payload: &[u8], media_type: &str) -> Result<Vec<Part>, VulnError> {
    let manifest = Manifest::parse(payload, Some(media_type))
        .map_err(|error| VulnError::Invalid(error.to_string()))?;
    if manifest.kind == ManifestKind::Index {
        return Err(VulnError::Invalid(
            "it is an index: name one artifact, by its tag or digest".to_owned(),
        ));
    }
    let layers = manifest.layers.into_iter();
    let parts: Vec<Part> = layers
        .filter_map(|layer| {
            let title = layer.annotations?.remove(TITLE)?;
            Some(Part {
                digest: layer.digest,
                size: layer.size,
                title: title.chars().take(100).collect(),
            })
        })
        .collect();
    if parts.is_empty() || parts.len() > FILES {
        return Err(VulnError::Invalid(format!(
            "it has {} layers with a title ({TITLE}): each of 1 to {FILES} must be a file of \
             advisories",
            parts.len()
        )));
    }
    if parts.iter().map(|part| part.size).sum::<u64>() > LARGEST {
        let sentence = format!("its files are larger than {LARGEST} bytes together");
        return Err(VulnError::Invalid(sentence));
    }
    Ok(parts)
}

pub(super) fn check(received: &Received, address: &str) -> Result<(), VulnError> {
    if received.status == StatusCode::OK {
        return Ok(());
    }
    Err(VulnError::Invalid(format!(
        "{address} answered {}",
        received.status
    )))
}

pub(super) fn unwritten(error: std::io::Error) -> VulnError {
    VulnError::Invalid(format!("a temporary file could not be written: {error}"))
}

fn sha256(path: &PathBuf) -> std::io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    let mut file = std::fs::File::open(path)?;
    loop {
        let read = std::io::Read::read(&mut file, &mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    Ok(format!("sha256:{}", hex::encode(hash.finalize())))
}
