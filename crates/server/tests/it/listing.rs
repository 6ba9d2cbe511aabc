//! Lists of tags and repositories: every name once, in byte order, whatever the page.

use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::app::{App, both};
use crate::content::{config, image, noise, sha256};

const REPOSITORY: &str = "library/listed";
const TAGS: &str = "/v2/library/listed/tags/list";

/// A manifest that is ready to be tagged.
async fn ready(app: &App) -> Value {
    let (config, layer) = (config("listed"), noise(1, 10));
    app.push_blob(REPOSITORY, &config).await;
    app.push_blob(REPOSITORY, &layer).await;
    image(&config, &layer)
}

async fn tag(app: &App, manifest: &Value, tags: &[String]) {
    for tags in tags.chunks(50) {
        let digest = sha256(manifest.to_string().as_bytes());
        let reference = format!("{digest}?tag={}", tags.join("&tag="));
        app.put_manifest(REPOSITORY, &reference, manifest)
            .await
            .expect(201);
    }
}

fn names(body: &Value, field: &str) -> Vec<String> {
    let names = body[field].as_array().unwrap().iter();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Follows the links to the end; gives the pages.
async fn pages(app: &App, first: &str, field: &str) -> Vec<Vec<String>> {
    let (mut next, mut pages) = (Some(first.to_owned()), Vec::new());
    while let Some(path) = next {
        let answer = app.get(&path).send().await.expect(200);
        pages.push(names(&answer.json(), field));
        next = answer.next();
        assert!(pages.len() < 1000, "{first} has no end");
    }
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_are_in_byte_order_and_named_once() {
    both(async |app| {
        let manifest = ready(app).await;
        let empty = app.get(TAGS).send().await.expect(200).json();
        assert_eq!(empty, json!({"name": REPOSITORY, "tags": []}));
        // Each a prefix of another, and every kind of letter.
        let mut tags = [
            "a", "aa", "a.", "a-", "a_", "a0", "A", "Z", "_", "0", "1.0", "1.0.0", "1.0-rc",
            "1.0_rc", "10", "2", "latest", "LATEST", "z",
        ]
        .map(str::to_owned)
        .to_vec();
        tag(app, &manifest, &tags).await;
        tags.sort_unstable();
        let all = app.get(TAGS).send().await.expect(200);
        assert_eq!(all.json(), json!({"name": REPOSITORY, "tags": tags}));
        assert_eq!(all.next(), None);
        for n in 1..=tags.len() + 1 {
            let pages = pages(app, &format!("{TAGS}?n={n}"), "tags").await;
            assert!(pages.iter().rev().skip(1).all(|page| page.len() == n));
            assert_eq!(pages.concat(), tags, "n={n}");
        }
        // `last` is exclusive and need not exist.
        for (last, asked) in [
            ("a", "a"),
            ("b", "b"),
            ("1.0", "1.0"),
            ("1.0-", "1.0-"),
            ("~", "~"),
            ("\0", "%00"),
            ("1.0\0z", "1.0%00z"),
            ("\u{1f433}", "%F0%9F%90%B3"),
        ] {
            let got = app.get(&format!("{TAGS}?last={asked}")).send().await;
            let after = tags.iter().filter(|tag| tag.as_str() > last).cloned();
            let got = got.expect(200);
            assert_eq!(
                names(&got.json(), "tags"),
                after.collect::<Vec<_>>(),
                "{asked}"
            );
        }
        let long = "z".repeat(5000);
        let got = app.get(&format!("{TAGS}?last={long}")).send().await;
        assert!(names(&got.expect(200).json(), "tags").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_any_size_is_bounded() {
    both(async |app| {
        let manifest = ready(app).await;
        let tags: Vec<String> = (0..5).map(|n| format!("t{n}")).collect();
        tag(app, &manifest, &tags).await;
        for (list, field, all) in [
            (TAGS, "tags", tags),
            ("/v2/_catalog", "repositories", vec![REPOSITORY.to_owned()]),
        ] {
            let none = app.get(&format!("{list}?n=0")).send().await.expect(200);
            assert_eq!(none.json()[field], json!([]));
            assert_eq!(none.next(), None);
            for large in ["2147483648", "18446744073709551616", &"9".repeat(500)] {
                let got = app.get(&format!("{list}?n={large}")).send().await;
                let got = got.expect(200);
                assert_eq!(names(&got.json(), field), all);
                assert_eq!(got.next(), None);
            }
            for bad in ["-1", "abc", "", "1.5", "+1", "0x10", "1%202", "%31%00"] {
                let got = app.get(&format!("{list}?n={bad}")).send().await;
                assert_eq!(got.status, 400, "n={bad}: {}", got.text());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_is_not_there_has_no_list() {
    both(async |app| {
        let answer = app.get("/v2/library/nowhere/tags/list").send().await;
        answer.refused(404, "NAME_UNKNOWN");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalog_shows_what_the_caller_may_pull() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.project("hers", false).await;
        app.project("secret", false).await;
        app.member("hers", &jane, 5).await;
        let all = [
            "hers/a",
            "hers/b/c",
            "library/a",
            "library/a-b",
            "library/a/b",
            "secret/a",
        ];
        for name in all {
            app.push_blob(name, &Bytes::from_static(b"x")).await;
        }
        let seen: Vec<_> = all
            .into_iter()
            .filter(|name| !name.starts_with("secret"))
            .collect();
        for n in 1..=7 {
            let path = format!("/v2/_catalog?n={n}");
            let pages = pages(app, &path, "repositories").await.concat();
            assert_eq!(pages, all, "n={n}");
            let (mut next, mut hers) = (Some(path), Vec::new());
            while let Some(path) = next {
                let page = app.get(&path).by(&jane).send().await.expect(200);
                hers.extend(names(&page.json(), "repositories"));
                next = page.next();
            }
            assert_eq!(hers, seen, "n={n}");
        }
        let token = app.token(Some(&jane), &["registry:catalog:*"]).await;
        let page = app.get("/v2/_catalog").bearer(&token).send().await;
        assert_eq!(names(&page.expect(200).json(), "repositories"), seen);
        let nobody = app.get("/v2/_catalog").nobody().send().await.expect(401);
        assert!(
            nobody
                .need("www-authenticate")
                .contains("registry:catalog:*")
        );
    })
    .await;
}

/// Tags that stay, tags that come or go while pages are read, and the size of the pages.
fn traffic() -> impl Strategy<Value = (BTreeSet<String>, BTreeSet<String>, usize)> {
    let name = "[a-cA-C0-1_][a-c0-1._-]{0,3}";
    (
        prop::collection::btree_set(name, 1..30),
        prop::collection::btree_set(name, 1..15),
        1_usize..8,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pages_under_writes_sees_each_stable_tag_once() {
    both(async |app| {
        let manifest = ready(app).await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..12 {
            let (stable, passing, n) = traffic().new_tree(&mut runner).unwrap().current();
            let passing: Vec<String> = passing.difference(&stable).cloned().collect();
            tag(app, &manifest, &stable.iter().cloned().collect::<Vec<_>>()).await;
            let (mut next, mut seen) = (Some(format!("{TAGS}?n={n}")), Vec::new());
            let mut turn = 0;
            while let Some(path) = next {
                // One comes and one goes between any two pages.
                let come = &passing[turn % passing.len().max(1)..].first();
                if let Some(come) = come {
                    tag(app, &manifest, &[(*come).clone()]).await;
                }
                if let Some(go) = passing.get(turn / 2) {
                    let path = format!("/v2/{REPOSITORY}/manifests/{go}");
                    let gone = app.delete(&path).send().await;
                    assert!(matches!(gone.status, 202 | 404), "{}", gone.text());
                }
                let page = app.get(&path).send().await.expect(200);
                seen.extend(names(&page.json(), "tags"));
                next = page.next();
                turn += 1;
            }
            assert!(seen.is_sorted(), "{seen:?}");
            let once: BTreeSet<String> = seen.iter().cloned().collect();
            assert_eq!(once.len(), seen.len(), "{seen:?}");
            assert!(once.is_superset(&stable), "{stable:?} in {seen:?}");
            for name in stable.iter().chain(&passing) {
                let path = format!("/v2/{REPOSITORY}/manifests/{name}");
                app.delete(&path).send().await;
            }
        }
    })
    .await;
}
