//! A day's change of a feed over 100 000 scanned images, and questions across all of them.

use std::time::Instant;

use anyhow::Context;
use serde_json::Value;

use super::fleet::{self, COMMON_CVE, Revision};
use crate::http::{Connection, request};
use crate::report::{Report, Row, Target};
use crate::servers::Server;
use crate::site::{Engine, Site};
use crate::stats::{median, percentile};
use crate::workspace::Workspace;

const ROUNDS: usize = 3;
const ASKED: usize = 100;

pub(crate) async fn run(
    workspace: &Workspace,
    engine: &Engine,
    report: &mut Report,
) -> anyhow::Result<()> {
    let images = fleet::size();
    let site = Site::make(workspace, engine, "rematch")?;
    // Makes the schema.
    drop(site.serve(workspace)?);
    site.seed(fleet::rows(engine, images)).await?;

    let server = site.serve(workspace)?;
    let mut connection = Connection::open(server.port, 64 * 1024).await?;
    let [before, after] = &[Revision::Before, Revision::After].map(fleet::feed);
    let first = import(&mut connection, &server, before).await?;
    anyhow::ensure!(first.images > 0, "the feed speaks of no image");
    // The engines know of the tables as they would after a day.
    site.seed(vec!["ANALYZE".to_owned()]).await?;
    report.add(Row {
        measure: format!(
            "first import of a feed, {images} images of 40 packages, {}, s",
            engine.name()
        ),
        berth: format!("{:.2}", first.seconds),
        peer: format!(
            "{} packages differ, matched again in {:.2}",
            first.packages, first.rematch
        ),
        value: first.seconds,
        target: Target::None,
    });
    let (mut whole, mut rematch, mut told) = (Vec::new(), Vec::new(), None);
    for _ in 0..ROUNDS {
        let day = import(&mut connection, &server, after).await?;
        anyhow::ensure!(day.images > 0, "the day changed no image");
        whole.push(day.seconds);
        rematch.push(day.rematch);
        told = Some(day);
        by_cve(
            &mut connection,
            &server,
            report,
            engine,
            images,
            whole.len() == ROUNDS,
        )
        .await?;
        import(&mut connection, &server, before).await?;
    }
    let told = told.context("no rounds")?;
    report.add(Row {
        measure: format!(
            "match again after a day of a feed ({}; {} packages and {} of {images} images \
             change), {}, s",
            fleet::day(),
            told.packages,
            told.images,
            engine.name()
        ),
        berth: format!("{:.2}", median(&rematch)),
        peer: format!("whole import {:.2}", median(&whole)),
        value: median(&rematch),
        target: Target::AtMost(1.0),
    });
    Ok(())
}

/// What an import said, and how long it took.
struct Import {
    packages: i64,
    images: i64,
    seconds: f64,
    /// What of that was matching again, in seconds, as the server says.
    rematch: f64,
}

async fn import(
    connection: &mut Connection,
    server: &Server,
    feed: &[u8],
) -> anyhow::Result<Import> {
    let length = feed.len().to_string();
    let headers = [
        server.authorization(),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", &length),
    ];
    let head = request("PUT", "/api/v2.0/advisories/feeds/debian/content", &headers);
    let begun = Instant::now();
    let answer = connection.call(&head, &[feed], false).await?.expect(200)?;
    let seconds = begun.elapsed().as_secs_f64();
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let number = |name: &str| answer[name].as_i64().with_context(|| format!("no {name}"));
    Ok(Import {
        packages: number("packages")?,
        images: number("images")?,
        seconds,
        rematch: number("rematch_milliseconds")? as f64 / 1000.0,
    })
}

/// Asks, once the newest feed is in, which images have a vulnerability and how all stand.
async fn by_cve(
    connection: &mut Connection,
    server: &Server,
    report: &mut Report,
    engine: &Engine,
    images: usize,
    is_told: bool,
) -> anyhow::Result<()> {
    if !is_told {
        return Ok(());
    }
    let of_one =
        format!("/api/v2.0/security/vul?page_size=100&tune_count=true&q=cve_id%3D{COMMON_CVE}");
    let summary = "/api/v2.0/security/summary?with_dangerous_cve=true&with_dangerous_artifact=true";
    for (what, path, target) in [
        (
            "which images have a vulnerability, 100 of them",
            &*of_one,
            50.0,
        ),
        ("summary of the security hub", summary, 1_000.0),
    ] {
        let mut took = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let head = request("GET", path, &[server.authorization()]);
            let begun = Instant::now();
            let answer = connection.call(&head, &[], false).await?.expect(200)?;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
            anyhow::ensure!(answer.body.len() > 100, "the answer is empty");
        }
        report.add(Row {
            measure: format!("{what}, {images} images, {}, p99, ms", engine.name()),
            berth: format!(
                "{:.1} (median {:.1})",
                percentile(&took, 99.0),
                median(&took)
            ),
            peer: String::new(),
            value: percentile(&took, 99.0),
            target: Target::AtMost(target),
        });
    }
    Ok(())
}
