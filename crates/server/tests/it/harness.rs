//! The harness itself: a server answers, forgets nothing at a restart, and ends when told to.

use crate::app::both;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pushed_image_is_there_after_a_restart() {
    both(async |app| {
        app.get("/v2/").nobody().send().await.expect(401);
        let image = app.push_image("library/busybox", "1", "a").await;
        app.restart().await;
        let pulled = app.get("/v2/library/busybox/manifests/1").send().await;
        assert_eq!(pulled.expect(200).body, image.bytes);
        for blob in image.layers.iter().chain([&image.config]) {
            let path = format!("/v2/library/busybox/blobs/{blob}");
            app.get(&path).send().await.expect(200);
        }
    })
    .await;
}
