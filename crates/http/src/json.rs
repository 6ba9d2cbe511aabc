//! [`Json`] reads a JSON body of an API call.
//!
//! Invariant: nothing is parsed that is not declared JSON, and never more than
//! [`Limits::API_BODY_BYTES`]; nesting is bounded by serde_json's recursion limit.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use berth_model::{Code, Limits};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::{ApiError, read_body};

/// A JSON body, as an extractor and as a response.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "request body must be sent as Content-Type: application/json",
            ));
        }
        let bytes = read_body(request.into_body(), Limits::API_BODY_BYTES).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Every body is an object. Well-formed JSON that does not fit is 422, anything else 400, as
/// swagger validation has it.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // What nobody reads of a body is not looked at otherwise.
    let text = str::from_utf8(bytes)
        .map_err(|_| ApiError::bad_request("request body is not valid JSON: it is not UTF-8"))?;
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins.is_some_and(|byte| *byte != b'{') {
        // A list would be taken for the fields of an object, in their order.
        serde_json::from_str::<IgnoredAny>(text).map_err(explain)?;
        return Err(ApiError::unprocessable(
            "request body does not fit: it must be a JSON object",
        ));
    }
    serde_json::from_str(text).map_err(explain)
}

fn explain(error: serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Data => ApiError::unprocessable(format!("request body does not fit: {error}")),
        Category::Eof if (error.line(), error.column()) == (1, 0) => {
            ApiError::bad_request("request body is missing")
        }
        Category::Syntax | Category::Eof | Category::Io => {
            ApiError::bad_request(format!("request body is not valid JSON: {error}"))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;

    #[derive(Debug, serde::Deserialize)]
    struct Label {
        name: String,
    }

    async fn read(content_type: Option<&str>, body: impl Into<Body>) -> Result<String, ApiError> {
        let mut request = http::Request::new(axum::body::Body::new(body.into()));
        if let Some(value) = content_type {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, value.parse().unwrap());
        }
        Json::<Label>::from_request(request, &())
            .await
            .map(|Json(label)| label.name)
    }

    #[tokio::test]
    async fn json_is_read() {
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(read(Some(kind), r#"{"name":"a"}"#).await.unwrap(), "a");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused_with_its_reason() {
        let json = Some("application/json");
        let deep = "[".repeat(10_000);
        let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(Limits::API_BODY_BYTES));
        for (kind, body, status) in [
            (None, r#"{"name":"a"}"#, 415),
            (Some("text/plain"), r#"{"name":"a"}"#, 415),
            (json, "", 400),
            (json, "{", 400),
            (json, r#"{"name":"a"} x"#, 400),
            (json, r#"{"name":1}"#, 422),
            (json, "{}", 422),
            (json, deep.as_str(), 400),
            (json, "[]", 422),
            (json, large.as_str(), 413),
        ] {
            let error = read(kind, body.to_owned()).await.unwrap_err();
            let shown = body.get(..20).unwrap_or(body);
            assert_eq!(
                error.code().status(),
                status,
                "{shown}: {}",
                error.as_coded()
            );
        }
        let error = read(json, r#"{"name":1}"#).await.unwrap_err();
        assert!(error.as_coded().to_string().contains("line 1 column 9"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let code = |body: &str| {
            let parsed = parse::<serde_json::Value>(body.as_bytes());
            parsed.unwrap_err().code()
        };
        assert_eq!(code(&format!("{{\"a\":{deep}}}")), Code::BadRequest);
        assert_eq!(code(&deep), Code::UnprocessableEntity);
    }
}
