//! Clients that are slow, large, or too many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use berth_http::{
    ApiError, Body, RequestId, ServeOptions, error_response, read_body, read_body_within,
};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::Notify;

use crate::support::{TestServer, within};

async fn hello(_: Request<Incoming>) -> Response<Body> {
    Response::new(Body::from("hello"))
}

fn hasty() -> ServeOptions {
    ServeOptions {
        head_timeout: Duration::from_millis(200),
        ..ServeOptions::default()
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_and_harms_nobody() {
    let server = TestServer::start(hasty(), hello);
    // Nothing at all, a beginning, and the beginning of HTTP/2's preface.
    for start in ["", "GET / HTTP/1.1\r\nhost: a\r\nx-slow:", "PRI * HT"] {
        let began = Instant::now();
        let mut slow = server.connect().await;
        slow.write(start).await;
        assert!(server.get("/").await.ends_with("hello"));
        let answer = slow.rest().await;
        assert!(!answer.contains("200 OK"), "{start:?}: {answer}");
        assert!(began.elapsed() < Duration::from_secs(10), "{start:?}");
    }
}

#[tokio::test]
async fn a_request_that_takes_longer_than_its_head_may_is_not_cut() {
    let server = TestServer::start(hasty(), |_: Request<Incoming>| async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        Response::new(Body::from("late"))
    });
    assert!(server.get("/").await.ends_with("late"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = TestServer::start(ServeOptions::default(), hello);
    let long = "x".repeat(200 * 1024);
    let mut raw = server.connect().await;
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n");
    // The server may close before all is written.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut raw.0, head.as_bytes()).await;
    assert!(!raw.rest().await.contains("200 OK"));
}

async fn take_ten(request: Request<Incoming>) -> Response<Body> {
    match read_body(request.into_body(), 10).await {
        Ok(bytes) => Response::new(Body::from(bytes)),
        Err(error) => error_response(&error, &RequestId::random()),
    }
}

#[tokio::test]
async fn a_body_is_capped_however_it_is_framed() {
    let server = TestServer::start(ServeOptions::default(), take_ten);
    let chunked =
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let fits = server
        .send(&format!("{chunked}5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n"))
        .await;
    assert!(fits.ends_with("abcdefghij"), "{fits}");

    // The end of this body never comes: it is refused on the eleventh byte.
    let over = server
        .send(&format!("{chunked}5\r\nabcde\r\n6\r\nfghijk\r\n"))
        .await;
    assert!(over.starts_with("HTTP/1.1 413"), "{over}");
    assert!(over.contains("REQUEST_ENTITY_TOO_LARGE"));

    // And this one is refused before its first byte.
    let announced = server
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n")
        .await;
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
}

#[tokio::test]
async fn a_body_that_stands_still_is_answered_with_408() {
    let server = TestServer::start(
        ServeOptions::default(),
        |request: Request<Incoming>| async {
            let idle = Duration::from_millis(100);
            match read_body_within(request.into_body(), 100, idle).await {
                Ok(bytes) => Response::new(Body::from(bytes)),
                Err(error) => {
                    error_response(ApiError::from(error).as_coded(), &RequestId::random())
                }
            }
        },
    );
    let mut raw = server.connect().await;
    raw.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    let head = raw.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
}

#[tokio::test]
async fn more_connections_than_the_cap_wait_and_are_then_served() {
    let options = ServeOptions {
        connections: 1,
        ..ServeOptions::default()
    };
    let server = TestServer::start(options, hello);
    let mut first = server.connect().await;
    first.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    first.until("hello").await;

    let mut second = server.connect().await;
    second
        .write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let early = tokio::time::timeout(Duration::from_millis(150), second.0.readable()).await;
    assert!(early.is_err(), "served beyond the cap");
    drop(first);
    assert!(second.rest().await.ends_with("hello"));
}

#[tokio::test]
async fn shutdown_finishes_what_is_under_way_and_closes_what_is_idle() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let service = {
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        move |_: Request<Incoming>| {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            async move {
                entered.notify_one();
                go.notified().await;
                Response::new(Body::from("finished"))
            }
        }
    };
    let server = TestServer::start(ServeOptions::default(), service);
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    busy.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    within(entered.notified()).await;

    server.shutdown.cancel();
    assert_eq!(idle.rest().await, "");
    assert!(!server.done.is_finished());
    go.notify_one();
    assert!(busy.rest().await.ends_with("finished"));
    assert_eq!(within(server.done).await.unwrap(), 0);
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_drain_that_takes_too_long_is_cut() {
    let entered = Arc::new(Notify::new());
    let service = {
        let entered = Arc::clone(&entered);
        move |_: Request<Incoming>| {
            entered.notify_one();
            std::future::pending::<Response<Body>>()
        }
    };
    let options = ServeOptions {
        drain: Duration::from_millis(100),
        ..ServeOptions::default()
    };
    let server = TestServer::start(options, service);
    let mut stuck = server.connect().await;
    stuck.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    within(entered.notified()).await;
    server.shutdown.cancel();
    assert_eq!(within(server.done).await.unwrap(), 1);
    assert_eq!(stuck.rest().await, "");
}
