//! The access log is complete by construction: what a handler does not note, the gate does.

use axum::body::Body;
use axum::routing::post;
use berth_db::args;
use berth_iam::Endpoint;
use berth_model::{Clock, Secret};
use tower::ServiceExt;

use super::*;
use crate::Parts as Services;
use crate::router;

async fn notes(caller: Caller) -> &'static str {
    let _ = Entry::by(
        &caller,
        "update",
        "thing",
        berth_model::Timestamp::default(),
    );
    "done"
}

#[tokio::test]
async fn whatever_succeeds_is_in_the_log() {
    let data = tempfile::tempdir().unwrap();
    let mut settings = berth_config::Settings::default();
    settings.data = data.path().join("berth");
    let services = Services::open(&settings, Clock::system()).await.unwrap();
    let password = "Harbour-Master-1";
    let first = Some(Secret::new(password.to_owned()));
    services.first_start(first).await.unwrap();
    let gate = Gate {
        iam: services.iam.clone(),
        catalog: services.catalog.clone(),
    };
    let access = Access::Authenticated;
    let endpoints = vec![
        Endpoint::new(
            Method::POST,
            "/api/v2.0/silent",
            access,
            post(|| async { "done" }),
        ),
        Endpoint::new(Method::POST, "/api/v2.0/spoken", access, post(notes)),
        Endpoint::new(
            Method::POST,
            "/c/userExists",
            access,
            post(|| async { "false" }),
        ),
        Endpoint::new(
            Method::POST,
            "/api/v2.0/failing",
            access,
            post(|| async { StatusCode::BAD_REQUEST }),
        ),
    ];
    let api = router::build(endpoints, &gate);
    for path in ["silent", "spoken", "failing"] {
        let path = format!("/api/v2.0/{path}");
        let request = Request::post(path).header(AUTHORIZATION, basic(password));
        let request = request.body(Body::empty()).unwrap();
        let _ = api.clone().oneshot(request).await.unwrap();
    }
    let request = Request::post("/c/userExists").header(AUTHORIZATION, basic(password));
    let request = request.body(Body::empty()).unwrap();
    let _ = api.oneshot(request).await.unwrap();
    services.catalog.recorder().flush().await.unwrap();
    let lines: Vec<(String, String, String)> = services
        .db
        .all(
            "SELECT operation, resource_type, resource FROM access_log \
             WHERE operation <> 'login' AND username = 'admin'",
            args![],
        )
        .await
        .unwrap();
    let expected = ("create", "silent", "/api/v2.0/silent");
    let expected = (
        expected.0.to_owned(),
        expected.1.to_owned(),
        expected.2.to_owned(),
    );
    assert_eq!(lines, [expected]);
    services.close().await;
}

fn basic(password: &str) -> String {
    use base64::Engine;
    let pair = format!("admin:{password}");
    format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
}
