//! Several processes on one PostgreSQL database: those that serve and those that work.

use std::time::{Duration, Instant};

use berth_e2e::content::random_bytes;
use berth_e2e::{Image, Options, Server};
use serde_json::{Value, json};

/// Longer than a lease, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_mins(2);
const SCRUBS: &str = "/api/v2.0/system/scrub";

fn role(options: &Options, role: &str) -> Options {
    options.clone().env("BERTH_JOBS__ROLE", role)
}

/// Begins a scrub of so many MiB a second; gives where it is looked at.
async fn begin(web: &Server, rate: u32) -> String {
    let wanted = json!({"schedule": {"type": "Manual"}, "parameters": {"rate_mib": rate}});
    let path = format!("{SCRUBS}/schedule");
    let begun = web.api().post(&path, Some(&web.admin()), &wanted).await;
    let begun = begun.expect(201);
    let id = begun.header("location").rsplit('/').next().unwrap();
    format!("{SCRUBS}/{id}")
}

/// Waits until a run has one of these states.
async fn until(web: &Server, run: &str, states: &[&str]) -> Value {
    let began = Instant::now();
    loop {
        let found = web.api().get(run, Some(&web.admin())).await.expect(200);
        let found = found.json();
        if states.iter().any(|state| found["job_status"] == *state) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{found}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_worker_that_dies_loses_nothing() {
    let Some(options) = Options::default().postgres() else {
        return;
    };
    let web = Server::start(role(&options, "web"));
    let (api, admin) = (web.api(), web.admin());
    let image = Image::random(1, 1_000);
    api.push(&admin, "library/app", "v1", &image).await;
    for _ in 0..6 {
        api.push_blob(&admin, "library/app", &random_bytes(1 << 20))
            .await;
    }

    // Nobody is there to do it.
    let run = begin(&web, 1).await;
    let waits = until(&web, &run, &["Pending", "Running"]).await;
    assert_eq!(waits["job_status"], "Pending");

    let mut first = web.beside(role(&options, "worker"));
    until(&web, &run, &["Running"]).await;
    // It serves its health and nothing else.
    for (path, status) in [
        ("/healthz", 200),
        ("/v2/", 404),
        ("/api/v2.0/projects", 404),
    ] {
        assert_eq!(first.api().get(path, None).await.status, status, "{path}");
    }
    first.kill();
    let second = web.beside(role(&options, "worker"));
    let done = until(&web, &run, &["Success", "Error", "Stopped"]).await;
    assert_eq!(done["job_status"], "Success", "{done}");

    // What the web process serves is there all along, and both end in good order.
    let _ = api
        .get_manifest(&admin, "library/app", "v1")
        .await
        .expect(200);
    second.stop();
    web.stop();
}

#[tokio::test]
async fn sqlite_has_one_process() {
    let server = Server::start(Options::default());
    let refused = server.command(&["serve", "--role", "worker"]).run();
    assert!(!refused.ok(), "{refused}");
    assert!(refused.stderr.contains("PostgreSQL"), "{refused}");
    server.stop();
}
