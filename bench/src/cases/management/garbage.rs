//! A collection of 10 000 blobs beside few and beside many that stay.

use std::time::Instant;

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};

use crate::http::{Connection, request};
use crate::report::{Report, Row, Target};
use crate::servers::Server;
use crate::site::{Engine, Site};
use crate::stats::{median, ratios};
use crate::workspace::{Workspace, settle_disk};

const GARBAGE: usize = 10_000;
const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
const ROUNDS: usize = 3;
const CLIENTS: usize = 16;

pub(crate) async fn run(
    workspace: &Workspace,
    engine: &Engine,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut sites = Vec::new();
    for (name, live) in [("garbage-few", FEW), ("garbage-many", MANY)] {
        let mut site = Site::make(workspace, engine, name)?;
        site.set("BERTH_GC__GRACE_SECONDS", "0");
        site.set("BERTH_GC__ENABLED", "false");
        // Makes the schema.
        drop(site.serve(workspace)?);
        site.seed(live_rows(engine, live)).await?;
        sites.push(site);
    }
    let mut seconds = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        for (site, seconds) in sites.iter().zip(&mut seconds) {
            litter(&site.serve(workspace)?, round).await?;
            // Reviews are spread over minutes, which nobody wants to wait for.
            site.seed(vec!["UPDATE gc_review SET review_at = 0".to_owned()])
                .await?;
            settle_disk()?;
            let begun = Instant::now();
            let said = site.run(workspace, "gc")?;
            seconds.push(begun.elapsed().as_secs_f64());
            let left = site.count("SELECT COUNT(*) FROM gc_review").await?;
            anyhow::ensure!(left == 0, "{left} reviews are left: {said}");
        }
    }
    let [few, many] = seconds;
    report.add(Row {
        measure: format!(
            "collection of {GARBAGE} blobs beside {MANY}, {}, s",
            engine.name()
        ),
        berth: format!("{:.2}", median(&many)),
        peer: format!("beside {FEW} {:.2}", median(&few)),
        value: median(&ratios(&many, &few)),
        target: Target::AtMost(1.5),
    });
    Ok(())
}

/// Blobs that are held and needed. Their bytes are not there: a collection has no reason to look.
fn live_rows(engine: &Engine, count: usize) -> Vec<String> {
    let digest = engine.padded(64);
    vec![
        "INSERT INTO repository (project_id, name, created_at, updated_at) \
         SELECT id, 'library/live', 0, 0 FROM project WHERE name = 'library'"
            .to_owned(),
        "INSERT INTO manifest (repository_id, digest, media_type, kind, size, total_size, \
         pushed_by, pushed_at) SELECT id, 'sha256:live', '', 'IMAGE', 1, 1, 'admin', 0 \
         FROM repository WHERE name = 'library/live'"
            .to_owned(),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             INSERT INTO blob (digest, size, stored_as, touched_at, verified_at, created_at) \
             SELECT 'sha256:' || {digest}, 1, 'live/' || CAST(i AS TEXT), 0, 0, 0 FROM n"
        ),
        "INSERT INTO repository_blob (repository_id, blob_id, leased_at) \
         SELECT r.id, b.id, 0 FROM blob b, repository r"
            .to_owned(),
        "INSERT INTO manifest_reference (manifest_id, position, repository_id, kind, \
         child_digest, blob_id, media_type, size) \
         SELECT m.id, b.id, m.repository_id, 'layer', b.digest, b.id, '', 1 \
         FROM blob b, manifest m"
            .to_owned(),
    ]
}

/// Uploads blobs that no manifest names.
async fn litter(server: &Server, round: usize) -> anyhow::Result<()> {
    let clients = (0..CLIENTS).map(|client| async move {
        let mut connection = Connection::open(server.port, 0).await?;
        for nr in (client..GARBAGE).step_by(CLIENTS) {
            let bytes = format!("garbage {round} {nr} {}", std::process::id());
            let digest = hex::encode(Sha256::digest(&bytes));
            let path = format!("/v2/library/litter/blobs/uploads/?digest=sha256:{digest}");
            let length = bytes.len().to_string();
            let headers = [
                server.authorization(),
                ("Content-Type", "application/octet-stream"),
                ("Content-Length", &length),
            ];
            let post = request("POST", &path, &headers);
            connection
                .call(&post, &[bytes.as_bytes()], false)
                .await?
                .expect(201)?;
        }
        anyhow::Ok(())
    });
    try_join_all(clients).await?;
    Ok(())
}
