//! The grammar of keys and upload ids.
//!
//! Invariant: nothing that fails to parse here ever becomes part of a path.

use berth_oci::{Algorithm, Digest};
use uuid::Uuid;

use crate::error::BlobError;

/// Where one blob lies: `sha256/ab/<hex>-<upload>`, relative to `blobs/`.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    text: String,
    algorithm: Algorithm,
    fan: u8,
    name_at: usize,
}

impl Key {
    /// The key of what upload `id` made of `digest`.
    ///
    /// It is the upload's own, so that pushing a blob again never meets a deletion under way.
    pub(crate) fn new(digest: &Digest, id: Uuid) -> Result<Self, BlobError> {
        let hex = digest.hex();
        let fan = hex.get(..2).ok_or(BlobError::BadKey)?;
        Self::parse(&format!(
            "{}/{fan}/{hex}-{}",
            digest.algorithm(),
            id.simple()
        ))
    }

    /// Reads a key that [`Key::new`] made.
    pub(crate) fn parse(text: &str) -> Result<Self, BlobError> {
        Self::read(text).ok_or(BlobError::BadKey)
    }

    fn read(text: &str) -> Option<Self> {
        let (algorithm, rest) = text.split_once('/')?;
        let algorithm = algorithm.parse::<Algorithm>().ok()?;
        let (fan, name) = rest.split_once('/')?;
        let (hex, id) = name.split_once('-')?;
        let plain = is_hex(hex) && is_hex(id);
        if !plain || hex.len() != algorithm.hex_len() || id.len() != 32 {
            return None;
        }
        if hex.get(..2)? != fan {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            algorithm,
            fan: u8::from_str_radix(fan, 16).ok()?,
            name_at: text.len() - name.len(),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number of the directory the blob lies in.
    pub(crate) const fn fan(&self) -> u8 {
        self.fan
    }

    /// The last part of the key.
    pub(crate) fn name(&self) -> &str {
        &self.text[self.name_at..]
    }

    /// The digest the blob was stored as.
    pub(crate) fn digest(&self) -> Result<Digest, BlobError> {
        let hex = self.name().split('-').next().unwrap_or_default();
        format!("{}:{hex}", self.algorithm)
            .parse()
            .map_err(|_| BlobError::BadKey)
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads an upload id as it is written in locations: a UUID in lower case with hyphens.
pub(crate) fn parse_upload(text: &str) -> Result<Uuid, BlobError> {
    let id = Uuid::try_parse(text).map_err(|_| BlobError::BadKey)?;
    let mut buffer = Uuid::encode_buffer();
    if id.hyphenated().encode_lower(&mut buffer) == text {
        Ok(id)
    } else {
        Err(BlobError::BadKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn reads_its_own_keys() {
        let key = Key::parse(&format!("sha256/e3/{HEX}-{ID}")).unwrap();
        assert_eq!(key.fan(), 0xe3);
        assert_eq!(key.name(), format!("{HEX}-{ID}"));
        assert_eq!(key.digest().unwrap().to_string(), format!("sha256:{HEX}"));
        assert!(Key::parse(&format!("sha512/e3/{HEX}{HEX}-{ID}")).is_ok());
    }

    #[test]
    fn refuses_what_it_never_makes() {
        for bad in [
            String::new(),
            "sha256".to_owned(),
            "sha256/".to_owned(),
            format!("sha256/e4/{HEX}-{ID}"),
            format!("sha256/E3/{HEX}-{ID}"),
            format!("sha256/e3/{}-{ID}", HEX.to_uppercase()),
            format!("sha256/e3/{HEX}"),
            format!("sha256/e3/{HEX}-"),
            format!("sha256/e3/{HEX}-{ID}/"),
            format!("sha256/e3/{HEX}-{ID}-{ID}"),
            format!("sha256/e3/../{HEX}-{ID}"),
            format!("/sha256/e3/{HEX}-{ID}"),
            format!("sha512/e3/{HEX}-{ID}"),
            format!("sha256/e3/{HEX}{HEX}-{ID}"),
            format!("md5/e3/{HEX}-{ID}"),
            format!("sha256/e3/{HEX}-{ID}\0"),
        ] {
            assert!(Key::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn upload_ids_have_one_spelling() {
        let id = "01234567-89ab-4def-8123-456789abcdef";
        assert!(parse_upload(id).is_ok());
        for bad in [
            "",
            "..",
            "../x",
            ID,
            &id.to_uppercase(),
            &format!("{{{id}}}"),
            &format!("urn:uuid:{id}"),
            &format!("{id}/"),
        ] {
            assert!(parse_upload(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_never_leaves_the_directory(text in "(sha256/)?.{0,120}") {
            if let Ok(key) = Key::parse(&text) {
                prop_assert!(!key.as_str().contains(".."));
            }
            let _ = parse_upload(&text);
        }
    }
}
