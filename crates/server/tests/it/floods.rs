//! Connections that are made to cost: HTTP/2 frames in floods, handshakes that stand still.

use std::sync::Arc;

use berth_config::Settings;
use berth_model::{Clock, Secret};
use berth_server::{Parts, Server};
use berth_telemetry::{DroppedLines, Metrics};
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::app::{ADMIN_PASSWORD, App, both};
use crate::content::noise;

const REPOSITORY: &str = "library/floods";

/// What an HTTP/2 client begins with: the preface and empty settings.
const START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// `GET path` as HPACK without tables or Huffman codes.
fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x01, 1, b'x', 0x04, path.len() as u8];
    block.extend(path.as_bytes());
    block
}

/// Sends `chunks` until the server has enough of them; gives how many it took. It must have closed
/// the connection by the end.
async fn flood(app: &App, chunks: impl Iterator<Item = Vec<u8>>) -> usize {
    let connection = TcpStream::connect(app.address).await.unwrap();
    let (mut incoming, mut outgoing) = connection.into_split();
    let closed = tokio::spawn(async move {
        let mut answer = Vec::new();
        // A reset is an end like any other.
        let _ = incoming.read_to_end(&mut answer).await;
    });
    let mut sent = 0;
    if outgoing.write_all(START).await.is_ok() {
        for chunk in chunks {
            if outgoing.write_all(&chunk).await.is_err() {
                break;
            }
            sent += 1;
        }
    }
    // The write side stays open: it is for the server to end this.
    closed.await.unwrap();
    sent
}

/// A hundred requests that are taken back at once.
fn resets(path: &str, chunk: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..100 {
        let stream = (chunk * 100 + number) * 2 + 1;
        bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &get(path)));
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    bytes
}

async fn is_served(app: &App) {
    let path = format!("/v2/{REPOSITORY}/manifests/1");
    app.get(&path).send().await.expect(200);
    app.push_blob(REPOSITORY, &noise(1, 10_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_reset_at_once_end_their_connection() {
    both(async |app| {
        app.push_image(REPOSITORY, "1", "a").await;
        let path = format!("/v2/{REPOSITORY}/manifests/1");
        for _ in 0..10 {
            // Fifty connections, each of which would send ten thousand.
            let floods = (0..5).map(|_| flood(app, (0..100).map(|chunk| resets(&path, chunk))));
            let floods = futures_util::future::join_all(floods);
            let (_, ()) = tokio::join!(floods, is_served(app));
        }
        is_served(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_in_endless_pieces_ends_its_connection() {
    both(async |app| {
        app.push_image(REPOSITORY, "1", "a").await;
        // Fields of 4 KiB, sixteen thousand times: 64 MiB of one head.
        let mut field = vec![0x00, 1, b'a', 0x7f, 0x81, 0x1f];
        field.resize(field.len() + 4_096, b'x');
        let first = frame(HEADERS, END_STREAM, 1, &get("/healthz"));
        let more = std::iter::repeat_n(frame(CONTINUATION, 0, 1, &field), 16_000);
        let sent = flood(app, std::iter::once(first).chain(more)).await;
        // What lies in the kernel's buffers on the way is all that can be beyond the limit.
        assert!(sent < 8_000, "{sent}");
        is_served(app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_stand_still_hold_nobody_up() {
    let data = tempfile::tempdir().unwrap();
    let (cert, key) = (data.path().join("cert.pem"), data.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["berth.test".to_owned()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut settings = Settings::default();
    settings.data = data.path().join("berth");
    settings.http.listen = ([127, 0, 0, 1], 0).into();
    settings.http.drain_seconds = 1;
    (settings.http.tls_cert, settings.http.tls_key) = (Some(cert), Some(key));
    let clock = Clock::system();
    let parts = Parts::open(&settings, clock.clone()).await.unwrap();
    let password = Secret::new(ADMIN_PASSWORD.to_owned());
    parts.first_start(Some(password)).await.unwrap();
    let server = Server::listen(&settings).unwrap();
    let address = server.url().split_off("https://".len());
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let metrics = Arc::new(Metrics::new("test", clock, &DroppedLines::default()));
        let shutdown = shutdown.clone();
        async move { server.run(parts, &settings, metrics, true, shutdown).await }
    });

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));

    let mut stalled = JoinSet::new();
    // Nothing, the beginning of a greeting, and one whose announced end never comes.
    for start in [&b""[..], &[0x16, 3, 1], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]] {
        for _ in 0..200 {
            let mut connection = TcpStream::connect(&address).await.unwrap();
            connection.write_all(start).await.unwrap();
            stalled.spawn(async move {
                let mut answer = Vec::new();
                let _ = connection.read_to_end(&mut answer).await;
            });
        }
    }
    for _ in 0..10 {
        let connection = TcpStream::connect(&address).await.unwrap();
        let name = ServerName::try_from("berth.test").unwrap();
        let mut stream = connector.connect(name, connection).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // Those that stand still are ended by the server.
    while stalled.join_next().await.is_some() {}
    shutdown.cancel();
    serving.await.unwrap();
}
