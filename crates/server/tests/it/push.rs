//! Ways to push a blob (OCI distribution 1.1, "Pushing blobs", and what its main branch adds).

use bytes::Bytes;

use crate::app::{App, both};
use crate::content::{noise, sha256, sha512};

const REPOSITORY: &str = "library/pushed";

async fn has(app: &App, repository: &str, digest: &str, bytes: &Bytes) {
    let path = format!("/v2/{repository}/blobs/{digest}");
    assert_eq!(app.get(&path).send().await.expect(200).body, *bytes);
}

async fn has_not(app: &App, repository: &str, digest: &str) {
    let path = format!("/v2/{repository}/blobs/{digest}");
    app.get(&path).send().await.refused(404, "BLOB_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_put() {
    both(async |app| {
        let bytes = noise(1, 100_000);
        let digest = sha256(&bytes);
        let begun = app
            .post(&format!("/v2/{REPOSITORY}/blobs/uploads/"))
            .header("content-type", "application/json")
            .send()
            .await
            .expect(202);
        let upload = begun.need("location");
        // Clients add to the query or drop it: all state is in the path.
        assert!(upload.starts_with('/') && !upload.contains('?'), "{upload}");
        assert_eq!(begun.need("range"), "0-0");
        assert!(upload.ends_with(begun.need("docker-upload-uuid")));
        let put = app
            .put(&format!("{upload}?digest={digest}"))
            .body(bytes.clone())
            .send()
            .await
            .expect(201);
        assert_eq!(put.need("docker-content-digest"), digest);
        let location = put.need("location");
        assert_eq!(app.get(location).send().await.expect(200).body, bytes);
        // The session ended with it.
        let gone = app.get(upload).send().await;
        gone.refused(404, "BLOB_UPLOAD_UNKNOWN");
        let again = app.put(&format!("{upload}?digest={digest}"));
        again
            .body(bytes)
            .send()
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_post() {
    both(async |app| {
        let bytes = noise(2, 50_000);
        let digest = sha256(&bytes);
        let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={digest}");
        let wrong = app.post(&path).body(noise(3, 50_000)).send().await;
        wrong.refused(400, "DIGEST_INVALID");
        has_not(app, REPOSITORY, &digest).await;
        // Twice, which is no error; and in pieces of unknown number.
        for _ in 0..2 {
            let put = app.post(&path).body(bytes.clone()).send().await.expect(201);
            assert_eq!(
                put.need("location"),
                format!("/v2/{REPOSITORY}/blobs/{digest}")
            );
        }
        let streamed = noise(4, 50_000);
        let digest = sha256(&streamed);
        let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={digest}");
        let pieces = streamed.chunks(7_000).map(Bytes::copy_from_slice).collect();
        app.post(&path).pieces(pieces).send().await.expect(201);
        has(app, REPOSITORY, &digest, &streamed).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_one_stream() {
    both(async |app| {
        let bytes = noise(5, 300_000);
        let upload = app.begin(REPOSITORY).await;
        let pieces = bytes.chunks(10_000).map(Bytes::copy_from_slice).collect();
        let patched = app.patch(&upload).pieces(pieces).send().await.expect(202);
        assert_eq!(patched.need("range"), "0-299999");
        assert_eq!(patched.need("location"), upload);
        let digest = sha256(&bytes);
        let put = app.put(&format!("{upload}?digest={digest}")).send().await;
        put.expect(201);
        has(app, REPOSITORY, &digest, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chunks_with_the_last_in_the_put() {
    both(async |app| {
        let bytes = noise(6, 3000);
        let upload = app.begin(REPOSITORY).await;
        for (range, end) in [(0..1000, "999"), (1000..2000, "1999")] {
            let header = format!("{}-{}", range.start, range.end - 1);
            let call = app.patch(&upload).header("content-range", &header);
            let patched = call.body(bytes.slice(range)).send().await.expect(202);
            assert_eq!(patched.need("range"), format!("0-{end}"));
            let status = app.get(&upload).send().await.expect(204);
            assert_eq!(status.need("range"), format!("0-{end}"));
            assert_eq!(status.need("location"), upload);
        }
        let digest = sha256(&bytes);
        let put = app.put(&format!("{upload}?digest={digest}"));
        let put = put.header("content-range", "2000-2999");
        put.body(bytes.slice(2000..)).send().await.expect(201);
        has(app, REPOSITORY, &digest, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_out_of_order_does_no_harm() {
    both(async |app| {
        let bytes = noise(7, 300);
        let digest = sha256(&bytes);
        let upload = app.begin(REPOSITORY).await;
        let first = app.patch(&upload).header("content-range", "0-99");
        first.body(bytes.slice(..100)).send().await.expect(202);
        // A gap, a repetition, an overlap; then the same in the last request.
        for (start, end) in [(200, 299), (0, 99), (50, 149)] {
            let range = format!("{start}-{end}");
            let patch = app.patch(&upload).header("content-range", &range);
            let patch = patch.body(bytes.slice(start..=end)).send().await;
            let put = app.put(&format!("{upload}?digest={digest}"));
            let put = put.header("content-range", &range);
            let put = put.body(bytes.slice(start..=end)).send().await;
            for refused in [patch, put] {
                let refused = refused.refused(416, "BLOB_UPLOAD_INVALID");
                assert_eq!(refused.need("range"), "0-99");
                assert_eq!(refused.need("location"), upload);
            }
        }
        let status = app.get(&upload).send().await.expect(204);
        assert_eq!(status.need("range"), "0-99");
        let rest = app.patch(&upload).header("content-range", "100-299");
        rest.body(bytes.slice(100..)).send().await.expect(202);
        let put = app.put(&format!("{upload}?digest={digest}")).send().await;
        put.expect(201);
        has(app, REPOSITORY, &digest, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_is_not_as_announced_is_not_taken() {
    both(async |app| {
        let bytes = noise(8, 30);
        let upload = app.begin(REPOSITORY).await;
        let first = app.patch(&upload).header("content-range", "0-9");
        first.body(bytes.slice(..10)).send().await.expect(202);
        for range in [
            "bytes 0-9/30",
            "bytes 10-19/15",
            "bytes 10-19/x",
            "lines 10-19/30",
            "19-10",
            "10",
            "-",
            "a-b",
            "10--19",
            "+10-19",
            "10-99999999999999999999999",
            "10-18446744073709551615",
            // One byte more and one fewer than there are.
            "10-20",
            "10-18",
        ] {
            let call = app.patch(&upload).header("content-range", range);
            let answer = call.body(bytes.slice(10..20)).send().await;
            assert!(
                matches!(answer.status, 400 | 416),
                "{range}: {}",
                answer.text()
            );
            let call = app.patch(&upload).header("content-range", range);
            let answer = call.pieces(vec![bytes.slice(10..20)]).send().await;
            assert!(
                matches!(answer.status, 400 | 416),
                "{range}: {}",
                answer.text()
            );
            let status = app.get(&upload).send().await.expect(204);
            assert_eq!(status.need("range"), "0-9", "{range}");
        }
        // The form of RFC 9110, where it is whole, says the same.
        let rest = app.patch(&upload).header("content-range", "bytes 10-29/*");
        rest.pieces(vec![bytes.slice(10..15), bytes.slice(15..)])
            .send()
            .await
            .expect(202);
        let digest = sha256(&bytes);
        let put = app.put(&format!("{upload}?digest={digest}")).send().await;
        put.expect(201);
        has(app, REPOSITORY, &digest, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_digest_leaves_the_upload_as_it_was() {
    both(async |app| {
        let bytes = noise(9, 1000);
        let digest = sha256(&bytes);
        let upload = app.begin(REPOSITORY).await;
        let patched = app.patch(&upload).body(bytes.slice(..500)).send().await;
        patched.expect(202);
        let hex = digest.strip_prefix("sha256:").unwrap();
        for wrong in [
            sha256(b"something else"),
            sha512(b"something else"),
            digest.to_uppercase(),
            format!("sha256:{}", hex.to_uppercase()),
            format!("SHA256:{hex}"),
            format!("sha256:{}", &hex[1..]),
            format!("sha256:{hex}0"),
            hex.to_owned(),
            format!("md5:{}", &hex[..32]),
            format!("sha384:{hex}"),
            "sha256:../../etc/passwd".to_owned(),
            "sha256:".to_owned(),
            String::new(),
        ] {
            let put = app.put(&format!("{upload}?digest={wrong}"));
            let put = put.body(bytes.slice(500..)).send().await;
            put.refused(400, "DIGEST_INVALID");
            let status = app.get(&upload).send().await.expect(204);
            assert_eq!(status.need("range"), "0-499", "{wrong}");
        }
        let put = app.put(&upload).body(bytes.slice(500..)).send().await;
        put.refused(400, "DIGEST_INVALID");
        let put = app.put(&format!("{upload}?digest={digest}"));
        put.body(bytes.slice(500..)).send().await.expect(201);
        has(app, REPOSITORY, &digest, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_ends_an_upload() {
    both(async |app| {
        let upload = app.begin(REPOSITORY).await;
        app.patch(&upload)
            .body(noise(10, 99))
            .send()
            .await
            .expect(202);
        let cancelled = app.delete(&upload).send().await.expect(204);
        assert!(cancelled.body.is_empty());
        let digest = sha256(b"");
        app.get(&upload)
            .send()
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
        app.delete(&upload)
            .send()
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
        let patch = app.patch(&upload).body(noise(10, 9)).send().await;
        patch.refused(404, "BLOB_UPLOAD_UNKNOWN");
        let put = app.put(&format!("{upload}?digest={digest}")).send().await;
        put.refused(404, "BLOB_UPLOAD_UNKNOWN");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_its_repositorys_and_its_callers() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.member("library", &jane, 2).await;
        let upload = app.begin(REPOSITORY).await;
        let elsewhere = upload.replace("library/pushed", "library/elsewhere");
        let bytes = noise(11, 10);
        let put = format!("?digest={}", sha256(&bytes));
        for (path, who) in [(&upload, &jane), (&elsewhere, &app.admin)] {
            for answer in [
                app.get(path).by(who).send().await,
                app.patch(path).by(who).body(bytes.clone()).send().await,
                app.put(&format!("{path}{put}"))
                    .by(who)
                    .body(bytes.clone())
                    .send()
                    .await,
                app.delete(path).by(who).send().await,
            ] {
                answer.refused(404, "BLOB_UPLOAD_UNKNOWN");
            }
        }
        let status = app.get(&upload).send().await.expect(204);
        assert_eq!(status.need("range"), "0-0");
        for id in ["0", "nothing-at-all", "..", "%2e%2e", &"a".repeat(300)] {
            let path = format!("/v2/{REPOSITORY}/blobs/uploads/{id}");
            let answer = app
                .raw_request("PATCH", &path, "Content-Length: 0\r\n", b"")
                .await;
            assert_eq!(answer.status, 404, "{id}: {}", answer.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn algorithms_may_be_announced_or_not() {
    both(async |app| {
        let start = format!("/v2/{REPOSITORY}/blobs/uploads/");
        // What is announced, and what the digest is then in.
        for (announced, is512) in [
            ("", true),
            ("?digest-algorithm=sha512", true),
            ("?digest-algorithm=sha512", false),
            ("?digest-algorithm=sha256", true),
            ("?digest-algorithm=sha256", false),
        ] {
            let bytes = noise(12 + announced.len() as u64 + u64::from(is512), 200_000);
            let digest = if is512 {
                sha512(&bytes)
            } else {
                sha256(&bytes)
            };
            let begun = app.post(&format!("{start}{announced}")).send().await;
            let begun = begun.expect(202);
            let upload = begun.need("location");
            let patch = app.patch(upload).body(bytes.slice(..150_000)).send().await;
            patch.expect(202);
            let put = app.put(&format!("{upload}?digest={digest}"));
            let put = put.body(bytes.slice(150_000..)).send().await.expect(201);
            assert_eq!(put.need("docker-content-digest"), digest);
            has(app, REPOSITORY, &digest, &bytes).await;
        }
        for unknown in ["md5", "sha384", "blake3", "SHA256", ""] {
            let begun = app.post(&format!("{start}?digest-algorithm={unknown}"));
            begun.send().await.refused(400, "DIGEST_INVALID");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_a_blob_too() {
    both(async |app| {
        let upload = app.begin(REPOSITORY).await;
        let digest = sha256(b"");
        let put = app.put(&format!("{upload}?digest={digest}")).send().await;
        put.expect(201);
        has(app, REPOSITORY, &digest, &Bytes::new()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_first_is_told_to_go_on() {
    both(async |app| {
        let bytes = noise(20, 50_000);
        let digest = sha256(&bytes);
        let upload = app.begin(REPOSITORY).await;
        let headers = format!(
            "Content-Length: {}\r\nExpect: 100-continue\r\n",
            bytes.len()
        );
        let target = format!("{upload}?digest={digest}");
        let answer = app.raw_request("PUT", &target, &headers, &bytes).await;
        answer.expect(100);
        has(app, REPOSITORY, &digest, &bytes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_needs_a_project_and_a_role() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.member("library", &jane, 3).await;
        let start = format!("/v2/{REPOSITORY}/blobs/uploads/");
        app.post(&start)
            .by(&jane)
            .send()
            .await
            .refused(403, "DENIED");
        // A stranger is not told whether a project exists; an administrator is.
        app.project("secret", false).await;
        for project in ["secret", "nowhere"] {
            let start = format!("/v2/{project}/app/blobs/uploads/");
            app.post(&start)
                .by(&jane)
                .send()
                .await
                .refused(403, "DENIED");
        }
        let start = app.post("/v2/nowhere/app/blobs/uploads/").send().await;
        start.refused(404, "NAME_UNKNOWN");
    })
    .await;
}
