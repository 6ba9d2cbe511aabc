//! What a client still sends after it was refused.
//!
//! A connection that is closed while its client writes is reset, and the client reports a broken
//! pipe instead of the error it was sent. So the rest of a body is read and forgotten, for as long
//! as that is cheap.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Bytes that are read and forgotten at most.
const BYTES: u64 = 8 * 1024 * 1024;
/// Time that is spent on it at most.
const TIME: Duration = Duration::from_secs(5);

/// A request's body, whose remains are cleared away when nobody wants them.
#[derive(Debug)]
pub(crate) struct Remains {
    body: Option<Incoming>,
}

impl Remains {
    pub(crate) const fn of(body: Incoming) -> Self {
        Self { body: Some(body) }
    }
}

impl Body for Remains {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) => body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| !body.is_end_stream());
        // More than is read of it: the connection has to go in any case.
        let Some(mut body) = left.filter(|body| body.size_hint().lower() <= BYTES) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let clear = async {
                let mut read = 0;
                while read <= BYTES
                    && let Some(Ok(frame)) = body.frame().await
                {
                    read += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
            };
            let _ = tokio::time::timeout(TIME, clear).await;
        });
    }
}
