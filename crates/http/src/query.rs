//! What a query string says, as a type.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// The parameters of a query string; 422 in the words of the API where they do not fit, as swagger
/// validation has it. A handler that decides first who may ask takes a `Result` of it.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(found)| Self(found))
            .map_err(|rejection| ApiError::unprocessable(rejection.body_text()))
    }
}
