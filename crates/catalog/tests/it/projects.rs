//! Projects: who sees them, how they end, and what may not be raced.

use berth_catalog::{Catalog, NewProject, ProjectFilter, ProjectUpdate, Viewer};
use berth_iam::Caller;
use berth_model::{Clock, Role};
use berth_testkit::both_engines;

use crate::support::{anonymous, ensure, id_of, new_project, start, status, world};

async fn names(catalog: &Catalog, caller: &Caller, filter: &ProjectFilter) -> Vec<String> {
    let (projects, total) = catalog.list_projects(caller, filter, 100, 0).await.unwrap();
    assert_eq!(projects.len() as i64, total);
    projects.into_iter().map(|project| project.name).collect()
}

#[tokio::test]
async fn a_viewer_sees_public_projects_and_his_own() {
    both_engines(|db| async move {
        let world = world(db).await;
        world.project(&world.alice, "alices", false).await;
        world.project(&world.bob, "bobs", false).await;
        world.project(&world.bob, "open", true).await;
        let all = ProjectFilter::default();
        let catalog = &world.catalog;
        for (caller, expected) in [
            (&anonymous(), vec!["library", "open"]),
            (&world.alice, vec!["alices", "library", "open"]),
            (&world.bob, vec!["bobs", "library", "open"]),
            (&world.admin, vec!["alices", "bobs", "library", "open"]),
        ] {
            assert_eq!(names(catalog, caller, &all).await, expected);
        }
        let facts = world.facts(&world.alice, "bobs").await;
        assert_eq!(facts.role, None);
        let facts = world.facts(&world.bob, "bobs").await;
        assert_eq!(
            (facts.role, facts.public),
            (Some(Role::ProjectAdmin), false)
        );
        assert_eq!(facts.created_at, start());
    })
    .await;
}

#[tokio::test]
async fn a_list_is_filtered_sorted_and_cut_into_pages() {
    both_engines(|db| async move {
        let world = world(db).await;
        for (name, public) in [("app-one", true), ("app_two", false), ("other", true)] {
            world.project(&world.alice, name, public).await;
        }
        let catalog = &world.catalog;
        let filter = |change: fn(&mut ProjectFilter)| {
            let mut filter = ProjectFilter::default();
            change(&mut filter);
            filter
        };
        let cases: [(ProjectFilter, &[&str]); 7] = [
            (
                filter(|f| f.name = Some("PP".into())),
                &["app-one", "app_two"],
            ),
            // A wildcard of LIKE is an ordinary character.
            (filter(|f| f.name = Some("p_".into())), &["app_two"]),
            (filter(|f| f.public = Some(false)), &["app_two"]),
            (filter(|f| f.owner = Some("admin".into())), &["library"]),
            (
                filter(|f| f.q = "owner=alice,public=true".into()),
                &["app-one", "other"],
            ),
            (
                filter(|f| f.q = "name={other library}".into()),
                &["library", "other"],
            ),
            (
                filter(|f| f.sort = "-name".into()),
                &["other", "library", "app_two", "app-one"],
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(
                names(catalog, &world.alice, &filter).await,
                expected,
                "{filter:?}"
            );
        }
        let bad = filter(|f| f.q = "password=x".into());
        let refused = catalog.list_projects(&world.alice, &bad, 10, 0).await;
        assert_eq!(status(refused), 400);
        let second = catalog
            .list_projects(&world.alice, &ProjectFilter::default(), 3, 3)
            .await
            .unwrap();
        assert_eq!((second.0.len(), second.1), (1, 4));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_project_is_refused() {
    both_engines(|db| async move {
        let world = world(db).await;
        let catalog = &world.catalog;
        let create = |caller: &Caller, new: NewProject| {
            let caller = caller.clone();
            async move { catalog.create_project(&caller, new).await }
        };
        for name in ["", "Upper", "a--b", "a/b", "library#1"] {
            assert_eq!(
                status(create(&world.alice, new_project(name, true)).await),
                400
            );
        }
        assert_eq!(
            status(create(&world.alice, new_project("library", true)).await),
            409
        );
        assert_eq!(
            status(create(&anonymous(), new_project("x", true)).await),
            401
        );
        for limit in [0, -2, i64::MAX] {
            let new = NewProject {
                storage_limit: Some(limit),
                ..new_project("limited", false)
            };
            assert_eq!(status(create(&world.alice, new).await), 400);
        }
        let with = |key: &str, value: &str| NewProject {
            metadata: vec![(key.to_owned(), value.to_owned())],
            ..new_project("meta", false)
        };
        assert_eq!(
            status(create(&world.alice, with("unknown", "1")).await),
            400
        );
        assert_eq!(
            status(create(&world.alice, with("public", "maybe")).await),
            400
        );
        assert_eq!(
            status(create(&world.alice, with("retention_id", "1")).await),
            400
        );
        assert!(
            catalog
                .project_facts(&world.alice.actor, "meta")
                .await
                .unwrap()
                .is_none()
        );
        create(&world.alice, with("public", "true")).await.unwrap();
        assert!(world.facts(&anonymous(), "meta").await.public);
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    both_engines(|db| async move {
        let world = world(db).await;
        let id = world.project(&world.alice, "mine", false).await;
        let facts = world.facts(&world.alice, "mine").await;
        let update = ProjectUpdate {
            public: Some(true),
            metadata: vec![("severity".to_owned(), "HIGH".to_owned())],
            allowlist: None,
        };
        world.clock.advance(std::time::Duration::from_secs(5));
        let catalog = &world.catalog;
        catalog
            .update_project(&world.alice, &facts, update)
            .await
            .unwrap();
        let metadata = ProjectUpdate {
            public: None,
            metadata: vec![("auto_scan".to_owned(), "true".to_owned())],
            allowlist: None,
        };
        catalog
            .update_project(&world.alice, &facts, metadata)
            .await
            .unwrap();
        let found = catalog.get_project(&world.alice, id).await.unwrap();
        assert!(found.public);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            found.metadata,
            [pair("auto_scan", "true"), pair("severity", "high")]
        );
        assert!(found.updated_at > found.created_at);
        assert_eq!(found.owner_name, "alice");
        assert_eq!(found.role, Some(Role::ProjectAdmin));
    })
    .await;
}

#[tokio::test]
async fn only_an_empty_project_is_deleted_and_its_name_is_free() {
    both_engines(|db| async move {
        let world = world(db).await;
        let catalog = &world.catalog;
        let old = world.project(&world.alice, "again", true).await;
        let facts = world.facts(&world.alice, "again").await;
        let repository = world.repository(old, "again/app").await;
        assert_eq!(status(catalog.deletable(&facts).await), 412);
        assert_eq!(
            status(catalog.delete_project(&world.alice, &facts).await),
            412
        );
        assert!(
            catalog
                .project_facts(&world.alice.actor, "again")
                .await
                .unwrap()
                .is_some()
        );

        world
            .db
            .write(move |tx| Box::pin(berth_catalog::repositories::delete(tx, repository)))
            .await
            .unwrap();
        catalog.deletable(&facts).await.unwrap();
        catalog.delete_project(&world.alice, &facts).await.unwrap();
        assert_eq!(
            status(catalog.delete_project(&world.alice, &facts).await),
            404
        );
        assert!(
            catalog
                .project_facts(&world.alice.actor, "again")
                .await
                .unwrap()
                .is_none()
        );
        let by_id = catalog
            .project_facts_by_id(&world.alice.actor, old)
            .await
            .unwrap();
        assert!(by_id.is_none());
        let renamed = catalog
            .project_facts(&world.alice.actor, &format!("again#{old}"))
            .await;
        assert!(renamed.unwrap().is_none());
        // Nobody can push into what is deleted.
        assert_eq!(status(ensure(&world.db, old, "again/late").await), 404);
        assert_eq!(catalog.find_repository("again/late").await.unwrap(), None);

        let new = world.project(&world.bob, "again", false).await;
        assert_ne!(new, old);
        assert_eq!(world.facts(&world.alice, "again").await.role, None);
    })
    .await;
}

#[tokio::test]
async fn a_deletion_and_a_first_push_never_both_succeed() {
    both_engines(|db| async move {
        let world = world(db).await;
        for round in 0..20 {
            let name = format!("race{round}");
            let id = world.project(&world.alice, &name, true).await;
            let facts = world.facts(&world.alice, &name).await;
            let pushed = format!("{name}/app");
            let (deletion, push) = tokio::join!(
                world.catalog.delete_project(&world.alice, &facts),
                ensure(&world.db, id, &pushed),
            );
            assert!(deletion.is_ok() != push.is_ok(), "{deletion:?} {push:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_number_is_an_id_unless_it_is_said_to_be_a_name() {
    both_engines(|db| async move {
        let world = world(db).await;
        let library = world.facts(&world.admin, "library").await;
        let name = library.id.to_string();
        let numbered = world.project(&world.alice, &name, true).await;
        let resolve = |text: String, is_name| {
            let (catalog, actor) = (world.catalog.clone(), world.alice.actor.clone());
            async move {
                let found = catalog.resolve(&actor, &text, is_name).await.unwrap();
                found.map(|facts| facts.id)
            }
        };
        assert_eq!(resolve(name.clone(), false).await, Some(library.id));
        assert_eq!(resolve(name, true).await, Some(numbered));
        assert_eq!(resolve("library".to_owned(), false).await, Some(library.id));
        for text in ["", "9".repeat(30).as_str(), "-1", "nobody", "a'; --"] {
            assert_eq!(resolve(text.to_owned(), false).await, None, "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_seed_is_sown_once() {
    both_engines(|db| async move {
        let world = world(db).await;
        let admin = id_of(&world.admin);
        let other = Catalog::open(world.db.clone(), Clock::system())
            .await
            .unwrap();
        let (one, two) = tokio::join!(world.catalog.seed(admin), other.seed(admin));
        one.unwrap();
        two.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM project").await, 1);
        let facts = world.facts(&anonymous(), "library").await;
        assert!(facts.public);
        world
            .catalog
            .delete_project(&world.admin, &facts)
            .await
            .unwrap();
        other.seed(admin).await.unwrap();
        let all = ProjectFilter::default();
        assert!(names(&other, &world.admin, &all).await.is_empty());
        assert_eq!(Viewer::of(&world.admin.actor), Viewer::Everything);
    })
    .await;
}
