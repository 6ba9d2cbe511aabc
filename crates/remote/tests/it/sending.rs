//! Where the client goes, what it takes along, and how much it puts up with.

use std::net::SocketAddr;
use std::time::Duration;

use berth_remote::{Allowed, Egress, EgressError, EgressOptions, Sending};
use http::{HeaderValue, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server that gives each connection this answer, and tells what it was asked.
async fn server(answer: String) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut buffer).await {
                    Ok(read) if read > 0 => seen.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            let _ = asked.send(String::from_utf8_lossy(&seen).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, requests)
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn moved(status: u16, to: &str) -> String {
    format!(
        "HTTP/1.1 {status} Moved\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
    )
}

fn egress(allowed: &[&str]) -> Egress {
    let allowed = Allowed::parse(allowed).unwrap();
    Egress::new(EgressOptions {
        allowed,
        ..EgressOptions::default()
    })
    .unwrap()
}

fn get(address: impl Into<String>) -> Sending {
    Sending::new(Method::GET, address)
}

#[tokio::test]
async fn whatever_leads_to_this_machine_is_refused() {
    let (address, mut requests) = server(ok("secret")).await;
    let port = address.port();
    let egress = egress(&[]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "0.0.0.0",
        "0",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[::127.0.0.1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
    ] {
        let sent = egress.send(get(format!("http://{host}:{port}/"))).await;
        let told = sent.unwrap_err();
        assert!(
            matches!(
                told,
                EgressError::Forbidden { .. } | EgressError::Unresolved(..)
            ),
            "{host}: {told}"
        );
    }
    for address in [
        "file:///etc/passwd",
        "gopher://x/",
        "http://",
        "/relative",
        "http://a:b@example.com/",
        "unix:/run/x",
        "https://[fe80::1%25eth0]/",
    ] {
        let told = egress.send(get(address)).await.unwrap_err();
        assert!(
            matches!(told, EgressError::Address { .. }),
            "{address}: {told}"
        );
        assert!(!told.to_string().contains("a:b"), "{told}");
    }
    assert!(requests.try_recv().is_err(), "nothing was ever called");
}

#[tokio::test]
async fn what_is_allowed_is_called_by_address_and_by_name() {
    let (address, _requests) = server(ok("here")).await;
    let port = address.port();
    let by_network = egress(&["127.0.0.0/8"]);
    let by_name = egress(&["localhost"]);
    for (egress, host) in [
        (&by_network, "127.0.0.1"),
        (&by_network, "localhost"),
        (&by_name, "localhost"),
    ] {
        let got = egress
            .send(get(format!("http://{host}:{port}/")))
            .await
            .unwrap();
        assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"here"[..]));
    }
    let told = by_name.send(get(format!("http://127.0.0.1:{port}/"))).await;
    assert!(matches!(told.unwrap_err(), EgressError::Forbidden { .. }));
}

#[tokio::test]
async fn a_redirect_is_judged_like_an_address() {
    let (inside, mut requests) = server(ok("secret")).await;
    let allowed = egress(&["localhost"]);
    for target in [
        format!("http://127.0.0.1:{}/", inside.port()),
        "file:///etc/passwd".to_owned(),
    ] {
        let (outside, _seen) = server(moved(307, &target)).await;
        let sent = allowed
            .send(get(format!("http://localhost:{}/", outside.port())))
            .await;
        let told = sent.unwrap_err();
        assert!(told.is_final(), "{told}");
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn redirects_end_and_take_no_credentials_to_another_host() {
    let egress = egress(&["127.0.0.0/8"]);
    let (last, mut requests) = server(ok("done")).await;
    let (first, mut before) =
        server(moved(308, &format!("http://localhost:{}/x", last.port()))).await;
    let mut sending = Sending::new(Method::POST, format!("http://127.0.0.1:{}/", first.port()));
    let headers = &mut sending.headers;
    headers.insert("authorization", HeaderValue::from_static("Bearer abc"));
    headers.insert("x-plain", HeaderValue::from_static("plain"));
    let mut own = HeaderValue::from_static("own secret");
    own.set_sensitive(true);
    headers.insert("x-own", own);
    sending.body = "hello".into();
    let got = egress.send(sending).await.unwrap();
    assert_eq!(&got.body[..], b"done");
    let asked = before.recv().await.unwrap();
    assert!(
        asked.contains("Bearer abc") && asked.contains("own secret"),
        "{asked}"
    );
    let asked = requests.recv().await.unwrap();
    assert!(
        asked.starts_with("POST /x") && asked.contains("plain"),
        "{asked}"
    );
    assert!(
        !asked.contains("abc") && !asked.contains("own secret"),
        "{asked}"
    );

    let (round, _seen) = server(moved(307, "/again")).await;
    let told = egress
        .send(get(format!("http://{round}/")))
        .await
        .unwrap_err();
    assert!(matches!(told, EgressError::Redirects(4)), "{told}");
    // A redirect that would turn a POST into a GET is given back as it is.
    let (seen_other, _seen) = server(moved(302, "/")).await;
    let sending = Sending::new(Method::POST, format!("http://{seen_other}/"));
    assert_eq!(egress.send(sending).await.unwrap().status.as_u16(), 302);
}

#[tokio::test]
async fn answers_that_are_too_large_or_too_slow_are_given_up() {
    let egress = egress(&["127.0.0.0/8"]);
    let (announced, _seen) = server(ok(&"x".repeat(2000))).await;
    let endless = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}",
        "x".repeat(2000)
    );
    let (unannounced, _seen) = server(endless).await;
    for address in [announced, unannounced] {
        let mut sending = get(format!("http://{address}/"));
        sending.most = 1999;
        let told = egress.send(sending).await.unwrap_err();
        assert!(matches!(told, EgressError::TooLarge(1999)), "{told}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sending = get(format!("http://{}/", silent.local_addr().unwrap()));
    sending.time_out = Duration::from_millis(100);
    let told = egress.send(sending).await.unwrap_err();
    assert!(
        matches!(told, EgressError::TimedOut(_)) && !told.is_final(),
        "{told}"
    );
}
