//! The most memory Berth ever holds while 64 clients send or fetch 100 MiB each.

use futures_util::future::join_all;

use crate::http::Connection;
use crate::image::{Blob, Maker, get, upload};
use crate::report::{Report, Row, Target};
use crate::servers::{BerthOptions, Server};
use crate::workspace::Workspace;

const TRANSFERS: usize = 64;
const SIZE: usize = 100 * 1024 * 1024;
const BUFFER: usize = 64 * 1024;
const REPOSITORY: &str = "library/bench";

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    for up in [TRANSFERS / 2, 0, TRANSFERS] {
        let peak = peak(workspace, up).await?;
        let down = TRANSFERS - up;
        report.add(Row {
            measure: format!("peak memory, {up} up and {down} down of 100 MiB, MiB"),
            berth: format!("{peak:.0}"),
            peer: String::new(),
            value: peak,
            target: Target::AtMost(80.0),
        });
    }
    Ok(())
}

/// The peak of a server that has done this and nothing else.
async fn peak(workspace: &Workspace, up: usize) -> anyhow::Result<f64> {
    let mut maker = Maker::new();
    let data = workspace.folder("memory")?;
    let options = BerthOptions {
        data: &data,
        scopes: &["repository:library/bench:pull,push"],
    };
    let server = Server::berth_with_token(workspace, &options).await?;
    let held = maker.blob(SIZE);
    let mut connection = Connection::open(server.port, 0).await?;
    upload(&mut connection, &server, REPOSITORY, &held).await?;
    let path = format!("/v2/{REPOSITORY}/blobs/{}", held.digest);
    let new: Vec<Blob> = (0..up).map(|_| maker.blob(SIZE)).collect();
    let sent = new.iter().map(async |blob| {
        let mut connection = Connection::open(server.port, 0).await?;
        upload(&mut connection, &server, REPOSITORY, blob).await
    });
    let fetched = (up..TRANSFERS).map(async |_| {
        let mut connection = Connection::open(server.port, BUFFER).await?;
        let bytes = connection.fetch(&get(&server, &path)).await?;
        anyhow::ensure!(bytes == SIZE as u64, "the blob came short");
        Ok(())
    });
    let (sent, fetched) = tokio::join!(join_all(sent), join_all(fetched));
    sent.into_iter()
        .chain(fetched)
        .collect::<anyhow::Result<()>>()?;
    Ok(server.process.peak_mib())
}
