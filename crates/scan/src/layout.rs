//! The image that an OCI layout or Docker's own archive holds: which manifest, and its parts.
//!
//! Invariant: what is read as manifest or config has the digest by which it was named.

use std::io::Read;

use berth_oci::Digest;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::ScanError;
use crate::files::Files;
use crate::image::Platform;

/// Largest manifest, index or config.
const LARGEST: u64 = 8 * 1024 * 1024;
/// Indexes in indexes.
const DEPTH: usize = 4;
/// Layers of an image.
const MOST_LAYERS: usize = 1_000;

/// The parts of an image.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Of the manifest; Docker's own archives have none.
    pub(crate) digest: Option<String>,
    /// Of the indexes that lead to it.
    pub(crate) indexes: Vec<String>,
    /// How the layout or archive calls it.
    pub(crate) tag: Option<String>,
    pub(crate) config: Vec<u8>,
    /// Each layer: its name for people, and its file.
    pub(crate) layers: Vec<(String, String)>,
}

/// Finds the image `reference` (a name, a tag or a digest), or the only one.
pub(crate) fn find(
    files: &Files,
    reference: Option<&str>,
    platform: &Platform,
) -> Result<Parts, ScanError> {
    if let Some(index) = files.read("index.json", LARGEST)? {
        return oci(files, &index, reference, platform);
    }
    match files.read("manifest.json", LARGEST)? {
        Some(list) => docker(files, &list, reference),
        None => Err(ScanError::no_image(
            files.path(),
            "it holds neither an OCI layout (index.json) nor what `docker save` writes",
        )),
    }
}

fn parse(files: &Files, what: &str, bytes: &[u8]) -> Result<Value, ScanError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ScanError::no_image(files.path(), format!("{what} is broken: {error}")))
}

fn file_of(digest: &Digest) -> String {
    digest.as_str().replacen(':', "/", 1)
}

/// What a descriptor leads to, compared with its digest.
fn blob(files: &Files, digest: &str) -> Result<Vec<u8>, ScanError> {
    let named: Digest = digest
        .parse()
        .map_err(|_| ScanError::no_image(files.path(), format!("`{digest}` is no digest")))?;
    let name = format!("blobs/{}", file_of(&named));
    let bytes = files
        .read(&name, LARGEST)?
        .ok_or_else(|| ScanError::no_image(files.path(), format!("{name} is missing")))?;
    let found = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
    if digest.starts_with("sha256:") && found != digest {
        let problem = format!("{name} is damaged: its digest is {found}");
        return Err(ScanError::no_image(files.path(), problem));
    }
    Ok(bytes)
}

/// Compares a file with its digest.
pub(crate) fn check(files: &Files, digest: &str, mut file: impl Read) -> Result<(), ScanError> {
    let failed = |cause| ScanError::read(files.path(), cause);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let found = format!("sha256:{}", hex::encode(hash.finalize()));
    if found == digest {
        return Ok(());
    }
    let problem = format!("{digest} is damaged: its digest is {found}");
    Err(ScanError::no_image(files.path(), problem))
}

fn entries(value: &Value) -> &[Value] {
    value["manifests"].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn oci(
    files: &Files,
    index: &[u8],
    reference: Option<&str>,
    platform: &Platform,
) -> Result<Parts, ScanError> {
    let index = parse(files, "index.json", index)?;
    let name = |entry: &Value| {
        let name = &entry["annotations"]["org.opencontainers.image.ref.name"];
        name.as_str().map(str::to_owned)
    };
    let mut chosen: Vec<&Value> = entries(&index).iter().collect();
    if let Some(reference) = reference {
        chosen.retain(|entry| {
            let named = name(entry);
            text(entry, "digest") == reference
                || named.as_deref() == Some(reference)
                || named.is_some_and(|name| name.ends_with(&format!(":{reference}")))
        });
    }
    let entry = match chosen.as_slice() {
        [entry] => *entry,
        [] => {
            let problem = reference.map_or_else(
                || "it holds no image".to_owned(),
                |reference| format!("it holds no image `{reference}`"),
            );
            return Err(ScanError::no_image(files.path(), problem));
        }
        several => pick(several, platform).ok_or_else(|| {
            let names: Vec<String> = several.iter().filter_map(|entry| name(entry)).collect();
            let problem = format!("it holds several images, name one: {}", names.join(", "));
            ScanError::no_image(files.path(), problem)
        })?,
    };
    let tag = name(entry);
    let mut digest = text(entry, "digest").to_owned();
    let mut indexes = Vec::new();
    for _ in 0..DEPTH {
        let manifest = parse(files, &digest, &blob(files, &digest)?)?;
        if manifest["manifests"].is_array() {
            let several: Vec<&Value> = entries(&manifest).iter().collect();
            let entry = pick(&several, platform).ok_or_else(|| {
                let problem = format!("it holds no image for {platform}");
                ScanError::no_image(files.path(), problem)
            })?;
            indexes.push(std::mem::replace(
                &mut digest,
                text(entry, "digest").to_owned(),
            ));
            continue;
        }
        let layers = manifest["layers"]
            .as_array()
            .ok_or_else(|| ScanError::no_image(files.path(), format!("{digest} is no image")))?;
        if layers.len() > MOST_LAYERS {
            return Err(ScanError::no_image(files.path(), "it has too many layers"));
        }
        let mut named = Vec::with_capacity(layers.len());
        for layer in layers {
            let layer = text(layer, "digest");
            let parsed: Digest = layer.parse().map_err(|_| {
                ScanError::no_image(files.path(), format!("`{layer}` is no digest"))
            })?;
            named.push((layer.to_owned(), format!("blobs/{}", file_of(&parsed))));
        }
        return Ok(Parts {
            config: blob(files, text(&manifest["config"], "digest"))?,
            digest: Some(digest),
            indexes,
            tag,
            layers: named,
        });
    }
    Err(ScanError::no_image(
        files.path(),
        "its indexes are nested too deeply",
    ))
}

/// The entry for the platform, or the only one that is an image.
fn pick<'a>(entries: &[&'a Value], platform: &Platform) -> Option<&'a Value> {
    let of = |entry: &&&Value| {
        let named = &entry["platform"];
        text(named, "os") == platform.os && text(named, "architecture") == platform.architecture
    };
    let mut fitting = entries.iter().filter(of);
    match (fitting.next(), entries) {
        (Some(entry), _) | (None, [entry]) => Some(entry),
        (None, _) => None,
    }
}

fn docker(files: &Files, list: &[u8], reference: Option<&str>) -> Result<Parts, ScanError> {
    let list = parse(files, "manifest.json", list)?;
    let images = list.as_array().map_or(&[][..], Vec::as_slice);
    let named = |image: &Value, reference: &str| {
        image["RepoTags"].as_array().is_some_and(|tags| {
            tags.iter()
                .filter_map(Value::as_str)
                .any(|tag| tag == reference || tag.ends_with(&format!(":{reference}")))
        })
    };
    let mut chosen = images
        .iter()
        .filter(|image| reference.is_none_or(|reference| named(image, reference)));
    let (Some(image), None) = (chosen.next(), chosen.next()) else {
        let problem = "name one of the images that it holds by its tag";
        return Err(ScanError::no_image(files.path(), problem));
    };
    let missing = |name: &str| ScanError::no_image(files.path(), format!("{name} is missing"));
    let config = text(image, "Config");
    let layers = image["Layers"].as_array().map_or(&[][..], Vec::as_slice);
    if layers.len() > MOST_LAYERS {
        return Err(ScanError::no_image(files.path(), "it has too many layers"));
    }
    Ok(Parts {
        digest: None,
        indexes: Vec::new(),
        tag: image["RepoTags"][0].as_str().map(str::to_owned),
        config: files
            .read(config, LARGEST)?
            .ok_or_else(|| missing(config))?,
        layers: layers
            .iter()
            .filter_map(Value::as_str)
            .map(|name| (layer_name(name), name.to_owned()))
            .collect(),
    })
}

/// A layer's digest by the name of its file, where that says it.
fn layer_name(file: &str) -> String {
    match file.strip_prefix("blobs/sha256/") {
        Some(hex) => format!("sha256:{hex}"),
        None => file.to_owned(),
    }
}
