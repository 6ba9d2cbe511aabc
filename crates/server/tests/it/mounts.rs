//! Mounting blobs of other repositories: never more than the caller may pull.

use crate::answer::Answer;
use crate::app::{App, both};
use crate::client::Login;
use crate::content::{noise, sha256};

async fn mount(app: &App, who: &Login, digest: &str, from: &str) -> Answer {
    let path = format!("/v2/library/target/blobs/uploads/?mount={digest}{from}");
    app.post(&path).by(who).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_mounted_with_and_without_its_source() {
    both(async |app| {
        for (seed, from) in [(1, "&from=library/source"), (2, "")] {
            let bytes = noise(seed, 1000);
            let digest = app.push_blob("library/source", &bytes).await;
            let mounted = mount(app, &app.admin, &digest, from).await.expect(201);
            assert_eq!(mounted.need("docker-content-digest"), digest);
            let location = mounted.need("location");
            assert_eq!(location, format!("/v2/library/target/blobs/{digest}"));
            assert_eq!(app.get(location).send().await.expect(200).body, bytes);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_mounted_is_uploaded() {
    both(async |app| {
        let bytes = noise(3, 1000);
        let digest = sha256(&bytes);
        app.push_blob("library/source", &noise(4, 10)).await;
        for from in [
            "",
            "&from=library/source",
            "&from=library/nowhere",
            "&from=nowhere/at-all",
            "&from=No/Name",
            "&from=",
        ] {
            let begun = mount(app, &app.admin, &digest, from).await.expect(202);
            let upload = begun.need("location");
            // As podman does.
            app.delete(upload).send().await.expect(204);
        }
        let begun = mount(app, &app.admin, &digest, "").await.expect(202);
        let put = app.put(&format!("{}?digest={digest}", begun.need("location")));
        put.body(bytes).send().await.expect(201);
        let bad = mount(app, &app.admin, "sha256:xyz", "").await;
        bad.refused(400, "DIGEST_INVALID");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_alone_opens_no_repository() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.member("library", &jane, 2).await;
        app.project("secret", false).await;
        let digest = app.push_blob("secret/source", &noise(5, 1000)).await;
        let token = app
            .token(
                Some(&jane),
                &[
                    "repository:library/target:pull,push",
                    "repository:secret/source:pull",
                ],
            )
            .await;
        for from in ["", "&from=secret/source"] {
            mount(app, &jane, &digest, from).await.expect(202);
            let path = format!("/v2/library/target/blobs/uploads/?mount={digest}{from}");
            app.post(&path).bearer(&token).send().await.expect(202);
        }
        let path = format!("/v2/library/target/blobs/{digest}");
        app.get(&path).send().await.refused(404, "BLOB_UNKNOWN");
        // With a role there, both ways.
        app.member("secret", &jane, 5).await;
        mount(app, &jane, &digest, "&from=secret/source")
            .await
            .expect(201);
        app.get(&path).send().await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_the_target_is_enough_where_the_user_may_pull() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.member("library", &jane, 2).await;
        app.project("shared", true).await;
        let digest = app.push_blob("shared/source", &noise(6, 1000)).await;
        let scope = "repository:library/target:pull,push";
        let token = app.token(Some(&jane), &[scope]).await;
        for from in ["&from=shared/source", ""] {
            let path = format!("/v2/library/target/blobs/uploads/?mount={digest}{from}");
            app.post(&path).bearer(&token).send().await.expect(201);
        }
    })
    .await;
}
