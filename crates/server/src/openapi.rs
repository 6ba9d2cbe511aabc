//! The API document, served as JSON and as a page to read.
//!
//! Invariant: it is made from the very endpoints that the router serves.

mod asset;
mod document;
mod parameters;
mod schemas;

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use berth_iam::{Access, Endpoint};
use http::{HeaderMap, Method};
use serde_json::Value;

use asset::Asset;

/// The API document of these endpoints: OpenAPI 3.1.
pub fn openapi(endpoints: &[Endpoint]) -> Value {
    document::document(endpoints)
}

/// Where the document is; Harbor has its own at the second.
const DOCUMENT: [&str; 2] = ["/api/v2.0/openapi.json", "/swagger.json"];

/// Routes that show the document of `described`.
pub(crate) fn endpoints(described: &[Endpoint]) -> Vec<Endpoint> {
    let shown = Shown(Arc::new(Inner {
        described: described.to_vec(),
        document: OnceLock::new(),
    }));
    DOCUMENT
        .iter()
        .map(|path| {
            let handler = get(document_json).with_state(shown.clone());
            Endpoint::new(Method::GET, path, Access::Public, handler)
        })
        .collect()
}

/// The document, made when somebody first asks for it.
#[derive(Clone)]
struct Shown(Arc<Inner>);

struct Inner {
    described: Vec<Endpoint>,
    document: OnceLock<Asset>,
}

async fn document_json(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let Shown(inner) = shown;
    let document = inner.document.get_or_init(|| {
        let json = openapi(&inner.described).to_string();
        Asset::new("application/json", json.into_bytes())
    });
    document.answer(&headers)
}
