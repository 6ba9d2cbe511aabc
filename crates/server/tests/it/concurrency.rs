//! Many clients at once: one copy, exact counts, and tags that never point to nothing.

use std::sync::Arc;
use std::time::Duration;

use berth_db::args;
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{App, both};
use crate::content::{config, image, noise, sha256};

const CLIENTS: usize = 32;
const REPOSITORY: &str = "library/busy";

fn manifest(reference: &str) -> String {
    format!("/v2/{REPOSITORY}/manifests/{reference}")
}

/// The answer of each of as many tasks as there are clients.
async fn all<T, F>(work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..CLIENTS).map(|n| tokio::spawn(work(n))).collect();
    let ended = join_all(tasks).await;
    ended.into_iter().map(Result::unwrap).collect()
}

/// Waits until copies that were replaced are gone.
async fn settled(app: &App, copies: usize) {
    while app.files("blobs").len() > copies {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(app.files("blobs").len(), copies);
    assert_eq!(app.files("uploads"), []);
}

async fn nothing_is_wrong(app: &App) {
    assert_eq!(app.check(true).await, (Vec::new(), 0));
}

/// Pushes an image's blobs and gives its manifest.
async fn prepare(app: &App, seed: &str) -> Bytes {
    let (config, layer) = (config(seed), Bytes::from(format!("layer of {seed}")));
    app.push_blob(REPOSITORY, &config).await;
    app.push_blob(REPOSITORY, &layer).await;
    image(&config, &layer).to_string().into()
}

fn put(app: &App, reference: &str, bytes: &Bytes) -> impl Future<Output = Answer> + Send + use<> {
    let call = app
        .put(&manifest(reference))
        .header("content-type", berth_oci::media_type::OCI_MANIFEST)
        .body(bytes.clone());
    call.send()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_blob_pushed_by_all_is_kept_once() {
    both(async |app| {
        let bytes = noise(1, 400_000);
        let digest = sha256(&bytes);
        let answers = all(|n| {
            let (client, bytes, digest) = (app.client(), bytes.clone(), digest.clone());
            async move {
                let start = format!("/v2/library/busy{}/blobs/uploads/", n % 4);
                if n % 3 == 0 {
                    let path = format!("{start}?digest={digest}");
                    return client.post(&path).body(bytes).send().await;
                }
                let begun = client.post(&start).send().await.expect(202);
                let upload = begun.need("location");
                let call = client.patch(upload).pieces(vec![bytes]);
                call.send().await.expect(202);
                client
                    .put(&format!("{upload}?digest={digest}"))
                    .send()
                    .await
            }
        })
        .await;
        for answer in answers {
            answer.expect(201);
        }
        settled(app, 1).await;
        assert_eq!(app.count("SELECT COUNT(*) FROM blob").await, 1);
        assert_eq!(app.count("SELECT COUNT(*) FROM repository_blob").await, 4);
        assert_eq!(app.count("SELECT COUNT(*) FROM upload").await, 0);
        for n in 0..4 {
            let path = format!("/v2/library/busy{n}/blobs/{digest}");
            assert_eq!(app.get(&path).send().await.expect(200).body, bytes);
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_manifest_pushed_by_all_is_kept_once() {
    both(async |app| {
        let bytes = prepare(app, "one").await;
        for answer in all(|_| put(app, "latest", &bytes)).await {
            assert_eq!(
                answer.expect(201).need("docker-content-digest"),
                sha256(&bytes)
            );
        }
        for (sql, count) in [
            ("SELECT COUNT(*) FROM manifest", 1),
            ("SELECT COUNT(*) FROM manifest_payload", 1),
            ("SELECT COUNT(*) FROM manifest_reference", 2),
            ("SELECT COUNT(*) FROM tag", 1),
            ("SELECT COUNT(*) FROM tag_history", 1),
        ] {
            assert_eq!(app.count(sql).await, count, "{sql}");
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_pushed_by_all_is_always_one_of_theirs() {
    both(async |app| {
        let mut manifests = Vec::new();
        for n in 0..CLIENTS {
            manifests.push(prepare(app, &format!("image {n}")).await);
        }
        put(app, "latest", &manifests[0]).await.expect(201);
        let manifests = Arc::new(manifests);
        let done = tokio_util::sync::CancellationToken::new();
        let reader = tokio::spawn({
            let (client, done, manifests) = (app.client(), done.clone(), manifests.clone());
            async move {
                let mut reads = 0;
                while !done.is_cancelled() || reads == 0 {
                    let read = client.get(&manifest("latest")).send().await.expect(200);
                    assert_eq!(sha256(&read.body), read.need("docker-content-digest"));
                    assert!(manifests.contains(&read.body));
                    reads += 1;
                }
            }
        });
        for answer in all(|n| put(app, "latest", &manifests[n])).await {
            answer.expect(201);
        }
        done.cancel();
        reader.await.unwrap();
        for bytes in manifests.iter() {
            let read = app.get(&manifest(&sha256(bytes))).send().await;
            assert_eq!(read.expect(200).body, *bytes);
        }
        let open: Vec<(String,)> = app
            .parts
            .db
            .all(
                "SELECT digest FROM tag_history WHERE to_at IS NULL",
                args![],
            )
            .await
            .unwrap();
        let head = app.head(&manifest("latest")).send().await.expect(200);
        assert_eq!(open, [(head.need("docker-content-digest").to_owned(),)]);
        nothing_is_wrong(app).await;
    })
    .await;
}

/// Every tag that is listed names a manifest that is there.
async fn tags_are_true(app: &App) {
    let list = app.get(&format!("/v2/{REPOSITORY}/tags/list")).send().await;
    for tag in list.expect(200).json()["tags"].as_array().unwrap() {
        let tag = tag.as_str().unwrap();
        app.get(&manifest(tag)).send().await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_by_digest_and_a_push_of_its_tag_end_in_one_of_two_ways() {
    both(async |app| {
        let bytes = prepare(app, "contested").await;
        let other = prepare(app, "other").await;
        let digest = sha256(&bytes);
        put(app, "stays", &other).await.expect(201);
        for _ in 0..12 {
            let answers = all(|n| {
                let push = put(app, &format!("tag{}", n % 3), &bytes);
                let away = put(app, &format!("tag{}", n % 3), &other);
                let delete = app.delete(&manifest(&digest)).send();
                async move {
                    match n % 4 {
                        0 => (true, delete.await),
                        1 => (false, away.await),
                        _ => (false, push.await),
                    }
                }
            })
            .await;
            for (deleted, answer) in answers {
                if deleted {
                    assert!(matches!(answer.status, 202 | 404), "{}", answer.text());
                } else {
                    answer.expect(201);
                }
            }
            tags_are_true(app).await;
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_may_be_pushed_and_deleted_at_once() {
    both(async |app| {
        let bytes = prepare(app, "flicker").await;
        for _ in 0..8 {
            let answers = all(|n| {
                let (push, delete) = (
                    put(app, "flicker", &bytes),
                    app.delete(&manifest("flicker")).send(),
                );
                async move {
                    if n % 2 == 0 {
                        (false, push.await)
                    } else {
                        (true, delete.await)
                    }
                }
            })
            .await;
            for (deleted, answer) in answers {
                if deleted {
                    assert!(matches!(answer.status, 202 | 404), "{}", answer.text());
                } else {
                    answer.expect(201);
                }
            }
        }
        put(app, "flicker", &bytes).await.expect(201);
        let open = "SELECT COUNT(*) FROM tag_history WHERE to_at IS NULL";
        assert_eq!(app.count(open).await, 1);
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_deleted_or_part_of_a_manifest_never_both() {
    both(async |app| {
        for round in 0..24 {
            let (config, layer) = (config(&round.to_string()), noise(round + 100, 100));
            app.push_blob(REPOSITORY, &config).await;
            let digest = app.push_blob(REPOSITORY, &layer).await;
            let bytes = Bytes::from(image(&config, &layer).to_string());
            let blob = format!("/v2/{REPOSITORY}/blobs/{digest}");
            let push = tokio::spawn(put(app, "race", &bytes));
            let delete = tokio::spawn(app.delete(&blob).send());
            let (push, delete) = (push.await.unwrap(), delete.await.unwrap());
            if push.status == 201 {
                assert_ne!(delete.status, 202, "both were done");
                app.get(&blob).send().await.expect(200);
            } else {
                push.refused(400, "MANIFEST_BLOB_UNKNOWN");
                delete.expect(202);
            }
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_upload_written_by_all_keeps_whole_chunks() {
    both(async |app| {
        let bytes = noise(9, 10_000);
        let upload = app.begin(REPOSITORY).await;
        // The same chunk from all: one wins, the others learn where the upload stands.
        let answers = all(|_| {
            let call = app.patch(&upload).header("content-range", "0-9999");
            call.body(bytes.clone()).send()
        })
        .await;
        let taken = answers.iter().filter(|answer| answer.status == 202).count();
        assert_eq!(
            taken,
            1,
            "{}",
            json!(answers.iter().map(|a| a.status).collect::<Vec<_>>())
        );
        for answer in answers.iter().filter(|answer| answer.status != 202) {
            assert!(matches!(answer.status, 416 | 409), "{}", answer.text());
        }
        let put = format!("{upload}?digest={}", sha256(&bytes));
        let answers = all(|_| app.put(&put).send()).await;
        let taken = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(taken, 1);
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.refused(404, "BLOB_UPLOAD_UNKNOWN");
        }
        settled(app, 1).await;
        nothing_is_wrong(app).await;
    })
    .await;
}
