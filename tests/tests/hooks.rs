//! Webhooks of a server that is killed: each push that was answered for is told of.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use berth_e2e::{Image, Options, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KILLS: usize = 5;
const PATIENCE: Duration = Duration::from_mins(2);

/// The tags that it was told of.
type Told = Arc<Mutex<BTreeSet<String>>>;

/// Takes webhooks for as long as the test runs; gives its address.
async fn receiver(told: Told) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, told.clone()));
        }
    });
    address
}

/// Reads one request to its end, keeps its tag and answers.
async fn take(mut stream: TcpStream, told: Told) {
    let mut seen = Vec::new();
    let body = loop {
        let mut buffer = [0; 16 * 1024];
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        match body.and_then(|body| serde_json::from_str::<Value>(&body).ok()) {
            Some(body) => break body,
            None if read == 0 => return,
            None => {}
        }
    };
    let tag = &body["event_data"]["resources"][0]["tag"];
    if let Some(tag) = tag.as_str() {
        told.lock().unwrap().insert(tag.to_owned());
    }
    let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let _ = stream.write_all(answer).await;
}

async fn no_event_is_lost(options: Options) {
    let told = Told::default();
    let address = receiver(told.clone()).await;
    let mut server = Server::start(options.env("BERTH_EGRESS__ALLOW", "127.0.0.0/8"));
    let admin = server.admin();
    let policy = json!({
        "name": "ci",
        "enabled": true,
        "event_types": ["PUSH_ARTIFACT"],
        "targets": [{"type": "http", "address": address}],
    });
    let path = "/api/v2.0/projects/library/webhook/policies";
    let made = server.api().post(path, Some(&admin), &policy).await;
    let _ = made.expect(201);
    let mut pushed = BTreeSet::new();
    for round in 0..KILLS {
        let api = server.api();
        for n in 0..8 {
            let tag = format!("{round}-{n}");
            let image = Image::random(1, 100);
            api.push(&admin, "library/app", &tag, &image).await;
            pushed.insert(tag);
        }
        // No time between the last answer and the end.
        server.kill();
        server.restart();
    }
    let began = Instant::now();
    loop {
        let missing: Vec<String> = {
            let told = told.lock().unwrap();
            pushed.difference(&told).cloned().collect()
        };
        if missing.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "never told of {missing:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_tells_of_every_push() {
    no_event_is_lost(Options::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_tells_of_every_push_on_postgresql() {
    let Some(options) = Options::default().postgres() else {
        return;
    };
    no_event_is_lost(options).await;
}
