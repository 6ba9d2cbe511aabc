//! [`Scan`]: one manifest scanned, as a job. An index gives each of its images a task of its own.
//!
//! Invariant: a task that runs twice finds the same, and what an earlier scan found stays readable
//! until this one has succeeded.

use std::collections::{BTreeMap, HashMap};

use berth_db::{DbError, Tx};
use berth_inspect::findings::practice;
use berth_inspect::{ImageReport, merge};
use berth_jobs::{Handler, JobError, Kind, NewTask, Status, TaskContext};
use berth_model::{ArtifactEvent, Event, ExecutionId, Happening, ScanEvent};
use berth_oci::{Digest, Manifest, ManifestKind, RepositoryName};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::matching::Identified;
use crate::store::images::{self, HeldPackage};
use crate::store::packages;
use crate::{SCAN, Scanning, VulnError, report};

/// Largest configuration of an image that is looked at.
const CONFIG_BYTES: u64 = 4 * 1024 * 1024;

pub(crate) struct Scan {
    scanning: Scanning,
}

impl Scan {
    pub(crate) const fn new(scanning: Scanning) -> Self {
        Self { scanning }
    }
}

impl Handler for Scan {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            time_out: Some(std::time::Duration::from_hours(1)),
            ..Kind::new(SCAN)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        let text = |key: &str| params.get(key).and_then(Value::as_str).unwrap_or_default();
        RepositoryName::parse(text("repository")).map_err(|error| error.to_string())?;
        digest_of(text("digest"))?;
        Ok(())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let text = |key: &str| task.params().get(key).and_then(Value::as_str);
            let repository = RepositoryName::parse(text("repository").unwrap_or_default())
                .map_err(JobError::fail)?;
            let digest = digest_of(text("digest").unwrap_or_default()).map_err(JobError::fail)?;
            let done = self.scanning.scan(&task, &repository, &digest).await;
            done.map_err(|error| match error {
                VulnError::Stopped => JobError::Stopped,
                VulnError::Db(_) | VulnError::Jobs(_) => JobError::retry(error),
                other => JobError::fail(other),
            })
        })
    }

    fn ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        execution: ExecutionId,
        status: Status,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let now = self.scanning.clock.now();
        Box::pin(async move {
            let status = match status {
                Status::Stopped => "Stopped",
                Status::Success => "Success",
                _ => "Error",
            };
            images::settle(tx, execution, status, now).await
        })
    }
}

fn digest_of(text: &str) -> Result<Digest, String> {
    let digest: Result<Digest, _> = text.parse();
    digest.map_err(|_| format!("{text:?} is no digest"))
}

impl Scanning {
    async fn scan(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), VulnError> {
        let (media_type, payload) = self.registry.manifest_bytes(repository, digest).await?;
        let manifest = Manifest::parse(&payload, Some(&media_type))
            .map_err(|error| VulnError::Invalid(error.to_string()))?;
        images::set_status(&self.db, digest.as_str(), "Running", None).await?;
        if manifest.kind == ManifestKind::Index {
            return self.divide(task, repository, &manifest).await;
        }
        let mut layers = Vec::new();
        let total = manifest.layers.len() as u64;
        for (nr, layer) in manifest.layers.iter().enumerate() {
            task.check_stop().map_err(|_| VulnError::Stopped)?;
            let (report, read) = self.layer(repository, layer, task.stop()).await?;
            let how = if read { "read" } else { "known already" };
            task.log(format!("layer {}: {how}", layer.digest));
            layers.push(report);
            task.progress(nr as u64 + 1, total);
        }
        let content = merge(&layers);
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
        let found = self.catalog.find_repository(repository.as_str()).await?;
        let project = found.map(|found| found.project_id);
        let (repository, outbox) = (repository.to_string(), self.catalog.outbox().clone());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    images::put_report(tx, &name, distro.trim(), notes, &packages, now).await?;
                    let Some(project) = project else {
                        return Ok(());
                    };
                    let scan = images::find_in(tx, &name).await?;
                    let overview = scan.map(|scan| report::overview(&scan).to_string());
                    let what = Happening::ScanningCompleted(ScanEvent {
                        artifact: ArtifactEvent {
                            repository,
                            digest: name,
                            tags: Vec::new(),
                        },
                        scan_type: "vulnerability".to_owned(),
                        overview: overview.unwrap_or_default(),
                    });
                    let event = Event {
                        project,
                        at: now,
                        operator: String::new(),
                        what,
                    };
                    outbox.publish_all(tx, &[event]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Gives every image of an index a task.
    async fn divide(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        index: &Manifest,
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
            let params =
                json!({"repository": repository.as_str(), "digest": child.digest.as_str()});
            tasks.push(NewTask::new(SCAN, params));
            let (digest, execution, now) =
                (child.digest.to_string(), task.execution(), self.clock.now());
            self.db
                .write::<_, VulnError, _>(move |tx| {
                    Box::pin(async move {
                        let report = uuid::Uuid::new_v4().to_string();
                        let image = images::ask(tx, &digest, &report, now).await?;
                        images::scanned_by(tx, image, execution);
                        Ok(())
                    })
                })
                .await?;
        }
        task.log(format!("{} images", tasks.len()));
        if !tasks.is_empty() {
            let added = task.add_tasks(tasks).await;
            added.map_err(|error| VulnError::Invalid(error.to_string()))?;
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
        for (identity, (identified, row, _)) in &rows {
            if known.contains_key(identity) {
                continue;
            }
            let matches = identified.matches(&self.db).await?;
            let (row, covered) = (row.clone(), identified.covered(&self.db).await?);
            let id = self
                .db
                .write::<_, VulnError, _>(move |tx| {
                    Box::pin(
                        async move { Ok(packages::insert(tx, &row, covered, &matches).await?) },
                    )
                })
                .await?;
            known.insert(identity.clone(), id);
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
