//! Scanners: registering, choosing and asking external ones, against a stub that answers as told:
//! well, late, wrongly and not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_model::Secret;
use berth_scanners::{
    AdapterError, ScanArtifact, ScanRegistry, ScanRequest, Severity, VULNERABILITY_REPORT,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::app::{App, both_with};
use crate::webhooks::{header, setup};

const ALL: &str = "/api/v2.0/scanners";
pub(crate) const BUILT_IN: &str = "00000000-0000-4000-8000-000000000001";
pub(crate) const KEY: &str = "hunter2-of-the-scanner";

/// What the stub answers next to a path that ends so: status, further headers, body. The last
/// one stays.
type Script = Arc<Mutex<Vec<(&'static str, Vec<Reply>)>>>;

#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: &'static str,
    /// `@authorization@` in it becomes what the last request for a scan was given.
    pub(crate) body: String,
    pub(crate) after: Duration,
}

pub(crate) fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        headers: "",
        body: body.to_string(),
        after: Duration::ZERO,
    }
}

/// A scanner that does what a test says.
pub(crate) struct Stub {
    pub(crate) url: String,
    script: Script,
    /// The heads and bodies of requests.
    heard: Arc<Mutex<Vec<(String, String)>>>,
    /// Told of each request.
    news: Arc<Notify>,
}

impl Stub {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script: Script = Arc::default();
        let heard: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let news: Arc<Notify> = Arc::default();
        let (answers, notes, bell) = (script.clone(), heard.clone(), news.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, notes, bell) = (answers.clone(), notes.clone(), bell.clone());
                tokio::spawn(async move {
                    let (mut seen, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
                    let (head, body) = loop {
                        let read = stream.read(&mut buffer).await.unwrap_or(0);
                        if read == 0 {
                            return;
                        }
                        seen.extend_from_slice(&buffer[..read]);
                        let text = String::from_utf8_lossy(&seen).into_owned();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else {
                            continue;
                        };
                        let length: usize = header(head, "content-length")
                            .map_or(0, |length| length.parse().unwrap());
                        if body.len() >= length {
                            break (head.to_owned(), body.to_owned());
                        }
                    };
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    notes.lock().unwrap().push((head, body));
                    bell.notify_waiters();
                    let found = {
                        let mut answers = answers.lock().unwrap();
                        let known = answers.iter_mut().find(|(end, _)| path.ends_with(end));
                        known.map(|(_, replies)| {
                            if replies.len() > 1 {
                                replies.remove(0)
                            } else {
                                replies[0].clone()
                            }
                        })
                    };
                    let mut found = found.unwrap_or_else(|| reply(404, &json!({})));
                    if found.body.contains("@authorization@") {
                        let given = authorization(&notes.lock().unwrap());
                        found.body = found.body.replace("@authorization@", &given);
                    }
                    tokio::time::sleep(found.after).await;
                    let answer = format!(
                        "HTTP/1.1 {} X\r\n{}connection: close\r\ncontent-length: {}\r\n\r\n{}",
                        found.status,
                        found.headers,
                        found.body.len(),
                        found.body
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        let stub = Self {
            url,
            script,
            heard,
            news,
        };
        stub.says("/metadata", vec![reply(200, &metadata())]);
        stub
    }

    pub(crate) fn says(&self, end: &'static str, replies: Vec<Reply>) {
        let mut script = self.script.lock().unwrap();
        script.retain(|(known, _)| *known != end);
        script.push((end, replies));
    }

    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }

    /// Forgets what it heard.
    pub(crate) fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// The body of the first request that begins so and came since it was told to forget.
    pub(crate) async fn hears(&self, beginning: &str) -> String {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let heard = self.heard();
            let found = heard
                .into_iter()
                .find(|(head, _)| head.starts_with(beginning));
            if let Some((_, body)) = found {
                return body;
            }
            news.await;
        }
    }
}

/// What the last request for a scan was given to pull with.
fn authorization(heard: &[(String, String)]) -> String {
    let mut asked = heard.iter().rev();
    let asked = asked.find(|(head, _)| head.starts_with("POST"));
    let body: Value = serde_json::from_str(&asked.unwrap().1).unwrap();
    body["registry"]["authorization"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn metadata() -> Value {
    json!({
        "scanner": {"name": "Stub", "vendor": "Tests", "version": "1.0"},
        "capabilities": [{
            "consumes_mime_types": [
                "application/vnd.docker.distribution.manifest.v2+json",
                "application/vnd.oci.image.manifest.v1+json",
            ],
            "produces_mime_types": [
                "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0",
                "application/vnd.security.vulnerability.report;version=1.1",
            ],
        }],
        "properties": {"harbor.scanner-adapter/scanner-type": "os-package-vulnerability"},
    })
}

pub(crate) async fn register(app: &App, name: &str, url: &str) -> String {
    let body = json!({"name": name, "url": url, "auth": "X-ScannerAdapter-API-Key",
        "access_credential": KEY});
    let made = app.post(ALL).json(&body).await.expect(201);
    let place = made.need("location").to_owned();
    place.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_scanner_is_there_and_stays() {
    both_with(&setup(), async |app| {
        let all = app.get(ALL).send().await.expect(200).json();
        assert_eq!(all.as_array().unwrap().len(), 1);
        assert_eq!(all[0]["name"], "Berth");
        assert_eq!(all[0]["is_default"], true);
        let one = format!("{ALL}/{BUILT_IN}");
        app.get(&one).send().await.expect(200);
        app.get(&format!("{one}/metadata")).send().await.expect(200);
        app.delete(&one).send().await.refused(412, "PRECONDITION");
        let body = json!({"name": "other", "url": "http://example.com"});
        app.put(&one).json(&body).await.refused(412, "PRECONDITION");
        for name in ["Berth", "berth"] {
            let body = json!({"name": name, "url": "http://127.0.0.1:9"});
            app.post(ALL).json(&body).await.refused(409, "CONFLICT");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_scanner_is_registered_chosen_and_deleted() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        let uuid = register(app, "stub", &format!("{}/", stub.url)).await;
        let one = format!("{ALL}/{uuid}");
        let found = app.get(&one).send().await.expect(200);
        assert!(!found.text().contains(KEY), "{}", found.text());
        let found = found.json();
        assert_eq!(found["health"], "healthy");
        assert_eq!(
            (&found["adapter"], &found["vendor"]),
            (&json!("Stub"), &json!("Tests"))
        );
        assert_eq!(found["capabilities"]["support_vulnerability"], true);
        assert_eq!(found["capabilities"]["support_sbom"], false);
        let heard = stub.heard();
        assert!(!heard.is_empty());
        for (head, _) in &heard {
            assert_eq!(header(head, "x-scanneradapter-api-key"), Some(KEY));
        }
        // Neither the name nor the address twice.
        for body in [
            json!({"name": "stub", "url": "http://127.0.0.1:9"}),
            json!({"name": "stub-2", "url": stub.url}),
        ] {
            app.post(ALL).json(&body).await.refused(409, "CONFLICT");
        }
        // A project chooses it, then the system does.
        app.project("team", false).await;
        let of = "/api/v2.0/projects/team/scanner";
        let name = async || app.get(of).send().await.expect(200).json()["name"].clone();
        assert_eq!(name().await, "Berth");
        app.put(of).json(&json!({"uuid": uuid})).await.expect(200);
        assert_eq!(name().await, "stub");
        let candidates = app
            .get(&format!("{of}/candidates"))
            .send()
            .await
            .expect(200);
        assert_eq!(candidates.json().as_array().unwrap().len(), 2);
        app.put(of)
            .json(&json!({"uuid": "nobody"}))
            .await
            .refused(404, "NOT_FOUND");
        app.patch(&one)
            .json(&json!({"is_default": true}))
            .await
            .expect(200);
        app.delete(&one).send().await.refused(412, "PRECONDITION");
        app.put(of)
            .json(&json!({"uuid": BUILT_IN}))
            .await
            .expect(200);
        assert_eq!(name().await, "Berth");
        let built_in = format!("{ALL}/{BUILT_IN}");
        app.patch(&built_in)
            .json(&json!({"is_default": true}))
            .await
            .expect(200);
        app.put(of).json(&json!({"uuid": uuid})).await.expect(200);
        let gone = app.delete(&one).send().await.expect(200).json();
        assert_eq!(gone["uuid"], uuid);
        assert_eq!(name().await, "Berth");
        app.get(&one).send().await.refused(404, "NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_stays_with_its_address() {
    both_with(&setup(), async |app| {
        let (stub, other) = (Stub::start().await, Stub::start().await);
        let uuid = register(app, "stub", &stub.url).await;
        let one = format!("{ALL}/{uuid}");
        let body = json!({"name": "renamed", "url": stub.url, "auth": "X-ScannerAdapter-API-Key"});
        app.put(&one).json(&body).await.expect(200);
        let last = stub.heard().pop().unwrap().0;
        assert_eq!(header(&last, "x-scanneradapter-api-key"), Some(KEY));
        // Whoever turns the address to a server of their own does not get it.
        let body = json!({"name": "renamed", "url": other.url, "auth": "X-ScannerAdapter-API-Key"});
        app.put(&one).json(&body).await.refused(400, "BAD_REQUEST");
        assert!(other.heard().is_empty());
        for (auth, secret) in [("Basic", "nobody"), ("Bearer", "a\r\nb"), ("Digest", "a:b")] {
            let body = json!({"name": "x", "url": other.url, "auth": auth,
                "access_credential": secret});
            let ping = app.post(&format!("{ALL}/ping")).json(&body).await;
            ping.refused(400, "BAD_REQUEST");
        }
        assert!(other.heard().is_empty());
        let body = json!({"name": "x", "url": other.url, "auth": "Basic",
            "access_credential": "user:pass"});
        app.post(&format!("{ALL}/ping"))
            .json(&body)
            .await
            .expect(200);
        let head = other.heard().pop().unwrap().0;
        assert_eq!(header(&head, "authorization"), Some("Basic dXNlcjpwYXNz"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_scanner_is_not_taken_for_one() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        let ping = async || {
            let body = json!({"name": "x", "url": stub.url});
            app.post(&format!("{ALL}/ping")).json(&body).await
        };
        ping().await.expect(200);
        let mut nameless = metadata();
        nameless["scanner"]["vendor"] = json!("");
        let mut idle = metadata();
        idle["capabilities"] = json!([]);
        let mut blind = metadata();
        blind["capabilities"][0]["consumes_mime_types"] = json!(["text/plain"]);
        let mut mute = metadata();
        mute["capabilities"][0]["produces_mime_types"] = json!(["text/plain"]);
        let failing = json!({"error": {"message": "no data yet"}});
        for wrong in [
            reply(200, &nameless),
            reply(200, &idle),
            reply(200, &blind),
            reply(200, &mute),
            reply(200, &json!("hello")),
            reply(500, &failing),
        ] {
            stub.says("/metadata", vec![wrong]);
            ping().await.refused(400, "BAD_REQUEST");
        }
        assert!(ping().await.text().contains("no data yet"));
        // It is kept all the same, and shown as what it is.
        let uuid = register(app, "ill", &stub.url).await;
        let found = app
            .get(&format!("{ALL}/{uuid}"))
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(found["health"], "unhealthy");
        let asked = app.get(&format!("{ALL}/{uuid}/metadata")).send().await;
        asked.refused(400, "BAD_REQUEST");
    })
    .await;
}

fn wanted(digest: &str) -> ScanRequest {
    ScanRequest {
        registry: ScanRegistry {
            url: "http://registry.example.com".to_owned(),
            authorization: Secret::new("Bearer short-lived".to_owned()),
        },
        artifact: ScanArtifact {
            repository: "team/app".to_owned(),
            digest: digest.to_owned(),
            tag: String::new(),
            mime_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        },
        report: VULNERABILITY_REPORT,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_waits_for_the_report_and_believes_no_lie() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        let uuid = register(app, "stub", &stub.url).await;
        let adapter = app.parts.scanners.adapter(&uuid).await.unwrap();
        let stop = CancellationToken::new();
        let limit = Duration::from_secs(30);
        let row = json!({"id": "CVE-2026-0001", "package": "a", "version": "1",
            "fix_version": "2", "severity": "High"});
        let good = json!({"artifact": {"digest": "sha256:a"}, "severity": "None",
            "vulnerabilities": [row]});
        let not_yet = Reply {
            headers: "Refresh-After: 1\r\nlocation: /elsewhere\r\n",
            ..reply(302, &json!({}))
        };
        // Slow, with a fault in between.
        stub.says("/scan", vec![reply(202, &json!({"id": "a/../b"}))]);
        stub.says(
            "/report",
            vec![not_yet.clone(), reply(503, &json!({})), reply(200, &good)],
        );
        let report = adapter
            .scan(&wanted("sha256:a"), limit, &stop, &|_| ())
            .await
            .unwrap();
        assert_eq!(report.severity, Severity::High);
        assert_eq!(report.vulnerabilities.len(), 1);
        let heard = stub.heard();
        let asked = heard
            .iter()
            .find(|(head, _)| head.starts_with("POST"))
            .unwrap();
        let body: Value = serde_json::from_str(&asked.1).unwrap();
        assert_eq!(body["artifact"]["digest"], "sha256:a");
        assert_eq!(body["registry"]["authorization"], "Bearer short-lived");
        let path = heard
            .last()
            .unwrap()
            .0
            .split(' ')
            .nth(1)
            .unwrap()
            .to_owned();
        assert_eq!(path, "/api/v1/scan/a%2F%2E%2E%2Fb/report");
        assert!(heard.iter().all(|(head, _)| !head.contains("/elsewhere")));
        // Of another image, and no report at all.
        for lie in [json!({"artifact": {"digest": "sha256:b"}}), json!("clean")] {
            stub.says("/report", vec![reply(200, &lie)]);
            let scanned = adapter
                .scan(&wanted("sha256:a"), limit, &stop, &|_| ())
                .await;
            assert!(
                matches!(scanned, Err(AdapterError::Report(_))),
                "{scanned:?}"
            );
        }
        // Failing for good, and never ready.
        stub.says(
            "/report",
            vec![reply(500, &json!({"error": {"message": "oh"}}))],
        );
        let scanned = adapter
            .scan(&wanted("sha256:a"), limit, &stop, &|_| ())
            .await;
        assert!(
            matches!(scanned, Err(AdapterError::Refused(500, _))),
            "{scanned:?}"
        );
        stub.says("/report", vec![not_yet]);
        let short = Duration::from_millis(300);
        let scanned = adapter
            .scan(&wanted("sha256:a"), short, &stop, &|_| ())
            .await;
        assert!(
            matches!(scanned, Err(AdapterError::TimedOut(_))),
            "{scanned:?}"
        );
        stop.cancel();
        let scanned = adapter
            .scan(&wanted("sha256:a"), limit, &stop, &|_| ())
            .await;
        assert!(matches!(scanned, Err(AdapterError::Stopped)), "{scanned:?}");
    })
    .await;
}
