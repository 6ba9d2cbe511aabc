//! Events of quotas: told once a crossing, to receivers of both formats.

use std::time::Duration;

use berth_model::Clock;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::app::{Setup, both_with};
use crate::content::{self, config, sha256};
use crate::webhooks::{Receiver, make, settled};

const KINDS: &[&str] = &["QUOTA_WARNING", "QUOTA_EXCEED"];

fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Clock::system().now()),
        ..crate::webhooks::setup()
    }
}

fn bytes(seed: u8, length: usize) -> Bytes {
    Bytes::from(vec![seed; length])
}

async fn next(receiver: &mut Receiver) -> Value {
    let (_, body) = receiver.next().await;
    serde_json::from_str(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_fills_up_is_told_once_a_crossing() {
    both_with(&setup(), async |app| {
        let project = app.limited_project("team", 1000).await;
        let mut plain = Receiver::start(vec![200]).await;
        let mut cloud = Receiver::start(vec![200]).await;
        let targets = json!([
            {"type": "http", "address": plain.address},
            {"type": "http", "address": cloud.address, "payload_format": "CloudEvents"},
        ]);
        let policy = make(app, "team", "full", KINDS, targets).await;
        app.try_blob("team/app", &bytes(1, 840)).await.expect(201);
        app.try_blob("team/app", &bytes(2, 20)).await.expect(201);
        let told = next(&mut plain).await;
        assert_eq!(told["type"], "QUOTA_WARNING");
        assert_eq!(told["operator"], "admin");
        assert_eq!(
            told["event_data"]["repository"]["repo_full_name"],
            "team/app"
        );
        let details = told["event_data"]["custom_attributes"]["Details"]
            .as_str()
            .unwrap();
        assert!(
            details.contains("860 bytes") && details.contains("1000 bytes"),
            "{details}"
        );
        let told = next(&mut cloud).await;
        assert_eq!(told["type"], "harbor.quota.warned");
        assert_eq!(told["data"]["repository"]["name"], "app");

        // Above the mark, pushes are not told of again; refused ones once.
        app.try_blob("team/app", &bytes(3, 40)).await.expect(201);
        for seed in 4..9 {
            app.try_blob("team/app", &bytes(seed, 200))
                .await
                .expect(403);
        }
        let told = next(&mut plain).await;
        assert_eq!(told["type"], "QUOTA_EXCEED");
        let details = told["event_data"]["custom_attributes"]["Details"]
            .as_str()
            .unwrap();
        assert!(details.contains("200 bytes"), "{details}");
        assert_eq!(next(&mut cloud).await["type"], "harbor.quota.exceeded");
        assert_eq!(settled(app, &policy).await.len(), 4);

        // Again once the limit was changed, and an hour later.
        app.set_limit(project, 1001).await.expect(200);
        app.try_blob("team/app", &bytes(9, 200)).await.expect(403);
        assert_eq!(next(&mut plain).await["type"], "QUOTA_EXCEED");
        app.try_blob("team/app", &bytes(9, 200)).await.expect(403);
        app.clock.advance(Duration::from_secs(3601));
        app.try_blob("team/app", &bytes(9, 200)).await.expect(403);
        assert_eq!(next(&mut plain).await["type"], "QUOTA_EXCEED");
        assert_eq!(settled(app, &policy).await.len(), 8);
        assert_eq!(app.count("SELECT COUNT(*) FROM event").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_bytes_mounts_copies_and_manifests_are_told() {
    both_with(&setup(), async |app| {
        let small = app.limited_project("small", 1000).await;
        app.project("large", false).await;
        let mut receiver = Receiver::start(vec![200]).await;
        let targets = json!([{"type": "http", "address": receiver.address}]);
        make(app, "small", "full", &["QUOTA_EXCEED"], targets).await;
        app.try_blob("small/app", &bytes(1, 2 << 20))
            .await
            .expect(403);
        assert_eq!(next(&mut receiver).await["type"], "QUOTA_EXCEED");
        app.clock.advance(Duration::from_secs(3601));
        let big = bytes(2, 4000);
        app.try_blob("large/app", &big).await.expect(201);
        let digest = sha256(&big);
        app.mount_blob("large/app", "small/app", &digest)
            .await
            .expect(403);
        let told = next(&mut receiver).await;
        assert_eq!(
            told["event_data"]["repository"]["repo_full_name"],
            "small/app"
        );
        app.clock.advance(Duration::from_secs(3601));
        let image = app.push_image("large/app", "v1", "large").await;
        app.set_limit(small, image.bytes.len() as i64)
            .await
            .expect(200);
        app.copy("large/app:v1", "small", "copied")
            .await
            .refused(403, "DENIED");
        let told = next(&mut receiver).await;
        let place = &told["event_data"]["repository"]["repo_full_name"];
        assert_eq!(place, "small/copied");
        app.clock.advance(Duration::from_secs(3601));
        let (config, layer) = (config("x"), Bytes::from("layer of x"));
        let blobs = config.len() + layer.len();
        app.set_limit(small, blobs as i64).await.expect(200);
        app.push_blob("small/app", &config).await;
        app.push_blob("small/app", &layer).await;
        app.put_manifest("small/app", "v1", &content::image(&config, &layer))
            .await
            .refused(403, "DENIED");
        assert_eq!(next(&mut receiver).await["type"], "QUOTA_EXCEED");
    })
    .await;
}
