//! What the tests share.

use std::path::Path;

use berth_blob::{BlobStore, Entry, StoreOptions, Stored, Upload, Verdict};
use berth_oci::{Algorithm, Digest};
use bytes::Bytes;
use futures_util::StreamExt;
use tempfile::TempDir;

/// What the store gathers before it writes.
pub(crate) const BATCH: usize = 160 * 1024;
/// What the store reads from the disk at once.
pub(crate) const READ: usize = 256 * 1024;

pub(crate) async fn store() -> (TempDir, BlobStore) {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path()).await;
    (root, store)
}

pub(crate) async fn open(root: &Path) -> BlobStore {
    BlobStore::open(root, StoreOptions::default())
        .await
        .unwrap()
}

/// Bytes without a short period.
pub(crate) fn content(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// Sends `bytes` in chunks of `chunk`.
pub(crate) async fn send(upload: &mut Upload, bytes: &Bytes, chunk: usize) {
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(chunk));
        upload.write(piece).await.unwrap();
    }
}

pub(crate) async fn push(store: &BlobStore, bytes: &Bytes) -> Stored {
    let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
    send(&mut upload, bytes, 60_000).await;
    upload.commit(&sha256(bytes)).await.unwrap()
}

pub(crate) async fn pull(store: &BlobStore, stored: &Stored) -> Bytes {
    let blob = store
        .open_blob(&stored.stored_as, stored.size)
        .await
        .unwrap();
    let mut stream = blob.stream(0, stored.size);
    let mut all = Vec::new();
    while let Some(piece) = StreamExt::next(&mut stream).await {
        all.extend_from_slice(&piece.unwrap());
    }
    all.into()
}

pub(crate) async fn entries(store: &BlobStore) -> Vec<Entry> {
    let mut walk = store.walk();
    let mut entries = Vec::new();
    while let Some(entry) = walk.next().await {
        entries.push(entry.unwrap());
    }
    entries
}

/// As [`check_blobs`], but only where blobs of `bytes` lie, which is much faster.
pub(crate) async fn check_copies(store: &BlobStore, root: &Path, bytes: &[u8]) -> usize {
    let (mut copies, digest) = (0, sha256(bytes));
    let fan = format!("sha256/{}", &digest.hex()[..2]);
    for entry in std::fs::read_dir(root.join("blobs").join(&fan)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with(digest.hex()) {
            let stored_as = format!("{fan}/{name}");
            let verdict = store.verify(&stored_as, &digest, bytes.len() as u64);
            assert_eq!(verdict.await.unwrap(), Verdict::Good, "{name}");
            copies += 1;
        }
    }
    copies
}

/// Checks that every blob in the store has the bytes its name says; answers how many there are.
pub(crate) async fn check_blobs(store: &BlobStore) -> usize {
    let mut blobs = 0;
    for entry in entries(store).await {
        if let Entry::Blob {
            stored_as,
            digest,
            size,
            ..
        } = entry
        {
            let verdict = store.verify(&stored_as, &digest, size).await.unwrap();
            assert_eq!(verdict, Verdict::Good, "{stored_as}");
            blobs += 1;
        }
    }
    blobs
}

/// Names of the files under `uploads/`.
pub(crate) fn uploads(root: &Path) -> Vec<String> {
    std::fs::read_dir(root.join("uploads"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
