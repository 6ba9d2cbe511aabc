//! Uploads that go wrong: clients that break off, chunks out of place, lies about sizes and
//! digests, other people's sessions.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::app::{App, both};
use crate::content::{noise, sha256};

const REPOSITORY: &str = "library/broken";

async fn offset(app: &App, upload: &str) -> u64 {
    let status = app.get(upload).send().await.expect(204);
    end_of(&status)
}

/// Bytes an upload holds by the answer's `Range`, which names the first and the last.
fn end_of(answer: &Answer) -> u64 {
    let range = answer.need("range");
    let last: u64 = range.strip_prefix("0-").unwrap().parse().unwrap();
    // An empty upload has no last byte; the header still has to name one.
    if last == 0 { 0 } else { last + 1 }
}

/// Waits until an upload holds at least `least` bytes on the disk.
async fn written(app: &App, upload: &str, least: u64) {
    let id = upload.rsplit('/').next().unwrap();
    let path = app.settings.data.join("store/uploads").join(id);
    while std::fs::metadata(&path).map_or(0, |file| file.len()) < least {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Begins a PATCH of `announced` bytes, sends only some of them, and gives the open connection.
async fn begin_patch(app: &App, upload: &str, announced: usize, sent: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\
         Content-Length: {announced}\r\n\r\n",
        app.address,
        app.admin.basic(),
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(sent).await.unwrap();
    connection
}

async fn patch(app: &App, upload: &str, range: &str, bytes: &Bytes) -> Answer {
    let call = app.patch(upload).header("content-range", range);
    call.body(bytes.clone()).send().await
}

async fn finish(app: &App, upload: &str, digest: &str, bytes: Bytes) -> Answer {
    let path = format!("{upload}?digest={digest}");
    app.put(&path).body(bytes).send().await
}

async fn expect_blob(app: &App, bytes: &Bytes) {
    let path = format!("/v2/{REPOSITORY}/blobs/{}", sha256(bytes));
    assert_eq!(app.get(&path).send().await.expect(200).body, *bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_where_a_killed_client_left_it() {
    both(async |app| {
        let bytes = noise(1, 3_000_000);
        let upload = app.begin(REPOSITORY).await;
        let connection = begin_patch(app, &upload, bytes.len(), &bytes[..1_500_000]).await;
        written(app, &upload, 1_000_000).await;
        drop(connection);
        let at = offset(app, &upload).await as usize;
        assert!((1..=1_500_000).contains(&at), "{at}");
        let rest = bytes.slice(at..);
        let range = format!("{at}-{}", bytes.len() - 1);
        patch(app, &upload, &range, &rest).await.expect(202);
        finish(app, &upload, &sha256(&bytes), Bytes::new())
            .await
            .expect(201);
        expect_blob(app, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_for_another_does_not_take_back_its_bytes() {
    both(async |app| {
        let bytes = noise(2, 2_000_000);
        for ask in ["GET", "PATCH", "PUT"] {
            let upload = app.begin(REPOSITORY).await;
            let first = &bytes[..1_000_000];
            let mut connection = begin_patch(app, &upload, first.len(), &first[..600_000]).await;
            written(app, &upload, 262_144).await;
            // The second request comes while the first is still sending.
            let (client, path) = (app.client(), upload.clone());
            let rest = bytes.slice(1_000_000..);
            let digest = sha256(&bytes);
            let second = tokio::spawn(async move {
                match ask {
                    "GET" => client.get(&path).send().await,
                    "PATCH" => client.patch(&path).body(rest).send().await,
                    _ => {
                        let path = format!("{path}?digest={digest}");
                        client.put(&path).body(rest).send().await
                    }
                }
            });
            // Enough for it to read the upload's row, had it no turn to wait for.
            tokio::time::sleep(Duration::from_millis(100)).await;
            connection.write_all(&first[600_000..]).await.unwrap();
            let mut head = [0; 12];
            connection.read_exact(&mut head).await.unwrap();
            assert_eq!(&head, b"HTTP/1.1 202");
            let second = second.await.unwrap();
            match ask {
                "GET" => {
                    assert_eq!(end_of(&second.expect(204)), 1_000_000);
                    assert_eq!(offset(app, &upload).await, 1_000_000);
                }
                "PATCH" => assert_eq!(end_of(&second.expect(202)), 2_000_000),
                _ => {
                    second.expect(201);
                    expect_blob(app, &bytes).await;
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_survives_a_restart() {
    both(async |app| {
        let bytes = noise(3, 700_000);
        let upload = app.begin(REPOSITORY).await;
        let cut = [0, 300_000, 500_000, 700_000];
        for (n, part) in cut.windows(2).enumerate() {
            let range = format!("{}-{}", part[0], part[1] - 1);
            let chunk = bytes.slice(part[0]..part[1]);
            let answer = patch(app, &upload, &range, &chunk).await.expect(202);
            assert_eq!(end_of(&answer), part[1] as u64);
            if n < 2 {
                app.restart().await;
                assert_eq!(offset(app, &upload).await, part[1] as u64);
            }
        }
        finish(app, &upload, &sha256(&bytes), Bytes::new())
            .await
            .expect(201);
        expect_blob(app, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_out_of_place_are_refused_and_the_upload_lives_on() {
    both(async |app| {
        let bytes = noise(4, 30);
        let ten = bytes.slice(..10);
        let upload = app.begin(REPOSITORY).await;
        // A gap before anything is there.
        patch(app, &upload, "10-19", &ten).await.expect(416);
        patch(app, &upload, "0-9", &ten).await.expect(202);
        for range in ["0-9", "bytes 0-9/30", "5-14", "11-20", "20-29"] {
            let answer = patch(app, &upload, range, &ten).await.expect(416);
            assert_eq!(end_of(&answer), 10, "{range}");
            assert_eq!(answer.need("location"), upload);
            assert_eq!(offset(app, &upload).await, 10, "{range}");
        }
        for range in [
            "19-10",
            "10-",
            "-19",
            "ten-twenty",
            "+10-19",
            "10-9223372036854775808",
            "10-18446744073709551615",
            "10-18446744073709551616",
            "9223372036854775808-9223372036854775817",
        ] {
            let answer = patch(app, &upload, range, &ten).await;
            assert!(
                matches!(answer.status, 400 | 416),
                "{range}: {}",
                answer.text()
            );
            assert_eq!(offset(app, &upload).await, 10, "{range}");
        }
        // A last chunk out of place, too, and not even the right digest saves it.
        let late = app.put(&format!("{upload}?digest={}", sha256(&bytes)));
        late.header("content-range", "20-29")
            .body(bytes.slice(20..))
            .send()
            .await
            .expect(416);
        patch(app, &upload, "10-19", &bytes.slice(10..20))
            .await
            .expect(202);
        let last = app.put(&format!("{upload}?digest={}", sha256(&bytes)));
        last.header("content-range", "20-29")
            .body(bytes.slice(20..))
            .send()
            .await
            .expect(201);
        expect_blob(app, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes_that_do_not_agree_are_refused() {
    both(async |app| {
        let bytes = noise(5, 40);
        let upload = app.begin(REPOSITORY).await;
        patch(app, &upload, "0-9", &bytes.slice(..10))
            .await
            .expect(202);
        // Content-Range against Content-Length.
        for range in ["10-18", "10-20"] {
            let answer = patch(app, &upload, range, &bytes.slice(10..20)).await;
            assert!(matches!(answer.status, 400 | 416), "{}", answer.text());
            assert_eq!(offset(app, &upload).await, 10, "{range}");
        }
        // Content-Range against a body in chunks, which has no length.
        for (range, end) in [("10-18", 20), ("10-20", 20)] {
            let pieces = vec![bytes.slice(10..15), bytes.slice(15..end)];
            let call = app.patch(&upload).header("content-range", range);
            let answer = call.pieces(pieces).send().await;
            assert!(matches!(answer.status, 400 | 416), "{}", answer.text());
            assert_eq!(offset(app, &upload).await, 10, "{range}");
        }
        // Content-Length against a body that ends early: what came is kept.
        let mut connection = begin_patch(app, &upload, 10, &bytes[10..14]).await;
        connection.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"));
        let at = offset(app, &upload).await as usize;
        assert!((10..=14).contains(&at), "{at}");
        finish(app, &upload, &sha256(&bytes), bytes.slice(at..))
            .await
            .expect(201);
        expect_blob(app, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_digest_keeps_the_upload() {
    both(async |app| {
        let bytes = noise(6, 1_000);
        let upload = app.begin(REPOSITORY).await;
        patch(app, &upload, "0-499", &bytes.slice(..500))
            .await
            .expect(202);
        let right = sha256(&bytes);
        for digest in [
            sha256(b"something else"),
            right.to_uppercase(),
            right.replace("sha256:", "SHA256:"),
            right[..70].to_owned(),
            format!("{right}0"),
            right.replace("sha256:", "md5:"),
            right.replace("sha256:", "sha384:"),
            right.replace(':', "%2f"),
            "sha256:".to_owned(),
            String::new(),
        ] {
            let answer = finish(app, &upload, &digest, bytes.slice(500..)).await;
            answer.refused(400, "DIGEST_INVALID");
            assert_eq!(offset(app, &upload).await, 500, "{digest}");
        }
        app.put(&upload)
            .body(bytes.slice(500..))
            .send()
            .await
            .refused(400, "DIGEST_INVALID");
        finish(app, &upload, &right, bytes.slice(500..))
            .await
            .expect(201);
        expect_blob(app, &bytes).await;
        // One that is over is over.
        finish(app, &upload, &right, Bytes::new())
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
        // In one request there is no session to keep: nothing remains.
        let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={}", sha256(b"no"));
        app.post(&path)
            .body(bytes)
            .send()
            .await
            .refused(400, "DIGEST_INVALID");
        assert_eq!(app.files("uploads"), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_its_callers_and_its_repositorys() {
    both(async |app| {
        let bytes = noise(7, 100);
        let (jane, john) = (app.user("jane").await, app.user("john").await);
        for user in [&jane, &john] {
            app.member("library", user, 2).await;
        }
        let begun = app
            .post(&format!("/v2/{REPOSITORY}/blobs/uploads/"))
            .by(&jane);
        let begun = begun.send().await.expect(202);
        let upload = begun.need("location").to_owned();
        let id = upload.rsplit('/').next().unwrap();
        let elsewhere = format!("/v2/library/other/blobs/uploads/{id}");
        let put = |path: &str| format!("{path}?digest={}", sha256(&bytes));
        for (path, who) in [(&upload, &john), (&upload, &app.admin), (&elsewhere, &jane)] {
            let answers = [
                app.get(path).by(who).send().await,
                app.patch(path).by(who).body(bytes.clone()).send().await,
                app.put(&put(path)).by(who).body(bytes.clone()).send().await,
                app.delete(path).by(who).send().await,
            ];
            for answer in answers {
                answer.refused(404, "BLOB_UPLOAD_UNKNOWN");
            }
        }
        // By password or by token, she is the same.
        let scope = format!("repository:{REPOSITORY}:pull,push");
        let token = app.token(Some(&jane), &[&scope]).await;
        let call = app.patch(&upload).bearer(&token).body(bytes.clone());
        call.send().await.expect(202);
        app.put(&put(&upload)).by(&jane).send().await.expect(201);
        for id in [
            "x",
            "..",
            "%2e%2e%2fsecret.key",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let path = format!("/v2/{REPOSITORY}/blobs/uploads/{id}");
            let answer = app.raw_request("GET", &path, "", b"").await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{id}: {}",
                answer.text()
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_breaks_off_a_whole_blob_leaves_nothing() {
    both(async |app| {
        let bytes = noise(8, 2_000_000);
        let digest = sha256(&bytes);
        let mut connection = TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST /v2/{REPOSITORY}/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: {}\r\n\
             Authorization: {}\r\nContent-Length: {}\r\n\r\n",
            app.address,
            app.admin.basic(),
            bytes.len(),
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&bytes[..1_500_000]).await.unwrap();
        while app.files("uploads").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(connection);
        while !app.files("uploads").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        app.get(&path).send().await.expect(404);
    })
    .await;
}
