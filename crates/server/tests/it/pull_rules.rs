//! What a project asks of images before they are pulled: limits, and a rule in CEL.

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use berth_oci::media_type;
use serde_json::json;

use crate::app::{App, Setup, both, both_with};
use crate::content::descriptor;
use crate::scanning::{advisory, artifact, import, layer, push, scan, set};

async fn pull(app: &App, repository: &str, reference: &str) -> crate::answer::Answer {
    let path = format!("/v2/{repository}/manifests/{reference}");
    app.get(&path).send().await
}

/// What a refusal says.
async fn refused(app: &App, repository: &str, reference: &str) -> String {
    let answer = pull(app, repository, reference).await;
    let said = answer.json()["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    answer.refused(412, "PROJECTPOLICYVIOLATION");
    said
}

/// An image with two critical vulnerabilities, one with a fix, and one that is negligible.
async fn fill(app: &App, project: &str) {
    app.project(project, false).await;
    import(
        app,
        &[
            advisory("CVE-2026-81", "libone", Some("2"), ""),
            advisory("CVE-2026-82", "libtwo", None, ""),
            advisory("CVE-2026-83", "libtwo", None, "unimportant"),
        ],
    )
    .await;
    let repository = format!("{project}/app");
    let bad = layer(&[("libone", "1"), ("libtwo", "1")]);
    push(app, &repository, "bad", &bad).await;
    push(app, &repository, "good", &layer(&[("libone", "2")])).await;
    push(app, &repository, "unscanned", &layer(&[("libone", "3")])).await;
    scan(app, &repository, "bad").await;
    scan(app, &repository, "good").await;
}

async fn allow(app: &App, names: &[&str]) {
    let items: Vec<_> = names.iter().map(|name| json!({"cve_id": name})).collect();
    let list = json!({"items": items});
    let path = "/api/v2.0/system/CVEAllowlist";
    app.put(path).json(&list).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_images_back() {
    both(async |app| {
        fill(app, "limits").await;
        let limit = async |limits: &str| {
            set(app, "limits", json!({"vulnerability_limits": limits})).await;
        };
        pull(app, "limits/app", "bad").await.expect(200);
        limit("critical = 1, high=5").await;
        let said = refused(app, "limits/app", "bad").await;
        for part in [
            "limits/app@sha256:",
            "has 2 critical vulnerabilities",
            "at most 1 be pulled (critical=1)",
            "CVE-2026-81",
            "CVE-2026-82",
            "1 of them are fixed in newer versions: rebuild the image",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("CVE-2026-83"), "{said}");
        pull(app, "limits/app", "good").await.expect(200);
        let said = refused(app, "limits/app", "unscanned").await;
        assert!(said.contains("has not been scanned"), "{said}");
        // It is stored in one way whatever was written.
        let path = "/api/v2.0/projects/limits/metadatas/vulnerability_limits";
        let stored = app.get(path).send().await.expect(200).json();
        assert_eq!(stored["vulnerability_limits"], "critical=1,high=5");
        // What is let pass does not count.
        allow(app, &["CVE-2026-82", "CVE-1"]).await;
        pull(app, "limits/app", "bad").await.expect(200);
        for (limits, said) in [
            ("total=1", "has 2 vulnerabilities"),
            ("negligible=0", "has 1 negligible vulnerabilities"),
            ("fixable=0", "has 1 fixable vulnerabilities"),
        ] {
            limit(limits).await;
            let text = refused(app, "limits/app", "bad").await;
            assert!(
                text.contains(said) && !text.contains("CVE-2026-82"),
                "{text}"
            );
        }
        limit("total=2,fixable=1,exploited=0").await;
        pull(app, "limits/app", "bad").await.expect(200);
        allow(app, &[]).await;
        refused(app, "limits/app", "bad").await;
        limit("").await;
        pull(app, "limits/app", "bad").await.expect(200);
        pull(app, "limits/app", "unscanned").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_decides_which_images_are_pulled() {
    let setup = Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        fill(app, "rules").await;
        let index = {
            let head = app.head("/v2/rules/app/manifests/bad").send().await;
            json!({
                "schemaVersion": 2,
                "mediaType": media_type::OCI_INDEX,
                "manifests": [{
                    "mediaType": media_type::OCI_MANIFEST,
                    "digest": head.need("docker-content-digest"),
                    "size": head.need("content-length").parse::<u64>().unwrap(),
                }],
            })
        };
        app.put_manifest("rules/app", "whole", &index)
            .await
            .expect(201);
        let app_ref = "rules/app";
        let rule = async |rule: &str| set(app, "rules", json!({"pull_rule": rule})).await;
        rule("critical == 0").await;
        pull(app, app_ref, "good").await.expect(200);
        let said = refused(app, app_ref, "bad").await;
        for part in [
            "does not meet the rule of its project for pulls, `critical == 0`",
            "critical=2, negligible=1, total=3, fixable=1",
            "CVE-2026-81, CVE-2026-82, CVE-2026-83",
            "1 of them are fixed",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // A rule that looks at findings and not at whether there was a scan means scanned images.
        let said = refused(app, app_ref, "unscanned").await;
        assert!(said.contains("has not been scanned"), "{said}");
        for (rule_text, bad, good, unscanned) in [
            ("!scanned || critical == 0", false, true, true),
            ("scanned && total < 3", false, true, false),
            ("scan_age_days < 7", true, true, false),
            ("fixable == 0", false, true, false),
            ("exploited == 0", true, true, false),
            ("severity in ['none', 'low']", false, true, false),
            ("'bad' in tags || 'unscanned' in tags", true, false, true),
            ("tags.exists(t, t == 'whole')", true, false, false),
            (
                "repository == 'rules/app' && digest.startsWith('sha256:')",
                true,
                true,
                true,
            ),
            ("repository.startsWith('other/')", false, false, false),
            ("distribution.startsWith('debian')", true, true, false),
            ("age_days < 30", true, true, true),
            ("signed", false, false, false),
            ("", true, true, true),
        ] {
            rule(rule_text).await;
            for (tag, may) in [("bad", bad), ("good", good), ("unscanned", unscanned)] {
                let status = pull(app, app_ref, tag).await.status;
                assert_eq!(status, if may { 200 } else { 412 }, "{rule_text}: {tag}");
            }
            // Indexes are not held back, and a HEAD is answered.
            pull(app, app_ref, "whole").await.expect(200);
            app.head("/v2/rules/app/manifests/bad")
                .send()
                .await
                .expect(200);
        }
        // A rule that fails lets nothing through, and says so.
        rule("100 / fixable > 1").await;
        pull(app, app_ref, "bad").await.expect(200);
        let said = refused(app, app_ref, "good").await;
        let wanted = "`100 / fixable > 1`, fails for it: a number is divided by zero";
        assert!(said.contains(wanted), "{said}");
        // What the allow-list lets pass does not count.
        rule("critical == 1").await;
        refused(app, app_ref, "bad").await;
        allow(app, &["CVE-2026-81"]).await;
        pull(app, app_ref, "bad").await.expect(200);
        allow(app, &[]).await;
        // Time goes by.
        rule("critical == 0 && age_days < 30").await;
        pull(app, app_ref, "good").await.expect(200);
        app.clock.advance(Duration::from_hours(31 * 24));
        let said = refused(app, app_ref, "good").await;
        assert!(
            said.contains("it has total=0, age_days=31: use another image"),
            "{said}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_counts_for_its_image_and_through_its_index() {
    both(async |app| {
        app.project("signs", false).await;
        let digest = push(app, "signs/app", "v1", &layer(&[("libone", "1")])).await;
        let other = push(app, "signs/app", "v2", &layer(&[("libone", "2")])).await;
        set(app, "signs", json!({"pull_rule": "signed"})).await;
        refused(app, "signs/app", "v1").await;
        let sign = async |subject: &str, kind: &str| {
            let empty = bytes::Bytes::from_static(b"{}");
            app.push_blob("signs/app", &empty).await;
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": media_type::OCI_MANIFEST,
                "artifactType": "application/vnd.cncf.notary.signature",
                "config": descriptor(media_type::OCI_EMPTY, &empty),
                "layers": [descriptor(media_type::OCI_EMPTY, &empty)],
                "subject": {"mediaType": kind, "digest": subject, "size": 1},
            });
            let tag = format!("s-{}", &subject[7..20]);
            let pushed = app.put_manifest("signs/app", &tag, &manifest);
            pushed.await.expect(201);
        };
        sign(&digest, media_type::OCI_MANIFEST).await;
        pull(app, "signs/app", "v1").await.expect(200);
        refused(app, "signs/app", "v2").await;
        let size = app.head("/v2/signs/app/manifests/v2").send().await;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [{
                "mediaType": media_type::OCI_MANIFEST, "digest": other,
                "size": size.need("content-length").parse::<u64>().unwrap(),
            }],
        });
        let pushed = app
            .put_manifest("signs/app", "whole", &index)
            .await
            .expect(201);
        refused(app, "signs/app", "v2").await;
        let whole = pushed.need("docker-content-digest").to_owned();
        sign(&whole, media_type::OCI_INDEX).await;
        pull(app, "signs/app", "v2").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_rule_is_refused_when_it_is_set() {
    both(async |app| {
        app.project("broken", false).await;
        let path = "/api/v2.0/projects/broken";
        let deep = format!("{}true{}", "(".repeat(900), ")".repeat(900));
        for (key, value, said) in [
            (
                "pull_rule",
                "critical ==",
                "line 1, column 12: a value is missing",
            ),
            (
                "pull_rule",
                "critical == 0 &&\n hihg == 0",
                "line 2, column 2: there is no \"hihg\"",
            ),
            ("pull_rule", "critical", "the rule is int, and must be bool"),
            ("pull_rule", &deep, "too deep"),
            ("pull_rule", &"true && ".repeat(400), "at most 2048 bytes"),
            ("pull_rule", "while(true)", "there is no function \"while\""),
            (
                "vulnerability_limits",
                "critical=lots",
                "critical=lots is no limit",
            ),
            (
                "vulnerability_limits",
                "grave=1",
                "\"grave\" is not counted",
            ),
            ("vulnerability_limits", "critical=0;high=1", "is no limit"),
        ] {
            let body = json!({"metadata": {key: value}});
            let answer = app.put(path).json(&body).await;
            let text = answer.json()["errors"][0]["message"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(text.contains(said), "{value}: {text}");
            let detail = &answer.json()["errors"][0]["detail"];
            assert_eq!(detail["field"], key, "{value}: {detail}");
            assert!(detail["reason"].is_string(), "{value}: {detail}");
            answer.refused(400, "BAD_REQUEST");
            let keys = format!("{path}/metadatas/");
            let answer = app.post(&keys).json(&json!({key: value})).await;
            answer.refused(400, "BAD_REQUEST");
        }
        // Programs are told what is wrong where, to say it in their own words.
        let body = json!({"metadata": {"pull_rule": "critical == 0 &&\n hihg == 0"}});
        let detail = app.put(path).json(&body).await.json()["errors"][0]["detail"].clone();
        assert_eq!(detail["reason"], "rule_unknown_name", "{detail}");
        assert_eq!(detail["name"], "hihg", "{detail}");
        assert_eq!(
            (&detail["line"], &detail["column"]),
            (&json!("2"), &json!("2"))
        );
        // Only administrators of the project set it.
        let developer = app.user("developer").await;
        app.member("broken", &developer, 2).await;
        let body = json!({"metadata": {"pull_rule": "true"}});
        app.put(path)
            .by(&developer)
            .json(&body)
            .await
            .refused(403, "FORBIDDEN");
        // What only another version understands lets nothing through.
        push(app, "broken/app", "v1", &layer(&[("libone", "1")])).await;
        set(app, "broken", json!({"pull_rule": "true"})).await;
        pull(app, "broken/app", "v1").await.expect(200);
        app.parts
            .db
            .write::<_, berth_db::DbError, _>(|tx| {
                Box::pin(async move {
                    let sql = "UPDATE project_metadata SET value = 'tomorrow()' \
                               WHERE name = 'pull_rule'";
                    tx.execute(sql, berth_db::args![]).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let said = refused(app, "broken/app", "v1").await;
        assert!(said.contains("pull_rule cannot be read"), "{said}");
        let at = artifact("broken/app", "v1");
        app.get(&at).send().await.expect(200);
    })
    .await;
}
