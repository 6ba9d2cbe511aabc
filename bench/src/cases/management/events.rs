//! Events from the outbox to a webhook's receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use berth_model::{ArtifactEvent, Happening};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::http::Connection;
use crate::report::{Report, Row, Target};
use crate::site::{Engine, Site};
use crate::workspace::Workspace;

const EVENTS: usize = 5_000;
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) async fn run(
    workspace: &Workspace,
    engine: &Engine,
    report: &mut Report,
) -> anyhow::Result<()> {
    let site = Site::make(workspace, engine, "events")?;
    let receiver = Receiver::start().await?;
    let server = site.serve(workspace)?;
    let mut connection = Connection::open(server.port, 0).await?;
    let policy = json!({
        "name": "bench",
        "enabled": true,
        "event_types": ["PUSH_ARTIFACT"],
        "targets": [{"type": "http", "address": format!("http://127.0.0.1:{}/", receiver.port)}],
    });
    let policies = "/api/v2.0/projects/library/webhook/policies";
    server
        .send(&mut connection, "POST", policies, &policy, 201)
        .await?;
    drop((connection, server));
    let what = Happening::PushArtifact(ArtifactEvent {
        repository: "library/app".to_owned(),
        digest: format!("sha256:{}", "0".repeat(64)),
        tags: vec!["v1".to_owned()],
    });
    let what = serde_json::to_string(&what)?;
    site.seed(vec![format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {EVENTS}) \
         INSERT INTO event (project_id, at, operator, what) \
         SELECT (SELECT id FROM project WHERE name = 'library'), i, 'admin', '{what}' FROM n"
    )])
    .await?;

    let server = site.serve(workspace)?;
    let begun = Instant::now();
    let handed = handed_on(&site, begun).await?;
    tokio::time::timeout(PATIENCE, receiver.wait_for(EVENTS)).await?;
    let delivered = EVENTS as f64 / begun.elapsed().as_secs_f64();
    drop(server);
    report.add(Row {
        measure: format!("events a second out of the outbox, {}", engine.name()),
        berth: format!("{handed:.0}"),
        peer: String::new(),
        value: handed,
        target: Target::AtLeast(1_000.0),
    });
    report.add(Row {
        measure: format!(
            "the same, to the receiver, kept in the log, {}",
            engine.name()
        ),
        berth: format!("{delivered:.0}"),
        peer: String::new(),
        value: delivered,
        target: Target::None,
    });
    Ok(())
}

/// Events that leave the outbox in a second.
async fn handed_on(site: &Site, begun: Instant) -> anyhow::Result<f64> {
    loop {
        let left = site.count("SELECT COUNT(*) FROM event").await?;
        if left == 0 {
            return Ok(EVENTS as f64 / begun.elapsed().as_secs_f64());
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "{left} events are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Takes everything and counts it.
struct Receiver {
    port: u16,
    count: Arc<AtomicUsize>,
    came: Arc<Notify>,
}

impl Receiver {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (count, came) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, told) = (count.clone(), came.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (count, came) = (counted.clone(), told.clone());
                tokio::spawn(async move { take(stream, &count, &came).await });
            }
        });
        Ok(Self { port, count, came })
    }

    async fn wait_for(&self, wanted: usize) {
        loop {
            let came = self.came.notified();
            if self.count.load(Ordering::SeqCst) >= wanted {
                return;
            }
            came.await;
        }
    }
}

/// Answers each request of a connection; gives up at the first that it does not understand.
async fn take(mut stream: TcpStream, count: &AtomicUsize, came: &Notify) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            (stream.read_buf(&mut buffer).await.ok()? > 0).then_some(())?;
        };
        let head = std::str::from_utf8(&buffer[..end]).ok()?;
        let length: usize = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())?;
        while buffer.len() < end + length {
            (stream.read_buf(&mut buffer).await.ok()? > 0).then_some(())?;
        }
        buffer.drain(..end + length);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await
            .ok()?;
        count.fetch_add(1, Ordering::SeqCst);
        came.notify_one();
    }
}
