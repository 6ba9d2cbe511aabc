//! The form of answers under `/v2`.

use berth_http::{Body, RequestId, error_response};
use berth_oci::Digest;
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RANGE, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::RegistryError;

pub(super) const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Starts an answer; every one names the API version that docker looks for.
pub(super) fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

/// Adds a header whose value we made; a value that cannot be one is left out.
pub(super) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = answer(status, Body::Empty);
    if status != StatusCode::NO_CONTENT {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

pub(super) fn base() -> Response<Body> {
    json(&serde_json::json!({}))
}

pub(super) fn json(value: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut response = answer(StatusCode::OK, Body::from(bytes::Bytes::from(bytes)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// 201 for something now found at `location`.
pub(super) fn created(location: &str, digest: &Digest) -> Response<Body> {
    let mut response = empty(StatusCode::CREATED);
    set(&mut response, LOCATION, location);
    set(&mut response, DIGEST, digest.as_str());
    response
}

/// An upload that stands at `offset`, with the status that the request calls for.
pub(super) fn upload(status: StatusCode, location: &str, id: &str, offset: u64) -> Response<Body> {
    let mut response = empty(status);
    set(&mut response, LOCATION, location);
    set(&mut response, RANGE, &range(offset));
    set(&mut response, UPLOAD_UUID, id);
    response
}

/// First and last byte held; an empty upload has neither, and clients expect `0-0`.
fn range(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

pub(super) fn etag(response: &mut Response<Body>, digest: &str) {
    set(response, ETAG, &format!("\"{digest}\""));
}

/// Whether `If-None-Match` names the digest.
pub(super) fn matches_etag(header: Option<&str>, digest: &str) -> bool {
    header.is_some_and(|header| {
        header.split(',').any(|tag| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            tag == "*" || tag == digest
        })
    })
}

pub(super) fn error(error: &RegistryError, request_id: &RequestId, base: &str) -> Response<Body> {
    let mut response = error_response(error, request_id);
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    allow(&mut response, error);
    match error {
        RegistryError::OutOfOrder {
            offset, location, ..
        } => {
            set(&mut response, LOCATION, location);
            set(&mut response, RANGE, &range(*offset));
        }
        RegistryError::Range(size) => {
            set(
                &mut response,
                http::header::CONTENT_RANGE,
                &format!("bytes */{size}"),
            );
        }
        RegistryError::Unauthorized {
            scope,
            insufficient,
            ..
        } => {
            set(
                &mut response,
                WWW_AUTHENTICATE,
                &bearer(base, scope.as_deref(), *insufficient),
            );
        }
        other if crate::token::is_unauthorized(other) => {
            let value = format!("{}, error=\"invalid_token\"", bearer(base, None, false));
            set(&mut response, WWW_AUTHENTICATE, &value);
        }
        _ => {}
    }
    response
}

/// Says which methods there are, where another was used.
pub(super) fn allow(response: &mut Response<Body>, error: &RegistryError) {
    if let RegistryError::MethodNotAllowed(allowed) = error {
        set(response, http::header::ALLOW, allowed);
    }
}

fn bearer(base: &str, scope: Option<&str>, insufficient: bool) -> String {
    let service = crate::token::SERVICE;
    let scope = scope.map_or_else(String::new, |scope| format!(",scope=\"{scope}\""));
    let error = if insufficient {
        ",error=\"insufficient_scope\""
    } else {
        ""
    };
    format!("Bearer realm=\"{base}/service/token\",service=\"{service}\"{scope}{error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_an_upload_is_inclusive() {
        assert_eq!(range(0), "0-0");
        assert_eq!(range(10), "0-9");
    }

    #[test]
    fn if_none_match_takes_lists_and_weak_tags() {
        assert!(matches_etag(Some("\"a\", W/\"sha256:1\""), "sha256:1"));
        assert!(matches_etag(Some("*"), "sha256:1"));
        assert!(!matches_etag(Some("\"sha256:2\""), "sha256:1"));
        assert!(!matches_etag(None, "sha256:1"));
    }
}
