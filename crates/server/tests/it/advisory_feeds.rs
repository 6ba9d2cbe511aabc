//! Feeds of advisories: fetched from an address, from a registry, or sent; interrupted, and told of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use berth_oci::media_type;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::app::{App, both, both_with};
use crate::content::{descriptor, sha256};
use crate::scanning::{MIME, advisory, artifact, import, layer, push, scan, try_import};
use crate::webhooks::{self, Receiver};

const FEEDS: &str = "/api/v2.0/advisories/feeds";

type Shared = (Arc<std::sync::Mutex<Published>>, Arc<AtomicUsize>);

/// A site that publishes one file.
struct Site {
    url: String,
    now: Arc<std::sync::Mutex<Published>>,
    sent: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Published {
    status: StatusCode,
    content: Bytes,
}

impl Site {
    async fn start() -> Self {
        let first = Published {
            status: StatusCode::OK,
            content: Bytes::new(),
        };
        let now = Arc::new(std::sync::Mutex::new(first));
        let sent = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/all.json", listener.local_addr().unwrap());
        let state = (now.clone(), sent.clone());
        let handler = async |State((now, sent)): State<Shared>, headers: HeaderMap| {
            let now = now.lock().unwrap().clone();
            let etag = sha256(&now.content);
            if headers
                .get(header::IF_NONE_MATCH)
                .map(http::HeaderValue::as_bytes)
                == Some(etag.as_bytes())
            {
                return StatusCode::NOT_MODIFIED.into_response();
            }
            sent.fetch_add(1, Ordering::SeqCst);
            (now.status, [(header::ETAG, etag)], now.content).into_response()
        };
        let site = Router::new().fallback(handler).with_state(state);
        tokio::spawn(async move { axum::serve(listener, site).await });
        Self { url, now, sent }
    }

    fn publish(&self, status: u16, content: impl Into<Bytes>) {
        *self.now.lock().unwrap() = Published {
            status: StatusCode::from_u16(status).unwrap(),
            content: content.into(),
        };
    }
}

/// How a feed stands once nothing fetches it any more.
async fn settled(app: &App, name: &str) -> Value {
    for _ in 0..1200 {
        let found = app.get(&format!("{FEEDS}/{name}")).send().await;
        let found = found.expect(200).json();
        if found["updating"] == false {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the update of {name} does not end");
}

async fn total(app: &App, repository: &str, tag: &str) -> Option<i64> {
    let path = format!("{}?with_scan_overview=true", artifact(repository, tag));
    let found = app.get(&path).send().await.expect(200).json();
    found["scan_overview"][MIME]["summary"]["total"].as_i64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_fetched_again_only_when_it_has_changed() {
    both_with(&webhooks::setup(), async |app| {
        let site = Site::start().await;
        site.publish(200, advisory("CVE-2026-1", "lib", None, "").to_string());
        app.project("fetched", false).await;
        push(app, "fetched/app", "1", &layer(&[("lib", "1")])).await;
        scan(app, "fetched/app", "1").await;
        let body = json!({
            "name": "site", "url": site.url,
            "schedule": {"type": "Custom", "cron": "0 17 3 * * *"},
        });
        let made = app.post(FEEDS).json(&body).await;
        assert_eq!(made.expect(201).need("location"), format!("{FEEDS}/site"));
        let feed = settled(app, "site").await;
        assert_eq!(feed["advisories"], 1, "{feed}");
        let change = &feed["last_update"];
        assert_eq!(
            (&change["added"], &change["matched"], &change["images"]),
            (&json!(1), &json!(1), &json!(1)),
            "{feed}"
        );
        assert!(change["rematch_milliseconds"].is_u64(), "{feed}");
        assert_eq!(feed["schedule"]["cron"], "0 17 3 * * *");
        assert!(feed["schedule"]["next_scheduled_time"].is_string());
        assert_eq!(total(app, "fetched/app", "1").await, Some(1));
        // The same name again is refused, and the same content is not sent again.
        app.post(FEEDS).json(&body).await.expect(409);
        let update = format!("{FEEDS}/site/update");
        app.post(&update).send().await.expect(202);
        let feed = settled(app, "site").await;
        assert_eq!(feed["problem"], Value::Null);
        assert_eq!(feed["last_update"], Value::Null, "{feed}");
        assert_eq!(site.sent.load(Ordering::SeqCst), 1);
        // What cannot be read changes nothing, and is told.
        for (status, content, says) in [(200, "no advisories", "content"), (503, "", "503")] {
            site.publish(status, content);
            app.post(&update).send().await.expect(202);
            let feed = settled(app, "site").await;
            let problem = feed["problem"].as_str().unwrap_or_default().to_owned();
            assert!(problem.contains(says), "{feed}");
            assert!(!problem.contains("/tmp"), "{feed}");
            assert_eq!(feed["advisories"], 1);
            assert_eq!(total(app, "fetched/app", "1").await, Some(1));
        }
        site.publish(200, advisory("CVE-2026-2", "other", None, "").to_string());
        app.post(&update).send().await.expect(202);
        let feed = settled(app, "site").await;
        assert_eq!(
            (&feed["problem"], &feed["advisories"]),
            (&Value::Null, &json!(1))
        );
        assert_eq!(total(app, "fetched/app", "1").await, Some(0));
        // Without an address there is nothing to fetch.
        let one = format!("{FEEDS}/site");
        app.put(&one).json(&json!({})).await.expect(200);
        app.post(&update).send().await.expect(400);
        assert_eq!(settled(app, "site").await["schedule"]["type"], "None");
        app.delete(&one).send().await.expect(200);
        app.get(&one).send().await.expect(404);
        assert_eq!(app.count("SELECT COUNT(*) FROM advisory").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_sent_and_deleted() {
    both(async |app| {
        app.project("sent", false).await;
        push(app, "sent/app", "1", &layer(&[("lib", "1")])).await;
        scan(app, "sent/app", "1").await;
        let content = format!("{FEEDS}/by-hand/content");
        let send = async |bytes: Vec<u8>| {
            let put = app
                .put(&content)
                .header("content-type", "application/octet-stream");
            put.body(bytes).send().await
        };
        for wrong in [
            &b""[..],
            b"PK\x03\x04 not a zip",
            b"\x1f\x8b nothing",
            b"{}",
            b"[]",
        ] {
            send(wrong.to_vec()).await.expect(400);
        }
        app.get(&format!("{FEEDS}/by-hand"))
            .send()
            .await
            .expect(404);
        let one = advisory("CVE-2026-1001", "lib", Some("2"), "").to_string();
        let change = send(one.into_bytes()).await.expect(200).json();
        assert_eq!(
            (&change["changed"], &change["images"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(total(app, "sent/app", "1").await, Some(1));
        let kev = json!({
            "catalogVersion": "2026.01.01",
            "vulnerabilities": [{"cveID": "CVE-2026-1001", "dateAdded": "2026-01-01"}],
        });
        let epss = "cve,epss,percentile\nCVE-2026-1001,0.25,0.9\n";
        for (name, bytes) in [("kev", kev.to_string()), ("epss", epss.to_owned())] {
            let put = app.put(&format!("{FEEDS}/{name}/content"));
            put.body(bytes).send().await.expect(200);
        }
        let report = format!("{}/additions/vulnerabilities", artifact("sent/app", "1"));
        let item =
            app.get(&report).send().await.expect(200).json()[MIME]["vulnerabilities"][0].clone();
        assert_eq!(item["epss"], 0.25, "{item}");
        assert!(
            item["exploited_since"]
                .as_str()
                .unwrap()
                .starts_with("2026-01-01")
        );
        app.delete(&format!("{FEEDS}/kev")).send().await.expect(200);
        app.delete(&format!("{FEEDS}/by-hand"))
            .send()
            .await
            .expect(200);
        assert_eq!(total(app, "sent/app", "1").await, Some(0));
        let report = app.get(&report).send().await.expect(200).json()[MIME].clone();
        assert_eq!(report["not_covered"], json!({"debian:12": 1}));
        // Names go into paths.
        app.put(&format!("{FEEDS}/..%2Fx/content"))
            .body("{}")
            .send()
            .await
            .expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn advisories_travel_as_an_artifact() {
    both_with(&webhooks::setup(), async |app| {
        app.project("public", true).await;
        app.project("private", false).await;
        let files = [
            (
                "a.json",
                advisory("CVE-2026-1", "lib", None, "").to_string(),
            ),
            (
                "b.json",
                advisory("CVE-2026-1", "lob", None, "").to_string(),
            ),
        ];
        for repository in ["public/advisories", "private/advisories"] {
            let empty = Bytes::from_static(b"{}");
            app.push_blob(repository, &empty).await;
            let mut layers = Vec::new();
            for (title, content) in &files {
                let content = Bytes::from(content.clone());
                app.push_blob(repository, &content).await;
                let mut layer = descriptor("application/json", &content);
                layer["annotations"] = json!({"org.opencontainers.image.title": title});
                layers.push(layer);
            }
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": media_type::OCI_MANIFEST,
                "artifactType": "application/vnd.berth.advisories.v1",
                "config": descriptor(media_type::OCI_EMPTY, &empty),
                "layers": layers,
            });
            app.put_manifest(repository, "v1", &manifest)
                .await
                .expect(201);
        }
        app.project("held", false).await;
        push(app, "held/app", "1", &layer(&[("lib", "1"), ("lob", "1")])).await;
        scan(app, "held/app", "1").await;
        let host = app.base.trim_start_matches("http://").to_owned();
        for (name, url, found) in [
            (
                "remote",
                format!("oci+http://{host}/public/advisories:v1"),
                true,
            ),
            (
                "secret",
                format!("oci+http://{host}/private/advisories:v1"),
                false,
            ),
            (
                "nothing",
                format!("oci+http://{host}/public/advisories:v2"),
                false,
            ),
            ("local", "registry:private/advisories:v1".to_owned(), true),
            ("image", "registry:held/app:1".to_owned(), false),
        ] {
            let body = json!({"name": name, "url": url});
            app.post(FEEDS).json(&body).await.expect(201);
            let feed = settled(app, name).await;
            assert_eq!(feed["problem"].is_null(), found, "{feed}");
            // The same name in two files are two advisories.
            let advisories = if found { 2 } else { 0 };
            assert_eq!(feed["advisories"], advisories, "{feed}");
            let total = total(app, "held/app", "1").await;
            assert_eq!(total, Some(advisories), "{name}");
            app.delete(&format!("{FEEDS}/{name}"))
                .send()
                .await
                .expect(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_call_public_addresses_only() {
    both(async |app| {
        for url in [
            "http://127.0.0.1/a.json",
            "oci://169.254.169.254/a/b:c",
            "file:///etc/passwd",
            "https://user:word@example.org/a.json",
        ] {
            let body = json!({"name": "inner", "url": url});
            app.post(FEEDS).json(&body).await.expect(400);
        }
        let body = json!({"name": "a", "schedule": {"type": "Daily", "cron": ""}});
        app.post(FEEDS).json(&body).await.expect(400);
        let body = json!({"name": "-"});
        app.post(FEEDS).json(&body).await.expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_cut_short_is_made_good_by_the_next() {
    both(async |app| {
        app.project("cut", false).await;
        push(app, "cut/app", "1", &layer(&[("liba", "1"), ("libb", "1")])).await;
        scan(app, "cut/app", "1").await;
        for round in 0..12_u64 {
            // Each round affects another number of packages.
            let mut advisories = vec![advisory(&format!("CVE-2026-{round}"), "liba", None, "")];
            if round % 2 == 1 {
                advisories.push(advisory("CVE-2026-100", "libb", None, ""));
            }
            let cut =
                tokio::time::timeout(Duration::from_millis(round * 2), import(app, &advisories));
            drop(cut.await);
            // The beginning of the one that was cut may be on its way to the database: then it is
            // the later of the two.
            if try_import(app, &advisories).await.is_err() {
                import(app, &advisories).await;
            }
            let found = total(app, "cut/app", "1").await;
            assert_eq!(found, Some(advisories.len() as i64), "round {round}");
            let left = app.count("SELECT COUNT(*) FROM advisory_touched").await;
            assert_eq!(left, 0);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_and_imports_at_once_leave_the_truth() {
    both(async |app| {
        app.project("race", false).await;
        for round in 0..6 {
            let repository = format!("race/r{round}");
            let package = format!("lib{round}");
            push(app, &repository, "1", &layer(&[(&package, "1")])).await;
            let name = format!("CVE-2026-{round}");
            let advisories = [advisory(&name, &package, None, "")];
            tokio::join!(scan(app, &repository, "1"), import(app, &advisories));
            assert_eq!(total(app, &repository, "1").await, Some(1), "round {round}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_tells_of_the_images_that_it_changes() {
    both_with(&webhooks::setup(), async |app| {
        app.project("news", false).await;
        for (tag, package) in [("a", "liba"), ("b", "libb")] {
            push(app, "news/app", tag, &layer(&[(package, "1")])).await;
            scan(app, "news/app", tag).await;
        }
        let mut receiver = Receiver::start(vec![200]).await;
        let target = json!([{"type": "http", "address": receiver.address}]);
        webhooks::make(app, "news", "scans", &["SCANNING_COMPLETED"], target).await;
        import(app, &[advisory("CVE-2026-1", "libb", None, "")]).await;
        let (_, body) = receiver.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        let resource = &told["event_data"]["resources"][0];
        assert_eq!(resource["tag"], "b", "{told}");
        assert_eq!(resource["scan_overview"][MIME]["summary"]["total"], 1);
        // The next one is of the other image: nothing else was told.
        let both = [
            advisory("CVE-2026-1", "libb", None, ""),
            advisory("CVE-2026-2", "liba", None, ""),
        ];
        import(app, &both).await;
        let (_, body) = receiver.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["event_data"]["resources"][0]["tag"], "a", "{told}");
    })
    .await;
}
