//! Commits and uploads while the disk fails, the process dies or the power goes out.

use berth_blob::{
    BlobError, BlobStore, Checkpoint, CommitError, Fault, FaultPlan, PowerLoss, Step, StoreOptions,
    Stored,
};
use berth_model::{Code, Coded};
use berth_oci::Algorithm;
use bytes::Bytes;
use futures_util::StreamExt;
use tempfile::TempDir;

use crate::support::{
    BATCH, READ, check_blobs, check_copies, content, entries, pull, push, send, sha256, uploads,
};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

struct Bench {
    root: TempDir,
    plan: FaultPlan,
    sync: bool,
}

impl Bench {
    fn new(sync: bool) -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            plan: FaultPlan::new(),
            sync,
        }
    }

    async fn open(&self) -> BlobStore {
        let options = StoreOptions {
            sync: self.sync,
            faults: Some(self.plan.clone()),
        };
        BlobStore::open(self.root.path(), options).await.unwrap()
    }

    /// Copies of `bytes` in the store, each of which has to be exact.
    async fn copies(&self, store: &BlobStore, bytes: &Bytes) -> usize {
        check_copies(store, self.root.path(), bytes).await
    }
}

/// One push in two requests; keeps what its client would know when it fails.
struct Push {
    bytes: Bytes,
    id: String,
    /// What the session's row holds.
    at: Checkpoint,
    stored: Option<Stored>,
}

impl Push {
    async fn start(store: &BlobStore, bytes: Bytes) -> Self {
        let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
        Self {
            bytes,
            id: upload.id().to_owned(),
            at: upload.checkpoint().await.unwrap(),
            stored: None,
        }
    }

    async fn run(&mut self, store: &BlobStore) -> Result<(), CommitError> {
        let half = self.bytes.len() / 2;
        if (self.at.offset as usize) < half {
            let mut upload = store.resume(&self.id, &self.at).await?;
            self.at.offset = upload.offset();
            for piece in self.bytes[self.at.offset as usize..half].chunks(50_000) {
                upload.write(Bytes::copy_from_slice(piece)).await?;
            }
            self.at = upload.checkpoint().await?;
        }
        let mut upload = store.resume(&self.id, &self.at).await?;
        for piece in self.bytes[upload.offset() as usize..].chunks(50_000) {
            upload.write(Bytes::copy_from_slice(piece)).await?;
        }
        self.stored = Some(upload.commit(&sha256(&self.bytes)).await?);
        Ok(())
    }

    /// After the fault: the client gets it done in the end, and the bytes are right.
    async fn recover(&mut self, store: &BlobStore, what: &str) {
        match self.run(store).await {
            Ok(()) => {}
            // The upload is gone, or became a blob that nobody was told of: the client starts over.
            Err(CommitError::Io(BlobError::UploadMissing { .. })) => self.start_over(store).await,
            // The lengths are there, the bytes are not: likewise.
            Err(CommitError::Mismatch { upload, .. }) if what.contains("Zeros") => {
                upload.discard().await;
                self.start_over(store).await;
            }
            Err(error) => panic!("{what}: {error}"),
        }
        let stored = self.stored.as_ref().unwrap();
        assert_eq!(pull(store, stored).await, self.bytes, "{what}");
    }

    async fn start_over(&mut self, store: &BlobStore) {
        *self = Self::start(store, self.bytes.clone()).await;
        self.run(store).await.unwrap();
    }
}

/// Steps that a whole push of `bytes` takes.
async fn count_steps(bytes: &Bytes) -> usize {
    let bench = Bench::new(true);
    let store = bench.open().await;
    let before = bench.plan.steps().len();
    let mut push = Push::start(&store, bytes.clone()).await;
    push.run(&store).await.unwrap();
    bench.plan.steps().len() - before
}

fn sizes() -> [Bytes; 2] {
    [content(1000), content(5 * BATCH + 1)]
}

#[tokio::test]
async fn a_failing_step_leaves_nothing_partial_and_the_upload_goes_on() {
    for bytes in sizes() {
        let steps = count_steps(&bytes).await;
        assert!(steps >= 7, "{steps}");
        let bench = Bench::new(true);
        let store = bench.open().await;
        for (nth, number) in (1..=steps).flat_map(|nth| [EIO, ENOSPC, EDQUOT].map(|n| (nth, n))) {
            let what = format!("{} bytes, step {nth} fails with {number}", bytes.len());
            let mut push = Push::start(&store, bytes.clone()).await;
            bench.plan.fail(None, nth, Fault::Errno(number));
            let error = push.run(&store).await.expect_err(&what);
            let code = match number {
                EIO => Code::Unknown,
                _ => Code::StorageFull,
            };
            assert_eq!(error.code(), code, "{what}: {error}");
            assert_eq!(bench.copies(&store, &bytes).await, 0, "{what}");
            push.recover(&store, &what).await;
            assert!(uploads(bench.root.path()).is_empty(), "{what}");
            assert_eq!(bench.copies(&store, &bytes).await, 1, "{what}");
            store.delete(&push.stored.unwrap().stored_as).await.unwrap();
        }
        assert!(entries(&store).await.is_empty());
    }
}

#[tokio::test]
async fn a_killed_process_leaves_no_blob_or_the_exact_one() {
    for bytes in sizes() {
        let bench = Bench::new(true);
        for nth in 1..=count_steps(&bytes).await {
            let what = format!("{} bytes, killed before step {nth}", bytes.len());
            let store = bench.open().await;
            let mut push = Push::start(&store, bytes.clone()).await;
            bench.plan.fail(None, nth, Fault::Crash);
            push.run(&store).await.expect_err(&what);
            drop(store);
            bench.plan.restart();
            let store = bench.open().await;
            bench.copies(&store, &bytes).await;
            push.recover(&store, &what).await;
        }
        let store = bench.open().await;
        check_blobs(&store).await;
    }
}

#[tokio::test]
async fn a_power_failure_takes_nothing_that_was_answered_and_leaves_nothing_wrong() {
    for loss in [PowerLoss::Names, PowerLoss::Bytes, PowerLoss::Zeros] {
        for bytes in sizes() {
            let bench = Bench::new(true);
            for nth in 1..=count_steps(&bytes).await {
                let what = format!("{} bytes, {loss:?} lost at step {nth}", bytes.len());
                let store = bench.open().await;
                let answered_bytes = content(2 * BATCH + nth);
                let answered = push(&store, &answered_bytes).await;
                let mut push = Push::start(&store, bytes.clone()).await;
                bench.plan.fail(None, nth, Fault::Crash);
                push.run(&store).await.expect_err(&what);
                drop(store);
                bench.plan.simulate_power_loss(loss).unwrap();
                let store = bench.open().await;
                assert_eq!(pull(&store, &answered).await, answered_bytes, "{what}");
                bench.copies(&store, &bytes).await;
                push.recover(&store, &what).await;
            }
            let store = bench.open().await;
            check_blobs(&store).await;
        }
    }
}

#[tokio::test]
async fn without_syncing_a_power_failure_does_take_blobs() {
    for loss in [PowerLoss::Names, PowerLoss::Bytes, PowerLoss::Zeros] {
        let bench = Bench::new(false);
        let store = bench.open().await;
        let bytes = content(BATCH + 1);
        let stored = push(&store, &bytes).await;
        assert!(!bench.plan.steps().contains(&Step::Sync));
        bench.plan.simulate_power_loss(loss).unwrap();
        let store = bench.open().await;
        let read = store.open_blob(&stored.stored_as, stored.size).await;
        assert_eq!(read.is_ok(), loss == PowerLoss::Zeros);
        if read.is_ok() {
            assert_ne!(pull(&store, &stored).await, bytes);
        }
    }
}

#[tokio::test]
async fn a_failed_write_moves_the_offset_back_and_the_upload_goes_on() {
    let bench = Bench::new(true);
    let store = bench.open().await;
    let bytes = content(8 * BATCH);
    for nth in 1..=6 {
        let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
        bench.plan.fail(Step::Write, nth, Fault::Errno(ENOSPC));
        let mut failures = 0;
        while upload.offset() < bytes.len() as u64 {
            let at = upload.offset() as usize;
            let piece = bytes.slice(at..bytes.len().min(at + 70_000));
            if let Err(error) = upload.write(piece).await {
                assert!(matches!(error, BlobError::Full(_)));
                assert!(upload.offset() <= at as u64);
                failures += 1;
            }
        }
        assert_eq!(failures, 1);
        let stored = upload.commit(&sha256(&bytes)).await.unwrap();
        assert_eq!(pull(&store, &stored).await, bytes);
    }
}

#[tokio::test]
async fn after_a_failed_sync_the_bytes_have_to_be_sent_again() {
    let bench = Bench::new(true);
    let store = bench.open().await;
    let bytes = content(2 * BATCH);
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    let id = upload.id().to_owned();
    send(&mut upload, &bytes, 50_000).await;
    let at = upload.checkpoint().await.unwrap();
    bench.plan.fail(Step::Sync, 1, Fault::Errno(EIO));
    let error = upload.commit(&sha256(&bytes)).await.unwrap_err();
    assert!(matches!(error, CommitError::Io(BlobError::Io(_))));
    let mut upload = store.resume(&id, &at).await.unwrap();
    assert_eq!(upload.offset(), 0);
    send(&mut upload, &bytes, 50_000).await;
    upload.commit(&sha256(&bytes)).await.unwrap();
}

#[tokio::test]
async fn a_dropped_request_does_not_write_behind_the_next_one() {
    let bench = Bench::new(true);
    let store = bench.open().await;
    let bytes = content(6 * BATCH);
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    let id = upload.id().to_owned();
    let at = upload.checkpoint().await.unwrap();
    for _ in 0..8 {
        // The first batch is on its way to the file when the request goes away.
        send(&mut upload, &content(BATCH + 1), BATCH / 2 + 1).await;
        drop(upload);
        upload = store.resume(&id, &at).await.unwrap();
    }
    send(&mut upload, &bytes, BATCH).await;
    let stored = upload.commit(&sha256(&bytes)).await.unwrap();
    assert_eq!(pull(&store, &stored).await, bytes);
}

#[tokio::test]
async fn a_read_that_fails_aborts_the_stream() {
    let bench = Bench::new(true);
    let store = bench.open().await;
    let stored = push(&store, &content(4 * READ)).await;
    let blob = store
        .open_blob(&stored.stored_as, stored.size)
        .await
        .unwrap();
    bench.plan.fail(Step::Read, 3, Fault::Errno(EIO));
    let pieces: Vec<_> = blob.stream(0, stored.size).collect().await;
    assert_eq!(pieces.len(), 3);
    assert!(matches!(pieces[2], Err(BlobError::Io(_))));
    assert_eq!(check_blobs(&store).await, 1, "reads go on");
}
