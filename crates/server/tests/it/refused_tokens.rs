//! Tokens that must open nothing: forged, too old, or of a project that is no more.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use berth_crypto::KeyFile;
use berth_db::args;
use berth_model::{Clock, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::app::{App, Engine, Setup, both, both_with};

const PULL: &str = "repository:library/app:pull";
const PATH: &str = "/v2/library/app/manifests/a";

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A clock that stands, at a time that is no round number of seconds.
fn standing() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_micros(1_800_000_000_250_000)),
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_dies_of_age() {
    both_with(&standing(), async |app| {
        app.push_image("library/app", "a", "a").await;
        let answer = app
            .token_answer(Some(&app.admin), &[PULL])
            .await
            .expect(200)
            .json();
        let token = answer["token"].as_str().unwrap();
        app.get(PATH).bearer(token).send().await.expect(200);
        // A minute is granted, for clocks that differ.
        let life = answer["expires_in"].as_u64().unwrap();
        app.clock.advance(Duration::from_secs(life + 59));
        app.get(PATH).bearer(token).send().await.expect(200);
        app.clock.advance(Duration::from_secs(2));
        let dead = app
            .get(PATH)
            .bearer(token)
            .send()
            .await
            .refused(401, "UNAUTHORIZED");
        assert!(
            dead.need("www-authenticate")
                .contains("error=\"invalid_token\"")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_not_for_a_later_project_of_the_same_name() {
    both_with(&standing(), async |app| {
        let jane = app.user("jane").await;
        app.member("library", &jane, 2).await;
        app.project("ours", false).await;
        app.member("ours", &jane, 4).await;
        app.push_image("ours/app", "a", "a").await;
        let scopes = [
            "repository:ours/app:pull,push,delete",
            "repository:library/app:pull,push",
        ];
        let token = app.token(Some(&jane), &scopes).await;
        let path = "/v2/ours/app/manifests/a";
        app.get(path).bearer(&token).send().await.expect(200);
        for gone in ["/repositories/app", ""] {
            let path = format!("/api/v2.0/projects/ours{gone}");
            app.delete(&path).send().await.expect(200);
        }
        app.clock.advance(Duration::from_secs(2));
        app.project("ours", false).await;
        let image = app.push_image("ours/app", "a", "b").await;
        let blob = format!("/v2/ours/app/blobs/{}", image.config);
        for (method, path) in [
            ("GET", path),
            ("HEAD", path),
            ("PUT", path),
            ("DELETE", path),
            ("GET", &blob),
            ("HEAD", &blob),
            ("DELETE", &blob),
            ("GET", "/v2/ours/app/tags/list"),
            ("GET", &format!("/v2/ours/app/referrers/{}", image.digest)),
            ("POST", "/v2/ours/app/blobs/uploads/"),
        ] {
            let call = app.call(method.parse().unwrap(), path).bearer(&token);
            let answer = call.send().await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        }
        let mount = "/v2/library/app/blobs/uploads/?mount=";
        let mount = format!("{mount}{}&from=ours/app", image.config);
        app.post(&mount).bearer(&token).send().await.expect(202);
        app.member("ours", &jane, 4).await;
        app.post(&mount).bearer(&token).send().await.expect(201);
        let token = app.token(Some(&jane), &scopes).await;
        app.get(path).bearer(&token).send().await.expect(200);
    })
    .await;
}

/// The private key of a server, as a thief of its database and its key file would read it.
async fn stolen_key(app: &App) -> (String, EncodingKey) {
    let (id, sealed): (String, Vec<u8>) = app
        .parts
        .db
        .one("SELECT key_id, private_key FROM signing_key", args![])
        .await
        .unwrap();
    let file = KeyFile::load_or_create(app.settings.data.join("secret.key")).unwrap();
    let key = file.open(&format!("signing_key:{id}"), &sealed).unwrap();
    (id, EncodingKey::from_ec_der(&key))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_tokens_open_nothing() {
    let other = App::start(Engine::Sqlite, &Setup::default()).await.unwrap();
    both(async |app| {
        app.push_image("library/app", "a", "a").await;
        let (id, key) = stolen_key(app).await;
        let (other_id, other_key) = stolen_key(&other).await;
        let now = app.clock.now().seconds();
        let good = json!({
            "iss": "harbor-token-issuer", "sub": "admin", "aud": "harbor-registry", "jti": "1",
            "iat": now, "nbf": now, "exp": now + 300, "uid": 1, "sys": true,
            "access": [{"type": "repository", "name": "library/app", "actions": ["pull"]}],
        });
        let signed = |id: &str, key: &EncodingKey, change: &[(&str, Value)]| {
            let mut header = Header::new(Algorithm::ES256);
            header.kid = Some(id.to_owned());
            let mut claims = good.clone();
            for (name, value) in change {
                claims[*name] = value.clone();
            }
            encode(&header, &claims, key).unwrap()
        };
        // The forge works: what follows is refused for what is changed.
        let real = signed(&id, &key, &[]);
        app.get(PATH).bearer(&real).send().await.expect(200);
        let signature = real.rsplit('.').next().unwrap();
        let body = part(&good);
        let head = |alg: &str| part(&json!({"typ": "JWT", "alg": alg, "kid": id}));
        let mut hmac = Header::new(Algorithm::HS256);
        hmac.kid = Some(id.clone());
        let jwk = json!({"typ": "JWT", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}});
        let mut raised = good.clone();
        raised["access"][0]["actions"] = json!(["pull", "push"]);
        let forged = [
            ("no algorithm", format!("{}.{body}.", head("none"))),
            ("None", format!("{}.{body}.{signature}", head("None"))),
            (
                "another algorithm",
                format!("{}.{body}.{signature}", head("RS256")),
            ),
            (
                "hmac",
                encode(&hmac, &good, &EncodingKey::from_secret(id.as_bytes())).unwrap(),
            ),
            ("their token", signed(&other_id, &other_key, &[])),
            ("our key's name, their key", signed(&id, &other_key, &[])),
            ("their key's name, our key", signed(&other_id, &key, &[])),
            (
                "a key of its own",
                format!("{}.{body}.{signature}", part(&jwk)),
            ),
            (
                "changed",
                format!("{}.{}.{signature}", head("ES256"), part(&raised)),
            ),
            ("no signature", format!("{}.{body}", head("ES256"))),
            ("audience", signed(&id, &key, &[("aud", json!("other"))])),
            ("issuer", signed(&id, &key, &[("iss", json!("other"))])),
            ("future", signed(&id, &key, &[("nbf", json!(now + 3600))])),
            ("past", signed(&id, &key, &[("exp", json!(now - 3600))])),
            ("no end", signed(&id, &key, &[("exp", Value::Null)])),
            ("long", "a".repeat(40_000)),
            ("text", "a.b.c".to_owned()),
        ];
        for (what, token) in forged {
            let answer = app.get(PATH).bearer(&token).send().await;
            assert_eq!(
                (answer.status, answer.code().as_deref()),
                (401, Some("UNAUTHORIZED")),
                "{what}: {}",
                answer.text()
            );
            let challenge = answer.need("www-authenticate");
            assert!(
                challenge.contains("error=\"invalid_token\""),
                "{what}: {challenge}"
            );
        }
        // Keys nobody has, in numbers: each is looked up among ours and costs nothing.
        for n in 0..200 {
            let token = signed(&format!("key-{n}"), &other_key, &[]);
            app.get(PATH)
                .bearer(&token)
                .send()
                .await
                .refused(401, "UNAUTHORIZED");
        }
        app.get(PATH).bearer(&real).send().await.expect(200);
    })
    .await;
    other.stop().await;
}
