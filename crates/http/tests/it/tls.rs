//! TLS: protocols, stalled handshakes, certificates that change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use berth_http::{Body, ConnInfo, ServeOptions, Tls};
use http::{Request, Response};
use hyper::body::Incoming;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::support::{TestServer, within};

struct Files {
    _dir: TempDir,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new() -> (Self, String) {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        let pem = write_pair(&cert, &key);
        let files = Self {
            _dir: dir,
            cert,
            key,
        };
        (files, pem)
    }
}

fn write_pair(cert: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["berth.test".to_owned()]).unwrap();
    std::fs::write(cert, made.cert.pem()).unwrap();
    std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    made.cert.pem()
}

async fn show(request: Request<Incoming>) -> Response<Body> {
    let tls = request.extensions().get::<ConnInfo>().unwrap().tls;
    Response::new(Body::from(format!("tls {tls}")))
}

fn server(tls: &Arc<Tls>) -> TestServer {
    let options = ServeOptions {
        tls: Some(Arc::clone(tls)),
        handshake_timeout: Duration::from_millis(300),
        ..ServeOptions::default()
    };
    TestServer::start(options, show)
}

/// Connects and trusts exactly the certificate `pem`.
async fn connect(
    server: &TestServer,
    pem: &str,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = server.connect().await.0;
    let name = ServerName::try_from("berth.test").unwrap();
    within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

async fn get(mut stream: TlsStream<TcpStream>) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    let _ = within(stream.read_to_string(&mut text)).await;
    text
}

#[tokio::test]
async fn the_protocol_is_agreed_in_the_handshake() {
    let (files, pem) = Files::new();
    let server = server(&Tls::load(&files.cert, &files.key).unwrap());
    let plain = connect(&server, &pem, &[]).await.unwrap();
    assert!(get(plain).await.ends_with("tls true"));
    let both = connect(&server, &pem, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let old = connect(&server, &pem, &[b"http/1.1"]).await.unwrap();
    assert!(get(old).await.ends_with("tls true"));
}

#[tokio::test]
async fn a_stalled_handshake_is_cut_and_blocks_nobody() {
    let (files, pem) = Files::new();
    let server = server(&Tls::load(&files.cert, &files.key).unwrap());
    let mut stalled = server.connect().await;
    // The beginning of a ClientHello.
    stalled
        .0
        .write_all(&[0x16, 0x03, 0x01, 0x02])
        .await
        .unwrap();
    let stream = connect(&server, &pem, &[]).await.unwrap();
    assert!(get(stream).await.ends_with("tls true"));
    assert_eq!(stalled.rest().await, "");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_while_running() {
    let (files, old) = Files::new();
    let tls = Tls::load(&files.cert, &files.key).unwrap();
    let server = server(&tls);
    let stop = CancellationToken::new();
    let watch = tokio::spawn(Arc::clone(&tls).watch(Duration::from_millis(10), stop.clone()));
    connect(&server, &old, &[]).await.unwrap();

    let new = write_pair(&files.cert, &files.key);
    within(async {
        while connect(&server, &new, &[]).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(connect(&server, &old, &[]).await.is_err());

    // One that is broken is not.
    std::fs::write(&files.cert, "broken").unwrap();
    assert!(tls.reload().is_err());
    connect(&server, &new, &[]).await.unwrap();
    stop.cancel();
    within(watch).await.unwrap();
}
