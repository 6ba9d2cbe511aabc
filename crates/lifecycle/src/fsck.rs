//! The check of database against store, both ways.

use std::fmt;
use std::str::FromStr;

use berth_blob::{BlobError, Entry, Verdict};
use berth_model::Timestamp;
use berth_oci::Digest;

use crate::watch::Watch;
use crate::{Lifecycle, LifecycleError, QuotaDrift, store};

/// Rows read at once.
const PAGE: i64 = 500;
/// Problems listed; more are counted.
const LISTED: usize = 1_000;

/// What a check looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct FsckOptions {
    /// Read and hash every blob, not only look at its size.
    pub rehash: bool,
    /// Put right what can be: bad copies are set aside so that the next push heals them, good
    /// copies that no row names heal what was set aside, lost links are made again, quotas are
    /// counted anew, and files without a row are removed.
    pub repair: bool,
    /// Files changed since then are left alone: a push may be about to name them. `None`: no
    /// server runs on the same data.
    pub settled_before: Option<Timestamp>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A blob has a row and no bytes.
    Missing {
        /// Which blob.
        digest: String,
    },
    /// A blob's bytes are not those of its digest, or too few or many.
    Corrupt {
        /// Which blob.
        digest: String,
    },
    /// A blob was found bad before and has not been pushed since.
    Quarantined {
        /// Which blob.
        digest: String,
    },
    /// A manifest's bytes are missing or not those of its digest.
    Manifest {
        /// Where it is.
        repository: String,
        /// Which manifest.
        digest: String,
    },
    /// A manifest refers to a blob that its repository does not hold.
    Dangling {
        /// Where it is.
        repository: String,
        /// Which manifest.
        manifest: String,
        /// Which blob.
        digest: String,
    },
    /// A project is charged for something else than it holds.
    Quota(QuotaDrift),
    /// A file is no blob and no upload.
    Stray {
        /// Where it is.
        path: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { digest } => write!(f, "blob {digest} has no bytes: push it again"),
            Self::Corrupt { digest } => write!(f, "blob {digest} has wrong bytes: push it again"),
            Self::Quarantined { digest } => {
                write!(
                    f,
                    "blob {digest} was found wrong and set aside: push it again"
                )
            }
            Self::Manifest { repository, digest } => {
                write!(
                    f,
                    "manifest {repository}@{digest} has wrong bytes: push it again"
                )
            }
            Self::Dangling {
                repository,
                manifest,
                digest,
            } => write!(
                f,
                "manifest {repository}@{manifest} needs blob {digest}, which {repository} lost: push it again"
            ),
            Self::Quota(drift) => write!(f, "{drift}"),
            Self::Stray { path } => write!(f, "file {path} is not berth's"),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    /// Blobs looked at.
    pub blobs: u64,
    /// Manifests looked at.
    pub manifests: u64,
    /// Files without a row: leftovers of interrupted pushes, which garbage collection removes.
    pub leftovers: u64,
    /// The problems, at most a thousand.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub found: u64,
    /// How many were put right; a copy set aside is not, before it is pushed again.
    pub repaired: u64,
}

impl FsckReport {
    fn add(&mut self, problem: Problem, watch: &dyn Watch) {
        self.found += 1;
        if self.found <= LISTED as u64 {
            watch.say(problem.to_string());
        }
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        }
    }
}

impl Lifecycle {
    /// Compares database and store.
    pub async fn fsck(
        &self,
        options: FsckOptions,
        watch: &dyn Watch,
    ) -> Result<FsckReport, LifecycleError> {
        let mut report = FsckReport::default();
        self.check_blobs(options, &mut report, watch).await?;
        self.check_manifests(&mut report, watch).await?;
        self.check_links(options, &mut report, watch).await?;
        self.check_quotas(options, &mut report, watch).await?;
        self.check_files(options, &mut report, watch).await?;
        Ok(report)
    }

    async fn check_blobs(
        &self,
        options: FsckOptions,
        report: &mut FsckReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let total = store::count_rows(&self.db).await?;
        let mut after = 0;
        while !watch.stop().is_cancelled() {
            let page = store::blobs_after(&self.db, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for row in page {
                report.blobs += 1;
                let problem = match row.state.as_str() {
                    "live" => self.check_blob(&row, options.rehash).await?,
                    "quarantined" => Some(Problem::Quarantined {
                        digest: row.digest.clone(),
                    }),
                    // On its way out: its bytes may be gone already.
                    _ => None,
                };
                let Some(problem) = problem else { continue };
                if matches!(problem, Problem::Missing { .. } | Problem::Corrupt { .. }) {
                    // Beside a server the row may have changed since the page was read.
                    if !store::names_file(&self.db, row.id, &row.stored_as).await? {
                        continue;
                    }
                    if options.repair {
                        self.registry.set_aside(&row.digest, &row.stored_as).await?;
                    }
                }
                report.add(problem, watch);
            }
            watch.progress(report.blobs, total.max(report.blobs));
        }
        Ok(())
    }

    /// What projects are charged for, after links were made again.
    async fn check_quotas(
        &self,
        options: FsckOptions,
        report: &mut FsckReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let quotas = self.reconcile_quotas(options.repair, watch).await?;
        let unlisted = quotas.found - quotas.drifts.len() as u64;
        for drift in quotas.drifts {
            report.add(Problem::Quota(drift), watch);
        }
        report.found += unlisted;
        if options.repair {
            report.repaired += quotas.found;
        }
        Ok(())
    }

    /// References to blobs that their repository does not hold.
    async fn check_links(
        &self,
        options: FsckOptions,
        report: &mut FsckReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        for lost in store::dangling(&self.db, LISTED as i64).await? {
            report.add(
                Problem::Dangling {
                    repository: lost.repository,
                    manifest: lost.manifest,
                    digest: lost.digest.clone(),
                },
                watch,
            );
            if !options.repair {
                continue;
            }
            let (repository, blob, now) = (lost.repository_id, lost.blob_id, self.clock.now());
            let linked = self
                .db
                .write::<_, LifecycleError, _>(move |tx| {
                    Box::pin(async move { Ok(store::relink(tx, repository, blob, now).await?) })
                })
                .await?;
            if linked {
                self.registry.forget_links();
                report.repaired += 1;
                watch.say(format!("the link to blob {} was made again", lost.digest));
            }
        }
        Ok(())
    }

    async fn check_blob(
        &self,
        row: &store::BlobRow,
        rehash: bool,
    ) -> Result<Option<Problem>, LifecycleError> {
        let digest = row.digest.clone();
        match self.blobs.open_blob(&row.stored_as, row.size as u64).await {
            Ok(blob) if blob.is_sealed() && !rehash => return Ok(None),
            Ok(_) => {}
            Err(BlobError::Missing { .. } | BlobError::BadKey) => {
                return Ok(Some(Problem::Missing { digest }));
            }
            Err(BlobError::WrongSize { .. }) => return Ok(Some(Problem::Corrupt { digest })),
            Err(other) => return Err(other.into()),
        }
        let Ok(expected) = Digest::from_str(&row.digest) else {
            return Ok(Some(Problem::Corrupt { digest }));
        };
        Ok(
            match self
                .blobs
                .verify(&row.stored_as, &expected, row.size as u64)
                .await?
            {
                Verdict::Good => None,
                Verdict::Missing => Some(Problem::Missing { digest }),
                Verdict::Corrupt => Some(Problem::Corrupt { digest }),
            },
        )
    }

    async fn check_manifests(
        &self,
        report: &mut FsckReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let mut after = 0;
        while !watch.stop().is_cancelled() {
            let page = store::manifests_after(&self.db, after, PAGE / 10).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for row in page {
                report.manifests += 1;
                let digest = Digest::from_str(&row.digest).ok();
                let good = digest
                    .zip(row.payload.as_ref())
                    .is_some_and(|(digest, payload)| {
                        Digest::of(digest.algorithm(), payload) == digest
                    });
                if !good {
                    let problem = Problem::Manifest {
                        repository: row.repository,
                        digest: row.digest,
                    };
                    report.add(problem, watch);
                }
            }
        }
        Ok(())
    }

    async fn check_files(
        &self,
        options: FsckOptions,
        report: &mut FsckReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let settled = |at| options.settled_before.is_none_or(|before| at < before);
        let mut walk = self.blobs.walk();
        while let Some(entry) = walk.next().await {
            if watch.stop().is_cancelled() {
                break;
            }
            match entry? {
                Entry::Blob {
                    stored_as,
                    digest,
                    size,
                    modified,
                } => {
                    let file = File {
                        stored_as,
                        digest,
                        size,
                        settled: settled(modified),
                    };
                    self.check_file(file, options, report, watch).await?;
                }
                Entry::Upload { id, modified, .. } => {
                    if !store::owns_upload(&self.db, &id).await? {
                        report.leftovers += 1;
                        if options.repair && settled(modified) {
                            self.blobs.discard(&id).await?;
                        }
                    }
                }
                Entry::Stray { path } => {
                    let path = path.display().to_string();
                    report.add(Problem::Stray { path }, watch);
                }
            }
        }
        Ok(())
    }

    async fn check_file(
        &self,
        file: File,
        options: FsckOptions,
        report: &mut FsckReport,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let digest = file.digest.as_str();
        if store::owns_file(&self.db, digest, &file.stored_as).await? {
            return Ok(());
        }
        report.leftovers += 1;
        if !options.repair || !file.settled {
            return Ok(());
        }
        // A copy that nobody names may be the good one of a blob whose own went bad.
        if store::is_set_aside(&self.db, digest).await?
            && self
                .blobs
                .verify(&file.stored_as, &file.digest, file.size)
                .await?
                == Verdict::Good
        {
            self.blobs.seal(&file.stored_as).await?;
            let (row, key, size) = (digest.to_owned(), file.stored_as.clone(), file.size);
            let now = self.clock.now();
            let healed = self
                .db
                .write::<_, LifecycleError, _>(move |tx| {
                    Box::pin(async move { Ok(store::heal(tx, &row, &key, size, now).await?) })
                })
                .await?;
            if healed {
                self.registry.forget_links();
                report.repaired += 1;
                watch.say(format!("blob {digest} was healed from another copy"));
                return Ok(());
            }
        }
        self.blobs.delete(&file.stored_as).await?;
        Ok(())
    }
}

/// A stored file that is a blob's by its name.
struct File {
    stored_as: String,
    digest: Digest,
    size: u64,
    /// No push can be about to name it.
    settled: bool,
}
