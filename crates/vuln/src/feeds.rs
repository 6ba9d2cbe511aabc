//! Taking advisories in, and finding out what that changes.
//!
//! Invariant: after an import the matches stored of every package are those that the advisories
//! give now; only packages that a changed advisory may mean are matched again, and no layer is read.

use std::collections::BTreeSet;
use std::path::Path;

use berth_advisories::Advisory;
use berth_db::{Db, DbError};
use berth_model::Clock;
use berth_scan::Feeds;

use crate::VulnError;
use crate::matching::Identified;
use crate::store::feeds::{self as store, FeedRow, Imported};
use crate::store::{images, packages};

/// Advisories in one transaction.
const BATCH: usize = 200;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct FeedChange {
    /// The feed.
    pub feed: String,
    /// Advisories that it holds.
    pub advisories: usize,
    /// Of these, new or changed ones.
    pub changed: usize,
    /// Advisories that it does not hold any more.
    pub removed: usize,
    /// Packages whose vulnerabilities are others now.
    pub packages: usize,
    /// Images whose counts are others now.
    pub images: usize,
}

/// Imports into one database.
#[derive(Clone, Debug)]
pub struct Import {
    db: Db,
    clock: Clock,
}

impl Import {
    /// Into this database.
    pub const fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Every feed, as its last import left it.
    pub async fn feeds(&self) -> Result<Vec<FeedRow>, VulnError> {
        Ok(store::all(&self.db).await?)
    }

    /// Takes in a file or a folder as the feed `name`, in place of what that held before.
    pub async fn file(
        &self,
        name: &str,
        path: &Path,
        binary_names: bool,
    ) -> Result<FeedChange, VulnError> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let mut feeds = Feeds::default();
            feeds.add(&path, binary_names).map(|()| feeds)
        });
        let feeds = read
            .await
            .map_err(|error| VulnError::Invalid(error.to_string()))??;
        let mut exploited: Vec<(String, i64)> = feeds
            .exploited
            .iter()
            .map(|(name, since)| (name.clone(), since.micros()))
            .collect();
        exploited.dedup();
        let told = feeds.feeds.first();
        let imported = Imported {
            revision: told.map_or_else(String::new, |feed| feed.revision.clone()),
            advisories: told.map_or(0, |feed| feed.advisories as i64),
            skipped: told.map_or(0, |feed| feed.skipped as i64),
            newest_at: told.and_then(|feed| feed.newest),
        };
        self.advisories(name, feeds.index.into_advisories(), imported, exploited)
            .await
    }

    async fn advisories(
        &self,
        name: &str,
        advisories: Vec<Advisory>,
        imported: Imported,
        exploited: Vec<(String, i64)>,
    ) -> Result<FeedChange, VulnError> {
        if let Some(before) = store::named(&self.db, name).await?
            && before.revision == imported.revision
            && !imported.revision.is_empty()
        {
            return Ok(FeedChange {
                feed: name.to_owned(),
                advisories: advisories.len(),
                ..FeedChange::default()
            });
        }
        let (feed_name, now) = (name.to_owned(), self.clock.now());
        let (feed, import) = self
            .db
            .write::<_, DbError, _>(move |tx| {
                Box::pin(async move { store::begin(tx, &feed_name, now).await })
            })
            .await?;
        let mut change = FeedChange {
            feed: name.to_owned(),
            advisories: advisories.len(),
            ..FeedChange::default()
        };
        let mut touched = BTreeSet::new();
        for batch in advisories.chunks(BATCH) {
            let (changed, names) = self.put(feed, import, batch.to_vec()).await?;
            change.changed += changed;
            touched.extend(names);
        }
        drop(advisories);
        loop {
            let (removed, names) = self.remove_left_out(feed, import).await?;
            if removed == 0 {
                break;
            }
            change.removed += removed;
            touched.extend(names);
        }
        let now = self.clock.now();
        self.db
            .write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    if !exploited.is_empty() {
                        store::set_exploited(tx, &exploited);
                    }
                    store::end(tx, feed, &imported, now).await
                })
            })
            .await?;
        (change.packages, change.images) = self.match_again(&touched).await?;
        Ok(change)
    }

    async fn put(
        &self,
        feed: i64,
        import: i64,
        batch: Vec<Advisory>,
    ) -> Result<(usize, Vec<(String, String)>), VulnError> {
        let done = self.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let known = store::known(tx, feed, &batch).await?;
                let (mut same, mut before, mut changed) = (Vec::new(), Vec::new(), Vec::new());
                for advisory in &batch {
                    let fingerprint = advisory.fingerprint();
                    match known.get(&advisory.feed_id) {
                        Some((id, old)) if *old == fingerprint => same.push(*id),
                        Some((id, _)) => {
                            before.push(*id);
                            changed.push((advisory, fingerprint));
                        }
                        None => changed.push((advisory, fingerprint)),
                    }
                }
                store::seen(tx, &same, import);
                let mut names = match before.as_slice() {
                    [] => Vec::new(),
                    before => store::names_of(tx, before).await?,
                };
                for (advisory, fingerprint) in &changed {
                    store::put(tx, feed, import, advisory, fingerprint).await?;
                    let affected = advisory.affected.iter();
                    names.extend(affected.map(|one| (one.ecosystem.to_string(), one.name.clone())));
                }
                Ok((changed.len(), names))
            })
        });
        Ok(done.await?)
    }

    async fn remove_left_out(
        &self,
        feed: i64,
        import: i64,
    ) -> Result<(usize, Vec<(String, String)>), VulnError> {
        let done = self.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let ids = store::left_out(tx, feed, import, BATCH as i64).await?;
                if ids.is_empty() {
                    return Ok((0, Vec::new()));
                }
                let names = store::names_of(tx, &ids).await?;
                store::delete(tx, &ids);
                Ok((ids.len(), names))
            })
        });
        Ok(done.await?)
    }

    /// Matches again what advisories under these names may mean. Gives how many packages and how
    /// many images that changes.
    async fn match_again(
        &self,
        names: &BTreeSet<(String, String)>,
    ) -> Result<(usize, usize), VulnError> {
        let mut meant = BTreeSet::new();
        for (ecosystem, name) in names {
            meant.extend(packages::called(&self.db, ecosystem, name).await?);
        }
        let mut changed = Vec::new();
        for package in meant {
            let Some(body) = packages::body(&self.db, package).await? else {
                continue;
            };
            let Ok(identified) = serde_json::from_slice::<Identified>(&body) else {
                continue;
            };
            let now = identified.matches(&self.db).await?;
            if now == packages::matches_of(&self.db, package).await? {
                continue;
            }
            let covered = identified.covered(&self.db).await?;
            self.db
                .write::<_, DbError, _>(move |tx| {
                    Box::pin(async move {
                        packages::replace_matches(tx, package, covered, &now);
                        Ok(())
                    })
                })
                .await?;
            changed.push(package);
        }
        let mut recounted = 0;
        for chunk in images::holding(&self.db, &changed).await?.chunks(BATCH) {
            let chunk = chunk.to_vec();
            recounted += self
                .db
                .write::<_, DbError, _>(move |tx| {
                    Box::pin(async move {
                        let mut recounted = 0;
                        for image in chunk {
                            recounted += usize::from(images::count(tx, image).await?);
                        }
                        Ok(recounted)
                    })
                })
                .await?;
        }
        Ok((changed.len(), recounted))
    }
}
