//! The outbox: what is written, what is handed on, and that a transaction takes both or none.

use std::time::Duration;

use berth_catalog::{CatalogError, Outbox};
use berth_db::{Db, DbError, args};
use berth_model::{ArtifactEvent, Event, EventKind, Happening, ProjectId};
use berth_testkit::both_engines;

use crate::support::{start, world};

fn event(project: ProjectId, n: usize, kind: fn(ArtifactEvent) -> Happening) -> Event {
    Event {
        project,
        at: start(),
        operator: "alice".to_owned(),
        what: kind(ArtifactEvent {
            repository: "library/app".to_owned(),
            digest: format!("sha256:{n}"),
            tags: vec![format!("v{n}")],
        }),
    }
}

async fn listen(db: &Db, outbox: &Outbox, project: ProjectId, kinds: &'static [EventKind]) {
    let outbox = outbox.clone();
    let done: Result<(), DbError> = db
        .write(move |tx| Box::pin(async move { outbox.listen(tx, project, kinds).await }))
        .await;
    done.unwrap();
}

async fn publish(db: &Db, outbox: &Outbox, events: Vec<Event>) {
    let outbox = outbox.clone();
    let done: Result<(), DbError> = db
        .write(move |tx| Box::pin(async move { outbox.publish_all(tx, &events).await }))
        .await;
    done.unwrap();
}

async fn take(db: &Db, outbox: &Outbox, most: i64, keep: bool) -> Result<Vec<Event>, CatalogError> {
    let outbox = outbox.clone();
    let waiting = outbox.waiting(db, most).await.unwrap();
    let ids: Vec<i64> = waiting.iter().map(|(id, _)| *id).collect();
    let gone = db
        .write(move |tx| {
            Box::pin(async move {
                let gone = outbox.remove(tx, &ids).await?;
                if keep {
                    return Err(CatalogError::Conflict("handing on failed".to_owned()));
                }
                Ok(gone)
            })
        })
        .await?;
    assert_eq!(gone.len(), waiting.len());
    Ok(waiting.into_iter().filter_map(|(_, event)| event).collect())
}

#[tokio::test]
async fn only_what_somebody_listens_to_is_written_and_it_is_taken_in_order() {
    both_engines(|db| async move {
        let world = world(db.clone()).await;
        let outbox = world.catalog.outbox();
        let mine = world.project(&world.alice, "mine", false).await;
        let other = world.project(&world.alice, "other", false).await;
        publish(&db, outbox, vec![event(mine, 0, Happening::PushArtifact)]).await;
        assert!(outbox.is_empty(&db).await.unwrap());
        let kinds = &[EventKind::PushArtifact, EventKind::QuotaExceed];
        listen(&db, outbox, mine, kinds).await;
        let mut events: Vec<Event> = (0..150)
            .map(|n| event(mine, n, Happening::PushArtifact))
            .collect();
        events.insert(3, event(mine, 900, Happening::DeleteArtifact));
        events.insert(70, event(other, 901, Happening::PushArtifact));
        publish(&db, outbox, events).await;
        outbox.arrived().await;
        let first = take(&db, outbox, 100, false).await.unwrap();
        let second = take(&db, outbox, 100, false).await.unwrap();
        assert_eq!((first.len(), second.len()), (100, 50));
        for (n, taken) in first.iter().chain(&second).enumerate() {
            assert_eq!(*taken, event(mine, n, Happening::PushArtifact));
        }
        assert!(outbox.is_empty(&db).await.unwrap());
        listen(&db, outbox, mine, &[]).await;
        publish(&db, outbox, vec![event(mine, 1, Happening::PushArtifact)]).await;
        assert!(outbox.is_empty(&db).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_change_that_fails_publishes_nothing_and_a_taking_that_fails_keeps_all() {
    both_engines(|db| async move {
        let world = world(db.clone()).await;
        let outbox = world.catalog.outbox().clone();
        let project = world.project(&world.alice, "mine", false).await;
        listen(&db, &outbox, project, &[EventKind::PushArtifact]).await;
        let publisher = outbox.clone();
        let failed: Result<(), CatalogError> = db
            .write(move |tx| {
                Box::pin(async move {
                    let event = event(project, 1, Happening::PushArtifact);
                    publisher.publish(tx, &event).await?;
                    Err(CatalogError::Conflict("no".to_owned()))
                })
            })
            .await;
        failed.unwrap_err();
        assert!(outbox.is_empty(&db).await.unwrap());
        let waiting = tokio::time::timeout(Duration::from_millis(20), outbox.arrived());
        assert!(waiting.await.is_err(), "nothing arrived");
        outbox
            .publish_alone(&db, event(project, 2, Happening::PushArtifact))
            .await
            .unwrap();
        take(&db, &outbox, 10, true).await.unwrap_err();
        assert_eq!(take(&db, &outbox, 10, false).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn pulls_are_published_with_the_recorder_and_only_where_they_are_heard() {
    both_engines(|db| async move {
        let world = world(db.clone()).await;
        let outbox = world.catalog.outbox();
        let project = world.project(&world.alice, "mine", false).await;
        assert!(!outbox.hears_pulls(project));
        listen(&db, outbox, project, &[EventKind::PullArtifact]).await;
        assert!(outbox.hears_pulls(project));
        let recorder = world.catalog.recorder();
        for n in 0..20 {
            recorder.publish(event(project, n, Happening::PullArtifact));
        }
        recorder.flush().await.unwrap();
        let taken = take(&db, outbox, 100, false).await.unwrap();
        assert_eq!(taken.len(), 20);
        listen(&db, outbox, project, &[]).await;
        assert!(!outbox.hears_pulls(project));
    })
    .await;
}

#[tokio::test]
async fn an_event_that_a_newer_version_wrote_is_dropped_and_holds_nothing_up() {
    both_engines(|db| async move {
        let world = world(db.clone()).await;
        let outbox = world.catalog.outbox();
        let project = world.project(&world.alice, "mine", false).await;
        listen(&db, outbox, project, &[EventKind::PushArtifact]).await;
        let written: Result<u64, DbError> = db
            .write(move |tx| {
                Box::pin(async move {
                    tx.execute(
                        "INSERT INTO event (project_id, at, operator, what) \
                         VALUES ($1, 1, '', '{\"kind\":\"FROM_THE_FUTURE\",\"data\":{}}')",
                        args![project],
                    )
                    .await
                })
            })
            .await;
        written.unwrap();
        publish(
            &db,
            outbox,
            vec![event(project, 1, Happening::PushArtifact)],
        )
        .await;
        assert_eq!(take(&db, outbox, 10, false).await.unwrap().len(), 1);
        assert!(outbox.is_empty(&db).await.unwrap());
    })
    .await;
}
