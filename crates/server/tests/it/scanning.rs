//! Scans in the server: what is found, what is refused to be pulled, and what an import changes.

use berth_oci::media_type;
use berth_vuln::FeedChange;
use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{App, both};
use crate::content::{config, descriptor, sha256};
use crate::corruption::{Damage, damage, stored};
use crate::webhooks::{self, Receiver};

pub(crate) const MIME: &str = "application/vnd.security.vulnerability.report; version=1.1";

/// A layer of plain tar: Debian 12 with these packages.
pub(crate) fn layer(packages: &[(&str, &str)]) -> Bytes {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, path, bytes).unwrap();
    };
    add(
        "etc/os-release",
        b"ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
    );
    let mut status = String::new();
    for (name, version) in packages {
        let lines = [
            format!("Package: {name}"),
            "Status: install ok installed".to_owned(),
            "Architecture: amd64".to_owned(),
            format!("Version: {version}"),
        ];
        status.push_str(&lines.join("\n"));
        status.push_str("\n\n");
    }
    add("var/lib/dpkg/status", status.as_bytes());
    Bytes::from(tar.into_inner().unwrap())
}

/// Pushes an image of one such layer; gives its digest.
pub(crate) async fn push(app: &App, repository: &str, tag: &str, layer: &Bytes) -> String {
    let config = config(tag);
    app.push_blob(repository, &config).await;
    app.push_blob(repository, layer).await;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, &config),
        "layers": [descriptor(media_type::OCI_LAYER, layer)],
    });
    let pushed = app.put_manifest(repository, tag, &manifest).await;
    pushed.expect(201).need("docker-content-digest").to_owned()
}

/// An advisory in OSV's form.
pub(crate) fn advisory(id: &str, package: &str, fixed: Option<&str>, urgency: &str) -> Value {
    let mut events = vec![json!({"introduced": "0"})];
    events.extend(fixed.map(|fixed| json!({"fixed": fixed})));
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "modified": "2026-01-02T00:00:00Z",
        "published": "2026-01-01T00:00:00Z",
        "details": format!("A flaw of {package}."),
        "affected": [{
            "package": {"ecosystem": "Debian:12", "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
            "ecosystem_specific": {"urgency": urgency},
        }],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "references": [{"type": "WEB", "url": "https://example.org/advisory"}],
    })
}

pub(crate) async fn import(app: &App, advisories: &[Value]) -> FeedChange {
    try_import(app, advisories).await.expect("imported")
}

/// As [`import`], which fails where another import of the feed begins meanwhile.
pub(crate) async fn try_import(
    app: &App,
    advisories: &[Value],
) -> Result<FeedChange, berth_vuln::VulnError> {
    let folder = TempDir::new().unwrap();
    for one in advisories {
        let file = format!("{}.json", one["id"].as_str().unwrap());
        std::fs::write(folder.path().join(file), one.to_string()).unwrap();
    }
    let scanning = &app.parts.scanning;
    scanning.import("made", folder.path(), false).await
}

pub(crate) fn artifact(repository: &str, reference: &str) -> String {
    let (project, rest) = repository.split_once('/').unwrap();
    format!("/api/v2.0/projects/{project}/repositories/{rest}/artifacts/{reference}")
}

/// The overview of an artifact once its scan has ended.
pub(crate) async fn scanned(app: &App, repository: &str, reference: &str) -> Value {
    let path = format!(
        "{}?with_scan_overview=true",
        artifact(repository, reference)
    );
    for _ in 0..1200 {
        let found = app.get(&path).send().await.expect(200).json();
        let overview = &found["scan_overview"][MIME];
        if matches!(
            overview["scan_status"].as_str(),
            Some("Success" | "Error" | "Stopped")
        ) {
            return overview.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the scan of {repository}:{reference} does not end");
}

/// Scans, and waits until the job is over: once it has stored its report, it matches again what an
/// import has brought meanwhile, and that import would count less.
pub(crate) async fn scan(app: &App, repository: &str, reference: &str) -> Value {
    const RUNNING: &str =
        "SELECT COUNT(*) FROM task WHERE kind = 'IMAGE_SCAN' AND status = 'Running'";
    let path = format!("{}/scan", artifact(repository, reference));
    app.post(&path).send().await.expect(202);
    let overview = scanned(app, repository, reference).await;
    for _ in 0..1200 {
        if app.count(RUNNING).await == 0 {
            return overview;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the job that scanned {repository}:{reference} does not end");
}

/// Pauses or resumes scans: `pause`, `resume`.
pub(crate) async fn pause(app: &App, action: &str) {
    let body = json!({"action": action});
    let at = "/api/v2.0/jobservice/queues/IMAGE_SCAN";
    app.put(at).json(&body).await.expect(200);
}

pub(crate) async fn set(app: &App, project: &str, metadata: Value) {
    let path = format!("/api/v2.0/projects/{project}");
    let body = json!({"metadata": metadata});
    app.put(&path).json(&body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_scanned_and_its_report_read() {
    both(async |app| {
        app.project("scans", false).await;
        import(
            app,
            &[
                advisory("CVE-2026-1", "libone", Some("1.2-1"), "unimportant"),
                advisory("CVE-2026-2", "libtwo", None, ""),
                advisory("CVE-2026-3", "libone", Some("1.0-1"), ""),
            ],
        )
        .await;
        let held = layer(&[("libone", "1.1-1"), ("libtwo", "2.0"), ("other", "1")]);
        push(app, "scans/app", "v1", &held).await;
        let before = format!("{}/additions/vulnerabilities", artifact("scans/app", "v1"));
        let none = app.get(&before).send().await.expect(200).json();
        assert_eq!(none, json!({}), "nothing was scanned yet");
        let overview = scan(app, "scans/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
        assert_eq!(overview["summary"]["total"], 2);
        assert_eq!(overview["summary"]["fixable"], 1);
        assert_eq!(overview["severity"], "Critical");
        let report = app.get(&before).send().await.expect(200).json();
        let found = report[MIME]["vulnerabilities"].as_array().unwrap();
        let told: Vec<String> = found
            .iter()
            .map(|it| format!("{} {} {}", it["id"], it["package"], it["fix_version"]))
            .collect();
        assert_eq!(
            told,
            [
                r#""CVE-2026-2" "libtwo" """#,
                r#""CVE-2026-1" "libone" "1.2-1""#
            ]
        );
        assert_eq!(found[0]["links"], json!(["https://example.org/advisory"]));
        assert_eq!(found[0]["preferred_cvss"]["score_v3"], 9.8);
        assert_eq!(report[MIME]["feeds"][0]["name"], "made");
        let log = format!(
            "{}/scan/{}/log",
            artifact("scans/app", "v1"),
            overview["report_id"].as_str().unwrap()
        );
        let log = app.get(&log).send().await.expect(200).text();
        assert!(log.contains("3 packages of debian 12"), "{log}");
        // What belongs to nobody's scan is not there.
        let wrong = format!("{}/scan/nothing/log", artifact("scans/app", "v1"));
        app.get(&wrong).send().await.refused(404, "NOT_FOUND");
        let feeds = app.get("/api/v2.0/advisories/feeds").send().await;
        assert_eq!(feeds.expect(200).json()[0]["advisories"], 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vulnerable_image_is_pulled_only_when_it_is_let_pass() {
    both(async |app| {
        app.project("gate", false).await;
        import(app, &[advisory("CVE-2026-9", "libbad", Some("2"), "")]).await;
        let good = layer(&[("libgood", "1")]);
        let bad = layer(&[("libbad", "1"), ("libgood", "1")]);
        push(app, "gate/app", "early", &good).await;
        set(
            app,
            "gate",
            json!({"prevent_vul": "true", "severity": "high", "auto_scan": "true"}),
        )
        .await;
        let pull = |tag: &str| {
            let call = app.get(&format!("/v2/gate/app/manifests/{tag}"));
            async move { call.send().await }
        };
        let unscanned = pull("early").await;
        unscanned.refused(412, "PROJECTPOLICYVIOLATION");
        // What is pushed now is scanned at once.
        push(app, "gate/app", "good", &good).await;
        push(app, "gate/app", "bad", &bad).await;
        assert_eq!(
            scanned(app, "gate/app", "bad").await["severity"],
            "Critical"
        );
        scanned(app, "gate/app", "good").await;
        pull("good").await.expect(200);
        let refused = pull("bad").await;
        let text = refused.text();
        refused.refused(412, "PROJECTPOLICYVIOLATION");
        assert!(text.contains("CVE-2026-9"), "{text}");
        // A HEAD is answered: clients ask so whether they have the image already.
        app.head("/v2/gate/app/manifests/bad")
            .send()
            .await
            .expect(200);
        let list = json!({"items": [{"cve_id": "CVE-2026-9"}]});
        app.put("/api/v2.0/system/CVEAllowlist")
            .json(&list)
            .await
            .expect(200);
        pull("bad").await.expect(200);
        let expired = json!({"items": [{"cve_id": "CVE-2026-9"}], "expires_at": 1000});
        app.put("/api/v2.0/system/CVEAllowlist")
            .json(&expired)
            .await
            .expect(200);
        pull("bad").await.refused(412, "PROJECTPOLICYVIOLATION");
        set(
            app,
            "gate",
            json!({"severity": "critical", "prevent_vul": "false"}),
        )
        .await;
        pull("bad").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_changes_the_images_that_it_is_about_and_reads_no_layer() {
    both(async |app| {
        app.project("feeds", false).await;
        let first = [
            advisory("CVE-2026-11", "liba", Some("2"), ""),
            advisory("CVE-2026-12", "libb", Some("2"), ""),
        ];
        let taken = import(app, &first).await;
        assert_eq!(
            (taken.changed, taken.removed, taken.rematch.images),
            (2, 0, 0)
        );
        for (tag, package) in [("a", "liba"), ("b", "libb"), ("c", "libc")] {
            push(
                app,
                "feeds/app",
                tag,
                &layer(&[(package, "1"), ("base", "1")]),
            )
            .await;
            scan(app, "feeds/app", tag).await;
        }
        let read = app.count("SELECT COUNT(*) FROM layer_index").await;
        assert_eq!(read, 3);
        let total = async |tag: &str| {
            let path = format!("{}?with_scan_overview=true", artifact("feeds/app", tag));
            let found = app.get(&path).send().await.expect(200).json();
            found["scan_overview"][MIME]["summary"]["total"].as_i64()
        };
        assert_eq!(total("c").await, Some(0));
        // The same again changes nothing.
        let same = import(app, &first).await;
        assert_eq!((same.changed, same.removed, same.rematch.images), (0, 0, 0));
        let second = [
            advisory("CVE-2026-11", "liba", Some("2"), ""),
            advisory("CVE-2026-13", "libc", None, ""),
        ];
        app.parts
            .db
            .write::<_, berth_db::DbError, _>(|tx| {
                Box::pin(async move {
                    // Were a layer read now, it would be written down again.
                    tx.execute("DELETE FROM layer_index", berth_db::args![])
                        .await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let changed = import(app, &second).await;
        assert_eq!((changed.changed, changed.removed), (1, 1));
        assert_eq!((changed.rematch.packages, changed.rematch.images), (2, 2));
        assert_eq!(app.count("SELECT COUNT(*) FROM layer_index").await, 0);
        assert_eq!(total("a").await, Some(1));
        assert_eq!(total("b").await, Some(0));
        assert_eq!(total("c").await, Some(1));
        // An advisory that was withdrawn is none any more.
        let mut withdrawn = second.clone();
        withdrawn[1]["withdrawn"] = json!("2026-02-01T00:00:00Z");
        import(app, &withdrawn).await;
        assert_eq!(total("c").await, Some(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_layer_is_an_error_of_its_scan_and_of_nothing_else() {
    both(async |app| {
        app.project("hostile", false).await;
        let held = layer(&[("lib", "1")]);
        push(app, "hostile/app", "cut", &held.slice(..held.len() / 3)).await;
        push(app, "hostile/app", "junk", &Bytes::from(vec![0x1f; 5000])).await;
        push(app, "hostile/app", "empty", &Bytes::new()).await;
        for tag in ["cut", "junk", "empty"] {
            let overview = scan(app, "hostile/app", tag).await;
            let status = overview["scan_status"].as_str().unwrap();
            assert!(matches!(status, "Success" | "Error"), "{tag}: {overview}");
        }
        push(app, "hostile/app", "good", &held).await;
        assert_eq!(
            scan(app, "hostile/app", "good").await["scan_status"],
            "Success"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_scan_is_told() {
    let setup = webhooks::setup();
    crate::app::both_with(&setup, async |app| {
        app.project("told", false).await;
        let mut receiver = Receiver::start(vec![200]).await;
        let target = json!([{"type": "http", "address": receiver.address}]);
        webhooks::make(app, "told", "scans", &["SCANNING_COMPLETED"], target).await;
        push(app, "told/app", "v1", &layer(&[("lib", "1")])).await;
        scan(app, "told/app", "v1").await;
        let (_, body) = receiver.next().await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["type"], "SCANNING_COMPLETED", "{body}");
        assert_eq!(body["operator"], "auto");
        let told = &body["event_data"];
        assert_eq!(told["scan"]["scan_type"], "vulnerability", "{body}");
        let resource = &told["resources"][0];
        assert_eq!(resource["tag"], "v1", "{body}");
        assert_eq!(resource["scan_overview"][MIME]["scan_status"], "Success");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_fails_or_is_stopped_is_told() {
    let setup = webhooks::setup();
    crate::app::both_with(&setup, async |app| {
        app.project("ends", false).await;
        let mut receiver = Receiver::start(vec![200; 8]).await;
        let target = json!([{"type": "http", "address": receiver.address}]);
        let kinds = ["SCANNING_FAILED", "SCANNING_STOPPED", "SCANNING_COMPLETED"];
        webhooks::make(app, "ends", "scans", &kinds, target).await;
        let mut told = async || {
            let (_, body) = receiver.next().await;
            let body: Value = serde_json::from_str(&body).unwrap();
            let resource = body["event_data"]["resources"][0].clone();
            let overview = &resource["scan_overview"][MIME]["scan_status"];
            (
                body["type"].as_str().unwrap().to_owned(),
                resource["tag"].as_str().unwrap().to_owned(),
                overview.as_str().unwrap().to_owned(),
            )
        };
        let said = |kind: &str, tag: &str, status: &str| {
            (kind.to_owned(), tag.to_owned(), status.to_owned())
        };
        let held = layer(&[("gone", "1")]);
        push(app, "ends/app", "broken", &held).await;
        damage(&stored(app, &sha256(&held)), Damage::Remove);
        assert_eq!(
            scan(app, "ends/app", "broken").await["scan_status"],
            "Error"
        );
        assert_eq!(told().await, said("SCANNING_FAILED", "broken", "Error"));
        // One that waits is stopped before it begins.
        pause(app, "pause").await;
        push(app, "ends/app", "waits", &layer(&[("lib", "1")])).await;
        let at = artifact("ends/app", "waits");
        app.post(&format!("{at}/scan")).send().await.expect(202);
        app.post(&format!("{at}/scan/stop"))
            .send()
            .await
            .expect(202);
        let overview = scanned(app, "ends/app", "waits").await;
        assert_eq!(overview["scan_status"], "Stopped");
        assert_eq!(told().await, said("SCANNING_STOPPED", "waits", "Stopped"));
        // Once more changes nothing and is told to nobody.
        app.post(&format!("{at}/scan/stop"))
            .send()
            .await
            .expect(202);
        pause(app, "resume").await;
        scan(app, "ends/app", "waits").await;
        assert_eq!(told().await, said("SCANNING_COMPLETED", "waits", "Success"));
    })
    .await;
}

/// What the security hub finds: name, repository.
async fn ask(app: &App, q: &str) -> Vec<String> {
    let path = format!("/api/v2.0/security/vul?page_size=20&with_tag=true{q}");
    let answer = app.get(&path).send().await.expect(200);
    let total = answer.need("x-total-count").to_owned();
    let rows = answer.json();
    let rows = rows.as_array().unwrap().iter().map(|row| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        assert_eq!(row["tags"].as_array().unwrap().len(), 1, "{row}");
        format!("{} {}", text("cve_id"), text("repository_name"))
    });
    let mut rows: Vec<String> = rows.collect();
    assert_eq!(total, rows.len().to_string());
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_finds_vulnerabilities_in_all_images() {
    both(async |app| {
        app.project("hub", false).await;
        let mut mild = advisory("CVE-2026-42", "libtwo", Some("3"), "low");
        mild["severity"][0]["score"] = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N".into();
        import(
            app,
            &[advisory("CVE-2026-41", "libone", Some("1.2"), ""), mild],
        )
        .await;
        let both = layer(&[("libone", "1"), ("libtwo", "2")]);
        let one = layer(&[("libone", "1")]);
        push(app, "hub/both", "v1", &both).await;
        push(app, "hub/one", "v1", &one).await;
        let same = push(app, "hub/copy", "v7", &one).await;
        push(app, "hub/unscanned", "v2", &layer(&[("libtwo", "1")])).await;
        scan(app, "hub/both", "v1").await;
        scan(app, "hub/one", "v1").await;
        scan(app, "hub/copy", "v7").await;
        let summary = "/api/v2.0/security/summary";
        let plain = app.get(summary).send().await.expect(200).json();
        assert_eq!(plain["total_artifact"], 4, "{plain}");
        assert_eq!(plain["scanned_cnt"], 3, "{plain}");
        assert_eq!(plain["dangerous_cves"], Value::Null, "{plain}");
        let whole = format!("{summary}?with_dangerous_cve=true&with_dangerous_artifact=true");
        let whole = app.get(&whole).send().await.expect(200).json();
        let named = whole["dangerous_cves"].as_array().unwrap();
        assert_eq!(named.len(), 2, "{whole}");
        assert_eq!(named[0]["cve_id"], "CVE-2026-41", "{whole}");
        assert_eq!(named[0]["cvss_score_v3"], 9.8, "{whole}");
        let worst = whole["dangerous_artifacts"].as_array().unwrap();
        assert_eq!(worst.len(), 3, "{whole}");
        let everywhere = [
            "CVE-2026-41 hub/both",
            "CVE-2026-41 hub/copy",
            "CVE-2026-41 hub/one",
        ];
        assert_eq!(ask(app, "&q=cve_id%3DCVE-2026-41").await, everywhere);
        assert_eq!(
            ask(app, "&q=cvss_score_v3%3D%5B9.5~10%5D").await,
            everywhere
        );
        assert_eq!(
            ask(app, "&q=package%3Dlibone&tune_count=true").await,
            everywhere
        );
        assert_eq!(ask(app, "").await.len(), 4);
        let mild = ["CVE-2026-42 hub/both"];
        assert_eq!(ask(app, "&q=severity%3DLow").await, mild);
        assert_eq!(ask(app, "&q=cvss_score_v3%3D%5B~3.0%5D").await, mild);
        assert_eq!(ask(app, "&q=tag%3Dv7").await, ["CVE-2026-41 hub/copy"]);
        assert_eq!(ask(app, "&q=repository_name%3D~nothing").await, [""; 0]);
        let digest = format!("/api/v2.0/security/vul?q=digest%3D{same}");
        let held = app.get(&digest).send().await.expect(200).json();
        assert_eq!(held.as_array().unwrap().len(), 1, "{held}");
        assert_eq!(held[0]["fixed_version"], "1.2", "{held}");
        for wrong in ["x%3D1", "cvss_score_v3%3Dhigh", "package%3D%5B1~2%5D"] {
            let path = format!("/api/v2.0/security/vul?q={wrong}");
            app.get(&path).send().await.refused(400, "BAD_REQUEST");
        }
        // What is deleted counts no more.
        app.delete("/api/v2.0/projects/hub/repositories/both")
            .send()
            .await
            .expect(200);
        assert_eq!(ask(app, "").await.len(), 2);
        let after = app.get(summary).send().await.expect(200).json();
        assert_eq!(after["low_cnt"], 0, "{after}");
    })
    .await;
}
