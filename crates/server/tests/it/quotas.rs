//! Quotas: exactly the limit is kept whatever is pushed at once, and nothing but pushes is
//! refused by it.

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{App, Setup, both, both_with};
use crate::client::Client;
use crate::content::{config, image, noise, sha256};

/// Beyond the grace, with what reviews are spread over.
pub(crate) const LATER: Duration = Duration::from_mins(121);

pub(crate) fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    }
}

impl Client {
    /// Makes a project that may hold so many bytes; gives its id.
    pub(crate) async fn limited_project(&self, name: &str, limit: i64) -> i64 {
        let body = json!({"project_name": name, "storage_limit": limit});
        let made = self.post("/api/v2.0/projects").json(&body).await;
        let made = made.expect(201);
        let id = made.need("location").rsplit('/').next().unwrap();
        id.parse().unwrap()
    }

    pub(crate) async fn set_limit(&self, project: i64, limit: i64) -> Answer {
        let path = format!("/api/v2.0/quotas/{project}");
        let body = json!({"hard": {"storage": limit}});
        self.put(&path).json(&body).await
    }

    pub(crate) async fn quota(&self, project: i64) -> Value {
        let path = format!("/api/v2.0/quotas/{project}");
        self.get(&path).send().await.expect(200).json()
    }

    pub(crate) async fn used(&self, project: i64) -> i64 {
        self.quota(project).await["used"]["storage"]
            .as_i64()
            .unwrap()
    }

    pub(crate) async fn try_blob(&self, repository: &str, bytes: &Bytes) -> Answer {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", sha256(bytes));
        self.post(&path).body(bytes.clone()).send().await
    }

    pub(crate) async fn mount_blob(&self, from: &str, to: &str, digest: &str) -> Answer {
        let path = format!("/v2/{to}/blobs/uploads/?mount={digest}&from={from}");
        self.post(&path).send().await
    }

    pub(crate) async fn copy(&self, from: &str, project: &str, repository: &str) -> Answer {
        let path =
            format!("/api/v2.0/projects/{project}/repositories/{repository}/artifacts?from={from}");
        self.post(&path).send().await
    }
}

/// What the projects hold, counted from links and manifests themselves.
async fn counted(app: &App, project: i64) -> i64 {
    let (sum,): (i64,) = app
        .parts
        .db
        .one(
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM ( \
               SELECT digest, MAX(size) AS size FROM ( \
                 SELECT b.digest, b.size FROM repository_blob l \
                 JOIN blob b ON b.id = l.blob_id JOIN repository r ON r.id = l.repository_id \
                 WHERE r.project_id = $1 \
                 UNION ALL \
                 SELECT m.digest, m.size FROM manifest m \
                 JOIN repository r ON r.id = m.repository_id WHERE r.project_id = $1 \
               ) held GROUP BY digest) one",
            berth_db::args![project],
        )
        .await
        .unwrap();
    sum
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_pushes_keep_exactly_the_limit() {
    both(async |app| {
        const EACH: usize = 10_000;
        let id = app.limited_project("tight", 10 * EACH as i64 + 500).await;
        let mut pushes = JoinSet::new();
        for n in 0..30_u64 {
            let client = app.client();
            pushes.spawn(async move {
                let repository = format!("tight/app{}", n % 4);
                client.try_blob(&repository, &noise(n + 1, EACH)).await
            });
        }
        let mut taken = 0;
        while let Some(answer) = pushes.join_next().await {
            let answer = answer.unwrap();
            if answer.status == 201 {
                taken += 1;
            } else {
                let text = answer.text();
                answer.refused(403, "DENIED");
                for told in ["project tight", "100500 bytes", "10000 bytes", "Delete"] {
                    assert!(text.contains(told), "{text}");
                }
            }
        }
        assert_eq!(taken, 10);
        assert_eq!(app.used(id).await, 10 * EACH as i64);
        assert_eq!(counted(app, id).await, 10 * EACH as i64);
        // The next smaller one fits, to the byte, and not one more.
        app.try_blob("tight/app0", &noise(101, 501))
            .await
            .refused(403, "DENIED");
        app.try_blob("tight/app0", &noise(102, 500))
            .await
            .expect(201);
        app.try_blob("tight/app0", &noise(103, 1))
            .await
            .refused(403, "DENIED");
        // Nothing of what was refused is left.
        assert_eq!(app.files("blobs").len(), 11);
        assert_eq!(app.check(true).await, (Vec::new(), 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_content_is_charged_once_in_a_project() {
    both(async |app| {
        let (first, second) = (
            app.limited_project("first", 100_000).await,
            app.limited_project("second", 100_000).await,
        );
        let layer = noise(1, 10_000);
        let digest = app.push_blob("first/a", &layer).await;
        assert_eq!(app.used(first).await, 10_000);
        // Again into the same repository, into another, and by mounting.
        app.push_blob("first/a", &layer).await;
        app.push_blob("first/b", &layer).await;
        app.mount_blob("first/a", "first/c", &digest)
            .await
            .expect(201);
        assert_eq!(app.used(first).await, 10_000);
        // Another project pays for itself.
        app.mount_blob("first/a", "second/a", &digest)
            .await
            .expect(201);
        assert_eq!(app.used(second).await, 10_000);
        // A manifest counts with its own bytes, once for all its repositories and tags.
        let config = config("once");
        app.push_blob("first/a", &config).await;
        app.push_blob("first/b", &config).await;
        let manifest = image(&config, &layer);
        let bytes = (config.len() + manifest.to_string().len()) as i64;
        for (repository, tag) in [("first/a", "1"), ("first/a", "2"), ("first/b", "1")] {
            app.put_manifest(repository, tag, &manifest)
                .await
                .expect(201);
        }
        assert_eq!(app.used(first).await, 10_000 + bytes);
        app.copy("first/a:1", "second", "copied").await.expect(201);
        assert_eq!(app.used(second).await, 10_000 + bytes);
        app.copy("first/a:1", "first", "copied").await.expect(201);
        assert_eq!(app.used(first).await, 10_000 + bytes);
        for id in [first, second] {
            assert_eq!(app.used(id).await, counted(app, id).await);
        }
        let statistics = app.get("/api/v2.0/statistics").send().await.json();
        assert_eq!(
            statistics["total_storage_consumption"],
            2 * (10_000 + bytes)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mounts_copies_and_manifests_are_refused_too() {
    both(async |app| {
        app.limited_project("source", -1).await;
        let full = app.limited_project("full", 1_000).await;
        let pushed = app.push_image("source/app", "v1", "x").await;
        let layer = app.push_blob("source/app", &noise(2, 2_000)).await;
        app.mount_blob("source/app", "full/app", &layer)
            .await
            .refused(403, "DENIED");
        assert_eq!(app.used(full).await, 0);
        app.set_limit(full, pushed.bytes.len() as i64)
            .await
            .expect(200);
        app.copy("source/app:v1", "full", "app")
            .await
            .refused(403, "DENIED");
        assert_eq!(app.used(full).await, 0);
        // All of it but the manifest fits.
        let (config, layer) = (config("x"), Bytes::from("layer of x"));
        let blobs = (config.len() + layer.len()) as i64;
        app.set_limit(full, blobs).await.expect(200);
        app.push_blob("full/app", &config).await;
        app.push_blob("full/app", &layer).await;
        app.put_manifest("full/app", "v1", &image(&config, &layer))
            .await
            .refused(403, "DENIED");
        let tags = app.get("/v2/full/app/tags/list").send().await.expect(200);
        assert_eq!(tags.json()["tags"], json!([]));
        let limit = blobs + pushed.bytes.len() as i64;
        app.set_limit(full, limit).await.expect(200);
        app.put_manifest("full/app", "v1", &image(&config, &layer))
            .await
            .expect(201);
        assert_eq!(app.used(full).await, limit);
        // Full to the byte: what is there may be pushed again, tagged and copied inside.
        app.push_image("full/app", "v2", "x").await;
        app.push_image("full/other", "v1", "x").await;
        app.copy("full/app:v1", "full", "third").await.expect(201);
        assert_eq!(app.used(full).await, limit);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_below_the_use_blocks_pushes_and_no_deletion() {
    both_with(&setup(), async |app| {
        let id = app.limited_project("lowered", -1).await;
        let kept = app.push_image("lowered/kept", "v1", "kept").await;
        let dropped = app.push_image("lowered/dropped", "v1", "dropped").await;
        let loose = app.push_blob("lowered/kept", &noise(1, 5_000)).await;
        let before = app.used(id).await;
        app.set_limit(id, 10).await.expect(200);
        assert_eq!(app.quota(id).await["hard"]["storage"], 10);
        app.try_blob("lowered/kept", &noise(2, 1))
            .await
            .refused(403, "DENIED");
        // What is there can be pulled, pushed again and deleted.
        app.push_image("lowered/kept", "v2", "kept").await;
        app.get("/v2/lowered/kept/manifests/v1")
            .send()
            .await
            .expect(200);
        let blob = format!("/v2/lowered/kept/blobs/{loose}");
        app.delete(&blob).send().await.expect(202);
        assert_eq!(app.used(id).await, before - 5_000);
        let manifest = format!("/v2/lowered/dropped/manifests/{}", dropped.digest);
        app.delete(&manifest).send().await.expect(202);
        let size = dropped.bytes.len() as i64;
        assert_eq!(app.used(id).await, before - 5_000 - size);
        // Its blobs count until they are collected.
        app.clock.advance(LATER);
        while app.collect().await.reviewed > 0 {}
        let blobs = (config("dropped").len() + "layer of dropped".len()) as i64;
        assert_eq!(app.used(id).await, before - 5_000 - size - blobs);
        let artifact = format!(
            "/api/v2.0/projects/lowered/repositories/kept/artifacts/{}",
            kept.digest
        );
        app.delete(&artifact).send().await.expect(200);
        app.delete("/api/v2.0/projects/lowered/repositories/kept")
            .send()
            .await
            .expect(200);
        app.delete("/api/v2.0/projects/lowered/repositories/dropped")
            .send()
            .await
            .expect(200);
        assert_eq!(app.used(id).await, 0);
        assert_eq!(counted(app, id).await, 0);
        let rows = app.count("SELECT COUNT(*) FROM project_content").await;
        assert_eq!(rows, 0);
        app.delete("/api/v2.0/projects/lowered")
            .send()
            .await
            .expect(200);
        let path = format!("/api/v2.0/quotas/{id}");
        app.get(&path).send().await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_length_is_refused_before_the_bytes() {
    both(async |app| {
        let id = app.limited_project("early", 3_000_000).await;
        let held = noise(1, 2_500_000);
        app.push_blob("early/app", &held).await;
        let digest = sha256(b"never sent");
        let begun = app.begin("early/app").await;
        let length = "Content-Length: 2000000\r\n";
        for (method, target) in [
            (
                "POST",
                format!("/v2/early/app/blobs/uploads/?digest={digest}"),
            ),
            ("PUT", format!("{begun}?digest={digest}")),
        ] {
            // Not one byte of the body is sent.
            let answer = app.raw_request(method, &target, length, b"").await;
            answer.refused(403, "DENIED");
        }
        // It may be what the project holds: only the end can tell.
        let other = app.begin("early/other").await;
        app.patch(&other)
            .body(held.clone())
            .send()
            .await
            .expect(202);
        let put = format!("{other}?digest={}", sha256(&held));
        app.put(&put).send().await.expect(201);
        let larger = "Content-Length: 2600000\r\n";
        let answer = app.raw_request("PATCH", &begun, larger, b"").await;
        answer.refused(403, "DENIED");
        assert_eq!(app.used(id).await, 2_500_000);
        // An upload that was refused early goes on, one refused at its end is over.
        app.delete(&begun).send().await.expect(204);
        let late = app.begin("early/app").await;
        let bytes = noise(2, 600_000);
        app.patch(&late)
            .body(bytes.clone())
            .send()
            .await
            .expect(202);
        let put = format!("{late}?digest={}", sha256(&bytes));
        app.put(&put).send().await.refused(403, "DENIED");
        app.get(&late)
            .send()
            .await
            .refused(404, "BLOB_UPLOAD_UNKNOWN");
        assert_eq!(app.count("SELECT COUNT(*) FROM upload").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_counted_but_not_kept_while_quotas_are_off() {
    both(async |app| {
        let id = app.limited_project("off", 100).await;
        let settings = "/api/v2.0/configurations";
        let off = json!({"quota_per_project_enable": false});
        app.put(settings).json(&off).await.expect(200);
        let digest = app.push_blob("off/app", &noise(1, 5_000)).await;
        assert_eq!(app.used(id).await, 5_000);
        let summary = "/api/v2.0/projects/off/summary";
        let told = app.get(summary).send().await.expect(200).json();
        assert!(told.get("quota").is_none(), "{told}");
        let on = json!({"quota_per_project_enable": true});
        app.put(settings).json(&on).await.expect(200);
        app.try_blob("off/app", &noise(2, 1))
            .await
            .refused(403, "DENIED");
        let told = app.get(summary).send().await.expect(200).json();
        let quota = json!({"hard": {"storage": 100}, "used": {"storage": 5000}});
        assert_eq!(told["quota"], quota);
        app.delete(&format!("/v2/off/app/blobs/{digest}"))
            .send()
            .await
            .expect(202);
        app.try_blob("off/app", &noise(2, 100)).await.expect(201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_projects_get_the_limit_they_should() {
    both(async |app| {
        let settings = json!({"storage_per_project": 5000});
        app.put("/api/v2.0/configurations")
            .json(&settings)
            .await
            .expect(200);
        let jane = app.user("jane").await;
        let limits = [
            (None, &app.admin, 5000),
            (Some(7000), &app.admin, 7000),
            (Some(-1), &app.admin, -1),
            // Only system administrators choose.
            (Some(7000), &jane, 5000),
            (Some(-1), &jane, 5000),
            (None, &jane, 5000),
        ];
        for (n, (asked, who, expected)) in limits.into_iter().enumerate() {
            let mut body = json!({"project_name": format!("p{n}")});
            if let Some(asked) = asked {
                body["storage_limit"] = asked.into();
            }
            let made = app.post("/api/v2.0/projects").by(who).json(&body).await;
            let made = made.expect(201);
            let id = made.need("location").rsplit('/').next().unwrap();
            let quota = app.quota(id.parse().unwrap()).await;
            assert_eq!(quota["hard"]["storage"], expected, "{n}");
        }
        for bad in [0_i64, -2, 1_125_899_906_842_625] {
            let body = json!({"project_name": "bad", "storage_limit": bad});
            let refused = app.post("/api/v2.0/projects").json(&body).await;
            refused.refused(400, "BAD_REQUEST");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_has_harbors_shapes() {
    both(async |app| {
        let (small, large) = (
            app.limited_project("small", 1_000).await,
            app.limited_project("large", 900_000).await,
        );
        app.push_blob("small/app", &noise(1, 900)).await;
        app.push_blob("large/app", &noise(2, 100)).await;
        let quota = app.quota(small).await;
        assert_eq!(
            quota["ref"],
            json!({"id": small, "name": "small", "owner_name": "admin"})
        );
        assert_eq!(quota["id"], small);
        assert_eq!(quota["hard"], json!({"storage": 1000}));
        assert_eq!(quota["used"], json!({"storage": 900}));
        for time in ["creation_time", "update_time"] {
            assert!(quota[time].is_string(), "{quota}");
        }
        // `library` is unlimited, which is the largest limit.
        for (query, expected) in [
            ("sort=hard.storage", vec!["small", "large", "library"]),
            ("sort=-hard.storage", vec!["library", "large", "small"]),
            ("sort=used.storage", vec!["library", "large", "small"]),
            ("sort=-used.storage", vec!["small", "large", "library"]),
            (
                "reference=project&sort=used.storage&page_size=1",
                vec!["library"],
            ),
            ("reference=registry", vec![]),
            ("reference_id=nobody", vec![]),
            ("q=used.storage%3D%5B500~%5D", vec!["small"]),
            ("q=name%3D~LARG", vec!["large"]),
        ] {
            let path = format!("/api/v2.0/quotas?{query}");
            let answer = app.get(&path).send().await.expect(200);
            let list = answer.json();
            let names: Vec<&str> = list
                .as_array()
                .unwrap()
                .iter()
                .map(|quota| quota["ref"]["name"].as_str().unwrap())
                .collect();
            assert_eq!(names, expected, "{query}");
            assert!(answer.header("x-total-count").is_some());
        }
        let path = format!("/api/v2.0/quotas?reference=project&reference_id={large}");
        let list = app.get(&path).send().await.expect(200).json();
        assert_eq!(list[0]["id"], large);
        assert_eq!(list.as_array().unwrap().len(), 1);
        app.get("/api/v2.0/quotas?sort=hard")
            .send()
            .await
            .refused(400, "BAD_REQUEST");
        for body in [
            json!({}),
            json!({"hard": {}}),
            json!({"hard": {"count": 1}}),
            json!({"hard": {"storage": 0}}),
            json!({"hard": {"storage": -2}}),
            json!({"hard": {"storage": 1_125_899_906_842_625_i64}}),
        ] {
            let path = format!("/api/v2.0/quotas/{small}");
            let refused = app.put(&path).json(&body).await;
            assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        }
        app.get("/api/v2.0/quotas/999999")
            .send()
            .await
            .refused(404, "NOT_FOUND");
        app.set_limit(999_999, 5).await.refused(404, "NOT_FOUND");
        // A member reads the quota of its own project in the summary, and only there.
        let jane = app.user("jane").await;
        app.member("small", &jane, 5).await;
        let path = "/api/v2.0/projects/small/summary";
        let told = app.get(path).by(&jane).send().await.expect(200).json();
        assert_eq!(told["quota"]["used"], json!({"storage": 900}));
        let path = format!("/api/v2.0/quotas/{small}");
        for method in [Method::GET, Method::PUT] {
            let call = app.call(method, &path).by(&jane);
            let body = json!({"hard": {"storage": -1}});
            call.json(&body).await.refused(403, "FORBIDDEN");
        }
        assert_eq!(app.quota(small).await["hard"]["storage"], 1000);
    })
    .await;
}
