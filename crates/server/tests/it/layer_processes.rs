//! What reads a layer fails: the scan of that image ends with a sentence that says why, and the
//! server goes on.

use berth_config::{Isolation, Settings};
use berth_indexer::Program;

use crate::app::{App, Setup, both_with};
use crate::scanning::{artifact, layer, push, scan};

/// A server whose layers are read by a shell.
fn played(script: &str, tweak: fn(&mut Settings)) -> Setup {
    Setup {
        indexer: Some(Program {
            path: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
        }),
        tweak,
        ..Setup::default()
    }
}

/// Scans an image that cannot be read; gives the lines of the scan.
async fn fails(app: &App) -> String {
    app.project("scans", false).await;
    push(app, "scans/app", "v1", &layer(&[("bash", "1")])).await;
    let overview = scan(app, "scans/app", "v1").await;
    assert_eq!(overview["scan_status"], "Error", "{overview}");
    let report = overview["report_id"].as_str().unwrap();
    let log = format!("{}/scan/{report}/log", artifact("scans/app", "v1"));
    let log = app.get(&log).send().await.expect(200);
    // Everything else is as it was.
    push(app, "scans/app", "v2", &layer(&[("bash", "2")])).await;
    app.get("/api/v2.0/health").send().await.expect(200);
    log.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_fails_the_scan_alone() {
    let setup = played("echo it hurts >&2; kill -SEGV $$", |_| {});
    both_with(&setup, async |app| {
        let log = fails(app).await;
        assert!(log.contains("ended before it was done"), "{log}");
        assert!(log.contains("it hurts"), "{log}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_talks_nonsense_is_not_believed() {
    let setup = played("exec cat /dev/zero", |_| {});
    both_with(&setup, async |app| {
        let log = fails(app).await;
        assert!(log.contains("answered nonsense"), "{log}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hangs_is_ended() {
    let setup = played("exec sleep 1000", |settings| {
        settings.scan.layer_seconds = 1;
    });
    both_with(&setup, async |app| {
        let log = fails(app).await;
        assert!(log.contains("scan.layer_seconds"), "{log}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_processes_the_server_reads_layers_itself() {
    let setup = played("exit 1", |settings| {
        settings.scan.isolation = Isolation::None;
    });
    both_with(&setup, async |app| {
        app.project("scans", false).await;
        push(app, "scans/app", "v1", &layer(&[("bash", "1")])).await;
        let overview = scan(app, "scans/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
    })
    .await;
}
