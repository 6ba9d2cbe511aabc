//! Taking advisories in.
//!
//! Invariant: a file that cannot be read changes nothing. An import that is interrupted leaves
//! advisories that are true, a feed without a revision, so that the same file is taken in again,
//! and the names it has touched, whose packages are matched again by whoever comes next
//! ([`crate::rematch`]).

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use berth_advisories::Advisory;
use berth_db::DbError;
use berth_scan::{ScanError, Told, read_feed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::store::feeds::{self as store, FeedRow, Imported, NewAdvisory};
use crate::store::{state, weights};
use crate::{Scanning, VulnError};

/// Advisories in one transaction.
const BATCH: usize = 200;
/// Entries of advisories after which no more advisories come into the same transaction.
const ENTRIES: usize = 10_000;
/// Changed advisories after which the engine looks at its tables for the first time.
const GROWN: usize = 500;
/// Batches that are read ahead.
const AHEAD: usize = 4;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AdvisoryFeedChange")]
pub struct FeedChange {
    /// The feed.
    pub feed: String,
    /// Advisories that it holds.
    pub advisories: usize,
    /// Of these, new or changed ones.
    pub changed: usize,
    /// Of the new or changed ones, those that it did not hold before.
    pub added: usize,
    /// Advisories that it does not hold any more.
    pub removed: usize,
    /// Of the removed ones, those that it still tells of, as withdrawn.
    pub withdrawn: usize,
    /// What followed for packages and images.
    #[serde(flatten)]
    pub rematch: Rematch,
}

/// What matching again did, because advisories had changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AdvisoryRematch")]
pub struct Rematch {
    /// Packages that were matched again.
    pub matched: usize,
    /// Packages whose vulnerabilities are others now.
    pub packages: usize,
    /// Images whose counts are others now.
    pub images: usize,
    /// How long it took, from the last advisory that was written until every count was right.
    /// Events of the images that changed are written after it.
    pub rematch_milliseconds: u64,
}

impl fmt::Display for FeedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rematch {
            matched,
            packages,
            images,
            rematch_milliseconds,
        } = self.rematch;
        write!(
            f,
            "{} advisories, {} added, {} changed, {} removed ({} of them withdrawn); {matched} \
             packages matched again in {rematch_milliseconds} ms: {packages} packages and {images} \
             images are affected otherwise than before",
            self.advisories,
            self.added,
            self.changed - self.added,
            self.removed,
            self.withdrawn
        )
    }
}

/// A file of a feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedFile {
    /// Tells it from the feed's other files; empty if there is only one.
    pub(crate) title: String,
    pub(crate) path: PathBuf,
}

impl Scanning {
    /// Every feed, as its last import left it.
    ///
    /// # Errors
    /// From the database.
    pub async fn feeds(&self) -> Result<Vec<FeedRow>, VulnError> {
        Ok(store::all(&self.db).await?)
    }

    /// Takes in a file or a folder as the feed `name`, in place of what that held before.
    /// `binary_names`: names of distributions' packages are those of binary packages.
    ///
    /// # Errors
    /// When it holds no advisories, or another import of the feed begins meanwhile.
    pub async fn import(
        &self,
        name: &str,
        path: &Path,
        binary_names: bool,
    ) -> Result<FeedChange, VulnError> {
        let file = FeedFile {
            title: String::new(),
            path: path.to_owned(),
        };
        self.import_files(name, vec![file], binary_names).await
    }

    /// As [`Self::import`], of several files that are one feed.
    pub(crate) async fn import_files(
        &self,
        name: &str,
        files: Vec<FeedFile>,
        binary_names: bool,
    ) -> Result<FeedChange, VulnError> {
        check_name(name)?;
        let looked = files.clone();
        let imported = blocking(move || look(&looked, binary_names)).await?;
        let mut change = FeedChange {
            feed: name.to_owned(),
            advisories: usize::try_from(imported.advisories).unwrap_or_default(),
            ..FeedChange::default()
        };
        let known = store::named(&self.db, name).await?;
        if known.is_none_or(|before| before.revision != imported.revision) {
            self.take_in(name, files, binary_names, imported, &mut change)
                .await?;
        }
        change.rematch = self.match_again().await?;
        Ok(change)
    }

    async fn take_in(
        &self,
        name: &str,
        files: Vec<FeedFile>,
        binary_names: bool,
        imported: Imported,
        change: &mut FeedChange,
    ) -> Result<(), VulnError> {
        let (feed_name, now) = (name.to_owned(), self.clock.now());
        let this: (i64, i64) = self
            .db
            .write::<_, DbError, _>(move |tx| {
                Box::pin(async move { store::begin(tx, &feed_name, binary_names, now).await })
            })
            .await?;
        let mut grown = GROWN;
        for file in files {
            let (send, mut batches) = mpsc::channel(AHEAD);
            let title = file.title.clone();
            let reading =
                tokio::task::spawn_blocking(move || read_ahead(&file.path, binary_names, &send));
            while let Some(batch) = batches.recv().await {
                let written = self.put(this, &title, batch).await?;
                change.added += written.added;
                change.changed += written.changed;
                change.removed += written.withdrawn;
                change.withdrawn += written.withdrawn;
                // A plan that was made for a small table reads all of what has become a large one.
                if change.changed >= grown {
                    grown = change.changed * 4;
                    self.look_at_tables().await?;
                }
            }
            reading.await.map_err(panicked)??;
        }
        loop {
            let removed = self.remove_left_out(this.0, Some(this.1)).await?;
            if removed == 0 {
                break;
            }
            change.removed += removed;
        }
        let now = self.clock.now();
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    check_newest(tx, this).await?;
                    weights::forget_left_out(tx, this.0, this.1);
                    Ok(store::end(tx, this.0, &imported, now).await?)
                })
            })
            .await
    }

    /// Has PostgreSQL see what the tables of advisories hold now.
    async fn look_at_tables(&self) -> Result<(), VulnError> {
        let looked = self
            .db
            .write::<_, DbError, _>(|tx| Box::pin(store::look_at_tables(tx)));
        Ok(looked.await?)
    }

    /// Writes what a feed tells.
    async fn put(
        &self,
        this: (i64, i64),
        title: &str,
        batch: Vec<Told>,
    ) -> Result<Written, VulnError> {
        let batch = std::sync::Arc::new(Batch::of(title, batch));
        self.db
            .write::<_, VulnError, _>(move |tx| {
                let batch = batch.clone();
                Box::pin(async move {
                    state::advance(tx).await?;
                    check_newest(tx, this).await?;
                    Ok(batch.write(tx, this).await?)
                })
            })
            .await
    }

    /// Removes some advisories of a feed that an import did not have, or simply some; gives how many.
    pub(crate) async fn remove_left_out(
        &self,
        feed: i64,
        import: Option<i64>,
    ) -> Result<usize, VulnError> {
        let done = self.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                state::advance(tx).await?;
                let before = import.unwrap_or(i64::MAX);
                let ids = store::left_out(tx, feed, before, BATCH as i64).await?;
                if ids.is_empty() {
                    return Ok(0);
                }
                forget(tx, &ids).await?;
                Ok(ids.len())
            })
        });
        Ok(done.await?)
    }
}

/// What is written together.
#[derive(Debug)]
struct Batch {
    /// By their names in the feed.
    advisories: Vec<(String, Advisory)>,
    /// The names of those that affect nothing any more.
    withdrawn: Vec<String>,
    exploited: Vec<(String, i64)>,
    probabilities: Vec<(String, i64)>,
}

/// How many advisories a batch changed.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    added: usize,
    /// Those that were added among them.
    changed: usize,
    withdrawn: usize,
}

impl Batch {
    /// What is told; of what is told twice by one name the last counts.
    fn of(title: &str, told: Vec<Told>) -> Self {
        let mut batch = Self {
            advisories: Vec::new(),
            withdrawn: Vec::new(),
            exploited: Vec::new(),
            probabilities: Vec::new(),
        };
        let (mut named, mut seen) = (HashSet::new(), HashSet::new());
        for one in told.into_iter().rev() {
            match one {
                Told::Advisory(advisory) => {
                    let key = match title {
                        "" => advisory.feed_id.clone(),
                        title => format!("{title}: {}", advisory.feed_id),
                    };
                    if !named.insert(key.clone()) {
                        continue;
                    }
                    if advisory.is_in_force() {
                        batch.advisories.push((key, *advisory));
                    } else {
                        batch.withdrawn.push(key);
                    }
                }
                Told::Exploited(name, since) => {
                    if seen.insert(name.clone()) {
                        batch.exploited.push((name, since.micros()));
                    }
                }
                Told::Probability(name, probability) => {
                    if seen.insert(name.clone()) {
                        let millionths = (probability.clamp(0.0, 1.0) * 1e6).round() as i64;
                        batch.probabilities.push((name, millionths));
                    }
                }
            }
        }
        batch
    }

    async fn write(
        &self,
        tx: &mut berth_db::Tx,
        (feed, import): (i64, i64),
    ) -> Result<Written, DbError> {
        let in_force = self.advisories.iter().map(|(key, _)| key.as_str());
        let withdrawn = self.withdrawn.iter().map(String::as_str);
        let keys: Vec<&str> = in_force.chain(withdrawn).collect();
        let known = store::known(tx, feed, &keys).await?;
        let (mut same, mut before, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for (key, advisory) in &self.advisories {
            let fingerprint = advisory.fingerprint();
            match known.get(key) {
                Some((id, old)) if *old == fingerprint => {
                    same.push(*id);
                    continue;
                }
                Some((id, _)) => before.push(*id),
                None => {}
            }
            new.push(NewAdvisory {
                key,
                fingerprint,
                advisory,
            });
        }
        store::seen(tx, &same, import);
        let names = store::names_of(tx, &before).await?;
        store::forget_names(tx, &before);
        store::put(tx, (feed, import), &new).await?;
        let names = names.iter().map(|(a, b)| (a.clone(), b.as_str()));
        let affected = new.iter().flat_map(|one| &one.advisory.affected);
        let affected = affected.map(|one| (one.ecosystem.to_string(), one.name.as_str()));
        let touched: BTreeSet<(String, &str)> = names.chain(affected).collect();
        state::touch(tx, touched.iter().map(|(a, b)| (a.as_str(), *b)));
        let withdrawn = self.withdrawn.iter().filter_map(|key| known.get(key));
        let withdrawn: Vec<i64> = withdrawn.map(|(id, _)| *id).collect();
        forget(tx, &withdrawn).await?;
        weights::exploited(tx, feed, import, &self.exploited);
        weights::probabilities(tx, feed, import, &self.probabilities);
        Ok(Written {
            added: new.len() - before.len(),
            changed: new.len(),
            withdrawn: withdrawn.len(),
        })
    }
}

/// Deletes advisories; whom they meant is matched again.
async fn forget(tx: &mut berth_db::Tx, ids: &[i64]) -> Result<(), DbError> {
    let names = store::names_of(tx, ids).await?;
    state::touch(tx, names.iter().map(|(a, b)| (a.as_str(), b.as_str())));
    store::delete(tx, ids);
    Ok(())
}

/// Reads every file once to know that it can be read, and what revision it is.
fn look(files: &[FeedFile], binary_names: bool) -> Result<Imported, ScanError> {
    let mut imported = Imported {
        revision: String::new(),
        advisories: 0,
        skipped: 0,
        newest_at: None,
        ecosystems: Vec::new(),
    };
    let mut ecosystems = BTreeSet::new();
    let mut hash = Sha256::new();
    for file in files {
        let feed = read_feed(&file.path, binary_names, &mut |told| {
            let Told::Advisory(advisory) = told else {
                return;
            };
            if !advisory.is_in_force() {
                return;
            }
            imported.advisories += 1;
            for affected in &advisory.affected {
                let name = affected.ecosystem.to_string();
                if !ecosystems.contains(&name) {
                    ecosystems.insert(name);
                }
            }
        })?;
        imported.skipped += feed.skipped as i64;
        imported.newest_at = imported.newest_at.max(feed.newest);
        hash.update(file.title.as_bytes());
        hash.update([0]);
        hash.update(feed.revision.as_bytes());
        imported.revision = feed.revision;
    }
    if files.len() != 1 || files.iter().any(|file| !file.title.is_empty()) {
        imported.revision = format!("sha256:{}", hex::encode(hash.finalize()));
    }
    // Other names in the same bytes are another feed.
    if binary_names {
        imported.revision.push_str(" binary");
    }
    imported.ecosystems = ecosystems.into_iter().collect();
    Ok(imported)
}

/// Reads a file and sends what it tells, until nobody wants it any more.
fn read_ahead(
    path: &Path,
    binary_names: bool,
    send: &mpsc::Sender<Vec<Told>>,
) -> Result<(), ScanError> {
    let (mut batch, mut entries) = (Vec::with_capacity(BATCH), 0);
    read_feed(path, binary_names, &mut |mut told| {
        if send.is_closed() {
            return;
        }
        if let Told::Advisory(advisory) = &mut told {
            if !advisory.is_in_force() {
                // Its name is all that is needed.
                advisory.affected = Vec::new();
                advisory.details = String::new();
            }
            entries += advisory.affected.len();
        }
        batch.push(told);
        if batch.len() == BATCH || entries >= ENTRIES {
            entries = 0;
            // Whoever closed it has said why.
            let _ = send.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
        }
    })?;
    let _ = send.blocking_send(batch);
    Ok(())
}

async fn check_newest(tx: &mut berth_db::Tx, (feed, import): (i64, i64)) -> Result<(), VulnError> {
    if store::is_newest(tx, feed, import).await? {
        return Ok(());
    }
    Err(VulnError::Invalid(
        "another import of this feed has begun, or it was deleted: this one ends".to_owned(),
    ))
}

/// Names go into paths and on screens.
pub(crate) fn check_name(name: &str) -> Result<(), VulnError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts && name.len() <= 100 && name.chars().all(fine) {
        return Ok(());
    }
    Err(VulnError::Invalid(format!(
        "{name:?} cannot be the name of a feed: it must be 1 to 100 letters, digits, '.', '_' or '-', \
         beginning with a letter or digit"
    )))
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ScanError> + Send + 'static,
) -> Result<T, VulnError> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(panicked)??)
}

fn panicked(error: tokio::task::JoinError) -> VulnError {
    VulnError::Invalid(format!("the file could not be read: {error}"))
}
