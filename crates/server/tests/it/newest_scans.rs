//! What the list of repositories tells of scans.

use berth_oci::media_type;
use serde_json::{Value, json};

use crate::app::{App, both};
use crate::content::descriptor;
use crate::scanning::{MIME, advisory, import, layer, push, scan};

const LIST: &str = "/api/v2.0/projects/shown/repositories?with_scan_overview=true&sort=name";

async fn listed(app: &App) -> Vec<Value> {
    let list = app.get(LIST).send().await.expect(200).json();
    list.as_array().unwrap().clone()
}

fn total(row: &Value) -> &Value {
    &row["newest_scan"]["scan_overview"][MIME]["summary"]["total"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_tell_the_scan_of_their_newest_image() {
    both(async |app| {
        app.project("shown", true).await;
        import(
            app,
            &[
                advisory("CVE-2026-61", "libone", None, ""),
                advisory("CVE-2026-62", "libtwo", None, ""),
            ],
        )
        .await;
        push(app, "shown/b", "b", &layer(&[("libone", "1")])).await;
        let old = push(app, "shown/a", "1", &layer(&[("libone", "1")])).await;
        let both = layer(&[("libone", "1"), ("libtwo", "1")]);
        let new = push(app, "shown/a", "2", &both).await;
        // Nothing was scanned, and who does not ask is not told.
        assert!(
            listed(app)
                .await
                .iter()
                .all(|row| row["newest_scan"].is_null())
        );
        scan(app, "shown/a", "1").await;
        let list = listed(app).await;
        assert_eq!(list[0]["newest_scan"]["digest"], old.as_str(), "{list:?}");
        assert_eq!(*total(&list[0]), 1, "{list:?}");
        scan(app, "shown/a", "2").await;
        let list = listed(app).await;
        assert_eq!(list[0]["newest_scan"]["digest"], new.as_str(), "{list:?}");
        assert_eq!(*total(&list[0]), 2, "{list:?}");
        assert!(list[1]["newest_scan"].is_null(), "{list:?}");
        let without = "/api/v2.0/projects/shown/repositories?sort=name";
        let without = app.get(without).send().await.expect(200).json();
        assert!(without[0]["newest_scan"].is_null(), "{without}");

        // An index has no report: the images that it names stand for it.
        let child = push(app, "shown/c", "child", &layer(&[("libone", "1")])).await;
        scan(app, "shown/c", "child").await;
        let path = format!("/v2/shown/c/manifests/{child}");
        let bytes = app.get(&path).send().await.expect(200).body;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [descriptor(media_type::OCI_MANIFEST, &bytes)],
        });
        app.put_manifest("shown/c", "all", &index).await.expect(201);
        let list = listed(app).await;
        assert_eq!(list[2]["newest_scan"]["digest"], child.as_str(), "{list:?}");
        assert_eq!(*total(&list[2]), 1, "{list:?}");

        // Who may list repositories and not what is in them is told of no artifact.
        app.project("kept", false).await;
        push(app, "kept/a", "1", &both).await;
        scan(app, "kept/a", "1").await;
        let body = |words: &[&str]| {
            let access: Vec<Value> = words
                .iter()
                .map(|word| json!({"resource": word, "action": "list"}))
                .collect();
            json!({
                "name": words.join("-"), "level": "project", "duration": -1,
                "permissions": [{"kind": "project", "namespace": "kept", "access": access}],
            })
        };
        let kept = LIST.replace("shown", "kept");
        for (words, told) in [
            (&["repository"][..], false),
            (&["repository", "artifact"][..], true),
        ] {
            let robot = app.robot(&body(words)).await;
            let list = app.get(&kept).by(&robot).send().await.expect(200).json();
            assert_eq!(!list[0]["newest_scan"].is_null(), told, "{list}");
        }
        let wrong = LIST.replace("=true", "=maybe");
        app.get(&wrong)
            .send()
            .await
            .refused(422, "UNPROCESSABLE_ENTITY");
    })
    .await;
}
