//! Changes: descriptions, tags, and what is deleted with what.

use berth_oci::{Reference, RepositoryName};
use berth_testkit::both_engines;
use http::Method;
use serde_json::json;

use super::support::{World, digest_of, repository, world};

/// Whether a client pulls something under this reference, from memory or not.
async fn pulls(world: &World, name: &str, reference: &str) -> bool {
    let name = RepositoryName::parse(name).unwrap();
    let reference = Reference::parse(reference).unwrap();
    world
        .registry
        .find_manifest(&name, &reference)
        .await
        .is_ok()
}

async fn logged(world: &World) -> Vec<(String, String)> {
    world
        .db
        .all(
            "SELECT operation || ' ' || resource_type, resource FROM access_log \
             WHERE username = 'alice' AND operation <> 'push' AND repository <> '' ORDER BY id",
            berth_db::args![],
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn a_repository_is_described() {
    both_engines(|db| async move {
        let world = world(db).await;
        world.image("p/a/b", "v1", "make").await;
        let path = repository("a%252Fb");
        let body = || Some(json!({ "description": "what it is", "name": "ignored" }));
        let refused = world.call("guest", Method::PUT, &path, body()).await;
        assert_eq!(refused.status, 403);
        assert_eq!(
            world.call("alice", Method::PUT, &path, body()).await.status,
            200
        );
        let found = world.get(&path).await.json;
        assert_eq!(
            (&found["name"], &found["description"]),
            (&json!("p/a/b"), &json!("what it is"))
        );
        assert_eq!(found["artifact_count"], 1);
        let long = Some(json!({ "description": "x".repeat(70_000) }));
        assert_eq!(
            world.call("alice", Method::PUT, &path, long).await.status,
            400
        );
        let none = world
            .call("alice", Method::PUT, &repository("none"), body())
            .await;
        assert_eq!((none.status, none.code()), (404, "NOT_FOUND"));
        assert_eq!(
            logged(&world).await,
            [("update repository".into(), "p/a/b".into())]
        );
    })
    .await;
}

#[tokio::test]
async fn tags_are_added_and_removed_with_their_history() {
    both_engines(|db| async move {
        let world = world(db).await;
        let first = world.image("p/app", "v1", "first").await;
        world.image("p/app", "v2", "second").await;
        let tags = repository(&format!("app/artifacts/{}/tags", digest_of(&first)));
        let add = |name: &'static str| {
            world.call("alice", Method::POST, &tags, Some(json!({ "name": name })))
        };
        let made = add("stable").await;
        assert_eq!(made.status, 201, "{}", made.json);
        assert_eq!(made.headers["location"], format!("{tags}/stable"));
        for taken in ["stable", "v1", "v2"] {
            let answer = add(taken).await;
            assert_eq!((answer.status, answer.code()), (409, "CONFLICT"), "{taken}");
        }
        assert_eq!(add("no tag").await.status, 400);
        let guest = world
            .call("guest", Method::POST, &tags, Some(json!({ "name": "g" })))
            .await;
        assert_eq!(guest.status, 403);
        assert_eq!(
            world.get(&format!("{tags}?sort=name")).await.each("name"),
            ["stable", "v1"]
        );
        assert_eq!(
            world.get(&format!("{tags}?q=name%3D~sta")).await.total(),
            "1"
        );
        assert!(pulls(&world, "p/app", "stable").await);

        // Of another artifact, of none, and then of this one, once.
        for (path, expected) in [
            (format!("{tags}/v2"), 404),
            (format!("{tags}/none"), 404),
            (format!("{tags}/stable"), 200),
            (format!("{tags}/stable"), 404),
        ] {
            assert_eq!(
                world.status("alice", Method::DELETE, &path).await,
                expected,
                "{path}"
            );
        }
        assert!(!pulls(&world, "p/app", "stable").await);
        assert!(pulls(&world, "p/app", "v2").await && pulls(&world, "p/app", "v1").await);
        let history: Vec<(String, String, Option<String>)> = world
            .db
            .all(
                "SELECT digest, from_by, to_by FROM tag_history WHERE name = 'stable'",
                berth_db::args![],
            )
            .await
            .unwrap();
        let by = "alice".to_owned();
        assert_eq!(
            history,
            [(digest_of(&first).to_string(), by.clone(), Some(by))]
        );
        assert_eq!(
            logged(&world).await,
            [
                ("create tag".to_owned(), "p/app:stable".to_owned()),
                ("delete tag".to_owned(), "p/app:stable".to_owned()),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn of_two_who_make_a_tag_one_is_told() {
    both_engines(|db| async move {
        let world = world(db).await;
        world.image("p/app", "v1", "first").await;
        world.image("p/app", "v2", "second").await;
        let (one, two) = (
            repository("app/artifacts/v1/tags"),
            repository("app/artifacts/v2/tags"),
        );
        let body = || Some(json!({ "name": "same" }));
        let (one, two) = tokio::join!(
            world.call("alice", Method::POST, &one, body()),
            world.call("alice", Method::POST, &two, body()),
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    })
    .await;
}

#[tokio::test]
async fn an_artifact_is_deleted_with_what_is_there_only_for_it() {
    both_engines(|db| async move {
        let world = world(db).await;
        let one = world.image("p/app", "", "one").await;
        let two = world.image("p/app", "two", "two").await;
        let shared = world.image("p/app", "", "shared").await;
        let index = world.index("p/app", "v1", &[&one, &two, &shared]).await;
        let other = world.index("p/app", "other", &[&shared]).await;
        let note = world.attach("p/app", "", Some(&index), "note").await;
        world
            .attach("p/app", "", Some(&note), "note on the note")
            .await;
        let cosign = format!("{}.sig", digest_of(&one).to_string().replace(':', "-"));
        world
            .attach("p/app", &cosign, None, "signature of a part")
            .await;
        // Kept: about something that stays.
        world.attach("p/app", "", Some(&two), "note on two").await;
        assert!(pulls(&world, "p/app", "v1").await);
        let part = repository(&format!("app/artifacts/{}", digest_of(&two)));
        let refused = world.call("alice", Method::DELETE, &part, None).await;
        assert_eq!((refused.status, refused.code()), (412, "PRECONDITION"));
        let message = refused.json["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(digest_of(&index).as_str()), "{message}");
        let path = repository("app/artifacts/v1");
        assert_eq!(world.status("guest", Method::DELETE, &path).await, 403);
        assert_eq!(world.status("alice", Method::DELETE, &path).await, 200);
        assert_eq!(world.status("alice", Method::DELETE, &path).await, 404);
        let left = world
            .get(&repository("app/artifacts?q=base%3D*&sort=id"))
            .await;
        let kept: Vec<String> = [&two, &shared, &other]
            .iter()
            .map(|bytes| digest_of(bytes).to_string())
            .collect();
        assert_eq!(left.each("digest"), kept);
        assert_eq!(world.count("SELECT COUNT(*) FROM manifest").await, 4);
        assert!(!pulls(&world, "p/app", "v1").await && !pulls(&world, "p/app", &cosign).await);
        assert!(!pulls(&world, "p/app", digest_of(&index).as_str()).await);
        // What was named by the deleted ones only is reviewed by garbage collection.
        let reviewed = "SELECT COUNT(*) FROM gc_review g JOIN blob b ON b.id = g.blob_id \
             WHERE g.repository_id <> 0 AND NOT EXISTS \
               (SELECT 1 FROM manifest_reference m WHERE m.blob_id = b.id)";
        assert_eq!(world.count(reviewed).await, 2);
        let deleted = ("delete artifact".to_owned(), "p/app:v1".to_owned());
        assert_eq!(logged(&world).await, [deleted]);
        assert_eq!(world.status("alice", Method::DELETE, &part).await, 200);
    })
    .await;
}

#[tokio::test]
async fn the_index_of_older_clients_goes_with_its_subject() {
    both_engines(|db| async move {
        let world = world(db).await;
        let image = world.image("p/app", "v1", "image").await;
        let note = world.attach("p/app", "", Some(&image), "note").await;
        let fallback = digest_of(&image).to_string().replace(':', "-");
        world.index("p/app", &fallback, &[&note]).await;
        // Deleting that index alone leaves what has a living subject.
        let path = repository(&format!("app/artifacts/{fallback}"));
        assert_eq!(world.status("alice", Method::DELETE, &path).await, 200);
        assert!(pulls(&world, "p/app", digest_of(&note).as_str()).await);
        world.index("p/app", &fallback, &[&note]).await;
        let image = repository("app/artifacts/v1");
        assert_eq!(world.status("alice", Method::DELETE, &image).await, 200);
        assert_eq!(world.count("SELECT COUNT(*) FROM manifest").await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM tag").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_repository_is_deleted_whole() {
    both_engines(|db| async move {
        let world = world(db).await;
        let image = world.image("p/app", "v1", "image").await;
        world.index("p/app", "all", &[&image]).await;
        world.attach("p/app", "", Some(&image), "note").await;
        world.image("p/kept", "v1", "image").await;
        assert!(pulls(&world, "p/app", "v1").await);
        let path = repository("app");
        assert_eq!(world.status("guest", Method::DELETE, &path).await, 403);
        assert_eq!(world.status("alice", Method::DELETE, &path).await, 200);
        assert_eq!(world.status("alice", Method::DELETE, &path).await, 404);
        assert!(!pulls(&world, "p/app", "v1").await);
        assert!(pulls(&world, "p/kept", "v1").await);
        for (table, left) in [
            ("SELECT COUNT(*) FROM manifest", 1),
            ("SELECT COUNT(*) FROM manifest_payload", 1),
            ("SELECT COUNT(*) FROM tag", 1),
            ("SELECT COUNT(*) FROM repository_blob", 2),
            // Config, layer and the note's empty blob, as blobs that nobody may hold any more.
            ("SELECT COUNT(*) FROM gc_review WHERE repository_id = 0", 3),
            ("SELECT COUNT(*) FROM gc_review WHERE repository_id <> 0", 2),
        ] {
            assert_eq!(world.count(table).await, left, "{table}");
        }
        world.image("p/app", "v1", "image").await;
        assert_eq!(world.get(&path).await.json["artifact_count"], 1);
        let deleted = ("delete repository".to_owned(), "p/app".to_owned());
        assert_eq!(logged(&world).await, [deleted]);
    })
    .await;
}
