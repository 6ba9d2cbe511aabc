//! [`Authority`] signs tokens and checks them, offline.
//!
//! Invariant: a token is believed only when one of our own keys signed it, with ES256, for this
//! service, and its time has come and is not over. Nothing in a token says how to check it but
//! the name of a key, and that is looked up among ours.

mod claims;
mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use berth_crypto::{CryptoError, KeyFile, sha256};
use berth_db::{Db, DbError};
use berth_model::{Clock, Code, Coded, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use uuid::Uuid;

pub use claims::{AccessEntry, Claims};
use keys::Keys;

use crate::actor::Actor;

/// The issuer of our tokens; the name is Harbor's.
pub const ISSUER: &str = "harbor-token-issuer";
/// The service our tokens are for; the name is Harbor's.
pub const SERVICE: &str = "harbor-registry";

/// The name under which a scanner logs in with its token for a password, where it has no other way
/// to bring one.
pub const SCANNER: &str = "scanner";

/// Difference of clocks that is tolerated at both ends of a token's life, seconds.
const LEEWAY: i64 = 60;
/// Largest token that is looked at. The largest we issue, with 64 long scopes, is below it.
const LARGEST: usize = 32 * 1024;
/// Memory for tokens that were verified already.
const REMEMBERED_BYTES: u64 = 32 * 1024 * 1024;
/// Tokens are forgotten after this long, so that dead ones do not keep their place.
const REMEMBERED_FOR: Duration = Duration::from_mins(30);

/// Why a token is not believed. Every reason is a 401 to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours: another form, algorithm, key, issuer or a broken signature.
    #[error("the token is not valid, request a new one")]
    Invalid,
    /// Made for another service.
    #[error("the token is for another service, request one for this registry")]
    Audience,
    /// Its time is over.
    #[error("the token has expired, request a new one")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet: compare the clocks")]
    NotYet,
}

impl Coded for TokenError {
    fn code(&self) -> Code {
        Code::Unauthorized
    }
}

/// Why the keys could not be loaded, or a token not be signed.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A key could not be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A key in the database is not a key, or does not sign.
    #[error("the signing key {0} cannot be used")]
    Key(String),
}

impl Coded for AuthorityError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Key(_) => Code::Unknown,
        }
    }
}

/// A token and what its receiver is told about it.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token itself, a secret.
    pub token: String,
    /// Seconds it is valid.
    pub expires_in: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires_in", &self.expires_in)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

/// Signs tokens and checks them. Cheap to clone.
#[derive(Clone)]
pub struct Authority {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Keys,
    clock: Clock,
    validation: Validation,
    /// By the SHA-256 of the token. Only tokens that were believed: what attackers send is free
    /// to vary and would push out the others.
    verified: Cache<[u8; 32], Arc<Claims>>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}

impl Authority {
    /// Loads the keys all replicas share; makes the first one.
    pub async fn open(db: &Db, clock: Clock, key_file: &KeyFile) -> Result<Self, AuthorityError> {
        let keys = keys::load_or_create(db, &clock, key_file).await?;
        let mut validation = Validation::new(Algorithm::ES256);
        // These claims are checked here, against the injected clock, and must be there: see Claims.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let verified = Cache::builder()
            .max_capacity(REMEMBERED_BYTES)
            .weigher(|_: &[u8; 32], claims: &Arc<Claims>| claims.weight())
            .time_to_live(REMEMBERED_FOR)
            .build();
        Ok(Self {
            inner: Arc::new(Inner {
                keys,
                clock,
                validation,
                verified,
            }),
        })
    }

    /// Signs a token that lets `subject` do what `access` says, for `lifetime`.
    pub fn issue(
        &self,
        subject: &Actor,
        service: &str,
        access: impl Into<Vec<AccessEntry>>,
        lifetime: Duration,
    ) -> Result<IssuedToken, AuthorityError> {
        let mut claims = self.claims(subject.name(), service, access.into(), lifetime);
        claims.uid = subject.user_id();
        claims.rid = subject.robot_id();
        claims.sys = subject.user().is_some_and(|user| user.sysadmin);
        self.sign(&claims)
    }

    /// Signs a token that lets the scanner of this name pull `repository` and nothing else,
    /// whatever a project says of what may be pulled. It is nobody's: it gives no other right.
    pub fn issue_to_scanner(
        &self,
        scanner: &str,
        repository: &str,
        lifetime: Duration,
    ) -> Result<IssuedToken, AuthorityError> {
        let access = vec![AccessEntry {
            kind: "repository".to_owned(),
            name: repository.to_owned(),
            actions: ["pull", claims::SCANNER_PULL].map(str::to_owned).to_vec(),
        }];
        let name = format!("scanner {scanner}");
        self.sign(&self.claims(&name, SERVICE, access, lifetime))
    }

    /// Signs another token with the same rights, until the same end.
    pub fn again(&self, claims: &Claims) -> Result<IssuedToken, AuthorityError> {
        let mut claims = claims.clone();
        claims.jti = Uuid::new_v4().simple().to_string();
        self.sign(&claims)
    }

    fn claims(
        &self,
        name: &str,
        service: &str,
        access: Vec<AccessEntry>,
        lifetime: Duration,
    ) -> Claims {
        let issued_at = self.inner.clock.now();
        Claims {
            iss: ISSUER.to_owned(),
            sub: name.to_owned(),
            aud: service.to_owned(),
            exp: issued_at.plus(lifetime).seconds(),
            nbf: issued_at.seconds(),
            iat: issued_at.seconds(),
            jti: Uuid::new_v4().simple().to_string(),
            access,
            uid: None,
            rid: None,
            sys: false,
        }
    }

    fn sign(&self, claims: &Claims) -> Result<IssuedToken, AuthorityError> {
        let now = self.inner.clock.now();
        let signer = self.inner.keys.signer();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(signer.id.clone());
        let token = encode(&header, claims, &signer.private)
            .map_err(|_| AuthorityError::Key(signer.id.clone()))?;
        Ok(IssuedToken {
            token,
            expires_in: claims.exp.saturating_sub(now.seconds()).unsigned_abs(),
            issued_at: now,
        })
    }

    /// Checks a token and gives what it says.
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        if token.len() > LARGEST {
            return Err(TokenError::Invalid);
        }
        let hash = sha256(token.as_bytes());
        if let Some(claims) = self.inner.verified.get(&hash) {
            self.check_time(&claims)?;
            return Ok(claims);
        }
        let claims = Arc::new(self.decode(token)?);
        self.inner.verified.insert(hash, Arc::clone(&claims));
        Ok(claims)
    }

    fn decode(&self, token: &str) -> Result<Claims, TokenError> {
        // RFC 8725 §3.1: the algorithm is ours to choose. `jwk`, `jku` and `x5c` are not looked at.
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = header
            .kid
            .and_then(|id| self.inner.keys.verifier(&id))
            .ok_or(TokenError::Invalid)?;
        let claims = decode::<Claims>(token, key, &self.inner.validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        if claims.iss != ISSUER {
            return Err(TokenError::Invalid);
        }
        if claims.aud != SERVICE {
            return Err(TokenError::Audience);
        }
        self.check_time(&claims)?;
        Ok(claims)
    }

    fn check_time(&self, claims: &Claims) -> Result<(), TokenError> {
        let now = self.inner.clock.now().seconds();
        if now > claims.exp.saturating_add(LEEWAY) {
            return Err(TokenError::Expired);
        }
        if now < claims.nbf.saturating_sub(LEEWAY) {
            return Err(TokenError::NotYet);
        }
        Ok(())
    }
}
