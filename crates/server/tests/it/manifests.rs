//! What a manifest must be to be taken (OCI distribution 1.1, "Pushing manifests").

use berth_model::Limits;
use berth_oci::media_type;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::app::{App, both, both_with};
use crate::content::{config, descriptor, image, noise, sha256, sha512};

const REPOSITORY: &str = "library/manifests";

/// A config and a layer that are in the repository.
async fn parts(app: &App) -> (Bytes, Bytes) {
    let (config, layer) = (config("parts"), noise(1, 200));
    app.push_blob(REPOSITORY, &config).await;
    app.push_blob(REPOSITORY, &layer).await;
    (config, layer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_answers_where_it_is() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let manifest = image(&config, &layer);
        let digest = sha256(manifest.to_string().as_bytes());
        for reference in ["latest", &digest] {
            let put = app.put_manifest(REPOSITORY, reference, &manifest).await;
            let put = put.expect(201);
            assert_eq!(put.need("docker-content-digest"), digest);
            assert_eq!(put.header("oci-subject"), None);
            let location = put.need("location");
            assert_eq!(location, format!("/v2/{REPOSITORY}/manifests/{digest}"));
            app.get(location).send().await.expect(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_by_digest_is_what_the_digest_says() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let manifest = image(&config, &layer);
        for wrong in [sha256(b"other"), sha512(b"other")] {
            let put = app.put_manifest(REPOSITORY, &wrong, &manifest).await;
            put.refused(400, "DIGEST_INVALID");
            let path = format!("/v2/{REPOSITORY}/manifests/{wrong}");
            app.get(&path).send().await.expect(404);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_with_two_readings_are_refused() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let good = image(&config, &layer);
        let with = |change: &dyn Fn(&mut Value)| {
            let mut changed = good.clone();
            change(&mut changed);
            changed.to_string()
        };
        let manifest = media_type::OCI_MANIFEST;
        let index = media_type::OCI_INDEX;
        let text = good.to_string();
        let cases: Vec<(&str, String)> = vec![
            // The field says one thing, the header another.
            (index, text.clone()),
            (media_type::DOCKER_SCHEMA2, text.clone()),
            // CVE-2021-41190.
            (manifest, with(&|it| it["manifests"] = json!([]))),
            (
                manifest,
                with(&|it| {
                    it.as_object_mut().unwrap().remove("mediaType");
                    it["manifests"] = json!([]);
                }),
            ),
            (
                index,
                with(&|it| {
                    it.as_object_mut().unwrap().remove("mediaType");
                }),
            ),
            (
                "application/x-unknown+json",
                with(&|it| {
                    it["mediaType"] = json!("application/x-unknown+json");
                    it["manifests"] = json!([]);
                }),
            ),
            (manifest, with(&|it| it["schemaVersion"] = json!(1))),
            (manifest, with(&|it| it["schemaVersion"] = json!("2"))),
            (manifest, with(&|it| it["schemaVersion"] = json!(3))),
            (manifest, with(&|it| it["config"] = Value::Null)),
            (manifest, with(&|it| it["layers"][0]["size"] = json!(-1))),
            (manifest, with(&|it| it["layers"][0]["size"] = json!(1.5))),
            (manifest, with(&|it| it["layers"][0]["digest"] = json!("x"))),
            (
                manifest,
                with(&|it| it["layers"][0]["digest"] = json!("sha256:../../x")),
            ),
            (manifest, with(&|it| it["layers"] = json!({}))),
            // Doubled keys, keys in another case, more after the end, a mark before the start.
            (manifest, text.replacen('{', "{\"schemaVersion\":2,", 1)),
            (manifest, text.replacen('{', "{\"Layers\":[],", 1)),
            (manifest, format!("{text}{text}")),
            (manifest, format!("{text}x")),
            (manifest, format!("\u{feff}{text}")),
            (manifest, text.replacen("\"size\":200", "\"size\":1e400", 1)),
            (
                manifest,
                text.replacen("\"size\":200", "\"size\":9223372036854775808", 1),
            ),
            (
                manifest,
                text.replacen(
                    '{',
                    &format!("{{\"deep\":{}{},", "[".repeat(10_000), "]".repeat(10_000)),
                    1,
                ),
            ),
            (manifest, text[..text.len() - 1].to_owned()),
            (manifest, String::new()),
            (manifest, "null".to_owned()),
            (manifest, "[]".to_owned()),
            (manifest, "{}".to_owned()),
        ];
        for (media_type, body) in cases {
            let put = app.put_bytes(REPOSITORY, "bad", media_type, body.clone());
            let answer = put.await;
            let shown: String = body.chars().take(300).collect();
            assert_eq!(
                (answer.status, answer.code().as_deref()),
                (400, Some("MANIFEST_INVALID")),
                "{media_type} {shown}: {}",
                answer.text()
            );
        }
        let bytes = [b"{\"schemaVersion\":2,\"x\":\"", &[0xff_u8][..], b"\"}"].concat();
        let put = app.put_bytes(REPOSITORY, "bad", manifest, bytes).await;
        put.refused(400, "MANIFEST_INVALID");
        let tag = app.get(&format!("/v2/{REPOSITORY}/manifests/bad")).send();
        tag.await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_1_is_refused_and_said_so() {
    both(async |app| {
        let old = json!({
            "schemaVersion": 1, "name": "a", "tag": "b", "architecture": "amd64",
            "fsLayers": [], "history": [], "signatures": [],
        });
        for media_type in [
            media_type::DOCKER_SCHEMA1,
            media_type::DOCKER_SCHEMA1_SIGNED,
            media_type::DOCKER_SCHEMA2,
            "application/json",
        ] {
            let put = app.put_bytes(REPOSITORY, "old", media_type, old.to_string());
            let put = put.await.refused(400, "MANIFEST_INVALID");
            assert!(put.text().contains("schema"), "{}", put.text());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_without_a_type_has_its_headers() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let mut manifest = image(&config, &layer);
        manifest.as_object_mut().unwrap().remove("mediaType");
        for media_type in [media_type::OCI_MANIFEST, media_type::DOCKER_SCHEMA2] {
            let put = app.put_bytes(REPOSITORY, "helm", media_type, manifest.to_string());
            put.await.expect(201);
        }
        let none = app.put(&format!("/v2/{REPOSITORY}/manifests/none"));
        let none = none.body(manifest.to_string()).send().await;
        none.refused(400, "MANIFEST_INVALID");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_defined_is_kept_as_it_is() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let kept = [
            json!({
                "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
                "artifactType": "application/vnd.example+type",
                "config": descriptor("application/vnd.example.config", &config),
                "layers": [descriptor("application/vnd.example.layer", &layer)],
                "x-custom": {"any": [1, 2, null]}, "annotations": {},
            }),
            json!({"schemaVersion": 2, "mediaType": media_type::DOCKER_SCHEMA2,
                "config": descriptor(media_type::DOCKER_CONFIG, &config), "layers": []}),
            json!({"mediaType": "application/vnd.example.thing+json", "things": [1]}),
            json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []}),
            // No layers at all, and the same layer twice.
            json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
                "config": descriptor(media_type::OCI_CONFIG, &config)}),
            json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
                "config": descriptor(media_type::OCI_CONFIG, &config),
                "layers": [descriptor(media_type::OCI_LAYER, &layer),
                    descriptor(media_type::OCI_LAYER, &layer)]}),
        ];
        for manifest in kept {
            app.put_manifest(REPOSITORY, "kept", &manifest)
                .await
                .expect(201);
            let path = format!("/v2/{REPOSITORY}/manifests/kept");
            let got = app.get(&path).send().await.expect(200);
            assert_eq!(got.body, manifest.to_string());
            assert_eq!(
                got.need("content-type"),
                manifest["mediaType"].as_str().unwrap()
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_is_whole_where_the_operator_asks_for_it() {
    let setup = crate::app::Setup {
        tweak: |settings| settings.registry.sparse_manifests = false,
        ..Default::default()
    };
    both_with(&setup, async |app| {
        let (config, layer) = parts(app).await;
        let absent = noise(99, 50);
        for manifest in [image(&config, &absent), image(&absent, &layer)] {
            let put = app.put_manifest(REPOSITORY, "partial", &manifest).await;
            let put = put.refused(400, "MANIFEST_BLOB_UNKNOWN");
            assert!(put.text().contains(&sha256(&absent)), "{}", put.text());
        }
        // Not even when another repository has what is missing.
        app.push_blob("library/other", &absent).await;
        let manifest = image(&config, &absent);
        let put = app.put_manifest(REPOSITORY, "partial", &manifest).await;
        put.refused(400, "MANIFEST_BLOB_UNKNOWN");
        let path = format!("/v2/{REPOSITORY}/manifests/partial");
        app.get(&path).send().await.refused(404, "MANIFEST_UNKNOWN");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_that_stay_with_their_publisher_may_be_missing() {
    both(async |app| {
        let (config, _) = parts(app).await;
        for kind in [
            media_type::OCI_LAYER_NONDISTRIBUTABLE,
            media_type::OCI_LAYER_NONDISTRIBUTABLE_GZIP,
            media_type::OCI_LAYER_NONDISTRIBUTABLE_ZSTD,
            media_type::DOCKER_LAYER_FOREIGN_GZIP,
        ] {
            let mut manifest = image(&config, b"");
            manifest["layers"] = json!([descriptor(kind, b"elsewhere")]);
            manifest["layers"][0]["urls"] = json!(["https://example.org/layer"]);
            app.put_manifest(REPOSITORY, "windows", &manifest)
                .await
                .expect(201);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_may_name_what_is_not_here_and_what_is_no_manifest() {
    both(async |app| {
        let (_, layer) = parts(app).await;
        let image = app.push_image(REPOSITORY, "child", "a").await;
        for entries in [
            json!([descriptor(media_type::OCI_MANIFEST, &image.bytes)]),
            json!([descriptor(media_type::OCI_MANIFEST, b"nowhere")]),
            // BuildKit's cache.
            json!([descriptor(media_type::OCI_LAYER_GZIP, &layer)]),
        ] {
            for kind in [media_type::OCI_INDEX, media_type::DOCKER_LIST] {
                let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": entries});
                app.put_manifest(REPOSITORY, "index", &index)
                    .await
                    .expect(201);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_comes_after_its_manifest_belongs_to_it() {
    let setup = crate::app::Setup {
        tweak: |settings| settings.gc.grace_seconds = 0,
        ..Default::default()
    };
    both_with(&setup, async |app| {
        let (config, layer) = (config("sparse"), noise(31, 2_000));
        let manifest = image(&config, &layer);
        app.put_manifest(REPOSITORY, "sparse", &manifest)
            .await
            .expect(201);
        app.push_blob(REPOSITORY, &config).await;
        app.push_blob(REPOSITORY, &layer).await;
        app.collect().await;
        let path = format!("/v2/{REPOSITORY}/blobs/{}", sha256(&layer));
        let got = app.get(&path).send().await.expect(200);
        assert_eq!(sha256(&got.body), sha256(&layer));
        app.delete(&path).send().await.refused(400, "UNSUPPORTED");
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_was_lost_is_not_taken_for_one_left_out() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let path = format!("/v2/{REPOSITORY}/blobs/{}", sha256(&layer));
        app.delete(&path).send().await.expect(202);
        let manifest = image(&config, &layer);
        let put = app.put_manifest(REPOSITORY, "holes", &manifest).await;
        put.refused(400, "MANIFEST_BLOB_UNKNOWN");
        app.push_blob(REPOSITORY, &config).await;
        app.push_blob(REPOSITORY, &layer).await;
        app.put_manifest(REPOSITORY, "whole", &manifest)
            .await
            .expect(201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_mebibytes_are_taken_and_no_byte_more() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let mut manifest = image(&config, &layer);
        manifest["annotations"] = json!({"pad": ""});
        let bare = manifest.to_string().len();
        manifest["annotations"]["pad"] = "x".repeat(Limits::MANIFEST_BYTES - bare).into();
        let largest = Bytes::from(manifest.to_string());
        assert_eq!(largest.len(), 4 << 20);
        let kind = media_type::OCI_MANIFEST;
        app.put_bytes(REPOSITORY, "large", kind, largest.clone())
            .await
            .expect(201);
        let path = format!("/v2/{REPOSITORY}/manifests/large");
        assert_eq!(app.get(&path).send().await.expect(200).body, largest);
        // White space at the end is of the manifest.
        let larger = Bytes::from([&largest[..], b" "].concat());
        app.put_bytes(REPOSITORY, "larger", kind, larger.clone())
            .await
            .refused(413, "MANIFEST_INVALID");
        let call = app
            .put(&format!("/v2/{REPOSITORY}/manifests/larger"))
            .header("content-type", kind);
        let pieces = larger.chunks(65_536).map(Bytes::copy_from_slice).collect();
        call.pieces(pieces)
            .send()
            .await
            .refused(413, "MANIFEST_INVALID");
        let path = format!("/v2/{REPOSITORY}/manifests/larger");
        app.get(&path).send().await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_layers_are_taken_and_bounded() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let mut manifest = image(&config, &layer);
        let one = manifest["layers"][0].clone();
        manifest["layers"] = vec![one.clone(); 10_000].into();
        app.put_manifest(REPOSITORY, "many", &manifest)
            .await
            .expect(201);
        manifest["layers"] = vec![one; Limits::MANIFEST_DESCRIPTORS + 1].into();
        let put = app.put_manifest(REPOSITORY, "many", &manifest).await;
        assert!(matches!(put.status, 400 | 413), "{}", put.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_beside_a_digest_are_all_set() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let manifest = image(&config, &layer);
        let digest = sha256(manifest.to_string().as_bytes());
        let tags: Vec<String> = (0..Limits::PUSH_TAGS).map(|n| format!("t{n}")).collect();
        let query = |tags: &[String]| format!("{digest}?tag={}", tags.join("&tag="));
        let put = app.put_manifest(REPOSITORY, &query(&tags), &manifest).await;
        let put = put.expect(201);
        let mut set = put.all("oci-tag");
        set.sort_unstable();
        let mut asked: Vec<&str> = tags.iter().map(String::as_str).collect();
        asked.sort_unstable();
        assert_eq!(set, asked);
        for tag in &tags {
            let path = format!("/v2/{REPOSITORY}/manifests/{tag}");
            let got = app.head(&path).send().await.expect(200);
            assert_eq!(got.need("docker-content-digest"), digest);
        }
        // One too many, or one that cannot be: none is set.
        let mut more: Vec<String> = (0..=Limits::PUSH_TAGS).map(|n| format!("u{n}")).collect();
        let put = app.put_manifest(REPOSITORY, &query(&more), &manifest).await;
        assert_eq!(put.status, 400, "{}", put.text());
        more.truncate(2);
        more.push("-bad".to_owned());
        let put = app.put_manifest(REPOSITORY, &query(&more), &manifest).await;
        assert_eq!(put.status, 400, "{}", put.text());
        let path = format!("/v2/{REPOSITORY}/manifests/u0");
        app.get(&path).send().await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_moves_and_what_it_was_stays() {
    both(async |app| {
        let first = app.push_image(REPOSITORY, "latest", "a").await;
        let second = app.push_image(REPOSITORY, "latest", "b").await;
        let path = format!("/v2/{REPOSITORY}/manifests/latest");
        assert_eq!(app.get(&path).send().await.expect(200).body, second.bytes);
        let path = format!("/v2/{REPOSITORY}/manifests/{}", first.digest);
        assert_eq!(app.get(&path).send().await.expect(200).body, first.bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_follow_their_grammar() {
    both(async |app| {
        let (config, layer) = parts(app).await;
        let manifest = image(&config, &layer);
        let long = "a".repeat(128);
        for tag in ["a", "_", "0.1", "A-B_c.d", "latest", &long] {
            app.put_manifest(REPOSITORY, tag, &manifest)
                .await
                .expect(201);
        }
        let too_long = "a".repeat(129);
        for tag in [".a", "-a", "a+b", "a%20b", "a%3Ab", "%C3%A9", &too_long] {
            let put = app.put_manifest(REPOSITORY, tag, &manifest).await;
            assert!(matches!(put.status, 400 | 404), "{tag}: {}", put.text());
        }
    })
    .await;
}
