//! The check of quotas: what each project is charged for against what it holds.

use std::fmt;

use crate::store::quotas as store;
use crate::{Lifecycle, LifecycleError, Watch};

/// Projects listed at once.
const PAGE: i64 = 500;
/// Drifts listed; more are counted.
const LISTED: usize = 1_000;

/// A project whose counters say something else than its links and manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaDrift {
    /// The project's name.
    pub project: String,
    /// Bytes it is charged for; `None`: it had no quota.
    pub used: Option<i64>,
    /// Bytes it holds.
    pub held: i64,
    /// Digests that were listed wrongly.
    pub wrong: i64,
}

impl fmt::Display for QuotaDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (project, held, wrong) = (&self.project, self.held, self.wrong);
        match self.used {
            Some(used) => write!(
                f,
                "project {project} holds {held} bytes and is charged for {used}, with {wrong} digests listed wrongly"
            ),
            None => write!(f, "project {project} holds {held} bytes and has no quota"),
        }
    }
}

/// What a check of quotas found.
#[derive(Clone, Debug, Default)]
pub struct QuotaReport {
    /// Projects looked at.
    pub projects: u64,
    /// Those that drifted, at most a thousand.
    pub drifts: Vec<QuotaDrift>,
    /// How many drifted in all.
    pub found: u64,
}

impl Lifecycle {
    /// Counts what every project holds, beside pushes, and with `repair` corrects what is charged.
    /// Ends early, with what is done, when `watch` says so.
    pub async fn reconcile_quotas(
        &self,
        repair: bool,
        watch: &dyn Watch,
    ) -> Result<QuotaReport, LifecycleError> {
        let mut report = QuotaReport::default();
        let total = store::count_projects(&self.db).await?;
        let mut after = 0;
        loop {
            watch.progress(report.projects, total.max(report.projects));
            let page = store::projects_after(&self.db, after, PAGE).await?;
            let Some((last,)) = page.last() else {
                return Ok(report);
            };
            after = *last;
            for (project,) in page {
                if watch.stop().is_cancelled() {
                    return Ok(report);
                }
                self.reconcile_quota(project, repair, &mut report, watch)
                    .await?;
            }
        }
    }

    async fn reconcile_quota(
        &self,
        project: i64,
        repair: bool,
        report: &mut QuotaReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let Some(counted) = store::count(&self.db, project).await? else {
            return Ok(());
        };
        report.projects += 1;
        if counted.used == Some(counted.held) && counted.wrong == 0 {
            return Ok(());
        }
        let drift = QuotaDrift {
            project: counted.project,
            used: counted.used,
            held: counted.held,
            wrong: counted.wrong,
        };
        tracing::error!(%drift, repair, "a quota has drifted");
        watch.say(drift.to_string());
        if repair {
            let now = self.clock.now();
            self.db
                .write::<_, LifecycleError, _>(move |tx| {
                    Box::pin(async move { Ok(store::recount(tx, project, now).await?) })
                })
                .await?;
        }
        report.found += 1;
        if report.drifts.len() < LISTED {
            report.drifts.push(drift);
        }
        Ok(())
    }
}
