//! Walking the store.

use std::collections::BTreeSet;

use berth_blob::Entry;
use berth_model::{Clock, Timestamp};
use berth_oci::{Algorithm, Digest};

use crate::support::{BATCH, content, entries, push, send, sha256, store};

#[tokio::test]
async fn everything_is_found_once_and_named_for_what_it_is() {
    let (root, store) = store().await;
    let started = Clock::system().now();
    let bytes = content(100);
    let first = push(&store, &bytes).await;
    let second = push(&store, &bytes).await;
    let mut upload = store.begin(Algorithm::Sha512).await.unwrap();
    send(&mut upload, &bytes, 10).await;
    let third = upload
        .commit(&Digest::of(Algorithm::Sha512, &bytes))
        .await
        .unwrap();
    let mut unfinished = store.begin(Algorithm::Sha256).await.unwrap();
    send(&mut unfinished, &content(2 * BATCH), BATCH).await;
    unfinished.checkpoint().await.unwrap();

    let stray = [
        "blobs/x",
        "blobs/sha256/x",
        "blobs/sha256/00/x",
        "uploads/x",
        "uploads/y/",
    ];
    for path in stray {
        let path = root.path().join(path);
        if path.ends_with("y") {
            std::fs::create_dir(path).unwrap();
        } else {
            std::fs::write(path, "x").unwrap();
        }
    }
    // A blob in a directory that is not its own cannot be reached.
    let misplaced = root.path().join("blobs/sha512").join(&first.stored_as[7..]);
    std::fs::write(&misplaced, "x").unwrap();

    let (mut blobs, mut uploads, mut strays) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    let recent = |at: Timestamp| at.seconds() >= started.seconds() - 1;
    for entry in entries(&store).await {
        match entry {
            Entry::Blob {
                stored_as,
                digest,
                size,
                modified,
            } => {
                assert!(recent(modified));
                assert_eq!(size, 100);
                assert!(stored_as.contains(digest.hex()));
                assert!(blobs.insert(stored_as));
            }
            Entry::Upload { id, size, modified } => {
                assert!(recent(modified));
                uploads.push((id, size));
            }
            Entry::Stray { path } => assert!(strays.insert(path)),
        }
    }
    let expected = [first, second, third].map(|stored| stored.stored_as);
    assert_eq!(blobs, BTreeSet::from(expected));
    assert_eq!(uploads, [(unfinished.id().to_owned(), 2 * BATCH as u64)]);
    let mut expected: BTreeSet<_> = stray
        .into_iter()
        .map(|path| root.path().join(path))
        .collect();
    expected.insert(misplaced);
    assert_eq!(strays, expected);
}

#[tokio::test]
async fn large_directories_are_walked_whole_while_they_shrink() {
    let (_root, store) = store().await;
    let mut ids = BTreeSet::new();
    for _ in 0..600 {
        let mut upload = store.begin(Algorithm::Sha256).await.unwrap();
        upload.write(content(1)).await.unwrap();
        upload.checkpoint().await.unwrap();
        ids.insert(upload.id().to_owned());
    }
    let mut walk = store.walk();
    while let Some(entry) = walk.next().await {
        let Entry::Upload { id, .. } = entry.unwrap() else {
            panic!("only uploads are there");
        };
        store.discard(&id).await.unwrap();
        assert!(ids.remove(&id), "{id} twice");
    }
    assert!(ids.is_empty());
    assert!(entries(&store).await.is_empty());
}

#[tokio::test]
async fn a_directory_that_is_gone_is_an_error_and_the_rest_is_walked() {
    let (root, store) = store().await;
    let kept = push(&store, &content(10)).await;
    let fan = sha256(&content(10)).hex()[..2].to_owned();
    let gone = if fan == "00" { "01" } else { "00" };
    std::fs::remove_dir(root.path().join("blobs/sha256").join(gone)).unwrap();
    std::fs::remove_dir(root.path().join("uploads")).unwrap();
    let mut walk = store.walk();
    let (mut errors, mut blobs) = (0, Vec::new());
    while let Some(entry) = walk.next().await {
        match entry {
            Ok(Entry::Blob { stored_as, .. }) => blobs.push(stored_as),
            Ok(entry) => panic!("{entry:?}"),
            Err(_) => errors += 1,
        }
    }
    assert_eq!(blobs, [kept.stored_as]);
    assert_eq!(errors, 2);
}
