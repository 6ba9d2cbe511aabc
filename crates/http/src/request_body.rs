//! Request bodies that neither stand still nor outgrow their limit.
//!
//! Invariant: [`read_body`] never holds more than its limit, whatever length the client
//! announces or hides behind chunked encoding.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use berth_model::{Code, Coded, Limits};
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use crate::BoxError;

/// Why a request body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the limit (413).
    #[error("request body is larger than {0} bytes")]
    TooLarge(usize),
    /// Nothing came for too long (408).
    #[error("request body stood still for {} seconds", .0.as_secs())]
    Idle(Duration),
    /// The connection or the encoding broke (400).
    #[error("request body could not be read: {0}")]
    Broken(#[source] BoxError),
}

impl Coded for BodyError {
    fn code(&self) -> Code {
        match self {
            Self::TooLarge(_) => Code::RequestEntityTooLarge,
            Self::Idle(_) => Code::RequestTimeout,
            Self::Broken(_) => Code::BadRequest,
        }
    }
}

pin_project! {
    /// A body that fails with [`BodyError::Idle`] when no frame comes for too long.
    pub struct IdleTimeout<B> {
        #[pin]
        body: B,
        #[pin]
        alarm: Option<Sleep>,
        armed: bool,
        idle: Duration,
    }
}

impl<B> IdleTimeout<B> {
    /// Gives `body` [`Limits::BODY_IDLE`] between frames.
    pub const fn new(body: B) -> Self {
        Self::within(body, Limits::BODY_IDLE)
    }

    /// Gives `body` the time `idle` between frames.
    pub const fn within(body: B, idle: Duration) -> Self {
        Self {
            body,
            alarm: None,
            armed: false,
            idle,
        }
    }
}

impl<B> HttpBody for IdleTimeout<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            *this.armed = false;
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| BodyError::Broken(error.into()))),
            );
        }
        // The alarm is set when waiting begins: time the reader spends elsewhere is not the
        // client's.
        if !*this.armed {
            *this.armed = true;
            match this.alarm.as_mut().as_pin_mut() {
                Some(alarm) => alarm.reset(Instant::now() + *this.idle),
                None => this.alarm.set(Some(sleep(*this.idle))),
            }
        }
        if let Some(alarm) = this.alarm.as_pin_mut() {
            ready!(alarm.poll(cx));
        }
        Poll::Ready(Some(Err(BodyError::Idle(*this.idle))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// A body announced as longer is refused before it is read.
pub async fn read_body<B>(body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    read_body_within(body, limit, Limits::BODY_IDLE).await
}

/// [`read_body`] with another time between frames; the whole may take twice that time, so that a
/// body sent byte by byte ends too.
pub async fn read_body_within<B>(body: B, limit: usize, idle: Duration) -> Result<Bytes, BodyError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    tokio::time::timeout(idle * 2, collect(IdleTimeout::within(body, idle), limit))
        .await
        .unwrap_or(Err(BodyError::Idle(idle * 2)))
}

async fn collect<B>(body: IdleTimeout<B>, limit: usize) -> Result<Bytes, BodyError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = std::pin::pin!(body);
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length += data.len();
        if length > limit {
            return Err(BodyError::TooLarge(limit));
        }
        match first.take() {
            // Most bodies are one frame, which is then not copied.
            None if rest.is_empty() => first = Some(data),
            None => rest.extend_from_slice(&data),
            Some(head) => {
                let announced = body.size_hint().lower() as usize;
                rest.reserve(length + announced.min(limit - length));
                rest.extend_from_slice(&head);
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| rest.freeze()))
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;
    use crate::Body;

    fn chunks(count: usize) -> Body {
        Body::stream(stream::iter(vec![
            Ok::<_, std::convert::Infallible>(
                Bytes::from_static(b"0123456789")
            );
            count
        ]))
    }

    #[tokio::test]
    async fn the_limit_holds_with_and_without_a_length() {
        assert_eq!(read_body(chunks(3), 30).await.unwrap().len(), 30);
        assert_eq!(read_body(chunks(1), 30).await.unwrap(), "0123456789");
        assert_eq!(read_body(Body::Empty, 0).await.unwrap(), "");
        for body in [chunks(4), Body::from("x".repeat(31))] {
            let error = read_body(body, 30).await.unwrap_err();
            assert!(matches!(error, BodyError::TooLarge(30)));
        }
    }

    #[tokio::test]
    async fn an_announced_excess_is_not_read() {
        let unread = Body::sized(
            31,
            stream::poll_fn(|_| -> Poll<Option<Result<Bytes, BoxError>>> {
                panic!("read although too long")
            }),
        );
        assert!(matches!(
            read_body(unread, 30).await,
            Err(BodyError::TooLarge(30))
        ));
    }

    /// A chunk every 60 ms, `count` of them.
    fn drip(count: usize) -> Body {
        Body::stream(stream::iter(0..count).then(|_| async {
            sleep(Duration::from_millis(60)).await;
            Ok::<_, BoxError>(Bytes::from_static(b"x"))
        }))
    }

    #[tokio::test]
    async fn silence_and_drip_both_end() {
        let idle = Duration::from_millis(300);
        let silent = Body::stream(stream::pending::<Result<Bytes, BoxError>>());
        let error = read_body_within(silent, 9, idle).await.unwrap_err();
        assert!(matches!(error, BodyError::Idle(time) if time == idle));

        let error = read_body_within(drip(1_000), 1_000, idle)
            .await
            .unwrap_err();
        assert!(matches!(error, BodyError::Idle(time) if time == idle * 2));
    }

    #[tokio::test]
    async fn a_slow_but_moving_body_is_let_through() {
        let body = IdleTimeout::within(drip(10), Duration::from_millis(400));
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 10);
    }
}
