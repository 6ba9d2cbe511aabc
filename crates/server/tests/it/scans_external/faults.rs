//! Scanners that are slow, fail and lie: how such scans end, and what their logs say.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{INTERNAL, addition, begin, choose, log, not_yet, report, row, setup, with};
use crate::app::both_with;
use crate::scanners::{KEY, Reply, Stub, metadata, reply};
use crate::scanning::{artifact, layer, push, scan, scanned};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_scanner_lies_is_not_believed_and_its_log_says_why() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        app.project("lies", false).await;
        choose(app, "lies", &stub).await;
        let digest = push(app, "lies/app", "v1", &layer(&[("a", "1")])).await;
        let good = report(&digest, &[row("CVE-2026-7", "a", "Low")]);
        stub.says("/report", vec![reply(200, &good)]);
        scan(app, "lies/app", "v1").await;
        let typed = |headers: &'static str| Reply {
            headers,
            ..reply(200, &good)
        };
        let many: Vec<Value> = (0..100_001)
            .map(|nr| json!({"id": nr.to_string()}))
            .collect();
        let echo = json!({"error": {"message": "no: @authorization@"}});
        let text = |body: &str| Reply {
            body: body.to_owned(),
            ..reply(200, &Value::Null)
        };
        for (lie, sentence) in [
            (reply(200, &report("sha256:other", &[])), "sha256:other"),
            (typed("content-type: text/html\r\n"), "text/html"),
            (
                typed("content-type: application/vnd.security.sbom.report+json; version=1.0\r\n"),
                "sbom",
            ),
            (text("<html>"), "cannot be read"),
            (
                text("{\"vulnerabilities\": \"@authorization@\"}"),
                "cannot be read",
            ),
            (reply(200, &report(&digest, &many)), "100000"),
            (
                reply(200, &report(&digest, &[json!({"package": "a"})])),
                "does not say which",
            ),
            (
                Reply {
                    headers: "location: http://127.0.0.1:1/\r\n",
                    ..reply(307, &json!({}))
                },
                "307",
            ),
            (reply(500, &echo), "500: no: "),
            (text(&"x".repeat(65 * 1024 * 1024)), "did not scan"),
        ] {
            stub.says("/report", vec![lie]);
            stub.forget();
            let overview = scan(app, "lies/app", "v1").await;
            assert_eq!(overview["scan_status"], "Error", "{sentence}");
            let asked: Value = serde_json::from_str(&stub.hears("POST").await).unwrap();
            let given = asked["registry"]["authorization"].as_str().unwrap();
            let log = log(app, "lies/app", "v1", &overview).await;
            assert!(log.contains(sentence), "{sentence:?} is not in {log}");
            assert!(log.contains("scan again"), "{log}");
            assert!(!log.contains(given.split_once(' ').unwrap().1), "{log}");
            // What was found before stays.
            assert_eq!(overview["summary"]["total"], 1);
            assert_eq!(
                addition(app, "lies/app", "v1").await["vulnerabilities"][0]["id"],
                "CVE-2026-7"
            );
        }
        // Nor is it taken at its word when it is asked to scan.
        for lie in [
            reply(202, &json!({"id": ""})),
            reply(202, &json!({"id": 7})),
            reply(200, &json!({"id": "x"})),
            reply(422, &echo),
            text("no"),
        ] {
            stub.says("/scan", vec![lie]);
            let overview = scan(app, "lies/app", "v1").await;
            assert_eq!(overview["scan_status"], "Error");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_that_cannot_be_used_is_named_in_the_log() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        app.project("ill", false).await;
        let uuid = choose(app, "ill", &stub).await;
        let digest = push(app, "ill/app", "v1", &layer(&[("a", "1")])).await;
        let failed = async |sentence: &str| {
            let overview = scan(app, "ill/app", "v1").await;
            assert_eq!(overview["scan_status"], "Error", "{sentence}");
            let log = log(app, "ill/app", "v1", &overview).await;
            assert!(log.contains(sentence), "{sentence:?} is not in {log}");
        };
        let mut other = metadata();
        other["scanner"]["vendor"] = json!("");
        stub.says("/metadata", vec![reply(200, &other)]);
        failed("the scanner ill did not scan").await;
        // It reads Docker's manifests alone, and this is an OCI one: said before it is asked.
        let mut docker = metadata();
        docker["capabilities"][0]["consumes_mime_types"] =
            json!(["application/vnd.docker.distribution.manifest.v2+json"]);
        stub.says("/metadata", vec![reply(200, &docker)]);
        stub.forget();
        failed("does not read application/vnd.oci.image.manifest.v1+json").await;
        assert!(
            stub.heard()
                .iter()
                .all(|(head, _)| !head.starts_with("POST"))
        );
        // By the first version's report, and with a token where it wants one.
        let mut old = metadata();
        let report_1 = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0";
        old["capabilities"][0]["produces_mime_types"] = json!([report_1]);
        old["properties"]["harbor.scanner-adapter/registry-authorization-type"] = json!("Bearer");
        stub.says("/metadata", vec![reply(200, &old)]);
        stub.says("/report", vec![reply(200, &report(&digest, &[]))]);
        let body = json!({"name": "ill", "url": stub.url, "auth": "X-ScannerAdapter-API-Key",
            "access_credential": KEY, "use_internal_addr": true});
        let one = format!("/api/v2.0/scanners/{uuid}");
        app.put(&one).json(&body).await.expect(200);
        stub.forget();
        let overview = scan(app, "ill/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success");
        assert_eq!(overview["severity"], "None");
        let asked: Value = serde_json::from_str(&stub.hears("POST").await).unwrap();
        assert_eq!(asked["registry"]["url"], INTERNAL);
        assert_eq!(
            asked["enabled_capabilities"][0]["produces_mime_types"],
            json!([report_1])
        );
        let token = asked["registry"]["authorization"].as_str().unwrap();
        assert!(token.starts_with("Bearer "), "{token}");
        with(app, token, "/v2/ill/app/manifests/v1")
            .await
            .expect(200);
        // Whoever came by the internal address is sent to no other for a token.
        let call = app
            .get("/v2/")
            .nobody()
            .header("host", "berth.internal:8080");
        let challenge = call.send().await.expect(401);
        let challenge = challenge.need("www-authenticate");
        assert!(
            challenge.contains(&format!("{INTERNAL}/service/token")),
            "{challenge}"
        );
        let disabled = json!({"name": "ill", "url": stub.url, "disabled": true});
        app.put(&one).json(&disabled).await.expect(200);
        failed("the scanner ill is disabled: enable it first").await;
        let nowhere = json!({"name": "ill", "url": "http://127.0.0.1:9"});
        app.put(&one).json(&nowhere).await.expect(200);
        failed("the scanner ill did not scan").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_waits_for_its_scanner_is_stopped_at_once_and_delays_no_other() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        app.project("slow", false).await;
        app.project("quick", false).await;
        choose(app, "slow", &stub).await;
        let held = layer(&[("a", "1")]);
        stub.says("/report", vec![not_yet()]);
        for nr in 0..6 {
            let tag = format!("v{nr}");
            push(app, "slow/app", &tag, &layer(&[("a", &tag)])).await;
            begin(app, "slow/app", &tag).await;
        }
        stub.hears("GET /api/v1/scan").await;
        // As many wait as are made at a time, and another is made at once.
        push(app, "quick/app", "v1", &held).await;
        assert_eq!(scan(app, "quick/app", "v1").await["scan_status"], "Success");
        let stop = format!("{}/scan/stop", artifact("slow/app", "v0"));
        let begun = Instant::now();
        app.post(&stop).send().await.expect(202);
        let overview = scanned(app, "slow/app", "v0").await;
        assert_eq!(overview["scan_status"], "Stopped");
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        for nr in 1..6 {
            let stop = format!("{}/scan/stop", artifact("slow/app", &format!("v{nr}")));
            app.post(&stop).send().await.expect(202);
        }
    })
    .await;
}
