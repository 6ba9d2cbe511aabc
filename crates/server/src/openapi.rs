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

/// The page that shows it, at Harbor's address: path, media type, bytes.
const PAGE: [(&str, &str, &str); 3] = [
    (
        "/devcenter-api-2.0",
        "text/html; charset=utf-8",
        include_str!("openapi/page/index.html"),
    ),
    (
        "/devcenter-api-2.0/page.css",
        "text/css; charset=utf-8",
        include_str!("openapi/page/page.css"),
    ),
    (
        "/devcenter-api-2.0/page.js",
        "text/javascript; charset=utf-8",
        include_str!("openapi/page/page.js"),
    ),
];

/// Routes that show the document of `described`.
pub(crate) fn endpoints(described: &[Endpoint]) -> Vec<Endpoint> {
    let shown = Shown(Arc::new(Inner {
        described: described.to_vec(),
        document: OnceLock::new(),
    }));
    let public = |path, handler| Endpoint::new(Method::GET, path, Access::Public, handler);
    let documents = DOCUMENT
        .iter()
        .map(|path| public(path, get(document_json).with_state(shown.clone())));
    let pages = PAGE.iter().map(|(path, kind, text)| {
        let asset = Arc::new(Asset::new(kind, text.as_bytes()));
        let handler = get(async move |headers: HeaderMap| asset.answer(&headers));
        public(path, handler)
    });
    documents.chain(pages).collect()
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
