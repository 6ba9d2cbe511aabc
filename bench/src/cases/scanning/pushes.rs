//! Pushes while what is pushed is scanned, beside the same pushes without; and a second scan of
//! an image that is known.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::http::{Connection, request};
use crate::image::{Image, Maker, push};
use crate::report::{Report, Row, Target};
use crate::servers::Server;
use crate::site::{Engine, Site};
use crate::stats::{median, ratios};
use crate::workspace::{Workspace, settle_disk};

const ROUNDS: usize = 5;
const CLIENTS: usize = 4;
const IMAGES: usize = 60;
const SIZE: usize = 1024 * 1024;
const AGAIN: usize = 20;
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::make(workspace, &Engine::Sqlite, "scanned-pushes")?;
    let server = site.serve(workspace)?;
    let mut connection = Connection::open(server.port, 64 * 1024).await?;
    let mut maker = Maker::new();
    // Logs in, which is not what is measured.
    push(
        &mut connection,
        &server,
        "library/app",
        "first",
        &maker.image(4096),
    )
    .await?;
    let mut rates = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        for (nr, is_scanned) in [false, true].into_iter().enumerate() {
            let setting = json!({"metadata": {"auto_scan": is_scanned.to_string()}});
            let project = "/api/v2.0/projects/library";
            server
                .send(&mut connection, "PUT", project, &setting, 200)
                .await?;
            let images: Vec<Vec<Image>> = (0..CLIENTS)
                .map(|_| (0..IMAGES).map(|_| maker.image(SIZE)).collect())
                .collect();
            settle_disk()?;
            let begun = Instant::now();
            push_all(&server, &images, &format!("r{round}-{nr}")).await?;
            rates[nr].push((CLIENTS * IMAGES) as f64 / begun.elapsed().as_secs_f64());
            // What was pushed is scanned before the next round is measured.
            idle(&site).await?;
        }
    }
    let [without, with] = rates;
    report.add(Row {
        measure: format!("images of 1 MiB pushed a second, {CLIENTS} clients, each scanned"),
        berth: format!("{:.0}", median(&with)),
        peer: format!("not scanned {:.0}", median(&without)),
        value: median(&ratios(&with, &without)),
        target: Target::AtLeast(0.95),
    });
    let mut took = Vec::with_capacity(AGAIN);
    for _ in 0..AGAIN {
        took.push(scan_again(&mut connection, &server).await?);
    }
    report.add(Row {
        measure: "scan of an image that was scanned, from the request to its end, ms".to_owned(),
        berth: format!("{:.1}", median(&took)),
        peer: String::new(),
        value: median(&took),
        target: Target::AtMost(10.0),
    });
    Ok(())
}

async fn push_all(server: &Server, images: &[Vec<Image>], tag: &str) -> anyhow::Result<()> {
    let clients = images.iter().enumerate().map(|(nr, images)| async move {
        let repository = format!("library/scanned-{nr}");
        let mut connection = Connection::open(server.port, 0).await?;
        for (image_nr, image) in images.iter().enumerate() {
            let tag = format!("{tag}-{image_nr}");
            push(&mut connection, server, &repository, &tag, image).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(clients).await?;
    Ok(())
}

/// Waits until no event and no scan is left.
async fn idle(site: &Site) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let left = site
            .count(
                "SELECT (SELECT COUNT(*) FROM event) + (SELECT COUNT(*) FROM image_scan \
                 WHERE status IN ('Pending', 'Running'))",
            )
            .await?;
        if left == 0 {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "{left} scans are left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Milliseconds from the request to a report that is newer than it.
async fn scan_again(connection: &mut Connection, server: &Server) -> anyhow::Result<f64> {
    const IMAGE: &str = "/api/v2.0/projects/library/repositories/app/artifacts/first";
    let begun = Instant::now();
    let scan = format!("{IMAGE}/scan");
    server
        .send(connection, "POST", &scan, &json!({}), 202)
        .await?;
    loop {
        let path = format!("{IMAGE}?with_scan_overview=true");
        let head = request("GET", &path, &[server.authorization()]);
        let answer = connection.call(&head, &[], false).await?.expect(200)?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let overview = answer["scan_overview"]
            .as_object()
            .and_then(|all| all.values().next())
            .context("no overview")?;
        match overview["scan_status"].as_str() {
            Some("Success") => return Ok(begun.elapsed().as_secs_f64() * 1000.0),
            Some("Pending" | "Running" | "Scheduled") => {}
            other => anyhow::bail!("the scan ended with {other:?}"),
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "the scan does not end");
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}
