//! The key file, sealing at rest, random values and hashes.
//!
//! Invariant: every primitive is AWS-LC's; nothing here is a cipher of our own.

mod error;
mod hash;
mod key_file;
mod random;

pub use error::CryptoError;
pub use hash::{KeyedHash, constant_time_eq, hmac_sha256, sha256, sha256_hex};
pub use key_file::KeyFile;
pub use random::{random_bytes, random_password, random_secret, random_token};
