//! Parts of blobs (RFC 9110 §14) and pulls that are taken up again.

use bytes::Bytes;

use crate::app::{App, both};
use crate::content::noise;

const REPOSITORY: &str = "library/ranges";

/// One blob that is served from memory and one from a file.
async fn blobs(app: &App) -> [(String, Bytes); 2] {
    let mut made = Vec::new();
    for (seed, size) in [(1, 1000), (2, 1 << 20)] {
        let bytes = noise(seed, size);
        let digest = app.push_blob(REPOSITORY, &bytes).await;
        made.push((format!("/v2/{REPOSITORY}/blobs/{digest}"), bytes));
    }
    made.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_is_sent_and_named() {
    both(async |app| {
        for (path, bytes) in blobs(app).await {
            let size = bytes.len();
            for (range, start, end) in [
                ("bytes=0-0".to_owned(), 0, 0),
                ("bytes=0-99".to_owned(), 0, 99),
                ("bytes=500-".to_owned(), 500, size - 1),
                ("bytes=-7".to_owned(), size - 7, size - 1),
                // More than there is: what there is.
                (format!("bytes=900-{}", u64::MAX), 900, size - 1),
                (format!("bytes=-{}", size + 1), 0, size - 1),
                (format!("bytes={}-", size - 1), size - 1, size - 1),
            ] {
                let got = app.get(&path).header("range", &range).send().await;
                let got = got.expect(206);
                assert_eq!(got.body, bytes[start..=end], "{range}");
                assert_eq!(
                    got.need("content-range"),
                    format!("bytes {start}-{end}/{size}")
                );
                assert_eq!(got.need("content-length"), (end - start + 1).to_string());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_outside_the_blob_is_refused_with_its_size() {
    both(async |app| {
        for (path, bytes) in blobs(app).await {
            let size = bytes.len();
            for range in [
                format!("bytes={size}-"),
                format!("bytes={size}-{}", size + 10),
                "bytes=500-0".to_owned(),
                "bytes=-0".to_owned(),
            ] {
                let got = app.get(&path).header("range", &range).send().await;
                let got = got.refused(416, "RANGE_INVALID");
                assert_eq!(got.need("content-range"), format!("bytes */{size}"));
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_that_makes_no_sense_is_ignored() {
    both(async |app| {
        for (path, bytes) in blobs(app).await {
            for range in ["lines=1-2", "bytes=a-b", "bytes", "", "bytes=0-1,5-6"] {
                let got = app.get(&path).header("range", range).send().await;
                assert_eq!(got.expect(200).body, bytes, "{range}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_fetched_side_by_side_make_the_whole() {
    both(async |app| {
        let [_, (path, bytes)] = blobs(app).await;
        let piece = bytes.len() / 8;
        let parts = (0..8).map(|n| {
            let range = format!("bytes={}-{}", n * piece, (n + 1) * piece - 1);
            app.get(&path).header("range", &range).send()
        });
        let parts = futures_util::future::join_all(parts).await;
        let whole: Vec<u8> = parts
            .into_iter()
            .flat_map(|part| part.expect(206).body)
            .collect();
        assert_eq!(whole, bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_an_empty_blob_can_be_had() {
    both(async |app| {
        let digest = app.push_blob(REPOSITORY, &Bytes::new()).await;
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let got = app.get(&path).header("range", "bytes=0-0").send().await;
        got.refused(416, "RANGE_INVALID");
    })
    .await;
}
