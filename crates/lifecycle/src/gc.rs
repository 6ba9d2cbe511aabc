//! Garbage collection beside pushes: what may have become garbage waits in `gc_review` and is
//! looked at when its grace is over. Nothing that is in use is ever walked.

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::store::{self, Claimed, Due};
use crate::{Lifecycle, LifecycleError};

/// Reviews in one transaction: bounds how long a push waits behind it.
const BATCH: i64 = 50;

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Links and blobs looked at.
    pub reviewed: u64,
    /// Blobs taken out of a repository that no longer needed them.
    pub unlinked: u64,
    /// Blobs deleted.
    pub blobs: u64,
    /// Bytes freed.
    pub bytes: u64,
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

impl Lifecycle {
    /// Collects all garbage that is due. Ends early, with what is done, when `stop` is cancelled.
    pub async fn collect(&self, stop: &CancellationToken) -> Result<GcReport, LifecycleError> {
        let mut report = GcReport {
            uploads: self.registry.sweep_uploads().await?,
            ..GcReport::default()
        };
        // What this pass itself puts up for review is due at once; a bound keeps it finite.
        let until = self.clock.now();
        while !stop.is_cancelled() {
            let due = store::due(&self.db, until, BATCH).await?;
            if due.is_empty() {
                break;
            }
            report.reviewed += due.len() as u64;
            let batch = self.review(due, until).await?;
            report.unlinked += batch.unlinked;
            if batch.unlinked > 0 {
                self.registry.forget_links();
            }
            for claimed in batch.claimed {
                if self.delete(claimed.clone()).await? {
                    report.blobs += 1;
                    report.bytes += claimed.size as u64;
                }
            }
        }
        if report != GcReport::default() {
            tracing::info!(?report, "garbage collected");
        }
        Ok(report)
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

    /// Deletes a claimed blob: its bytes, then its row.
    async fn delete(&self, claimed: Claimed) -> Result<bool, LifecycleError> {
        self.blobs.delete(&claimed.stored_as).await?;
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let gone = store::forget(tx, &claimed).await?;
                    tracing::debug!(digest = claimed.digest, gone, "blob collected");
                    let review = Due {
                        blob_id: claimed.id,
                        repository_id: 0,
                        review_at: 0,
                    };
                    if gone {
                        store::drop_review(tx, &review).await?;
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
    if store::unlink(tx, due, cutoff).await? {
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
