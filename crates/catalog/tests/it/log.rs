//! The access log as it is read: who may see which lines, and how they are found.

use std::time::Duration;

use berth_catalog::{AuditScope, Catalog, Entry, Viewer};
use berth_testkit::both_engines;

use crate::support::{anonymous, id_of, start, status, world};

async fn resources(catalog: &Catalog, scope: AuditScope, q: &str, sort: &str) -> Vec<String> {
    let (lines, total) = catalog.list_log(scope, q, sort, 100, 0).await.unwrap();
    assert_eq!(lines.len() as i64, total);
    lines.into_iter().map(|line| line.resource).collect()
}

#[tokio::test]
async fn lines_are_found_by_what_they_say() {
    both_engines(|db| async move {
        let world = world(db).await;
        let id = world.project(&world.alice, "p", true).await;
        for (n, (user, operation, tag)) in [
            ("alice", "push", "v1"),
            ("bob", "pull", "v1"),
            ("bob", "pull", "v2"),
        ]
        .into_iter()
        .enumerate()
        {
            world.catalog.recorder().record(Entry {
                at: start().plus(Duration::from_secs(60 * (n as u64 + 1))),
                username: user.to_owned(),
                operation: operation.to_owned(),
                resource_type: "artifact".to_owned(),
                resource: format!("p/app:{tag} by {user}"),
                project_id: Some(id),
                repository: "p/app".to_owned(),
                tag: tag.to_owned(),
                ..Entry::default()
            });
        }
        world.catalog.recorder().flush().await.unwrap();
        let scope = AuditScope::Project(id);
        for (q, sort, expected) in [
            (
                "",
                "",
                vec![
                    "p/app:v2 by bob",
                    "p/app:v1 by bob",
                    "p/app:v1 by alice",
                    "p",
                ],
            ),
            (
                "username=bob",
                "op_time",
                vec!["p/app:v1 by bob", "p/app:v2 by bob"],
            ),
            (
                "operation={push create}",
                "",
                vec!["p/app:v1 by alice", "p"],
            ),
            ("resource=~V2", "", vec!["p/app:v2 by bob"]),
            (
                "tag=v1,repository=p/app",
                "username",
                vec!["p/app:v1 by alice", "p/app:v1 by bob"],
            ),
            (
                "op_time=[2026-03-04T05:07:00~2026-03-04T05:08:30]",
                "",
                vec!["p/app:v1 by bob", "p/app:v1 by alice"],
            ),
            ("op_time=2026-03-04T05:07:07", "", vec!["p/app:v1 by alice"]),
            ("username=nobody' OR '1'='1", "", vec![]),
        ] {
            let found = resources(&world.catalog, scope, q, sort).await;
            assert_eq!(found, expected, "{q} {sort}");
        }
        for (q, sort) in [("address=1", ""), ("op_time=soon", ""), ("", "secret")] {
            let refused = world.catalog.list_log(scope, q, sort, 10, 0).await;
            assert_eq!(status(refused), 400, "{q} {sort}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_reads_the_logs_of_the_projects_he_administers() {
    both_engines(|db| async move {
        let world = world(db).await;
        world.project(&world.alice, "alices", true).await;
        world.project(&world.bob, "bobs", true).await;
        for (scope, expected) in [
            (Viewer::Everything, vec!["bobs", "alices", "library"]),
            (Viewer::User(id_of(&world.alice)), vec!["alices"]),
            (Viewer::of(&anonymous().actor), vec![]),
        ] {
            let found = resources(&world.catalog, AuditScope::Viewer(scope), "", "").await;
            assert_eq!(found, expected, "{scope:?}");
        }
    })
    .await;
}
