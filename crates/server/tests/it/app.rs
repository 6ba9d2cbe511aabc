//! A whole server in this process, on a free port, with a data folder and a database of its own.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use berth_blob::{FaultPlan, PowerLoss};
use berth_config::{Isolation, Settings};
use berth_db::{DatabaseUrl, args};
use berth_indexer::Program;
use berth_lifecycle::{FsckOptions, GcReport, Problem, Unwatched};
use berth_model::{Clock, Secret};
use berth_server::{Parts, Server};
use berth_telemetry::{DroppedLines, Metrics};
use berth_testkit::TestDb;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::contract;

/// The password of the first administrator.
pub(crate) const ADMIN_PASSWORD: &str = "Harbour-Master-1";

/// Which database a server under test uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// How a server under test differs from the default.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) clock: Clock,
    pub(crate) tweak: fn(&mut Settings),
    /// Whether the storage can be made to fail.
    pub(crate) faults: bool,
    /// What reads layers; without it, this process does, or the binary that `BERTH_TEST_BINARY`
    /// names: a program of tests is none that reads layers.
    pub(crate) indexer: Option<Program>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            tweak: |_| {},
            faults: false,
            indexer: std::env::var_os("BERTH_TEST_BINARY").map(|binary| Program {
                path: binary.into(),
                arguments: vec!["index-layer".into()],
            }),
        }
    }
}

/// A running server. Its [`Client`] is reached by dereference.
pub(crate) struct App {
    pub(crate) parts: Parts,
    pub(crate) settings: Settings,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    faults: Option<FaultPlan>,
    indexer: Option<Program>,
    client: Client,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    data: TempDir,
    database: Option<TestDb>,
}

impl App {
    /// Starts a server; `None` where the engine is not at hand.
    pub(crate) async fn start(engine: Engine, setup: &Setup) -> Option<Self> {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(TestDb::postgres().await?),
        };
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.data = data.path().join("berth");
        settings.http.listen = ([127, 0, 0, 1], 0).into();
        settings.http.drain_seconds = 5;
        settings.database.connections = 8;
        settings.gc.enabled = false;
        // What is deleted is garbage at once, except where the trash is looked at.
        settings.registry.undelete_days = 0;
        if let Some(database) = &database {
            let DatabaseUrl::Postgres(url) = database.url() else {
                panic!("asked for PostgreSQL");
            };
            settings.database.url = Some(Secret::new(url.clone()));
            database.db().close().await;
        }
        if setup.indexer.is_none() {
            settings.scan.isolation = Isolation::None;
        }
        (setup.tweak)(&mut settings);
        let clock = setup.clock.clone();
        let faults = setup.faults.then(FaultPlan::new);
        let (parts, metrics, client, shutdown, serving) =
            run(&settings, &clock, faults.clone(), setup.indexer.clone()).await;
        Some(Self {
            parts,
            settings,
            metrics,
            clock,
            faults,
            indexer: setup.indexer.clone(),
            client,
            shutdown,
            serving,
            data,
            database,
        })
    }

    /// Stops the server in good order and starts another on the same data.
    pub(crate) async fn restart(&mut self) {
        self.shutdown.cancel();
        (&mut self.serving).await.unwrap();
        self.start_again().await;
    }

    /// As [`Self::restart`], after the process was killed and, with `power`, the machine too:
    /// nothing is drained, and the disk loses what was not durable.
    pub(crate) async fn crash(&mut self, power: Option<PowerLoss>) {
        // The database is closed in good order: what it does in a crash is its engine's affair.
        self.shutdown.cancel();
        (&mut self.serving).await.unwrap();
        match power {
            Some(loss) => self.plan().simulate_power_loss(loss).unwrap(),
            None => self.plan().restart(),
        }
        self.start_again().await;
    }

    /// What the storage meets, where the setup asked for it.
    pub(crate) fn plan(&self) -> &FaultPlan {
        self.faults.as_ref().unwrap()
    }

    async fn start_again(&mut self) {
        let (parts, metrics, client, shutdown, serving) = run(
            &self.settings,
            &self.clock,
            self.faults.clone(),
            self.indexer.clone(),
        )
        .await;
        self.parts = parts;
        self.metrics = metrics;
        self.client = client;
        self.shutdown = shutdown;
        self.serving = serving;
    }

    /// Stops the server; everything it kept goes.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap();
        drop(self.database);
        drop(self.data);
    }

    /// Every file under a folder of the blob store, with its size.
    pub(crate) fn files(&self, folder: &str) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        let mut folders = vec![self.settings.data.join("store").join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                // A collection that is under way takes files away.
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push((entry.path(), metadata.len()));
                }
            }
        }
        found
    }

    /// One number that a query gives.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let (count,): (i64,) = self.parts.db.one(sql, args![]).await.unwrap();
        count
    }

    /// Collects garbage now.
    pub(crate) async fn collect(&self) -> GcReport {
        let stop = CancellationToken::new();
        self.parts.lifecycle.collect(&stop).await.unwrap()
    }

    /// Compares database and store; gives the problems and the number of files without a row.
    pub(crate) async fn check(&self, rehash: bool) -> (Vec<Problem>, u64) {
        let options = FsckOptions {
            rehash,
            ..FsckOptions::default()
        };
        let nobody = Unwatched::default();
        let report = self.parts.lifecycle.fsck(options, &nobody).await.unwrap();
        (report.problems, report.leftovers)
    }

    /// The client, to be moved into a task.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }
}

impl Deref for App {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

async fn run(
    settings: &Settings,
    clock: &Clock,
    faults: Option<FaultPlan>,
    indexer: Option<Program>,
) -> (
    Parts,
    Arc<Metrics>,
    Client,
    CancellationToken,
    JoinHandle<()>,
) {
    let parts = Parts::open_with(settings, clock.clone(), faults, indexer)
        .await
        .unwrap();
    let password = Secret::new(ADMIN_PASSWORD.to_owned());
    parts.first_start(Some(password)).await.unwrap();
    let server = Server::listen(settings).unwrap();
    let client = Client::new(server.url());
    let metrics = Arc::new(Metrics::new(
        "test",
        clock.clone(),
        &DroppedLines::default(),
    ));
    contract::learn(|| {
        let endpoints = berth_server::endpoints(&parts, settings, &metrics);
        berth_server::openapi(&endpoints)
    });
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (parts, metrics) = (parts.clone(), metrics.clone());
        let (settings, shutdown) = (settings.clone(), shutdown.clone());
        async move { server.run(parts, &settings, metrics, true, shutdown).await }
    });
    (parts, metrics, client, shutdown, serving)
}

/// Runs a test on a fresh server for each engine, one after the other.
pub(crate) async fn both<T>(test: T)
where
    T: AsyncFn(&mut App),
{
    both_with(&Setup::default(), test).await;
}

/// [`both`], on servers set up in another way.
pub(crate) async fn both_with<T>(setup: &Setup, test: T)
where
    T: AsyncFn(&mut App),
{
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(mut app) = App::start(engine, setup).await else {
            continue;
        };
        // Of a test that hangs one wants to know the name.
        let limit = Duration::from_mins(2);
        let ended = tokio::time::timeout(limit, test(&mut app)).await;
        assert!(ended.is_ok(), "no end after {limit:?} on {engine:?}");
        app.stop().await;
    }
}
