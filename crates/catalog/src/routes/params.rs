//! What requests of this crate carry beside their body.

use axum::extract::FromRequestParts;
use berth_http::ApiError;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

/// The query string, read once.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of `key`, if it is there and says something.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// As [`Params::text`], empty when it is not there.
    pub(super) fn text_or_empty(&self, key: &str) -> &str {
        self.text(key).unwrap_or_default()
    }

    /// `true` or `false`; 422 for anything else, as swagger validation has it.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ApiError> {
        match self.text(key) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(ApiError::unprocessable(format!(
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

/// A number in the path; 422 for anything else.
pub(super) fn id_in_path(name: &str, text: &str) -> Result<i64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::unprocessable(format!("{name} in path must be a whole number")))
}

/// 201 with `Location` and no body.
pub(super) fn created(location: &str) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    // Names of projects and ids: nothing a header could not hold.
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    (StatusCode::CREATED, headers)
}
