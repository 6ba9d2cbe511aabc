//! Hashing passwords, and remembering for a moment those that were right.
//!
//! Invariant: at most [`AT_ONCE`] hashes are computed at a time and a bounded number waits, so
//! that a flood of logins takes neither the memory nor all cores; and a password that is
//! remembered is worth nothing once the user's row has changed.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error, Result as HashResult};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use berth_crypto::{KeyedHash, random_bytes};
use berth_model::{RobotId, Secret, Timestamp, UserId};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::IamError;

/// Hashes computed at the same time.
const AT_ONCE: usize = 2;
/// Logins that wait for their turn; more are told to come again.
const WAITING: usize = 128;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest password that is hashed, bytes: 128 characters of four.
const LONGEST: usize = 512;
/// How long a right password is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);
const REMEMBERED: u64 = 10_000;

/// What one hash costs (argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes; all are computed by one thread.
    pub lanes: u32,
}

impl Default for HashCost {
    /// The first choice of OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// Whether `password` is short enough to be anybody's.
pub(crate) fn is_plausible(password: &Secret<String>) -> bool {
    password.expose().len() <= LONGEST
}

/// The right to compute hashes, one after the other.
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// Computes hashes.
#[derive(Debug)]
pub(crate) struct Hasher {
    cost: Params,
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Hasher {
    pub(crate) fn new(cost: HashCost) -> Result<Self, IamError> {
        let cost = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| IamError::Hash(error.to_string()))?;
        Ok(Self {
            cost,
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Semaphore::new(WAITING),
        })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`IamError::Busy`] when too many wait already, or it takes too long.
    pub(crate) async fn turn(&self) -> Result<Turn, IamError> {
        let _place = self.waiting.try_acquire().map_err(|_| IamError::Busy)?;
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.running).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            Ok(Err(_)) | Err(_) => Err(IamError::Busy),
        }
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: &Secret<String>) -> Result<String, IamError> {
        let turn = self.turn().await?;
        let cost = self.cost.clone();
        let (_turn, hash) = blocking(turn, password, move |password| {
            hash(cost, password).map_err(|error| IamError::Hash(error.to_string()))
        })
        .await?;
        Ok(hash)
    }

    /// Whether `password` has the hash `stored`. Takes as long when there is none.
    ///
    /// The turn is given back with the answer, so that what follows from it can be written down
    /// before the next guess is looked at.
    pub(crate) async fn verify(
        &self,
        turn: Turn,
        password: &Secret<String>,
        stored: Option<String>,
    ) -> Result<(Turn, bool), IamError> {
        let cost = self.cost.clone();
        blocking(turn, password, move |password| match stored {
            Some(stored) => {
                verify(password, &stored).map_err(|error| IamError::Hash(error.to_string()))
            }
            None => hash(cost, password)
                .map(|_| false)
                .map_err(|error| IamError::Hash(error.to_string())),
        })
        .await
    }
}

fn hash(cost: Params, password: &[u8]) -> HashResult<String> {
    let params = ParamsString::try_from(&cost)?;
    let salt = Salt::new(&random_bytes::<16>())?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params,
        salt: Some(salt),
        hash: Some(compute(
            Algorithm::Argon2id,
            Version::V0x13,
            cost,
            password,
            &salt,
        )?),
    };
    Ok(hash.to_string())
}

/// Whether a PHC string is that of `password`.
fn verify(password: &[u8], stored: &str) -> HashResult<bool> {
    let stored = PasswordHash::new(stored)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(Error::PasswordInvalid);
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map(Version::try_from).transpose()?;
    let params = Params::try_from(&stored)?;
    let computed = compute(
        algorithm,
        version.unwrap_or_default(),
        params,
        password,
        salt,
    )?;
    // Compared in constant time.
    Ok(computed == *expected)
}

/// The hash itself, computed in memory that goes back to the system.
fn compute(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    password: &[u8],
    salt: &[u8],
) -> HashResult<Output> {
    /// The C library keeps what it is given back, unless a piece was larger than 32 MiB. What is
    /// beyond the blocks in use is never touched, so it takes addresses and no memory.
    const RETURNED: usize = 33 * 1024 * 1024 / Block::SIZE;
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(RETURNED));
    memory.resize(blocks, Block::new());
    let mut buffer = [0; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
    Argon2::new(algorithm, version, params).hash_password_into_with_memory(
        password,
        salt,
        out,
        &mut memory[..],
    )?;
    Output::new(out).map_err(Error::from)
}

async fn blocking<T: Send + 'static>(
    turn: Turn,
    password: &Secret<String>,
    work: impl FnOnce(&[u8]) -> Result<T, IamError> + Send + 'static,
) -> Result<(Turn, T), IamError> {
    let password = Zeroizing::new(password.expose().as_bytes().to_vec());
    // The turn moves in: a caller that goes away does not free it while its hash is computed.
    tokio::task::spawn_blocking(move || work(&password).map(|done| (turn, done)))
        .await
        .map_err(|error| IamError::Hash(error.to_string()))?
}

/// Whose password it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    User(UserId),
    Robot(RobotId),
}

/// A password that was right a moment ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    pub(crate) holder: Holder,
    /// As in the row the password was compared with.
    pub(crate) changed_at: Timestamp,
    at: Timestamp,
}

/// Passwords that were right a moment ago, by a keyed hash of name and password.
#[derive(Debug)]
pub(crate) struct Remembered {
    key: KeyedHash,
    entries: Cache<[u8; 32], Verified>,
}

impl Remembered {
    pub(crate) fn new() -> Self {
        Self {
            key: KeyedHash::new(),
            entries: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(REMEMBERED_FOR)
                .build(),
        }
    }

    pub(crate) fn key(&self, name: &str, password: &Secret<String>) -> [u8; 32] {
        self.key
            .of(&[name.as_bytes(), password.expose().as_bytes()])
    }

    pub(crate) fn get(&self, key: &[u8; 32], now: Timestamp) -> Option<Verified> {
        self.entries
            .get(key)
            .filter(|entry| now < entry.at.plus(REMEMBERED_FOR))
    }

    pub(crate) fn insert(
        &self,
        key: [u8; 32],
        holder: Holder,
        changed_at: Timestamp,
        now: Timestamp,
    ) {
        self.entries.insert(
            key,
            Verified {
                holder,
                changed_at,
                at: now,
            },
        );
    }

    pub(crate) fn forget(&self, key: &[u8; 32]) {
        self.entries.invalidate(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: HashCost = HashCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn passwords_match_their_own_hash_only() {
        let hasher = Hasher::new(QUICK).unwrap();
        let hash = hasher.hash(&secret("Pässwörd1")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(&secret("Pässwörd1")).await.unwrap());
        for (password, stored, right) in [
            ("Pässwörd1", Some(&hash), true),
            ("Pässwörd2", Some(&hash), false),
            ("", Some(&hash), false),
            ("Pässwörd1", None, false),
        ] {
            let turn = hasher.turn().await.unwrap();
            let stored = stored.cloned();
            let (_turn, matches) = hasher
                .verify(turn, &secret(password), stored)
                .await
                .unwrap();
            assert_eq!(matches, right, "{password}");
        }
        let turn = hasher.turn().await.unwrap();
        let damaged = hasher
            .verify(turn, &secret("x"), Some("no hash".to_owned()))
            .await;
        assert!(matches!(damaged, Err(IamError::Hash(_))));
    }

    #[tokio::test]
    async fn the_default_cost_is_19_mib() {
        let hasher = Hasher::new(HashCost::default()).unwrap();
        let hash = hasher.hash(&secret("x")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded_and_patience_ends() {
        let hasher = Arc::new(Hasher::new(QUICK).unwrap());
        let turns = [hasher.turn().await.unwrap(), hasher.turn().await.unwrap()];
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.turn().await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(matches!(hasher.turn().await, Err(IamError::Busy)));
        for waiter in waiting {
            assert!(matches!(waiter.await.unwrap(), Err(IamError::Busy)));
        }
        drop(turns);
        assert!(hasher.turn().await.is_ok());
    }
}
