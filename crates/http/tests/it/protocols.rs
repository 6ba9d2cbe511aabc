//! HTTP/1.1 and HTTP/2 on one port.

use berth_http::{Body, ConnInfo, ServeOptions};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::{TestServer, within};

async fn show(request: Request<Incoming>) -> Response<Body> {
    let conn = request.extensions().get::<ConnInfo>().unwrap();
    Response::new(Body::from(format!(
        "{:?} {} {}",
        request.version(),
        conn.peer.ip(),
        conn.tls
    )))
}

#[tokio::test]
async fn http1_keeps_alive_and_sends_a_length() {
    let server = TestServer::start(ServeOptions::default(), show);
    let mut raw = server.connect().await;
    for _ in 0..2 {
        raw.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let head = raw.until("\r\n\r\n").await;
        assert!(head.contains("content-length: 24"), "{head}");
        raw.until("HTTP/1.1 127.0.0.1 false").await;
    }
    raw.write("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let head = raw.rest().await;
    assert!(head.contains("content-length: 24"), "{head}");
    assert!(head.ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn http2_is_spoken_to_who_begins_with_it() {
    let server = TestServer::start(ServeOptions::default(), show);
    let stream = server.connect().await.0;
    let (mut sender, conn) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(conn);
    for _ in 0..3 {
        let request = Request::get("http://a/")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "HTTP/2.0 127.0.0.1 false");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let server = TestServer::start(ServeOptions::default(), |_: Request<Incoming>| async {
        let chunks = [Ok(Bytes::from_static(b"half")), Err("disk is gone")];
        Response::new(Body::stream(futures_util::stream::iter(chunks)))
    });
    let answer = server.get("/").await;
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}
