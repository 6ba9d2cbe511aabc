//! Members: roles, duplicates, and ids of other projects' members.

use berth_catalog::{NewEntity, NewMember};
use berth_db::{DbError, args};
use berth_model::{MemberId, Role};
use berth_testkit::both_engines;

use crate::support::{id_of, status, world};

fn named(username: &str, role: Role) -> NewMember {
    NewMember {
        entity: NewEntity::User {
            id: None,
            name: username.to_owned(),
        },
        role: role.id(),
    }
}

#[tokio::test]
async fn a_member_comes_changes_and_goes() {
    both_engines(|db| async move {
        let world = world(db).await;
        let (catalog, alice) = (&world.catalog, &world.alice);
        world.project(alice, "team", false).await;
        let team = world.facts(alice, "team").await;
        let id = catalog
            .create_member(alice, &team, named("bob", Role::Guest))
            .await
            .unwrap();
        assert_eq!(
            world.facts(&world.bob, "team").await.role,
            Some(Role::Guest)
        );
        let by_id = NewMember {
            entity: NewEntity::User {
                id: Some(id_of(&world.bob)),
                name: String::new(),
            },
            role: Role::Developer.id(),
        };
        assert_eq!(
            status(catalog.create_member(alice, &team, by_id).await),
            409
        );

        catalog
            .update_member(alice, &team, id, Role::Maintainer.id())
            .await
            .unwrap();
        let member = catalog.get_member(&team, id).await.unwrap();
        assert_eq!(
            (member.name.as_str(), member.role),
            ("bob", Role::Maintainer)
        );
        let (members, total) = catalog.list_members(team.id, "", 10, 0).await.unwrap();
        let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!((names.as_slice(), total), (["alice", "bob"].as_slice(), 2));
        let (members, total) = catalog.list_members(team.id, "BO", 10, 0).await.unwrap();
        assert_eq!((members[0].id, total), (id, 1));
        assert_eq!(
            catalog.summary(team.id).await.unwrap().members,
            [(Role::ProjectAdmin, 1), (Role::Maintainer, 1)]
        );

        catalog.delete_member(alice, &team, id).await.unwrap();
        assert_eq!(world.facts(&world.bob, "team").await.role, None);
        assert_eq!(status(catalog.delete_member(alice, &team, id).await), 404);
    })
    .await;
}

#[tokio::test]
async fn nobody_unknown_and_no_unknown_role() {
    both_engines(|db| async move {
        let world = world(db).await;
        let (catalog, alice) = (&world.catalog, &world.alice);
        world.project(alice, "team", false).await;
        let team = world.facts(alice, "team").await;
        let create = |new| catalog.create_member(alice, &team, new);
        assert_eq!(status(create(named("carol", Role::Guest)).await), 404);
        assert_eq!(status(create(named("", Role::Guest)).await), 400);
        for role in [0, 6, -1] {
            let new = NewMember {
                role,
                ..named("bob", Role::Guest)
            };
            assert_eq!(status(create(new).await), 400);
        }
        let gone: Result<(), DbError> = world
            .db
            .write(|tx| {
                Box::pin(async move {
                    let sql = "UPDATE user_account SET deleted_at = 1 WHERE username = $1";
                    tx.execute(sql, args!["bob"]).await?;
                    Ok(())
                })
            })
            .await;
        gone.unwrap();
        assert_eq!(status(create(named("bob", Role::Guest)).await), 404);
    })
    .await;
}

#[tokio::test]
async fn the_member_of_another_project_is_nobody() {
    both_engines(|db| async move {
        let world = world(db).await;
        let (catalog, alice) = (&world.catalog, &world.alice);
        world.project(alice, "mine", false).await;
        world.project(&world.bob, "theirs", false).await;
        let mine = world.facts(alice, "mine").await;
        let theirs = world.facts(&world.bob, "theirs").await;
        let (members, _) = catalog.list_members(theirs.id, "", 10, 0).await.unwrap();
        let bob = members[0].id;
        assert_eq!(status(catalog.get_member(&mine, bob).await), 404);
        let guest = Role::Guest.id();
        assert_eq!(
            status(catalog.update_member(alice, &mine, bob, guest).await),
            404
        );
        assert_eq!(status(catalog.delete_member(alice, &mine, bob).await), 404);
        assert_eq!(
            status(catalog.get_member(&mine, MemberId(i64::MAX)).await),
            404
        );
        assert_eq!(
            catalog.get_member(&theirs, bob).await.unwrap().role,
            Role::ProjectAdmin
        );
    })
    .await;
}
