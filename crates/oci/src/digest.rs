//! Content digests: `sha256:<64 hex>` and `sha512:<128 hex>`.
//!
//! Invariant: a [`Digest`] holds a registered algorithm and lower-case hexadecimal of exactly its
//! length, so its parts may be put into a path or a tag without escaping.

use std::{fmt, str::FromStr, sync::Arc};

use berth_model::{Code, Coded};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

/// A digest algorithm this registry stores content under (OCI image 1.1, "Registered algorithms").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, which every client knows.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The name before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Hexadecimal digits of a digest.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ if is_algorithm_shaped(text) => Err(DigestError::UnsupportedAlgorithm),
            _ => Err(DigestError::Malformed),
        }
    }
}

/// Why a text is not a digest this registry can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text breaks the digest grammar, or the length is not the algorithm's.
    #[error(
        "a digest is sha256: and 64, or sha512: and 128 hexadecimal digits in lower case; copy it from the tool that made it"
    )]
    Malformed,
    /// A well-formed digest of an algorithm that is not served.
    #[error("the digest algorithm is not supported; use sha256 or sha512")]
    UnsupportedAlgorithm,
}

impl Coded for DigestError {
    fn code(&self) -> Code {
        Code::DigestInvalid
    }
}

/// The digest of some content. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    text: Arc<str>,
    algorithm: Algorithm,
}

impl Digest {
    /// Computes the digest of `bytes`, which are already in memory.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let hex = match algorithm {
            Algorithm::Sha256 => hex::encode(sha2::Sha256::digest(bytes)),
            Algorithm::Sha512 => hex::encode(sha2::Sha512::digest(bytes)),
        };
        Self {
            text: format!("{algorithm}:{hex}").into(),
            algorithm,
        }
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits after the colon.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, hex) = text.split_once(':').ok_or(DigestError::Malformed)?;
        let algorithm = match name.parse::<Algorithm>() {
            Ok(algorithm) => algorithm,
            Err(DigestError::UnsupportedAlgorithm) if is_encoded_shaped(hex) => {
                return Err(DigestError::UnsupportedAlgorithm);
            }
            Err(_) => return Err(DigestError::Malformed),
        };
        if hex.len() == algorithm.hex_len() && hex.bytes().all(is_lower_hex) {
            Ok(Self {
                text: text.into(),
                algorithm,
            })
        } else {
            Err(DigestError::Malformed)
        }
    }
}

/// Hexadecimal in lower case; upper case is another spelling of the same digest and is refused.
const fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// `algorithm ::= component (separator component)*` of OCI image 1.1, "Digests".
fn is_algorithm_shaped(text: &str) -> bool {
    text.split(['+', '.', '_', '-']).all(|component| {
        !component.is_empty()
            && component
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// `encoded ::= [a-zA-Z0-9=_-]+` of OCI image 1.1, "Digests".
fn is_encoded_shaped(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-'))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a digest")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SHA-256 and SHA-512 of no bytes, from FIPS 180-4 examples.
    const EMPTY_256: &str =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_512: &str = "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

    #[test]
    fn known_digests() {
        assert_eq!(Digest::of(Algorithm::Sha256, b"").as_str(), EMPTY_256);
        assert_eq!(Digest::of(Algorithm::Sha512, b"").as_str(), EMPTY_512);
        let digest: Digest = EMPTY_512.parse().unwrap();
        assert_eq!(digest.algorithm(), Algorithm::Sha512);
        assert_eq!(digest.hex(), &EMPTY_512[7..]);
        // `{}`, the OCI empty descriptor.
        assert!(
            Digest::of(Algorithm::Sha256, b"{}")
                .hex()
                .starts_with("44136fa3")
        );
    }

    #[test]
    fn refused_digests() {
        use DigestError::{Malformed, UnsupportedAlgorithm};
        let hex = "a".repeat(64);
        for (text, error) in [
            (String::new(), Malformed),
            ("sha256".to_owned(), Malformed),
            ("sha256:".to_owned(), Malformed),
            (format!("sha256:{}", "a".repeat(63)), Malformed),
            (format!("sha256:{}", "a".repeat(65)), Malformed),
            (format!("sha256:{}", "A".repeat(64)), Malformed),
            (format!("sha256:{}", "g".repeat(64)), Malformed),
            (format!("sha256:{}", "é".repeat(32)), Malformed),
            (format!("sha512:{hex}"), Malformed),
            (format!("SHA256:{hex}"), Malformed),
            (format!(" sha256:{hex}"), Malformed),
            (format!("sha256:{hex}\n"), Malformed),
            (format!("sha256:sha256:{}", "a".repeat(57)), Malformed),
            (format!("sha256:../{}", "a".repeat(61)), Malformed),
            (format!("sha1+:{hex}"), Malformed),
            ("blake3:../..".to_owned(), Malformed),
            (format!("blake3:{hex}"), UnsupportedAlgorithm),
            (format!("sha384:{hex}"), UnsupportedAlgorithm),
            (format!("sha256+b64:{hex}"), UnsupportedAlgorithm),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(error), "{text}");
            assert_eq!(error.code(), Code::DigestInvalid);
        }
    }

    #[test]
    fn json_is_the_text() {
        let digest: Digest = EMPTY_256.parse().unwrap();
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{EMPTY_256}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"sha256:ab\"").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_text(text in ".{0,160}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }

        #[test]
        fn computed_digests_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for algorithm in Algorithm::ALL {
                let digest = Digest::of(algorithm, &bytes);
                let read: Digest = digest.as_str().parse().unwrap();
                prop_assert_eq!(&read, &digest);
                prop_assert_eq!(read.algorithm(), algorithm);
                prop_assert_eq!(read.hex().len(), algorithm.hex_len());
            }
        }
    }
}
