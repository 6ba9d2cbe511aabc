//! The token service and what its tokens open (distribution's token specification).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use berth_model::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, both};
use crate::client::Login;

const PULL: &str = "repository:library/app:pull";
const PATH: &str = "/v2/library/app/manifests/a";

/// What a token says, unchecked.
fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

/// The actions a token gives on a name.
fn actions(token: &str, name: &str) -> Vec<String> {
    let claims = claims(token);
    let access = claims["access"].as_array().unwrap();
    let entry = access.iter().find(|entry| entry["name"] == name);
    let actions = entry.map_or(&Value::Null, |entry| &entry["actions"]);
    let actions = actions.as_array().into_iter().flatten();
    actions.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_told_of_in_the_words_of_all_clients() {
    both(async |app| {
        let answer = app
            .token_answer(Some(&app.admin), &[PULL])
            .await
            .expect(200);
        assert_eq!(answer.need("content-type"), "application/json");
        assert_eq!(answer.need("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!(body["token"], body["access_token"]);
        assert!(body["expires_in"].as_u64().unwrap() >= 60);
        assert!(Timestamp::parse(body["issued_at"].as_str().unwrap()).is_some());
        assert_eq!(body.get("refresh_token"), None);
        let claims = claims(body["token"].as_str().unwrap());
        assert_eq!(claims["iss"], "harbor-token-issuer");
        assert_eq!(claims["aud"], "harbor-registry");
        assert_eq!(claims["sub"], "admin");
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, body["expires_in"].as_i64().unwrap());
        let offline = "/service/token?service=harbor-registry&offline_token=true&account=admin";
        let body = app.get(offline).send().await.expect(200).json();
        assert!(body["refresh_token"].as_str().unwrap().len() > 20);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_holds_what_was_asked_for_and_may_be_had() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.project("open", true).await;
        app.project("secret", false).await;
        app.project("ours", false).await;
        app.member("ours", &jane, 2).await;
        let developer = ["pull", "push"].map(str::to_owned);
        let scopes = [
            // Many in one value, and many values.
            "repository:ours/a:pull,push,delete%20repository:ours/b:*",
            "repository:open/c:pull,push",
            "repository:secret/d:pull",
            "repository:nowhere/e:pull",
            "repository:Bad/F:pull",
            "registry:catalog:*",
        ];
        let token = app.token(Some(&jane), &scopes).await;
        assert_eq!(actions(&token, "ours/a"), developer);
        assert_eq!(actions(&token, "ours/b"), developer);
        assert_eq!(actions(&token, "open/c"), ["pull"]);
        for nothing in ["secret/d", "nowhere/e", "Bad/F", "ours/other"] {
            assert!(actions(&token, nothing).is_empty(), "{nothing}");
        }
        assert_eq!(actions(&token, "catalog"), ["*"]);
        let token = app.token(Some(&jane), &["repository:ours/a:push"]).await;
        assert_eq!(actions(&token, "ours/a"), ["push"]);
        let token = app.token(None, &scopes).await;
        assert_eq!(actions(&token, "open/c"), ["pull"]);
        for nothing in ["ours/b", "secret/d", "catalog"] {
            assert!(actions(&token, nothing).is_empty(), "{nothing}");
        }
        assert_eq!(claims(&token)["sub"], "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_are_never_taken_for_none() {
    both(async |app| {
        app.project("open", true).await;
        let wrong = Login {
            password: "Wrong-Password-1".to_owned(),
            ..app.admin.clone()
        };
        let stranger = Login {
            name: "nobody-here".to_owned(),
            ..wrong.clone()
        };
        for who in [&wrong, &stranger] {
            let answer = app
                .token_answer(Some(who), &["repository:open/a:pull"])
                .await;
            let answer = answer.refused(401, "UNAUTHORIZED");
            assert!(answer.need("www-authenticate").starts_with("Basic"));
            app.get("/v2/")
                .by(who)
                .send()
                .await
                .refused(401, "UNAUTHORIZED");
        }
        for header in [
            "Basic",
            "Basic !!!",
            "Basic YWRtaW4=",
            "Digest x",
            "Bearer",
            "x",
        ] {
            let path = "/service/token?service=harbor-registry&scope=repository:open/a:pull";
            let call = app.get(path).nobody().header("authorization", header);
            call.send().await.refused(401, "UNAUTHORIZED");
        }
        // Nobody asking for nothing is nobody to give a token to.
        app.token_answer(None, &[])
            .await
            .refused(401, "UNAUTHORIZED");
        let other = app.get("/service/token?service=other").send().await;
        assert_eq!(other.status, 400, "{}", other.text());
        for scope in ["repository", "repository:a", "::", "a:b:%00"] {
            let answer = app.token_answer(Some(&app.admin), &[scope]).await;
            assert!(
                matches!(answer.status, 200 | 400),
                "{scope}: {}",
                answer.text()
            );
        }
    })
    .await;
}

async fn post(app: &App, pairs: &[(&str, &str)]) -> Answer {
    app.post("/service/token").nobody().form(pairs).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_gets_a_token_too_and_a_refresh_token_on_demand() {
    both(async |app| {
        app.push_image("library/app", "a", "a").await;
        let jane = app.user("jane").await;
        app.member("library", &jane, 3).await;
        let password = [
            ("grant_type", "password"),
            ("service", "harbor-registry"),
            ("client_id", "test"),
            ("username", "jane"),
            ("password", &jane.password),
            (
                "scope",
                "repository:library/app:pull,push repository:library/b:pull",
            ),
        ];
        let body = post(app, &password).await.expect(200).json();
        assert_eq!(body["scope"], password[5].1);
        assert_eq!(body.get("refresh_token"), None);
        assert!(body["expires_in"].as_u64().unwrap() >= 60);
        assert!(Timestamp::parse(body["issued_at"].as_str().unwrap()).is_some());
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(actions(token, "library/app"), ["pull"]);
        app.get(PATH).bearer(token).send().await.expect(200);

        let offline = [&password[..], &[("access_type", "offline")]].concat();
        let body = post(app, &offline).await.expect(200).json();
        let refresh = body["refresh_token"].as_str().unwrap();
        let again = [
            ("grant_type", "refresh_token"),
            ("service", "harbor-registry"),
            ("client_id", "test"),
            ("refresh_token", refresh),
            ("scope", PULL),
        ];
        let body = post(app, &again).await.expect(200).json();
        assert_eq!(body["refresh_token"], refresh);
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(actions(token, "library/app"), ["pull"]);

        let broken = |at: usize, value: &'static str| {
            let mut form = password;
            form[at].1 = value;
            form
        };
        for (at, value, status) in [
            (0, "authorization_code", 400),
            (0, "", 400),
            (1, "other", 400),
            (2, "", 400),
            (4, "Wrong-Password-1", 401),
            (3, "", 401),
        ] {
            let answer = post(app, &broken(at, value)).await;
            assert_eq!(answer.status, status, "{at} {value}: {}", answer.text());
        }
        for bad in ["", "x", &"x".repeat(10_000), &refresh[1..]] {
            let mut form = again;
            form[3].1 = bad;
            post(app, &form).await.refused(401, "UNAUTHORIZED");
        }
        let large = "x".repeat(100_000);
        let answer = post(app, &[("scope", &large)]).await;
        assert!(matches!(answer.status, 400 | 413), "{}", answer.text());
        // It ends with the password it was given for.
        let path = format!("/api/v2.0/users/{}/password", jane.id);
        let change = json!({"old_password": jane.password, "new_password": "Another-Pass-2"});
        app.put(&path).by(&jane).json(&change).await.expect(200);
        post(app, &again).await.refused(401, "UNAUTHORIZED");
        app.get("/v2/")
            .by(&jane)
            .send()
            .await
            .refused(401, "UNAUTHORIZED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_told_where_to_log_in_and_for_what() {
    both(async |app| {
        let digest = format!("sha256:{}", "0".repeat(64));
        let realm = format!("{}/service/token", app.base);
        for (method, path, scope) in [
            ("GET", "/v2/".to_owned(), ""),
            ("GET", "/v2".to_owned(), ""),
            ("GET", PATH.to_owned(), "repository:library/app:pull"),
            ("HEAD", PATH.to_owned(), "repository:library/app:pull"),
            ("PUT", PATH.to_owned(), "repository:library/app:pull,push"),
            ("DELETE", PATH.to_owned(), "repository:library/app:delete"),
            (
                "GET",
                format!("/v2/library/app/blobs/{digest}"),
                "repository:library/app:pull",
            ),
            (
                "POST",
                "/v2/library/app/blobs/uploads/".to_owned(),
                "repository:library/app:pull,push",
            ),
            (
                "GET",
                "/v2/library/app/tags/list".to_owned(),
                "repository:library/app:pull",
            ),
            (
                "GET",
                format!("/v2/library/app/referrers/{digest}"),
                "repository:library/app:pull",
            ),
            (
                "GET",
                "/v2/nowhere/app/tags/list".to_owned(),
                "repository:nowhere/app:pull",
            ),
            ("GET", "/v2/_catalog".to_owned(), "registry:catalog:*"),
        ] {
            let call = app.call(method.parse().unwrap(), &path).nobody();
            let answer = call.send().await.expect(401);
            let mut expected = format!("Bearer realm=\"{realm}\",service=\"harbor-registry\"");
            if !scope.is_empty() {
                expected = format!("{expected},scope=\"{scope}\"");
            }
            assert_eq!(answer.need("www-authenticate"), expected, "{method} {path}");
        }
        // Behind a proxy that is believed.
        let call = app
            .get("/v2/")
            .nobody()
            .header("x-forwarded-proto", "https");
        let answer = call.send().await.expect(401);
        let https = realm.replace("http://", "https://");
        assert!(answer.need("www-authenticate").contains(&https));
        // A host that would end the value it is quoted in is not repeated.
        let request = b"GET /v2/ HTTP/1.1\r\nHost: a\",evil=\"b\r\nConnection: close\r\n\r\n";
        let answer = app.raw(request).await;
        assert!(!String::from_utf8_lossy(&answer).contains("evil"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_what_it_names_and_nothing_else() {
    both(async |app| {
        app.push_image("library/app", "a", "a").await;
        app.push_image("library/application", "a", "a").await;
        app.push_image("library/app/sub", "a", "a").await;
        let token = app.token(Some(&app.admin), &[PULL]).await;
        app.get(PATH).bearer(&token).send().await.expect(200);
        app.get("/v2/").bearer(&token).send().await.expect(200);
        for (method, path) in [
            ("GET", "/v2/library/application/manifests/a"),
            ("GET", "/v2/library/app/sub/manifests/a"),
            ("PUT", PATH),
            ("DELETE", PATH),
            ("POST", "/v2/library/app/blobs/uploads/"),
        ] {
            let call = app.call(method.parse().unwrap(), path).bearer(&token);
            let answer = call.send().await.refused(401, "UNAUTHORIZED");
            let challenge = answer.need("www-authenticate");
            assert!(
                challenge.contains("error=\"insufficient_scope\""),
                "{challenge}"
            );
            assert!(challenge.contains("scope=\"repository:"), "{challenge}");
        }
        // Colons part a scope from its name; they open no other one.
        for trick in [
            "repository:library/app:pull:push",
            "repository:library/other:library/app:pull",
            "repository:library/ap:pull",
            "repository:library/*:pull",
            "repository:*:*",
            "repository::pull",
            "repository(plugin):library/app:pull,push,delete:x",
        ] {
            let answer = app.token_answer(Some(&app.admin), &[trick]).await;
            if answer.status != 200 {
                assert_eq!(answer.status, 400, "{trick}: {}", answer.text());
                continue;
            }
            let token = answer.json()["token"].as_str().unwrap().to_owned();
            let put = app.put(PATH).bearer(&token).send().await;
            put.refused(401, "UNAUTHORIZED");
            app.get(PATH)
                .bearer(&token)
                .send()
                .await
                .refused(401, "UNAUTHORIZED");
        }
        // It is for the registry only, and makes no other token.
        app.get("/api/v2.0/users/current")
            .bearer(&token)
            .send()
            .await
            .expect(401);
        let more =
            app.get("/service/token?service=harbor-registry&scope=repository:library/app:push");
        more.bearer(&token).send().await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_opens_the_registry_at_once_and_no_longer_than_the_right() {
    both(async |app| {
        app.push_image("library/app", "a", "a").await;
        app.project("secret", false).await;
        app.push_image("secret/app", "a", "a").await;
        let jane = app.user("jane").await;
        let member = app.member("secret", &jane, 5).await;
        let path = "/v2/secret/app/manifests/a";
        app.get(path).by(&jane).send().await.expect(200);
        let by_mail = Login {
            name: "jane@example.org".to_owned(),
            ..jane.clone()
        };
        app.get(path).by(&by_mail).send().await.expect(200);
        app.put(path).by(&jane).send().await.refused(403, "DENIED");
        let row = format!("/api/v2.0/projects/secret/members/{member}");
        app.delete(&row).send().await.expect(200);
        app.get(path).by(&jane).send().await.refused(403, "DENIED");
        let user = format!("/api/v2.0/users/{}", jane.id);
        app.delete(&user).send().await.expect(200);
        app.get("/v2/")
            .by(&jane)
            .send()
            .await
            .refused(401, "UNAUTHORIZED");
    })
    .await;
}
