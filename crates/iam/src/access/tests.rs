//! The matrix as Harbor 2.15 has it, written down a second time and compared cell by cell.

use std::sync::Arc;

use berth_model::UserId;

use super::*;
use crate::actor::User;

/// Columns: projectAdmin, maintainer, developer, guest, limitedGuest, anonymous on a public
/// project. `-` is nothing.
const EXPECTED: &str = "
self                | read update delete                | read                      | read | read | read | read
member              | create read update delete list    | read list                 | read list | read list | - | -
metadata            | create read update delete         | read                      | - | - | - | -
log                 | list                              | -                         | - | - | - | -
label               | create read update delete list    | create read update delete list | read list | read list | - | read list
quota               | read                              | read                      | read | read | read | -
repository          | create read update delete list pull push | create read update delete list push pull | create read update list push pull | read list pull | read list pull | list pull
tag-retention       | create read update delete list operate | create read update delete list operate | create read update delete list operate | - | - | -
immutable-tag       | create update delete list         | create update delete list | - | - | - | -
configuration       | read update                       | read                      | read | read | read | -
robot               | create read update delete list    | read list                 | read list | read list | - | -
notification-policy | create read update delete list    | read list                 | - | - | - | -
scan                | create read stop                  | create read stop          | read | read | read | read
sbom                | create read stop                  | create read stop          | read | read | read | -
scanner             | create read                       | read                      | read | read | read | read
artifact            | create read delete list           | create read delete list   | create read list | read list | read list | read list
artifact-addition   | read                              | read                      | read | read | read | read
tag                 | create delete list                | create delete list        | create list | list | list | list
accessory           | list                              | list                      | list | list | list | list
artifact-label      | create delete                     | create delete             | create delete | - | - | -
preheat-policy      | create read update delete list    | -                         | - | - | - | -
export-cve          | create read list                  | create read list          | create read list | - | - | -
";

fn expected(column: usize, permission: Permission) -> bool {
    EXPECTED.lines().any(|line| {
        let mut cells = line.split('|').map(str::trim);
        cells.next() == Some(permission.resource.as_str())
            && cells
                .nth(column)
                .unwrap()
                .split(' ')
                .any(|word| word == permission.action.as_str())
    })
}

fn user(sysadmin: bool) -> Actor {
    Actor::User(Arc::new(User {
        id: UserId(7),
        name: "jane".to_owned(),
        sysadmin,
    }))
}

fn project(public: bool, role: Option<Role>) -> ProjectFacts {
    ProjectFacts {
        id: ProjectId(1),
        name: "library".to_owned(),
        public,
        created_at: Timestamp::default(),
        role,
    }
}

fn every() -> impl Iterator<Item = Permission> {
    Resource::ALL.iter().flat_map(|resource| {
        Action::ALL
            .iter()
            .map(|action| Permission::new(*resource, *action))
    })
}

#[test]
fn every_cell_agrees() {
    let columns = [
        Role::ProjectAdmin,
        Role::Maintainer,
        Role::Developer,
        Role::Guest,
        Role::LimitedGuest,
    ];
    for permission in every() {
        for (column, role) in columns.into_iter().enumerate() {
            assert_eq!(
                allows(&user(false), &project(false, Some(role)), permission),
                expected(column, permission),
                "{role} {permission:?}"
            );
            assert_eq!(
                allows(&user(false), &project(true, Some(role)), permission),
                expected(column, permission) || expected(5, permission),
                "{role} {permission:?} on a public project"
            );
        }
    }
}

#[test]
fn the_totals_are_harbors() {
    let count = |role| {
        every()
            .filter(|it| allows(&user(false), &project(false, Some(role)), *it))
            .count()
    };
    let totals = [1, 4, 2, 3, 5].map(|id| count(Role::from_id(id).unwrap()));
    assert_eq!(totals, [75, 53, 36, 20, 14]);
    assert_eq!(permissions(&user(true), &project(false, None)).len(), 75);
}

#[test]
fn strangers_see_public_projects_only() {
    for permission in every() {
        for stranger in [Actor::Anonymous, user(false)] {
            assert!(!allows(&stranger, &project(false, None), permission));
            assert_eq!(
                allows(&stranger, &project(true, None), permission),
                expected(5, permission),
                "{permission:?}"
            );
        }
        assert!(allows(&user(true), &project(false, None), permission));
    }
}

#[test]
fn a_role_of_somebody_else_does_not_make_anonymous_a_member() {
    let facts = project(false, Some(Role::ProjectAdmin));
    assert!(every().all(|permission| !allows(&Actor::Anonymous, &facts, permission)));
}

#[test]
fn the_system_is_for_administrators() {
    for permission in every() {
        assert!(allows_system(&user(true), permission));
        assert!(!allows_system(&user(false), permission));
        assert!(!allows_system(&Actor::Anonymous, permission));
    }
}

#[test]
fn refusals_say_what_is_missing() {
    let push = Permission::new(Resource::Repository, Action::Push);
    let anonymous = require(&Actor::Anonymous, &project(true, None), push).unwrap_err();
    assert_eq!(anonymous.code(), Code::Unauthorized);
    let known = require(&user(false), &project(true, None), push).unwrap_err();
    assert_eq!(known.code(), Code::Forbidden);
    assert_eq!(
        known.to_string(),
        "this needs the permission push on repository in project library"
    );
    let system = require_system(&user(false), push).unwrap_err();
    assert_eq!(
        system.to_string(),
        "this needs the permission push on repository of the system"
    );
}
