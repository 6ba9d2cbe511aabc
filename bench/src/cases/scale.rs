//! A registry of 100 000 repositories, one of which has 100 000 tags: lists, start and pushes.

use std::path::Path;
use std::time::Instant;

use berth_db::{DatabaseUrl, Db, DbError, args};

use crate::http::{Connection, request};
use crate::image::{Image, Maker, get, push, put_manifest};
use crate::report::{Report, Row, Target};
use crate::servers::{BerthOptions, Server};
use crate::stats::{median, percentile, ratios};
use crate::workspace::Workspace;

const MANY: usize = 100_000;
const PAGES: usize = 1_000;
const STARTS: usize = 5;
const PUSHES: usize = 300;
const FULL: &str = "library/full";
const EMPTY: &str = "library/empty";

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let data = workspace.folder("scale")?;
    let options = BerthOptions {
        data: &data,
        scopes: &[
            "registry:catalog:*",
            "repository:library/full:pull,push",
            "repository:library/empty:pull,push",
        ],
    };
    let image = Maker::new().image(4096);
    let berth = Server::berth_with_token(workspace, &options).await?;
    let mut connection = Connection::open(berth.port, 0).await?;
    push(&mut connection, &berth, FULL, "latest", &image).await?;
    drop(berth);
    seed(&data).await?;

    let mut starts = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        starts.push(start(workspace, &data).await?);
    }
    report.add(Row {
        measure: format!("start with {MANY} repositories to first answer, s"),
        berth: format!("{:.3}", median(&starts)),
        peer: String::new(),
        value: median(&starts),
        target: Target::AtMost(1.0),
    });

    let berth = Server::berth_with_token(workspace, &options).await?;
    let mut connection = Connection::open(berth.port, 64 * 1024).await?;
    let tags = |nr| format!("/v2/{FULL}/tags/list?n=100&last=t{nr:06}");
    let catalog = |nr| format!("/v2/_catalog?n=100&last=library/r{nr:06}");
    for (what, path) in [
        ("tags", &tags as &dyn Fn(usize) -> String),
        ("repositories", &catalog),
    ] {
        let took = pages(&mut connection, &berth, path).await?;
        let (middle, slow) = (median(&took), percentile(&took, 99.0));
        report.add(Row {
            measure: format!("page of 100 of {MANY} {what}, p99, ms"),
            berth: format!("{slow:.2} (median {middle:.2})"),
            peer: String::new(),
            value: slow,
            target: Target::AtMost(5.0),
        });
    }
    let (full, empty) = push_tags(&mut connection, &berth, &image).await?;
    report.add(Row {
        measure: format!("tag pushed into a repository of {MANY} tags, ms"),
        berth: format!("{:.2}", median(&full)),
        peer: format!("an empty one {:.2}", median(&empty)),
        value: median(&ratios(&full, &empty)),
        target: Target::Within(0.2),
    });
    Ok(())
}

/// Writes the rows that 100 000 pushes would have left.
async fn seed(data: &Path) -> anyhow::Result<()> {
    let url = DatabaseUrl::Sqlite(data.join("berth.db"));
    let db = Db::connect(&url, 2).await?;
    db.write::<_, DbError, _>(|tx| {
        Box::pin(async move {
            let (repository, manifest, digest): (i64, i64, String) = tx
                .one(
                    "SELECT r.id, m.id, m.digest FROM repository r \
                     JOIN manifest m ON m.repository_id = r.id WHERE r.name = $1",
                    args![FULL],
                )
                .await?;
            let many = MANY as i64;
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO repository (project_id, name, created_at, updated_at) \
                 SELECT (SELECT id FROM project WHERE name = 'library'), \
                        printf('library/r%06d', i), i, i FROM n",
                args![many],
            )
            .await?;
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO tag (repository_id, name, manifest_id, pushed_by, pushed_at) \
                 SELECT $2, printf('t%06d', i), $3, 'admin', i FROM n",
                args![many, repository, manifest],
            )
            .await?;
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO tag_history (repository_id, name, digest, from_at, from_by) \
                 SELECT $2, printf('t%06d', i), $3, i, 'admin' FROM n",
                args![many, repository, digest],
            )
            .await?;
            Ok(())
        })
    })
    .await?;
    db.close().await;
    Ok(())
}

/// Seconds from starting the process to the first answer that needs the database.
async fn start(workspace: &Workspace, data: &Path) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let server = Server::berth(workspace, data)?;
    let mut connection = Connection::open(server.port, 0).await?;
    connection.fetch(&request("GET", "/readyz", &[])).await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Milliseconds that each page took, from all over the list.
async fn pages(
    connection: &mut Connection,
    server: &Server,
    path: &dyn Fn(usize) -> String,
) -> anyhow::Result<Vec<f64>> {
    let mut took = Vec::with_capacity(PAGES);
    for nr in 0..PAGES {
        // Steps of a prime visit the list in no order, without a page twice.
        let head = get(server, &path(nr * 7_919 % (MANY - 100)));
        let begun = Instant::now();
        let answer = connection.call(&head, &[], false).await?.expect(200)?;
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
        let listed = answer.body.split(|&byte| byte == b',').count();
        anyhow::ensure!(listed >= 100, "the page has {listed} names");
    }
    Ok(took)
}

/// Milliseconds that a new tag takes in the full repository and in the empty one, in turn.
async fn push_tags(
    connection: &mut Connection,
    server: &Server,
    image: &Image,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let first = Maker::new().image(8 * 32 * 1024);
    push(connection, server, EMPTY, "first", &first).await?;
    let (mut full, mut empty) = (Vec::new(), Vec::new());
    for nr in 0..PUSHES {
        let tag = format!("new-{nr}");
        for (repository, manifest, took) in [
            (FULL, &image.manifest, &mut full),
            (EMPTY, &first.manifest, &mut empty),
        ] {
            let begun = Instant::now();
            put_manifest(connection, server, repository, &tag, manifest).await?;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok((full, empty))
}
