//! Bytes that change only with the program, and how browsers keep them.
//!
//! Invariant: the tag is made of the bytes, so whoever has the tag has the bytes.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use berth_crypto::sha256_hex;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Nothing but what this server sends itself, and nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Bytes with their tag.
pub(super) struct Asset {
    kind: &'static str,
    bytes: Bytes,
    tag: String,
}

impl Asset {
    pub(super) fn new(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let digest = sha256_hex(&bytes);
        Self {
            kind,
            tag: format!("\"{}\"", digest.get(..32).unwrap_or(&digest)),
            bytes,
        }
    }

    /// The bytes, or 304 for whoever has them.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let known = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == self.tag);
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(self.bytes.clone()).into_response()
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(ETAG, tag);
        }
        let fixed = [
            (CONTENT_TYPE, self.kind),
            // Kept, but asked for again each time: an upgrade shows at once.
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
