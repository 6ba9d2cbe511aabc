//! [`Body`] is what a handler answers with.
//!
//! Invariant: a body whose bytes are all there is never boxed and knows its exact length, so
//! that `Content-Length` is always sent for it and head and body leave in one write.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, StreamBody};

/// Any error of a body in motion.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

type BoxBody = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// The body of a response.
#[derive(Default)]
pub enum Body {
    /// Nothing at all.
    #[default]
    Empty,
    /// Bytes that are in memory.
    Full(Bytes),
    /// Bytes still to come.
    Stream(BoxBody),
}

impl Body {
    /// A body of bytes in memory.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() {
            Self::Empty
        } else {
            Self::Full(bytes)
        }
    }

    /// Boxes any other body.
    pub fn boxed<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::Empty;
        }
        Self::Stream(Box::pin(body.map_err(Into::into)))
    }

    /// A body of unknown length from a stream of chunks.
    pub fn stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::Stream(Box::pin(StreamBody::new(
            stream.map(|chunk| chunk.map(Frame::data).map_err(Into::into)),
        )))
    }

    /// A body of exactly `length` bytes from a stream of chunks.
    ///
    /// The caller owes the stream's honesty: a stream that yields less is cut off by the server,
    /// so that no client takes the short answer for a whole one.
    pub fn sized<S, E>(length: u64, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        if length == 0 {
            return Self::Empty;
        }
        Self::Stream(Box::pin(Exact {
            inner: Self::stream(stream),
            left: length,
        }))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Body::Empty"),
            Self::Full(bytes) => write!(f, "Body::Full({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Body::Stream"),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Stream(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(_) => false,
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(body) => body.size_hint(),
        }
    }
}

/// A stream that says its length beforehand and is held to it.
struct Exact {
    inner: Body,
    left: u64,
}

impl HttpBody for Exact {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => return Poll::Ready(Some(Err("body is longer than announced".into()))),
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) if self.left > 0 => {
                let missing = format!("body ended {} bytes early", self.left);
                self.left = 0;
                Poll::Ready(Some(Err(missing.into())))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::full(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::full(text)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::full(Bytes::from_static(text.as_bytes()))
    }
}

impl From<axum::body::Body> for Body {
    fn from(body: axum::body::Body) -> Self {
        Self::boxed(body)
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::new(axum::body::Body::new(self))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn bodies_in_memory_know_their_length() {
        assert_eq!(Body::from("berth").size_hint().exact(), Some(5));
        assert_eq!(Body::from(Bytes::new()).size_hint().exact(), Some(0));
        assert!(Body::from(String::new()).is_end_stream());
        let axum = Body::from(axum::body::Body::from("quay"));
        assert_eq!(axum.size_hint().exact(), Some(4));
        assert_eq!(axum.collect().await.unwrap().to_bytes(), "quay");
    }

    #[tokio::test]
    async fn a_sized_body_is_held_to_its_length() {
        let chunks =
            |n: usize| stream::iter(vec![Ok::<_, Infallible>(Bytes::from_static(b"ab")); n]);
        let exact = Body::sized(4, chunks(2));
        assert_eq!(exact.size_hint().exact(), Some(4));
        assert_eq!(exact.collect().await.unwrap().to_bytes(), "abab");
        assert!(Body::sized(5, chunks(2)).collect().await.is_err());
        assert!(Body::sized(3, chunks(2)).collect().await.is_err());
    }
}
