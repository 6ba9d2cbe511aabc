//! Feeds that are fetched, by schedule or at once; and feeds that somebody sends.
//!
//! Invariant: what is fetched is imported only when it came whole; one update of a feed runs at a
//! time; why one failed is told with the feed until one succeeds.

mod address;
mod artifact;

use std::time::Duration;

use berth_db::{DbError, Tx};
use berth_iam::{Entry, audit};
use berth_jobs::{
    Cadence, Execution, ExecutionQuery, Handler, JobError, Jobs, Kind, NewExecution, NewTask,
    TaskContext,
};
use berth_jobs::{JobsError, Trigger};
use berth_model::ExecutionId;
use berth_remote::{PullError, Sending};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::feeds::{FeedChange, FeedFile, check_name};
use crate::store::feeds::{self as store, FeedRow};
use crate::store::sources;
use crate::{Scanning, VulnError};
use address::Source;
use artifact::{check, unwritten};

/// The vendor and the job type.
pub(crate) const UPDATE: &str = "ADVISORY_UPDATE";
/// Largest file, and largest artifact, bytes.
pub(crate) const LARGEST: u64 = 2 * 1024 * 1024 * 1024;
/// Time for one file.
const TIME: Duration = Duration::from_hours(1);
/// What a date stands behind where there is no `ETag`.
const DATE: &str = "date:";

/// How a feed is to be.
#[derive(Clone, Debug)]
pub(crate) struct FeedWanted {
    pub(crate) url: Option<String>,
    pub(crate) binary_names: bool,
    pub(crate) cadence: Cadence,
}

pub(crate) struct Update {
    scanning: Scanning,
}

impl Update {
    pub(crate) const fn new(scanning: Scanning) -> Self {
        Self { scanning }
    }
}

fn feed_of(params: &Value) -> Result<i64, String> {
    let feed = params["feed"].as_i64();
    feed.ok_or_else(|| "feed must be the id of a feed".to_owned())
}

impl Handler for Update {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: 1,
            time_out: Some(TIME * 3),
            ..Kind::new(UPDATE)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        feed_of(params).map(drop)
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let feed = feed_of(task.params()).map_err(JobError::fail)?;
            let updating = self.scanning.update(&task, feed);
            let done = tokio::select! {
                done = updating => done,
                () = task.stop().cancelled() => return Err(JobError::Stopped),
            };
            done.map_err(|error| match error {
                VulnError::Egress(error) | VulnError::Pull(PullError::Egress(error))
                    if !error.is_final() =>
                {
                    JobError::retry(error)
                }
                VulnError::Db(_) | VulnError::Jobs(_) => JobError::retry(error),
                other => JobError::fail(other),
            })
        })
    }
}

impl Scanning {
    pub(crate) async fn feed(&self, name: &str) -> Result<FeedRow, VulnError> {
        let found = store::named(&self.db, name).await?;
        found.ok_or_else(|| VulnError::NotFound(format!("feed {name:?}")))
    }

    /// Checks what somebody wants of a feed.
    async fn check_feed(&self, wanted: &FeedWanted) -> Result<(), VulnError> {
        let Some(url) = &wanted.url else {
            if wanted.cadence == Cadence::none() {
                return Ok(());
            }
            return Err(VulnError::Invalid(
                "a schedule needs a url: without one there is nothing to fetch".to_owned(),
            ));
        };
        let wrong = |what| VulnError::Invalid(format!("url {url:?}: {what}"));
        match Source::parse(url).map_err(wrong)? {
            Source::File(url) => drop(self.egress.check_now(&url).await?),
            Source::Artifact { base, .. } => drop(self.egress.check_now(&base).await?),
            Source::Local { .. } => {}
        }
        Ok(())
    }

    /// Makes a feed and, if it has an address, fetches it at once.
    pub(crate) async fn create_feed(
        &self,
        name: &str,
        wanted: FeedWanted,
        entry: Entry,
    ) -> Result<(), VulnError> {
        check_name(name)?;
        self.check_feed(&wanted).await?;
        let (this, name) = (self.clone(), name.to_owned());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                let (this, name, wanted, entry) =
                    (this.clone(), name.clone(), wanted.clone(), entry.clone());
                Box::pin(async move {
                    let url = wanted.url.as_deref();
                    let made = sources::create(tx, &name, url, wanted.binary_names).await?;
                    let Some(id) = made else {
                        return Err(VulnError::Conflict(format!(
                            "there is a feed {name:?}: change it with PUT"
                        )));
                    };
                    this.schedule_feed(tx, id, &wanted).await?;
                    if wanted.url.is_some() {
                        this.submit_update(tx, id).await?;
                    }
                    audit::record(tx, entry.on(name)).await?;
                    Ok(())
                })
            })
            .await?;
        self.jobs.wake();
        Ok(())
    }

    /// Changes where a feed comes from and when; its advisories stay.
    pub(crate) async fn change_feed(
        &self,
        name: &str,
        wanted: FeedWanted,
        entry: Entry,
    ) -> Result<(), VulnError> {
        let feed = self.feed(name).await?;
        self.check_feed(&wanted).await?;
        let (this, name) = (self.clone(), name.to_owned());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                let (this, name, wanted, entry) =
                    (this.clone(), name.clone(), wanted.clone(), entry.clone());
                Box::pin(async move {
                    let url = wanted.url.as_deref();
                    if !sources::change(tx, feed.id, url, wanted.binary_names).await? {
                        return Err(VulnError::NotFound(format!("feed {name:?}")));
                    }
                    this.schedule_feed(tx, feed.id, &wanted).await?;
                    audit::record(tx, entry.on(name)).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn schedule_feed(
        &self,
        tx: &mut Tx,
        feed: i64,
        wanted: &FeedWanted,
    ) -> Result<(), JobsError> {
        if wanted.cadence == Cadence::none() {
            return Ok(self.jobs.remove_schedule_in(tx, UPDATE, feed).await?);
        }
        let task = (UPDATE, &json!({"feed": feed}));
        self.jobs
            .set_schedule_in(tx, UPDATE, feed, &wanted.cadence, task)
            .await
    }

    /// Deletes a feed with its advisories; images are judged without them from then on.
    pub(crate) async fn delete_feed(&self, name: &str, entry: Entry) -> Result<(), VulnError> {
        let feed = self.feed(name).await?;
        while self.remove_left_out(feed.id, None).await? > 0 {}
        let (this, name) = (self.clone(), name.to_owned());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                let (this, name, entry) = (this.clone(), name.clone(), entry.clone());
                Box::pin(async move {
                    crate::store::state::advance(tx).await?;
                    store::delete_feed(tx, feed.id);
                    this.jobs.remove_schedule_in(tx, UPDATE, feed.id).await?;
                    audit::record(tx, entry.on(name)).await?;
                    Ok(())
                })
            })
            .await?;
        self.match_again().await?;
        Ok(())
    }

    /// Fetches a feed now; gives the execution that does.
    pub(crate) async fn update_feed(
        &self,
        name: &str,
        entry: Entry,
    ) -> Result<ExecutionId, VulnError> {
        let feed = self.feed(name).await?;
        if feed.url.is_none() {
            return Err(VulnError::Invalid(format!(
                "feed {name:?} has no url: give it one, or send its content"
            )));
        }
        let this = self.clone();
        let execution = self
            .db
            .write::<_, VulnError, _>(move |tx| {
                let (this, entry) = (this.clone(), entry.clone());
                let name = feed.name.clone();
                Box::pin(async move {
                    let execution = this.submit_update(tx, feed.id).await?;
                    audit::record(tx, entry.on(name)).await?;
                    Ok(execution)
                })
            })
            .await?;
        self.jobs.wake();
        Ok(execution)
    }

    /// The last execution that fetched a feed, or does so.
    pub(crate) async fn last_update(&self, feed: i64) -> Result<Option<Execution>, VulnError> {
        let query = ExecutionQuery {
            vendors: &[UPDATE],
            vendor_id: Some(feed),
            ..ExecutionQuery::default()
        };
        let (runs, _) = self.jobs.executions(query, 1, 0).await?;
        Ok(runs.into_iter().next())
    }

    /// Writes into the audit log.
    pub(crate) async fn record(&self, entry: Entry) -> Result<(), VulnError> {
        self.db
            .write::<_, VulnError, _>(move |tx| {
                let entry = entry.clone();
                Box::pin(async move { Ok(audit::record(tx, entry).await?) })
            })
            .await
    }

    async fn submit_update(&self, tx: &mut Tx, feed: i64) -> Result<ExecutionId, JobsError> {
        let new = NewExecution {
            vendor: UPDATE,
            vendor_id: feed,
            trigger: Trigger::Manual,
            attributes: json!({}),
            unique: Some(Jobs::unique_key(UPDATE, feed)),
            tasks: vec![NewTask::new(UPDATE, json!({"feed": feed}))],
        };
        self.jobs.submit_in(tx, new).await
    }

    async fn update(&self, task: &TaskContext, feed: i64) -> Result<(), VulnError> {
        let Some(row) = store::by_id(&self.db, feed).await? else {
            task.log("the feed is gone");
            return Ok(());
        };
        let done = self.fetch(task, &row).await;
        let now = self.clock.now();
        let (etag, change, problem) = match &done {
            Ok((etag, change)) => (etag.clone(), change.clone(), None),
            Err(error) => (row.etag.clone(), None, Some(error.to_string())),
        };
        if let Some(change) = &change {
            task.log(change.to_string());
        }
        let (jobs, execution) = (self.jobs.clone(), task.execution());
        self.db
            .write::<_, DbError, _>(move |tx| {
                let jobs = jobs.clone();
                Box::pin(async move {
                    sources::checked(tx, feed, etag.as_deref(), problem.as_deref(), now);
                    if let Some(change) = change {
                        // Strings and numbers always are JSON.
                        let said = serde_json::to_value(change).unwrap_or_default();
                        jobs.set_execution_attributes(tx, execution, &said).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        done.map(drop)
    }

    /// Fetches and imports; gives what the content is known by from now on, and what it changed
    /// unless it is what was imported last.
    async fn fetch(
        &self,
        task: &TaskContext,
        row: &FeedRow,
    ) -> Result<(Option<String>, Option<FeedChange>), VulnError> {
        let url = row.url.as_deref().unwrap_or_default();
        let source = Source::parse(url).map_err(VulnError::Invalid)?;
        task.log(format!("fetching {source}"));
        // A feed whose import was interrupted takes the same content in again.
        let known = row.etag.as_deref().filter(|_| !row.revision.is_empty());
        let folder = TempDir::new().map_err(unwritten)?;
        let fetched = match &source {
            Source::File(url) => self.file(url, known, &folder).await?,
            Source::Artifact {
                base,
                repository,
                reference,
            } => {
                let of = (base.as_str(), repository.as_str());
                let pulled = self.remote_artifact(of, reference, known, folder.path());
                pulled.await?.map(|(digest, files)| (Some(digest), files))
            }
            Source::Local {
                repository,
                reference,
            } => {
                let read = self.local_artifact(repository, reference, known, folder.path());
                read.await?.map(|(digest, files)| (Some(digest), files))
            }
        };
        let Some((etag, files)) = fetched else {
            task.log("it is what was imported last");
            return Ok((row.etag.clone(), None));
        };
        let change = self
            .import_files(&row.name, files, row.binary_names)
            .await
            .map_err(|error| without_folder(error, &folder))?;
        Ok((etag, Some(change)))
    }

    async fn file(
        &self,
        url: &str,
        known: Option<&str>,
        folder: &TempDir,
    ) -> Result<Option<(Option<String>, Vec<FeedFile>)>, VulnError> {
        let mut sending = Sending::new(Method::GET, url);
        sending.time_out = TIME;
        sending.most = usize::try_from(LARGEST).unwrap_or(usize::MAX);
        let condition = known.map(|known| match known.strip_prefix(DATE) {
            Some(date) => (header::IF_MODIFIED_SINCE, date),
            None => (header::IF_NONE_MATCH, known),
        });
        if let Some((name, value)) = condition
            && let Ok(value) = HeaderValue::from_str(value)
        {
            sending.headers.insert(name, value);
        }
        let path = folder.path().join("content");
        let mut file = tokio::fs::File::create(&path).await.map_err(unwritten)?;
        let received = self.egress.download(sending, &mut file).await?;
        if received.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        check(&received, url)?;
        let text = |name| {
            let value = received.headers.get(name);
            value.and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let etag = text(header::ETAG).map(str::to_owned);
        let date = || text(header::LAST_MODIFIED).map(|date| format!("{DATE}{date}"));
        let file = FeedFile {
            title: String::new(),
            path,
        };
        Ok(Some((etag.or_else(date), vec![file])))
    }
}

/// An error of a file in a folder that nobody but this process knows.
pub(crate) fn without_folder(error: VulnError, folder: &TempDir) -> VulnError {
    match error {
        VulnError::Feed(error) => {
            let folder = format!("{}/", folder.path().display());
            VulnError::Invalid(error.to_string().replace(&folder, ""))
        }
        other => other,
    }
}
