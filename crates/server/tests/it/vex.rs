//! What people say of vulnerabilities, and that it counts when something is read and at pulls.

use serde_json::{Value, json};

use crate::app::{App, both};
use crate::scanning::{MIME, advisory, artifact, import, layer, push, scan, set};

const VEX: &str = "/api/v2.0/projects/said/vex";

pub(crate) fn document(id: &str, statements: &Value) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://example.org/{id}"),
        "author": "The makers",
        "timestamp": "2026-05-01T00:00:00Z",
        "version": 1,
        "statements": statements,
    })
}

pub(crate) fn statement(cve: &str, status: &str, product: Value) -> Value {
    json!({
        "vulnerability": {"name": cve},
        "products": [product],
        "status": status,
        "justification": "vulnerable_code_not_in_execute_path",
    })
}

/// Adds a document. Gives its address.
async fn say(app: &App, id: &str, statements: Value) -> String {
    let document = document(id, &statements);
    let made = app.post(VEX).json(&document).await.expect(201);
    made.need("location").to_owned()
}

async fn pull(app: &App, tag: &str) -> u16 {
    let path = format!("/v2/said/app/manifests/{tag}");
    app.get(&path).send().await.status
}

/// Of each vulnerability of an image, what was said of it.
async fn report(app: &App, tag: &str) -> Vec<String> {
    let path = format!("{}/additions/vulnerabilities", artifact("said/app", tag));
    let report = app.get(&path).send().await.expect(200).json();
    let items = report[MIME]["vulnerabilities"].as_array().unwrap().iter();
    let mut items: Vec<String> = items
        .map(|item| {
            let status = item["vex"]["status"].as_str().unwrap_or("-");
            format!("{} {status}", item["id"].as_str().unwrap())
        })
        .collect();
    items.sort();
    items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_counts_at_once() {
    both(async |app| {
        app.project("said", false).await;
        import(
            app,
            &[
                advisory("CVE-2026-81", "libone", Some("2"), ""),
                advisory("CVE-2026-82", "libtwo", None, ""),
            ],
        )
        .await;
        let bad = layer(&[("libone", "1"), ("libtwo", "1")]);
        let digest = push(app, "said/app", "bad", &bad).await;
        push(app, "said/app", "other", &layer(&[("libtwo", "1")])).await;
        scan(app, "said/app", "bad").await;
        scan(app, "said/app", "other").await;
        let limits = json!({"vulnerability_limits": "critical=0,fixable=0"});
        set(app, "said", limits).await;
        assert_eq!(pull(app, "bad").await, 412);

        let old = "/api/repositories/said/app/tags/bad/vulnerability/details";
        let told = app.get(old).send().await.expect(200).json();
        assert_eq!(told.as_array().unwrap().len(), 2, "{told}");
        assert_eq!(told[0]["severity"], 5, "{told}");
        assert_eq!(told[0]["package"], "libone", "{told}");
        assert_eq!(told[0]["fixedVersion"], "2", "{told}");
        app.get(old).nobody().send().await.expect(401);

        // A package of any image, and one package of this image alone.
        let one = json!({"@id": "pkg:deb/debian/libone@1"});
        let first = say(
            app,
            "one",
            json!([statement("CVE-2026-81", "not_affected", one.clone())]),
        )
        .await;
        assert_eq!(pull(app, "bad").await, 412);
        let two = json!({
            "@id": format!("pkg:oci/app@{}", digest.replace(':', "%3A")),
            "subcomponents": [{"@id": "pkg:deb/debian/libtwo"}],
        });
        let second = say(app, "two", json!([statement("CVE-2026-82", "fixed", two)])).await;
        assert_eq!(pull(app, "bad").await, 200);
        assert_eq!(pull(app, "other").await, 412);
        let both = ["CVE-2026-81 not_affected", "CVE-2026-82 fixed"];
        assert_eq!(report(app, "bad").await, both);
        assert_eq!(report(app, "other").await, ["CVE-2026-82 -"]);

        // The refusal by severity and the rule know it, too.
        set(app, "said", json!({"vulnerability_limits": ""})).await;
        set(
            app,
            "said",
            json!({"prevent_vul": "true", "severity": "low"}),
        )
        .await;
        assert_eq!(pull(app, "bad").await, 200);
        assert_eq!(pull(app, "other").await, 412);
        set(app, "said", json!({"prevent_vul": "false"})).await;
        set(app, "said", json!({"pull_rule": "total == 0"})).await;
        assert_eq!(pull(app, "bad").await, 200);
        assert_eq!(pull(app, "other").await, 412);

        // The same document, changed, takes the place of the earlier.
        let again = say(
            app,
            "one",
            json!([statement("CVE-2026-81", "affected", one)]),
        )
        .await;
        assert_eq!(again, first);
        assert_eq!(pull(app, "bad").await, 412);
        let now = ["CVE-2026-81 affected", "CVE-2026-82 fixed"];
        assert_eq!(report(app, "bad").await, now);
        let listed = app.get(VEX).send().await.expect(200).json();
        assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
        assert_eq!(listed[0]["author"], "The makers", "{listed}");
        assert_eq!(listed[0]["statements"], 1, "{listed}");
        let kept = app.get(&second).send().await.expect(200).json();
        assert_eq!(kept["@id"], "https://example.org/two");
        for place in [&first, &second] {
            app.delete(place).send().await.expect(200);
        }
        assert_eq!(report(app, "bad").await, ["CVE-2026-81 -", "CVE-2026-82 -"]);
        app.get(&second).send().await.refused(404, "NOT_FOUND");
        app.delete(&second).send().await.refused(404, "NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_says_nothing_is_refused() {
    both(async |app| {
        app.project("said", false).await;
        let product = json!({"@id": "pkg:deb/debian/libone"});
        let good = json!([statement("CVE-2026-81", "fixed", product)]);
        let mut nameless = document("x", &good);
        nameless["@id"] = "".into();
        let mut other = document("x", &good);
        other["@context"] = "https://example.org".into();
        for wrong in [
            json!({}),
            nameless,
            other,
            document("x", &json!([])),
            document("x", &json!([{"status": "fixed"}])),
            document("x", &json!("none")),
        ] {
            let refused = app.post(VEX).json(&wrong).await;
            refused.refused(400, "BAD_REQUEST");
        }
        for nr in 0..100 {
            say(app, &nr.to_string(), good.clone()).await;
        }
        let more = app.post(VEX).json(&document("more", &good)).await;
        more.refused(409, "CONFLICT");
        say(app, "7", good.clone()).await;
    })
    .await;
}
