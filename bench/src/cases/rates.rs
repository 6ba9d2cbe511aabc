//! Small answers: a manifest by its tag, and a blob of 4 KiB.

use std::time::Duration;

use crate::http::Connection;
use crate::image::{Image, Maker, get, push};
use crate::load::{self, Sample};
use crate::report::{Report, Row, Target};
use crate::servers::{BerthOptions, Files, Server};
use crate::stats::{median, ratios};
use crate::workspace::Workspace;

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 16;
const BUFFER: usize = 64 * 1024;
const REPOSITORY: &str = "library/bench";
const TAG: &str = "v1";

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let mut maker = Maker::new();
    let image = Image::of(vec![maker.blob(4096)]);
    let data = workspace.folder("rates-berth")?;
    let options = BerthOptions {
        data: &data,
        scopes: &["repository:library/bench:pull,push"],
    };
    let berth = Server::berth_with_token(workspace, &options).await?;
    let distribution = Server::distribution(&workspace.folder("rates-distribution")?)?;
    let place = workspace.folder("rates-nginx")?;
    let files = Files::new(&place)?;
    files.manifest(REPOSITORY, TAG, &image.manifest)?;
    files.blob(REPOSITORY, &image.layers[0])?;
    let nginx = Server::nginx(&place, &files, true)?;
    for server in [&berth, &distribution] {
        let mut connection = Connection::open(server.port, 0).await?;
        push(&mut connection, server, REPOSITORY, TAG, &image).await?;
    }

    let manifest = format!("/v2/{REPOSITORY}/manifests/{TAG}");
    let blob = format!("/v2/{REPOSITORY}/blobs/{}", image.layers[0].digest);
    let servers = [&berth, &nginx, &distribution];
    let size = image.manifest.len();
    let rates = measure(&servers, &manifest).await?;
    let what = format!("manifest of {size} B by tag, GET/s, {CONNECTIONS} connections");
    report.add(row(
        &what,
        "nginx",
        &rates[0],
        &rates[1],
        Target::AtLeast(0.7),
    ));
    let other = "docker-registry";
    report.add(row(
        &what,
        other,
        &rates[0],
        &rates[2],
        Target::AtLeast(8.0),
    ));
    let rates = measure(&servers, &blob).await?;
    let what = format!("blob of 4 KiB, GET/s, {CONNECTIONS} connections");
    report.add(row(
        &what,
        "nginx",
        &rates[0],
        &rates[1],
        Target::AtLeast(0.6),
    ));
    report.add(row(&what, other, &rates[0], &rates[2], Target::None));
    Ok(())
}

/// Requests a second of each server in each round.
async fn measure(servers: &[&Server; 3], path: &str) -> anyhow::Result<[Vec<f64>; 3]> {
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (server, rates) in servers.iter().zip(&mut rates) {
            let head = get(server, path);
            let sample: Sample = load::get(server.port, head, CONNECTIONS, BUFFER, TIME).await?;
            rates.push(sample.rate());
        }
    }
    Ok(rates)
}

fn row(what: &str, peer: &str, ours: &[f64], theirs: &[f64], target: Target) -> Row {
    Row {
        measure: what.to_owned(),
        berth: format!("{:.0}", median(ours)),
        peer: format!("{peer} {:.0}", median(theirs)),
        value: median(&ratios(ours, theirs)),
        target,
    }
}
