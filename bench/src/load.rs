//! Many GETs at once for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::http::Connection;

/// What a load came to.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
}

impl Sample {
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub(crate) fn gib(&self) -> f64 {
        self.bytes as f64 / f64::from(1 << 30)
    }
}

/// Sends `head` over and over on `connections` connections for `time`, one request at a time on
/// each, after one that is not counted.
pub(crate) async fn get(
    port: u16,
    head: Vec<u8>,
    connections: usize,
    buffer: usize,
    time: Duration,
) -> anyhow::Result<Sample> {
    let head = Arc::new(head);
    let ready = Arc::new(Barrier::new(connections));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (head, ready) = (head.clone(), ready.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(port, buffer).await?;
            connection.fetch(&head).await?;
            ready.wait().await;
            let begun = Instant::now();
            let (mut requests, mut bytes) = (0, 0);
            while begun.elapsed() < time {
                bytes += connection.fetch(&head).await?;
                requests += 1;
            }
            let seconds = begun.elapsed().as_secs_f64();
            anyhow::Ok((requests, bytes, seconds))
        });
    }
    let mut total = Sample {
        requests: 0,
        bytes: 0,
        seconds: 0.0,
    };
    while let Some(done) = tasks.join_next().await {
        let (requests, bytes, seconds) = done??;
        total.requests += requests;
        total.bytes += bytes;
        total.seconds = total.seconds.max(seconds);
    }
    Ok(total)
}
