//! Advisories as an artifact: each layer with a title is a file.
//!
//! Invariant: what is given has the digest that the manifest names; nothing a registry says chooses
//! a path or an amount.

use std::path::{Path, PathBuf};
use std::time::Duration;

use berth_oci::{Digest, Manifest, ManifestKind, Reference, RepositoryName, media_type};
use berth_remote::{Egress, Received, Sending};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt;

use super::{LARGEST, TIME};
use crate::feeds::FeedFile;
use crate::{Scanning, VulnError};

/// What tells a layer from others: its file's name.
const TITLE: &str = "org.opencontainers.image.title";
/// Files of one feed.
const FILES: usize = 1000;
/// Time for a manifest or a token.
const SHORT: Duration = Duration::from_secs(30);

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
        let mut pull = Pull {
            egress: &self.egress,
            base,
            repository,
            token: None,
        };
        let (digest, media_type, payload) = pull.manifest(reference).await?;
        if known == Some(&digest) {
            return Ok(None);
        }
        let mut files = Vec::new();
        for (nr, part) in parts(&payload, &media_type)?.into_iter().enumerate() {
            let path = folder.join(nr.to_string());
            pull.blob(&part, &path).await?;
            let title = part.title;
            files.push(FeedFile { title, path });
        }
        Ok(Some((digest, files)))
    }
}

/// One pull from another registry.
struct Pull<'a> {
    egress: &'a Egress,
    base: &'a str,
    repository: &'a str,
    token: Option<HeaderValue>,
}

impl Pull<'_> {
    async fn manifest(
        &mut self,
        reference: &Reference,
    ) -> Result<(String, String, Vec<u8>), VulnError> {
        let at = format!(
            "{}/v2/{}/manifests/{}",
            self.base,
            self.repository,
            reference.as_str()
        );
        let mut sending = Sending::new(Method::GET, at);
        sending.time_out = SHORT;
        sending.most = 4 * 1024 * 1024;
        let accept = [media_type::OCI_MANIFEST, media_type::DOCKER_SCHEMA2].join(", ");
        sending.headers = header_of(header::ACCEPT, &accept);
        let mut received = self.egress.send(self.allowed(&sending)).await?;
        if received.status == StatusCode::UNAUTHORIZED {
            self.token = Some(self.ask_token(&received).await?);
            received = self.egress.send(self.allowed(&sending)).await?;
        }
        check(&received, &sending.address)?;
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&received.body)));
        if let Reference::Digest(wanted) = reference
            && wanted.as_str() != digest
        {
            let sentence = format!("{} sent a manifest with another digest", self.base);
            return Err(VulnError::Invalid(sentence));
        }
        let media_type = received.headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or(media_type::OCI_MANIFEST).to_owned();
        Ok((digest, media_type, received.body.to_vec()))
    }

    async fn blob(&self, part: &Part, path: &Path) -> Result<(), VulnError> {
        let at = format!(
            "{}/v2/{}/blobs/{}",
            self.base,
            self.repository,
            part.digest.as_str()
        );
        let mut sending = Sending::new(Method::GET, at);
        sending.time_out = TIME;
        sending.most = usize::try_from(part.size).unwrap_or(usize::MAX);
        let mut file = tokio::fs::File::create(path).await.map_err(unwritten)?;
        let received = self
            .egress
            .download(self.allowed(&sending), &mut file)
            .await?;
        check(&received, &sending.address)?;
        let (path, wanted) = (path.to_owned(), part.digest.as_str().to_owned());
        let hashed = tokio::task::spawn_blocking(move || sha256(&path)).await;
        let hashed = hashed.map_err(|error| VulnError::Invalid(error.to_string()))?;
        if hashed.map_err(unwritten)? != wanted {
            return Err(VulnError::Invalid(format!(
                "{} sent a layer with another digest than {wanted}",
                self.base
            )));
        }
        Ok(())
    }

    fn allowed(&self, sending: &Sending) -> Sending {
        let mut sending = sending.clone();
        if let Some(token) = &self.token {
            let headers = &mut sending.headers;
            headers.insert(header::AUTHORIZATION, token.clone());
        }
        sending
    }

    /// A token for everybody, from where the registry says.
    async fn ask_token(&self, refused: &Received) -> Result<HeaderValue, VulnError> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let unclear = |what: &str| VulnError::Invalid(format!("{}: {what}", self.base));
        let challenge = refused.headers.get(header::WWW_AUTHENTICATE);
        let challenge = challenge.and_then(|value| value.to_str().ok());
        let challenge = challenge
            .and_then(|text| text.strip_prefix("Bearer "))
            .ok_or_else(|| unclear("it wants a login, which feeds do not have"))?;
        let part = |key: &str| {
            let (_, rest) = challenge.split_once(&format!("{key}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let realm = part("realm").ok_or_else(|| unclear("it does not say where tokens are"))?;
        let mut at = url::Url::parse(realm)
            .map_err(|_| unclear("the address of its tokens is no address"))?;
        if let Some(service) = part("service") {
            at.query_pairs_mut().append_pair("service", service);
        }
        let scope = format!("repository:{}:pull", self.repository);
        at.query_pairs_mut().append_pair("scope", &scope);
        let mut sending = Sending::new(Method::GET, at.as_str());
        sending.time_out = SHORT;
        let received = self.egress.send(sending).await?;
        check(&received, realm)?;
        let answer: Answer = serde_json::from_slice(&received.body)
            .map_err(|_| unclear("what it sent is no token"))?;
        let token = answer.token.or(answer.access_token).unwrap_or_default();
        let mut token = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| unclear("what it sent is no token"))?;
        token.set_sensitive(true);
        Ok(token)
    }
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

fn header_of(name: header::HeaderName, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
    headers
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
