//! Scans by external scanners, against a stub that speaks the whole protocol: it pulls what it is to
//! scan with what it was given, and answers late.

use std::time::Duration;

use berth_oci::media_type;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, Setup, both_with};
use crate::content::sha256;
use crate::cve_export::exported;
use crate::scanners::{BUILT_IN, KEY, Reply, Stub, register, reply};
use crate::scanning::{MIME, advisory, artifact, import, layer, push, scan, scanned, set};

mod faults;

const EXTERNAL: &str = "http://registry.test:8080";
const INTERNAL: &str = "http://berth.internal:8080";

fn setup() -> Setup {
    Setup {
        tweak: |settings| {
            settings.egress.allow = Some(vec!["127.0.0.0/8".to_owned()]);
            settings.http.external_url = Some(format!("{EXTERNAL}/"));
            settings.http.internal_url = Some(INTERNAL.to_owned());
        },
        ..Setup::default()
    }
}

fn not_yet() -> Reply {
    Reply {
        headers: "Refresh-After: 1\r\nlocation: /elsewhere\r\n",
        ..reply(302, &json!({}))
    }
}

fn row(id: &str, package: &str, severity: &str) -> Value {
    json!({
        "id": id, "package": package, "version": "1.0", "fix_version": "1.1",
        "severity": severity, "description": format!("A flaw of {package}."),
        "links": ["https://example.org/flaw"], "cwe_ids": ["CWE-79"],
        "preferred_cvss": {"score_v3": 8.1, "vector_v3": "CVSS:3.1/AV:N"},
    })
}

fn report(digest: &str, rows: &[Value]) -> Value {
    json!({
        "generated_at": "2026-01-02T00:00:00Z",
        "artifact": {"repository": "x", "digest": digest},
        "scanner": {"name": "Stub", "vendor": "Tests", "version": "1.0"},
        "severity": "None",
        "vulnerabilities": rows,
    })
}

/// Has a project use a scanner of its own; the stub says what it takes.
async fn choose(app: &App, project: &str, stub: &Stub) -> String {
    stub.says("/scan", vec![reply(202, &json!({"id": "scan-1"}))]);
    let uuid = register(app, project, &stub.url).await;
    let of = format!("/api/v2.0/projects/{project}/scanner");
    app.put(&of).json(&json!({"uuid": uuid})).await.expect(200);
    uuid
}

async fn begin(app: &App, repository: &str, reference: &str) {
    let path = format!("{}/scan", artifact(repository, reference));
    app.post(&path).send().await.expect(202);
}

async fn addition(app: &App, repository: &str, reference: &str) -> Value {
    let path = format!(
        "{}/additions/vulnerabilities",
        artifact(repository, reference)
    );
    app.get(&path).send().await.expect(200).json()[MIME].clone()
}

async fn log(app: &App, repository: &str, reference: &str, overview: &Value) -> String {
    let report = overview["report_id"].as_str().unwrap();
    let path = format!("{}/scan/{report}/log", artifact(repository, reference));
    app.get(&path).send().await.expect(200).text()
}

async fn with(app: &App, authorization: &str, path: &str) -> Answer {
    let call = app.get(path).nobody();
    call.header("authorization", authorization).send().await
}

/// What a scanner was given pulls its repository whatever the rules say, and nothing else; gives
/// the token that it gets for it.
async fn pulls_one_repository(app: &App, given: &str, held: &[u8]) -> String {
    let manifest = "/v2/ext/app/manifests/v1";
    // What it was given pulls this repository past the rule, by itself and as a token.
    with(app, given, manifest).await.expect(200);
    let blob = format!("/v2/ext/app/blobs/{}", sha256(held));
    with(app, given, &blob).await.expect(200);
    let service = "/service/token?service=harbor-registry&scope=repository:ext/app:pull";
    let token = with(app, given, service).await.expect(200).json();
    let token = format!("Bearer {}", token["token"].as_str().unwrap());
    with(app, &token, manifest).await.expect(200);
    // Nothing else, and nobody else.
    for authorization in [given, &token] {
        let other = with(app, authorization, "/v2/ext/other/manifests/v1").await;
        other.refused(401, "UNAUTHORIZED");
        let upload = app.post("/v2/ext/app/blobs/uploads/").nobody();
        let upload = upload.header("authorization", authorization).send().await;
        upload.refused(401, "UNAUTHORIZED");
        let api = with(app, authorization, "/api/v2.0/projects/ext").await;
        assert!(matches!(api.status, 401 | 403), "{}", api.status);
        let scope = service.replace("ext/app:pull", "ext/other:pull,push");
        let more = with(app, authorization, &scope).await.expect(200).json();
        let more = format!("Bearer {}", more["token"].as_str().unwrap());
        let other = with(app, &more, "/v2/ext/other/manifests/v1").await;
        other.refused(401, "UNAUTHORIZED");
    }
    token
}

/// What the hub shows, and how much it says there is.
async fn found(app: &App, q: &str, sort: &str) -> (Vec<String>, String) {
    let path = format!("/api/v2.0/security/vul?with_tag=true&sort={sort}&q={q}");
    let answer = app.get(&path).send().await.expect(200);
    let total = answer.need("x-total-count").to_owned();
    let rows = answer.json();
    let rows = rows.as_array().unwrap().iter();
    let told = rows.map(|it| {
        assert_eq!(it["tags"], json!(["v1"]), "{it}");
        let text = |key: &str| it[key].as_str().unwrap().to_owned();
        format!(
            "{} {} {}",
            text("repository_name"),
            text("cve_id"),
            text("severity")
        )
    });
    let mut told: Vec<String> = told.collect();
    if sort.is_empty() {
        told.sort();
    }
    (told, total)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_scanner_pulls_one_repository_and_its_findings_count() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        app.project("ext", false).await;
        choose(app, "ext", &stub).await;
        let strict = json!({"prevent_vul": "true", "severity": "high"});
        set(app, "ext", strict).await;
        let held = layer(&[("libone", "1")]);
        let digest = push(app, "ext/app", "v1", &held).await;
        push(app, "ext/other", "v1", &held).await;
        let manifest = "/v2/ext/app/manifests/v1";
        let pull = async || app.get(manifest).send().await;
        pull().await.refused(412, "PROJECTPOLICYVIOLATION");
        let found = report(
            &digest,
            &[
                row("CVE-2026-7", "libone", "High"),
                row("CVE-2026-8", "libone", "dreadful"),
            ],
        );
        // It answers late, and once not at all.
        stub.says("/report", vec![not_yet()]);
        begin(app, "ext/app", "v1").await;
        let asked: Value = serde_json::from_str(&stub.hears("POST").await).unwrap();
        assert_eq!(asked["registry"]["url"], EXTERNAL);
        assert_eq!(
            asked["artifact"],
            json!({"repository": "ext/app", "digest": digest, "tag": "v1",
                "mime_type": media_type::OCI_MANIFEST})
        );
        assert_eq!(asked["enabled_capabilities"][0]["type"], "vulnerability");
        assert_eq!(
            asked["enabled_capabilities"][0]["produces_mime_types"],
            json!([MIME])
        );
        let given = asked["registry"]["authorization"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(given.starts_with("Basic "), "{given}");
        let token = pulls_one_repository(app, &given, &held).await;
        let mine = app
            .token(
                Some(&app.admin),
                &["repository:ext/app:pull,scanner-pull,*"],
            )
            .await;
        let call = app.get(manifest).bearer(&mine).send().await;
        call.refused(412, "PROJECTPOLICYVIOLATION");
        pull().await.refused(412, "PROJECTPOLICYVIOLATION");
        stub.says("/report", vec![reply(503, &json!({})), reply(200, &found)]);
        let overview = scanned(app, "ext/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
        assert_eq!(
            overview["scanner"],
            json!({"name": "Stub", "vendor": "Tests", "version": "1.0"})
        );
        assert_eq!(overview["severity"], "High");
        assert_eq!(
            overview["summary"],
            json!({"total": 2, "fixable": 2, "summary": {"High": 1, "Unknown": 1}})
        );
        let told = addition(app, "ext/app", "v1").await;
        assert_eq!(told["scanner"]["vendor"], "Tests");
        let first = &told["vulnerabilities"][0];
        assert_eq!(first["id"], "CVE-2026-7");
        assert_eq!(first["fix_version"], "1.1");
        assert_eq!(first["status"], "fixed");
        assert_eq!(first["preferred_cvss"]["score_v3"], 8.1);
        assert_eq!(first["links"], json!(["https://example.org/flaw"]));
        assert_eq!(told["vulnerabilities"][1]["severity"], "Unknown");
        let log = log(app, "ext/app", "v1", &overview).await;
        for line in [
            "scanner ext",
            "Stub 1.0 of Tests",
            "scan-1",
            "503",
            "2 vulnerabilities",
        ] {
            assert!(log.contains(line), "{line:?} is not in {log}");
        }
        let secret = given.strip_prefix("Basic ").unwrap();
        assert!(!log.contains(secret) && !log.contains(&token) && !log.contains(KEY));
        // Judged as any other report.
        let refused = pull().await;
        assert!(refused.text().contains("CVE-2026-7"), "{}", refused.text());
        refused.refused(412, "PROJECTPOLICYVIOLATION");
        let list = json!({"items": [{"cve_id": "CVE-2026-7"}]});
        app.put("/api/v2.0/system/CVEAllowlist")
            .json(&list)
            .await
            .expect(200);
        pull().await.expect(200);
        // So do limits, of what is not let pass.
        set(
            app,
            "ext",
            json!({"vulnerability_limits": "high=0,total=0"}),
        )
        .await;
        let refused = pull().await;
        assert!(refused.text().contains("CVE-2026-8"), "{}", refused.text());
        assert!(!refused.text().contains("CVE-2026-7"), "{}", refused.text());
        set(
            app,
            "ext",
            json!({"vulnerability_limits": "high=0,total=1"}),
        )
        .await;
        pull().await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_shows_what_external_scanners_found_beside_the_rest() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        let mine = app.project("mine", false).await;
        let theirs = app.project("theirs", false).await;
        choose(app, "theirs", &stub).await;
        import(app, &[advisory("CVE-2026-1", "libone", None, "")]).await;
        let held = layer(&[("libone", "1")]);
        let digest = push(app, "mine/app", "v1", &held).await;
        assert_eq!(push(app, "theirs/app", "v1", &held).await, digest);
        scan(app, "mine/app", "v1").await;
        let rows = [
            row("CVE-2026-7", "libtwo", "High"),
            row("CVE-2026-1", "libone", "Low"),
        ];
        stub.says("/report", vec![reply(200, &report(&digest, &rows))]);
        // What is known of the image stays until the scanner has spoken, and in the other project.
        assert_eq!(
            scanned(app, "theirs/app", "v1").await["scanner"]["name"],
            "Berth"
        );
        let overview = scan(app, "theirs/app", "v1").await;
        assert_eq!(overview["scanner"]["name"], "Stub", "{overview}");
        assert_eq!(overview["summary"]["total"], 2);
        let other = scanned(app, "mine/app", "v1").await;
        assert_eq!(other["scanner"]["name"], "Berth");
        assert_eq!(other["summary"]["total"], 1);
        let list = async |q: &str, sort: &str| found(app, q, sort).await;
        let all = [
            "mine/app CVE-2026-1 Critical",
            "theirs/app CVE-2026-1 Low",
            "theirs/app CVE-2026-7 High",
        ];
        assert_eq!(
            list("", "").await,
            (all.map(str::to_owned).to_vec(), "3".to_owned())
        );
        let (of_one, _) = list("cve_id%3DCVE-2026-1", "").await;
        assert_eq!(of_one, all[..2]);
        let (high, _) = list("severity%3DHigh,tag%3Dv1,project_id%3D[1~9]", "").await;
        assert_eq!(high, all[2..]);
        let (package, _) = list("package%3Dlibtwo", "").await;
        assert_eq!(package, all[2..]);
        let (sorted, _) = list("", "-package,repository_name").await;
        assert_eq!(sorted, [all[2], all[0], all[1]]);
        let page = "/api/v2.0/security/vul?page_size=1&page=2&sort=-package,repository_name";
        let page = app.get(page).send().await.expect(200).json();
        assert_eq!(page[0]["repository_name"], "mine/app");
        let outside = app
            .get("/api/v2.0/security/vul?q=package%3Dlibtwo")
            .send()
            .await;
        let outside = outside.expect(200).json();
        assert_eq!(outside[0]["desc"], "A flaw of libtwo.");
        assert_eq!(outside[0]["cvss_v3_score"], 8.1);
        assert_eq!(outside[0]["links"], json!(["https://example.org/flaw"]));
        let summary = "/api/v2.0/security/summary?with_dangerous_cve=true\
            &with_dangerous_artifact=true";
        let summary = app.get(summary).send().await.expect(200).json();
        assert_eq!(summary["total_vuls"], 3, "{summary}");
        assert_eq!(
            (&summary["critical_cnt"], &summary["high_cnt"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(summary["scanned_cnt"], 2);
        let named: Vec<&str> = summary["dangerous_cves"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["cve_id"].as_str().unwrap())
            .collect();
        assert_eq!(named, ["CVE-2026-1", "CVE-2026-7"]);
        assert_eq!(summary["dangerous_cves"][1]["desc"], "A flaw of libtwo.");
        assert_eq!(summary["dangerous_artifacts"].as_array().unwrap().len(), 2);
        // So does an export, of each project its own.
        let wanted = json!({"projects": [mine, theirs]});
        let all_exported = [
            "mine/app CVE-2026-1",
            "theirs/app CVE-2026-1",
            "theirs/app CVE-2026-7",
        ];
        assert_eq!(exported(app, wanted).await, all_exported);
        // New advisories change what they are about, and nothing that a scanner said.
        import(app, &[advisory("CVE-2026-3", "libone", None, "")]).await;
        let (now, _) = list("", "").await;
        assert_eq!(now, ["mine/app CVE-2026-3 Critical", all[1], all[2]]);
        // The project comes back to the built-in scanner: its next scan replaces the report.
        let of = "/api/v2.0/projects/theirs/scanner";
        app.put(of)
            .json(&json!({"uuid": BUILT_IN}))
            .await
            .expect(200);
        assert_eq!(
            scanned(app, "theirs/app", "v1").await["scanner"]["name"],
            "Stub"
        );
        let overview = scan(app, "theirs/app", "v1").await;
        assert_eq!(overview["scanner"]["name"], "Berth");
        assert_eq!(overview["summary"]["total"], 1);
        let (now, _) = list("", "").await;
        let both = [
            "mine/app CVE-2026-3 Critical",
            "theirs/app CVE-2026-3 Critical",
        ];
        assert_eq!(now, both);
        assert_eq!(app.count("SELECT COUNT(*) FROM external_finding").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_indexes_and_scans_of_everything_use_the_scanner_of_each_project() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        app.project("ext", false).await;
        app.project("own", false).await;
        let uuid = choose(app, "ext", &stub).await;
        let empty = json!({"vulnerabilities": null});
        stub.says("/report", vec![reply(200, &empty)]);
        set(app, "ext", json!({"auto_scan": "true"})).await;
        let held = layer(&[("a", "1")]);
        let child = push(app, "ext/app", "v1", &held).await;
        assert_eq!(
            scanned(app, "ext/app", "v1").await["scanner"]["name"],
            "Stub"
        );
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [{
                "mediaType": media_type::OCI_MANIFEST, "digest": child,
                "size": app.count("SELECT MAX(size) FROM manifest").await,
            }],
        });
        stub.forget();
        app.put_manifest("ext/app", "index", &index)
            .await
            .expect(201);
        let asked: Value = serde_json::from_str(&stub.hears("POST").await).unwrap();
        assert_eq!(asked["artifact"]["digest"], json!(child));
        scanned(app, "ext/app", "index").await;
        scanned(app, "ext/app", "v1").await;
        // Everything: the same image once for each.
        assert_eq!(push(app, "own/app", "v1", &held).await, child);
        push(app, "own/more", "v1", &held).await;
        stub.forget();
        let now = json!({"schedule": {"type": "Manual"}});
        app.post("/api/v2.0/system/scanAll/schedule")
            .json(&now)
            .await
            .expect(201);
        let metrics = async || {
            let told = app.get("/api/v2.0/scans/all/metrics").send().await;
            told.expect(200).json()
        };
        let mut told = metrics().await;
        while told["ongoing"] == true || told["trigger"] == Value::Null {
            tokio::time::sleep(Duration::from_millis(25)).await;
            told = metrics().await;
        }
        assert_eq!(
            (&told["total"], &told["completed"]),
            (&json!(2), &json!(2)),
            "{told}"
        );
        assert_eq!(told["metrics"], json!({"Success": 2}));
        assert_eq!(
            scanned(app, "own/app", "v1").await["scanner"]["name"],
            "Berth"
        );
        assert_eq!(
            scanned(app, "ext/app", "v1").await["scanner"]["name"],
            "Stub"
        );
        let posted = stub.heard();
        let posted = posted.iter().filter(|(head, _)| head.starts_with("POST"));
        assert_eq!(posted.count(), 1);
        // The default of the system counts where a project chose nothing.
        let default = format!("/api/v2.0/scanners/{uuid}");
        app.patch(&default)
            .json(&json!({"is_default": true}))
            .await
            .expect(200);
        assert_eq!(scan(app, "own/app", "v1").await["scanner"]["name"], "Stub");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pulls_of_scanners_are_not_counted_where_that_is_wanted() {
    both_with(&setup(), async |app| {
        let stub = Stub::start().await;
        app.project("count", false).await;
        choose(app, "count", &stub).await;
        push(app, "count/app", "v1", &layer(&[("a", "1")])).await;
        stub.says("/report", vec![not_yet()]);
        begin(app, "count/app", "v1").await;
        let asked: Value = serde_json::from_str(&stub.hears("POST").await).unwrap();
        let given = asked["registry"]["authorization"].as_str().unwrap();
        let manifest = "/v2/count/app/manifests/v1";
        let pulls = async || {
            app.parts.catalog.recorder().flush().await.unwrap();
            app.count("SELECT pull_count FROM repository").await
        };
        with(app, given, manifest).await.expect(200);
        assert_eq!(pulls().await, 1);
        let skip = json!({"scanner_skip_update_pulltime": true});
        app.put("/api/v2.0/configurations")
            .json(&skip)
            .await
            .expect(200);
        let before = app
            .count("SELECT COALESCE(MAX(pulled_at), 0) FROM manifest")
            .await;
        with(app, given, manifest).await.expect(200);
        assert_eq!(pulls().await, 1);
        let after = app
            .count("SELECT COALESCE(MAX(pulled_at), 0) FROM manifest")
            .await;
        assert_eq!(after, before);
        app.get(manifest).send().await.expect(200);
        assert_eq!(pulls().await, 2);
        let stop = format!("{}/scan/stop", artifact("count/app", "v1"));
        app.post(&stop).send().await.expect(202);
    })
    .await;
}
