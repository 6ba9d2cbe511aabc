//! Exports of vulnerabilities: what is in them, whose they are, and how long.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_db::{DbError, args};
use berth_model::{Clock, Timestamp};
use berth_oci::media_type;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, Setup, both, both_with};
use crate::client::Login;
use crate::content::sha256;
use crate::scanning::{MIME, advisory, artifact, import, layer, push, scan};

const EXPORT: &str = "/api/v2.0/export/cve";

pub(crate) async fn ask(app: &App, who: &Login, body: &Value) -> Answer {
    let call = app.post(EXPORT).by(who).header("x-scan-data-type", MIME);
    call.json(body).await
}

async fn begin(app: &App, who: &Login, body: &Value) -> i64 {
    let answer = ask(app, who, body).await.expect(200).json();
    answer["id"].as_i64().unwrap()
}

/// An export once it has ended.
pub(crate) async fn ended(app: &App, who: &Login, id: i64) -> Value {
    let path = format!("{EXPORT}/execution/{id}");
    for _ in 0..1200 {
        let found = app.get(&path).by(who).send().await.expect(200).json();
        if matches!(
            found["status"].as_str(),
            Some("Success" | "Error" | "Stopped")
        ) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the export {id} does not end");
}

async fn fetch(app: &App, who: &Login, id: i64) -> Answer {
    let path = format!("{EXPORT}/download/{id}");
    app.get(&path).by(who).send().await
}

fn csv(file: &Answer) -> String {
    String::from_utf8(file.body.to_vec()).unwrap()
}

/// What is exported, as `repository cve`, in order.
pub(crate) async fn exported(app: &App, body: Value) -> Vec<String> {
    let id = begin(app, &app.admin, &body).await;
    let run = ended(app, &app.admin, id).await;
    assert_eq!(run["status"], "Success", "{run}");
    let text = csv(&fetch(app, &app.admin, id).await.expect(200));
    let mut rows: Vec<String> = text
        .split_terminator("\r\n")
        .skip(1)
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            format!("{} {}", cells[0], cells[2])
        })
        .collect();
    rows.sort();
    rows
}

/// A project of scanned images.
async fn fill(app: &App, project: &str) -> i64 {
    let id = app.project(project, false).await;
    let one = advisory("CVE-2026-71", "libone", Some("2"), "");
    let two = advisory("CVE-2026-72", "libtwo", None, "unimportant");
    import(app, &[one, two]).await;
    let (app_v1, deep) = (format!("{project}/app"), format!("{project}/deep/tool"));
    push(
        app,
        &app_v1,
        "v1",
        &layer(&[("libone", "1"), ("libtwo", "1")]),
    )
    .await;
    push(app, &deep, "latest", &layer(&[("libone", "1")])).await;
    push(app, &app_v1, "unscanned", &layer(&[("libtwo", "2")])).await;
    scan(app, &app_v1, "v1").await;
    let at = artifact(&format!("{project}/deep%252Ftool"), "latest");
    app.post(&format!("{at}/scan")).send().await.expect(202);
    scan_ended(app, &at).await;
    id
}

async fn scan_ended(app: &App, at: &str) {
    for _ in 0..1200 {
        let path = format!("{at}?with_scan_overview=true");
        let found = app.get(&path).send().await.expect(200).json();
        if found["scan_overview"][MIME]["scan_status"] == "Success" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the scan of {at} does not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_says_what_the_reports_say_and_is_fetched_once() {
    both(async |app| {
        let project = fill(app, "exp").await;
        let id = begin(app, &app.admin, &json!({"projects": [project]})).await;
        let run = ended(app, &app.admin, id).await;
        assert_eq!(run["status"], "Success", "{run}");
        assert_eq!(run["trigger"], "MANUAL");
        assert_eq!(run["user_name"], "admin");
        assert_eq!(run["user_id"], 1);
        assert_eq!(run["file_present"], true);
        // To be asked for it is not to fetch it.
        let path = format!("{EXPORT}/download/{id}");
        let head = app.raw_request("HEAD", &path, "", b"").await;
        assert_eq!(head.status, 200);
        let file = fetch(app, &app.admin, id).await.expect(200);
        let text = csv(&file);
        assert_eq!(file.need("content-type"), "text/csv; charset=utf-8");
        let name = format!("attachment; filename=\"scandata_export_{id}.csv\"");
        assert_eq!(file.need("content-disposition"), name);
        let digest = sha256(&file.body);
        let told = run["status_text"].as_str().unwrap();
        assert_eq!(told, format!("3 vulnerabilities, {digest}"));
        let raw = hex::decode(digest.trim_start_matches("sha256:")).unwrap();
        let header = format!("sha-256=:{}:", STANDARD.encode(raw));
        assert_eq!(file.need("repr-digest"), header);
        let mut rows = text.split_terminator("\r\n");
        assert_eq!(
            rows.next(),
            Some(
                "Repository,Artifact Digest,CVE,Package,Current Version,Fixed in version,\
                 Severity,CWE Ids,Additional Data,Scanner"
            )
        );
        let rows: Vec<&str> = rows.collect();
        assert_eq!(rows.len(), 3, "{text}");
        let one = rows.iter().find(|row| row.starts_with("exp/deep/tool,"));
        let one = one.expect(&text);
        assert!(one.contains(",CVE-2026-71,libone,1,2,Critical,,"), "{one}");
        assert!(one.contains("\"\"cvss_v3_score\"\":9.8"), "{one}");
        assert!(one.ends_with(",Berth"), "{one}");
        // It is nobody's any more.
        for _ in 0..200 {
            let run = ended(app, &app.admin, id).await;
            if run["file_present"] == false {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let again = fetch(app, &app.admin, id).await;
        assert!(again.text().contains("fetched already"), "{}", again.text());
        again.refused(404, "NOT_FOUND");
        let list = app.get(&format!("{EXPORT}/executions")).send().await;
        let list = list.expect(200).json();
        assert_eq!(list["items"][0]["id"], id, "{list}");
        assert_eq!(list["items"][0]["file_present"], false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_choose_what_is_exported() {
    both(async |app| {
        let project = fill(app, "some").await;
        let other = app.project("other", false).await;
        let with = |more: Value| {
            let mut body = json!({"projects": [project, other, project]});
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            body
        };
        let (one, two) = ("some/app CVE-2026-71", "some/app CVE-2026-72");
        let deep = "some/deep/tool CVE-2026-71";
        let all = [one, two, deep];
        for (filter, found) in [
            (json!({}), &all[..]),
            (
                json!({"repositories": "**", "tags": "*", "cveIds": ""}),
                &all,
            ),
            (
                json!({"labels": null, "repositories": null, "tags": null}),
                &all,
            ),
            (json!({"repositories": "app"}), &[one, two]),
            (json!({"repositories": "nothing, deep/**"}), &[deep]),
            (json!({"repositories": "some/app"}), &[one, two]),
            (json!({"repositories": "*"}), &[one, two]),
            (json!({"tags": "{latest,x}"}), &[deep]),
            (json!({"tags": "v?"}), &[one, two]),
            (json!({"tags": "unscanned"}), &[]),
            (json!({"cveIds": "cve-2026-72, CVE-1"}), &[two]),
            (json!({"cveIds": "CVE-2026-7"}), &[]),
            (json!({"cveIds": "CVE-2026-71", "tags": "latest"}), &[deep]),
        ] {
            assert_eq!(exported(app, with(filter.clone())).await, found, "{filter}");
        }
        assert!(exported(app, json!({"projects": [other]})).await.is_empty());
        let label = json!({"name": "mine", "scope": "p", "project_id": project});
        let made = app.post("/api/v2.0/labels").json(&label).await.expect(201);
        let label: i64 = made
            .need("location")
            .rsplit('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let labelled = with(json!({"labels": [label]}));
        assert!(exported(app, labelled.clone()).await.is_empty());
        let put_on = format!("{}/labels", artifact("some/app", "v1"));
        app.post(&put_on)
            .json(&json!({"id": label}))
            .await
            .expect(200);
        assert_eq!(exported(app, labelled).await, [one, two]);
        // What an index is called counts for its images.
        let digest = app.head("/v2/some/app/manifests/v1").send().await;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [{
                "mediaType": media_type::OCI_MANIFEST,
                "digest": digest.need("docker-content-digest"),
                "size": digest.need("content-length").parse::<u64>().unwrap(),
            }],
        });
        app.put_manifest("some/app", "whole", &index)
            .await
            .expect(201);
        let whole = with(json!({"tags": "whole"}));
        assert_eq!(exported(app, whole).await, [one, two]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_its_owners_alone() {
    both(async |app| {
        let project = fill(app, "own").await;
        let hidden = app.project("hidden", false).await;
        let body = json!({"projects": [project]});
        let developer = app.user("developer").await;
        let other = app.user("other").await;
        let guest = app.user("guest").await;
        let member = app.member("own", &developer, 2).await;
        app.member("own", &other, 2).await;
        app.member("own", &guest, 3).await;
        for who in [&guest, &app.user("stranger").await] {
            let answer = ask(app, who, &body).await;
            assert!(!answer.text().contains("own"), "{}", answer.text());
            answer.refused(403, "FORBIDDEN");
        }
        // One project that is not theirs refuses the whole; whether it is there is not told.
        for foreign in [hidden, 987_654] {
            let body = json!({"projects": [project, foreign]});
            let answer = ask(app, &developer, &body).await;
            let wanted = format!("in project {foreign}");
            assert!(answer.text().contains(&wanted), "{}", answer.text());
            answer.refused(403, "FORBIDDEN");
        }
        let nothing = json!({"projects": [987_654]});
        let answer = ask(app, &app.admin, &nothing).await;
        answer.refused(404, "NOT_FOUND");
        let nobody = app.post(EXPORT).nobody().json(&body).await;
        nobody.refused(401, "UNAUTHORIZED");

        let id = begin(app, &developer, &body).await;
        let run = ended(app, &developer, id).await;
        assert_eq!(run["user_name"], "developer");
        assert_eq!(run["user_id"], developer.id);
        for who in [&other, &guest, &app.admin] {
            let at = format!("{EXPORT}/execution/{id}");
            app.get(&at).by(who).send().await.refused(404, "NOT_FOUND");
            fetch(app, who, id).await.refused(404, "NOT_FOUND");
            let list = app.get(&format!("{EXPORT}/executions")).by(who);
            let list = list.send().await.expect(200).json();
            assert_eq!(list, json!({"items": []}));
        }
        // Who has lost the role has lost the file.
        let at = format!("/api/v2.0/projects/own/members/{member}");
        app.put(&at).json(&json!({"role_id": 3})).await.expect(200);
        fetch(app, &developer, id).await.refused(403, "FORBIDDEN");
        app.put(&at).json(&json!({"role_id": 2})).await.expect(200);
        fetch(app, &developer, id).await.expect(200);

        let grants = |actions: &[&str]| {
            let access: Vec<Value> = actions
                .iter()
                .map(|action| json!({"resource": "export-cve", "action": action}))
                .collect();
            json!({
                "name": format!("exporter{}", actions.len()), "level": "project", "duration": -1,
                "permissions": [{"kind": "project", "namespace": "own", "access": access}],
            })
        };
        let robot = app.robot(&grants(&["create", "read"])).await;
        let id = begin(app, &robot, &body).await;
        let run = ended(app, &robot, id).await;
        assert_eq!(
            (&run["user_id"], &run["user_name"]),
            (&json!(0), &json!(robot.name))
        );
        fetch(app, &app.admin, id).await.refused(404, "NOT_FOUND");
        fetch(app, &robot, id).await.expect(200);
        let blind = app.robot(&grants(&["create"])).await;
        let id = begin(app, &blind, &body).await;
        ended(app, &blind, id).await;
        fetch(app, &blind, id).await.refused(403, "FORBIDDEN");
        let log = app
            .get("/api/v2.0/auditlog-exts?q=resource_type%3Dexport-cve")
            .send()
            .await;
        assert_eq!(log.expect(200).json().as_array().unwrap().len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_exported_is_refused() {
    both(async |app| {
        let project = app.project("odd", false).await;
        let patterns = "{a,b}{c,d}".repeat(60);
        for (more, status) in [
            (json!({"projects": []}), 400),
            (json!({"projects": null}), 400),
            (json!({"projects": (1..=200).collect::<Vec<i64>>()}), 400),
            (json!({"projects": ["1"]}), 422),
            (json!({"projects": "1"}), 422),
            (json!({"labels": (1..=200).collect::<Vec<i64>>()}), 400),
            (json!({"labels": [987_654]}), 404),
            (json!({"repositories": "["}), 400),
            (json!({"repositories": patterns}), 400),
            (json!({"tags": "x".repeat(5000)}), 400),
            (json!({"tags": "{"}), 400),
            (
                json!({"cveIds": "x,".repeat(200) + "y,".repeat(200).as_str()}),
                400,
            ),
            (json!({"cveIds": "x".repeat(200)}), 400),
            (json!({"job_name": "x".repeat(300)}), 400),
            (json!({"job_name": "a\u{0}b"}), 400),
            (
                json!({"cveIds": "' OR 1=1 --", "tags": "'; DROP TABLE tag; --"}),
                200,
            ),
        ] {
            let mut body = json!({"projects": [project]});
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            let answer = ask(app, &app.admin, &body).await;
            assert_eq!(answer.status, status, "{more}: {}", answer.text());
        }
        let body = json!({"projects": [project]});
        app.post(EXPORT)
            .json(&body)
            .await
            .refused(422, "UNPROCESSABLE_ENTITY");
        let call = app.post(EXPORT).header("x-scan-data-type", "text/csv");
        call.json(&body).await.refused(400, "BAD_REQUEST");
        let id = begin(app, &app.admin, &body).await;
        ended(app, &app.admin, id).await;
        for (path, status) in [
            (format!("download/{id}?format=pdf"), 400),
            ("download/x".to_owned(), 422),
            ("execution/99999999999999999999".to_owned(), 422),
            ("execution/-1".to_owned(), 404),
            (format!("download/{id}?format=csv"), 200),
        ] {
            let answer = app.get(&format!("{EXPORT}/{path}")).send().await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_spreadsheet_would_run_is_text() {
    both(async |app| {
        let project = app.project("sheet", false).await;
        let formula = "=HYPERLINK(\"http:evil\",\"a\")";
        import(app, &[advisory("CVE-2026-75", "libone", Some("2"), "")]).await;
        push(app, "sheet/app", "v1", &layer(&[("libone", "1")])).await;
        scan(app, "sheet/app", "v1").await;
        app.parts
            .db
            .write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE package_vulnerability SET fixed_version = $1, \
                               name = '@a' WHERE severity >= 0";
                    tx.execute(sql, args![formula]).await?;
                    tx.execute(
                        "UPDATE package SET name = '-1+cmd|x', version = '+1' WHERE id > 0",
                        args![],
                    )
                    .await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let id = begin(app, &app.admin, &json!({"projects": [project]})).await;
        ended(app, &app.admin, id).await;
        let text = csv(&fetch(app, &app.admin, id).await.expect(200));
        let written =
            ",\"'@a\",\"'-1+cmd|x\",\"'+1\",\"'=HYPERLINK(\"\"http:evil\"\",\"\"a\"\")\",";
        assert!(text.contains(written), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_comes_in_pieces_and_is_deleted_when_it_is_old() {
    let setup = Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        let project = fill(app, "long").await;
        let rows = 20_000;
        app.parts
            .db
            .write::<_, DbError, _>(|tx| {
                Box::pin(async move {
                    tx.execute(
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                           WHERE i < 20000) \
                         INSERT INTO package_vulnerability (package_id, name, severity, status, \
                           fixed_version, advisory_id, score) \
                         SELECT p.id, 'MADE-' || CAST(n.i AS TEXT), 3, 'affected', NULL, 0, 0 \
                         FROM n CROSS JOIN package p WHERE p.name = 'libtwo' AND p.version = '1'",
                        args![],
                    )
                    .await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let id = begin(app, &app.admin, &json!({"projects": [project]})).await;
        let run = ended(app, &app.admin, id).await;
        assert_eq!(run["status"], "Success", "{run}");
        let pieces = "SELECT COUNT(*) FROM cve_export_piece";
        assert!(app.count(pieces).await > 2);
        let again = begin(app, &app.admin, &json!({"projects": [project]})).await;
        ended(app, &app.admin, again).await;
        let file = fetch(app, &app.admin, id).await.expect(200);
        assert!(
            run["status_text"]
                .as_str()
                .unwrap()
                .ends_with(&sha256(&file.body))
        );
        let text = csv(&file);
        assert_eq!(text.matches("\r\n").count(), rows + 3 + 1);
        for name in [",MADE-1,", ",MADE-20000,", ",CVE-2026-72,"] {
            assert_eq!(text.matches(name).count(), 1, "{name}");
        }
        app.clock.advance(Duration::from_hours(25));
        let old = ended(app, &app.admin, again).await;
        assert_eq!(old["file_present"], false);
        fetch(app, &app.admin, again)
            .await
            .refused(404, "NOT_FOUND");
        // What nobody can fetch is deleted by the next daily cleaning.
        app.clock.advance(Duration::from_hours(24));
        for _ in 0..400 {
            app.parts.jobs.wake();
            if app.count(pieces).await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the pieces stay");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_wait_in_a_bounded_queue_and_can_be_stopped() {
    both(async |app| {
        let project = fill(app, "queue").await;
        let body = json!({"projects": [project]});
        let queue = "/api/v2.0/jobservice/queues/SCAN_DATA_EXPORT";
        let pause = json!({"action": "pause"});
        app.put(queue).json(&pause).await.expect(200);
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(begin(app, &app.admin, &body).await);
        }
        ask(app, &app.admin, &body).await.refused(409, "CONFLICT");
        fetch(app, &app.admin, ids[0])
            .await
            .refused(404, "NOT_FOUND");
        let stop = json!({"action": "stop"});
        app.put(queue).json(&stop).await.expect(200);
        let run = ended(app, &app.admin, ids[0]).await;
        assert_eq!(
            (&run["status"], &run["file_present"]),
            (&json!("Stopped"), &json!(false))
        );
        fetch(app, &app.admin, ids[0])
            .await
            .refused(404, "NOT_FOUND");
        let resume = json!({"action": "resume"});
        app.put(queue).json(&resume).await.expect(200);
        let id = begin(app, &app.admin, &body).await;
        assert_eq!(ended(app, &app.admin, id).await["status"], "Success");
    })
    .await;
}
