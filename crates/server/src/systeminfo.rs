//! What only the machine knows: how full the disk is, and the root certificate that clients need.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use berth_config::Settings;
use berth_http::{ApiError, Json};
use berth_iam::{Access, Endpoint, Operation, Permission};
use berth_model::{Action, Code, Resource};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::io::AsyncReadExt;

/// Largest root certificate, bytes.
const LARGEST: u64 = 1024 * 1024;
const TAG: &str = "systeminfo";

struct Places {
    data: PathBuf,
    ca_file: Option<PathBuf>,
}

pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let places = Arc::new(Places {
        data: settings.data.clone(),
        ca_file: settings.http.ca_file.clone(),
    });
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/systeminfo/volumes",
            Access::System(Permission::new(Resource::SystemVolumes, Action::Read)),
            get(volumes).with_state(places.clone()),
        )
        .describe(
            Operation::new("getVolumes", TAG, "Say how full the storage is").answer::<SystemInfo>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/systeminfo/getcert",
            Access::Public,
            get(certificate).with_state(places),
        )
        .describe(
            Operation::new(
                "getCert",
                TAG,
                "Download the root certificate that clients have to trust",
            )
            .media_type("application/octet-stream")
            .errors(&[404]),
        ),
    ]
}

/// How full the storage is.
#[derive(Serialize, JsonSchema)]
struct SystemInfo {
    storage: Vec<Storage>,
}

/// A place where bytes are stored.
#[derive(Serialize, JsonSchema)]
struct Storage {
    /// Bytes that it can hold.
    total: u64,
    /// Bytes that are free.
    free: u64,
}

async fn volumes(State(places): State<Arc<Places>>) -> Result<Json<SystemInfo>, ApiError> {
    // The disk may take its time.
    let found = tokio::task::spawn_blocking(move || measure(&places.data)).await;
    let storage = found
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| ApiError::new(Code::Unknown, format!("the disk: {error}")))?;
    Ok(Json(SystemInfo {
        storage: vec![storage],
    }))
}

fn measure(folder: &Path) -> io::Result<Storage> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(Storage {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        // What is kept back for the machine's administrator is not free.
        free: found.f_bavail.saturating_mul(found.f_frsize),
    })
}

async fn certificate(State(places): State<Arc<Places>>) -> Result<Response, ApiError> {
    let Some(path) = &places.ca_file else {
        return Err(ApiError::not_found(
            "no root certificate is set here (http.ca_file)",
        ));
    };
    let bytes = read(path).await.map_err(|error| {
        ApiError::new(
            Code::Unknown,
            format!("{} cannot be read: {error}", path.display()),
        )
    })?;
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=ca.crt"),
        ),
    ];
    Ok((headers, bytes).into_response())
}

async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is too large for a certificate"));
    }
    Ok(bytes)
}
