//! Settings: obeyed at once here, soon elsewhere, and never half.

use berth_catalog::{Catalog, Entry, Restriction};
use berth_model::Clock;
use berth_testkit::both_engines;
use serde_json::{Map, Value, json};

use crate::support::{new_project, status, world};

fn patch(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn a_change_is_obeyed_here_at_once_and_elsewhere_after_a_refresh() {
    both_engines(|db| async move {
        let world = world(db).await;
        let other = Catalog::open(world.db.clone(), Clock::system())
            .await
            .unwrap();
        let change = patch(json!({
            "read_only": true,
            "project_creation_restriction": "adminonly",
        }));
        world
            .catalog
            .update_settings(change, Entry::default())
            .await
            .unwrap();
        assert!(world.catalog.settings().read_only);
        let refused = world
            .catalog
            .create_project(&world.alice, new_project("mine", false))
            .await;
        assert_eq!(status(refused), 403);
        world.project(&world.admin, "admins", false).await;

        other.refresh_settings().await.unwrap();
        assert!(other.settings().read_only);
        let restriction = other.settings().project_creation_restriction;
        assert_eq!(restriction, Restriction::AdminOnly);
        let started = Catalog::open(world.db.clone(), Clock::system())
            .await
            .unwrap();
        assert_eq!(started.settings(), other.settings());
    })
    .await;
}

#[tokio::test]
async fn a_change_with_one_mistake_changes_nothing() {
    both_engines(|db| async move {
        let world = world(db).await;
        for mistake in [
            json!({"read_only": true, "nonsense": 1}),
            json!({"read_only": true, "self_registration": "yes"}),
            json!({"read_only": true, "mark:library seeded": true}),
        ] {
            let changed = world
                .catalog
                .update_settings(patch(mistake), Entry::default());
            assert_eq!(status(changed.await), 400);
        }
        assert!(!world.catalog.settings().read_only);
        world.catalog.refresh_settings().await.unwrap();
        assert!(!world.catalog.settings().read_only);
    })
    .await;
}
