//! A blob of 100 MiB: how fast it goes out, and what that costs.

use std::time::Duration;

use crate::http::Connection;
use crate::image::{Maker, get, upload};
use crate::load;
use crate::report::{Report, Row, Target};
use crate::servers::{BerthOptions, Files, Server};
use crate::stats::{median, ratios};
use crate::workspace::Workspace;

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 4;
const BUFFER: usize = 256 * 1024;
const SIZE: usize = 100 * 1024 * 1024;
const REPOSITORY: &str = "library/bench";

struct Figures {
    gib_per_second: Vec<f64>,
    cpu_per_gib: Vec<f64>,
}

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let blob = Maker::new().blob(SIZE);
    let data = workspace.folder("large-berth")?;
    let options = BerthOptions {
        data: &data,
        scopes: &["repository:library/bench:pull,push"],
    };
    let berth = Server::berth_with_token(workspace, &options).await?;
    let place = workspace.folder("large-files")?;
    let files = Files::new(&place)?;
    files.blob(REPOSITORY, &blob)?;
    let copying = Server::nginx(&workspace.folder("large-copying")?, &files, false)?;
    let sending = Server::nginx(&workspace.folder("large-sending")?, &files, true)?;
    let mut connection = Connection::open(berth.port, 0).await?;
    upload(&mut connection, &berth, REPOSITORY, &blob).await?;
    drop(connection);

    let path = format!("/v2/{REPOSITORY}/blobs/{}", blob.digest);
    let mut figures = [const { Figures::EMPTY }; 3];
    for _ in 0..ROUNDS {
        for (server, figures) in [&berth, &copying, &sending].into_iter().zip(&mut figures) {
            let before = server.process.cpu_seconds();
            let head = get(server, &path);
            let sample = load::get(server.port, head, CONNECTIONS, BUFFER, TIME).await?;
            let used = server.process.cpu_seconds() - before;
            // Each connection's first request is not in the sample, but the server worked for it.
            let warm = (CONNECTIONS * SIZE) as f64 / f64::from(1 << 30);
            figures.gib_per_second.push(sample.gib() / sample.seconds);
            figures.cpu_per_gib.push(used / (sample.gib() + warm));
        }
    }
    let [berth, copying, sending] = figures;
    let what = format!("blob of 100 MiB, GiB/s, {CONNECTIONS} connections");
    let cost = "the same, server's CPU seconds for each GiB".to_owned();
    for (peer, figures, targets) in [
        (
            "nginx without sendfile",
            &copying,
            (Target::AtLeast(1.0), Target::AtMost(1.2)),
        ),
        (
            "nginx with sendfile",
            &sending,
            (Target::None, Target::None),
        ),
    ] {
        let (ours, theirs) = (&berth.gib_per_second, &figures.gib_per_second);
        report.add(row(&what, peer, ours, theirs, targets.0));
        let (ours, theirs) = (&berth.cpu_per_gib, &figures.cpu_per_gib);
        report.add(row(&cost, peer, ours, theirs, targets.1));
    }
    Ok(())
}

impl Figures {
    const EMPTY: Self = Self {
        gib_per_second: Vec::new(),
        cpu_per_gib: Vec::new(),
    };
}

fn row(what: &str, peer: &str, ours: &[f64], theirs: &[f64], target: Target) -> Row {
    Row {
        measure: what.to_owned(),
        berth: format!("{:.2}", median(ours)),
        peer: format!("{peer} {:.2}", median(theirs)),
        value: median(&ratios(ours, theirs)),
        target,
    }
}
