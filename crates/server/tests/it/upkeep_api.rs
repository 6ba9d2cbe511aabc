//! Harbor's API over collections, purges, scrubs and repairs: shapes, bounds, schedules, stops.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{App, both, both_with};
use crate::audit::lines;
use crate::content::noise;
use crate::corruption::{Damage, damage, stored};
use crate::upkeep::setup;

const LATER: Duration = Duration::from_mins(121);

fn path(chore: &str, rest: &str) -> String {
    format!("/api/v2.0/system/{chore}{rest}")
}

/// Begins a run; gives its path.
async fn begin(app: &App, chore: &str, parameters: Value) -> String {
    let body = json!({"schedule": {"type": "Manual"}, "parameters": parameters});
    let begun = app.post(&path(chore, "/schedule")).json(&body).await;
    begun.expect(201).need("location").to_owned()
}

/// A run as it stands, once it has come to an end.
async fn ended(app: &App, run: &str) -> Value {
    loop {
        let body = app.get(run).send().await.expect(200).json();
        let status = body["job_status"].as_str().unwrap();
        if !matches!(status, "Pending" | "Running") {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn parameters(run: &Value) -> Value {
    serde_json::from_str(run["job_parameters"].as_str().unwrap()).unwrap()
}

async fn run(app: &App, chore: &str, told: Value) -> (Value, Value) {
    let at = begin(app, chore, told).await;
    let run = ended(app, &at).await;
    let found = parameters(&run);
    (run, found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_is_begun_looked_at_and_kept() {
    both_with(&setup(), async |app| {
        let image = app.push_image("library/app", "v1", "untagged").await;
        app.push_image("library/app", "v1", "kept").await;
        app.push_blob("library/app", &noise(1, 4_000)).await;
        app.clock.advance(LATER);
        let told = json!({"delete_untagged": true, "dry_run": true, "workers": 5});
        let (dry, found) = run(app, "gc", told).await;
        assert_eq!(dry["job_status"], "Success", "{dry}");
        assert_eq!(dry["job_name"], "GARBAGE_COLLECTION");
        assert_eq!(
            (&dry["job_kind"], &dry["deleted"]),
            (&json!("MANUAL"), &json!(false))
        );
        assert_eq!(dry["schedule"]["type"], "Manual");
        assert_eq!(
            (&found["dry_run"], &found["workers"]),
            (&json!(true), &json!(5))
        );
        assert_eq!(
            (&found["purged_manifests"], &found["purged_blobs"]),
            (&json!(1), &json!(3))
        );
        let there = format!("/v2/library/app/manifests/{}", image.digest);
        app.get(&there).send().await.expect(200);

        let at = begin(app, "gc", json!({"delete_untagged": true, "workers": 1})).await;
        let wet = ended(app, &at).await;
        let found = parameters(&wet);
        assert_eq!(
            (&found["purged_manifests"], &found["purged_blobs"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(found["freed_space"], 4_000);
        app.get(&there).send().await.expect(404);
        let log = app.get(&format!("{at}/log")).send().await.expect(200);
        assert!(log.need("content-type").starts_with("text/plain"));
        assert!(log.text().contains(&image.digest), "{}", log.text());
        let list = app
            .get(&path("gc", "?page_size=1"))
            .send()
            .await
            .expect(200);
        assert_eq!(list.need("x-total-count"), "2");
        assert_eq!(list.json(), json!([wet]));
        // An id of one kind of run is none of another.
        let id = wet["id"].as_i64().unwrap();
        for chore in ["purgeaudit", "scrub", "repair"] {
            app.get(&path(chore, &format!("/{id}")))
                .send()
                .await
                .expect(404);
            app.get(&path(chore, &format!("/{id}/log")))
                .send()
                .await
                .expect(404);
            app.put(&path(chore, &format!("/{id}")))
                .send()
                .await
                .expect(404);
        }
        app.get(&path("gc", "/none")).send().await.expect(422);
        let said = lines(app, "resource_type=gc").await;
        assert_eq!(said.len(), 2);
        assert_eq!(
            (&said[0]["operation"], &said[0]["username"]),
            (&json!("start"), &json!("admin"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_replaced_and_ended() {
    both(async |app| {
        for (chore, told) in [
            ("gc", json!({"delete_untagged": true, "workers": 2})),
            ("purgeaudit", json!({"audit_retention_hour": 24, "include_event_types": "pull_artifact"})),
            ("scrub", json!({"rate_mib": 4})),
            ("repair", json!({"rehash": true})),
        ] {
            let at = path(chore, "/schedule");
            let before = app.get(&at).send().await.expect(200).json();
            let word = if chore == "scrub" { "Weekly" } else { "None" };
            assert_eq!(before["schedule"]["type"], word, "{chore}");
            let set = |word: &str, cron: &str| {
                json!({"schedule": {"type": word, "cron": cron}, "parameters": told})
            };
            app.post(&at).json(&set("Daily", "")).await.expect(201);
            // As Harbor does, a second one takes the place of the first.
            app.post(&at).json(&set("Custom", "0 0 3 * * 6")).await.expect(201);
            let shown = app.get(&at).send().await.expect(200).json();
            assert_eq!(shown["schedule"]["type"], "Custom");
            assert_eq!(shown["schedule"]["cron"], "0 0 3 * * 6");
            assert!(shown["schedule"]["next_scheduled_time"].is_string());
            assert_eq!(parameters(&shown), told);
            for (word, cron) in [
                ("Custom", "0 0 3 * *"),
                ("Custom", "0 0 0 31 2 *"),
                ("Yearly", ""),
                ("", ""),
            ] {
                app.put(&at).json(&set(word, cron)).await.expect(400);
            }
            app.put(&at).json(&set("Hourly", "")).await.expect(200);
            let none = json!({"schedule": {"type": "None", "cron": ""}});
            app.put(&at).json(&none).await.expect(200);
            let shown = app.get(&at).send().await.expect(200).json();
            assert_eq!(shown["schedule"]["type"], "None", "{chore}");
        }
        // The default does not come back.
        app.restart().await;
        let scrub = app.get(&path("scrub", "/schedule")).send().await.json();
        assert_eq!(scrub["schedule"]["type"], "None");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused() {
    both(async |app| {
        for (chore, told) in [
            ("gc", json!({"workers": 0})),
            ("gc", json!({"workers": 11})),
            ("gc", json!({"dry_run": "perhaps"})),
            ("purgeaudit", json!({})),
            ("purgeaudit", json!({"audit_retention_hour": 240_001})),
            (
                "purgeaudit",
                json!({"audit_retention_hour": 1, "include_event_types": "x"}),
            ),
            ("scrub", json!({"rate_mib": 100_001})),
            ("repair", json!({"rehash": 1})),
        ] {
            for word in ["Manual", "Daily"] {
                let body = json!({"schedule": {"type": word}, "parameters": told});
                for call in [
                    app.post(&path(chore, "/schedule")),
                    app.put(&path(chore, "/schedule")),
                ] {
                    let refused = call.json(&body).await;
                    assert_eq!(refused.status, 400, "{chore} {told}: {}", refused.text());
                }
            }
        }
        for sql in [
            "SELECT COUNT(*) FROM execution WHERE started_by = 'MANUAL'",
            "SELECT COUNT(*) FROM schedule WHERE vendor IN \
             ('GARBAGE_COLLECTION', 'PURGE_AUDIT_LOG', 'REPAIR')",
        ] {
            assert_eq!(app.count(sql).await, 0, "{sql}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_collection_runs_at_a_time_and_stops_within_a_second() {
    both_with(&setup(), async |app| {
        for n in 0..200 {
            app.push_blob("library/app", &noise(n, 100)).await;
        }
        app.clock.advance(LATER);
        let slow = json!({"rate_limit": 20});
        let at = begin(app, "gc", slow).await;
        while app.files("blobs").len() == 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let body = json!({"schedule": {"type": "Manual"}});
        let second = app.post(&path("gc", "/schedule")).json(&body).await;
        second.refused(409, "CONFLICT");
        let began = std::time::Instant::now();
        app.put(&at).send().await.expect(200);
        let run = ended(app, &at).await;
        assert!(
            began.elapsed() < Duration::from_millis(1_900),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(run["job_status"], "Stopped", "{run}");
        assert!(app.files("blobs").len() > 50, "it went on");
        // What was begun is finished by the next one.
        let (_, found) = run_to_end(app).await;
        assert!(found["purged_blobs"].as_i64().unwrap() > 50);
        assert_eq!(app.files("blobs").len(), 0);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

async fn run_to_end(app: &App) -> (Value, Value) {
    run(app, "gc", json!({"workers": 10})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purges_scrubs_and_repairs_report_what_they_did() {
    both_with(&setup(), async |app| {
        // The clock is about to pass the time of the default schedule.
        let never = json!({"schedule": {"type": "None"}});
        let set = app.put(&path("scrub", "/schedule")).json(&never).await;
        set.expect(200);
        let bytes = noise(5, 200_000);
        let digest = app.push_blob("library/app", &bytes).await;
        app.user("old").await;
        app.restart().await;
        app.clock.advance(Duration::from_hours(30));
        damage(&stored(app, &digest), Damage::SilentFlip);
        let (scrub, found) = run(app, "scrub", json!({"rate_mib": 100})).await;
        assert_eq!(scrub["job_name"], "SCRUB");
        assert_eq!(found["found"], 1, "{scrub}");
        assert_eq!(found["wrong"][0]["digest"], digest);
        let (_, found) = run(app, "repair", json!({})).await;
        assert_eq!(found["found"], 1);
        app.push_blob("library/app", &bytes).await;
        let (_, found) = run(app, "repair", json!({"rehash": true})).await;
        assert_eq!(found["found"], 0);
        let told = json!({"audit_retention_hour": 24, "include_event_types": "create_user",
            "dry_run": false});
        let (purge, found) = run(app, "purgeaudit", told).await;
        assert_eq!(purge["job_name"], "PURGE_AUDIT_LOG");
        assert_eq!(found["purged"], 2);
        assert_eq!(
            lines(app, "resource_type=user,operation=create")
                .await
                .len(),
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrub_begins_by_itself_once_a_week() {
    both_with(&setup(), async |app| {
        app.push_blob("library/app", &noise(6, 100)).await;
        app.clock.advance(Duration::from_hours(7 * 24 + 1));
        // A new process makes up for what it missed.
        app.restart().await;
        let runs = loop {
            let runs = app.get(&path("scrub", "")).send().await.expect(200).json();
            if runs[0]["job_status"] == "Success" {
                break runs;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(runs.as_array().unwrap().len(), 1);
        assert_eq!(runs[0]["job_kind"], "SCHEDULE");
        assert_eq!(parameters(&runs[0])["blobs"], 1);
    })
    .await;
}
