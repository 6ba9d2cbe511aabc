//! Pulling manifests and blobs (OCI distribution 1.1, "Pull").

use berth_oci::media_type;
use bytes::Bytes;

use crate::app::both;
use crate::content::{config, image, noise, sha256, sha512};

const REPOSITORY: &str = "library/pulled";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_base_says_which_api_this_is() {
    both(async |app| {
        for path in ["/v2/", "/v2"] {
            let base = app.get(path).send().await.expect(200);
            assert_eq!(base.need("docker-distribution-api-version"), "registry/2.0");
            assert_eq!(base.json(), serde_json::json!({}));
            assert!(app.head(path).send().await.expect(200).body.is_empty());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_comes_back_as_it_was_pushed() {
    both(async |app| {
        let pushed = app.push_image(REPOSITORY, "1.0", "a").await;
        for reference in ["1.0", &pushed.digest] {
            let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
            let got = app.get(&path).send().await.expect(200);
            let head = app.head(&path).send().await.expect(200);
            assert_eq!(got.body, pushed.bytes);
            assert!(head.body.is_empty());
            for answer in [&got, &head] {
                assert_eq!(answer.need("content-type"), media_type::OCI_MANIFEST);
                assert_eq!(answer.need("docker-content-digest"), pushed.digest);
                assert_eq!(
                    answer.need("content-length"),
                    pushed.bytes.len().to_string()
                );
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bytes_and_not_their_meaning_are_kept() {
    both(async |app| {
        let (config, layer) = (config("spaces"), noise(1, 100));
        app.push_blob(REPOSITORY, &config).await;
        app.push_blob(REPOSITORY, &layer).await;
        let odd = serde_json::to_string_pretty(&image(&config, &layer)).unwrap() + "\n\n  ";
        let typed = format!("{}; charset=utf-8", media_type::OCI_MANIFEST);
        app.put_bytes(REPOSITORY, "odd", &typed, odd.clone())
            .await
            .expect(201);
        let path = format!("/v2/{REPOSITORY}/manifests/odd");
        let got = app.get(&path).send().await.expect(200);
        assert_eq!(got.body, odd.as_bytes());
        assert_eq!(got.need("content-type"), media_type::OCI_MANIFEST);
        assert_eq!(got.need("docker-content-digest"), sha256(odd.as_bytes()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_accepts_is_advice() {
    both(async |app| {
        let pushed = app.push_image(REPOSITORY, "1.0", "a").await;
        let path = format!("/v2/{REPOSITORY}/manifests/1.0");
        for accept in ["text/plain", media_type::DOCKER_LIST, "*/*", "nonsense"] {
            let got = app.get(&path).header("accept", accept).send().await;
            assert_eq!(got.expect(200).body, pushed.bytes, "{accept}");
        }
        // containerd names the registry it takes this one for.
        let got = app.get(&format!("{path}?ns=docker.io")).send().await;
        assert_eq!(got.expect(200).body, pushed.bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_has_is_not_sent_again() {
    both(async |app| {
        let pushed = app.push_image(REPOSITORY, "1.0", "a").await;
        let blob = format!("/v2/{REPOSITORY}/blobs/{}", pushed.config);
        for path in [format!("/v2/{REPOSITORY}/manifests/1.0"), blob] {
            let etag = app.get(&path).send().await.expect(200);
            let etag = etag.need("etag");
            let again = app.get(&path).header("if-none-match", etag).send().await;
            assert!(again.expect(304).body.is_empty());
            let other = app.get(&path).header("if-none-match", "\"sha256:0\"");
            other.send().await.expect(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_comes_back_byte_by_byte() {
    both(async |app| {
        // From memory, from a file, and none at all.
        for bytes in [noise(2, 5000), noise(3, 3 << 20), Bytes::new()] {
            let digest = app.push_blob(REPOSITORY, &bytes).await;
            let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
            let call = app
                .get(&path)
                .header("accept-encoding", "zstd, gzip, deflate");
            let got = call.send().await.expect(200);
            let head = app.head(&path).send().await.expect(200);
            assert_eq!(got.body, bytes);
            assert!(head.body.is_empty());
            for answer in [&got, &head] {
                assert_eq!(answer.need("docker-content-digest"), digest);
                assert_eq!(answer.need("content-length"), bytes.len().to_string());
                assert_eq!(answer.need("content-type"), "application/octet-stream");
                assert_eq!(answer.need("accept-ranges"), "bytes");
                assert_eq!(answer.header("content-encoding"), None);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digests_are_answered_in_the_algorithm_asked_for() {
    both(async |app| {
        let blob = noise(4, 2000);
        let digest = sha512(&blob);
        app.post(&format!("/v2/{REPOSITORY}/blobs/uploads/?digest={digest}"))
            .body(blob.clone())
            .send()
            .await
            .expect(201);
        let got = app
            .get(&format!("/v2/{REPOSITORY}/blobs/{digest}"))
            .send()
            .await
            .expect(200);
        assert_eq!(got.need("docker-content-digest"), digest);
        assert_eq!(got.body, blob);

        let image = app.push_image(REPOSITORY, "both", "a").await;
        let digest = sha512(&image.bytes);
        let put = app
            .put_bytes(
                REPOSITORY,
                &digest,
                media_type::OCI_MANIFEST,
                image.bytes.clone(),
            )
            .await
            .expect(201);
        assert_eq!(put.need("docker-content-digest"), digest);
        for asked in [&digest, &image.digest] {
            let path = format!("/v2/{REPOSITORY}/manifests/{asked}");
            let got = app.get(&path).send().await.expect(200);
            assert_eq!(got.need("docker-content-digest"), asked);
            assert_eq!(got.body, image.bytes);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_unknown() {
    both(async |app| {
        let pushed = app.push_image(REPOSITORY, "1.0", "a").await;
        let nothing = sha256(b"nothing");
        let other = "library/other";
        for method in [http::Method::GET, http::Method::HEAD] {
            let cases = [
                (format!("{REPOSITORY}/manifests/2.0"), "MANIFEST_UNKNOWN"),
                (
                    format!("{REPOSITORY}/manifests/{nothing}"),
                    "MANIFEST_UNKNOWN",
                ),
                // A layer's digest is not a manifest's, and the other way round.
                (
                    format!("{REPOSITORY}/manifests/{}", pushed.config),
                    "MANIFEST_UNKNOWN",
                ),
                (
                    format!("{REPOSITORY}/blobs/{}", pushed.digest),
                    "BLOB_UNKNOWN",
                ),
                (format!("{REPOSITORY}/blobs/{nothing}"), "BLOB_UNKNOWN"),
                (format!("{other}/manifests/1.0"), "NAME_UNKNOWN"),
                (
                    format!("{other}/manifests/{}", pushed.digest),
                    "NAME_UNKNOWN",
                ),
                // Another repository's bytes are not this one's.
                (format!("{other}/blobs/{}", pushed.config), "BLOB_UNKNOWN"),
            ];
            for (path, code) in cases {
                let answer = app
                    .call(method.clone(), &format!("/v2/{path}"))
                    .send()
                    .await;
                if method == http::Method::GET {
                    answer.refused(404, code);
                } else {
                    assert!(answer.expect(404).body.is_empty(), "{path}");
                }
            }
        }
    })
    .await;
}
