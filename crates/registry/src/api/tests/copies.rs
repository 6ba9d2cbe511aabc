//! Copies within the registry.

use berth_oci::RepositoryName;
use berth_testkit::both_engines;
use http::Method;

use super::support::{World, digest_of, repository, world};

async fn copy(world: &World, user: &str, to: &str, from: &str) -> super::support::Answer {
    let path = format!("{}/artifacts?from={from}", repository(to));
    world.call(user, Method::POST, &path, None).await
}

#[tokio::test]
async fn an_artifact_is_copied_with_its_parts_and_accessories() {
    both_engines(|db| async move {
        let world = world(db).await;
        let one = world.image("open/app", "part", "one").await;
        let two = world.image("open/app", "", "two").await;
        let index = world.index("open/app", "v1", &[&one, &two]).await;
        world.attach("open/app", "", Some(&index), "note").await;
        let cosign = format!("{}.sig", digest_of(&one).to_string().replace(':', "-"));
        world.attach("open/app", &cosign, None, "signature").await;
        world.image("open/app", "elsewhere", "other").await;
        let made = copy(&world, "alice", "new%252Fcopy", "open/app:v1").await;
        assert_eq!(made.status, 201, "{}", made.json);
        let digest = digest_of(&index).to_string();
        let address = repository(&format!("new%252Fcopy/artifacts/{digest}"));
        assert_eq!(made.headers["location"], address);
        let copied = world
            .get(&format!("{address}?with_accessory=true"))
            .await
            .json;
        assert_eq!(copied["repository_name"], "p/new/copy");
        assert_eq!(copied["push_time"], "2026-03-04T05:06:13.000Z");
        assert_eq!(copied["tags"][0]["name"], "v1");
        assert_eq!(copied["references"].as_array().unwrap().len(), 2);
        assert_eq!(copied["accessories"].as_array().unwrap().len(), 1);
        let list = world
            .get(&repository("new%252Fcopy/artifacts?q=base%3D*"))
            .await;
        // The part's own tag says nothing about the copy and stays behind.
        assert_eq!(list.total(), "3");
        let found = world
            .get(&repository(&format!("new%252Fcopy/artifacts/{cosign}")))
            .await;
        assert_eq!(found.json["repository_name"], "p/new/copy");
        let part = repository("new%252Fcopy/artifacts/part");
        assert_eq!(world.status("alice", Method::GET, &part).await, 404);

        let name = RepositoryName::parse("p/new/copy").unwrap();
        let layer = digest_of(b"layer of one");
        assert!(world.registry.find_blob(&name, &layer).await.is_ok());
        assert!(
            world
                .registry
                .find_blob(&name, &digest_of(b"layer of other"))
                .await
                .is_err()
        );
        let row = world
            .registry
            .find_manifest(&name, &digest.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(world.registry.payload(&row).await.unwrap(), index);
        let unreviewed = "SELECT COUNT(*) FROM repository_blob l WHERE NOT EXISTS \
             (SELECT 1 FROM gc_review g \
              WHERE g.blob_id = l.blob_id AND g.repository_id = l.repository_id)";
        assert_eq!(world.count(unreviewed).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_what_is_there_brings_its_tags() {
    both_engines(|db| async move {
        let world = world(db).await;
        let bytes = world.image("open/app", "v1", "image").await;
        let old = world.image("p/app", "v2", "older").await;
        let from = format!("open/app@{}", digest_of(&bytes));
        assert_eq!(copy(&world, "alice", "app", &from).await.status, 201);
        world.image("open/app", "v2", "image").await;
        for _ in 0..2 {
            assert_eq!(
                copy(&world, "alice", "app", "open/app:v2").await.status,
                201
            );
        }
        let found = world.get(&repository("app/artifacts/v2")).await.json;
        assert_eq!(found["digest"], digest_of(&bytes).as_str());
        assert_eq!(found["tags"].as_array().unwrap().len(), 2);
        let before = repository(&format!("app/artifacts/{}", digest_of(&old)));
        assert!(world.get(&before).await.json["tags"].is_null());
        assert_eq!(
            world
                .count("SELECT COUNT(*) FROM tag_history WHERE name = 'v2'")
                .await,
            3
        );
        assert_eq!(copy(&world, "alice", "app", "p/app:v2").await.status, 201);
    })
    .await;
}

#[tokio::test]
async fn a_copy_needs_the_right_to_read_and_a_whole_source() {
    both_engines(|db| async move {
        let world = world(db).await;
        world.image("open/app", "v1", "image").await;
        world.image("other/app", "v1", "secret").await;
        for (user, from, status) in [
            ("guest", "open/app:v1", 403),
            ("", "open/app:v1", 401),
            ("alice", "other/app:v1", 403),
            ("alice", "nowhere/app:v1", 403),
            ("alice", "open/app:v9", 404),
            ("alice", "open/none:v1", 404),
            ("alice", "open/app", 400),
            ("alice", "app:v1", 400),
            ("alice", "open/app@sha256:1", 400),
            ("alice", "", 400),
        ] {
            let answer = copy(&world, user, "app", from).await;
            assert_eq!(answer.status, status, "{user} {from}: {}", answer.json);
        }
        assert_eq!(
            copy(&world, "alice", "Not%20A%20Name", "open/app:v1")
                .await
                .status,
            400
        );
        let damaged: Result<_, berth_db::DbError> = world
            .db
            .write(|tx| {
                let sql = "UPDATE blob SET state = 'quarantined'";
                Box::pin(async move { tx.execute(sql, berth_db::args![]).await })
            })
            .await;
        assert!(damaged.unwrap() > 0);
        let answer = copy(&world, "alice", "app", "open/app:v1").await;
        assert_eq!((answer.status, answer.code()), (412, "PRECONDITION"));
        // Nothing of it was kept, not even the repository.
        assert_eq!(
            world.status("alice", Method::GET, &repository("app")).await,
            404
        );
    })
    .await;
}
