//! What [`observe`] adds: ids, addresses, accounts, and answers to panics.

use std::sync::Arc;

use axum::response::IntoResponse;
use berth_http::{
    ApiError, Body, Caller, ClientAddr, Observer, Operation, Outcome, RequestId, ServeOptions,
    TrustedProxies, observe,
};
use berth_model::Code;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::support::{TestServer, logged, within};

/// Sends a line an event; the receiver awaits them.
struct Tape(mpsc::UnboundedSender<String>);

impl Observer for Tape {
    fn started(&self) {
        let _ = self.0.send("started".to_owned());
    }

    fn finished(&self, outcome: &Outcome<'_>) {
        let _ = self.0.send(format!(
            "{} {} {} {} {}",
            outcome.method, outcome.operation, outcome.status, outcome.bytes, outcome.aborted
        ));
    }
}

async fn app(request: Request<Incoming>) -> Response<Body> {
    let client = *request.extensions().get::<ClientAddr>().unwrap();
    let id = request.extensions().get::<RequestId>().unwrap().clone();
    let mut response = match request.uri().path() {
        "/panic" => panic!("on purpose"),
        "/fault" => ApiError::new(Code::Unknown, "secret reason")
            .into_response()
            .map(Body::from),
        "/pending" => std::future::pending().await,
        "/endless" => Response::new(Body::stream(futures_util::stream::repeat_with(|| {
            Ok::<_, std::convert::Infallible>(Bytes::from_static(&[0; 16 * 1024]))
        }))),
        "/sized" => Response::new(Body::sized(
            6,
            futures_util::stream::iter(vec![
                Ok::<_, std::convert::Infallible>(Bytes::from_static(
                    b"abc"
                ));
                2
            ]),
        )),
        _ => Response::new(Body::from(format!("{} {} {id}", client.ip, client.https))),
    };
    response.extensions_mut().insert(Operation("op"));
    response.extensions_mut().insert(Caller("ann".into()));
    response
}

fn start() -> (TestServer, mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let service = observe(app, TrustedProxies::default(), Arc::new(Tape(sender)));
    (
        TestServer::start(ServeOptions::default(), service),
        receiver,
    )
}

async fn expect(tape: &mut mpsc::UnboundedReceiver<String>, finished: &str) {
    assert_eq!(within(tape.recv()).await.unwrap(), "started");
    assert_eq!(within(tape.recv()).await.unwrap(), finished);
}

#[tokio::test]
async fn ids_and_addresses_reach_the_handler_and_the_client() {
    let (server, mut tape) = start();
    let answer = server
        .send(
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-request-id: my-id.1\r\n\
             x-forwarded-for: 198.51.100.9\r\nx-forwarded-proto: https\r\n\r\n",
        )
        .await;
    assert!(answer.contains("x-request-id: my-id.1\r\n"), "{answer}");
    assert!(answer.ends_with("198.51.100.9 true my-id.1"), "{answer}");
    expect(&mut tape, "GET op 200 25 false").await;
}

#[tokio::test]
async fn a_panic_is_answered_and_the_connection_lives_on() {
    let (server, mut tape) = start();
    let mut raw = server.connect().await;
    raw.write("GET /panic HTTP/1.1\r\nhost: a\r\nx-request-id: p1\r\n\r\n")
        .await;
    let answer = raw.until("]}").await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.contains("internal server error; request id p1"));
    assert!(!answer.contains("on purpose"));
    assert_eq!(within(tape.recv()).await.unwrap(), "started");
    assert!(within(tape.recv()).await.unwrap().starts_with("GET  500"));
    raw.write("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(raw.rest().await.starts_with("HTTP/1.1 200"));
    expect(&mut tape, "HEAD op 200 0 false").await;
}

#[tokio::test]
async fn a_fault_is_hidden_behind_the_requests_id() {
    let (server, _tape) = start();
    let answer = server
        .send("GET /fault HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-request-id: f1\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(
        answer.ends_with(
            r#"{"errors":[{"code":"UNKNOWN","message":"internal server error; request id f1"}]}"#
        ),
        "{answer}"
    );
    // The cause is in the log, once.
    let text = logged();
    let causes: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("secret reason"))
        .collect();
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert!(causes[0].contains(r#""request_id":"f1""#));
}

#[tokio::test]
async fn a_streamed_answer_of_known_length_is_not_aborted() {
    let (server, mut tape) = start();
    assert!(server.get("/sized").await.ends_with("abcabc"));
    expect(&mut tape, "GET op 200 6 false").await;
}

#[tokio::test]
async fn a_client_that_leaves_is_accounted_for() {
    let (server, mut tape) = start();
    let mut raw = server.connect().await;
    raw.write("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
    raw.until("\r\n\r\n").await;
    drop(raw);
    assert_eq!(within(tape.recv()).await.unwrap(), "started");
    let line = within(tape.recv()).await.unwrap();
    assert!(
        line.starts_with("GET op 200 ") && line.ends_with("true"),
        "{line}"
    );

    let mut raw = server.connect().await;
    raw.write("GET /pending HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(within(tape.recv()).await.unwrap(), "started");
    drop(raw);
    assert_eq!(within(tape.recv()).await.unwrap(), "GET  499 0 true");
}

#[tokio::test]
async fn one_access_line_tells_the_request() {
    let (server, mut tape) = start();
    server
        .send(
            "GET /sized?token=x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
             x-request-id: line-1\r\nuser-agent: t/1\r\n\r\n",
        )
        .await;
    expect(&mut tape, "GET op 200 6 false").await;
    // Observer and line are told in one go, and this runtime has one thread.
    let text = logged();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("line-1"))
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines[0];
    for part in [
        r#""method":"GET""#,
        r#""path":"/sized""#,
        r#""status":200"#,
        r#""bytes":6"#,
        r#""caller":"ann""#,
        r#""remote":"127.0.0.1""#,
        r#""user_agent":"t/1""#,
        r#""aborted":false"#,
        r#""target":"access""#,
        r#""ms":"#,
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("token"));
}
