//! What refers to a manifest (OCI distribution 1.1, "Listing Referrers").

use std::collections::BTreeSet;

use berth_model::Limits;
use berth_oci::{Digest, fallback_tag, media_type};
use serde_json::{Value, json};

use crate::app::{App, both};
use crate::content::{descriptor, sha256};

const REPOSITORY: &str = "library/referred";

fn path(digest: &str) -> String {
    format!("/v2/{REPOSITORY}/referrers/{digest}")
}

fn tag_of(digest: &str) -> String {
    fallback_tag(&digest.parse::<Digest>().unwrap())
}

/// The entries of one answer, which has the form it must have.
async fn list(app: &App, path: &str) -> Vec<Value> {
    let answer = app.get(path).send().await.expect(200);
    assert_eq!(answer.need("content-type"), media_type::OCI_INDEX);
    let body = answer.json();
    assert_eq!(body["schemaVersion"], 2);
    assert_eq!(body["mediaType"], media_type::OCI_INDEX);
    body["manifests"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_known_has_no_referrers_and_that_is_an_answer() {
    both(async |app| {
        let zero = format!("sha256:{}", "0".repeat(64));
        // Not even a repository.
        assert!(list(app, &path(&zero)).await.is_empty());
        app.push_image(REPOSITORY, "a", "a").await;
        assert!(list(app, &path(&zero)).await.is_empty());
        let long = format!("sha512:{}", "0".repeat(128));
        assert!(list(app, &path(&long)).await.is_empty());
        for bad in ["sha256:0", "latest", "md5:0123", &zero.to_uppercase()] {
            app.get(&path(bad)).send().await.expect(400);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_attached_is_listed_with_all_it_says() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "a").await;
        let subject = descriptor(media_type::OCI_MANIFEST, &image.bytes);
        let put = app
            .attach(REPOSITORY, &subject, "application/x-sbom", "one")
            .await
            .expect(201);
        assert_eq!(put.need("oci-subject"), image.digest);
        // An image whose config says what it is, and an index.
        let mut by_config: Value = serde_json::from_slice(&image.bytes).unwrap();
        by_config["subject"] = subject.clone();
        app.put_manifest(REPOSITORY, "by-config", &by_config)
            .await
            .expect(201);
        let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
            "manifests": [], "subject": subject, "annotations": {"of": "index"}});
        let put = app.put_manifest(REPOSITORY, "index", &index).await;
        assert_eq!(put.expect(201).need("oci-subject"), image.digest);

        let found = list(app, &path(&image.digest)).await;
        let by = |digest: &str| found.iter().find(|it| it["digest"] == digest).unwrap();
        assert_eq!(found.len(), 3);
        let artifact = by(put_digest(&found, "application/x-sbom"));
        assert_eq!(artifact["mediaType"], media_type::OCI_MANIFEST);
        assert_eq!(artifact["annotations"], json!({"note": "one"}));
        let stored = format!(
            "/v2/{REPOSITORY}/manifests/{}",
            artifact["digest"].as_str().unwrap()
        );
        let stored = app.get(&stored).send().await.expect(200);
        assert_eq!(artifact["size"], stored.body.len());
        let image_like = by(&sha256(by_config.to_string().as_bytes()));
        assert_eq!(image_like["artifactType"], media_type::OCI_CONFIG);
        let index_like = by(&sha256(index.to_string().as_bytes()));
        assert_eq!(index_like["mediaType"], media_type::OCI_INDEX);
        assert_eq!(index_like.get("artifactType"), None);
        assert_eq!(index_like["annotations"], json!({"of": "index"}));
        // Deleted, it is listed no more, at once.
        app.delete(&format!(
            "/v2/{REPOSITORY}/manifests/{}",
            index_like["digest"].as_str().unwrap()
        ))
        .send()
        .await
        .expect(202);
        assert_eq!(list(app, &path(&image.digest)).await.len(), 2);
    })
    .await;
}

fn put_digest<'a>(found: &'a [Value], artifact_type: &str) -> &'a str {
    let entry = found.iter().find(|it| it["artifactType"] == artifact_type);
    entry.unwrap()["digest"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subject_may_come_after_its_referrers() {
    both(async |app| {
        let later = b"not yet pushed";
        let subject = descriptor(media_type::OCI_MANIFEST, later);
        let put = app
            .attach(REPOSITORY, &subject, "application/x-a", "early")
            .await;
        assert_eq!(put.expect(201).need("oci-subject"), sha256(later));
        assert_eq!(list(app, &path(&sha256(later))).await.len(), 1);
        // In this repository and no other.
        let other = format!("/v2/library/other/referrers/{}", sha256(later));
        assert!(list(app, &other).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_are_filtered_and_the_filter_is_named() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "a").await;
        let subject = descriptor(media_type::OCI_MANIFEST, &image.bytes);
        for (kind, note) in [
            ("application/a+b", "1"),
            ("application/c", "2"),
            ("application/c", "3"),
        ] {
            app.attach(REPOSITORY, &subject, kind, note)
                .await
                .expect(201);
        }
        for (asked, count) in [
            ("application/a%2Bb", 1),
            ("application/c", 2),
            ("application/d", 0),
        ] {
            let path = format!("{}?artifactType={asked}", path(&image.digest));
            assert_eq!(list(app, &path).await.len(), count, "{asked}");
            let answer = app.get(&path).send().await.expect(200);
            assert_eq!(answer.need("oci-filters-applied"), "artifactType");
        }
        let answer = app.get(&path(&image.digest)).send().await.expect(200);
        assert_eq!(answer.header("oci-filters-applied"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_referrers_are_reached_page_by_page() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "a").await;
        let subject = descriptor(media_type::OCI_MANIFEST, &image.bytes);
        let many = Limits::REFERRERS_PAGE * 2 + 5;
        for n in 0..many {
            let kind = ["application/even", "application/odd"][n % 2];
            app.attach(REPOSITORY, &subject, kind, &n.to_string())
                .await
                .expect(201);
        }
        for (query, expected) in [("", many), ("?artifactType=application/odd", many / 2)] {
            let mut seen = BTreeSet::new();
            let mut next = Some(format!("{}{query}", path(&image.digest)));
            while let Some(page) = next {
                let found = list(app, &page).await;
                assert!(found.len() <= Limits::REFERRERS_PAGE);
                for entry in found {
                    assert!(seen.insert(entry["digest"].as_str().unwrap().to_owned()));
                }
                next = app.get(&page).send().await.expect(200).next();
            }
            assert_eq!(seen.len(), expected, "{query}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_larger_than_a_manifest_may_be() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "a").await;
        let subject = descriptor(media_type::OCI_MANIFEST, &image.bytes);
        for n in 0..6 {
            let note = format!("{n}").repeat(1 << 20);
            app.attach(REPOSITORY, &subject, "application/large", &note)
                .await
                .expect(201);
        }
        let (mut next, mut seen) = (Some(path(&image.digest)), 0);
        while let Some(page) = next {
            let answer = app.get(&page).send().await.expect(200);
            assert!(answer.body.len() < Limits::MANIFEST_BYTES);
            seen += answer.json()["manifests"].as_array().unwrap().len();
            next = answer.next();
        }
        assert_eq!(seen, 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_older_clients_attached_is_listed_too() {
    both(async |app| {
        let image = app.push_image(REPOSITORY, "a", "a").await;
        let subject = descriptor(media_type::OCI_MANIFEST, &image.bytes);
        // By its own subject, and in the index under the fallback tag: it is one entry.
        app.attach(REPOSITORY, &subject, "application/new", "new")
            .await
            .expect(201);
        let listed = list(app, &path(&image.digest)).await;
        let old = app.push_image(REPOSITORY, "old", "old").await;
        let mut entry = descriptor(media_type::OCI_MANIFEST, &old.bytes);
        entry["artifactType"] = json!("application/old");
        entry["annotations"] = json!({"kept": "yes"});
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [
                entry,
                listed[0],
                descriptor(media_type::OCI_MANIFEST, b"gone"),
            ],
        });
        let tag = tag_of(&image.digest);
        app.put_manifest(REPOSITORY, &tag, &index).await.expect(201);
        let found = list(app, &path(&image.digest)).await;
        let digests: BTreeSet<&str> = found
            .iter()
            .map(|it| it["digest"].as_str().unwrap())
            .collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(digests.contains(old.digest.as_str()));
        let ingested = found.iter().find(|it| it["digest"] == *old.digest).unwrap();
        assert_eq!(ingested["annotations"], json!({"kept": "yes"}));
        let filtered = format!("{}?artifactType=application/old", path(&image.digest));
        assert_eq!(list(app, &filtered).await.len(), 1);
        // The index itself stays a tag like any other.
        let tags = app.get(&format!("/v2/{REPOSITORY}/tags/list")).send().await;
        let tags = tags.expect(200).json();
        assert!(tags["tags"].as_array().unwrap().contains(&json!(tag)));
        // Something else under that tag is no list of referrers.
        app.push_image(REPOSITORY, &tag, "image").await;
        assert_eq!(list(app, &path(&image.digest)).await.len(), 1);
    })
    .await;
}
