//! [`Scan`]: one manifest scanned, as a job. An index gives each of its images a task of its own.
//!
//! Invariant: a task that runs twice finds the same, and what an earlier scan found stays readable
//! until this one has succeeded.

use std::collections::{BTreeMap, HashMap};

use berth_db::{DbError, Tx};
use berth_inspect::ImageReport;
use berth_inspect::findings::practice;
use berth_jobs::{Handler, JobError, Kind, NewTask, Status, TaskContext, TaskEnd};
use berth_model::ExecutionId;
use berth_oci::{Digest, Manifest, ManifestKind, RepositoryName};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::events::Sought;
use crate::external::{Asked, Target, asked};
use crate::matching::Identified;
use crate::sbom::SBOM;
use crate::store::images::{self, HeldPackage};
use crate::store::{packages, state};
use crate::{Scanning, VulnError, report};

/// Largest configuration of an image that is looked at.
const CONFIG_BYTES: u64 = 4 * 1024 * 1024;
/// Packages that are stored in one transaction.
const TOGETHER: usize = 64;
/// Images that one process scans at the same time: what they hold of layers is bounded by this, and
/// other work is not kept waiting.
pub(crate) const AT_A_TIME: usize = 5;

pub(crate) struct Scan {
    scanning: Scanning,
    kind: &'static str,
}

impl Scan {
    pub(crate) const fn new(scanning: Scanning, kind: &'static str) -> Self {
        Self { scanning, kind }
    }
}

impl Handler for Scan {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: AT_A_TIME,
            // Longer than an external scanner is given.
            time_out: Some(std::time::Duration::from_mins(70)),
            ..Kind::new(self.kind)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        target(params).map(drop)
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let (repository, digest) = target(task.params()).map_err(JobError::fail)?;
            let done = self
                .scanning
                .scan(&task, self.kind, &repository, &digest)
                .await;
            done.map_err(|error| match error {
                VulnError::Stopped => JobError::Stopped,
                VulnError::Db(_) | VulnError::Jobs(_) => JobError::retry(error),
                other => JobError::fail(other),
            })
        })
    }

    fn task_ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        task: TaskEnd<'a>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let scanning = &self.scanning;
        Box::pin(async move {
            // A success was told with the report; an index ends with the last of its images.
            if task.status == Status::Success {
                return Ok(());
            }
            let text = |key: &str| task.params[key].as_str().unwrap_or_default();
            let (repository, digest) = (text("repository"), text("digest"));
            let (word, now) = (word_of(task.status), scanning.clock.now());
            let asked = asked(tx, repository, digest).await?;
            let image = images::id_of(tx, &asked.key).await?.unwrap_or_default();
            if !images::end(tx, image, task.execution, word, now).await? {
                return Ok(());
            }
            let scan = images::by_id(tx, image).await?;
            let overview = scan.map(|scan| report::overview(&scan).to_string());
            let sought = Sought::Vulnerabilities;
            scanning
                .tell(tx, (repository, digest), sought, task.status, overview)
                .await
        })
    }

    fn ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        execution: ExecutionId,
        status: Status,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        self.scanning.settle(tx, execution, status)
    }
}

/// How a scan stands whose task or execution stands so.
pub(crate) const fn word_of(status: Status) -> &'static str {
    match status {
        Status::Stopped => "Stopped",
        Status::Success => "Success",
        _ => "Error",
    }
}

/// What a task that scans a manifest is told.
pub(crate) fn params(repository: &str, digest: &str) -> Value {
    json!({"repository": repository, "digest": digest})
}

/// The manifest that a task is about.
pub(crate) fn target(params: &Value) -> Result<(RepositoryName, Digest), String> {
    let text = |key: &str| params.get(key).and_then(Value::as_str).unwrap_or_default();
    let repository =
        RepositoryName::parse(text("repository")).map_err(|error| error.to_string())?;
    let digest: Result<Digest, _> = text("digest").parse();
    let digest = digest.map_err(|_| format!("{:?} is no digest", text("digest")))?;
    Ok((repository, digest))
}

fn not_added(error: JobError) -> VulnError {
    match error {
        JobError::Stopped => VulnError::Stopped,
        other => VulnError::Invalid(other.to_string()),
    }
}

impl Scanning {
    /// Ends the scans that an execution has not ended itself: those of indexes.
    pub(crate) fn settle<'a>(
        &self,
        tx: &'a mut Tx,
        execution: ExecutionId,
        status: Status,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let now = self.clock.now();
        Box::pin(async move { images::settle(tx, execution, word_of(status), now).await })
    }

    async fn scan(
        &self,
        task: &TaskContext,
        kind: &'static str,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), VulnError> {
        let (media_type, payload) = self.registry.manifest_bytes(repository, digest).await?;
        let manifest = Manifest::parse(&payload, Some(&media_type))
            .map_err(|error| VulnError::Invalid(error.to_string()))?;
        let (image, asked) = self.begin(task, repository, digest).await?;
        if manifest.kind == ManifestKind::Index {
            let sought = Sought::Vulnerabilities;
            return self.divide(task, repository, &manifest, sought).await;
        }
        if let Some(scanner) = &asked.external {
            if kind != asked.kind() {
                // The project chose it since.
                let params = params(repository.as_str(), digest.as_str());
                let handed_on = task.add_tasks(vec![NewTask::new(asked.kind(), params)]);
                return handed_on.await.map_err(not_added);
            }
            let target = Target {
                repository,
                digest,
                media_type: &media_type,
                image,
            };
            return self.scan_outside(task, target, scanner).await;
        }
        let content = self.contents(task, repository, &manifest).await?;
        let practice = match &manifest.config {
            Some(config) if config.size <= CONFIG_BYTES => {
                let config = self.registry.blob_bytes(repository, &config.digest).await;
                config
                    .ok()
                    .and_then(|config| practice::check(&config, None).ok())
                    .unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let notes = json!({
            "findings": content.findings,
            "practice": practice,
            "incomplete": content.incomplete,
        });
        let distro = content.distro.as_ref().map_or_else(String::new, |distro| {
            format!("{} {}", distro.id, distro.version_id)
        });
        let digests = manifest.layers.iter().map(|layer| layer.digest.to_string());
        let known = state::generation(&self.db).await?;
        let packages = self.intern(&content, &digests.collect::<Vec<_>>()).await?;
        task.log(format!(
            "{} packages of {}",
            packages.len(),
            if distro.is_empty() {
                "no distribution"
            } else {
                &distro
            }
        ));
        let (name, now) = (digest.to_string(), self.clock.now());
        let notes = notes.to_string().into_bytes();
        let (this, repository) = (self.clone(), repository.to_string());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    state::share(tx).await?;
                    images::put_report(tx, image, distro.trim(), notes, &packages, now).await?;
                    let scan = images::by_id(tx, image).await?;
                    let overview = scan.map(|scan| report::overview(&scan).to_string());
                    let (of, sought) = ((&*repository, &*name), Sought::Vulnerabilities);
                    this.tell(tx, of, sought, Status::Success, overview).await?;
                    Ok(())
                })
            })
            .await?;
        // Advisories came meanwhile, and whoever brought them may be done already.
        if state::generation(&self.db).await? != known {
            self.match_again().await?;
        }
        Ok(())
    }

    /// Begins the scan of a manifest where it belongs as things stand; gives its row.
    async fn begin(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(i64, Asked), VulnError> {
        let (this, task) = (self.clone(), task.clone());
        let (repository, digest) = (repository.to_string(), digest.to_string());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let asked = asked(tx, &repository, &digest).await?;
                    let known = images::id_of(tx, &asked.key).await?;
                    let image = if let Some(image) = known {
                        image
                    } else {
                        let (execution, now) = (task.execution(), this.clock.now());
                        this.ask(tx, &digest, &asked, execution, now).await?
                    };
                    images::begin(tx, image, task.id()).await?;
                    Ok((image, asked))
                })
            })
            .await
    }

    /// Gives every image of an index a task.
    pub(crate) async fn divide(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        index: &Manifest,
        sought: Sought,
    ) -> Result<(), VulnError> {
        let mut tasks = Vec::new();
        for child in &index.manifests {
            let held = self
                .registry
                .manifest_bytes(repository, &child.digest)
                .await;
            if held.is_err() {
                task.log(format!("{} is not here", child.digest));
                continue;
            }
            let params = params(repository.as_str(), child.digest.as_str());
            let (digest, execution, now) =
                (child.digest.to_string(), task.execution(), self.clock.now());
            let (this, name) = (self.clone(), repository.to_string());
            let kind = self
                .db
                .write::<_, VulnError, _>(move |tx| {
                    Box::pin(async move {
                        Ok(match sought {
                            Sought::Vulnerabilities => {
                                let asked = asked(tx, &name, &digest).await?;
                                this.ask(tx, &digest, &asked, execution, now).await?;
                                asked.kind()
                            }
                            Sought::Sbom => {
                                this.ask_sbom(tx, &name, &digest, execution, now).await?;
                                SBOM
                            }
                        })
                    })
                })
                .await?;
            tasks.push(NewTask::new(kind, params));
        }
        task.log(format!("{} images", tasks.len()));
        if !tasks.is_empty() {
            let added = task.add_tasks(tasks).await;
            added.map_err(not_added)?;
        }
        Ok(())
    }

    /// Stores the packages that are new, matched; gives the ids of all, each once.
    async fn intern(
        &self,
        content: &ImageReport,
        layers: &[String],
    ) -> Result<Vec<HeldPackage>, VulnError> {
        let mut rows = BTreeMap::new();
        for found in &content.packages {
            // The distribution speaks for what its own packages brought.
            if found.owned_by.is_some() {
                continue;
            }
            let identified = Identified::new(&found.package, content.distro.as_ref());
            let row = identified.row();
            rows.entry(row.identity.clone())
                .or_insert((identified, row, found));
        }
        let identities: Vec<&str> = rows.keys().map(String::as_str).collect();
        let known = packages::known(&self.db, &identities).await?;
        let mut known: HashMap<String, i64> = known.into_iter().collect();
        let unknown: Vec<_> = rows
            .iter()
            .filter(|(identity, _)| !known.contains_key(*identity))
            .collect();
        for chunk in unknown.chunks(TOGETHER) {
            let generation = state::generation(&self.db).await?;
            let mut new = Vec::with_capacity(chunk.len());
            for (_, (identified, row, _)) in chunk {
                new.push((row.clone(), identified.matches(&self.db).await?));
            }
            let new = std::sync::Arc::new(new);
            let stored = self
                .db
                .write::<_, VulnError, _>(move |tx| {
                    let new = new.clone();
                    Box::pin(async move {
                        let is_true = state::share(tx).await? == generation;
                        let mut stored = Vec::with_capacity(new.len());
                        for (row, matches) in new.iter() {
                            stored.push(packages::insert(tx, row, matches).await?);
                            if let Some(ecosystem) = row.ecosystem.as_deref().filter(|_| !is_true) {
                                let names = row.names.iter();
                                state::touch(tx, names.map(|name| (ecosystem, name.as_str())));
                            }
                        }
                        Ok(stored)
                    })
                })
                .await?;
            known.extend(
                chunk
                    .iter()
                    .map(|(identity, _)| (*identity).clone())
                    .zip(stored),
            );
        }
        let held = rows.into_iter().filter_map(|(identity, (_, _, found))| {
            Some(HeldPackage {
                id: *known.get(&identity)?,
                layer: layers.get(found.layer).cloned().unwrap_or_default(),
                path: found.path.clone(),
            })
        });
        Ok(held.collect())
    }
}
