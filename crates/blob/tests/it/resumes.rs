//! Uploads that are taken up again.

use berth_blob::BlobStore;
use berth_blob::{BlobError, Checkpoint, CommitError, FaultPlan, PowerLoss, StoreOptions};
use berth_model::{Code, Coded};
use berth_oci::{Algorithm, Digest};
use bytes::Bytes;
use proptest::prelude::*;

use crate::support::{BATCH, content, open, pull, send, sha256, store};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_splits_and_restarts_give_the_same_blob(
        pieces in prop::collection::vec(0_usize..2 * BATCH, 1..6),
        chunk in 1000_usize..100_000,
        wasted in 0_usize..2 * BATCH,
        long in any::<bool>(),
    ) {
        let algorithm = if long { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let root = tempfile::tempdir().unwrap();
            let bytes = content(pieces.iter().sum());
            let store = open(root.path()).await;
            let mut upload = store.begin(algorithm).await.unwrap();
            let id = upload.id().to_owned();
            let mut at = upload.checkpoint().await.unwrap();
            drop(upload);
            for piece in pieces {
                let store = open(root.path()).await;
                let mut upload = store.resume(&id, &at).await.unwrap();
                let offset = at.offset as usize;
                assert_eq!(upload.offset(), at.offset);
                send(&mut upload, &bytes.slice(offset..offset + piece), chunk).await;
                at = upload.checkpoint().await.unwrap();
                assert_eq!(at.offset as usize, offset + piece);
                // Bytes after the checkpoint are not part of the upload.
                send(&mut upload, &content(wasted), chunk).await;
            }
            let store = open(root.path()).await;
            let upload = store.resume(&id, &at).await.unwrap();
            let stored = upload.commit(&Digest::of(algorithm, &bytes)).await.unwrap();
            assert_eq!(pull(&store, &stored).await, bytes);
        });
    }
}

async fn checkpointed(store: &BlobStore, bytes: &Bytes) -> (String, Checkpoint) {
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    send(&mut upload, bytes, 50_000).await;
    let at = upload.checkpoint().await.unwrap();
    (upload.id().to_owned(), at)
}

#[tokio::test]
async fn a_file_that_lost_its_end_goes_on_where_it_ends() {
    let (root, store) = store().await;
    let bytes = content(3 * BATCH);
    for left in [0, 1, BATCH + 5] {
        let (id, at) = checkpointed(&store, &bytes.slice(..2 * BATCH)).await;
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(root.path().join("uploads").join(&id))
            .unwrap();
        file.set_len(left as u64).unwrap();
        let mut upload = store.resume(&id, &at).await.unwrap();
        assert_eq!(upload.offset(), left as u64);
        send(&mut upload, &bytes.slice(left..), 50_000).await;
        let stored = upload.commit(&sha256(&bytes)).await.unwrap();
        assert_eq!(pull(&store, &stored).await, bytes);
    }
}

#[tokio::test]
async fn an_older_checkpoint_cuts_what_came_after_it() {
    let (_root, store) = store().await;
    let bytes = content(BATCH);
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    let id = upload.id().to_owned();
    let start = upload.checkpoint().await.unwrap();
    send(&mut upload, &bytes.slice(..1000), 300).await;
    let early = upload.checkpoint().await.unwrap();
    send(&mut upload, &content(5000), 300).await;
    upload.checkpoint().await.unwrap();
    drop(upload);
    for at in [early, start] {
        let mut upload = store.resume(&id, &at).await.unwrap();
        let rest = bytes.slice(at.offset as usize..);
        send(&mut upload, &rest, 300).await;
        upload.checkpoint().await.unwrap();
        let error = upload.commit(&sha256(b"other")).await.unwrap_err();
        let CommitError::Mismatch { found, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(found, sha256(&bytes));
    }
}

#[tokio::test]
async fn nothing_left_is_said_so() {
    let (root, store) = store().await;
    let (id, at) = checkpointed(&store, &content(10)).await;
    std::fs::remove_file(root.path().join("uploads").join(&id)).unwrap();
    let error = store.resume(&id, &at).await.unwrap_err();
    assert!(matches!(error, BlobError::UploadMissing { .. }));
    assert_eq!(error.code(), Code::BlobUploadUnknown);
}

#[tokio::test]
async fn bytes_that_a_power_failure_changed_are_hashed_again() {
    let root = tempfile::tempdir().unwrap();
    let plan = FaultPlan::new();
    let options = StoreOptions {
        faults: Some(plan.clone()),
        ..StoreOptions::default()
    };
    let store = BlobStore::open(root.path(), options.clone()).await.unwrap();
    let bytes = content(2 * BATCH);
    let (id, at) = checkpointed(&store, &bytes).await;
    drop(store);
    plan.simulate_power_loss(PowerLoss::Zeros).unwrap();
    let store = BlobStore::open(root.path(), options).await.unwrap();
    let upload = store.resume(&id, &at).await.unwrap();
    assert_eq!(upload.offset(), at.offset, "the length is as it was");
    let error = upload.commit(&sha256(&bytes)).await.unwrap_err();
    let CommitError::Mismatch { found, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(found, sha256(&vec![0; 2 * BATCH]));
}

#[tokio::test]
async fn an_unreadable_state_is_refused() {
    let (_root, store) = store().await;
    let (id, at) = checkpointed(&store, &content(10)).await;
    for state in [Vec::new(), vec![0; 121], vec![1]] {
        let at = Checkpoint { offset: 10, state };
        let error = store.resume(&id, &at).await.unwrap_err();
        assert!(matches!(error, BlobError::BadCheckpoint { .. }));
    }
    // A state of another version of the hash: the bytes are hashed again.
    let mut cut = at.clone();
    cut.state.pop();
    let upload = store.resume(&id, &cut).await.unwrap();
    upload.commit(&sha256(&content(10))).await.unwrap();
}

#[tokio::test]
async fn ids_that_are_not_ours_reach_no_file() {
    let (root, store) = store().await;
    let victim = root.path().join("victim");
    std::fs::write(&victim, "x").unwrap();
    let at = checkpointed(&store, &content(10)).await.1;
    for id in ["", ".", "..", "../victim", "/etc/passwd", "x\0y", "0123"] {
        let error = store.discard(id).await.unwrap_err();
        assert!(matches!(error, BlobError::BadKey), "{id}");
        let error = store.resume(id, &at).await.unwrap_err();
        assert!(matches!(error, BlobError::BadKey), "{id}");
    }
    assert!(victim.exists());
}

#[tokio::test(start_paused = true)]
async fn one_upload_has_one_writer() {
    let (_root, store) = store().await;
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    let id = upload.id().to_owned();
    upload.write(content(10)).await.unwrap();
    let at = upload.checkpoint().await.unwrap();
    let error = store.resume(&id, &at).await.unwrap_err();
    assert!(matches!(error, BlobError::Busy { .. }));
    assert_eq!(error.retry_after(), Some(1));

    let waiting = tokio::spawn({
        let (store, id, at) = (store.clone(), id.clone(), at.clone());
        async move { store.resume(&id, &at).await.map(|upload| upload.offset()) }
    });
    tokio::task::yield_now().await;
    drop(upload);
    assert_eq!(waiting.await.unwrap().unwrap(), 10);
}
