//! Tokens: what is signed is believed, and nothing else.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use berth_crypto::KeyFile;
use berth_db::args;
use berth_iam::{AccessEntry, Actor, Authority, SERVICE, TokenError};
use berth_testkit::{TestDb, both_engines};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::Harbour;

const HALF_AN_HOUR: Duration = Duration::from_mins(30);

fn pull(name: &str) -> Vec<AccessEntry> {
    vec![AccessEntry {
        kind: "repository".to_owned(),
        name: name.to_owned(),
        actions: vec!["pull".to_owned()],
    }]
}

/// The private key the authority signs with, as a thief of database and key file would read it.
async fn stolen_key(harbour: &Harbour) -> (String, Vec<u8>) {
    let (id, sealed): (String, Vec<u8>) = harbour
        .db
        .one("SELECT key_id, private_key FROM signing_key", args![])
        .await
        .unwrap();
    let key_file = KeyFile::load_or_create(harbour.folder.path().join("key")).unwrap();
    let key = key_file
        .open(&format!("signing_key:{id}"), &sealed)
        .unwrap();
    (id, key.to_vec())
}

fn claims(harbour: &Harbour) -> Value {
    let now = harbour.clock.now().seconds();
    json!({
        "iss": "harbor-token-issuer", "sub": "mallory", "aud": SERVICE, "jti": "1",
        "iat": now, "nbf": now, "exp": now + 1800, "uid": 1, "sys": true,
        "access": [{"type": "repository", "name": "a/b", "actions": ["*"]}],
    })
}

fn header(id: &str) -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(id.to_owned());
    header
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn tokens_say_what_was_given() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        harbour.user("jane").await;
        let jane = Actor::User(harbour.login("jane").await);
        let issued = harbour
            .iam
            .issue(&jane, SERVICE, pull("library/alpine"), HALF_AN_HOUR)
            .unwrap();
        assert_eq!(issued.expires_in, 1800);
        assert!(!format!("{issued:?}").contains(&issued.token));

        // Another replica believes it, twice: the second time from memory.
        let replica = harbour.replica().await;
        for _ in 0..2 {
            let claims = replica.verify(&issued.token).unwrap();
            assert_eq!(claims.subject(), "jane");
            assert_eq!(claims.user_id(), jane.user_id());
            assert!(!claims.sysadmin());
            assert_eq!(claims.issued_at(), harbour.clock.now());
            assert!(claims.allows("library/alpine", "pull"));
            assert!(!claims.allows("library/alpine", "push"));
            assert!(!claims.allows("library/alpin", "pull"));
            assert!(!claims.allows_catalog());
        }
        let nobody = harbour
            .iam
            .issue(&Actor::Anonymous, SERVICE, vec![], HALF_AN_HOUR)
            .unwrap();
        let claims = replica.verify(&nobody.token).unwrap();
        assert_eq!((claims.subject(), claims.user_id()), ("", None));
        // A token gives no new tokens.
        let holder = Actor::Token(claims);
        assert!(
            harbour
                .iam
                .issue(&holder, SERVICE, vec![], HALF_AN_HOUR)
                .is_err()
        );
    })
    .await;
}

#[tokio::test]
async fn time_is_kept_even_for_remembered_tokens() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let token = harbour
        .iam
        .issue(&Actor::Anonymous, SERVICE, vec![], HALF_AN_HOUR)
        .unwrap()
        .token;
    let verify = || harbour.iam.verify(&token).map(drop);
    assert_eq!(verify(), Ok(()));
    harbour.clock.advance(HALF_AN_HOUR + Duration::from_mins(1));
    assert_eq!(verify(), Ok(()), "a minute of leeway");
    harbour.clock.advance(Duration::from_secs(1));
    assert_eq!(verify(), Err(TokenError::Expired));
    let fresh = harbour.replica().await;
    assert_eq!(fresh.verify(&token).map(drop), Err(TokenError::Expired));
}

#[tokio::test]
async fn what_a_key_of_ours_signed_must_still_fit() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let (id, private) = stolen_key(&harbour).await;
    let key = EncodingKey::from_ec_der(&private);
    let signed = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims(&harbour);
        change(&mut claims);
        harbour
            .iam
            .verify(&encode(&header(&id), &claims, &key).unwrap())
            .map(drop)
    };
    let now = harbour.clock.now().seconds();
    // The attack of this test is real: unchanged, the claims are believed.
    assert_eq!(signed(&|_| ()), Ok(()));
    assert_eq!(signed(&|c| c["nbf"] = json!(now + 60)), Ok(()));
    assert_eq!(
        signed(&|c| c["nbf"] = json!(now + 61)),
        Err(TokenError::NotYet)
    );
    assert_eq!(
        signed(&|c| c["exp"] = json!(now - 61)),
        Err(TokenError::Expired)
    );
    assert_eq!(
        signed(&|c| c["aud"] = json!("harbor-notary")),
        Err(TokenError::Audience)
    );
    assert_eq!(
        signed(&|c| c["aud"] = json!([SERVICE])),
        Err(TokenError::Invalid)
    );
    assert_eq!(
        signed(&|c| c["iss"] = json!("mallory")),
        Err(TokenError::Invalid)
    );
    assert_eq!(
        signed(&|c| c["exp"] = json!("never")),
        Err(TokenError::Invalid)
    );
    assert_eq!(
        signed(&|c| c["exp"] = json!(1e300)),
        Err(TokenError::Invalid)
    );
    for claim in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"] {
        let without = signed(&|c| drop(c.as_object_mut().unwrap().remove(claim)));
        assert_eq!(without, Err(TokenError::Invalid), "without {claim}");
    }
}

#[tokio::test]
async fn forged_tokens_are_not_believed() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let (id, private) = stolen_key(&harbour).await;
    let ours = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private).unwrap();
    let public = ours.public_key().as_ref();
    let other_pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let other = EncodingKey::from_ec_der(other_pair.to_pkcs8v1().unwrap().as_ref());
    let claims = claims(&harbour);
    let good = encode(&header(&id), &claims, &EncodingKey::from_ec_der(&private)).unwrap();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();

    let hmac = |secret: &[u8]| {
        let mut header = header(&id);
        header.alg = Algorithm::HS256;
        encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let mut own_jwk = header(&id);
    own_jwk.jwk = Some(Jwk::from_encoding_key(&other, Algorithm::ES256).unwrap());
    let mut own_jwk_without_kid = own_jwk.clone();
    own_jwk_without_kid.kid = None;
    let none = |alg: &str| part(&json!({"alg": alg, "typ": "JWT", "kid": id}));
    let promoted = part(&json!({"iss": "harbor-token-issuer", "sub": "root"}));

    for (attack, token) in [
        ("alg none", format!("{}.{body}.", none("none"))),
        ("alg None", format!("{}.{body}.{signature}", none("None"))),
        ("alg ES384", format!("{}.{body}.{signature}", none("ES384"))),
        ("HS256 with the public key", hmac(public)),
        ("HS256 with an empty key", hmac(b"")),
        (
            "the name of our key, another key",
            encode(&header(&id), &claims, &other).unwrap(),
        ),
        (
            "a key nobody has",
            encode(&header("x"), &claims, &other).unwrap(),
        ),
        (
            "no key named",
            encode(&Header::new(Algorithm::ES256), &claims, &other).unwrap(),
        ),
        (
            "a key in the header",
            encode(&own_jwk, &claims, &other).unwrap(),
        ),
        (
            "only a key in the header",
            encode(&own_jwk_without_kid, &claims, &other).unwrap(),
        ),
        ("changed claims", format!("{head}.{promoted}.{signature}")),
        (
            "a changed signature",
            format!("{signed}.{}", "A".repeat(86)),
        ),
        (
            "a zero signature",
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        ),
        ("a cut signature", format!("{signed}.{}", &signature[..40])),
        ("no signature", format!("{signed}.")),
        ("two parts", signed.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("padding", format!("{good}==")),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("garbage", "\u{0}\u{7f}é".repeat(50)),
        ("too long", format!("{good}{}", "A".repeat(32 * 1024))),
        (
            "a long header",
            format!("{}.{body}.{signature}", "A".repeat(31 * 1024)),
        ),
    ] {
        let believed = harbour.iam.verify(&token).map(drop);
        assert_eq!(believed, Err(TokenError::Invalid), "{attack}");
    }
    assert!(harbour.iam.verify(&good).is_ok());
}

#[tokio::test]
async fn replicas_that_start_together_share_one_key() {
    both_engines(|db| async move {
        let folder = tempfile::tempdir().unwrap();
        let key_file = KeyFile::load_or_create(folder.path().join("key")).unwrap();
        let clock = berth_model::Clock::system();
        let open = || Authority::open(&db, clock.clone(), &key_file);
        let (a, b, c) = tokio::join!(open(), open(), open());
        let token = a
            .unwrap()
            .issue(&Actor::Anonymous, SERVICE, vec![], HALF_AN_HOUR)
            .unwrap();
        assert!(b.unwrap().verify(&token.token).is_ok());
        assert!(c.unwrap().verify(&token.token).is_ok());
        let (keys,): (i64,) = db
            .one("SELECT COUNT(*) FROM signing_key", args![])
            .await
            .unwrap();
        assert_eq!(keys, 1);
    })
    .await;
}

#[tokio::test]
async fn another_key_file_cannot_use_the_database() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let folder = tempfile::tempdir().unwrap();
    let stranger = KeyFile::load_or_create(folder.path().join("key")).unwrap();
    let opened = Authority::open(&harbour.db, harbour.clock.clone(), &stranger).await;
    assert!(opened.unwrap_err().to_string().contains("another key file"));
}
