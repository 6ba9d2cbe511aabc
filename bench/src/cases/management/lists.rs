//! Pages of a repository of 50 000 artifacts and of 10 000 projects.

use std::time::Instant;

use serde_json::json;

use crate::http::{Connection, request};
use crate::image::{Maker, push};
use crate::report::{Report, Row, Target};
use crate::servers::Server;
use crate::site::{Engine, Site};
use crate::stats::{median, percentile};
use crate::workspace::Workspace;

const ARTIFACTS: usize = 50_000;
const PROJECTS: usize = 10_000;
const PAGES: usize = 500;
const LABELS: usize = 5;

pub(crate) async fn run(
    workspace: &Workspace,
    engine: &Engine,
    report: &mut Report,
) -> anyhow::Result<()> {
    let site = Site::make(workspace, engine, "lists")?;
    let server = site.serve(workspace)?;
    let mut connection = Connection::open(server.port, 64 * 1024).await?;
    push(
        &mut connection,
        &server,
        "library/app",
        "latest",
        &Maker::new().image(4096),
    )
    .await?;
    for number in 1..=LABELS {
        let label = json!({"name": format!("label{number}"), "scope": "g"});
        server
            .send(&mut connection, "POST", "/api/v2.0/labels", &label, 201)
            .await?;
    }
    drop((connection, server));
    site.seed(rows(engine)).await?;

    let server = site.serve(workspace)?;
    let mut connection = Connection::open(server.port, 64 * 1024).await?;
    let with = "with_tag=true&with_label=true&with_scan_overview=true&with_accessory=true";
    let artifacts = |size: usize, more: &str| {
        let more = more.to_owned();
        move |nr: usize| {
            let page = 1 + nr * 7_919 % (ARTIFACTS / size);
            format!(
                "/api/v2.0/projects/library/repositories/app/artifacts\
                 ?{with}&page_size={size}&page={page}{more}"
            )
        }
    };
    let projects = |nr: usize| {
        let page = 1 + nr * 7_919 % (PROJECTS / 100);
        format!("/api/v2.0/projects?page_size=100&page={page}")
    };
    let (short, long) = (artifacts(15, ""), artifacts(100, ""));
    let of_type = artifacts(100, "&q=type%3DIMAGE");
    let lists: [(String, &dyn Fn(usize) -> String); 4] = [
        (format!("page of 15 of {ARTIFACTS} artifacts"), &short),
        (format!("page of 100 of {ARTIFACTS} artifacts"), &long),
        (
            format!("page of 100 of {ARTIFACTS} artifacts, by type"),
            &of_type,
        ),
        (format!("page of 100 of {PROJECTS} projects"), &projects),
    ];
    for (what, path) in lists {
        let took = pages(&mut connection, &server, path).await?;
        let slow = percentile(&took, 99.0);
        report.add(Row {
            measure: format!("{what}, {}, p99, ms", engine.name()),
            berth: format!("{slow:.2} (median {:.2})", median(&took)),
            peer: String::new(),
            value: slow,
            target: Target::AtMost(20.0),
        });
    }
    Ok(())
}

/// What 50 000 pushes with a tag and a label each, and 10 000 new projects, would have left.
fn rows(engine: &Engine) -> Vec<String> {
    let digest = engine.padded(64);
    let numbers = |count: usize| {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
    };
    vec![
        format!(
            "{} INSERT INTO manifest (repository_id, digest, media_type, config_media_type, kind, \
             size, total_size, pushed_by, pushed_at) \
             SELECT (SELECT id FROM repository WHERE name = 'library/app'), \
             'sha256:' || {digest}, 'application/vnd.oci.image.manifest.v1+json', \
             'application/vnd.oci.image.config.v1+json', 'IMAGE', 500, 1000, 'admin', i FROM n",
            numbers(ARTIFACTS)
        ),
        "INSERT INTO tag (repository_id, name, manifest_id, pushed_by, pushed_at) \
         SELECT repository_id, 'v' || CAST(id AS TEXT), id, 'admin', pushed_at FROM manifest"
            .to_owned(),
        format!(
            "INSERT INTO artifact_label (manifest_id, label_id) SELECT m.id, l.id \
             FROM manifest m JOIN label l ON l.id = 1 + m.id % {LABELS}"
        ),
        format!(
            "{} INSERT INTO project (name, owner_id, public, created_at, updated_at) \
             SELECT 'project' || CAST(i AS TEXT), 1, i % 2 = 0, i, i FROM n",
            numbers(PROJECTS)
        ),
    ]
}

/// Milliseconds that each page took, from all over the list.
async fn pages(
    connection: &mut Connection,
    server: &Server,
    path: &dyn Fn(usize) -> String,
) -> anyhow::Result<Vec<f64>> {
    let mut took = Vec::with_capacity(PAGES);
    for nr in 0..PAGES {
        let head = request("GET", &path(nr), &[server.authorization()]);
        let begun = Instant::now();
        let answer = connection.call(&head, &[], false).await?.expect(200)?;
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(answer.body.len() > 1000, "the page is empty");
    }
    Ok(took)
}
