//! The server loop: accept, perhaps TLS, HTTP/1.1 or HTTP/2, drain.
//!
//! Invariant: no client can hold a connection without making progress, none can keep others
//! from being served, and the loop itself ends only by shutdown.

mod backoff;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use berth_model::Limits;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::backoff::Backoff;
use crate::{BoxError, ConnInfo, Tls};

/// Connections the kernel keeps for us while all slots are taken.
const BACKLOG: u32 = 4096;
/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 250;
/// Bytes of one HTTP/2 stream under way; the protocol's 64 KiB make large blobs crawl.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
/// Bytes of one HTTP/2 connection under way.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// Streams a client may open and reset before we answer (rapid reset, CVE-2023-44487).
const PENDING_RESETS: usize = 20;
/// HTTP/2 peers are asked for a sign of life this often.
const PING: Duration = Duration::from_secs(30);

/// What answers requests: any cloneable `Fn(Request) -> Future<Output = Response>`.
pub trait Service<Q>: Send + Sync + 'static {
    /// The body of its answers.
    type Body: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Answers one request.
    fn call(&self, request: Request<Q>) -> impl Future<Output = Response<Self::Body>> + Send;
}

impl<S, Q, F, B> Service<Q> for S
where
    S: Fn(Request<Q>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;

    fn call(&self, request: Request<Q>) -> impl Future<Output = Response<B>> + Send {
        self(request)
    }
}

/// How a listener is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Certificate and key; plain HTTP without.
    pub tls: Option<Arc<Tls>>,
    /// Open connections; more wait in the kernel's queue.
    pub connections: usize,
    /// Time for a request's head, and for a kept-alive connection to send its next one.
    pub head_timeout: Duration,
    /// Time for the TLS handshake.
    pub handshake_timeout: Duration,
    /// Time that requests under way are given at shutdown.
    pub drain: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            tls: None,
            connections: Limits::CONNECTIONS,
            head_timeout: Limits::HEAD_TIMEOUT,
            handshake_timeout: Limits::TLS_HANDSHAKE,
            drain: Duration::from_secs(30),
        }
    }
}

/// Opens a listening socket that can be reopened at once after a restart.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `listener` until `shutdown`, then drains.
///
/// Returns how many connections were still busy at the end of the drain and had to be cut.
pub async fn serve<S: Service<Incoming>>(
    listener: TcpListener,
    options: ServeOptions,
    service: S,
    shutdown: CancellationToken,
) -> usize {
    let drain = options.drain;
    let slots = Arc::new(Semaphore::new(options.connections));
    let server = Arc::new(Server {
        builder: builder(&options),
        options,
        service,
    });
    let mut connections = JoinSet::new();
    let mut backoff = Backoff::default();
    while let Some((accepted, slot)) = next(&listener, &slots, &shutdown).await {
        match accepted {
            Ok((stream, peer)) => {
                backoff.reset();
                let (server, end) = (Arc::clone(&server), shutdown.child_token());
                connections.spawn(server.converse(stream, peer, end, slot));
            }
            Err(error) => {
                drop(slot);
                if let Some(pause) = backoff.after(&error) {
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, done).await.is_ok() {
        return 0;
    }
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

type Accepted = (io::Result<(TcpStream, SocketAddr)>, OwnedSemaphorePermit);

/// The next connection, once there is a slot for it; nothing after `shutdown`.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<Accepted> {
    let accept = async {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        Some((listener.accept().await, slot))
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        accepted = accept => accepted,
    }
}

fn builder(options: &ServeOptions) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(Limits::HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(Limits::HEAD_BYTES as u32)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .keep_alive_interval(PING);
    builder
}

struct Server<S> {
    builder: auto::Builder<TokioExecutor>,
    options: ServeOptions,
    service: S,
}

impl<S: Service<Incoming>> Server<S> {
    /// One connection from its first byte to its last.
    async fn converse(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        end: CancellationToken,
        _slot: OwnedSemaphorePermit,
    ) {
        // Without it a small body waits up to 40 ms for the head's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "connection is gone already");
            return;
        }
        let Some(tls) = &self.options.tls else {
            return self.drive(stream, ConnInfo { peer, tls: false }, end).await;
        };
        let handshake = TlsAcceptor::from(tls.config()).accept(stream);
        let handshake = tokio::time::timeout(self.options.handshake_timeout, handshake);
        let shaken = tokio::select! {
            () = end.cancelled() => return,
            shaken = handshake => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => self.drive(stream, ConnInfo { peer, tls: true }, end).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "tls handshake failed"),
            Err(_) => tracing::debug!(%peer, "tls handshake took too long"),
        }
    }

    async fn drive<I>(self: &Arc<Self>, io: I, info: ConnInfo, end: CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let called = Arc::new(AtomicBool::new(false));
        let service = {
            let state = (Arc::clone(self), Arc::clone(&called));
            service_fn(move |mut request: Request<Incoming>| {
                let (server, called) = state.clone();
                called.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(info);
                async move { Ok::<_, Infallible>(server.service.call(request).await) }
            })
        };
        let mut conn = pin!(self.builder.serve_connection(TokioIo::new(io), service));
        // The library waits without limit for the bytes that tell HTTP/2 from HTTP/1.1 and for
        // an HTTP/2 connection's first request, so the first request has a deadline of its own.
        let mut deadline = pin!(tokio::time::sleep(self.options.head_timeout));
        let (mut waiting, mut draining) = (true, false);
        loop {
            tokio::select! {
                biased;
                result = conn.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(peer = %info.peer, error, "connection ended");
                    }
                    return;
                }
                () = end.cancelled(), if !draining => {
                    draining = true;
                    conn.as_mut().graceful_shutdown();
                }
                () = deadline.as_mut(), if waiting => {
                    waiting = false;
                    if !called.load(Ordering::Relaxed) {
                        tracing::debug!(peer = %info.peer, "no request in time");
                        return;
                    }
                }
            }
        }
    }
}
