//! [`Catalog`]: the handle on everything in this crate.

use std::sync::Arc;
use std::time::Duration;

use berth_crypto::KeyFile;
use berth_db::Db;
use berth_iam::Author;
use berth_model::{Clock, ProjectId, Timestamp, UserId};
use serde_json::{Map, Value};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::facts::{self, KeptFacts};
use crate::settings::{Settings, Snapshot};
use crate::{CatalogError, Outbox, Recorder, store};

/// How long another replica's change of a setting may take to be seen here.
const REFRESH: Duration = Duration::from_secs(5);

/// How a catalog is opened.
#[derive(Clone, Debug, Default)]
pub struct CatalogOptions {
    /// What secret settings are sealed with; without it they are refused.
    pub sealer: Option<Arc<KeyFile>>,
    /// Settings that have another value than their default until somebody changes them.
    pub defaults: Map<String, Value>,
    /// Settings that cannot be changed while the server runs.
    pub frozen: Map<String, Value>,
}

/// Projects, members, repositories, the access log and the settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    settings: Arc<Snapshot>,
    outbox: Outbox,
    recorder: Recorder,
    facts: KeptFacts,
    /// Ends the refresh task with the last clone.
    _stop: DropGuard,
}

impl Catalog {
    /// Opens the catalog of a migrated database and starts its two background tasks: one flushes
    /// the [`Recorder`], the other looks for what another replica changed.
    pub async fn open(db: Db, clock: Clock) -> Result<Self, CatalogError> {
        Self::open_with(db, clock, CatalogOptions::default()).await
    }

    /// As [`Self::open`], with what the server's own configuration says of the settings.
    pub async fn open_with(
        db: Db,
        clock: Clock,
        options: CatalogOptions,
    ) -> Result<Self, CatalogError> {
        let settings = Arc::new(Snapshot::load(&db, options).await?);
        settings.keep_rules(&db, clock.now()).await?;
        let outbox = Outbox::default();
        outbox.refresh(&db).await?;
        let stop = CancellationToken::new();
        tokio::spawn(refresh(
            db.clone(),
            settings.clone(),
            outbox.clone(),
            stop.clone(),
        ));
        Ok(Self {
            inner: Arc::new(Inner {
                recorder: Recorder::start(db.clone(), outbox.clone()),
                outbox,
                facts: facts::kept(&db),
                db,
                clock,
                settings,
                _stop: stop.drop_guard(),
            }),
        })
    }

    /// Makes the public project `library`, owned by `admin`, unless some replica did so before.
    ///
    /// A `library` that was deleted stays deleted.
    pub async fn seed(&self, admin: UserId) -> Result<(), CatalogError> {
        let now = self.clock().now();
        let limit = self.settings().storage_per_project;
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if store::setting::mark(tx, "library seeded", now).await? {
                        let id = store::project::insert(tx, "library", admin, true, now).await?;
                        if let Some(id) = id {
                            store::member::insert(
                                tx,
                                id,
                                store::member::Entity::User(admin),
                                berth_model::Role::ProjectAdmin,
                                now,
                            )
                            .await?;
                            let entry = Author::server()
                                .did("create", "project", now)
                                .on("library")
                                .in_project(id);
                            crate::record_in(tx, entry).await?;
                            store::quota::insert(tx, id, limit, now).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Writes what is recorded but not yet in the database, and stops the background tasks.
    pub async fn close(&self) -> Result<(), CatalogError> {
        self.inner.recorder.close().await
    }

    /// Who did what; see [`Recorder`].
    pub fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    /// Events on their way to whoever listens.
    pub fn outbox(&self) -> &Outbox {
        &self.inner.outbox
    }

    /// The settings as of now; costs an atomic load.
    pub fn settings(&self) -> Arc<Settings> {
        self.inner.settings.get()
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.settings.clone()
    }

    pub(crate) fn facts(&self) -> &KeptFacts {
        &self.inner.facts
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    /// The time, by the clock that all times here come from.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Reads the settings again, for changes of other replicas.
    pub async fn refresh_settings(&self) -> Result<(), CatalogError> {
        self.inner.settings.refresh(self.db()).await
    }

    /// The number of repositories of a project.
    pub async fn repository_count(&self, project: ProjectId) -> Result<i64, CatalogError> {
        store::repository::count(self.db(), project).await
    }
}

async fn refresh(db: Db, settings: Arc<Snapshot>, outbox: Outbox, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(REFRESH))
        .await
        .is_some()
    {
        if let Err(error) = settings.refresh(&db).await {
            tracing::warn!(%error, "the settings could not be read again; the old ones stay");
        }
        if let Err(error) = outbox.refresh(&db).await {
            tracing::warn!(%error, "who listens to pulls could not be read again");
        }
    }
}
