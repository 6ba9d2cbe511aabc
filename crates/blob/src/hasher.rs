//! Hashing that can be stopped, saved and taken up again.
//!
//! Invariant: a saved state is only ever continued when the bytes it covers are known to be on the
//! disk; whatever is doubtful is hashed again from the file.

use std::fmt;

use berth_oci::{Algorithm, Digest};
use sha2::Digest as _;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Sha256, Sha512};

use crate::error::BlobError;

/// Identifies one run of the machine: bytes not yet synced outlive a process but not the machine.
pub(crate) type Boot = [u8; 16];

/// Where an upload stands, to be kept with its session and given to
/// [`BlobStore::resume`](crate::BlobStore::resume).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Bytes accepted and written so far.
    pub offset: u64,
    /// The state of the hash after those bytes; opaque.
    pub state: Vec<u8>,
}

/// A running hash.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

const SHA256: u8 = 1;
const SHA512: u8 = 2;
const HEADER: usize = 1 + size_of::<Boot>();

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The digest of what was hashed.
    pub(crate) fn finish(self) -> Result<Digest, BlobError> {
        let algorithm = self.algorithm();
        let hex = match self {
            Self::Sha256(hash) => hex::encode(hash.finalize()),
            Self::Sha512(hash) => hex::encode(hash.finalize()),
        };
        let digest = format!("{algorithm}:{hex}");
        digest.parse().map_err(|_| BlobError::BadKey)
    }

    /// The state, tagged with its algorithm and the run of the machine it was made in.
    pub(crate) fn save(&self, boot: &Boot) -> Vec<u8> {
        let (tag, state) = match self {
            Self::Sha256(hash) => (SHA256, hash.serialize().to_vec()),
            Self::Sha512(hash) => (SHA512, hash.serialize().to_vec()),
        };
        let mut saved = Vec::with_capacity(HEADER + state.len());
        saved.push(tag);
        saved.extend_from_slice(boot);
        saved.extend_from_slice(&state);
        saved
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm().as_str())
    }
}

/// What a saved state says.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The algorithm, known even where the state is of no use.
    pub(crate) algorithm: Algorithm,
    /// The hash, if it was saved in this run of the machine and is readable; else the bytes have
    /// to be hashed again.
    pub(crate) hasher: Option<Hasher>,
}

impl Saved {
    /// Reads what [`Hasher::save`] wrote; `None` if it did not.
    pub(crate) fn read(saved: &[u8], boot: &Boot) -> Option<Self> {
        let (header, state) = saved.split_at_checked(HEADER)?;
        let (tag, saved_in) = header.split_first()?;
        let (algorithm, hasher) = match *tag {
            SHA256 => (Algorithm::Sha256, load(state).map(Hasher::Sha256)),
            SHA512 => (Algorithm::Sha512, load(state).map(Hasher::Sha512)),
            _ => return None,
        };
        Some(Self {
            algorithm,
            hasher: hasher.filter(|_| saved_in == boot),
        })
    }
}

fn load<T: SerializableState>(state: &[u8]) -> Option<T> {
    let state = <&SerializedState<T>>::try_from(state).ok()?;
    T::deserialize(state).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: Boot = [7; 16];

    #[test]
    fn known_answers() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"abc");
        assert_eq!(
            hasher.finish().unwrap().to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let empty = Hasher::new(Algorithm::Sha512).finish().unwrap();
        assert!(empty.hex().starts_with("cf83e1357eefb8bd"));
    }

    #[test]
    fn a_saved_state_goes_on() {
        for algorithm in Algorithm::ALL {
            let mut whole = Hasher::new(algorithm);
            whole.update(b"hello, world");
            let mut first = Hasher::new(algorithm);
            first.update(b"hello");
            let saved = Saved::read(&first.save(&BOOT), &BOOT).unwrap();
            let mut second = saved.hasher.unwrap();
            second.update(b", world");
            assert_eq!(second.finish().unwrap(), whole.finish().unwrap());
        }
    }

    #[test]
    fn a_state_of_another_boot_or_a_damaged_one_is_not_continued() {
        let saved = Hasher::new(Algorithm::Sha512).save(&BOOT);
        let other_boot = Saved::read(&saved, &[8; 16]).unwrap();
        assert!(other_boot.hasher.is_none());
        assert_eq!(other_boot.algorithm, Algorithm::Sha512);
        let cut = Saved::read(&saved[..saved.len() - 1], &BOOT).unwrap();
        assert!(cut.hasher.is_none());
        assert!(Saved::read(&[], &BOOT).is_none());
        assert!(Saved::read(&[9; 200], &BOOT).is_none());
    }
}
