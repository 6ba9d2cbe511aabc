//! Garbage collection beside pushes: what is needed stays, what is not goes, and no more is
//! looked at than that.

use std::sync::Arc;
use std::time::Duration;

use berth_blob::{Fault, Step};
use berth_model::{Clock, Timestamp};
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Setup, both_with};
use crate::client::Client;
use crate::content::{config, image, noise, sha256};

const REPOSITORY: &str = "library/gc";
/// The end of the grace, almost.
const ALMOST: Duration = Duration::from_mins(119);
/// Beyond the grace, with what reviews are spread over.
const LATER: Duration = Duration::from_mins(121);

fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    }
}

fn blob(repository: &str, digest: &str) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

/// Collects until nothing is due.
async fn collect_all(app: &App) {
    while app.collect().await.reviewed > 0 {}
}

async fn nothing_is_wrong(app: &App) {
    assert_eq!(app.check(true).await, (Vec::new(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_refers_to_is_freed_and_the_rest_stays() {
    both_with(&setup(), async |app| {
        let kept = app.push_image(REPOSITORY, "kept", "kept").await;
        let shared = Bytes::from("layer of kept");
        let config = config("dropped");
        let dropped = app.push_blob(REPOSITORY, &config).await;
        let manifest = image(&config, &shared);
        let pushed = app.put_manifest(REPOSITORY, "dropped", &manifest).await;
        let digest = pushed.expect(201).need("docker-content-digest").to_owned();
        let unused = app.push_blob(REPOSITORY, &noise(1, 5_000)).await;
        let path = format!("/v2/{REPOSITORY}/manifests/{digest}");
        app.delete(&path).send().await.expect(202);
        // Not before its time.
        app.collect().await;
        assert_eq!(app.files("blobs").len(), 4);
        app.clock.advance(LATER);
        let report = app.collect().await;
        assert_eq!((report.blobs, report.unlinked), (2, 2));
        assert_eq!(report.bytes, 5_000 + config.len() as u64);
        assert_eq!(app.files("blobs").len(), 2);
        for gone in [dropped, unused] {
            app.get(&blob(REPOSITORY, &gone)).send().await.expect(404);
        }
        for digest in kept.layers.iter().chain([&kept.config]) {
            app.get(&blob(REPOSITORY, digest)).send().await.expect(200);
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM gc_review").await, 0);
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pusher_was_told_is_there_stays_for_its_manifest() {
    both_with(&setup(), async |app| {
        let (config, layer) = (config("late"), noise(2, 300_000));
        let digests = [
            app.push_blob(REPOSITORY, &config).await,
            app.push_blob(REPOSITORY, &layer).await,
        ];
        // Unreferenced for longer than the grace, but nobody has collected yet.
        app.clock.advance(LATER);
        for digest in &digests {
            app.head(&blob(REPOSITORY, digest)).send().await.expect(200);
        }
        app.collect().await;
        app.clock.advance(ALMOST);
        app.collect().await;
        let manifest = image(&config, &layer);
        app.put_manifest(REPOSITORY, "late", &manifest)
            .await
            .expect(201);
        app.clock.advance(LATER * 3);
        collect_all(app).await;
        for digest in &digests {
            app.get(&blob(REPOSITORY, digest)).send().await.expect(200);
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_of_collected_blobs_is_refused() {
    both_with(&setup(), async |app| {
        let (config, layer) = (config("lost"), noise(3, 1_000));
        app.push_blob(REPOSITORY, &config).await;
        let digest = app.push_blob(REPOSITORY, &layer).await;
        app.clock.advance(LATER);
        collect_all(app).await;
        app.head(&blob(REPOSITORY, &digest))
            .send()
            .await
            .expect(404);
        let manifest = image(&config, &layer);
        let refused = app.put_manifest(REPOSITORY, "lost", &manifest).await;
        refused.refused(400, "MANIFEST_BLOB_UNKNOWN");
        app.push_blob(REPOSITORY, &config).await;
        app.push_blob(REPOSITORY, &layer).await;
        app.put_manifest(REPOSITORY, "lost", &manifest)
            .await
            .expect(201);
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mount_races_the_collection_of_its_source() {
    both_with(&setup(), async |app| {
        for round in 0..16 {
            let bytes = noise(10 + round, 1_000);
            let digest = app.push_blob("library/source", &bytes).await;
            app.clock.advance(LATER);
            let mount =
                format!("/v2/library/target/blobs/uploads/?mount={digest}&from=library/source");
            let mounting = tokio::spawn(app.post(&mount).send());
            app.collect().await;
            let mounted = mounting.await.unwrap();
            app.collect().await;
            let target = blob("library/target", &digest);
            if mounted.status == 201 {
                assert_eq!(app.get(&target).send().await.expect(200).body, bytes);
            } else {
                let upload = mounted.expect(202).need("location").to_owned();
                app.get(&target).send().await.expect(404);
                app.delete(&upload).send().await.expect(204);
            }
            app.get(&blob("library/source", &digest))
                .send()
                .await
                .expect(404);
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_being_deleted_can_be_pushed_again() {
    let setup = Setup {
        faults: true,
        ..setup()
    };
    both_with(&setup, async |app| {
        let bytes = noise(4, 200_000);
        let digest = app.push_blob(REPOSITORY, &bytes).await;
        for again in [true, false] {
            app.clock.advance(LATER);
            // The collection ends between the mark on the row and the removal of the bytes.
            app.plan().fail(Step::Remove, 1, Fault::Errno(5));
            let stop = CancellationToken::new();
            app.parts.lifecycle.collect(&stop).await.unwrap_err();
            let deleting = "SELECT COUNT(*) FROM blob WHERE state = 'deleting'";
            assert_eq!(app.count(deleting).await, 1);
            app.head(&blob(REPOSITORY, &digest))
                .send()
                .await
                .expect(404);
            if again {
                app.push_blob(REPOSITORY, &bytes).await;
                app.clock.advance(Duration::from_mins(10));
                collect_all(app).await;
                let read = app.get(&blob(REPOSITORY, &digest)).send().await;
                assert_eq!(read.expect(200).body, bytes);
            }
        }
        // Left alone, the next collections end what was begun.
        app.clock.advance(Duration::from_mins(10));
        collect_all(app).await;
        assert_eq!(app.files("blobs"), []);
        assert_eq!(app.count("SELECT COUNT(*) FROM blob").await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM gc_review").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_collectors_share_the_work() {
    both_with(&setup(), async |app| {
        let live = app.push_image(REPOSITORY, "live", "live").await;
        for n in 0..80 {
            let repository = format!("library/gc{}", n % 3);
            app.push_blob(&repository, &noise(1_000 + n, 100)).await;
            if n % 2 == 0 {
                app.push_blob("library/gc", &noise(1_000 + n, 100)).await;
            }
        }
        app.clock.advance(LATER);
        let (one, two) = tokio::join!(app.collect(), app.collect());
        collect_all(app).await;
        assert_eq!(one.blobs + two.blobs, 80);
        assert_eq!(one.bytes + two.bytes, 8_000);
        assert_eq!(app.files("blobs").len(), 2);
        for digest in live.layers.iter().chain([&live.config]) {
            app.get(&blob(REPOSITORY, digest)).send().await.expect(200);
        }
        nothing_is_wrong(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_looks_only_at_what_is_due() {
    both_with(&setup(), async |app| {
        for n in 0..20 {
            app.push_image(REPOSITORY, &format!("t{n}"), &format!("image {n}"))
                .await;
        }
        // What was pushed is looked at once, and never again while it is in use.
        app.clock.advance(LATER);
        assert_eq!(app.collect().await.reviewed, 40);
        for _ in 0..3 {
            app.clock.advance(LATER);
            assert_eq!(app.collect().await.reviewed, 0);
        }
        let head = app
            .head(&format!("/v2/{REPOSITORY}/manifests/t7"))
            .send()
            .await;
        let path = format!(
            "/v2/{REPOSITORY}/manifests/{}",
            head.need("docker-content-digest")
        );
        app.delete(&path).send().await.expect(202);
        app.clock.advance(LATER);
        let report = app.collect().await;
        // Two links, then two blobs.
        assert_eq!((report.reviewed, report.blobs), (4, 2));
        assert_eq!(app.files("blobs").len(), 38);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_ends_even_on_rows_that_contradict_each_other() {
    both_with(&setup(), async |app| {
        app.push_image(REPOSITORY, "1", "a").await;
        // Needed by a manifest and held by no repository, as only a mishap can leave it.
        let lost = app.parts.db.write(|tx| {
            Box::pin(async move {
                let sql = "INSERT INTO gc_review (blob_id, repository_id, review_at) \
                           SELECT blob_id, 0, 0 FROM repository_blob";
                tx.execute(sql, berth_db::args![]).await?;
                tx.execute("DELETE FROM repository_blob", berth_db::args![])
                    .await
            })
        });
        lost.await
            .map_err(|error: berth_db::DbError| error)
            .unwrap();
        app.clock.advance(LATER);
        assert_eq!(app.collect().await.blobs, 0);
        // Two blobs that a manifest needs, and a project that is charged for them.
        assert_eq!(app.check(false).await.0.len(), 3);
        assert_eq!(app.files("blobs").len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_uploads_are_dropped() {
    both_with(&setup(), async |app| {
        let (old, fresh) = (app.begin(REPOSITORY).await, app.begin(REPOSITORY).await);
        for upload in [&old, &fresh] {
            app.patch(upload)
                .body(noise(5, 1_000))
                .send()
                .await
                .expect(202);
        }
        app.clock.advance(Duration::from_hours(23));
        app.patch(&fresh)
            .body(noise(6, 1_000))
            .send()
            .await
            .expect(202);
        assert_eq!(app.collect().await.uploads, 0);
        app.clock.advance(Duration::from_hours(2));
        assert_eq!(app.collect().await.uploads, 1);
        app.get(&old)
            .send()
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
        app.get(&fresh).send().await.expect(204);
        assert_eq!(app.files("uploads").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_without_a_row_are_swept_and_no_others() {
    both_with(&setup(), async |app| {
        let digest = app.push_blob(REPOSITORY, &noise(7, 100_000)).await;
        let upload = app.begin(REPOSITORY).await;
        app.patch(&upload)
            .body(noise(8, 1_000))
            .send()
            .await
            .expect(202);
        let (stored, _) = app.files("blobs").remove(0);
        // What a crash leaves between a rename and its commit: the bytes under a name of their own.
        let hash = digest.strip_prefix("sha256:").unwrap();
        let twin = format!("{hash}-0123456789abcdef0123456789abcdef");
        std::fs::copy(&stored, stored.with_file_name(twin)).unwrap();
        let uploads = app.settings.data.join("store/uploads");
        std::fs::write(uploads.join("4b1d5a2e-3f3c-4b39-9f5c-0a2f6d1c7e55"), b"x").unwrap();
        assert_eq!(app.check(false).await, (Vec::new(), 2));
        let stop = CancellationToken::new();
        let lifecycle = &app.parts.lifecycle;
        // Files have the machine's time.
        let now = Clock::system().now();
        let early = now.minus(Duration::from_hours(1));
        assert_eq!(lifecycle.sweep_orphans(early, &stop).await.unwrap(), 0);
        let late = now.plus(Duration::from_hours(1));
        assert_eq!(lifecycle.sweep_orphans(late, &stop).await.unwrap(), 2);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
        app.get(&blob(REPOSITORY, &digest)).send().await.expect(200);
        app.get(&upload).send().await.expect(204);
    })
    .await;
}

/// Pushes an image anew until it is taken whole, and has garbage collected in the middle of it;
/// gives its digest.
async fn push_until_taken(app: &Client, config: &Bytes, layer: &Bytes, collect: &Notify) -> String {
    let manifest = Bytes::from(image(config, layer).to_string());
    let digest = sha256(&manifest);
    for attempt in 0.. {
        app.push_blob(REPOSITORY, config).await;
        app.push_blob(REPOSITORY, layer).await;
        if attempt % 3 == 0 {
            collect.notify_one();
        }
        let media_type = berth_oci::media_type::OCI_MANIFEST;
        let put = app.put_bytes(REPOSITORY, &digest, media_type, manifest.clone());
        let put = put.await;
        if put.status == 201 {
            break;
        }
        put.refused(400, "MANIFEST_BLOB_UNKNOWN");
    }
    digest
}

async fn push_and_delete(app: Client, n: u64, collect: Arc<Notify>) {
    for round in 0..12 {
        let config = config(&format!("{n} {round}"));
        // Some layers are everybody's, so that pushes meet.
        let layer = noise(2_000 + (n * round) % 5, 500);
        let digest = push_until_taken(&app, &config, &layer, &collect).await;
        for part in [&config, &layer] {
            let path = blob(REPOSITORY, &sha256(part));
            assert_eq!(app.get(&path).send().await.expect(200).body, *part);
        }
        if round % 3 == 0 {
            let path = format!("/v2/{REPOSITORY}/manifests/{digest}");
            app.delete(&path).send().await.expect(202);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_grace_a_taken_manifest_is_still_whole() {
    let setup = Setup {
        tweak: |settings| settings.gc.grace_seconds = 0,
        ..setup()
    };
    both_with(&setup, async |app| {
        let collect = Arc::new(Notify::new());
        let mut pushers = JoinSet::new();
        for n in 0..4 {
            pushers.spawn(push_and_delete(app.client(), n, collect.clone()));
        }
        let mut unlinked = 0;
        loop {
            tokio::select! {
                () = collect.notified() => {
                    // Reviews are spread over half a minute: all of them are due every time.
                    app.clock.advance(Duration::from_secs(31));
                    let (one, two) = tokio::join!(app.collect(), app.collect());
                    unlinked += one.unlinked + two.unlinked;
                }
                ended = pushers.join_next() => match ended {
                    Some(ended) => ended.unwrap(),
                    None => break,
                }
            }
        }
        assert!(unlinked > 0, "nothing raced");
        let (problems, _) = app.check(true).await;
        assert_eq!(problems, []);
    })
    .await;
}
