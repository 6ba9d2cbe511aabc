//! The keys that sign tokens, in the database, sealed with the key file.
//!
//! Invariant: at least one key exists, and replicas that start together agree on the first.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use berth_crypto::KeyFile;
use berth_db::{Db, DbError, Engine, Tx, args};
use berth_model::{Clock, Timestamp};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use super::AuthorityError;

/// More keys than rotation ever leaves behind; the newest are taken.
const MOST_KEYS: i64 = 16;

pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) private: EncodingKey,
    public: DecodingKey,
}

/// All keys, the one that signs first.
pub(super) struct Keys {
    signer: SigningKey,
    older: Vec<SigningKey>,
}

impl Keys {
    pub(super) const fn signer(&self) -> &SigningKey {
        &self.signer
    }

    pub(super) fn verifier(&self, id: &str) -> Option<&DecodingKey> {
        std::iter::once(&self.signer)
            .chain(&self.older)
            .find(|key| key.id == id)
            .map(|key| &key.public)
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    key_id: String,
    private_key: Vec<u8>,
}

pub(super) async fn load_or_create(
    db: &Db,
    clock: &Clock,
    key_file: &KeyFile,
) -> Result<Keys, AuthorityError> {
    let mut rows = load(db).await?;
    if rows.is_empty() {
        let (id, private) = generate()?;
        let sealed = key_file.seal(&context(&id), &private)?;
        let now = clock.now();
        db.write(move |tx| Box::pin(insert_first(tx, id, sealed, now)))
            .await?;
        rows = load(db).await?;
    }
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let private = key_file.open(&context(&row.key_id), &row.private_key)?;
        keys.push(read(row.key_id, &private)?);
    }
    if keys.is_empty() {
        return Err(AuthorityError::Db(DbError::NotFound));
    }
    Ok(Keys {
        signer: keys.remove(0),
        older: keys,
    })
}

async fn load(db: &Db) -> Result<Vec<KeyRow>, DbError> {
    db.all(
        "SELECT key_id, private_key FROM signing_key \
         ORDER BY CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END, created_at DESC, key_id LIMIT $1",
        args![MOST_KEYS],
    )
    .await
}

/// Adds the key unless another replica was first.
async fn insert_first(
    tx: &mut Tx,
    id: String,
    sealed: Vec<u8>,
    now: Timestamp,
) -> Result<(), DbError> {
    if tx.engine() == Engine::Postgres {
        // Two replicas would each see an empty table; the second waits here and then sees a key.
        tx.execute("LOCK TABLE signing_key IN EXCLUSIVE MODE", args![])
            .await?;
    }
    let (count,): (i64,) = tx.one("SELECT COUNT(*) FROM signing_key", args![]).await?;
    if count == 0 {
        tx.execute(
            "INSERT INTO signing_key (key_id, private_key, created_at) VALUES ($1, $2, $3)",
            args![id, sealed, now],
        )
        .await?;
    }
    Ok(())
}

fn context(id: &str) -> String {
    format!("signing_key:{id}")
}

fn generate() -> Result<(String, Vec<u8>), AuthorityError> {
    let failed = || AuthorityError::Key("new".to_owned());
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed())?;
    let private = pair.to_pkcs8v1().map_err(|_| failed())?.as_ref().to_vec();
    let id = thumbprint(&EncodingKey::from_ec_der(&private)).map_err(|_| failed())?;
    Ok((id, private))
}

/// The key's name is its RFC 7638 thumbprint.
fn thumbprint(key: &EncodingKey) -> jsonwebtoken::errors::Result<String> {
    Jwk::from_encoding_key(key, Algorithm::ES256)?.thumbprint(ThumbprintHash::SHA256)
}

fn read(id: String, private: &[u8]) -> Result<SigningKey, AuthorityError> {
    let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private) else {
        return Err(AuthorityError::Key(id));
    };
    Ok(SigningKey {
        private: EncodingKey::from_ec_der(private),
        public: DecodingKey::from_ec_der(pair.public_key().as_ref()),
        id,
    })
}
