//! Settings: obeyed at once here, soon elsewhere, and never half.

use std::sync::Arc;

use berth_catalog::{Catalog, CatalogOptions, Entry, Restriction};
use berth_crypto::KeyFile;
use berth_db::{Db, args};
use berth_model::Clock;
use berth_testkit::both_engines;
use serde_json::{Map, Value, json};

use crate::support::{new_project, status, world};

fn patch(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn open(db: &Db, options: CatalogOptions) -> Catalog {
    Catalog::open_with(db.clone(), Clock::system(), options)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_change_is_obeyed_here_at_once_and_elsewhere_after_a_refresh() {
    both_engines(|db| async move {
        let world = world(db).await;
        let other = open(&world.db, CatalogOptions::default()).await;
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
        let started = open(&world.db, CatalogOptions::default()).await;
        assert_eq!(started.settings().to_json(), other.settings().to_json());
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
            json!({"read_only": true, "skip_audit_log_database": true}),
            // Nothing to seal it with.
            json!({"read_only": true, "oidc_client_secret": "x"}),
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

#[tokio::test]
async fn a_secret_is_sealed_in_the_table_and_opens_elsewhere_with_the_same_key() {
    both_engines(|db| async move {
        let world = world(db).await;
        let folder = tempfile::tempdir().unwrap();
        let options = |name: &str| CatalogOptions {
            sealer: Some(Arc::new(
                KeyFile::load_or_create(folder.path().join(name)).unwrap(),
            )),
            ..CatalogOptions::default()
        };
        let here = open(&world.db, options("key")).await;
        let change = patch(json!({"ldap_search_password": "hunter2", "ldap_uid": "uid"}));
        here.update_settings(change, Entry::default())
            .await
            .unwrap();
        assert_eq!(here.settings().ldap_search_password.expose(), "hunter2");
        let (stored,): (String,) = world
            .db
            .one(
                "SELECT value FROM setting WHERE name = $1",
                args!["ldap_search_password"],
            )
            .await
            .unwrap();
        assert!(!stored.contains("hunter2"));
        assert!(!stored.contains(&hex::encode("hunter2")));

        let there = open(&world.db, options("key")).await;
        assert_eq!(there.settings().ldap_search_password.expose(), "hunter2");
        // With another key the server starts all the same, without the secret.
        let stranger = open(&world.db, options("other")).await;
        assert_eq!(stranger.settings().ldap_search_password.expose(), "");
        assert_eq!(stranger.settings().ldap_uid, "uid");
    })
    .await;
}

#[tokio::test]
async fn a_frozen_setting_holds_whatever_the_table_says() {
    both_engines(|db| async move {
        let world = world(db).await;
        let change = patch(json!({"self_registration": true, "session_timeout": 5}));
        world
            .catalog
            .update_settings(change, Entry::default())
            .await
            .unwrap();
        let options = CatalogOptions {
            defaults: patch(json!({"token_expiration": 5, "session_timeout": 7})),
            frozen: patch(json!({"self_registration": false, "robot_name_prefix": "bot-"})),
            ..CatalogOptions::default()
        };
        let held = open(&world.db, options).await;
        assert!(!held.settings().self_registration);
        assert_eq!(held.settings().robot_name_prefix, "bot-");
        assert_eq!(held.settings().token_expiration, 5);
        assert_eq!(held.settings().session_timeout, 5);
        assert!(!held.setting_is_editable("self_registration"));
        assert!(held.setting_is_editable("session_timeout"));

        let mistake = patch(json!({"self_registration": true, "session_timeout": 9}));
        let refused = held.update_settings(mistake, Entry::default()).await;
        assert_eq!(status(refused), 403);
        assert_eq!(held.settings().session_timeout, 5);
        // Who states what holds already asks for no change.
        let same = patch(json!({"self_registration": false, "session_timeout": 9}));
        held.update_settings(same, Entry::default()).await.unwrap();
        held.refresh_settings().await.unwrap();
        assert_eq!(held.settings().session_timeout, 9);
        assert!(!held.settings().self_registration);
        let stored = "SELECT COUNT(*) FROM setting WHERE name = 'robot_name_prefix'";
        assert_eq!(world.count(stored).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_frozen_wrongly_stops_the_start() {
    both_engines(|db| async move {
        for frozen in [json!({"nonsense": 1}), json!({"read_only": "yes"})] {
            let options = CatalogOptions {
                frozen: patch(frozen),
                ..CatalogOptions::default()
            };
            let opened = Catalog::open_with(db.clone(), Clock::system(), options).await;
            assert_eq!(status(opened), 400);
        }
    })
    .await;
}
