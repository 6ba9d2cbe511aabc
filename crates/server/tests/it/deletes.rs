//! Deleting tags, manifests and blobs: gone at once, and nothing else with it.

use crate::app::both;
use crate::content::{noise, sha256};

const REPOSITORY: &str = "library/deleted";

fn manifest(reference: &str) -> String {
    format!("/v2/{REPOSITORY}/manifests/{reference}")
}

fn blob(digest: &str) -> String {
    format!("/v2/{REPOSITORY}/blobs/{digest}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_goes_and_its_manifest_stays() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "x").await;
        app.push_image(REPOSITORY, "b", "x").await;
        // Into the memory of the server, from where it has to go.
        app.get(&manifest("a")).send().await.expect(200);
        app.delete(&manifest("a")).send().await.expect(202);
        app.get(&manifest("a"))
            .send()
            .await
            .refused(404, "MANIFEST_UNKNOWN");
        app.delete(&manifest("a"))
            .send()
            .await
            .refused(404, "MANIFEST_UNKNOWN");
        app.get(&manifest("b")).send().await.expect(200);
        app.get(&manifest(&image.digest)).send().await.expect(200);
        let tags = app.get(&format!("/v2/{REPOSITORY}/tags/list")).send().await;
        assert_eq!(tags.expect(200).json()["tags"], serde_json::json!(["b"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_goes_with_all_its_tags() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "x").await;
        app.push_image(REPOSITORY, "b", "x").await;
        let kept = app.push_image(REPOSITORY, "c", "y").await;
        for reference in ["a", "b", &image.digest] {
            app.get(&manifest(reference)).send().await.expect(200);
        }
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        for reference in ["a", "b", &image.digest] {
            for method in [http::Method::GET, http::Method::HEAD, http::Method::DELETE] {
                app.call(method, &manifest(reference))
                    .send()
                    .await
                    .expect(404);
            }
        }
        assert_eq!(
            app.get(&manifest("c")).send().await.expect(200).body,
            kept.bytes
        );
        // Of another repository it is another copy.
        app.push_image("library/other", "a", "x").await;
        app.push_image(REPOSITORY, "a", "x").await;
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        let other = format!("/v2/library/other/manifests/{}", image.digest);
        app.get(&other).send().await.expect(200);
        // And can be pushed again.
        app.push_image(REPOSITORY, "a", "x").await;
        app.get(&manifest("a")).send().await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_goes_from_its_repository_only() {
    both(async |app| {
        let bytes = noise(1, 500);
        let digest = app.push_blob(REPOSITORY, &bytes).await;
        app.push_blob("library/other", &bytes).await;
        app.get(&blob(&digest)).send().await.expect(200);
        app.delete(&blob(&digest)).send().await.expect(202);
        for method in [http::Method::GET, http::Method::HEAD, http::Method::DELETE] {
            app.call(method, &blob(&digest)).send().await.expect(404);
        }
        let other = format!("/v2/library/other/blobs/{digest}");
        assert_eq!(app.get(&other).send().await.expect(200).body, bytes);
        app.push_blob(REPOSITORY, &bytes).await;
        app.get(&blob(&digest)).send().await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_in_use_stays() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "x").await;
        for digest in image.layers.iter().chain([&image.config]) {
            let refused = app.delete(&blob(digest)).send().await;
            assert!(matches!(refused.status, 400 | 405), "{}", refused.text());
            assert_eq!(refused.code().as_deref(), Some("UNSUPPORTED"));
            app.get(&blob(digest)).send().await.expect(200);
        }
        // In the order of the conformance suite: tag, manifest, blobs.
        app.delete(&manifest("a")).send().await.expect(202);
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        for digest in image.layers.iter().chain([&image.config]) {
            app.delete(&blob(digest)).send().await.expect(202);
            app.get(&blob(digest)).send().await.expect(404);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_cannot_be_deleted() {
    both(async |app| {
        app.push_image(REPOSITORY, "a", "x").await;
        let nothing = sha256(b"nothing");
        app.delete(&manifest(&nothing))
            .send()
            .await
            .refused(404, "MANIFEST_UNKNOWN");
        app.delete(&blob(&nothing))
            .send()
            .await
            .refused(404, "BLOB_UNKNOWN");
        app.delete("/v2/library/nowhere/manifests/a")
            .send()
            .await
            .refused(404, "NAME_UNKNOWN");
        let path = format!("/v2/library/nowhere/blobs/{nothing}");
        app.delete(&path).send().await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_changes_while_the_system_is_read_only() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "x").await;
        let read_only = |on: bool| serde_json::json!({"read_only": on});
        let switch = || app.put("/api/v2.0/configurations");
        switch().json(&read_only(true)).await.expect(200);
        let start = format!("/v2/{REPOSITORY}/blobs/uploads/");
        app.post(&start).send().await.refused(403, "DENIED");
        app.put(&manifest("b"))
            .body(image.bytes.clone())
            .send()
            .await
            .refused(403, "DENIED");
        app.delete(&manifest("a"))
            .send()
            .await
            .refused(403, "DENIED");
        app.delete(&blob(&image.config))
            .send()
            .await
            .refused(403, "DENIED");
        app.get(&manifest("a")).send().await.expect(200);
        app.get(&blob(&image.config)).send().await.expect(200);
        switch().json(&read_only(false)).await.expect(200);
        app.delete(&manifest("a")).send().await.expect(202);
    })
    .await;
}
