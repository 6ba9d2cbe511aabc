//! Garbage collection beside pushes: what may have become garbage waits in `gc_review` and is
//! looked at when its grace is over. Nothing that is in use is ever walked.

mod preview;

use std::time::Duration;

use berth_model::{Clock, ManifestId, Timestamp};
use berth_registry::Reviewed;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::untagged::{self, DueManifest};
use crate::store::{self, Claimed, Due};
use crate::watch::{Unwatched, Watch, pause, size};
use crate::{Collected, Lifecycle, LifecycleError};

/// Reviews in one transaction: bounds how long a push waits behind it.
const BATCH: i64 = 50;

/// Names that are written to the log of a collection; more are counted.
const NAMED: u64 = 1_000;

/// How a collection is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcOptions {
    /// Manifests that nothing needs are deleted too: without a tag, an index that names them or a
    /// subject they belong to, for longer than the grace.
    pub delete_untagged: bool,
    /// What was deleted and could still be brought back is given up.
    pub empty_trash: bool,
    /// Nothing is deleted; what would be is counted and named.
    pub dry_run: bool,
    /// How many things are deleted at the same time.
    pub workers: usize,
    /// Ends, with what is done, after this time.
    pub time_limit: Option<Duration>,
    /// At most this many blobs and manifests are deleted in a second.
    pub rate: Option<u32>,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            delete_untagged: false,
            empty_trash: false,
            dry_run: false,
            workers: 1,
            time_limit: None,
            rate: None,
        }
    }
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Links and blobs looked at.
    pub reviewed: u64,
    /// Untagged manifests deleted, with what was there only for them.
    pub manifests: u64,
    /// Blobs taken out of a repository that no longer needed them.
    pub unlinked: u64,
    /// Blobs deleted.
    pub blobs: u64,
    /// Bytes freed.
    pub bytes: u64,
    /// Deleted manifests that cannot be brought back any more.
    pub emptied: u64,
    /// Abandoned uploads dropped.
    pub uploads: u64,
    /// Files without a row removed.
    pub orphans: u64,
}

#[derive(Default)]
struct Batch {
    claimed: Vec<Claimed>,
    unlinked: u64,
}

/// A collection under way.
struct Pass<'a> {
    options: &'a GcOptions,
    watch: &'a dyn Watch,
    began: Instant,
    report: GcReport,
    /// Reviews ended, and how many there were to begin with.
    done: u64,
    total: u64,
}

impl Pass<'_> {
    fn over(&self) -> bool {
        let out_of_time = |limit| self.began.elapsed() >= limit;
        self.watch.stop().is_cancelled() || self.options.time_limit.is_some_and(out_of_time)
    }

    /// How many are deleted side by side.
    fn workers(&self) -> usize {
        self.options.workers.max(1)
    }

    async fn came(&mut self, reviews: usize) {
        self.done += reviews as u64;
        self.watch.progress(self.done, self.total.max(self.done));
        if let Some(rate) = self.options.rate {
            let deleted = self.report.blobs + self.report.manifests;
            let due = Duration::from_secs_f64(deleted as f64 / f64::from(rate.max(1)));
            pause(self.watch, due.saturating_sub(self.began.elapsed())).await;
        }
    }
}

impl Lifecycle {
    /// Collects all garbage that is due. Ends early, with what is done, when `stop` is cancelled.
    pub async fn collect(&self, stop: &CancellationToken) -> Result<GcReport, LifecycleError> {
        self.collect_with(&GcOptions::default(), &Unwatched(stop.clone()))
            .await
    }

    /// [`Self::collect`], in another way or only to see what it would do.
    pub async fn collect_with(
        &self,
        options: &GcOptions,
        watch: &dyn Watch,
    ) -> Result<GcReport, LifecycleError> {
        if options.dry_run {
            return self.preview(options, self.clock.now(), watch).await;
        }
        let began = Instant::now();
        let done = self.run_with(options, watch).await;
        self.tell(&Collected {
            report: done.as_ref().ok().copied(),
            took: began.elapsed(),
        });
        done
    }

    async fn run_with(
        &self,
        options: &GcOptions,
        watch: &dyn Watch,
    ) -> Result<GcReport, LifecycleError> {
        let emptied = self.registry.empty_trash(options.empty_trash).await?;
        // What this pass itself puts up for review is due at once; a bound keeps it finite.
        let until = self.clock.now();
        let cutoff = until.minus(self.grace);
        let (manifests, reviews) = untagged::count_due(&self.db, until, cutoff).await?;
        let manifests = if options.delete_untagged {
            manifests
        } else {
            0
        };
        let mut pass = Pass {
            options,
            watch,
            began: Instant::now(),
            report: GcReport {
                uploads: self.registry.sweep_uploads().await?,
                emptied,
                ..GcReport::default()
            },
            done: 0,
            total: manifests + reviews,
        };
        if options.delete_untagged {
            self.collect_manifests(cutoff, &mut pass).await?;
        }
        self.collect_blobs(until, &mut pass).await?;
        let report = pass.report;
        if report != GcReport::default() {
            tracing::info!(?report, "garbage collected");
        }
        Ok(report)
    }

    async fn collect_blobs(
        &self,
        until: Timestamp,
        pass: &mut Pass<'_>,
    ) -> Result<(), LifecycleError> {
        while !pass.over() {
            let due = store::due(&self.db, until, BATCH).await?;
            if due.is_empty() {
                break;
            }
            let reviewed = due.len();
            let batch = self.review(due, until).await?;
            if batch.unlinked > 0 {
                self.registry.forget_links();
            }
            // What is claimed is deleted even when the time is over: it is a batch at most.
            let deleted = self.delete(batch.claimed, pass.workers()).await?;
            pass.report.reviewed += reviewed as u64;
            pass.report.unlinked += batch.unlinked;
            for claimed in deleted {
                let bytes = claimed.size.unsigned_abs();
                pass.report.blobs += 1;
                pass.report.bytes += bytes;
                if pass.report.blobs <= NAMED {
                    let line = format!("deleted blob {}, {}", claimed.digest, size(bytes));
                    pass.watch.say(line);
                }
            }
            pass.came(reviewed).await;
        }
        Ok(())
    }

    async fn collect_manifests(
        &self,
        cutoff: Timestamp,
        pass: &mut Pass<'_>,
    ) -> Result<(), LifecycleError> {
        let mut last = DueManifest {
            manifest_id: 0,
            since: i64::MIN,
        };
        while !pass.over() {
            let due = untagged::due_manifests(&self.db, cutoff, last, BATCH).await?;
            let Some(end) = due.last() else { break };
            last = *end;
            let count = due.len();
            let reviewed: Vec<Reviewed> = stream::iter(due)
                .map(|due| {
                    self.registry
                        .review_manifest(ManifestId(due.manifest_id), due.since)
                })
                .buffer_unordered(pass.workers())
                .try_collect()
                .await?;
            for reviewed in reviewed {
                if let Reviewed::Deleted {
                    resource,
                    manifests,
                } = reviewed
                {
                    pass.report.manifests += manifests;
                    if pass.report.manifests <= NAMED {
                        pass.watch.say(format!("deleted {resource}"));
                    }
                }
            }
            pass.came(count).await;
        }
        Ok(())
    }

    async fn review(&self, mut due: Vec<Due>, now: Timestamp) -> Result<Batch, LifecycleError> {
        let grace = self.grace;
        // In the order in which pushes take the rows, so that neither waits for the other.
        due.sort_unstable_by_key(|due| (due.blob_id, due.repository_id));
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let cutoff = now.minus(grace);
                    let mut batch = Batch::default();
                    for due in &due {
                        if due.repository_id == 0 {
                            review_blob(tx, due, cutoff, grace, &mut batch).await?;
                        } else {
                            review_link(tx, due, cutoff, grace, now, &mut batch).await?;
                        }
                    }
                    Ok(batch)
                })
            })
            .await
    }

    /// Deletes claimed blobs: their bytes, so many side by side, then their rows. Gives those that
    /// are gone; a push may have brought back the others.
    async fn delete(
        &self,
        claimed: Vec<Claimed>,
        workers: usize,
    ) -> Result<Vec<Claimed>, LifecycleError> {
        if claimed.is_empty() {
            return Ok(claimed);
        }
        let results: Vec<Result<Claimed, LifecycleError>> = stream::iter(claimed)
            .map(|claimed| async move {
                self.blobs.delete(&claimed.stored_as).await?;
                Ok(claimed)
            })
            // In their order, which is that in which pushes take the rows.
            .buffered(workers)
            .collect()
            .await;
        // One that cannot be deleted holds the others up no longer than this.
        let (mut claimed, mut failed) = (Vec::with_capacity(results.len()), None);
        for result in results {
            match result {
                Ok(one) => claimed.push(one),
                Err(error) => failed = Some(error),
            }
        }
        let gone = self.forget(claimed).await?;
        failed.map_or(Ok(gone), Err)
    }

    /// Removes the rows of claimed blobs whose bytes are gone.
    async fn forget(&self, claimed: Vec<Claimed>) -> Result<Vec<Claimed>, LifecycleError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut gone = Vec::with_capacity(claimed.len());
                    for claimed in claimed {
                        if store::forget(tx, &claimed).await? {
                            let review = Due {
                                blob_id: claimed.id,
                                repository_id: 0,
                                review_at: 0,
                            };
                            store::drop_review(tx, &review).await?;
                            gone.push(claimed);
                        }
                    }
                    Ok(gone)
                })
            })
            .await
    }

    /// The clock all times are read from.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}

async fn review_link(
    tx: &mut berth_db::Tx,
    due: &Due,
    cutoff: Timestamp,
    grace: Duration,
    now: Timestamp,
    batch: &mut Batch,
) -> Result<(), LifecycleError> {
    if store::unlink(tx, due, cutoff, now).await? {
        batch.unlinked += 1;
        store::review_blob(tx, due.blob_id, now).await?;
        store::reviewed(tx, due).await?;
        return Ok(());
    }
    match store::lease(tx, due).await? {
        // Kept by its lease alone: look again when that is over.
        Some(leased_at) => {
            let again = next_review(leased_at, grace, now);
            store::postpone(tx, due, again.micros()).await?;
        }
        // A manifest needs it: the manifest's deletion asks for the next review.
        None => store::reviewed(tx, due).await?,
    }
    Ok(())
}

async fn review_blob(
    tx: &mut berth_db::Tx,
    due: &Due,
    cutoff: Timestamp,
    grace: Duration,
    batch: &mut Batch,
) -> Result<(), LifecycleError> {
    if let Some(claimed) = store::claim(tx, due.blob_id, cutoff).await? {
        // The review stays until the row is gone, so that a crash is made good by the next pass;
        // it moves on, so that this pass does not meet it again.
        let later = cutoff.plus(grace).plus(Duration::from_mins(5));
        store::postpone(tx, due, later.micros()).await?;
        batch.claimed.push(claimed);
        return Ok(());
    }
    match store::untouched_since(tx, due.blob_id).await? {
        Some(touched_at) => {
            let again = next_review(touched_at, grace, cutoff.plus(grace));
            store::postpone(tx, due, again.micros()).await?;
        }
        None => store::reviewed(tx, due).await?,
    }
    Ok(())
}

/// When what was leased or touched at `since` is due again: after this pass in any case, which
/// otherwise would not end.
fn next_review(since: i64, grace: Duration, now: Timestamp) -> Timestamp {
    let over = Timestamp::from_micros(since).plus(grace);
    over.max(now).plus(Duration::from_secs(1))
}
