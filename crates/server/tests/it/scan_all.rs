//! Scans of everything: what is scanned, how it is counted, scheduled and stopped.

use std::time::{Duration, Instant};

use berth_oci::media_type;
use serde_json::{Value, json};

use crate::app::{App, both, both_with};
use crate::content::{config, descriptor};
use crate::scanning::{MIME, advisory, artifact, import, layer, pause, push, scanned};
use crate::upkeep;

const SCHEDULE: &str = "/api/v2.0/system/scanAll/schedule";
const METRICS: &str = "/api/v2.0/scans/all/metrics";
const STOP: &str = "/api/v2.0/system/scanAll/stop";

fn when(word: &str, cron: &str) -> Value {
    json!({"schedule": {"type": word, "cron": cron}})
}

async fn begin(app: &App) {
    let begun = app.post(SCHEDULE).json(&when("Manual", "")).await;
    begun.expect(201);
}

async fn metrics(app: &App) -> Value {
    app.get(METRICS).send().await.expect(200).json()
}

/// What is counted once a scan of everything has ended.
async fn ended(app: &App) -> Value {
    for _ in 0..2400 {
        let told = metrics(app).await;
        if told["ongoing"] == false && told["trigger"] != Value::Null {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the scan of everything does not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_image_is_scanned_once_whoever_holds_it() {
    both(async |app| {
        app.project("one", false).await;
        app.project("two", false).await;
        import(app, &[advisory("CVE-2026-1", "libbad", None, "")]).await;
        let nothing = json!({"total": 0, "completed": 0, "metrics": {}, "ongoing": false});
        assert_eq!(metrics(app).await, nothing);
        let (base, bad) = (layer(&[("base", "1")]), layer(&[("libbad", "1")]));
        let shared = push(app, "one/app", "v1", &base).await;
        // The same image elsewhere, and another one of the same layer.
        assert_eq!(push(app, "two/app", "v1", &base).await, shared);
        push(app, "two/other", "other", &base).await;
        let child = push(app, "two/other", "bad", &bad).await;
        // An index has no report of its own; what belongs to an image is none.
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [{
                "mediaType": media_type::OCI_MANIFEST, "digest": child,
                "size": app.count("SELECT MAX(size) FROM manifest").await,
            }],
        });
        app.put_manifest("two/other", "index", &index)
            .await
            .expect(201);
        let subject = json!({"mediaType": media_type::OCI_MANIFEST, "digest": child, "size": 1});
        let empty = bytes::Bytes::from_static(b"{}");
        app.push_blob("two/other", &empty).await;
        let signature = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": "application/vnd.example.thing",
            "config": descriptor(media_type::OCI_EMPTY, &empty),
            "layers": [descriptor(media_type::OCI_EMPTY, &empty)],
            "subject": subject,
        });
        app.put_manifest("two/other", "thing", &signature)
            .await
            .expect(201);
        begin(app).await;
        let told = ended(app).await;
        let expected = json!({"total": 3, "completed": 3, "metrics": {"Success": 3},
            "ongoing": false, "trigger": "Manual"});
        assert_eq!(told, expected);
        for (repository, tag, total) in [
            ("one/app", "v1", 0),
            ("two/app", "v1", 0),
            ("two/other", "other", 0),
            ("two/other", "bad", 1),
        ] {
            let overview = scanned(app, repository, tag).await;
            assert_eq!(overview["scan_status"], "Success", "{overview}");
            assert_eq!(overview["summary"]["total"], total, "{repository}:{tag}");
        }
        // What one image's scan said is shown, not what the others' did.
        let overview = scanned(app, "two/other", "bad").await;
        let report = overview["report_id"].as_str().unwrap();
        let log = format!("{}/scan/{report}/log", artifact("two/other", "bad"));
        let log = app.get(&log).send().await.expect(200).text();
        assert_eq!(log.matches("packages of").count(), 1, "{log}");
        assert!(log.contains("layer") && log.contains("read"), "{log}");
        assert_eq!(app.count("SELECT COUNT(*) FROM layer_index").await, 2);
        // A second time nothing is read.
        begin(app).await;
        assert_eq!(ended(app).await["completed"], 3);
        let overview = scanned(app, "two/other", "bad").await;
        let report = overview["report_id"].as_str().unwrap();
        let log = format!("{}/scan/{report}/log", artifact("two/other", "bad"));
        let log = app.get(&log).send().await.expect(200).text();
        assert!(log.contains("known already"), "{log}");
    })
    .await;
}

/// Pushes `count` images of one layer.
async fn push_many(app: &App, repository: &str, count: usize) {
    let (config, layer) = (config("many"), layer(&[("base", "1")]));
    app.push_blob(repository, &config).await;
    app.push_blob(repository, &layer).await;
    for nr in 0..count {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": descriptor(media_type::OCI_CONFIG, &config),
            "layers": [descriptor(media_type::OCI_LAYER, &layer)],
            "annotations": {"nr": nr.to_string()},
        });
        let tag = format!("t{nr}");
        app.put_manifest(repository, &tag, &manifest)
            .await
            .expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_images_wait_little_by_little_and_a_stop_is_quick() {
    both(async |app| {
        app.project("many", false).await;
        push_many(app, "many/app", 230).await;
        pause(app, "pause").await;
        begin(app).await;
        let waiting = "SELECT COUNT(*) FROM task WHERE kind = 'IMAGE_SCAN' AND status = 'Pending'";
        while app.count(waiting).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // While scans are paused, all of them come to wait.
        while app.count(waiting).await < 230 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let told = metrics(app).await;
        assert_eq!(
            (&told["total"], &told["ongoing"]),
            (&json!(230), &json!(true))
        );
        let second = app.post(SCHEDULE).json(&when("Manual", "")).await;
        second.refused(409, "CONFLICT");
        // One image alone is stopped without the others.
        let one = format!("{}/scan/stop", artifact("many/app", "t7"));
        app.post(&one).send().await.expect(202);
        assert_eq!(
            scanned(app, "many/app", "t7").await["scan_status"],
            "Stopped"
        );
        assert_eq!(app.count(waiting).await, 229);
        let began = Instant::now();
        app.post(STOP).send().await.expect(202);
        let told = ended(app).await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        let expected = json!({"total": 230, "completed": 230, "metrics": {"Stopped": 230},
            "ongoing": false, "trigger": "Manual"});
        assert_eq!(told, expected);
        assert_eq!(
            scanned(app, "many/app", "t9").await["scan_status"],
            "Stopped"
        );
        app.post(STOP).send().await.refused(400, "BAD_REQUEST");
        pause(app, "resume").await;
        begin(app).await;
        while metrics(app).await["ongoing"] == true {
            let waits = app.count(waiting).await;
            assert!(waits <= 200, "{waits} wait at once");
        }
        let told = ended(app).await;
        assert_eq!(told["metrics"], json!({"Success": 230}), "{told}");
        assert_eq!(app.count("SELECT COUNT(*) FROM layer_index").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_scanned_by_a_schedule() {
    both_with(&upkeep::setup(), async |app| {
        // The clock is about to pass the times of other schedules.
        app.project("nightly", false).await;
        push(app, "nightly/app", "v1", &layer(&[("base", "1")])).await;
        let none = app.get(SCHEDULE).send().await.expect(200).json();
        assert_eq!(none["schedule"]["type"], "None");
        app.post(SCHEDULE).json(&when("None", "")).await.expect(201);
        for (body, status) in [
            (json!({"schedule": {}}), 400),
            (when("Custom", "never"), 400),
            (when("Yearly", ""), 400),
        ] {
            app.post(SCHEDULE).json(&body).await.expect(status);
            app.put(SCHEDULE).json(&body).await.expect(status);
        }
        app.put(SCHEDULE)
            .json(&when("Manual", ""))
            .await
            .expect(400);
        app.post(SCHEDULE)
            .json(&when("Daily", ""))
            .await
            .expect(201);
        let second = app.post(SCHEDULE).json(&when("Weekly", "")).await;
        second.refused(412, "PRECONDITION");
        let hourly = when("Custom", "0 30 * * * *");
        app.put(SCHEDULE).json(&hourly).await.expect(200);
        let set = app.get(SCHEDULE).send().await.expect(200).json();
        assert_eq!(set["schedule"]["cron"], "0 30 * * * *", "{set}");
        assert!(set["schedule"]["next_scheduled_time"].is_string());
        let scheduled = "/api/v2.0/scans/schedule/metrics";
        let none = app.get(scheduled).send().await.expect(200).json();
        assert_eq!(none["total"], 0);
        app.clock.advance(Duration::from_mins(61));
        app.parts.jobs.wake();
        let told = ended(app).await;
        let expected = json!({"total": 1, "completed": 1, "metrics": {"Success": 1},
            "ongoing": false, "trigger": "Schedule"});
        assert_eq!(told, expected);
        begin(app).await;
        assert_eq!(ended(app).await["trigger"], "Manual");
        // The one that began by itself is still told apart.
        let told = app.get(scheduled).send().await.expect(200).json();
        assert_eq!(told, expected);
        app.put(SCHEDULE).json(&when("None", "")).await.expect(200);
        let none = app.get(SCHEDULE).send().await.expect(200).json();
        assert_eq!(none["schedule"]["type"], "None");
        let at = format!("{}?with_scan_overview=true", artifact("nightly/app", "v1"));
        let found = app.get(&at).send().await.expect(200).json();
        assert_eq!(found["scan_overview"][MIME]["scan_status"], "Success");
    })
    .await;
}
