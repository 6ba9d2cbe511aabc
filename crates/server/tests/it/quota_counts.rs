//! What quotas count: true after whatever is done, one after the other and at once, and corrected
//! where it is not.

use berth_jobs::{NewExecution, NewTask, Status, Trigger};
use berth_lifecycle::Unwatched;
use tokio::task::JoinSet;

use crate::app::{App, both, both_with};
use crate::client::Client;
use crate::content::{config, image, noise, sha256};
use crate::quotas::{LATER, setup};

/// The counters, as the check of quotas sees them.
async fn agree(app: &App) {
    let watch = Unwatched::default();
    let report = app.parts.lifecycle.reconcile_quotas(false, &watch).await;
    let report = report.unwrap();
    assert!(report.projects > 0);
    assert_eq!(report.drifts, Vec::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drift_is_found_and_corrected() {
    both(async |app| {
        let id = app.limited_project("drifted", -1).await;
        let lost = app.limited_project("lost", 5).await;
        let pushed = app.push_image("drifted/app", "v1", "x").await;
        let right = app.used(id).await;
        agree(app).await;
        let wrongs: [&'static str; 5] = [
            "UPDATE quota SET used = used + 7",
            "UPDATE project_content SET holders = holders + 1",
            "UPDATE project_content SET size = size - 1",
            "DELETE FROM project_content",
            "INSERT INTO project_content (project_id, digest, size, holders) \
             SELECT id, 'sha256:stray', 9, 1 FROM project WHERE name = 'drifted'",
        ];
        for wrong in wrongs {
            spoil(app, wrong).await;
            let (problems, _) = app.check(false).await;
            assert!(
                problems.iter().any(|it| it.to_string().contains("drifted")),
                "{wrong}: {problems:?}"
            );
            let watch = Unwatched::default();
            let report = app.parts.lifecycle.reconcile_quotas(true, &watch).await;
            let found = report.unwrap();
            assert!(found.drifts.iter().any(|it| it.project == "drifted"));
            agree(app).await;
            assert_eq!(app.used(id).await, right, "{wrong}");
            assert_eq!(app.quota(lost).await["hard"]["storage"], 5);
        }
        // A project that lost its quota gets one again, without a limit.
        spoil(app, "DELETE FROM quota WHERE hard = 5").await;
        let watch = Unwatched::default();
        app.parts
            .lifecycle
            .reconcile_quotas(true, &watch)
            .await
            .unwrap();
        assert_eq!(app.quota(lost).await["hard"]["storage"], -1);
        // And what follows is counted from there.
        let path = format!("/v2/drifted/app/manifests/{}", pushed.digest);
        app.delete(&path).send().await.expect(202);
        assert_eq!(app.used(id).await, right - pushed.bytes.len() as i64);
        agree(app).await;
    })
    .await;
}

async fn spoil(app: &App, sql: &'static str) {
    app.parts
        .db
        .write::<_, berth_db::DbError, _>(move |tx| {
            Box::pin(async move { tx.execute(sql, berth_db::args![]).await })
        })
        .await
        .unwrap();
}

/// A small generator of numbers, the same for every run of a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Does one of everything that changes what a project holds. What it is refused does not matter.
async fn meddle(client: &Client, dice: &mut Dice) {
    let project = ["one", "two"][dice.roll(2) as usize];
    let other = ["one", "two"][dice.roll(2) as usize];
    let name = format!("r{}", dice.roll(3));
    let repository = format!("{project}/{name}");
    let source = format!("{other}/r{}", dice.roll(3));
    let seed = dice.roll(5);
    let layer = noise(seed + 1, 3_000 + seed as usize);
    let config = config(&format!("c{}", dice.roll(2)));
    let manifest = image(&config, &layer);
    let tag = format!("t{}", dice.roll(3));
    let answer = match dice.roll(11) {
        0..=3 => {
            client.try_blob(&repository, &layer).await;
            client.try_blob(&repository, &config).await;
            client.put_manifest(&repository, &tag, &manifest).await
        }
        4 => client.try_blob(&repository, &layer).await,
        5 => {
            client
                .mount_blob(&source, &repository, &sha256(&layer))
                .await
        }
        6 => {
            client
                .copy(&format!("{source}:{tag}"), project, &name)
                .await
        }
        7 => {
            let path = format!("/v2/{repository}/blobs/{}", sha256(&layer));
            client.delete(&path).send().await
        }
        8 => {
            let digest = sha256(manifest.to_string().as_bytes());
            let path = format!("/v2/{repository}/manifests/{digest}");
            client.delete(&path).send().await
        }
        9 => {
            let path = format!("/api/v2.0/projects/{project}/repositories/{name}/artifacts/{tag}");
            client.delete(&path).send().await
        }
        _ if dice.roll(3) == 0 => {
            let path = format!("/api/v2.0/projects/{project}/repositories/{name}");
            client.delete(&path).send().await
        }
        _ => {
            client
                .delete(&format!("/v2/{repository}/manifests/{tag}"))
                .send()
                .await
        }
    };
    assert!(answer.status < 500, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_the_counters_are_true() {
    both_with(&setup(), async |app| {
        let one = app.limited_project("one", 25_000).await;
        app.limited_project("two", -1).await;
        for seed in 1..=3 {
            let mut dice = Dice(seed * 0x9E37_79B9);
            let client = app.client();
            for step in 0..60 {
                meddle(&client, &mut dice).await;
                if step % 20 == 19 {
                    app.clock.advance(LATER);
                    app.collect().await;
                }
                agree(app).await;
                assert!(app.used(one).await <= 25_000);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_at_once_the_counters_are_true() {
    both_with(&setup(), async |app| {
        let one = app.limited_project("one", 25_000).await;
        app.limited_project("two", -1).await;
        let watch = Unwatched::default();
        for round in 0..3_u64 {
            let mut work = JoinSet::new();
            for n in 0..8 {
                let client = app.client();
                work.spawn(async move {
                    let mut dice = Dice((round * 8 + n + 1) * 0x9E37_79B9);
                    for _ in 0..12 {
                        meddle(&client, &mut dice).await;
                    }
                });
            }
            // Collections, checks and even corrections go on beside it.
            while !work.is_empty() {
                app.clock.advance(LATER);
                app.collect().await;
                let lifecycle = &app.parts.lifecycle;
                let report = lifecycle.reconcile_quotas(true, &watch).await.unwrap();
                assert_eq!(report.drifts, Vec::new());
                assert!(app.used(one).await <= 25_000);
                recount_one(app).await;
                while let Some(done) = work.try_join_next() {
                    done.unwrap();
                }
            }
            agree(app).await;
        }
    })
    .await;
}

/// Has a project counted anew while it is in use: a row that says nothing is made, so that the
/// check finds something to correct.
async fn recount_one(app: &App) {
    spoil(
        app,
        "INSERT INTO project_content (project_id, digest, size, holders) \
         SELECT id, 'sha256:stray', 0, 1 FROM project WHERE name = 'one'",
    )
    .await;
    let watch = Unwatched::default();
    let report = app.parts.lifecycle.reconcile_quotas(true, &watch).await;
    // Its own nightly run, whose time the clock may have reached, may have been there first.
    assert!(report.unwrap().found <= 1);
    let left = "SELECT COUNT(*) FROM project_content WHERE digest = 'sha256:stray'";
    assert_eq!(app.count(left).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_from_before_quotas_is_filled_with_what_is_held() {
    both(async |app| {
        app.project("one", false).await;
        app.push_image("one/a", "v1", "x").await;
        app.push_image("one/b", "v1", "x").await;
        app.push_image("library/a", "v1", "y").await;
        let gone = app.project("gone", false).await;
        let used = "SELECT CAST(SUM(used) AS BIGINT) FROM quota";
        let before = app.count(used).await;
        assert!(before > 0);
        app.delete("/api/v2.0/projects/gone")
            .send()
            .await
            .expect(200);
        let file = berth_schema::MIGRATIONS
            .iter()
            .find(|file| file.name == "quotas")
            .unwrap();
        let mut steps = vec!["DROP TABLE project_content", "DROP TABLE quota"];
        steps.extend(file.sql.split(';').filter(|step| !step.trim().is_empty()));
        for step in steps {
            spoil(app, step).await;
        }
        assert_eq!(app.count(used).await, before);
        agree(app).await;
        let path = format!("/api/v2.0/quotas/{gone}");
        app.get(&path).send().await.expect(404);
        let unlimited = "SELECT COUNT(*) FROM quota WHERE hard = -1";
        assert_eq!(app.count(unlimited).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_of_the_night_corrects_what_drifted() {
    both(async |app| {
        let id = app.limited_project("drifted", -1).await;
        app.push_image("drifted/app", "v1", "x").await;
        let right = app.used(id).await;
        spoil(app, "UPDATE quota SET used = used + 7").await;
        let jobs = &app.parts.jobs;
        let kind = "QUOTA_RECONCILE";
        let scheduled = jobs.schedule(kind, 0).await.unwrap();
        assert!(scheduled.is_some());
        let new = NewExecution {
            vendor: kind,
            vendor_id: 0,
            trigger: Trigger::Manual,
            attributes: serde_json::json!({}),
            unique: None,
            tasks: vec![NewTask::new(kind, serde_json::json!({}))],
        };
        let execution = jobs.submit(new).await.unwrap();
        // The test's own limit of time ends this.
        loop {
            let run = jobs.execution(kind, Some(0), execution).await.unwrap();
            if run.status.is_final() {
                assert_eq!(run.status, Status::Success);
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(app.used(id).await, right);
        agree(app).await;
    })
    .await;
}
