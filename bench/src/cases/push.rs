//! Pushes of images of 1 MiB by four clients, each step acknowledged.

use std::time::Instant;

use futures_util::future::join_all;

use crate::http::Connection;
use crate::image::{Image, Maker, push};
use crate::report::{Report, Row, Target};
use crate::servers::{BerthOptions, Server};
use crate::stats::{median, percentile, ratios};
use crate::workspace::{Workspace, settle_disk};

const ROUNDS: usize = 5;
const CLIENTS: usize = 4;
/// Images that each client pushes in a round.
const IMAGES: usize = 60;
const SIZE: usize = 1024 * 1024;

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let data = workspace.folder("push-berth")?;
    let options = BerthOptions {
        data: &data,
        scopes: &[
            "repository:library/push-0:pull,push",
            "repository:library/push-1:pull,push",
            "repository:library/push-2:pull,push",
            "repository:library/push-3:pull,push",
        ],
    };
    let berth = Server::berth_with_token(workspace, &options).await?;
    let distribution = Server::distribution(&workspace.folder("push-distribution")?)?;
    let mut maker = Maker::new();
    let (mut rates, mut waits) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for round in 0..ROUNDS {
        let images: Vec<Vec<Image>> = (0..CLIENTS)
            .map(|_| (0..IMAGES).map(|_| maker.image(SIZE)).collect())
            .collect();
        for (nr, server) in [&berth, &distribution].into_iter().enumerate() {
            // What the other server left for the kernel to write later is not this one's to wait for.
            settle_disk()?;
            let begun = Instant::now();
            let took = push_all(server, &images, round).await?;
            let seconds = begun.elapsed().as_secs_f64();
            rates[nr].push((CLIENTS * IMAGES) as f64 / seconds);
            waits[nr].extend(took);
        }
    }
    let [ours, theirs] = rates;
    report.add(Row {
        measure: format!("images of 1 MiB pushed a second, {CLIENTS} clients"),
        berth: format!("{:.0}", median(&ours)),
        peer: format!("docker-registry {:.0}", median(&theirs)),
        value: median(&ratios(&ours, &theirs)),
        target: Target::AtLeast(3.0),
    });
    let [ours, theirs] = waits;
    report.add(Row {
        measure: "time of one such push, median (p99), ms".to_owned(),
        berth: times(&ours),
        peer: format!("docker-registry {}", times(&theirs)),
        value: median(&ours) / median(&theirs),
        target: Target::None,
    });
    Ok(())
}

fn times(waits: &[f64]) -> String {
    format!("{:.1} ({:.1})", median(waits), percentile(waits, 99.0))
}

/// Each client pushes its images one after the other into a repository of its own. Gives the
/// milliseconds that each took.
async fn push_all(
    server: &Server,
    images: &[Vec<Image>],
    round: usize,
) -> anyhow::Result<Vec<f64>> {
    let clients = images.iter().enumerate().map(|(nr, images)| async move {
        let repository = format!("library/push-{nr}");
        let mut connection = Connection::open(server.port, 0).await?;
        let mut took = Vec::with_capacity(images.len());
        for (image_nr, image) in images.iter().enumerate() {
            let begun = Instant::now();
            let tag = format!("r{round}-{image_nr}");
            push(&mut connection, server, &repository, &tag, image).await?;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        anyhow::Ok(took)
    });
    let mut took = Vec::new();
    for client in join_all(clients).await {
        took.extend(client?);
    }
    Ok(took)
}
