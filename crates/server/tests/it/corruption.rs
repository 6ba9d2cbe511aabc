//! Stored bytes that went bad: never answered as if they were right, found by the check, healed
//! everywhere by the next push.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::SystemTime;

use berth_lifecycle::{FsckOptions, Problem, Unwatched};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{App, both};
use crate::content::{config, image, noise, sha256};

const ONE: &str = "library/one";
const TWO: &str = "library/two";
/// One that is answered from memory and one that is streamed.
const SIZES: [usize; 2] = [1_000, 300_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    Flip,
    /// As a disk does it, which leaves the time of the last change as it was.
    SilentFlip,
    Truncate,
    Empty,
    Extend,
    Remove,
}

const ALL: [Damage; 6] = [
    Damage::Flip,
    Damage::SilentFlip,
    Damage::Truncate,
    Damage::Empty,
    Damage::Extend,
    Damage::Remove,
];

fn path_of(repository: &str, digest: &str) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

pub(crate) fn stored(app: &App, digest: &str) -> PathBuf {
    let hash = digest.strip_prefix("sha256:").unwrap();
    let mut files = app.files("blobs").into_iter();
    let found = files.find(|(path, _)| path.to_str().unwrap().contains(hash));
    found.unwrap().0
}

pub(crate) fn damage(path: &PathBuf, how: Damage) {
    if how == Damage::Remove {
        return std::fs::remove_file(path).unwrap();
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let length = file.metadata().unwrap().len();
    match how {
        Damage::Flip | Damage::SilentFlip => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, length / 2).unwrap();
            file.write_all_at(&[byte[0] ^ 1], length / 2).unwrap();
            if how == Damage::SilentFlip {
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            }
        }
        Damage::Truncate => file.set_len(length - 1).unwrap(),
        Damage::Empty => file.set_len(0).unwrap(),
        Damage::Extend => file.set_len(length + 1).unwrap(),
        Damage::Remove => {}
    }
}

/// Pushes a blob into both repositories, and damages it while nothing is in memory.
async fn push_and_damage(app: &mut App, bytes: &Bytes, how: Damage) -> String {
    let digest = app.push_blob(ONE, bytes).await;
    let mount = format!("/v2/{TWO}/blobs/uploads/?mount={digest}&from={ONE}");
    app.post(&mount).send().await.expect(201);
    let path = stored(app, &digest);
    app.restart().await;
    damage(&path, how);
    digest
}

async fn is_whole_everywhere(app: &App, digest: &str, bytes: &Bytes) {
    for repository in [ONE, TWO] {
        let read = app.get(&path_of(repository, digest)).send().await;
        assert_eq!(read.expect(200).body, *bytes);
    }
    assert_eq!(app.check(true).await, (Vec::new(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_blob_is_unknown_until_it_is_pushed_again() {
    both(async |app| {
        for (n, how) in ALL.into_iter().enumerate() {
            for size in SIZES {
                // A large blob's silent change shows only when it is hashed: see below.
                if how == Damage::SilentFlip && size > 64 * 1024 {
                    continue;
                }
                let bytes = noise((n * 1_000_000 + size) as u64, size);
                let digest = push_and_damage(app, &bytes, how).await;
                for _ in 0..2 {
                    let read = app.get(&path_of(TWO, &digest)).send().await;
                    read.refused(404, "BLOB_UNKNOWN");
                }
                let part = app.get(&path_of(ONE, &digest)).header("range", "bytes=0-9");
                part.send().await.refused(404, "BLOB_UNKNOWN");
                // A pusher is told to send it, by HEAD as by a mount.
                app.head(&path_of(ONE, &digest)).send().await.expect(404);
                let mount = format!("/v2/library/three/blobs/uploads/?mount={digest}");
                for from in ["", "&from=library/one"] {
                    let begun = app.post(&format!("{mount}{from}")).send().await.expect(202);
                    app.delete(begun.need("location")).send().await.expect(204);
                }
                let (problems, _) = app.check(false).await;
                assert_eq!(
                    problems,
                    [Problem::Quarantined {
                        digest: digest.clone()
                    }]
                );
                app.push_blob(ONE, &bytes).await;
                is_whole_everywhere(app, &digest, &bytes).await;
            }
        }
        // What was found wrong is kept as evidence, if there was anything.
        assert_eq!(app.files("quarantine").len(), 9);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pusher_learns_of_damage_before_the_manifest_is_pushed() {
    both(async |app| {
        for (n, how) in [Damage::Flip, Damage::Truncate, Damage::Remove]
            .into_iter()
            .enumerate()
        {
            let bytes = noise(50 + n as u64, 300_000);
            // First asked by HEAD, which a pull has not preceded.
            let digest = push_and_damage(app, &bytes, how).await;
            app.head(&path_of(TWO, &digest)).send().await.expect(404);
            app.push_blob(TWO, &bytes).await;
            is_whole_everywhere(app, &digest, &bytes).await;
            // First asked by a mount.
            let digest = push_and_damage(app, &bytes, how).await;
            let mount = format!("/v2/library/three/blobs/uploads/?mount={digest}&from={ONE}");
            let begun = app.post(&mount).send().await.expect(202);
            let put = format!("{}?digest={digest}", begun.need("location"));
            app.put(&put).body(bytes.clone()).send().await.expect(201);
            is_whole_everywhere(app, &digest, &bytes).await;
            // Pushed again though nobody noticed.
            let digest = push_and_damage(app, &bytes, how).await;
            app.push_blob(TWO, &bytes).await;
            is_whole_everywhere(app, &digest, &bytes).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_damage_before_anyone_pulls() {
    both(async |app| {
        for (n, how) in ALL.into_iter().enumerate() {
            for size in SIZES {
                let bytes = noise((n * 2_000_000 + size) as u64, size);
                let digest = push_and_damage(app, &bytes, how).await;
                let expected = if how == Damage::Remove {
                    Problem::Missing {
                        digest: digest.clone(),
                    }
                } else {
                    Problem::Corrupt {
                        digest: digest.clone(),
                    }
                };
                let (quick, _) = app.check(false).await;
                if how == Damage::SilentFlip {
                    assert_eq!(quick, []);
                } else {
                    assert_eq!(quick, std::slice::from_ref(&expected));
                }
                assert_eq!(app.check(true).await.0, [expected]);
                let options = FsckOptions {
                    rehash: true,
                    repair: true,
                    settled_before: None,
                };
                app.parts
                    .lifecycle
                    .fsck(options, &Unwatched::default())
                    .await
                    .unwrap();
                // As the command does, which works on a folder that no server uses.
                app.restart().await;
                let read = app.get(&path_of(ONE, &digest)).send().await;
                read.refused(404, "BLOB_UNKNOWN");
                app.push_blob(ONE, &bytes).await;
                is_whole_everywhere(app, &digest, &bytes).await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touched_blob_that_is_right_is_served_on() {
    both(async |app| {
        let bytes = noise(70, 300_000);
        let digest = app.push_blob(ONE, &bytes).await;
        let path = stored(app, &digest);
        // As a restored backup has it: right bytes, another time.
        File::open(&path)
            .unwrap()
            .set_modified(SystemTime::now())
            .unwrap();
        for _ in 0..2 {
            let read = app.get(&path_of(ONE, &digest)).send().await;
            assert_eq!(read.expect(200).body, bytes);
        }
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::UNIX_EPOCH, "not sealed again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_cut_short_while_it_is_sent_ends_the_connection() {
    both(async |app| {
        let bytes = noise(71, 48 * 1024 * 1024);
        let digest = app.push_blob(ONE, &bytes).await;
        let mut connection = TcpStream::connect(app.address).await.unwrap();
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: {}\r\n\r\n",
            path_of(ONE, &digest),
            app.address,
            app.admin.basic(),
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 4_096];
        connection.read_exact(&mut head).await.unwrap();
        assert!(head.starts_with(b"HTTP/1.1 200"));
        let file = OpenOptions::new()
            .write(true)
            .open(stored(app, &digest))
            .unwrap();
        file.set_len(1_000_000).unwrap();
        let mut rest = Vec::new();
        let _ = connection.read_to_end(&mut rest).await;
        assert!(
            head.len() + rest.len() < bytes.len(),
            "the end came from nowhere"
        );
        app.get(&path_of(ONE, &digest))
            .send()
            .await
            .refused(404, "BLOB_UNKNOWN");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_whose_config_went_bad_can_still_be_read_and_healed() {
    both(async |app| {
        let (config, layer) = (config("bad"), noise(72, 1_000));
        let digest = app.push_blob(ONE, &config).await;
        app.push_blob(ONE, &layer).await;
        let manifest = image(&config, &layer);
        app.put_manifest(ONE, "bad", &manifest).await.expect(201);
        let path = stored(app, &digest);
        app.restart().await;
        damage(&path, Damage::Flip);
        let read = app.get(&format!("/v2/{ONE}/manifests/bad")).send().await;
        assert_eq!(
            sha256(&read.expect(200).body),
            sha256(manifest.to_string().as_bytes())
        );
        app.get(&path_of(ONE, &digest)).send().await.expect(404);
        // Now that this is known, the manifest is not taken again without it.
        let again = app.put_manifest(ONE, "again", &manifest).await;
        again.refused(400, "MANIFEST_BLOB_UNKNOWN");
        app.push_blob(ONE, &config).await;
        app.put_manifest(ONE, "again", &manifest).await.expect(201);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}
