//! How the secrets of robots are kept.
//!
//! A secret that was made up here cannot be guessed, so a salted SHA-256 of it is as safe as a
//! slow hash and costs a robot's many logins nothing. One that somebody chose may be weak and is
//! kept like a password.
//!
//! Invariant: only the right secret is answered quickly. A wrong one takes the work of a password
//! whatever is kept, so that time does not tell which robots there are.

use berth_crypto::{constant_time_eq, random_bytes, random_secret, sha256};
use berth_model::{NameError, Secret, check_password};
use zeroize::Zeroizing;

use crate::IamError;
use crate::passwords::Hasher;

const QUICK: &str = "$sha256$";
const SALT: usize = 16;

/// A secret and what is kept of it.
#[derive(Clone)]
pub struct NewSecret {
    /// The secret, to be shown once.
    pub secret: Secret<String>,
    /// Whether it was made up here.
    pub random: bool,
    pub(crate) hash: String,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret(…)")
    }
}

/// Takes the given secret, or makes one up.
pub(crate) async fn make(
    hasher: &Hasher,
    given: Option<Secret<String>>,
) -> Result<NewSecret, IamError> {
    let Some(secret) = given else {
        let secret = random_secret();
        let salt = random_bytes::<SALT>();
        let hash = format!("{QUICK}{}${}", hex(&salt), hex(&digest(&salt, &secret)));
        return Ok(NewSecret {
            secret: Secret::new(secret),
            random: true,
            hash,
        });
    };
    check_password(secret.expose()).map_err(|_| NameError::Secret)?;
    let hash = hasher.hash(&secret).await?;
    Ok(NewSecret {
        secret,
        random: false,
        hash,
    })
}

/// Whether what is kept is of a secret that was made up here.
pub(crate) fn is_quick(stored: &str) -> bool {
    stored.starts_with(QUICK)
}

/// Whether a secret that was made up here is the right one.
pub(crate) fn matches_quickly(stored: &str, secret: &Secret<String>) -> bool {
    let parts = stored
        .strip_prefix(QUICK)
        .and_then(|rest| rest.split_once('$'));
    let Some((salt, hash)) = parts else {
        return false;
    };
    let Some(salt) = unhex(salt) else {
        return false;
    };
    let found = hex(&digest(&salt, secret.expose()));
    constant_time_eq(found.as_bytes(), hash.as_bytes())
}

fn digest(salt: &[u8], secret: &str) -> [u8; 32] {
    let mut salted = Zeroizing::new(salt.to_vec());
    salted.extend_from_slice(secret.as_bytes());
    sha256(&salted)
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HashCost;

    fn hasher() -> Hasher {
        Hasher::new(HashCost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn random_secrets_are_long_and_match_their_own_hash_only() {
        let (one, other) = (
            make(&hasher(), None).await.unwrap(),
            make(&hasher(), None).await.unwrap(),
        );
        assert_eq!(one.secret.expose().len(), 32);
        assert!(one.random && is_quick(&one.hash));
        assert!(check_password(one.secret.expose()).is_ok());
        assert!(matches_quickly(&one.hash, &one.secret));
        assert!(!matches_quickly(&one.hash, &other.secret));
        assert!(!one.hash.contains(one.secret.expose().as_str()));
        assert!(!format!("{one:?}").contains(one.secret.expose().as_str()));
        for damaged in ["", "$sha256$", "$sha256$zz$00", "$sha256$0$", "$sha256$é$"] {
            assert!(!matches_quickly(damaged, &one.secret), "{damaged}");
        }
    }

    #[tokio::test]
    async fn chosen_secrets_are_kept_like_passwords() {
        let given = || Secret::new("Rivet12345".to_owned());
        let made = make(&hasher(), Some(given())).await.unwrap();
        assert!(!made.random && made.hash.starts_with("$argon2id$"));
        assert!(!is_quick(&made.hash) && !matches_quickly(&made.hash, &given()));
        for weak in ["", "short1A", "alllower12", &"Aa1".repeat(60)] {
            let refused = make(&hasher(), Some(Secret::new(weak.to_owned()))).await;
            assert!(
                matches!(refused, Err(IamError::Name(NameError::Secret))),
                "{weak}"
            );
        }
    }
}
