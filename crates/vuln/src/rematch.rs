//! Matching again what changed advisories may mean.
//!
//! Invariant: once no name is touched, the matches stored of every package are those that the
//! advisories give, and the counts of every image are those of its packages. Only packages under
//! touched names are matched; no layer is read.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use berth_db::{DbError, Tx};
use berth_jobs::Status;
use berth_model::EventKind;

use crate::events::Sought;
use crate::external::in_force;
use crate::feeds::Rematch;
use crate::matching::{Identified, Key, Said};
use crate::store::images::{self, Shift};
use crate::store::packages::{self, MatchRow};
use crate::store::state;
use crate::{Scanning, VulnError, report};

/// Names whose packages are matched in one turn.
const NAMES: i64 = 512;
/// Packages that are written in one transaction.
const PACKAGES: usize = 1024;
/// Images that are told of in one transaction.
const NEWS: i64 = 64;

/// Packages whose vulnerabilities are others now.
type Changed = Vec<(i64, Vec<MatchRow>)>;

impl Scanning {
    /// Matches again what is under touched names, and tells of the images that this changes.
    ///
    /// # Errors
    /// From the database; what is left is done by the next call.
    pub async fn match_again(&self) -> Result<Rematch, VulnError> {
        let begun = Instant::now();
        let mut matched = 0;
        let (mut changed, mut counted) = (HashSet::new(), HashSet::new());
        loop {
            let names = state::touched(&self.db, NAMES).await?;
            if names.is_empty() {
                break;
            }
            let ids = state::packages(&self.db, &names).await?;
            matched += ids.len();
            for chunk in self.differing(&ids).await?.chunks(PACKAGES) {
                changed.extend(chunk.iter().map(|(id, _)| *id));
                counted.extend(self.rewrite(chunk.to_vec()).await?);
            }
            self.db
                .write::<_, DbError, _>(move |tx| {
                    Box::pin(async move {
                        state::forget(tx, &names);
                        Ok(())
                    })
                })
                .await?;
        }
        let took = begun.elapsed();
        self.tell_news().await?;
        Ok(Rematch {
            matched,
            packages: changed.len(),
            images: counted.len(),
            rematch_milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Those of these packages that have other vulnerabilities than are stored.
    async fn differing(&self, ids: &[i64]) -> Result<Changed, VulnError> {
        let mut alike: BTreeMap<Option<Key>, Vec<(i64, Identified)>> = BTreeMap::new();
        for (id, body) in packages::bodies(&self.db, ids).await? {
            let Ok(identified) = serde_json::from_slice::<Identified>(&body) else {
                continue;
            };
            let same = alike.entry(identified.key()).or_default();
            same.push((id, identified));
        }
        let mut stored = packages::matches_of_all(&self.db, ids).await?;
        let mut changed = Vec::new();
        for (key, same) in alike {
            let said = match &key {
                Some(key) => Some(Said::about(&self.db, key).await?),
                None => None,
            };
            for (id, identified) in same {
                let now = said
                    .as_ref()
                    .map_or_else(Vec::new, |said| identified.among(said));
                if stored.remove(&id).unwrap_or_default() != now {
                    changed.push((id, now));
                }
            }
        }
        Ok(changed)
    }

    /// Stores matches and what follows from them; gives the images whose counts change.
    async fn rewrite(&self, changed: Changed) -> Result<Vec<i64>, VulnError> {
        let (this, changed) = (self.clone(), Arc::new(changed));
        let counted = self.db.write::<_, DbError, _>(move |tx| {
            let (this, changed) = (this.clone(), changed.clone());
            Box::pin(async move {
                state::advance(tx).await?;
                let ids: Vec<i64> = changed.iter().map(|(id, _)| *id).collect();
                let before = packages::matches_in(tx, &ids).await?;
                let shifts = changed.iter().map(|(id, now)| {
                    let before = before.get(id).map_or(&[][..], Vec::as_slice);
                    (*id, shift(before, now))
                });
                let shifts: Vec<(i64, Shift)> = shifts
                    .filter(|(_, shift)| *shift != Shift::default())
                    .collect();
                packages::replace_matches(tx, &changed);
                let counted = match shifts.as_slice() {
                    [] => Vec::new(),
                    shifts => images::shift(tx, shifts).await?,
                };
                if this.is_heard(tx).await? {
                    state::note_news(tx, &ids);
                }
                Ok(counted)
            })
        });
        Ok(counted.await?)
    }

    /// Whether anybody listens to scans.
    async fn is_heard(&self, tx: &mut Tx) -> Result<bool, DbError> {
        let outbox = self.catalog.outbox();
        outbox
            .is_heard_anywhere(tx, EventKind::ScanningCompleted)
            .await
    }

    /// Tells, in each repository that holds them, of images that have changed without a scan.
    async fn tell_news(&self) -> Result<(), VulnError> {
        loop {
            let this = self.clone();
            let told = self
                .db
                .write::<_, DbError, _>(move |tx| {
                    let this = this.clone();
                    Box::pin(async move { this.tell_some(tx).await })
                })
                .await?;
            if told == 0 {
                return Ok(());
            }
        }
    }

    async fn tell_some(&self, tx: &mut Tx) -> Result<usize, DbError> {
        let news = state::take_news(tx, NEWS).await?;
        for (image, digest) in &news {
            let Some(scan) = images::by_id(tx, *image).await? else {
                continue;
            };
            let overview = report::overview(&scan).to_string();
            for repository in berth_registry::repositories_holding(tx, digest).await? {
                // Where a project has a scan of its own, the one that all share is no news.
                if in_force(tx, &repository, digest).await? != Some(*image) {
                    continue;
                }
                let (of, sought) = ((&*repository, digest.as_str()), Sought::Vulnerabilities);
                let overview = Some(overview.clone());
                self.tell(tx, of, sought, Status::Success, overview).await?;
            }
        }
        Ok(news.len())
    }
}

/// How the counts change of an image with a package.
fn shift(before: &[MatchRow], now: &[MatchRow]) -> Shift {
    let mut shift = Shift::default();
    for (rows, by) in [(before, -1), (now, 1)] {
        for row in rows {
            let severity = usize::try_from(row.severity).unwrap_or_default();
            if let Some(count) = shift.by_severity.get_mut(severity) {
                *count += by;
            }
            shift.fixable += if row.fixed_version.is_some() { by } else { 0 };
        }
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, severity: i64, fixed: Option<&str>) -> MatchRow {
        MatchRow {
            name: name.to_owned(),
            severity,
            status: "affected".to_owned(),
            fixed_version: fixed.map(str::to_owned),
            advisory_id: 1,
            score: 0,
        }
    }

    #[test]
    fn counts_move_by_what_is_other() {
        let before = [row("CVE-1", 4, None), row("CVE-2", 0, Some("1"))];
        let now = [row("CVE-1", 5, Some("2")), row("CVE-3", 0, None)];
        let told = shift(&before, &now);
        assert_eq!(told.by_severity, [0, 0, 0, 0, -1, 1]);
        assert_eq!(told.fixable, 0);
        assert_eq!(shift(&now, &now), Shift::default());
    }
}
