//! What an artifact is and what it belongs to, in Harbor's words.
//!
//! Invariant: the answers depend on the manifest and tag alone, and every type is a short word in
//! upper case.

use crate::{
    digest::{Algorithm, Digest},
    manifest::{Manifest, ManifestKind},
    media_type,
};

/// Annotation of an index that says what the index is, from before `artifactType`.
const ARTIFACT_TYPE_ANNOTATION: &str = "org.opencontainers.artifactType";
/// Annotations, with their values, of images that hold a WebAssembly module.
const WASM_ANNOTATIONS: [(&str, &str); 2] = [
    ("module.wasm.image/variant", "compat"),
    ("run.oci.handler", "wasm"),
];
/// Annotation of the last layer of an image in the Nydus format.
const NYDUS_ANNOTATION: &str = "containerd.io/snapshot/nydus-bootstrap";
/// Longest type made from a media type.
const TYPE_BYTES: usize = 64;

/// The artifact's type: `IMAGE`, `CHART`, `CNAB`, `WASM`, `CNAI`, `SBOM`, a word taken from its
/// media type, or `UNKNOWN`.
pub fn artifact_type_name(manifest: &Manifest) -> String {
    if manifest.kind == ManifestKind::Index {
        return index_type_name(manifest);
    }
    let is_wasm = |(key, value): &(&str, &str)| {
        manifest
            .annotations
            .get(*key)
            .is_some_and(|text| text == value)
    };
    if WASM_ANNOTATIONS.iter().any(is_wasm) {
        return "WASM".to_owned();
    }
    let config = manifest
        .config
        .as_ref()
        .map(|config| config.media_type.as_str());
    // An empty configuration says nothing; the artifact type speaks for it.
    config
        .into_iter()
        .chain(manifest.artifact_type.as_deref())
        .find_map(type_name)
        .unwrap_or_else(unknown)
}

fn index_type_name(index: &Manifest) -> String {
    let noted = index
        .annotations
        .get(ARTIFACT_TYPE_ANNOTATION)
        .map(String::as_str);
    match index.artifact_type.as_deref().or(noted) {
        Some(media_type) => type_name(media_type).unwrap_or_else(unknown),
        None => "IMAGE".to_owned(),
    }
}

fn unknown() -> String {
    "UNKNOWN".to_owned()
}

/// The type a media type stands for, if it says one.
fn type_name(media_type: &str) -> Option<String> {
    let known = match media_type {
        media_type::OCI_CONFIG | media_type::DOCKER_CONFIG => "IMAGE",
        media_type::HELM_CONFIG => "CHART",
        media_type::CNAB_CONFIG | media_type::CNAB_MANIFEST => "CNAB",
        media_type::WASM_CONFIG | media_type::WASM_CONFIG_V0 => "WASM",
        media_type::CNAI_CONFIG | media_type::CNAI_MANIFEST => "CNAI",
        media_type::HARBOR_SBOM => "SBOM",
        other => return word_of(other),
    };
    Some(known.to_owned())
}

/// The words between owner and `config`: `application/vnd.<owner>.<words>.config.<version>+json`.
fn word_of(media_type: &str) -> Option<String> {
    let words = media_type
        .strip_prefix("application/vnd.")?
        .strip_suffix("+json")?;
    let (_owner, words) = words.split_once('.')?;
    let (words, _version) = words.rsplit_once('.')?;
    let words = words.strip_suffix(".config")?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let fits = (1..=TYPE_BYTES).contains(&words.len()) && words.bytes().all(legal);
    fits.then(|| words.to_ascii_uppercase())
}

/// The kind of accessory the manifest is, if it belongs to another manifest: by its `subject`,
/// or by the tag cosign gives it.
pub fn accessory_type(manifest: &Manifest, tag: Option<&str>) -> Option<&'static str> {
    const COSIGN: &str = "signature.cosign";
    const PLAIN: &str = "subject.accessory";
    if manifest.subject.is_none() {
        let tag = tag?;
        cosign_subject(tag)?;
        let (_, suffix) = tag.rsplit_once('.')?;
        return Some(if suffix == "sig" { COSIGN } else { PLAIN });
    }
    Some(match manifest.effective_artifact_type() {
        Some(media_type::SIGSTORE_BUNDLE | media_type::COSIGN_CONFIG) => COSIGN,
        _ if has_config(manifest, media_type::COSIGN_CONFIG) => COSIGN,
        Some(media_type::NOTATION_SIGNATURE) => "signature.notation",
        Some(media_type::HARBOR_SBOM) => "sbom.harbor",
        _ if has_config(manifest, media_type::HARBOR_SBOM) => "sbom.harbor",
        _ if has_config(manifest, media_type::NOTATION_SIGNATURE) => "signature.notation",
        _ if is_nydus(manifest) => "accelerator.nydus",
        _ => PLAIN,
    })
}

fn has_config(manifest: &Manifest, media_type: &str) -> bool {
    manifest
        .config
        .as_ref()
        .is_some_and(|config| config.media_type == media_type)
}

fn is_nydus(manifest: &Manifest) -> bool {
    manifest
        .layers
        .last()
        .and_then(|layer| layer.annotations.as_ref())
        .is_some_and(|annotations| annotations.contains_key(NYDUS_ANNOTATION))
}

/// The digest a cosign tag is about: `sha256-<hex>.sig`, `.att` or `.sbom`.
pub fn cosign_subject(tag: &str) -> Option<Digest> {
    let (name, suffix) = tag.rsplit_once('.')?;
    if matches!(suffix, "sig" | "att" | "sbom") {
        parse_fallback_tag(name)
    } else {
        None
    }
}

/// The tag under which clients keep the referrers of `digest` on a registry without the API
/// (OCI distribution 1.1, "Referrers Tag Schema"): algorithm cut to 32 characters, digits to 64.
pub fn fallback_tag(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}-{}", digest.algorithm(), &hex[..hex.len().min(64)])
}

/// The digest a fallback tag is about. A SHA-512 digest is cut short in its tag and cannot be
/// told from it; compare [`fallback_tag`] of the digest at hand instead.
pub fn parse_fallback_tag(tag: &str) -> Option<Digest> {
    let (algorithm, hex) = tag.split_once('-')?;
    if algorithm != Algorithm::Sha256.as_str() {
        return None;
    }
    format!("{algorithm}:{hex}").parse().ok()
}

#[cfg(test)]
mod tests;
