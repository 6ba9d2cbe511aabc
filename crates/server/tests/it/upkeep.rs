//! Collecting untagged artifacts, scrubbing, repairing and purging: what they do, beside what is
//! in use.

use std::time::Duration;

use berth_catalog::LogPurge;
use berth_db::args;
use berth_lifecycle::{FsckOptions, GcOptions, GcReport, Problem, Unwatched};
use berth_model::{Clock, Timestamp};
use berth_oci::media_type;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Setup, both_with};
use crate::content::{noise, sha256};
use crate::corruption::{Damage, damage, stored};

const REPOSITORY: &str = "library/app";
/// Beyond the grace, with what reviews are spread over.
const LATER: Duration = Duration::from_mins(121);

pub(crate) fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    }
}

async fn collect_untagged(app: &App, dry_run: bool) -> GcReport {
    let options = GcOptions {
        delete_untagged: true,
        dry_run,
        workers: 3,
        ..GcOptions::default()
    };
    let nobody = Unwatched::default();
    let report = app.parts.lifecycle.collect_with(&options, &nobody).await;
    report.unwrap()
}

fn manifest(digest: &str) -> String {
    format!("/v2/{REPOSITORY}/manifests/{digest}")
}

async fn is_there(app: &App, digest: &str) -> bool {
    app.get(&manifest(digest)).send().await.status == 200
}

/// An index of manifests.
fn index(parts: &[(&str, usize)]) -> Value {
    let parts: Vec<Value> = parts
        .iter()
        .map(|(digest, size)| {
            json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": size})
        })
        .collect();
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": parts})
}

async fn put(app: &App, reference: &str, manifest: &Value) -> String {
    let pushed = app.put_manifest(REPOSITORY, reference, manifest).await;
    pushed.expect(201).need("docker-content-digest").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untagged_artifacts_that_nothing_needs_go_after_a_grace() {
    both_with(&setup(), async |app| {
        // A tag that moved on, twice; the second one is read by its digest to the end.
        let first = app.push_image(REPOSITORY, "v1", "first").await;
        let second = app.push_image(REPOSITORY, "v1", "second").await;
        let kept = app.push_image(REPOSITORY, "v1", "kept").await;
        // An index, tagged, whose parts are not; and one that nobody tagged.
        let (a, b) = (noise(1, 10), noise(2, 10));
        let mut parts = Vec::new();
        for (name, bytes) in [("a", &a), ("b", &b)] {
            let config = crate::content::config(name);
            app.push_blob(REPOSITORY, &config).await;
            app.push_blob(REPOSITORY, bytes).await;
            let part = crate::content::image(&config, bytes);
            let size = part.to_string().len();
            let digest = sha256(part.to_string().as_bytes());
            put(app, &digest, &part).await;
            parts.push((digest, size));
        }
        let part = |n: usize| (parts[n].0.as_str(), parts[n].1);
        put(app, "multi", &index(&[part(0)])).await;
        let lost = index(&[part(1)]);
        let lost_digest = sha256(lost.to_string().as_bytes());
        put(app, &lost_digest, &lost).await;
        // What belongs to something that stays, and what belongs to something that goes.
        let subject = |image: &crate::content::Image| {
            json!({"mediaType": media_type::OCI_MANIFEST, "digest": image.digest,
                "size": image.bytes.len()})
        };
        let signature = app.attach(REPOSITORY, &subject(&kept), "a/b", "kept").await;
        let signature = signature
            .expect(201)
            .need("docker-content-digest")
            .to_owned();
        let orphan = app
            .attach(REPOSITORY, &subject(&first), "a/b", "first")
            .await;
        let orphan = orphan.expect(201).need("docker-content-digest").to_owned();

        assert_eq!(collect_untagged(app, false).await.manifests, 0, "the grace");
        app.clock.advance(LATER);
        let plain = app.collect().await;
        assert_eq!(plain.manifests, 0);
        assert!(is_there(app, &first.digest).await, "not asked for");
        let would = collect_untagged(app, true).await;
        assert!(is_there(app, &first.digest).await, "a dry run");
        let did = collect_untagged(app, false).await;
        // Two images, what belongs to one of them, an index with its part.
        assert_eq!((would.manifests, did.manifests), (5, 5));
        for gone in [
            &first.digest,
            &second.digest,
            &orphan,
            &lost_digest,
            &parts[1].0,
        ] {
            assert!(!is_there(app, gone).await, "{gone}");
        }
        for there in [&kept.digest, &signature, &parts[0].0] {
            assert!(is_there(app, there).await, "{there}");
        }
        // Their bytes go a grace later, and are those that were announced.
        app.clock.advance(LATER);
        let freed = app.collect().await;
        assert_eq!((freed.blobs, freed.bytes), (would.blobs, would.bytes));
        assert_eq!(freed.blobs, 6);
        assert_eq!(collect_untagged(app, false).await, GcReport::default());
        assert_eq!(app.count("SELECT COUNT(*) FROM manifest_review").await, 0);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
        let logged = crate::audit::lines(app, "username=%23server,resource_type=artifact").await;
        assert_eq!(
            logged.len(),
            3,
            "one for each that was not deleted with another: {logged:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untagged_artifact_that_a_pusher_was_told_of_stays_for_its_index() {
    both_with(&setup(), async |app| {
        let guest = app.user("guest").await;
        app.member("library", &guest, 3).await;
        let part = app.push_image(REPOSITORY, "part", "part").await;
        let path = "/api/v2.0/projects/library/repositories/app/artifacts/part/tags/part";
        app.delete(path).send().await.expect(200);
        app.clock.advance(LATER);
        // A guest cannot push: nobody counts on what he saw.
        let head = || app.head(&manifest(&part.digest));
        head().by(&guest).send().await.expect(200);
        assert_eq!(collect_untagged(app, true).await.manifests, 1);
        head().send().await.expect(200);
        assert_eq!(collect_untagged(app, false).await.manifests, 0);
        app.clock.advance(LATER / 2);
        assert_eq!(collect_untagged(app, false).await.manifests, 0);
        put(app, "multi", &index(&[(&part.digest, part.bytes.len())])).await;
        app.clock.advance(LATER * 3);
        assert_eq!(collect_untagged(app, false).await.manifests, 0);
        assert!(is_there(app, &part.digest).await);
        // What has lost its index is garbage like the rest.
        app.delete("/api/v2.0/projects/library/repositories/app/artifacts/multi")
            .send()
            .await
            .expect(200);
        assert!(!is_there(app, &part.digest).await, "it goes with its index");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_names_what_would_go_and_a_limit_ends_a_run() {
    both_with(&setup(), async |app| {
        for n in 0..120 {
            app.push_blob(REPOSITORY, &noise(n, 1_000)).await;
        }
        app.push_image(REPOSITORY, "kept", "kept").await;
        let would = collect_untagged(app, true).await;
        assert_eq!(would, GcReport::default());
        app.clock.advance(LATER);
        let would = collect_untagged(app, true).await;
        assert_eq!((would.blobs, would.bytes), (120, 120_000));
        assert_eq!(app.files("blobs").len(), 122);
        let nobody = Unwatched::default();
        let none = GcOptions {
            time_limit: Some(Duration::ZERO),
            ..GcOptions::default()
        };
        let lifecycle = &app.parts.lifecycle;
        let report = lifecycle.collect_with(&none, &nobody).await.unwrap();
        assert_eq!(report.blobs, 0);
        let slow = GcOptions {
            rate: Some(100),
            ..GcOptions::default()
        };
        let began = std::time::Instant::now();
        let report = lifecycle.collect_with(&slow, &nobody).await.unwrap();
        assert_eq!((report.blobs, report.bytes), (120, 120_000));
        assert!(began.elapsed() > Duration::from_millis(1_100), "the rate");
        assert_eq!(app.files("blobs").len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrub_finds_what_went_bad_in_silence() {
    both_with(&setup(), async |app| {
        let image = app.push_image(REPOSITORY, "v1", "scrubbed").await;
        let large = noise(7, 300_000);
        let digest = app.push_blob(REPOSITORY, &large).await;
        app.restart().await;
        app.clock.advance(Duration::from_mins(1));
        let nobody = Unwatched::default();
        let report = app.parts.lifecycle.scrub(None, &nobody).await.unwrap();
        assert_eq!((report.blobs, report.found), (3, 0));
        // Everything was looked at a moment ago.
        let report = app.parts.lifecycle.scrub(None, &nobody).await.unwrap();
        assert_eq!(report.blobs, 0);

        damage(&stored(app, &digest), Damage::SilentFlip);
        damage(&stored(app, &image.config), Damage::SilentFlip);
        app.clock.advance(Duration::from_mins(1));
        let report = app.parts.lifecycle.scrub(None, &nobody).await.unwrap();
        assert_eq!((report.blobs, report.found), (3, 2));
        let needed: Vec<(&str, &[String])> = report
            .wrong
            .iter()
            .map(|wrong| (wrong.digest.as_str(), wrong.artifacts.as_slice()))
            .collect();
        let artifact = [format!("{REPOSITORY}@{}", image.digest)];
        assert!(needed.contains(&(&digest, &[])), "{needed:?}");
        assert!(needed.contains(&(&image.config, &artifact)), "{needed:?}");
        for bad in [&digest, &image.config] {
            let read = app
                .get(&format!("/v2/{REPOSITORY}/blobs/{bad}"))
                .send()
                .await;
            read.refused(404, "BLOB_UNKNOWN");
        }
        assert_eq!(app.files("quarantine").len(), 2);
        app.push_image(REPOSITORY, "v1", "scrubbed").await;
        app.push_blob(REPOSITORY, &large).await;
        let read = app
            .get(&format!("/v2/{REPOSITORY}/blobs/{digest}"))
            .send()
            .await;
        assert_eq!(read.expect(200).body, large);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrub_keeps_its_rate_and_goes_on_where_it_was_stopped() {
    both_with(&setup(), async |app| {
        for n in 0..40 {
            app.push_blob(REPOSITORY, &noise(n, 50_000)).await;
            app.clock.advance(Duration::from_secs(1));
        }
        let stop = CancellationToken::new();
        let nobody = Unwatched(stop.clone());
        let began = std::time::Instant::now();
        let timer = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            stop.cancel();
        };
        let scrub = app.parts.lifecycle.scrub(Some(1_000_000), &nobody);
        let (report, ()) = tokio::join!(scrub, timer);
        let report = report.unwrap();
        assert!(
            began.elapsed() < Duration::from_millis(1_700),
            "it stopped late"
        );
        assert!((5..=25).contains(&report.blobs), "{report:?}");
        let nobody = Unwatched::default();
        let rest = app.parts.lifecycle.scrub(None, &nobody).await.unwrap();
        assert_eq!(rest.blobs + report.blobs, 40);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_puts_right_what_can_be_beside_a_running_server() {
    both_with(&setup(), async |app| {
        let image = app.push_image(REPOSITORY, "v1", "repaired").await;
        let layer = &image.layers[0];
        // The link that the manifest needs is lost.
        let sql = "DELETE FROM repository_blob WHERE blob_id = \
                   (SELECT id FROM blob WHERE digest = $1)";
        let (lost, copied) = (layer.clone(), image.config.clone());
        let changed: Result<u64, berth_db::DbError> = app
            .parts
            .db
            .write(move |tx| Box::pin(async move { tx.execute(sql, args![lost]).await }))
            .await;
        assert_eq!(changed.unwrap(), 1);
        // A blob went bad, and a good copy of it lies beside it that no row names.
        let path = stored(app, &image.config);
        let name = path.file_name().unwrap().to_str().unwrap();
        let (hash, _) = name.split_once('-').unwrap();
        let other = path.with_file_name(format!("{hash}-{}", "00000000000040008000000000000001"));
        std::fs::copy(&path, &other).unwrap();
        damage(&path, Damage::Truncate);
        // A leftover, and one that may be a push under way.
        app.restart().await;
        let options = |settled_before| FsckOptions {
            rehash: false,
            repair: true,
            settled_before,
        };
        let nobody = Unwatched::default();
        let past = Some(Timestamp::from_seconds(0));
        let report = app
            .parts
            .lifecycle
            .fsck(options(past), &nobody)
            .await
            .unwrap();
        assert_eq!((report.repaired, report.leftovers), (1, 1));
        assert!(other.exists(), "too young to be judged");
        let future = Some(Clock::system().now().plus(Duration::from_mins(1)));
        let report = app
            .parts
            .lifecycle
            .fsck(options(future), &nobody)
            .await
            .unwrap();
        assert_eq!(report.repaired, 1);
        assert_eq!(
            report.problems,
            [Problem::Quarantined {
                digest: copied.clone()
            }]
        );
        assert_eq!(app.check(true).await, (Vec::new(), 0));
        for digest in [layer, &copied] {
            let read = app
                .get(&format!("/v2/{REPOSITORY}/blobs/{digest}"))
                .send()
                .await;
            read.expect(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_deletes_old_lines_of_the_asked_events() {
    both_with(&setup(), async |app| {
        app.push_image(REPOSITORY, "v1", "old").await;
        app.user("old").await;
        app.clock.advance(Duration::from_hours(48));
        app.push_image(REPOSITORY, "v2", "new").await;
        app.parts.catalog.recorder().flush().await.unwrap();
        let count = async || app.count("SELECT COUNT(*) FROM access_log").await;
        let all = count().await;
        let purge = LogPurge {
            before: app.clock.now().minus(Duration::from_hours(24)),
            events: LogPurge::events("create_artifact, login_user").unwrap(),
            dry_run: true,
        };
        let stop = CancellationToken::new();
        let catalog = &app.parts.catalog;
        let would = catalog.purge_log(&purge, &stop, |_| {}).await.unwrap();
        // The push, and the administrator's login.
        assert_eq!((would, count().await), (2, all));
        let purge = LogPurge {
            dry_run: false,
            ..purge
        };
        assert_eq!(catalog.purge_log(&purge, &stop, |_| {}).await.unwrap(), 2);
        assert_eq!(count().await, all - 2);
        let everything = LogPurge {
            events: Vec::new(),
            ..purge
        };
        let rest = catalog.purge_log(&everything, &stop, |_| {}).await.unwrap();
        assert_eq!(rest, 3, "two made at the first start, and a user");
        assert_eq!(crate::audit::lines(app, "tag=v2").await.len(), 1);
        assert!(LogPurge::events("eat_artifact").is_err());
    })
    .await;
}
