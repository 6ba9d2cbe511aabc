//! [`Metered`] counts the bytes of an answer as they are handed over.
//!
//! Invariant: a panic inside a body breaks that answer only, not the connection's other streams.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::record::Record;
use crate::{Body, BoxError};

/// The body of an observed answer; when it is dropped the request is over.
pub struct Metered {
    body: Body,
    record: Record,
}

impl Metered {
    pub(super) const fn new(body: Body, record: Record) -> Self {
        Self { body, record }
    }
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.body).poll_frame(cx)))
            .unwrap_or_else(|_| {
                self.body = Body::Empty;
                Poll::Ready(Some(Err("body panicked".into())))
            });
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.record.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                self.record.ended |= self.body.is_end_stream();
            }
            Poll::Ready(None) => self.record.ended = true,
            Poll::Ready(Some(Err(error))) => tracing::error!(error, "body failed"),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
