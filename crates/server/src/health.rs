//! Whether the parts work: `/api/v2.0/health` in Harbor's shape, `/healthz` and `/readyz`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use berth_blob::BlobStore;
use berth_db::{Db, args};
use berth_http::Json;
use berth_iam::{Access, Endpoint, Operation};
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Clone)]
struct Checked {
    db: Db,
    blobs: BlobStore,
}

pub(crate) fn endpoints(db: Db, blobs: BlobStore) -> Vec<Endpoint> {
    let checked = Checked { db, blobs };
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/health",
            Access::Public,
            get(health).with_state(checked.clone()),
        )
        .describe(
            Operation::new("getHealth", "health", "Say whether the parts work")
                .answer::<OverallHealthStatus>(),
        ),
        Endpoint::new(
            Method::GET,
            "/healthz",
            Access::Public,
            get(|| async { "ok" }),
        ),
        Endpoint::new(
            Method::GET,
            "/readyz",
            Access::Public,
            get(ready).with_state(checked),
        ),
    ]
}

impl Checked {
    async fn database(&self) -> bool {
        self.db
            .one::<(i64,)>("SELECT CAST(1 AS BIGINT)", args![])
            .await
            .is_ok()
    }

    async fn storage(&self) -> bool {
        // Writes a file, which an empty upload alone would not.
        let Ok(mut upload) = self.blobs.begin(berth_registry::PROBE_ALGORITHM).await else {
            return false;
        };
        let written = upload.write(b"probe".as_slice().into()).await.is_ok()
            && upload.checkpoint().await.is_ok();
        upload.discard().await;
        written
    }
}

/// Whether the parts work.
#[derive(Serialize, JsonSchema)]
struct OverallHealthStatus {
    /// `healthy` if all of them are.
    status: &'static str,
    components: Vec<ComponentHealthStatus>,
}

/// Whether a part works.
#[derive(Serialize, JsonSchema)]
struct ComponentHealthStatus {
    name: &'static str,
    /// `healthy` or `unhealthy`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

const fn word(healthy: bool) -> &'static str {
    if healthy { "healthy" } else { "unhealthy" }
}

async fn health(State(checked): State<Checked>) -> Response {
    let (database, storage) = (checked.database().await, checked.storage().await);
    let component = |name, healthy: bool| ComponentHealthStatus {
        name,
        status: word(healthy),
        error: (!healthy).then_some("see the server's log"),
    };
    let body = OverallHealthStatus {
        status: word(database && storage),
        components: vec![
            component("core", true),
            component("database", database),
            component("registry", database && storage),
            component("storage", storage),
        ],
    };
    Json(body).into_response()
}

async fn ready(State(checked): State<Checked>) -> Response {
    if checked.database().await {
        "ok".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer",
        )
            .into_response()
    }
}
