//! The query string, and addresses that answers name.

use axum::extract::FromRequestParts;
use berth_http::ApiError;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The query string, read once.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of `key`, empty when it is not there.
    pub(super) fn text(&self, key: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// `true` or `false`; 422 for anything else, as swagger validation has it.
    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, ApiError> {
        match self.text(key) {
            "" => Ok(default),
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(ApiError::unprocessable(format!(
                "{key} in query must be true or false"
            ))),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(query)
            .map(Self)
            .map_err(|error| ApiError::bad_request(format!("the query cannot be read: {error}")))
    }
}

/// What a path segment holds as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b':');

/// The address of an artifact: the part of the repository's name below its project is encoded
/// twice, which is how clients of this API write it.
pub(super) fn address(repository: &str, digest: &str) -> String {
    let (project, rest) = repository.split_once('/').unwrap_or((repository, ""));
    let once = utf8_percent_encode(rest, SEGMENT).to_string();
    let twice = utf8_percent_encode(&once, SEGMENT);
    format!("/api/v2.0/projects/{project}/repositories/{twice}/artifacts/{digest}")
}

/// 201 with `Location` and no body.
pub(super) fn created(location: &str) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    // Names and digests: nothing a header could not hold.
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    (StatusCode::CREATED, headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_encode_the_repository_twice() {
        assert_eq!(
            address("p/a/b.c-d", "sha256:00"),
            "/api/v2.0/projects/p/repositories/a%252Fb.c-d/artifacts/sha256:00"
        );
    }
}
