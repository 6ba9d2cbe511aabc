//! Clients that take more than their share: others are served as if they were not there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{App, both};
use crate::content::{noise, sha256};

const REPOSITORY: &str = "library/limits";

/// What a request of a well-behaved client may take beside the others, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

async fn is_served(app: &App, image: &str) {
    let began = Instant::now();
    app.get(&format!("/v2/{REPOSITORY}/manifests/{image}"))
        .send()
        .await
        .expect(200);
    app.push_blob(REPOSITORY, &noise(1, 10_000)).await;
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

async fn open(app: &App, start: &str) -> TcpStream {
    let mut connection = TcpStream::connect(app.address).await.unwrap();
    connection.write_all(start.as_bytes()).await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_idle_clients_hold_nobody_up() {
    both(async |app| {
        app.push_image(REPOSITORY, "1", "a").await;
        let basic = app.admin.basic();
        let upload = app.begin(REPOSITORY).await;
        let starts = [
            // Nothing at all, a head that does not end, bodies that do not end.
            String::new(),
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
            format!(
                "PATCH {upload} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\n\
                 Content-Length: 1000000\r\n\r\nx"
            ),
            format!(
                "PUT /v2/{REPOSITORY}/manifests/slow HTTP/1.1\r\nHost: x\r\n\
                 Authorization: {basic}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"
            ),
            format!(
                "POST /v2/{REPOSITORY}/blobs/uploads/?digest={} HTTP/1.1\r\nHost: x\r\n\
                 Authorization: {basic}\r\nContent-Length: 1000000\r\n\r\nx",
                sha256(b"x")
            ),
            "POST /api/v2.0/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n{"
                .to_owned(),
            // The beginning of HTTP/2, and no more.
            "PRI * HTTP/2.0\r\n".to_owned(),
        ];
        let mut connections = Vec::new();
        for _ in 0..40 {
            for start in &starts {
                connections.push(open(app, start).await);
            }
        }
        // And some that have had their answer and stay.
        for _ in 0..100 {
            let mut idle = open(app, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
            let mut answer = [0; 12];
            idle.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
            connections.push(idle);
        }
        for _ in 0..10 {
            is_served(app, "1").await;
        }
        drop(connections);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_has_so_many_uploads_and_no_more() {
    both(async |app| {
        let (jane, john) = (app.user("jane").await, app.user("john").await);
        for user in [&jane, &john] {
            app.member("library", user, 2).await;
        }
        let scope = format!("repository:{REPOSITORY}:pull,push");
        let token = app.token(Some(&jane), &[&scope]).await;
        let path = format!("/v2/{REPOSITORY}/blobs/uploads/");
        let begin = || app.post(&path).bearer(&token);
        let mut last = String::new();
        for _ in 0..1_000 {
            let begun = begin().send().await.expect(202);
            begun.need("location").clone_into(&mut last);
        }
        let refused = begin().send().await;
        assert!(refused.header("retry-after").is_some());
        refused.refused(429, "TOOMANYREQUESTS");
        // An upload costs no file before it has bytes, and other people do not notice.
        assert_eq!(app.files("uploads"), []);
        app.post(&path).by(&john).send().await.expect(202);
        // Blobs in one request need none.
        let bytes = noise(2, 100);
        let whole = format!("{path}?digest={}", sha256(&bytes));
        app.post(&whole)
            .bearer(&token)
            .body(bytes)
            .send()
            .await
            .expect(201);
        app.delete(&last).bearer(&token).send().await.expect(204);
        begin().send().await.expect(202);
    })
    .await;
}

/// A gzip file of some kilobytes that unpacks to megabytes: `text`, and spaces where it has `~`.
fn bomb(text: &str) -> Bytes {
    /// Spaces for a `~`: a multiple of the longest repetition, 258 bytes.
    const SPACES: usize = 40_000 * 258;
    let (mut bits, mut plain) = (Bits::default(), Vec::new());
    // One block, the last, of fixed codes.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    for byte in text.bytes() {
        if byte == b'~' {
            bits.code(0x30 + u32::from(b' '), 8);
            plain.resize(plain.len() + 1 + SPACES, b' ');
            for _ in 0..SPACES / 258 {
                // A repetition of 258 bytes, from one byte back.
                bits.code(0b1100_0101, 8);
                bits.code(0, 5);
            }
        } else {
            bits.code(0x30 + u32::from(byte), 8);
            plain.push(byte);
        }
    }
    bits.code(0, 7);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
    packed.extend(bits.finish());
    packed.extend(crc(&plain).to_le_bytes());
    packed.extend((plain.len() as u32).to_le_bytes());
    packed.into()
}

/// Bits as deflate packs them: from the lowest of each byte on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    /// A number, its lowest bit first.
    fn push(&mut self, number: u32, len: usize) {
        for bit in 0..len {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if number >> bit & 1 == 1 {
                self.bytes[self.used / 8] |= 1 << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// A Huffman code, its highest bit first.
    fn code(&mut self, code: u32, len: usize) {
        self.push(code.reverse_bits() >> (32 - len), len);
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| {
            (0..8).fold(byte, |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
        .collect();
    !bytes.iter().fold(!0, |crc, byte| {
        table[(crc as u8 ^ byte) as usize] ^ (crc >> 8)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_bodies_are_bytes() {
    both(async |app| {
        // Unpacked it would be what the API takes, and ten times what it may be.
        let bytes = bomb(r#"{"project_name":"bomb"~}"#);
        assert!(bytes.len() < 100_000, "{}", bytes.len());
        let digest = sha256(&bytes);
        let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={digest}");
        let call = app.post(&path).header("content-encoding", "gzip");
        call.body(bytes.clone()).send().await.expect(201);
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let read = app
            .get(&path)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .expect(200);
        assert_eq!(read.body, bytes);
        assert_eq!(read.header("content-encoding"), None);
        let call = app.put(&format!("/v2/{REPOSITORY}/manifests/bomb"));
        let call = call.header("content-encoding", "gzip").body(bytes.clone());
        call.send().await.refused(400, "MANIFEST_INVALID");
        let call = app
            .post("/api/v2.0/projects")
            .header("content-encoding", "gzip");
        let call = call.header("content-type", "application/json").body(bytes);
        let refused = call.send().await;
        assert!(
            matches!(refused.status, 400 | 415 | 422),
            "{}",
            refused.text()
        );
        let path = "/api/v2.0/projects?project_name=bomb";
        app.head(path).send().await.expect(404);
    })
    .await;
}

/// Sends chunks for as long as the server takes them; gives the bytes sent and its answer.
async fn flood(app: &App, target: &str, method: &str) -> (usize, String) {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        app.admin.basic(),
    );
    let connection = open(app, &head).await;
    let (mut incoming, mut outgoing) = connection.into_split();
    let answered = tokio::spawn(async move {
        let mut answer = vec![0; 1_024];
        let read = incoming.read(&mut answer).await.unwrap_or(0);
        answer.truncate(read);
        String::from_utf8_lossy(&answer).into_owned()
    });
    let mut chunk = b"10000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x10000, b' ');
    chunk.extend_from_slice(b"\r\n");
    let mut sent = 0;
    while sent < 200 * 1024 * 1024 && !answered.is_finished() {
        if outgoing.write_all(&chunk).await.is_err() {
            break;
        }
        sent += 0x10000;
    }
    (sent, answered.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_length_is_read_to_its_limit_only() {
    both(async |app| {
        // Past the limit there are only what the kernel holds on the way.
        let way = 16 * 1024 * 1024;
        for (method, target, limit) in [
            ("PUT", "/v2/library/limits/manifests/flood", 4 * 1024 * 1024),
            ("POST", "/api/v2.0/projects", 1024 * 1024),
            ("POST", "/service/token", 16 * 1024),
        ] {
            let (sent, answer) = flood(app, target, method).await;
            assert!(sent <= limit + way, "{target}: {sent}");
            assert!(answer.starts_with("HTTP/1.1 413"), "{target}: {answer}");
        }
        app.push_image(REPOSITORY, "after", "a").await;
        // Announced in advance, it is refused without being read.
        for length in ["4194305", "18446744073709551615"] {
            let headers = format!("Content-Length: {length}\r\n");
            let target = format!("/v2/{REPOSITORY}/manifests/announced");
            let refused = app.raw_request("PUT", &target, &headers, b"{").await;
            assert!(matches!(refused.status, 413 | 431), "{}", refused.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_has_a_limit() {
    both(async |app| {
        let long = "x".repeat(100_000);
        let headers = format!("X-Long: {long}\r\n");
        let refused = app.raw_request("GET", "/v2/", &headers, b"").await;
        assert_eq!(refused.status, 431);
        let refused = app
            .raw_request("GET", &format!("/v2/{long}"), "", b"")
            .await;
        assert!(matches!(refused.status, 414 | 431), "{}", refused.status);
        app.get("/v2/").send().await.expect(200);
    })
    .await;
}
