//! Things to push: blobs, images, indexes, artifacts.

use berth_oci::{Algorithm, Digest, media_type};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::Client;

/// A manifest that was pushed, with what it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) digest: String,
    pub(crate) config: String,
    pub(crate) layers: Vec<String>,
    pub(crate) bytes: Bytes,
}

/// The SHA-256 digest of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, bytes).to_string()
}

/// The SHA-512 digest of bytes.
pub(crate) fn sha512(bytes: &[u8]) -> String {
    Digest::of(Algorithm::Sha512, bytes).to_string()
}

/// `length` bytes that follow from `seed`, none of them compressible to a pattern of the store.
pub(crate) fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// A descriptor of bytes.
pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()})
}

/// The config of an image that says nothing but whose it is.
pub(crate) fn config(name: &str) -> Bytes {
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"User": name}});
    config.to_string().into()
}

/// An image manifest of a config and one layer.
pub(crate) fn image(config: &[u8], layer: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, config),
        "layers": [descriptor(media_type::OCI_LAYER_GZIP, layer)],
    })
}

impl Client {
    /// Pushes a blob in one request; gives its digest.
    pub(crate) async fn push_blob(&self, repository: &str, bytes: &Bytes) -> String {
        let digest = sha256(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let call = self
            .post(&path)
            .header("content-type", "application/octet-stream");
        call.body(bytes.clone()).send().await.expect(201);
        digest
    }

    /// Begins an upload; gives its path.
    pub(crate) async fn begin(&self, repository: &str) -> String {
        let begun = self
            .post(&format!("/v2/{repository}/blobs/uploads/"))
            .send()
            .await
            .expect(202);
        begun.need("location").to_owned()
    }

    /// Puts a manifest with the media type that it says it has.
    pub(crate) async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        manifest: &Value,
    ) -> Answer {
        let media_type = manifest["mediaType"].as_str().unwrap().to_owned();
        let bytes = Bytes::from(manifest.to_string());
        self.put_bytes(repository, reference, &media_type, bytes)
            .await
    }

    /// Puts bytes as a manifest.
    pub(crate) async fn put_bytes(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Answer {
        self.put(&format!("/v2/{repository}/manifests/{reference}"))
            .header("content-type", media_type)
            .body(bytes)
            .send()
            .await
    }

    /// Pushes an image of a config and one small layer, both made from `seed`.
    pub(crate) async fn push_image(&self, repository: &str, tag: &str, seed: &str) -> Image {
        let (config, layer) = (config(seed), Bytes::from(format!("layer of {seed}")));
        let digests = (
            self.push_blob(repository, &config).await,
            self.push_blob(repository, &layer).await,
        );
        let manifest = image(&config, &layer);
        let pushed = self
            .put_manifest(repository, tag, &manifest)
            .await
            .expect(201);
        Image {
            digest: pushed.need("docker-content-digest").to_owned(),
            config: digests.0,
            layers: vec![digests.1],
            bytes: manifest.to_string().into(),
        }
    }

    /// Pushes an artifact with a subject by digest; gives the answer.
    pub(crate) async fn attach(
        &self,
        repository: &str,
        subject: &Value,
        artifact_type: &str,
        note: &str,
    ) -> Answer {
        let empty = Bytes::from_static(b"{}");
        let held = format!("/v2/{repository}/blobs/{}", sha256(&empty));
        if self.head(&held).send().await.status != 200 {
            self.push_blob(repository, &empty).await;
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": descriptor(media_type::OCI_EMPTY, &empty),
            "layers": [descriptor(media_type::OCI_EMPTY, &empty)],
            "subject": subject,
            "annotations": {"note": note},
        });
        let digest = sha256(manifest.to_string().as_bytes());
        self.put_manifest(repository, &digest, &manifest).await
    }
}
