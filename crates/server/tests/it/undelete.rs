//! What was deleted is gone at once, and comes back whole within its time.

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, Setup, both_with};
use crate::content::sha256;
use crate::immutable::rule;

const REPOSITORY: &str = "library/kept";
const API: &str = "/api/v2.0/projects/library/repositories/kept";
const DELETED: &str = "/api/v2.0/projects/library/deletedrepositories";
/// Beyond the grace, with what reviews are spread over.
const LATER: Duration = Duration::from_mins(121);
const DAY: Duration = Duration::from_hours(24);

fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        tweak: |settings| settings.registry.undelete_days = 7,
        ..Setup::default()
    }
}

fn manifest(reference: &str) -> String {
    format!("/v2/{REPOSITORY}/manifests/{reference}")
}

fn blob(digest: &str) -> String {
    format!("/v2/{REPOSITORY}/blobs/{digest}")
}

async fn restore(app: &App, tag: &str) -> Answer {
    app.post(&format!("{API}/tags/{tag}/_restore"))
        .json(&json!({}))
        .await
}

async fn history(app: &App, tag: &str) -> Vec<(String, String)> {
    let spans = app
        .get(&format!("{API}/tags/{tag}/history"))
        .send()
        .await
        .expect(200);
    let spans: Vec<Value> = spans.json().as_array().unwrap().clone();
    spans
        .iter()
        .map(|span| {
            let text = |key: &str| span[key].as_str().unwrap().to_owned();
            (text("digest"), text("state"))
        })
        .collect()
}

/// Collects until nothing is due, after the grace.
async fn collect_all(app: &App) {
    app.clock.advance(LATER);
    while app.collect().await.reviewed > 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_goes_back_to_what_it_was() {
    both_with(&setup(), async |app| {
        let one = app.push_image(REPOSITORY, "v1", "one").await;
        let two = app.push_image(REPOSITORY, "v1", "two").await;
        let expected = [
            (two.digest.clone(), "current"),
            (one.digest.clone(), "held"),
        ];
        let expected = expected.map(|(digest, state)| (digest, state.to_owned()));
        assert_eq!(history(app, "v1").await, expected);
        let restored = restore(app, "v1").await.expect(200).json();
        assert_eq!(restored["digest"], one.digest.as_str());
        assert_eq!(restored["artifacts"], 0);
        assert_eq!(
            app.get(&manifest("v1")).send().await.expect(200).body,
            one.bytes
        );
        // And to a digest that is named.
        let path = format!("{API}/tags/v1/_restore");
        app.post(&path)
            .json(&json!({"digest": two.digest}))
            .await
            .expect(200);
        assert_eq!(
            app.get(&manifest("v1")).send().await.expect(200).body,
            two.bytes
        );
        // A digest that the tag never had, and a tag that never was.
        let other = app.push_image(REPOSITORY, "other", "three").await;
        app.post(&path)
            .json(&json!({"digest": other.digest}))
            .await
            .expect(404);
        restore(app, "never").await.expect(404);
        app.post(&path)
            .json(&json!({"digest": "x"}))
            .await
            .expect(400);
        // An immutable tag stays.
        app.fix("library", &rule("**", "v1")).await;
        restore(app, "v1").await.refused(412, "PRECONDITION");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_artifact_comes_back_with_its_layers() {
    both_with(&setup(), async |app| {
        let image = app.push_image(REPOSITORY, "v1", "one").await;
        app.push_image(REPOSITORY, "other", "other").await;
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        app.get(&manifest("v1")).send().await.expect(404);
        app.get(&manifest(&image.digest)).send().await.expect(404);
        collect_all(app).await;
        // Its layers are of nobody, and are there.
        app.get(&blob(&image.layers[0])).send().await.expect(404);
        assert_eq!(app.files("blobs").len(), 4);
        assert_eq!(
            history(app, "v1").await,
            [(image.digest.clone(), "deleted".to_owned())]
        );
        let restored = restore(app, "v1").await.expect(200).json();
        assert_eq!(restored["artifacts"], 1);
        assert_eq!(
            app.get(&manifest("v1")).send().await.expect(200).body,
            image.bytes
        );
        for digest in [&image.config, &image.layers[0]] {
            let bytes = app.get(&blob(digest)).send().await.expect(200).body;
            assert_eq!(sha256(&bytes), **digest);
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM trashed_manifest").await, 0);
        collect_all(app).await;
        app.get(&blob(&image.layers[0])).send().await.expect(200);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_an_artifact_comes_back_with_it() {
    both_with(&setup(), async |app| {
        let child = app.push_image(REPOSITORY, "child", "child").await;
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let descriptor =
            json!({"mediaType": media_type, "digest": child.digest, "size": child.bytes.len()});
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        });
        let pushed = app.put_manifest(REPOSITORY, "v1", &index).await.expect(201);
        let digest = pushed.need("docker-content-digest").to_owned();
        app.delete(&manifest("child")).send().await.expect(202);
        let subject = json!({
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": digest, "size": index.to_string().len(),
        });
        app.attach(REPOSITORY, &subject, "application/x-note", "n")
            .await
            .expect(201);
        let artifact = format!("{API}/artifacts/{digest}");
        let size = app.get(&artifact).send().await.expect(200).json()["size"].clone();
        app.delete(&artifact).send().await.expect(200);
        assert_eq!(app.count("SELECT COUNT(*) FROM manifest").await, 0);
        let restored = restore(app, "v1").await.expect(200).json();
        assert_eq!(restored["artifacts"], 3);
        assert_eq!(
            app.get(&artifact).send().await.expect(200).json()["size"],
            size
        );
        app.get(&manifest(&child.digest)).send().await.expect(200);
        let referrers = format!("/v2/{REPOSITORY}/referrers/{digest}");
        let found = app.get(&referrers).send().await.expect(200).json();
        assert_eq!(found["manifests"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_repository_comes_back() {
    both_with(&setup(), async |app| {
        app.project("other", false).await;
        let one = app.push_image(REPOSITORY, "v1", "one").await;
        app.push_image(REPOSITORY, "latest", "one").await;
        let two = app.push_image(REPOSITORY, "v2", "two").await;
        app.put(API)
            .json(&json!({"description": "mine"}))
            .await
            .expect(200);
        app.delete(API).send().await.expect(200);
        app.get(&manifest("v1")).send().await.expect(404);
        collect_all(app).await;
        let listed = app.get(DELETED).send().await.expect(200);
        assert_eq!(listed.need("x-total-count"), "1");
        let listed = listed.json()[0].clone();
        assert_eq!(
            (&listed["name"], &listed["artifact_count"]),
            (&json!(REPOSITORY), &json!(2))
        );
        // Something else was pushed under its name meanwhile.
        let newer = app.push_image(REPOSITORY, "latest", "newer").await;
        let path = format!("{DELETED}/{}/_restore", listed["id"]);
        let foreign = path.replace("/library/", "/other/");
        app.post(&foreign).send().await.expect(404);
        let restored = app.post(&path).send().await.expect(200).json();
        assert_eq!(
            (&restored["artifacts"], &restored["tags"]),
            (&json!(2), &json!(2))
        );
        for (tag, bytes) in [
            ("v1", &one.bytes),
            ("v2", &two.bytes),
            ("latest", &newer.bytes),
        ] {
            assert_eq!(
                app.get(&manifest(tag)).send().await.expect(200).body,
                bytes,
                "{tag}"
            );
        }
        app.get(&blob(&two.layers[0])).send().await.expect(200);
        app.post(&path).send().await.expect(404);
        assert_eq!(app.get(DELETED).send().await.expect(200).json(), json!([]));
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_its_time_it_is_garbage() {
    both_with(&setup(), async |app| {
        let image = app.push_image(REPOSITORY, "v1", "one").await;
        app.push_image("library/gone", "v1", "gone").await;
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        let gone = "/api/v2.0/projects/library/repositories/gone";
        app.delete(gone).send().await.expect(200);
        app.clock.advance(DAY * 6);
        collect_all(app).await;
        assert_eq!(app.files("blobs").len(), 4);
        app.clock.advance(DAY);
        // It is over before the collection has noticed.
        restore(app, "v1").await.expect(404);
        assert_eq!(
            history(app, "v1").await,
            [(image.digest.clone(), "gone".to_owned())]
        );
        assert_eq!(app.get(DELETED).send().await.expect(200).json(), json!([]));
        collect_all(app).await;
        collect_all(app).await;
        assert_eq!(app.files("blobs").len(), 0);
        for table in [
            "SELECT COUNT(*) FROM trashed_repository",
            "SELECT COUNT(*) FROM trashed_manifest",
            "SELECT COUNT(*) FROM trashed_blob",
            "SELECT COUNT(*) FROM blob",
        ] {
            assert_eq!(app.count(table).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trash_can_be_emptied_and_turned_off() {
    both_with(&setup(), async |app| {
        let image = app.push_image(REPOSITORY, "v1", "one").await;
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        assert_eq!(app.parts.registry.empty_trash(false).await.unwrap(), 0);
        assert_eq!(app.parts.registry.empty_trash(true).await.unwrap(), 1);
        restore(app, "v1").await.expect(404);
        collect_all(app).await;
        assert_eq!(app.files("blobs").len(), 0);
        let image = app.push_image(REPOSITORY, "v2", "two").await;
        let off = json!({"undelete_days": 0});
        app.put("/api/v2.0/configurations")
            .json(&off)
            .await
            .expect(200);
        app.delete(&manifest(&image.digest))
            .send()
            .await
            .expect(202);
        assert_eq!(app.count("SELECT COUNT(*) FROM trashed_manifest").await, 0);
        restore(app, "v2").await.expect(404);
    })
    .await;
}
