//! [`Outbox`]: events on their way to whoever wants to be told of them.
//!
//! Invariant: an event is written in the transaction of the change it speaks of, and removed in the
//! one that hands it on, so a crash loses none and tells none twice. One that nobody listens to
//! costs a look into an index and is not written.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use berth_db::{Db, DbError, Tx};
use berth_model::{Event, EventKind, ProjectId};
use tokio::sync::Notify;

use crate::store;

/// Publishes events and hands them on. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Something was published by this process.
    arrived: Notify,
    /// Projects whose pulls somebody listens to, as of the last look.
    pulled: ArcSwap<HashSet<ProjectId>>,
}

impl Outbox {
    /// Publishes `event` with the change that `tx` makes, if somebody listens.
    pub async fn publish(&self, tx: &mut Tx, event: &Event) -> Result<(), DbError> {
        self.publish_all(tx, std::slice::from_ref(event)).await
    }

    /// As [`Self::publish`], for several.
    pub async fn publish_all(&self, tx: &mut Tx, events: &[Event]) -> Result<(), DbError> {
        if store::event::insert(tx, events).await? > 0 {
            let inner = self.inner.clone();
            tx.after_commit(move || inner.arrived.notify_one());
        }
        Ok(())
    }

    /// Publishes what happened without any change of the database: a refusal.
    pub async fn publish_alone(&self, db: &Db, event: Event) -> Result<(), DbError> {
        let outbox = self.clone();
        db.write(move |tx| Box::pin(async move { outbox.publish(tx, &event).await }))
            .await
    }

    /// Whether somebody listens, for events that are dear to put together.
    pub async fn is_heard(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        kind: EventKind,
    ) -> Result<bool, DbError> {
        store::event::is_heard(tx, project, kind).await
    }

    /// Whether somebody listens to such events in any project.
    pub async fn is_heard_anywhere(&self, tx: &mut Tx, kind: EventKind) -> Result<bool, DbError> {
        store::event::is_heard_anywhere(tx, kind).await
    }

    /// Whether somebody listens to the pulls of a project, as this process knows it: what another
    /// replica changed is seen a few seconds later.
    pub fn hears_pulls(&self, project: ProjectId) -> bool {
        self.inner.pulled.load().contains(&project)
    }

    /// Says which kinds are listened to in a project, instead of those before.
    pub async fn listen(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        kinds: &[EventKind],
    ) -> Result<(), DbError> {
        store::event::set_listeners(tx, project, kinds).await?;
        let (inner, pulls) = (self.inner.clone(), kinds.contains(&EventKind::PullArtifact));
        tx.after_commit(move || {
            inner.pulled.rcu(|before| {
                let mut projects = HashSet::clone(before);
                if pulls {
                    projects.insert(project);
                } else {
                    projects.remove(&project);
                }
                projects
            });
        });
        Ok(())
    }

    /// Waits until this process has published something since the last call.
    pub async fn arrived(&self) {
        self.inner.arrived.notified().await;
    }

    /// At most `most` of the oldest events with their ids, in the order they were written. One that
    /// cannot be read, of a newer version, is `None`.
    pub async fn waiting(&self, db: &Db, most: i64) -> Result<Vec<(i64, Option<Event>)>, DbError> {
        store::event::oldest(db, most).await
    }

    /// Takes events out; they are gone once `tx` commits, and who hands them on does it there.
    /// Gives the ids that were still there: another process may have handed on the others.
    pub async fn remove(&self, tx: &mut Tx, ids: &[i64]) -> Result<HashSet<i64>, DbError> {
        store::event::delete(tx, ids).await
    }

    /// Whether something waits to be handed on.
    pub async fn is_empty(&self, db: &Db) -> Result<bool, DbError> {
        store::event::is_empty(db).await
    }

    /// Looks again who listens to pulls.
    pub(crate) async fn refresh(&self, db: &Db) -> Result<(), DbError> {
        let projects = store::event::projects_hearing(db, EventKind::PullArtifact).await?;
        self.inner.pulled.store(Arc::new(projects));
        Ok(())
    }
}
