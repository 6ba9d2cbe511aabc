//! A disk that fails, fills up or loses its power at any step of a push: an error and no half
//! deeds, reads go on, and what was answered for survives.

use berth_blob::{Fault, PowerLoss, Step};
use berth_model::{Clock, Timestamp};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::app::{App, Setup, both_with};
use crate::content::{noise, sha256};

const REPOSITORY: &str = "library/faults";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;
/// Several batches of the store.
const SIZE: usize = 700_000;
const LOSSES: [Option<PowerLoss>; 4] = [
    None,
    Some(PowerLoss::Names),
    Some(PowerLoss::Bytes),
    Some(PowerLoss::Zeros),
];

fn setup() -> Setup {
    Setup {
        faults: true,
        ..Setup::default()
    }
}

fn blob(digest: &str) -> String {
    format!("/v2/{REPOSITORY}/blobs/{digest}")
}

/// The two ways of pushing: in one request, and by an upload.
#[derive(Clone, Copy, Debug)]
enum Way {
    Whole,
    Upload,
}

async fn push(app: &App, way: Way, bytes: &Bytes) -> Answer {
    let start = format!("/v2/{REPOSITORY}/blobs/uploads/");
    let digest = sha256(bytes);
    match way {
        Way::Whole => {
            let call = app.post(&format!("{start}?digest={digest}"));
            call.body(bytes.clone()).send().await
        }
        Way::Upload => {
            let begun = app.post(&start).send().await;
            if begun.status != 202 {
                return begun;
            }
            let upload = begun.need("location").to_owned();
            let patched = app
                .patch(&upload)
                .body(bytes.slice(..SIZE / 2))
                .send()
                .await;
            if patched.status != 202 {
                return patched;
            }
            let call = app.put(&format!("{upload}?digest={digest}"));
            call.body(bytes.slice(SIZE / 2..)).send().await
        }
    }
}

/// The steps that a push takes when nothing fails.
async fn steps(app: &App, way: Way, bytes: &Bytes) -> Vec<Step> {
    app.plan().restart();
    push(app, way, bytes).await.expect(201);
    app.plan().steps()
}

async fn expect_blob(app: &App, bytes: &Bytes) {
    let read = app.get(&blob(&sha256(bytes))).send().await;
    assert_eq!(read.expect(200).body, *bytes);
}

/// As the server does when it starts.
async fn sweep(app: &App) {
    let stop = CancellationToken::new();
    let now = Clock::system()
        .now()
        .plus(std::time::Duration::from_mins(1));
    app.parts.lifecycle.sweep_orphans(now, &stop).await.unwrap();
}

/// Forgets uploads, which are left for their clients to go on with.
async fn drop_uploads(app: &App) {
    let dropped = app.parts.db.write(|tx| {
        Box::pin(async move { tx.execute("DELETE FROM upload", berth_db::args![]).await })
    });
    dropped
        .await
        .map_err(|error: berth_db::DbError| error)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_step_fails_the_push_and_nothing_else() {
    both_with(&setup(), async |app| {
        let other = noise(1, SIZE);
        push(app, Way::Whole, &other).await.expect(201);
        let mut seed = 100;
        for way in [Way::Whole, Way::Upload] {
            seed += 1;
            let steps = steps(app, way, &noise(seed, SIZE)).await;
            assert!(steps.len() >= 5, "{steps:?}");
            for errno in [EIO, ENOSPC, EDQUOT] {
                for (n, step) in steps.iter().enumerate() {
                    let what = format!("{way:?} {errno} at {n} of {steps:?}");
                    seed += 1;
                    let bytes = noise(seed, SIZE);
                    app.plan().restart();
                    // Counted by its kind: what an earlier push left to be removed is not of this one.
                    let nth = steps[..=n].iter().filter(|it| *it == step).count();
                    app.plan().fail(*step, nth, Fault::Errno(errno));
                    let answer = push(app, way, &bytes).await;
                    let taken = app.plan().steps();
                    if taken.iter().filter(|it| *it == step).count() < nth {
                        // How the network cuts a body decides how many writes it takes.
                        assert_eq!(*step, Step::Write, "{what}");
                        answer.expect(201);
                        continue;
                    }
                    let full = errno != EIO;
                    let expected = if full {
                        (507, "STORAGE_FULL")
                    } else {
                        (500, "UNKNOWN")
                    };
                    let found = (answer.status, answer.code());
                    assert_eq!(
                        found,
                        (expected.0, Some(expected.1.to_owned())),
                        "{what}: {step:?}"
                    );
                    app.plan().restart();
                    app.get(&blob(&sha256(&bytes))).send().await.expect(404);
                    expect_blob(app, &other).await;
                    // With the disk well again, so is everything.
                    push(app, way, &bytes).await.expect(201);
                    expect_blob(app, &bytes).await;
                }
            }
        }
        drop_uploads(app).await;
        sweep(app).await;
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_a_blob_is_whole_or_unknown() {
    both_with(&setup(), async |app| {
        let other = noise(2, SIZE);
        push(app, Way::Whole, &other).await.expect(201);
        let mut seed = 200;
        for way in [Way::Whole, Way::Upload] {
            seed += 1;
            let steps = steps(app, way, &noise(seed, SIZE)).await;
            for power in LOSSES {
                for n in 0..=steps.len() {
                    seed += 1;
                    let bytes = noise(seed, SIZE);
                    app.plan().restart();
                    if n < steps.len() {
                        app.plan().fail(None, n + 1, Fault::Crash);
                    }
                    let answer = push(app, way, &bytes).await;
                    app.crash(power).await;
                    let what = format!("{way:?} {power:?} at {n} of {steps:?}: {}", answer.status);
                    let read = app.get(&blob(&sha256(&bytes))).send().await;
                    if answer.status == 201 {
                        assert_eq!(read.status, 200, "{what}");
                    }
                    if read.status == 200 {
                        assert_eq!(read.body, bytes, "{what}");
                    } else {
                        assert_eq!(read.status, 404, "{what}");
                    }
                    expect_blob(app, &other).await;
                    push(app, way, &bytes).await.expect(201);
                    expect_blob(app, &bytes).await;
                }
            }
        }
        drop_uploads(app).await;
        sweep(app).await;
        assert_eq!(app.files("uploads"), []);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

/// Sends the bytes from `at` on.
async fn patch_from(app: &App, upload: &str, at: usize, bytes: &Bytes) -> Answer {
    let range = format!("{at}-{}", bytes.len() - 1);
    let call = app.patch(upload).header("content-range", &range);
    call.body(bytes.slice(at..)).send().await
}

/// Where an upload stands by an answer's `Range`.
fn end_of(answer: &Answer) -> usize {
    let last = answer.need("range").strip_prefix("0-").unwrap();
    match last.parse().unwrap() {
        0 => 0,
        last => last + 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_its_disk_was_full() {
    both_with(&setup(), async |app| {
        for nth in 1..=3 {
            let bytes = noise(300 + nth as u64, SIZE);
            let upload = app.begin(REPOSITORY).await;
            let first = bytes.slice(..100_000);
            app.patch(&upload).body(first).send().await.expect(202);
            app.plan().fail(Step::Write, nth, Fault::Errno(ENOSPC));
            let failed = patch_from(app, &upload, 100_000, &bytes).await;
            failed.refused(507, "STORAGE_FULL");
            app.plan().restart();
            let at = end_of(&app.get(&upload).send().await.expect(204));
            patch_from(app, &upload, at, &bytes).await.expect(202);
            let put = format!("{upload}?digest={}", sha256(&bytes));
            app.put(&put).send().await.expect(201);
            expect_blob(app, &bytes).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_the_power_failed() {
    both_with(&setup(), async |app| {
        for (n, power) in LOSSES.into_iter().enumerate() {
            let bytes = noise(400 + n as u64, SIZE);
            let upload = app.begin(REPOSITORY).await;
            let first = bytes.slice(..SIZE / 2);
            app.patch(&upload).body(first).send().await.expect(202);
            app.crash(power).await;
            let status = app.get(&upload).send().await;
            if power == Some(PowerLoss::Names) {
                // The whole file is gone, and the client is told to begin anew.
                status.refused(404, "BLOB_UPLOAD_UNKNOWN");
                push(app, Way::Upload, &bytes).await.expect(201);
                expect_blob(app, &bytes).await;
                continue;
            }
            let at = end_of(&status.expect(204));
            let mut patched = patch_from(app, &upload, at, &bytes).await;
            if patched.status == 416 {
                // What was lost is noticed at the first write.
                patched = patch_from(app, &upload, end_of(&patched), &bytes).await;
            }
            assert_eq!(end_of(&patched.expect(202)), SIZE);
            let put = format!("{upload}?digest={}", sha256(&bytes));
            let ended = app.put(&put).send().await;
            if power == Some(PowerLoss::Zeros) {
                // Zeros where bytes were: the digest tells.
                ended.refused(400, "DIGEST_INVALID");
                push(app, Way::Upload, &bytes).await.expect(201);
            } else {
                ended.expect(201);
            }
            expect_blob(app, &bytes).await;
        }
        assert_eq!(app.check(true).await.0, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_does_not_stop_what_needs_no_disk() {
    let setup = Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..setup()
    };
    both_with(&setup, async |app| {
        let image = app.push_image(REPOSITORY, "1", "a").await;
        app.plan().fail(None, 1, Fault::Crash);
        let failed = push(app, Way::Whole, &noise(500, SIZE)).await;
        assert_eq!(failed.status, 500, "{}", failed.text());
        let read = app
            .get(&format!("/v2/{REPOSITORY}/manifests/1"))
            .send()
            .await;
        assert_eq!(read.expect(200).body, image.bytes);
        app.get(&format!("/v2/{REPOSITORY}/tags/list"))
            .send()
            .await
            .expect(200);
        app.get("/v2/").send().await.expect(200);
        let health = app.get("/api/v2.0/health").send().await.expect(200).json();
        assert_eq!(health["status"], "unhealthy");
        // A collection that cannot delete says so, and goes on when it can.
        app.clock.advance(std::time::Duration::from_hours(3));
        app.delete(&format!("/v2/{REPOSITORY}/manifests/{}", image.digest))
            .send()
            .await
            .expect(202);
        app.clock.advance(std::time::Duration::from_hours(3));
        let stop = CancellationToken::new();
        app.parts.lifecycle.collect(&stop).await.unwrap_err();
        app.plan().restart();
        let health = app.get("/api/v2.0/health").send().await.expect(200).json();
        assert_eq!(health["status"], "healthy");
        app.clock.advance(std::time::Duration::from_mins(10));
        while app.collect().await.reviewed > 0 {}
        assert_eq!(app.count("SELECT COUNT(*) FROM blob").await, 0);
        sweep(app).await;
        assert_eq!(app.files("blobs"), []);
    })
    .await;
}
