//! Events of quotas: a project is nearly full, or a push did not fit.
//!
//! Invariant: neither is told for every push. That a project is nearly full is told by the push
//! that crosses the mark, in its transaction; that a push was refused is told again only after
//! space was given back, the limit was changed, or an hour has gone by.

use std::time::Duration;

use berth_db::{DbError, Tx};
use berth_model::{Event, Happening, ProjectId, QuotaEvent, Timestamp};

use super::{QuotaExceeded, QuotaUse, size};
use crate::{Catalog, CatalogError, Outbox, store};

/// From how much of its limit on a project is nearly full, per cent.
const NEARLY_FULL: i128 = 85;
/// How long a refusal speaks for those that follow it.
const REFUSAL_SPEAKS: Duration = Duration::from_hours(1);

/// The push that a charge is for, and where its events go.
#[derive(Clone, Debug)]
pub struct QuotaPush {
    /// Where events are published.
    pub outbox: Outbox,
    /// When.
    pub at: Timestamp,
    /// Who pushes.
    pub operator: String,
    /// The repository, `project/rest`.
    pub repository: String,
    /// The manifest that is pushed; empty for a blob.
    pub digest: String,
}

impl QuotaUse {
    /// Whether `bytes` more make it nearly full, which it was not before.
    fn is_nearly_filled_by(&self, bytes: i64) -> bool {
        let nearly = |used: i64| i128::from(used) * 100 >= i128::from(self.hard) * NEARLY_FULL;
        self.hard > 0 && !nearly(self.used) && nearly(self.used.saturating_add(bytes))
    }
}

impl QuotaPush {
    fn event(
        &self,
        project: ProjectId,
        what: fn(QuotaEvent) -> Happening,
        details: String,
    ) -> Event {
        Event {
            project,
            at: self.at,
            operator: self.operator.clone(),
            what: what(QuotaEvent {
                repository: self.repository.clone(),
                digest: self.digest.clone(),
                details,
            }),
        }
    }

    pub(super) async fn tell_if_nearly_full(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        before: QuotaUse,
        bytes: i64,
    ) -> Result<(), DbError> {
        if !before.is_nearly_filled_by(bytes) {
            return Ok(());
        }
        let details = format!(
            "the project holds {} of the {} it may hold, {NEARLY_FULL} % or more",
            size(before.used.saturating_add(bytes)),
            size(before.hard)
        );
        let event = self.event(project, Happening::QuotaWarning, details);
        self.outbox.publish(tx, &event).await
    }
}

impl Catalog {
    /// Tells that a push was refused, unless it was told lately. The refused transaction has
    /// undone everything, so this is one of its own.
    pub async fn tell_refused_push(
        &self,
        project: ProjectId,
        push: QuotaPush,
        refused: &QuotaExceeded,
    ) -> Result<(), CatalogError> {
        let since = push.at.minus(REFUSAL_SPEAKS);
        if !store::quota::refusal_is_due(self.db(), project, since).await? {
            return Ok(());
        }
        let event = push.event(project, Happening::QuotaExceed, refused.to_string());
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if store::quota::refusal_told(tx, project, since, push.at).await? {
                        push.outbox.publish(tx, &event).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_crossed_once() {
        let held = |used| QuotaUse { hard: 100, used };
        assert!(held(84).is_nearly_filled_by(1));
        assert!(held(0).is_nearly_filled_by(100));
        assert!(!held(0).is_nearly_filled_by(84));
        assert!(!held(85).is_nearly_filled_by(10), "it was before");
        let unlimited = QuotaUse { hard: -1, used: 0 };
        assert!(!unlimited.is_nearly_filled_by(i64::MAX));
        let largest = QuotaUse {
            hard: i64::MAX,
            used: 0,
        };
        assert!(largest.is_nearly_filled_by(i64::MAX));
    }
}
