//! Read-only mode: everything can be read, nothing can be changed but the mode itself.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::app::{App, both};
use crate::content::sha256;

async fn switch(app: &App, on: bool) {
    let call = app.put("/api/v2.0/configurations");
    call.json(&json!({"read_only": on})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_refused_and_every_read_answered() {
    both(async |app| {
        let image = app.push_image("library/still", "1", "a").await;
        let upload = app.begin("library/still").await;
        let jane = app.user("jane").await;
        app.member("library", &jane, 2).await;
        let scope = "repository:library/still:pull,push,delete";
        let token = app.token(Some(&app.admin), &[scope]).await;
        switch(app, true).await;
        let manifest = format!("/v2/library/still/manifests/{}", image.digest);
        let blob = format!("/v2/library/still/blobs/{}", image.config);
        let start = "/v2/library/still/blobs/uploads/";
        let mount = format!("{start}?mount={}&from=library/still", image.config);
        let put = format!("{upload}?digest={}", sha256(b"x"));
        let user = format!("/api/v2.0/users/{}", jane.id);
        let changes = [
            (Method::POST, start),
            (Method::POST, mount.as_str()),
            (Method::PATCH, upload.as_str()),
            (Method::PUT, put.as_str()),
            (Method::DELETE, upload.as_str()),
            (Method::PUT, "/v2/library/still/manifests/2"),
            (Method::DELETE, "/v2/library/still/manifests/1"),
            (Method::DELETE, manifest.as_str()),
            (Method::DELETE, blob.as_str()),
            (Method::POST, "/api/v2.0/projects"),
            (Method::DELETE, "/api/v2.0/projects/library"),
            (Method::POST, "/api/v2.0/users"),
            (Method::DELETE, user.as_str()),
        ];
        for (method, path) in changes {
            let bytes = Bytes::from_static(b"x");
            let call = || app.call(method.clone(), path).body(bytes.clone());
            call().send().await.refused(403, "DENIED");
            if path.starts_with("/v2/") {
                call().bearer(&token).send().await.refused(403, "DENIED");
            }
        }
        // People can still log in, and pull.
        app.token(Some(&jane), &["repository:library/still:pull"])
            .await;
        app.get("/v2/").by(&jane).send().await.expect(200);
        app.get("/v2/library/still/manifests/1")
            .send()
            .await
            .expect(200);
        app.get(&blob).send().await.expect(200);
        app.head(&blob).send().await.expect(200);
        app.get("/v2/library/still/tags/list")
            .send()
            .await
            .expect(200);
        app.get(&upload).send().await.expect(204);
        app.get("/api/v2.0/projects").send().await.expect(200);
        // It is not forgotten, and it can be ended.
        app.restart().await;
        app.post(start).send().await.refused(403, "DENIED");
        switch(app, false).await;
        app.put(&put)
            .body(Bytes::from_static(b"x"))
            .send()
            .await
            .expect(201);
        app.delete("/v2/library/still/manifests/1")
            .send()
            .await
            .expect(202);
    })
    .await;
}
