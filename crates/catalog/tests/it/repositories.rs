//! Repositories: made once, and listed so that nobody is told of too many or too few.

use std::collections::BTreeSet;

use berth_catalog::{NewEntity, NewMember, Viewer};
use berth_model::Role;
use berth_testkit::both_engines;
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{World, ensure, id_of, status, world};

#[tokio::test]
async fn many_first_pushes_make_one_repository() {
    both_engines(|db| async move {
        let world = world(db).await;
        let project = world.project(&world.alice, "app", false).await;
        let mut pushes = Vec::new();
        for _ in 0..16 {
            let db = world.db.clone();
            pushes.push(tokio::spawn(async move {
                ensure(&db, project, "app/web").await.unwrap()
            }));
        }
        let (mut ids, mut made) = (BTreeSet::new(), 0);
        for push in pushes {
            let (id, created) = push.await.unwrap();
            ids.insert(id);
            made += usize::from(created);
        }
        assert_eq!((ids.len(), made), (1, 1));
        let found = world
            .catalog
            .find_repository("app/web")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.project_id, found.pull_count), (project, 0));
        world
            .catalog
            .set_description(found.id, "the front".to_owned())
            .await
            .unwrap();
        let found = world
            .catalog
            .find_repository("app/web")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.description, "the front");

        // A name that is not in the project, and a project that never was.
        let other = world.project(&world.alice, "ap", false).await;
        for name in ["app/x", "ap", "ap/", "apx/y"] {
            assert_eq!(status(ensure(&world.db, other, name).await), 404, "{name}");
        }
        assert_eq!(status(ensure(&world.db, other, "app/web").await), 404);
        let nowhere = berth_model::ProjectId(9_999);
        assert_eq!(status(ensure(&world.db, nowhere, "x/y").await), 404);
        assert_eq!(world.count("SELECT COUNT(*) FROM repository").await, 1);
    })
    .await;
}

async fn walk(world: &World, viewer: Viewer, size: usize) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = world
            .catalog
            .page_after(&after, size, viewer)
            .await
            .unwrap();
        assert!(page.len() <= size);
        let Some(last) = page.last() else { return all };
        after.clone_from(last);
        all.extend(page);
    }
}

#[tokio::test]
async fn the_catalog_is_in_the_order_of_bytes_and_holds_what_the_viewer_may_pull() {
    both_engines(|db| async move {
        let world = world(db).await;
        // '-' < '.' < '/' < '0' < '_' < 'a', in names of projects and below.
        let projects = ["a", "a-b", "a.b", "a0", "a_b", "aa", "b"];
        let mut expected = Vec::new();
        for (index, project) in projects.into_iter().enumerate() {
            // Private ones in between, and bob is a member of one of them.
            let public = index % 2 == 0;
            let id = world.project(&world.alice, project, public).await;
            for rest in ["x", "x-y", "x.y", "x/y", "x0", "x_y", "xx"] {
                let name = format!("{project}/{rest}");
                world.repository(id, &name).await;
                expected.push((name, public, project));
            }
        }
        let facts = world.facts(&world.alice, "a-b").await;
        let bob = NewMember {
            entity: NewEntity::User {
                id: None,
                name: "bob".to_owned(),
            },
            role: Role::LimitedGuest.id(),
        };
        world
            .catalog
            .create_member(&world.alice, &facts, bob)
            .await
            .unwrap();
        expected.sort();
        for (viewer, sees) in [
            (Viewer::Everything, None),
            (Viewer::User(id_of(&world.bob)), Some("a-b")),
            (Viewer::Anonymous, Some("")),
        ] {
            let visible = expected.iter().filter(|(_, public, project)| {
                sees.is_none_or(|member| *public || *project == member)
            });
            let visible: Vec<String> = visible.map(|(name, ..)| name.clone()).collect();
            for size in [1, 2, 5, 48, 100] {
                assert_eq!(
                    walk(&world, viewer, size).await,
                    visible,
                    "{viewer:?} {size}"
                );
            }
        }
    })
    .await;
}

/// Names made of few different bytes, so that many are prefixes of others.
fn few_bytes() -> impl Strategy<Value = Vec<(String, String, bool)>> {
    let part = "[a0]{1,2}([-._][a0]{1,2}){0,1}";
    proptest::collection::vec((part, part, any::<bool>()), 1..30)
}

#[tokio::test]
async fn any_names_are_walked_once_and_in_order() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..8 {
        let names = few_bytes().new_tree(&mut runner).unwrap().current();
        let size = names.len() % 5 + 1;
        both_engines(|db| {
            let names = names.clone();
            async move {
                let world = world(db).await;
                let mut visible = BTreeSet::new();
                for (project, rest, public) in names {
                    let found = world.catalog.project_facts(&world.alice.actor, &project);
                    let (id, public) = match found.await.unwrap() {
                        Some(facts) => (facts.id, facts.public),
                        None => (world.project(&world.alice, &project, public).await, public),
                    };
                    let name = format!("{project}/{rest}");
                    world.repository(id, &name).await;
                    if public {
                        visible.insert(name);
                    }
                }
                let walked = walk(&world, Viewer::Anonymous, size).await;
                assert_eq!(walked, visible.into_iter().collect::<Vec<_>>());
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_large_hidden_project_is_passed_over() {
    both_engines(|db| async move {
        let world = world(db).await;
        let hidden = world.project(&world.alice, "hidden", false).await;
        let seen = world.project(&world.alice, "seen", true).await;
        let db = world.db.clone();
        let filled: Result<(), berth_catalog::CatalogError> = db
            .write(move |tx| {
                Box::pin(async move {
                    for n in 0..1_500 {
                        let name = format!("hidden/r{n:04}");
                        berth_catalog::repositories::ensure(
                            tx,
                            hidden,
                            &name,
                            crate::support::start(),
                        )
                        .await?;
                    }
                    Ok(())
                })
            })
            .await;
        filled.unwrap();
        world.repository(seen, "seen/one").await;
        assert_eq!(walk(&world, Viewer::Anonymous, 10).await, ["seen/one"]);
        assert_eq!(walk(&world, Viewer::Everything, 1_000).await.len(), 1_501);
    })
    .await;
}

#[tokio::test]
async fn a_walk_during_pushes_gives_every_older_name_once() {
    both_engines(|db| async move {
        let world = world(db).await;
        let project = world.project(&world.alice, "p", true).await;
        let old: BTreeSet<String> = (0..60).map(|n| format!("p/old{n:03}")).collect();
        for name in &old {
            world.repository(project, name).await;
        }
        let db = world.db.clone();
        let pushing = tokio::spawn(async move {
            for n in 0..120 {
                ensure(&db, project, &format!("p/old{:03}-{n}", (n * 7) % 60))
                    .await
                    .unwrap();
            }
        });
        for size in [1, 3, 7, 20] {
            for viewer in [Viewer::Anonymous, Viewer::Everything] {
                let walked = walk(&world, viewer, size).await;
                let unique: BTreeSet<String> = walked.iter().cloned().collect();
                assert_eq!(unique.len(), walked.len(), "a name came twice");
                assert!(walked.is_sorted());
                assert!(unique.is_superset(&old), "a name was lost");
            }
        }
        pushing.await.unwrap();
    })
    .await;
}
