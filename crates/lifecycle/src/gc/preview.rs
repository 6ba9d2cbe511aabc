//! What a collection would do, without doing it.

use std::collections::{HashMap, HashSet};

use berth_model::Timestamp;

use crate::store::untagged::{self, DueManifest};
use crate::watch::{Watch, size};
use crate::{GcOptions, GcReport, Lifecycle, LifecycleError};

/// Manifests, and blobs, looked at in one statement.
const AT_ONCE: usize = 400;
/// Untagged manifests that are followed at most; beyond it the figures are a lower bound.
const MANIFESTS: usize = 50_000;
/// Names that are written to the log.
const NAMED: u64 = 1_000;

impl Lifecycle {
    /// Counts what a collection would delete now, and names it.
    pub(super) async fn preview(
        &self,
        options: &GcOptions,
        now: Timestamp,
        watch: &dyn Watch,
    ) -> Result<GcReport, LifecycleError> {
        let mut report = GcReport::default();
        let mut counted = HashSet::new();
        if options.delete_untagged {
            self.preview_untagged(now, watch, &mut report, &mut counted)
                .await?;
        }
        let cutoff = now.minus(self.grace);
        let mut last = 0;
        while !watch.stop().is_cancelled() {
            let page = untagged::unheld(&self.db, last, now, cutoff, AT_ONCE as i64).await?;
            let Some((end, found)) = page else { break };
            last = end;
            for blob in found {
                if counted.insert(blob.id) {
                    report.blobs += 1;
                    report.bytes += blob.size.unsigned_abs();
                    if report.blobs <= NAMED {
                        let bytes = size(blob.size.unsigned_abs());
                        watch.say(format!("would delete blob {}, {bytes}", blob.digest));
                    }
                }
            }
        }
        Ok(report)
    }

    async fn preview_untagged(
        &self,
        now: Timestamp,
        watch: &dyn Watch,
        report: &mut GcReport,
        counted: &mut HashSet<i64>,
    ) -> Result<(), LifecycleError> {
        let manifests = self.unneeded_manifests(now, watch).await?;
        report.manifests = manifests.len() as u64;
        let mut used: HashMap<i64, i64> = HashMap::new();
        for chunk in manifests.chunks(AT_ONCE) {
            for (blob, times) in untagged::references_by(&self.db, chunk).await? {
                *used.entry(blob).or_default() += times;
            }
        }
        let blobs: Vec<i64> = used.keys().copied().collect();
        for chunk in blobs.chunks(AT_ONCE) {
            for (blob, bytes, references) in untagged::references_to(&self.db, chunk).await? {
                if used.get(&blob) == Some(&references) && counted.insert(blob) {
                    report.blobs += 1;
                    report.bytes += bytes.unsigned_abs();
                }
            }
        }
        watch.say(format!(
            "{} untagged manifests would be deleted; what only they use, {}, is freed a grace later",
            report.manifests,
            size(report.bytes)
        ));
        Ok(())
    }

    /// Manifests that nothing needs, with what is there only for them.
    async fn unneeded_manifests(
        &self,
        now: Timestamp,
        watch: &dyn Watch,
    ) -> Result<Vec<i64>, LifecycleError> {
        let cutoff = now.minus(self.grace);
        let mut last = DueManifest {
            manifest_id: 0,
            since: i64::MIN,
        };
        let mut found: Vec<i64> = Vec::new();
        let mut seen = HashSet::new();
        while !watch.stop().is_cancelled() && found.len() < MANIFESTS {
            let due = untagged::due_manifests(&self.db, cutoff, last, AT_ONCE as i64).await?;
            let Some(end) = due.last() else { break };
            last = *end;
            let ids: Vec<i64> = due.iter().map(|due| due.manifest_id).collect();
            for manifest in untagged::unneeded(&self.db, &ids).await? {
                if seen.insert(manifest.id) {
                    found.push(manifest.id);
                    if seen.len() as u64 <= NAMED {
                        watch.say(format!(
                            "would delete {}@{}",
                            manifest.repository, manifest.digest
                        ));
                    }
                }
            }
        }
        let mut next = 0;
        while next < found.len() && found.len() < MANIFESTS {
            let end = found.len().min(next + AT_ONCE);
            let related = untagged::relations(&self.db, &found[next..end]).await?;
            next = end;
            found.extend(related.into_iter().filter(|id| seen.insert(*id)));
        }
        Ok(found)
    }
}
