//! 200 clients that push images with tags of their own into one repository.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::image::{Image, Maker, push};
use crate::report::{Report, Row, Target};
use crate::site::{Engine, Site};
use crate::stats::{median, percentile};
use crate::workspace::Workspace;

const CLIENTS: usize = 200;
/// Images each client has to push; more than it can in the time.
const IMAGES: usize = 100;
const TIME: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    workspace: &Workspace,
    engine: &Engine,
    report: &mut Report,
) -> anyhow::Result<()> {
    let site = Site::make(workspace, engine, "crowd")?;
    let server = Arc::new(site.serve(workspace)?);
    let mut first = Connection::open(server.port, 0).await?;
    let mut maker = Maker::new();
    // Logs in, which is not what is measured.
    push(
        &mut first,
        &server,
        "library/crowd",
        "first",
        &maker.image(4096),
    )
    .await?;
    let barrier = Arc::new(Barrier::new(CLIENTS));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let images: Vec<Image> = (0..IMAGES).map(|_| maker.image(4096)).collect();
        let (server, barrier) = (server.clone(), barrier.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(server.port, 0).await?;
            barrier.wait().await;
            let begun = Instant::now();
            let mut took = Vec::new();
            for (nr, image) in images.iter().enumerate() {
                let one = Instant::now();
                let tag = format!("c{client}-{nr}");
                push(&mut connection, &server, "library/crowd", &tag, image).await?;
                took.push(one.elapsed().as_secs_f64() * 1000.0);
                if begun.elapsed() > TIME {
                    break;
                }
            }
            anyhow::Ok((took, begun.elapsed().as_secs_f64()))
        });
    }
    let (mut took, mut seconds) = (Vec::new(), 0.0_f64);
    while let Some(done) = clients.join_next().await {
        let (some, whole) = done??;
        took.extend(some);
        seconds = seconds.max(whole);
    }
    let rate = took.len() as f64 / seconds;
    report.add(Row {
        measure: format!(
            "images pushed a second into one repository, {CLIENTS} clients, {}",
            engine.name()
        ),
        berth: format!(
            "{rate:.0} (each {:.0} ms, p99 {:.0} ms)",
            median(&took),
            percentile(&took, 99.0)
        ),
        peer: String::new(),
        value: rate,
        target: Target::AtLeast(100.0),
    });
    Ok(())
}
