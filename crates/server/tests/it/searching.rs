//! Artifacts found by tag, digest and vulnerability: everywhere, and nothing that is not one's own.

use serde_json::{Value, json};

use crate::app::{App, both};
use crate::client::Login;
use crate::scanning::{advisory, import, layer, push, scan};

const ARTIFACTS: &str = "/api/v2.0/search/artifacts?q=";
const VULNERABILITIES: &str = "/api/v2.0/search/vulnerabilities?q=";

/// The repositories that a search names, each with its tag or the package that was found.
async fn found(app: &App, path: &str, who: Option<&Login>) -> Vec<String> {
    let call = app.get(path);
    let call = match who {
        Some(login) => call.by(login),
        None => call.nobody(),
    };
    let answer = call.send().await.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let rows = answer.as_array().unwrap().iter();
    let mut rows: Vec<String> = rows
        .map(|row| {
            let what = row.get("tag").or_else(|| row.get("package"));
            let what = what.map_or("-".to_owned(), text);
            format!("{} {what}", text(&row["repository_name"]))
        })
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_finds_what_is_theirs_to_see() {
    both(async |app| {
        app.project("open", true).await;
        app.project("closed", false).await;
        import(app, &[advisory("CVE-2026-91", "libone", Some("2"), "")]).await;
        let bad = layer(&[("libone", "1")]);
        let digest = push(app, "open/app", "release-1", &bad).await;
        push(app, "closed/app", "release-2", &bad).await;
        push(app, "closed/app", "other", &bad).await;
        scan(app, "open/app", "release-1").await;
        scan(app, "closed/app", "release-2").await;
        let (member, stranger) = (app.user("member").await, app.user("stranger").await);
        app.member("closed", &member, 5).await;
        let robot = |name: &str, resource: &str, action: &str| {
            json!({
                "name": name, "level": "project", "duration": -1,
                "permissions": [{"kind": "project", "namespace": "closed",
                    "access": [{"resource": resource, "action": action}]}],
            })
        };
        let lists = app.robot(&robot("lists", "tag", "list")).await;
        let pulls = app.robot(&robot("pulls", "repository", "pull")).await;
        let reads = app
            .robot(&robot("reads", "artifact-addition", "read"))
            .await;

        let all = ["closed/app release-2", "open/app release-1"];
        let open = ["open/app release-1"];
        let tags = format!("{ARTIFACTS}release-");
        assert_eq!(found(app, &tags, Some(&app.admin)).await, all);
        assert_eq!(found(app, &tags, Some(&member)).await, all);
        assert_eq!(found(app, &tags, Some(&lists)).await, all);
        for who in [Some(&stranger), Some(&pulls), None] {
            assert_eq!(found(app, &tags, who).await, open);
        }
        let digests = format!("{ARTIFACTS}{}", &digest[..20]);
        assert_eq!(found(app, &digests, None).await, ["open/app -"]);

        let all = ["closed/app libone", "open/app libone"];
        let open = ["open/app libone"];
        let ids = format!("{VULNERABILITIES}cve-2026-91");
        assert_eq!(found(app, &ids, Some(&app.admin)).await, all);
        assert_eq!(found(app, &ids, Some(&member)).await, all);
        assert_eq!(found(app, &ids, Some(&reads)).await, all);
        for who in [Some(&stranger), Some(&lists), None] {
            assert_eq!(found(app, &ids, who).await, open);
        }
        let nothing: [&str; 0] = [];
        for path in [
            format!("{ARTIFACTS}RELEASE"),
            format!("{ARTIFACTS}%25"),
            ARTIFACTS.to_owned(),
            format!("{ARTIFACTS}sha256:12"),
            format!("{VULNERABILITIES}CVE-2026-9"),
            VULNERABILITIES.to_owned(),
        ] {
            assert_eq!(found(app, &path, None).await, nothing, "{path}");
        }
        for path in [ARTIFACTS, VULNERABILITIES] {
            let long = format!("{path}{}", "a".repeat(256));
            app.get(&long).send().await.refused(400, "BAD_REQUEST");
        }
    })
    .await;
}
