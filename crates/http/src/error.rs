//! Errors on the wire: `{"errors":[{"code","message","detail"?}]}`.
//!
//! Invariant: what is the server's fault is logged once with the request's id and never shown;
//! the client is given that id instead.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::response::IntoResponse;
use berth_model::{Code, Coded, Reason};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Body, RequestId};

/// An error as it is sent: one code, one sentence, perhaps a detail.
#[derive(Clone, Debug)]
pub struct ErrorResponse {
    code: Code,
    message: String,
    detail: Option<Value>,
    retry_after: Option<u64>,
}

/// Why a request failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Errors")]
struct Envelope<'a> {
    errors: [Entry<'a>; 1],
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
struct Entry<'a> {
    /// What went wrong, for programs.
    code: &'static str,
    /// What went wrong, for people.
    message: &'a str,
    /// What exactly it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a Value>,
}

/// The schema of every error, for the API document.
pub fn errors_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Envelope<'_>>()
}

impl ErrorResponse {
    /// An error with the sentence the client is to see.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            retry_after: None,
        }
    }

    /// Adds the `detail` of OCI distribution 1.1, "Error Codes".
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Value>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what exactly is wrong: `{"reason": name, …values}`.
    #[must_use]
    pub fn reason(self, reason: Option<Reason>) -> Self {
        let Some(Reason { name, values }) = reason else {
            return self;
        };
        let mut detail = Map::new();
        detail.insert("reason".to_owned(), name.into());
        detail.extend(
            values
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.into())),
        );
        self.detail(detail)
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: impl Into<Option<u64>>) -> Self {
        self.retry_after = seconds.into();
        self
    }

    /// The finished response.
    pub fn build(self) -> Response<Body> {
        let envelope = Envelope {
            errors: [Entry {
                code: self.code.as_str(),
                message: &self.message,
                detail: self.detail.as_ref(),
            }],
        };
        let json = serde_json::to_vec(&envelope).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The answer to a request that failed; a server's fault is logged here.
pub fn error_response(error: &dyn Coded, request_id: &RequestId) -> Response<Body> {
    let code = error.code();
    let (message, reason) = if code.is_fault() {
        report(&describe(error), request_id);
        (hidden(request_id), None)
    } else {
        (error.to_string(), error.reason())
    };
    ErrorResponse::new(code, message)
        .reason(reason)
        .retry_after(error.retry_after())
        .build()
}

pub(crate) fn hidden(request_id: &RequestId) -> String {
    format!("internal server error; request id {request_id}")
}

pub(crate) fn report(cause: &str, request_id: &RequestId) {
    tracing::error!(%request_id, cause, "request failed");
}

/// The error and what caused it, outermost first.
fn describe(error: &dyn Coded) -> String {
    const DEEPEST: usize = 16;

    let mut text = error.to_string();
    let mut source = error.source();
    for _ in 0..DEEPEST {
        let Some(cause) = source else { break };
        let cause_text = cause.to_string();
        // Many errors already quote what caused them.
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Any coded error, as the error type of an axum handler.
///
/// It does not know its request. For a server's fault it therefore leaves the cause in the
/// response, where [`observe`](crate::observe) finds it, logs it and adds the request's id.
#[derive(Debug)]
pub struct ApiError(Box<dyn Coded + Send + Sync>);

impl ApiError {
    /// An error that has no type of its own.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Plain {
            code,
            message: message.into(),
            reason: None,
        }))
    }

    /// A malformed request (400) of which programs are told what exactly is wrong.
    pub fn malformed(message: impl Into<String>, reason: Reason) -> Self {
        Self(Box::new(Plain {
            code: Code::BadRequest,
            message: message.into(),
            reason: Some(reason),
        }))
    }

    /// A malformed request (400).
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    /// A caller that is not known (401).
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(Code::Unauthorized, message)
    }

    /// A caller that may not (403).
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message)
    }

    /// A thing that is not there, or that the caller may not see (404).
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// A thing that exists already or is in use (409).
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// A well-formed request with a value that cannot be (422).
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(Code::UnprocessableEntity, message)
    }

    /// The error inside.
    pub fn as_coded(&self) -> &(dyn Coded + Send + Sync) {
        &*self.0
    }

    /// The code that is sent.
    pub fn code(&self) -> Code {
        self.0.code()
    }
}

impl<E: Coded + Send + Sync + 'static> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> axum::response::Response {
        let code = self.0.code();
        let retry_after = self.0.retry_after();
        if !code.is_fault() {
            return ErrorResponse::new(code, self.0.to_string())
                .reason(self.0.reason())
                .retry_after(retry_after)
                .build()
                .map(axum::body::Body::new);
        }
        let mut response = ErrorResponse::new(code, "internal server error")
            .retry_after(retry_after)
            .build()
            .map(axum::body::Body::new);
        response.extensions_mut().insert(Fault {
            code,
            cause: describe(&*self.0).into(),
        });
        response
    }
}

/// A server's fault on its way to where the request's id is known.
#[derive(Clone)]
pub(crate) struct Fault {
    code: Code,
    cause: Arc<str>,
}

impl Fault {
    /// Logs the cause and writes the id into the answer.
    pub(crate) fn settle(&self, response: &mut Response<Body>, request_id: &RequestId) {
        report(&self.cause, request_id);
        let told = ErrorResponse::new(self.code, hidden(request_id)).build();
        *response.body_mut() = told.into_body();
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Plain {
    code: Code,
    message: String,
    reason: Option<Reason>,
}

impl Coded for Plain {
    fn code(&self) -> Code {
        self.code
    }

    fn reason(&self) -> Option<Reason> {
        self.reason.clone()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Trouble {
        #[error("database is gone")]
        Gone(#[source] std::io::Error),
        #[error("project 'a' is not there")]
        Missing,
    }

    impl Coded for Trouble {
        fn code(&self) -> Code {
            match self {
                Self::Gone(_) => Code::Unavailable,
                Self::Missing => Code::NotFound,
            }
        }

        fn retry_after(&self) -> Option<u64> {
            matches!(self, Self::Gone(_)).then_some(7)
        }
    }

    async fn json(response: Response<Body>) -> Value {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_clients_error_is_told() {
        let response = error_response(&Trouble::Missing, &RequestId::random());
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(
            json(response).await,
            serde_json::json!({"errors": [{"code": "NOT_FOUND", "message": "project 'a' is not there"}]})
        );
    }

    #[tokio::test]
    async fn a_servers_fault_is_hidden_behind_the_request_id() {
        let id = RequestId::random();
        let response = error_response(&Trouble::Gone(std::io::Error::other("secret host")), &id);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
        let told = json(response).await;
        assert_eq!(
            told["errors"][0]["message"],
            format!("internal server error; request id {id}")
        );
    }

    #[test]
    fn the_log_gets_the_whole_chain_once() {
        let error = Trouble::Gone(std::io::Error::other("host is down"));
        assert_eq!(describe(&error), "database is gone: host is down");
    }

    #[tokio::test]
    async fn a_detail_is_sent_when_there_is_one() {
        let response = ErrorResponse::new(Code::Denied, "no")
            .detail(serde_json::json!([{"Action": "pull"}]))
            .build();
        assert_eq!(
            json(response).await["errors"][0]["detail"][0]["Action"],
            "pull"
        );
    }
}
