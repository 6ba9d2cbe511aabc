//! Uploads that become blobs, and those that do not.

use std::collections::HashSet;

use berth_blob::{CommitError, Verdict};
use berth_model::{Code, Coded};
use berth_oci::{Algorithm, Digest};
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::support::{BATCH, check_blobs, content, open, pull, push, send, sha256, store, uploads};

#[tokio::test]
async fn every_size_and_chunking_comes_back() {
    let (root, store) = store().await;
    for length in [
        0,
        1,
        4095,
        4096,
        BATCH - 1,
        BATCH,
        BATCH + 1,
        3 * BATCH,
        5 * BATCH + 17,
    ] {
        for chunk in [1000, 4096, 65_536, usize::MAX] {
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                let bytes = content(length);
                let mut upload = store.begin(algorithm).await.unwrap();
                send(&mut upload, &bytes, chunk).await;
                assert_eq!(upload.offset(), length as u64);
                let id = upload.id().replace('-', "");
                let digest = Digest::of(algorithm, &bytes);
                let stored = upload.commit(&digest).await.unwrap();
                assert_eq!(stored.size, length as u64);
                assert!(
                    stored
                        .stored_as
                        .ends_with(&format!("{}-{id}", digest.hex()))
                );
                assert_eq!(pull(&store, &stored).await, bytes);
                let verdict = store.verify(&stored.stored_as, &digest, stored.size);
                assert_eq!(verdict.await.unwrap(), Verdict::Good);
            }
        }
    }
    assert!(uploads(root.path()).is_empty());
}

#[tokio::test]
async fn tiny_chunks_between_large_ones_keep_their_order() {
    let (_root, store) = store().await;
    let bytes = content(2 * BATCH);
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    let mut rest = bytes.clone();
    for length in [1, 5000, 7, 7, 4096, 4095, 300_000, 1].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let piece = rest.split_to(rest.len().min(length));
        upload.write(piece).await.unwrap();
    }
    let stored = upload.commit(&sha256(&bytes)).await.unwrap();
    assert_eq!(pull(&store, &stored).await, bytes);
}

#[tokio::test]
async fn a_small_upload_touches_no_file_before_its_commit() {
    let (root, store) = store().await;
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    upload.checkpoint().await.unwrap();
    send(&mut upload, &content(BATCH / 2), 5000).await;
    assert!(uploads(root.path()).is_empty());
    let wrong = upload.commit(&sha256(b"other")).await;
    assert!(matches!(wrong, Err(CommitError::Mismatch { .. })));
    assert!(uploads(root.path()).is_empty());
}

#[tokio::test]
async fn a_digest_of_the_other_algorithm_counts_too() {
    let (root, store) = store().await;
    for length in [0, 100, BATCH, 4 * BATCH + 1] {
        for (ours, theirs) in [
            (Algorithm::Sha256, Algorithm::Sha512),
            (Algorithm::Sha512, Algorithm::Sha256),
        ] {
            let bytes = content(length);
            let mut upload = store.begin(ours).await.unwrap();
            send(&mut upload, &bytes, 50_000).await;
            let wrong = upload
                .commit(&Digest::of(theirs, b"other"))
                .await
                .unwrap_err();
            let CommitError::Mismatch { upload, found } = wrong else {
                panic!("{wrong}");
            };
            assert_eq!(found, Digest::of(theirs, &bytes));
            let stored = upload.commit(&Digest::of(theirs, &bytes)).await.unwrap();
            assert_eq!(pull(&store, &stored).await, bytes);
        }
    }
    assert!(uploads(root.path()).is_empty());
    assert_eq!(check_blobs(&store).await, 8);
}

#[tokio::test]
async fn a_wrong_digest_leaves_the_upload_usable() {
    let (root, store) = store().await;
    for first in [10, 2 * BATCH + 10] {
        let bytes = content(first + 5000);
        let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
        send(&mut upload, &bytes.slice(..first), 9000).await;
        let error = upload.commit(&sha256(&bytes)).await.unwrap_err();
        assert_eq!(error.code(), Code::DigestInvalid);
        let CommitError::Mismatch { mut upload, found } = error else {
            panic!("{error}");
        };
        assert_eq!(found, sha256(&bytes[..first]));
        assert_eq!(upload.offset(), first as u64);
        assert_eq!(check_blobs(&store).await, 0);
        send(&mut upload, &bytes.slice(first..), 9000).await;
        let stored = upload.commit(&sha256(&bytes)).await.unwrap();
        assert_eq!(pull(&store, &stored).await, bytes);
        store.delete(&stored.stored_as).await.unwrap();
    }
    assert!(uploads(root.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_of_one_digest_do_not_meet() {
    let (root, store) = store().await;
    let bytes = content(BATCH + 100);
    let mut pushes = JoinSet::new();
    for _ in 0..32 {
        let (store, bytes) = (store.clone(), bytes.clone());
        pushes.spawn(async move { push(&store, &bytes).await.stored_as });
    }
    let keys: HashSet<String> = pushes.join_all().await.into_iter().collect();
    assert_eq!(keys.len(), 32);
    assert_eq!(check_blobs(&store).await, 32);
    assert!(uploads(root.path()).is_empty());
    let deleted = keys.iter().next().unwrap();
    store.delete(deleted).await.unwrap();
    assert_eq!(check_blobs(&store).await, 31);
}

#[tokio::test]
async fn discarding_removes_the_file() {
    let (root, store) = store().await;
    for flushed in [false, true] {
        let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
        upload.write(Bytes::from_static(b"x")).await.unwrap();
        if flushed {
            upload.checkpoint().await.unwrap();
            assert_eq!(uploads(root.path()), [upload.id()]);
        }
        upload.discard().await;
        assert!(uploads(root.path()).is_empty());
    }
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    send(&mut upload, &content(3 * BATCH), 10_000).await;
    let id = upload.id().to_owned();
    upload.checkpoint().await.unwrap();
    drop(upload);
    assert_eq!(uploads(root.path()), [id.as_str()]);
    store.discard(&id).await.unwrap();
    store.discard(&id).await.unwrap();
    assert!(uploads(root.path()).is_empty());
}

#[tokio::test]
async fn blobs_are_there_after_opening_again() {
    let (root, store) = store().await;
    let bytes = content(1000);
    let stored = push(&store, &bytes).await;
    drop(store);
    let store = open(root.path()).await;
    assert_eq!(pull(&store, &stored).await, bytes);
}
