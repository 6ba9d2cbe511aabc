//! Measures of lists, printed as a table: run by hand, on a release build.
//!
//! `cargo test --release -p berth-server --test it -- --ignored --nocapture speed`

use std::time::{Duration, Instant};

use berth_db::{Args, AssertSqlSafe, DbError, args};

use crate::app::{App, both};

const ARTIFACTS: i64 = 50_000;
const PROJECTS: i64 = 10_000;

async fn run(app: &App, sql: String) {
    let done: Result<u64, DbError> = app
        .parts
        .db
        .write(move |tx| {
            let sql = sql.clone();
            Box::pin(async move { tx.execute(AssertSqlSafe(sql), Args::new()).await })
        })
        .await;
    done.unwrap();
}

/// Inserts a row for each number from 1 to `count`.
async fn fill(app: &App, into: &'static str, count: i64, row: fn(i64) -> String) {
    let numbers: Vec<i64> = (1..=count).collect();
    for some in numbers.chunks(500) {
        let rows: Vec<String> = some.iter().map(|n| row(*n)).collect();
        run(
            app,
            format!("INSERT INTO {into} VALUES {}", rows.join(", ")),
        )
        .await;
    }
}

async fn measure(app: &App, name: &str, paths: &[String]) {
    let mut times: Vec<Duration> = Vec::new();
    for path in paths {
        let began = Instant::now();
        app.get(path).send().await.expect(200);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{name:32} p50 {:>10.2?}  p99 {:>10.2?}", at(50), at(99));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measure, not a test"]
async fn speed_of_lists() {
    both(async |app| {
        println!("{:?}", app.parts.db.engine());
        app.push_image("library/app", "latest", "a").await;
        let row: (i64,) = app
            .parts
            .db
            .one("SELECT MIN(id) FROM repository", args![])
            .await
            .unwrap();
        assert_eq!(row.0, 1);
        fill(
            app,
            "manifest (repository_id, digest, media_type, config_media_type, kind, size, \
             total_size, pushed_by, pushed_at)",
            ARTIFACTS,
            |n| {
                format!(
                    "(1, 'sha256:{n:064x}', 'application/vnd.oci.image.manifest.v1+json', \
                     'application/vnd.oci.image.config.v1+json', 'IMAGE', 500, 1000, 'admin', {n})"
                )
            },
        )
        .await;
        fill(
            app,
            "label (name, description, color, created_at, updated_at)",
            5,
            |n| format!("('label{n}', '', '', 0, 0)"),
        )
        .await;
        fill(
            app,
            "project (name, owner_id, public, created_at, updated_at)",
            PROJECTS,
            |n| format!("('project{n:05}', 1, {}, 0, 0)", n % 2 == 0),
        )
        .await;
        run(
            app,
            "INSERT INTO tag (repository_id, name, manifest_id, pushed_by, pushed_at) \
             SELECT 1, 'v' || id, id, 'admin', pushed_at FROM manifest"
                .to_owned(),
        )
        .await;
        run(
            app,
            "INSERT INTO artifact_label (manifest_id, label_id) SELECT m.id, l.id \
             FROM manifest m JOIN label l ON l.id = 1 + m.id % 5"
                .to_owned(),
        )
        .await;
        let list = "/api/v2.0/projects/library/repositories/app/artifacts";
        let with = "with_tag=true&with_label=true&with_scan_overview=true&with_accessory=true";
        let pages = |size: i64, q: &str| -> Vec<String> {
            let most = ARTIFACTS / size;
            (0..200)
                .map(|n| {
                    let page = 1 + n * most / 200;
                    format!("{list}?{with}&page_size={size}&page={page}{q}")
                })
                .collect()
        };
        measure(app, "artifacts, pages of 10", &pages(10, "")).await;
        measure(app, "artifacts, pages of 100", &pages(100, "")).await;
        measure(app, "artifacts by type", &pages(100, "&q=type%3DIMAGE")).await;
        measure(
            app,
            "artifacts by a label",
            &pages(100, "&q=labels%3D(1)")[..40],
        )
        .await;
        let repository = vec!["/api/v2.0/projects/library/repositories/app".to_owned(); 100];
        measure(app, "the repository", &repository).await;
        let projects = |size: i64| -> Vec<String> {
            (0..100)
                .map(|n| {
                    let page = 1 + n * (PROJECTS / size) / 100;
                    format!("/api/v2.0/projects?page_size={size}&page={page}")
                })
                .collect()
        };
        measure(app, "projects, pages of 10", &projects(10)).await;
        measure(app, "projects, pages of 100", &projects(100)).await;
    })
    .await;
}
