//! The check of database against store, both ways.

use std::fmt;
use std::str::FromStr;

use berth_blob::{BlobError, Entry, Verdict};
use berth_oci::Digest;

use crate::{Lifecycle, LifecycleError, store};

/// Rows read at once.
const PAGE: i64 = 500;
/// Problems listed; more are counted.
const LISTED: usize = 1_000;

/// What a check looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct FsckOptions {
    /// Read and hash every blob, not only look at its size.
    pub rehash: bool,
    /// Put right what can be: bad copies are set aside so that the next push heals them, files
    /// without a row are removed. Only while no server runs on the same data.
    pub repair: bool,
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
}

impl FsckReport {
    fn add(&mut self, problem: Problem) {
        self.found += 1;
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        }
    }
}

impl Lifecycle {
    /// Compares database and store.
    pub async fn fsck(&self, options: FsckOptions) -> Result<FsckReport, LifecycleError> {
        let mut report = FsckReport::default();
        self.check_blobs(options, &mut report).await?;
        self.check_manifests(&mut report).await?;
        for (repository, manifest, digest) in store::dangling(&self.db, LISTED as i64).await? {
            report.add(Problem::Dangling {
                repository,
                manifest,
                digest,
            });
        }
        self.check_files(options, &mut report).await?;
        Ok(report)
    }

    async fn check_blobs(
        &self,
        options: FsckOptions,
        report: &mut FsckReport,
    ) -> Result<(), LifecycleError> {
        let mut after = 0;
        loop {
            let page = store::blobs_after(&self.db, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
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
                let bad = matches!(problem, Problem::Missing { .. } | Problem::Corrupt { .. });
                if options.repair && bad {
                    let id = row.id;
                    self.db
                        .write::<_, LifecycleError, _>(move |tx| {
                            Box::pin(async move { Ok(store::quarantine(tx, id).await?) })
                        })
                        .await?;
                    match self.blobs.quarantine(&row.stored_as).await {
                        // Nothing is left to be set aside.
                        Err(BlobError::Missing { .. } | BlobError::BadKey) => {}
                        outcome => outcome?,
                    }
                }
                report.add(problem);
            }
        }
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

    async fn check_manifests(&self, report: &mut FsckReport) -> Result<(), LifecycleError> {
        let mut after = 0;
        loop {
            let page = store::manifests_after(&self.db, after, PAGE / 10).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
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
                    report.add(Problem::Manifest {
                        repository: row.repository,
                        digest: row.digest,
                    });
                }
            }
        }
    }

    async fn check_files(
        &self,
        options: FsckOptions,
        report: &mut FsckReport,
    ) -> Result<(), LifecycleError> {
        let mut walk = self.blobs.walk();
        while let Some(entry) = walk.next().await {
            match entry? {
                Entry::Blob {
                    stored_as, digest, ..
                } => {
                    if !store::owns_file(&self.db, digest.as_str(), &stored_as).await? {
                        report.leftovers += 1;
                        if options.repair {
                            self.blobs.delete(&stored_as).await?;
                        }
                    }
                }
                Entry::Upload { id, .. } => {
                    if !store::owns_upload(&self.db, &id).await? {
                        report.leftovers += 1;
                        if options.repair {
                            self.blobs.discard(&id).await?;
                        }
                    }
                }
                Entry::Stray { path } => {
                    report.add(Problem::Stray {
                        path: path.display().to_string(),
                    });
                }
            }
        }
        Ok(())
    }
}
