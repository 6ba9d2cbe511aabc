//! [`Record`] is one request's account; closing it writes the access line and the counters.
//!
//! Invariant: what only the access line needs is gathered only when that line will be written.

use std::sync::Arc;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use tracing::Level;

use super::{Caller, Observer, Operation, Outcome};
use crate::{Body, ClientAddr, RequestId};

/// The status of requests whose client left before there was an answer.
const CLIENT_GONE: u16 = 499;
/// Longest user agent in the log, bytes.
const USER_AGENT_BYTES: usize = 256;
/// Longest path in the log, bytes.
const PATH_BYTES: usize = 1024;

/// One request under way. It is closed when dropped.
pub(super) struct Record {
    observer: Arc<dyn Observer>,
    begun: Instant,
    method: Method,
    operation: &'static str,
    status: u16,
    /// Bytes the answer's body will have, where that is known.
    expected: Option<u64>,
    /// Bytes handed over.
    pub(super) sent: u64,
    /// Whether the body said that it is over.
    pub(super) ended: bool,
    line: Option<Box<Line>>,
}

/// What the access line needs beyond the counters.
struct Line {
    uri: Uri,
    id: RequestId,
    client: ClientAddr,
    user_agent: Option<HeaderValue>,
    caller: Option<Caller>,
}

impl Record {
    pub(super) fn begin<Q>(
        observer: &Arc<dyn Observer>,
        request: &Request<Q>,
        id: &RequestId,
        client: ClientAddr,
    ) -> Self {
        observer.started();
        let line = tracing::enabled!(target: "access", Level::INFO).then(|| {
            Box::new(Line {
                uri: request.uri().clone(),
                id: id.clone(),
                client,
                user_agent: request.headers().get(USER_AGENT).cloned(),
                caller: None,
            })
        });
        Self {
            observer: Arc::clone(observer),
            begun: Instant::now(),
            method: request.method().clone(),
            operation: "",
            status: CLIENT_GONE,
            expected: None,
            sent: 0,
            ended: false,
            line,
        }
    }

    /// Notes the answer's head and takes what the handler left for us.
    pub(super) fn answer(&mut self, response: &mut Response<Body>) {
        self.status = response.status().as_u16();
        if let Some(Operation(name)) = response.extensions_mut().remove() {
            self.operation = name;
        }
        if let Some(line) = &mut self.line {
            line.caller = response.extensions_mut().remove();
        }
        let bodiless = self.method == Method::HEAD
            || response.status() == StatusCode::NO_CONTENT
            || response.status() == StatusCode::NOT_MODIFIED;
        self.ended = bodiless || response.body().is_end_stream();
        self.expected = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .or_else(|| response.body().size_hint().exact());
    }

    fn aborted(&self) -> bool {
        // The server stops asking once it has as many bytes as were announced.
        !self.ended && self.expected.is_none_or(|expected| self.sent < expected)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let outcome = Outcome {
            method: &self.method,
            operation: self.operation,
            status: self.status,
            elapsed: self.begun.elapsed(),
            bytes: self.sent,
            aborted: self.aborted(),
        };
        self.observer.finished(&outcome);
        if let Some(line) = &self.line {
            line.write(&outcome);
        }
    }
}

impl Line {
    fn write(&self, outcome: &Outcome<'_>) {
        let user_agent = self
            .user_agent
            .as_ref()
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        tracing::info!(
            target: "access",
            method = outcome.method.as_str(),
            // Without the query, which may hold a token.
            path = cut(self.uri.path(), PATH_BYTES),
            status = outcome.status,
            bytes = outcome.bytes,
            ms = outcome.elapsed.as_micros() as f64 / 1000.0,
            caller = self.caller.as_ref().map_or("", |caller| &caller.0),
            remote = %self.client.ip,
            request_id = self.id.as_str(),
            user_agent = cut(user_agent, USER_AGENT_BYTES),
            aborted = outcome.aborted,
        );
    }
}

/// The beginning of `text`, at most `most` bytes and whole characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
