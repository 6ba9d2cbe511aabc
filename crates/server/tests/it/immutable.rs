//! Immutable tags: no way around them, and nothing else is held up.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{App, both};
use crate::client::Client;

const REPOSITORY: &str = "library/fixed";

pub(crate) fn rule(repositories: &str, tags: &str) -> Value {
    json!({
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {"repository":
            [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]},
    })
}

impl Client {
    /// Makes a rule; gives its path.
    pub(crate) async fn fix(&self, project: &str, rule: &Value) -> String {
        let path = format!("/api/v2.0/projects/{project}/immutabletagrules");
        let made = self.post(&path).json(rule).await.expect(201);
        made.need("location").to_owned()
    }

    async fn tag(&self, digest: &str, tag: &str) -> Answer {
        self.post(&format!("{}/{digest}/tags", artifacts()))
            .json(&json!({"name": tag}))
            .await
    }
}

fn manifest(reference: &str) -> String {
    format!("/v2/{REPOSITORY}/manifests/{reference}")
}

fn artifacts() -> String {
    "/api/v2.0/projects/library/repositories/fixed/artifacts".to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immutable_tag_is_neither_moved_nor_deleted() {
    both(async |app| {
        let one = app.push_image(REPOSITORY, "v1", "one").await;
        app.push_image(REPOSITORY, "latest", "one").await;
        app.push_image(REPOSITORY, "other", "other").await;
        let path = app.fix("library", &rule("fixed", "v*")).await;
        // The same again is no change, and other tags are free.
        app.push_image(REPOSITORY, "v1", "one").await;
        let two = app.push_image(REPOSITORY, "latest", "two").await;
        let manifest_of =
            |bytes: &bytes::Bytes| -> Value { serde_json::from_slice(bytes).unwrap() };
        let refused = app
            .put_manifest(REPOSITORY, "v1", &manifest_of(&two.bytes))
            .await
            .refused(412, "PRECONDITION");
        assert!(
            refused.text().contains("configured as immutable"),
            "{}",
            refused.text()
        );
        // By a digest, with the tag beside it.
        let beside = format!("{}?tag=v1", two.digest);
        app.put_manifest(REPOSITORY, &beside, &manifest_of(&two.bytes))
            .await
            .refused(412, "PRECONDITION");
        for reference in ["v1", &one.digest] {
            app.delete(&manifest(reference))
                .send()
                .await
                .refused(412, "PRECONDITION");
            let path = format!("{}/{reference}", artifacts());
            app.delete(&path).send().await.refused(412, "PRECONDITION");
        }
        let tag = format!("{}/{}/tags/v1", artifacts(), one.digest);
        app.delete(&tag).send().await.refused(412, "PRECONDITION");
        let repository = "/api/v2.0/projects/library/repositories/fixed";
        app.delete(repository)
            .send()
            .await
            .refused(412, "PRECONDITION");
        // By a copy that would move it.
        app.push_image("library/source", "v1", "three").await;
        let copy = format!("{}?from=library/source:v1", artifacts());
        app.post(&copy).send().await.refused(412, "PRECONDITION");
        let held = app.get(&manifest("v1")).send().await.expect(200);
        assert_eq!(held.body, one.bytes);
        // What is not immutable can be deleted all the same.
        app.delete(&manifest("other")).send().await.expect(202);
        app.delete(&manifest(&two.digest)).send().await.expect(202);
        app.tag(&one.digest, "v2").await.expect(201);
        // Without the rule everything is as before.
        app.delete(&path).send().await.expect(200);
        app.push_image(REPOSITORY, "v1", "two").await;
        app.delete(repository).send().await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_say_which_tags_are_immutable() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "v1", "one").await;
        app.push_image(REPOSITORY, "latest", "one").await;
        app.fix("library", &rule("**", "v*")).await;
        let shown = async |path: String| -> Vec<(String, bool)> {
            let found = app.get(&path).send().await.expect(200).json();
            let tags = found.pointer("/0/tags").cloned().unwrap_or(found);
            let mut tags: Vec<(String, bool)> = tags
                .as_array()
                .unwrap()
                .iter()
                .map(|tag| {
                    let name = tag["name"].as_str().unwrap().to_owned();
                    (name, tag["immutable"].as_bool().unwrap())
                })
                .collect();
            tags.sort();
            tags
        };
        let marked = vec![("latest".to_owned(), false), ("v1".to_owned(), true)];
        let tags = format!("{}/{}/tags", artifacts(), image.digest);
        assert_eq!(
            shown(format!("{tags}?with_immutable_status=true")).await,
            marked
        );
        assert_eq!(
            shown(format!("{}?with_immutable_status=true", artifacts())).await,
            marked
        );
        assert!(shown(tags).await.iter().all(|(_, immutable)| !immutable));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_kept_as_they_were_written_and_within_their_project() {
    both(async |app| {
        app.project("other", false).await;
        let path = app.fix("library", &rule("**", "v*")).await;
        let list = "/api/v2.0/projects/library/immutabletagrules";
        let rules = app.get(list).send().await.expect(200);
        assert_eq!(rules.need("x-total-count"), "1");
        let mut kept = rules.json()[0].clone();
        assert_eq!(kept["tag_selectors"][0]["pattern"], "v*");
        assert_eq!(kept["disabled"], false);
        app.post(list).json(&rule("**", "v*")).await.expect(409);
        let id = path.rsplit('/').next().unwrap().to_owned();
        // Through another project it is not there.
        let foreign = format!("/api/v2.0/projects/other/immutabletagrules/{id}");
        app.put(&foreign).json(&rule("**", "x")).await.expect(404);
        app.delete(&foreign).send().await.expect(404);
        // Disabled it holds nothing.
        app.push_image(REPOSITORY, "v1", "one").await;
        kept["disabled"] = json!(true);
        app.put(&path).json(&kept).await.expect(200);
        app.push_image(REPOSITORY, "v1", "two").await;
        kept["disabled"] = json!(false);
        app.put(&path).json(&kept).await.expect(200);
        app.delete(&manifest("v1")).send().await.expect(412);
        for (tags, status) in [("[", 400), ("{a,b}{c", 400), (&"{a,b}".repeat(60), 400)] {
            app.post(list).json(&rule("**", tags)).await.expect(status);
        }
        let mut nothing = rule("**", "x");
        nothing["tag_selectors"] = json!([]);
        app.post(list).json(&nothing).await.expect(400);
        nothing["tag_selectors"] = json!("x");
        app.post(list).json(&nothing).await.expect(422);
    })
    .await;
}

/// Pushes race a rule: after the rule was answered nothing moves the tag any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_push_passes_a_rule_that_was_answered() {
    both(async |app: &mut App| {
        let images = [
            app.push_image(REPOSITORY, "a", "one").await,
            app.push_image(REPOSITORY, "b", "two").await,
        ];
        for round in 0..6 {
            let tag = format!("v{round}");
            app.push_image(REPOSITORY, &tag, "one").await;
            let mut pushers = JoinSet::new();
            for n in 0..4 {
                let (client, tag) = (app.client(), tag.clone());
                let bytes = images[n % 2].bytes.clone();
                pushers.spawn(async move {
                    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
                    for _ in 0..5 {
                        let answer = client.put_manifest(REPOSITORY, &tag, &manifest).await;
                        assert!(matches!(answer.status, 201 | 412), "{}", answer.text());
                    }
                });
            }
            app.fix("library", &rule("**", &tag)).await;
            let settled = app.get(&manifest(&tag)).send().await.expect(200);
            while let Some(ended) = pushers.join_next().await {
                ended.unwrap();
            }
            let after = app.get(&manifest(&tag)).send().await.expect(200);
            assert_eq!(
                after.body, settled.body,
                "moved after the rule was answered"
            );
        }
    })
    .await;
}
