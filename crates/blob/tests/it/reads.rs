//! Reading, checking and removing blobs.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::pin::Pin;

use berth_blob::{BlobError, BlobStore, FaultPlan, Step, StoreOptions, Stored, Verdict};
use berth_model::{Code, Coded};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Body;
use http_body_util::BodyExt;

use crate::support::{READ, content, pull, push, sha256, store};

async fn range(
    store: &BlobStore,
    stored: &Stored,
    start: u64,
    len: u64,
) -> Result<Bytes, BlobError> {
    let blob = store.open_blob(&stored.stored_as, stored.size).await?;
    let stream = blob.stream(start, len);
    assert_eq!(stream.size_hint().exact(), Some(len));
    Ok(BodyExt::collect(stream).await?.to_bytes())
}

#[tokio::test]
async fn ranges_are_exact() {
    let (_root, store) = store().await;
    let size = 3 * READ + 77;
    let bytes = content(size);
    let stored = push(&store, &bytes).await;
    for start in [0, 1, 4095, READ - 1, READ, 2 * READ + 1, size - 1, size] {
        for len in [0, 1, 100, 40_000, READ, READ + 1, size - start] {
            let len = len.min(size - start);
            let read = range(&store, &stored, start as u64, len as u64).await;
            assert_eq!(read.unwrap(), bytes.slice(start..start + len));
        }
    }
}

#[tokio::test]
async fn a_range_past_the_end_fails_instead_of_ending_early() {
    let (_root, store) = store().await;
    let stored = push(&store, &content(1000)).await;
    for (start, len) in [
        (0, 1001),
        (1000, 1),
        (5000, 10),
        (u64::MAX, 10),
        (0, u64::MAX),
    ] {
        let error = range(&store, &stored, start, len).await.unwrap_err();
        assert!(
            matches!(error, BlobError::Truncated { .. } | BlobError::Io(_)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_body_knows_what_is_left() {
    let (_root, store) = store().await;
    let stored = push(&store, &content(2 * READ + 5)).await;
    let blob = store
        .open_blob(&stored.stored_as, stored.size)
        .await
        .unwrap();
    assert_eq!(blob.size(), stored.size);
    let mut body = blob.stream(0, stored.size);
    let mut left = stored.size;
    while let Some(frame) = body.frame().await {
        left -= frame.unwrap().into_data().unwrap().len() as u64;
        assert_eq!(Body::size_hint(&body).exact(), Some(left));
        assert_eq!(body.is_end_stream(), left == 0);
    }
    assert_eq!(left, 0);
}

#[tokio::test]
async fn one_buffer_is_read_ahead() {
    let root = tempfile::tempdir().unwrap();
    let plan = FaultPlan::new();
    let options = StoreOptions {
        faults: Some(plan.clone()),
        ..StoreOptions::default()
    };
    let store = BlobStore::open(root.path(), options).await.unwrap();
    let stored = push(&store, &content(8 * READ)).await;
    let reads = || {
        plan.steps()
            .iter()
            .filter(|step| **step == Step::Read)
            .count()
    };
    let blob = store
        .open_blob(&stored.stored_as, stored.size)
        .await
        .unwrap();
    let before = reads();
    let mut stream = blob.stream(0, stored.size);
    for taken in 1..8 {
        StreamExt::next(&mut stream).await.unwrap().unwrap();
        // Other work on the blocking pool, behind which the read ahead has had its turn.
        store
            .discard("01234567-89ab-4def-8123-456789abcdef")
            .await
            .unwrap();
        assert!(reads() - before <= taken + 1, "{taken}");
    }
}

#[tokio::test]
async fn what_comes_through_blocking_threads_is_the_same() {
    let root = tempfile::tempdir().unwrap();
    // With a plan every read takes the way of one that has to wait for the disk.
    let options = StoreOptions {
        faults: Some(FaultPlan::new()),
        ..StoreOptions::default()
    };
    let store = BlobStore::open(root.path(), options).await.unwrap();
    let bytes = content(3 * READ + 77);
    let stored = push(&store, &bytes).await;
    assert!(pull(&store, &stored).await == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_at_once_are_all_exact() {
    let (_root, store) = store().await;
    let bytes = content(10 * READ + 3);
    let stored = push(&store, &bytes).await;
    let pulls = (0..64).map(|_| {
        let (store, stored) = (store.clone(), stored.clone());
        tokio::spawn(async move { pull(&store, &stored).await })
    });
    for pulled in pulls.collect::<Vec<_>>() {
        assert!(pulled.await.unwrap() == bytes);
    }
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_aborts_the_stream() {
    let (root, store) = store().await;
    let stored = push(&store, &content(8 * READ)).await;
    let blob = store
        .open_blob(&stored.stored_as, stored.size)
        .await
        .unwrap();
    let mut stream = Box::pin(blob.stream(0, stored.size));
    let mut read = stream.next().await.unwrap().unwrap().len();
    let path = root.path().join("blobs").join(&stored.stored_as);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(3 * READ as u64 + 10).unwrap();
    let error = loop {
        match Pin::as_mut(&mut stream).next().await {
            Some(Ok(piece)) => read += piece.len(),
            Some(Err(error)) => break error,
            None => panic!("ended after {read} bytes without an error"),
        }
    };
    assert_eq!(read, 3 * READ);
    assert!(matches!(error, BlobError::Truncated { at, .. } if at == 3 * READ as u64 + 10));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn missing_and_resized_blobs_are_refused_before_the_first_byte() {
    let (root, store) = store().await;
    let bytes = content(1000);
    let stored = push(&store, &bytes).await;
    let key = stored.stored_as.as_str();
    let wrong = store.open_blob(key, 999).await.unwrap_err();
    assert!(matches!(
        wrong,
        BlobError::WrongSize {
            expected: 999,
            found: 1000,
            ..
        }
    ));
    assert_eq!(wrong.code(), Code::Unknown);
    assert!(store.read_small(key, 1001).await.is_err());
    assert_eq!(store.read_small(key, 1000).await.unwrap(), bytes);

    store.delete(key).await.unwrap();
    store.delete(key).await.unwrap();
    let missing = store.open_blob(key, 1000).await.unwrap_err();
    assert!(matches!(missing, BlobError::Missing { .. }));
    assert_eq!(missing.code(), Code::BlobUnknown);
    let missing = store.read_small(key, 1000).await.unwrap_err();
    assert!(matches!(missing, BlobError::Missing { .. }));

    std::fs::create_dir(root.path().join("blobs").join(key)).unwrap();
    assert!(store.open_blob(key, 1000).await.is_err());
}

#[tokio::test]
async fn large_blobs_are_not_read_at_once() {
    let (_root, store) = store().await;
    let stored = push(&store, &content(10)).await;
    let error = store.read_small(&stored.stored_as, u64::MAX).await;
    assert!(matches!(error, Err(BlobError::NotSmall { .. })));
}

#[tokio::test]
async fn checking_tells_good_missing_and_corrupt_apart() {
    let (root, store) = store().await;
    let bytes = content(9 * 1024 * 1024);
    let stored = push(&store, &bytes).await;
    let (key, size, digest) = (stored.stored_as.as_str(), stored.size, sha256(&bytes));
    let verdict = async |size| store.verify(key, &digest, size).await.unwrap();
    assert_eq!(verdict(size).await, Verdict::Good);
    assert_eq!(verdict(size - 1).await, Verdict::Corrupt);

    let path = root.path().join("blobs").join(key);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_at(&[!bytes[bytes.len() - 1]], size - 1).unwrap();
    assert_eq!(verdict(size).await, Verdict::Corrupt);

    store.quarantine(key).await.unwrap();
    assert_eq!(verdict(size).await, Verdict::Missing);
    let kept: Vec<_> = std::fs::read_dir(root.path().join("quarantine"))
        .unwrap()
        .collect();
    assert_eq!(kept.len(), 1);
    let again = store.quarantine(key).await;
    assert!(matches!(again, Err(BlobError::Missing { .. })));
}

#[tokio::test]
async fn keys_that_are_not_ours_reach_no_file() {
    let (root, store) = store().await;
    let victim = root.path().join("victim");
    std::fs::write(&victim, "x").unwrap();
    let good = push(&store, &content(10)).await.stored_as;
    for key in [
        "",
        "../victim",
        "sha256/../../victim",
        "/etc/passwd",
        &good.to_uppercase(),
        &format!("{good}/"),
        &format!("./{good}"),
        &good[..good.len() - 1],
    ] {
        let bad = |outcome: Result<(), BlobError>| {
            assert!(matches!(outcome, Err(BlobError::BadKey)), "{key}");
        };
        bad(store.open_blob(key, 1).await.map(|_| ()));
        bad(store.read_small(key, 1).await.map(|_| ()));
        bad(store.verify(key, &sha256(b""), 1).await.map(|_| ()));
        bad(store.delete(key).await);
        bad(store.quarantine(key).await);
    }
    assert!(victim.exists());
}
