//! The recorder: what is merged, when it is durable, and what it adds to counters.

use std::time::Duration;

use berth_catalog::{AuditScope, Entry, PullKept, Viewer, record_in};
use berth_db::{Db, DbError, args};
use berth_model::{ManifestId, ProjectId, RepositoryId, TagId, Timestamp};
use berth_testkit::both_engines;

use crate::support::{start, world};

fn pull(username: &str, at: Timestamp) -> Entry {
    Entry {
        at,
        username: username.to_owned(),
        address: "10.0.0.1".to_owned(),
        operation: "pull".to_owned(),
        resource_type: "artifact".to_owned(),
        resource: "library/app:v1".to_owned(),
        project_id: Some(ProjectId(1)),
        repository: "library/app".to_owned(),
        tag: "v1".to_owned(),
        ..Entry::default()
    }
}

#[tokio::test]
async fn like_entries_of_one_flush_are_one_line() {
    both_engines(|db| async move {
        let world = world(db).await;
        let recorder = world.catalog.recorder();
        for n in 0..50_u64 {
            recorder.record(pull("alice", start().plus(Duration::from_millis(n))));
        }
        recorder.record(pull("bob", start().plus(Duration::from_secs(1))));
        recorder
            .record_waiting(pull("", start().plus(Duration::from_secs(2))))
            .await;
        recorder.flush().await.unwrap();
        let scope = AuditScope::Viewer(Viewer::Everything);
        let (lines, total) = world
            .catalog
            .list_log(scope, "operation=pull", "", 10, 0)
            .await
            .unwrap();
        let read: Vec<_> = lines
            .iter()
            .map(|line| (line.username.as_str(), line.times, line.at))
            .collect();
        assert_eq!(total, 3);
        assert_eq!(
            read,
            [
                ("", 1, start().plus(Duration::from_secs(2))),
                ("bob", 1, start().plus(Duration::from_secs(1))),
                ("alice", 50, start()),
            ]
        );
        recorder.record(pull("alice", start()));
        recorder.flush().await.unwrap();
        recorder.flush().await.unwrap();
        let sum = "SELECT CAST(SUM(times) AS BIGINT) FROM access_log WHERE operation = 'pull'";
        assert_eq!(world.count(sum).await, 53);
    })
    .await;
}

#[tokio::test]
async fn many_different_entries_are_all_written() {
    both_engines(|db| async move {
        let world = world(db).await;
        let recorder = world.catalog.recorder();
        for n in 0..333 {
            recorder.record(pull(&format!("user{n}"), start()));
        }
        world.catalog.close().await.unwrap();
        let count = "SELECT COUNT(*) FROM access_log WHERE operation = 'pull'";
        assert_eq!(world.count(count).await, 333);
    })
    .await;
}

#[tokio::test]
async fn entries_are_written_without_being_asked() {
    both_engines(|db| async move {
        let world = world(db).await;
        world.catalog.recorder().record(pull("alice", start()));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let count = "SELECT COUNT(*) FROM access_log WHERE operation = 'pull'";
        while world.count(count).await == 0 {
            assert!(tokio::time::Instant::now() < deadline, "never written");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_entry_shares_the_fate_of_its_transaction() {
    both_engines(|db| async move {
        let world = world(db).await;
        let failed: Result<(), berth_catalog::CatalogError> = world
            .db
            .write(|tx| {
                Box::pin(async move {
                    record_in(tx, pull("alice", start())).await?;
                    Err(DbError::NotFound.into())
                })
            })
            .await;
        assert!(failed.is_err());
        let count = "SELECT COUNT(*) FROM access_log WHERE operation = 'pull'";
        assert_eq!(world.count(count).await, 0);
    })
    .await;
}

async fn manifest(db: &Db, repository: RepositoryId) -> (ManifestId, TagId) {
    let made: Result<(i64, i64), DbError> = db
        .write(move |tx| {
            Box::pin(async move {
                let (manifest,): (i64,) = tx
                    .one(
                        "INSERT INTO manifest (repository_id, digest, media_type, kind, size, \
                         total_size, pushed_by, pushed_at) \
                         VALUES ($1, 'sha256:0', 'm', 'IMAGE', 1, 1, 'alice', 0) RETURNING id",
                        args![repository],
                    )
                    .await?;
                let (tag,): (i64,) = tx
                    .one(
                        "INSERT INTO tag (repository_id, name, manifest_id, pushed_by, pushed_at) \
                         VALUES ($1, 'v1', $2, 'alice', 0) RETURNING id",
                        args![repository, manifest],
                    )
                    .await?;
                Ok((manifest, tag))
            })
        })
        .await;
    let (manifest, tag) = made.unwrap();
    (ManifestId(manifest), TagId(tag))
}

#[tokio::test]
async fn pulls_are_added_to_their_rows() {
    both_engines(|db| async move {
        let world = world(db).await;
        let project = world.project(&world.alice, "p", true).await;
        let recorder = world.catalog.recorder();
        let mut held = Vec::new();
        // More than one statement's worth.
        for n in 0..70_i64 {
            let repository = world.repository(project, &format!("p/r{n}")).await;
            let (manifest, tag) = manifest(&world.db, repository).await;
            for pull in 0..=n % 3 {
                let at = Timestamp::from_seconds(100 - pull);
                recorder.pulled(
                    repository,
                    manifest,
                    (pull == 0).then_some(tag),
                    at,
                    PullKept::ALL,
                );
            }
            held.push((repository, manifest, n % 3 + 1));
        }
        // A manifest that is gone by now harms nobody.
        recorder.pulled(
            RepositoryId(99_999),
            ManifestId(99_999),
            None,
            start(),
            PullKept::ALL,
        );
        recorder.flush().await.unwrap();
        // A pull that comes late does not turn the clock back.
        recorder.pulled(
            held[0].0,
            held[0].1,
            None,
            Timestamp::from_seconds(1),
            PullKept::ALL,
        );
        recorder.flush().await.unwrap();
        held[0].2 += 1;
        for (repository, manifest, times) in held {
            let row: (i64, i64, i64, i64) = world
                .db
                .one(
                    "SELECT r.pull_count, m.pull_count, m.pulled_at, t.pulled_at \
                     FROM repository r JOIN manifest m ON m.repository_id = r.id \
                     JOIN tag t ON t.manifest_id = m.id WHERE r.id = $1 AND m.id = $2",
                    args![repository, manifest],
                )
                .await
                .unwrap();
            let at = Timestamp::from_seconds(100).micros();
            assert_eq!(row, (times, times, at, at));
        }
    })
    .await;
}
