//! Reading every stored byte again, slowly, to find what went bad in silence.
//!
//! Invariant: what was not hashed for the longest time comes first, so a scrub that was stopped
//! goes on where it was; a wrong copy is out of use before it is reported.

use std::str::FromStr;
use std::time::Duration;

use berth_blob::{BlobError, Verdict};
use berth_db::Durability;
use berth_oci::Digest;
use tokio::time::Instant;

use crate::store::scrub::{self, Copy};
use crate::watch::{Watch, size};
use crate::{Lifecycle, LifecycleError};

/// Copies looked at between two notes of what was good.
const PAGE: i64 = 20;
/// Wrong copies that are named; more are counted.
const NAMED: usize = 100;
/// Artifacts that are named for a wrong copy.
const ARTIFACTS: i64 = 20;

/// A copy that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongCopy {
    /// Of which blob.
    pub digest: String,
    /// The file is gone; otherwise its bytes are others.
    pub missing: bool,
    /// Artifacts that need it, `project/repository@digest`; twenty at most.
    pub artifacts: Vec<String>,
}

/// What a scrub did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Copies read.
    pub blobs: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Wrong copies, a hundred at most.
    pub wrong: Vec<WrongCopy>,
    /// How many wrong copies there were in all.
    pub found: u64,
    /// Copies that could not be read; they stay, and are tried again by the next scrub.
    pub unreadable: u64,
}

/// Keeps a scrub at its rate.
struct Pace {
    began: Instant,
    read: u64,
    rate: Option<u64>,
}

impl Pace {
    fn read(&mut self, bytes: u64) -> Duration {
        self.read += bytes;
        match self.rate {
            None => Duration::ZERO,
            Some(rate) => {
                let due = Duration::from_secs_f64(self.read as f64 / rate.max(1) as f64);
                due.saturating_sub(self.began.elapsed())
            }
        }
    }
}

impl Lifecycle {
    /// Hashes stored bytes, at most `rate` of them in a second, and takes wrong copies out of use:
    /// their blobs are unknown until somebody pushes them again.
    pub async fn scrub(
        &self,
        rate: Option<u64>,
        watch: &dyn Watch,
    ) -> Result<ScrubReport, LifecycleError> {
        let started = self.clock.now();
        let (blobs, bytes) = scrub::count(&self.db, started).await?;
        watch.say(format!("{blobs} blobs to read, {}", size(bytes)));
        let mut report = ScrubReport::default();
        let mut pace = Pace {
            began: Instant::now(),
            read: 0,
            rate,
        };
        let mut last = (i64::MIN, 0);
        while !watch.stop().is_cancelled() {
            let page = scrub::oldest(&self.db, started, last, PAGE).await?;
            let Some(end) = page.last() else { break };
            last = (end.verified_at, end.id);
            let mut good = Vec::new();
            for copy in page {
                let Some(verdict) = self.read_copy(&copy, &mut pace, watch).await else {
                    break;
                };
                report.blobs += 1;
                report.bytes += copy.size.unsigned_abs();
                match verdict {
                    Ok(Verdict::Good) => good.push(copy),
                    Ok(wrong) => self.found(copy, wrong, &mut report, watch).await?,
                    Err(error) => {
                        report.unreadable += 1;
                        watch.say(format!("blob {} cannot be read: {error}", copy.digest));
                        tracing::error!(%error, digest = copy.digest, "a blob cannot be read");
                    }
                }
                watch.progress(report.blobs, blobs.max(report.blobs));
            }
            self.remember(good).await?;
        }
        watch.say(format!(
            "read {} blobs, {}: {} wrong, {} unreadable",
            report.blobs,
            size(report.bytes),
            report.found,
            report.unreadable
        ));
        Ok(report)
    }

    /// `None` when the scrub was stopped meanwhile.
    async fn read_copy(
        &self,
        copy: &Copy,
        pace: &mut Pace,
        watch: &dyn Watch,
    ) -> Option<Result<Verdict, BlobError>> {
        let Ok(digest) = Digest::from_str(&copy.digest) else {
            return Some(Ok(Verdict::Corrupt));
        };
        let size = copy.size.unsigned_abs();
        let read = self
            .blobs
            .scrub(&copy.stored_as, &digest, size, |bytes| pace.read(bytes));
        let verdict = watch.stop().run_until_cancelled(read).await?;
        Some(match verdict {
            Err(BlobError::BadKey) => Ok(Verdict::Missing),
            other => other,
        })
    }

    async fn found(
        &self,
        copy: Copy,
        verdict: Verdict,
        report: &mut ScrubReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        // A push or a collection may have taken it away while it was read.
        if !self
            .registry
            .set_aside(&copy.digest, &copy.stored_as)
            .await?
        {
            return Ok(());
        }
        let artifacts = scrub::artifacts(&self.db, copy.id, ARTIFACTS).await?;
        let missing = verdict == Verdict::Missing;
        let what = if missing { "is gone" } else { "is wrong" };
        let needed = if artifacts.is_empty() {
            "nothing needs it".to_owned()
        } else {
            format!("push again {}", artifacts.join(", "))
        };
        watch.say(format!(
            "the copy of blob {} {what} and was set aside: {needed}",
            copy.digest
        ));
        report.found += 1;
        if report.wrong.len() < NAMED {
            report.wrong.push(WrongCopy {
                digest: copy.digest,
                missing,
                artifacts,
            });
        }
        Ok(())
    }

    /// Writes down which copies were good.
    async fn remember(&self, good: Vec<Copy>) -> Result<(), LifecycleError> {
        if good.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        self.db
            .write_with(Durability::Relaxed, move |tx| {
                Box::pin(async move {
                    for copy in &good {
                        scrub::verified(tx, copy, now).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
