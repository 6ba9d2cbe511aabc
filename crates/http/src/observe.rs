//! What every request shares: id, client address, access line, counters, and that a panic in a
//! handler is answered.
//!
//! Invariant: each request that begins is finished exactly once, when its answer's last byte is
//! handed over or dropped, however it ends.

mod metered;
mod record;

use std::any::Any;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use berth_model::Code;
use futures_util::FutureExt;
use http::{Method, Request, Response};
use tracing::{Instrument, Level};

pub use self::metered::Metered;
use self::record::Record;
use crate::error::{Fault, hidden, report};
use crate::{Body, ConnInfo, ErrorResponse, RequestId, Service, TrustedProxies};

/// Who called, a response extension that handlers set for the access line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Arc<str>);

/// Which operation ran, a response extension that handlers set for the counters.
///
/// Static, so that the number of labels is bounded by the program's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation(pub &'static str);

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The method, as sent: any token, so bound it before it becomes a label.
    pub method: &'a Method,
    /// What the handler said it did; empty if it said nothing.
    pub operation: &'static str,
    /// The status; 499 when the client left before there was one.
    pub status: u16,
    /// From the head's arrival to the last byte of the answer.
    pub elapsed: Duration,
    /// Bytes of the answer's body that were handed over.
    pub bytes: u64,
    /// Whether the answer's body ended early.
    pub aborted: bool,
}

/// Hears of every request; what counts them implements it.
///
/// Each `started` is followed by exactly one `finished`.
pub trait Observer: Send + Sync + 'static {
    /// A request has begun.
    fn started(&self);
    /// A request is over.
    fn finished(&self, outcome: &Outcome<'_>);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn started(&self) {}
    fn finished(&self, _outcome: &Outcome<'_>) {}
}

/// A service that is observed; see [`observe`].
#[derive(Clone)]
pub struct Observe<S> {
    service: S,
    proxies: TrustedProxies,
    observer: Arc<dyn Observer>,
}

/// Wraps `service`, whose requests then carry [`RequestId`] and
/// [`ClientAddr`](crate::ClientAddr).
///
/// Access lines are events of the target `access` at level INFO, spans of the target `request`.
pub fn observe<S>(service: S, proxies: TrustedProxies, observer: Arc<dyn Observer>) -> Observe<S> {
    Observe {
        service,
        proxies,
        observer,
    }
}

impl<S, Q> Service<Q> for Observe<S>
where
    S: Service<Q, Body = Body>,
    Q: Send + 'static,
{
    type Body = Metered;

    async fn call(&self, mut request: Request<Q>) -> Response<Metered> {
        let id = RequestId::of(request.headers());
        let conn = request.extensions().get().copied().unwrap_or(ConnInfo {
            // Only a test calls without a connection.
            peer: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            tls: false,
        });
        let client = self.proxies.resolve(conn, request.headers());
        let mut record = Record::begin(&self.observer, &request, &id, client);
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(client);

        let span = if tracing::enabled!(target: "request", Level::INFO) {
            tracing::info_span!(
                target: "request",
                "request",
                method = %request.method(),
                path = request.uri().path(),
                request_id = %id,
            )
        } else {
            tracing::Span::none()
        };
        let answer = AssertUnwindSafe(self.answer(request))
            .catch_unwind()
            .instrument(span)
            .await;
        let mut response = answer.unwrap_or_else(|panic| {
            report(&format!("handler panicked: {}", text_of(&*panic)), &id);
            ErrorResponse::new(Code::Unknown, hidden(&id)).build()
        });
        if let Some(fault) = response.extensions_mut().remove::<Fault>() {
            fault.settle(&mut response, &id);
        }
        response
            .headers_mut()
            .insert(RequestId::HEADER, id.header_value());
        record.answer(&mut response);
        response.map(|body| Metered::new(body, record))
    }
}

impl<S> Observe<S> {
    /// Calls the service inside the future, so that a panic before its first await is caught too.
    async fn answer<Q>(&self, request: Request<Q>) -> Response<Body>
    where
        S: Service<Q, Body = Body>,
    {
        self.service.call(request).await
    }
}

/// What a panic said.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
