//! What a client is told when a request cannot be served, and paths that try to be others.

use berth_oci::media_type;
use serde_json::Value;

use crate::answer::Answer;
use crate::app::both;
use crate::content::{noise, sha256};

/// An error in the form of the specification, with a code of its alphabet.
#[track_caller]
fn is_error(answer: &Answer) {
    assert_eq!(answer.need("content-type"), "application/json");
    assert_eq!(
        answer.need("docker-distribution-api-version"),
        "registry/2.0"
    );
    assert!(!answer.need("x-request-id").is_empty());
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap();
    assert!(!errors.is_empty());
    for error in errors {
        let code = error["code"].as_str().unwrap();
        let letters = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        assert!(!code.is_empty() && code.bytes().all(letters), "{code}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_one_form() {
    both(async |app| {
        app.push_image("library/app", "a", "a").await;
        let nothing = sha256(b"nothing");
        for (path, status, code) in [
            (
                "library/app/manifests/b".to_owned(),
                404,
                "MANIFEST_UNKNOWN",
            ),
            (format!("library/app/blobs/{nothing}"), 404, "BLOB_UNKNOWN"),
            ("library/none/manifests/a".to_owned(), 404, "NAME_UNKNOWN"),
            ("library/none/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
            (
                "library/app/blobs/sha256:12".to_owned(),
                400,
                "DIGEST_INVALID",
            ),
            ("library/app/blobs/md5:12".to_owned(), 400, "DIGEST_INVALID"),
            (
                format!("library/app/blobs/{}", nothing.to_uppercase()),
                400,
                "DIGEST_INVALID",
            ),
            (
                "library/app/manifests/sha256:12".to_owned(),
                400,
                "DIGEST_INVALID",
            ),
            (
                "library/app/referrers/sha256:12".to_owned(),
                400,
                "DIGEST_INVALID",
            ),
            ("library/App/manifests/a".to_owned(), 400, "NAME_INVALID"),
            ("library/-app/tags/list".to_owned(), 400, "NAME_INVALID"),
            (
                "library/app/blobs/uploads/0".to_owned(),
                404,
                "BLOB_UPLOAD_UNKNOWN",
            ),
            ("library/app/nothing".to_owned(), 404, "NOT_FOUND"),
            ("library/app/tags/others".to_owned(), 404, "NOT_FOUND"),
        ] {
            let answer = app.get(&format!("/v2/{path}")).send().await;
            is_error(&answer);
            answer.refused(status, code);
            let head = app.head(&format!("/v2/{path}")).send().await;
            assert!(head.body.is_empty(), "{path}");
        }
        let nobody = app.get("/v2/").nobody().send().await.expect(401);
        is_error(&nobody);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_is_not_there_is_told_which_are() {
    both(async |app| {
        let digest = sha256(b"x");
        for (methods, path, allowed) in [
            (
                "POST PUT PATCH DELETE OPTIONS",
                "/v2/".to_owned(),
                "GET, HEAD",
            ),
            ("POST PUT DELETE", "/v2/_catalog".to_owned(), "GET, HEAD"),
            (
                "POST PUT DELETE",
                "/v2/library/a/tags/list".to_owned(),
                "GET, HEAD",
            ),
            (
                "POST PATCH",
                "/v2/library/a/manifests/b".to_owned(),
                "GET, HEAD, PUT, DELETE",
            ),
            (
                "POST PUT PATCH",
                format!("/v2/library/a/blobs/{digest}"),
                "GET, HEAD, DELETE",
            ),
            (
                "GET PUT PATCH DELETE",
                "/v2/library/a/blobs/uploads/".to_owned(),
                "POST",
            ),
            (
                "POST PUT DELETE",
                format!("/v2/library/a/referrers/{digest}"),
                "GET, HEAD",
            ),
            ("PUT DELETE PATCH", "/service/token".to_owned(), "GET, POST"),
        ] {
            for method in methods.split(' ') {
                let call = app.call(method.parse().unwrap(), &path);
                let answer = call.send().await.refused(405, "METHOD_NOT_ALLOWED");
                assert_eq!(answer.need("allow"), allowed, "{method} {path}");
            }
        }
        let answer = app.delete("/api/v2.0/ping").send().await;
        let answer = answer.refused(405, "METHOD_NOT_ALLOWED");
        assert!(answer.need("allow").contains("GET"));
        app.get("/api/v2.0/nothing")
            .send()
            .await
            .refused(404, "NOT_FOUND");
        app.get("/v1/_ping").send().await.refused(404, "NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_may_hold_the_words_of_the_api() {
    both(async |app| {
        for name in [
            "library/a/blobs/uploads/b",
            "library/blobs/uploads",
            "library/manifests/latest",
            "library/tags/list",
            "library/referrers",
            "library/a/manifests",
            "library/catalog/v2/x",
            "library/a__b/c-d---e/f.g/h_i",
        ] {
            let image = app.push_image(name, "latest", "words").await;
            let path = format!("/v2/{name}/manifests/latest");
            let got = app.get(&path).send().await.expect(200);
            assert_eq!(got.body, image.bytes);
            let tags = app.get(&format!("/v2/{name}/tags/list")).send().await;
            assert_eq!(tags.expect(200).json()["name"], name);
            let bytes = noise(1, 100);
            let upload = app.begin(name).await;
            let path = format!("{upload}?digest={}", sha256(&bytes));
            app.put(&path).body(bytes).send().await.expect(201);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_its_repository() {
    both(async |app| {
        let image = app.push_image("library/app", "a", "a").await;
        let long = "a".repeat(300);
        let names = [
            "..",
            ".",
            "library/..",
            "library/../library/app",
            "library/./app",
            "library//app",
            "/library/app",
            "library/app/",
            "library/%2e%2e",
            "%2e%2e%2flibrary/app",
            "library/%2e%2e%2f%2e%2e%2fetc",
            "library%2f..%2flibrary%2fapp",
            "library/app%00",
            "library/%00app",
            "library/app%0d%0aX-Evil:1",
            "library/app%20",
            "library/%ff%fe",
            "library/app%",
            "library/app%zz",
            "library/App",
            "LIBRARY/app",
            "library/app_",
            "library/a___b",
            "library/a..b",
            "library/a%5cb",
            "library/\u{e4}",
            &format!("library/{long}"),
            &format!("{long}/app"),
            &"a/".repeat(200),
        ];
        for name in names {
            for rest in [
                "manifests/a".to_owned(),
                "tags/list".to_owned(),
                format!("blobs/{}", image.config),
                format!("referrers/{}", image.digest),
            ] {
                let target = format!("/v2/{name}/{rest}");
                let answer = app.raw_request("GET", &target, "", b"").await;
                assert!(
                    matches!(answer.status, 400 | 404),
                    "{target}: {}",
                    answer.text()
                );
            }
            let target = format!("/v2/{name}/blobs/uploads/");
            let answer = app
                .raw_request("POST", &target, "Content-Length: 0\r\n", b"")
                .await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{target}: {}",
                answer.text()
            );
        }
        for digest in [
            "sha256:..%2f..%2f..%2fsecret.key",
            "sha256:../../secret.key",
            "..%2f..%2fsecret.key",
            "sha256:%00",
        ] {
            let target = format!("/v2/library/app/blobs/{digest}");
            let answer = app.raw_request("GET", &target, "", b"").await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{target}: {}",
                answer.text()
            );
        }
        // The server is in good health after all of it.
        let path = "/v2/library/app/manifests/a";
        assert_eq!(app.get(path).send().await.expect(200).body, image.bytes);
        let catalog = app.get("/v2/_catalog").send().await.expect(200).json();
        assert_eq!(catalog["repositories"], serde_json::json!(["library/app"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_name_is_served_and_no_longer_one() {
    both(async |app| {
        let longest = format!("library/{}", "a".repeat(255 - "library/".len()));
        let image = app.push_image(&longest, "a", "long").await;
        let path = format!("/v2/{longest}/manifests/a");
        assert_eq!(app.get(&path).send().await.expect(200).body, image.bytes);
        let longer = format!("/v2/{longest}a/manifests/a");
        app.get(&longer).send().await.refused(400, "NAME_INVALID");
        let put = app
            .put(&longer)
            .header("content-type", media_type::OCI_MANIFEST);
        put.body(image.bytes)
            .send()
            .await
            .refused(400, "NAME_INVALID");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_known_by_its_id() {
    both(async |app| {
        let call = app.get("/v2/").header("x-request-id", "my-request");
        let answer = call.send().await.expect(200);
        assert_eq!(answer.need("x-request-id"), "my-request");
        let api = app.get("/api/v2.0/projects/none").send().await;
        let api = api.refused(404, "NOT_FOUND");
        assert!(!api.need("x-request-id").is_empty());
        let Value::Object(error) = &api.json()["errors"][0] else {
            panic!("{}", api.text());
        };
        assert!(error.contains_key("message"));
    })
    .await;
}
