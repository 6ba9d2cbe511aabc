//! [`Bills`]: what an image is made of, as a document that belongs to it. An index gives each of its
//! images a task of its own.
//!
//! Invariant: one image in one state of the code gives one document but for its time and number; so
//! one that would say the same again is not stored again.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use berth_db::{DbError, Tx};
use berth_inspect::ImageReport;
use berth_jobs::{
    Handler, JobError, Kind, NewExecution, NewTask, Status, TaskContext, TaskEnd, Trigger,
};
use berth_model::{ExecutionId, Timestamp};
use berth_oci::{Digest, Manifest, ManifestKind, RepositoryName, media_type};
use berth_registry::{Attachment, RegistryError};
use berth_scan::output::{Bill, spdx};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::events::Sought;
use crate::job::{AT_A_TIME, params, target, word_of};
use crate::store::sboms::{self, SbomRow};
use crate::{SCAN, Scanning, VulnError, report};

/// The vendor and the job type.
pub(crate) const SBOM: &str = "SBOM";
/// Harbor's word for an accessory that is an SBOM.
pub(crate) const ACCESSORY: &str = "sbom.harbor";
/// Packages of one document.
const PACKAGES: usize = 100_000;
/// The media type of the document.
pub(crate) const SPDX: &str = "application/spdx+json";

pub(crate) struct Bills {
    scanning: Scanning,
}

impl Bills {
    pub(crate) const fn new(scanning: Scanning) -> Self {
        Self { scanning }
    }
}

impl Handler for Bills {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: AT_A_TIME,
            // Both hold layers: they are bounded together.
            shares: SCAN,
            time_out: Some(std::time::Duration::from_hours(1)),
            ..Kind::new(SBOM)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        target(params).map(drop)
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let (repository, digest) = target(task.params()).map_err(JobError::fail)?;
            let made = self.scanning.make_sbom(&task, &repository, &digest).await;
            made.map_err(job_error)
        })
    }

    fn task_ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        task: TaskEnd<'a>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let scanning = &self.scanning;
        Box::pin(async move {
            // A success was told with the document; an index ends with the last of its images.
            if task.status == Status::Success {
                return Ok(());
            }
            let text = |key: &str| task.params[key].as_str().unwrap_or_default();
            let of = (text("repository"), text("digest"));
            let (word, now) = (word_of(task.status), scanning.clock.now());
            if !sboms::end(tx, of, task.execution, word, now).await? {
                return Ok(());
            }
            scanning.tell_sbom(tx, of, task.status).await
        })
    }

    fn ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        execution: ExecutionId,
        status: Status,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let now = self.scanning.clock.now();
        Box::pin(async move { sboms::settle(tx, execution, word_of(status), now).await })
    }
}

/// A fault of the database passes; what a rule refuses, such as a quota, stays refused.
fn job_error(error: VulnError) -> JobError {
    let passes = match &error {
        VulnError::Stopped => return JobError::Stopped,
        VulnError::Db(error) | VulnError::Registry(RegistryError::Db(error)) => {
            !matches!(error, DbError::Refused(_))
        }
        VulnError::Jobs(_) => true,
        _ => false,
    };
    if passes {
        JobError::retry(error)
    } else {
        JobError::fail(error)
    }
}

/// Harbor's `sbom_overview` of a manifest.
pub(crate) fn overview(row: &SbomRow) -> Value {
    let time = |micros: i64| Timestamp::from_micros(micros).to_rfc3339();
    let duration = row
        .ended_at
        .map_or(0, |end| (end - row.started_at) / 1_000_000);
    let mut overview = json!({
        "report_id": row.report_id,
        "scan_status": row.status,
        "start_time": time(row.started_at),
        "duration": duration.max(0),
        "scanner": report::scanner(),
    });
    if let Some(ended) = row.ended_at {
        overview["end_time"] = time(ended).into();
    }
    if let Some(accessory) = &row.accessory {
        overview["sbom_digest"] = accessory.as_str().into();
    }
    overview
}

/// What documents of an image are made from.
pub(crate) struct Source {
    /// Its repository and digest.
    pub(crate) of: (String, String),
    pub(crate) content: ImageReport,
}

/// How a document is written.
pub(crate) type Writing = fn(&Bill<'_>, &mut dyn Write) -> io::Result<()>;

impl Source {
    /// The document as it is at a time; `None`: as it is whenever it is made.
    fn write(&self, writing: Writing, created: Option<&str>, to: &mut dyn Write) -> io::Result<()> {
        let (repository, digest) = &self.of;
        let bill = Bill {
            created: created.unwrap_or_default(),
            name: &format!("{repository}@{digest}"),
            digest: Some(digest),
            distro: self.content.distro.as_ref(),
            packages: &self.content.packages,
            revisions: created.as_slice(),
        };
        writing(&bill, to)
    }

    /// The document, beside other work.
    pub(crate) async fn document(
        self: Arc<Self>,
        writing: Writing,
        created: String,
    ) -> Result<Bytes, VulnError> {
        let held = self.content.packages.len();
        if held > PACKAGES {
            return Err(VulnError::Invalid(format!(
                "it holds {held} packages: an SBOM has at most {PACKAGES}"
            )));
        }
        let written = tokio::task::spawn_blocking(move || {
            let mut document = Vec::new();
            let done = self.write(writing, Some(&created), &mut document);
            done.map(|()| Bytes::from(document))
        });
        let broken = |error: String| VulnError::Invalid(error);
        let written = written.await.map_err(|error| broken(error.to_string()))?;
        written.map_err(|error| broken(error.to_string()))
    }

    /// What its document says, but for time and number.
    async fn print(self: Arc<Self>) -> Result<String, VulnError> {
        let written = tokio::task::spawn_blocking(move || {
            let mut hash = Hash(Sha256::new());
            let done = self.write(spdx, None, &mut hash);
            done.map(|()| hex::encode(hash.0.finalize()))
        });
        let broken = |error: String| VulnError::Invalid(error);
        let written = written.await.map_err(|error| broken(error.to_string()))?;
        written.map_err(|error| broken(error.to_string()))
    }
}

/// Bytes that are hashed and not kept.
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Scanning {
    /// Has an SBOM of a manifest made, in the transaction that wants it.
    pub(crate) async fn submit_sbom(
        &self,
        tx: &mut Tx,
        repository: &str,
        digest: &str,
        trigger: Trigger,
        now: Timestamp,
    ) -> Result<(), VulnError> {
        let report = Uuid::new_v4().to_string();
        let asked = sboms::ask(tx, (repository, digest), &report, now).await?;
        let missing = || VulnError::NotFound(format!("artifact {repository}@{digest}"));
        let manifest = asked.ok_or_else(missing)?;
        let new = NewExecution {
            vendor: SBOM,
            vendor_id: manifest,
            trigger,
            unique: None,
            attributes: json!({"artifact": {"repository_name": repository, "digest": digest}}),
            tasks: vec![NewTask::new(SBOM, params(repository, digest))],
        };
        let execution = self.jobs.submit_in(tx, new).await?;
        sboms::made_by(tx, manifest, execution);
        Ok(())
    }

    /// Notes that this execution is about to make the SBOM of a manifest.
    pub(crate) async fn ask_sbom(
        &self,
        tx: &mut Tx,
        repository: &str,
        digest: &str,
        execution: ExecutionId,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let report = Uuid::new_v4().to_string();
        if let Some(manifest) = sboms::ask(tx, (repository, digest), &report, now).await? {
            sboms::made_by(tx, manifest, execution);
        }
        Ok(())
    }

    async fn tell_sbom(
        &self,
        tx: &mut Tx,
        (repository, digest): (&str, &str),
        status: Status,
    ) -> Result<(), DbError> {
        let row = sboms::find_in(tx, repository, digest).await?;
        let overview = row.map(|row| overview(&row).to_string());
        self.tell(tx, (repository, digest), Sought::Sbom, status, overview)
            .await
    }

    async fn make_sbom(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), VulnError> {
        let (media_type, payload) = self.registry.manifest_bytes(repository, digest).await?;
        let manifest = Manifest::parse(&payload, Some(&media_type))
            .map_err(|error| VulnError::Invalid(error.to_string()))?;
        sboms::begin(&self.db, repository.as_str(), digest.as_str(), task.id()).await?;
        if manifest.kind == ManifestKind::Index {
            return self.divide(task, repository, &manifest, Sought::Sbom).await;
        }
        let content = self.contents(task, repository, &manifest).await?;
        task.log(format!(
            "{} packages; {} places could not be read",
            content.packages.len(),
            content.incomplete.len()
        ));
        let source = Arc::new(Source {
            of: (repository.to_string(), digest.to_string()),
            content,
        });
        let print = Arc::clone(&source).print().await?;
        if self.sbom_stays(repository, digest, &print).await? {
            task.log("nothing has changed: the SBOM stays");
            return Ok(());
        }
        let created = self.clock.now().to_rfc3339();
        let content = source.document(spdx, created.clone()).await?;
        task.check_stop().map_err(|_| VulnError::Stopped)?;
        let noted = [
            ("created", created.as_str()),
            ("created-by", "Berth"),
            ("org.opencontainers.artifact.created", created.as_str()),
            ("org.opencontainers.artifact.description", "SPDX JSON SBOM"),
        ];
        let new = Attachment {
            artifact_type: media_type::HARBOR_SBOM,
            media_type: SPDX,
            content,
            annotations: BTreeMap::from(noted.map(|(key, text)| (key.to_owned(), text.to_owned()))),
        };
        let this = self.clone();
        let of = (repository.to_string(), digest.to_string());
        let attached = self
            .registry
            .attach(repository, digest, new, move |tx, made| {
                Box::pin(async move {
                    sboms::put(tx, made, &print, this.clock.now()).await?;
                    this.tell_sbom(tx, (&of.0, &of.1), Status::Success).await
                })
            })
            .await?;
        task.log(format!("stored as {}", attached.digest));
        Ok(())
    }

    /// Ends the making of an SBOM that would say what the stored one does; `false`: it is another.
    async fn sbom_stays(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        print: &str,
    ) -> Result<bool, VulnError> {
        let (this, print) = (self.clone(), print.to_owned());
        let of = (repository.to_string(), digest.to_string());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    let of = (of.0.as_str(), of.1.as_str());
                    let stays = sboms::stays(tx, of, &print, this.clock.now()).await?;
                    if stays {
                        this.tell_sbom(tx, of, Status::Success).await?;
                    }
                    Ok(stays)
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(packages: usize) -> Arc<Source> {
        let packages: Vec<Value> = (0..packages)
            .map(|nr| {
                let package = json!({"kind": "npm", "name": format!("p{nr}"), "version": "1"});
                json!({"package": package, "path": "a", "origin": "node-module", "layer": 0})
            })
            .collect();
        let content = json!({"packages": packages, "findings": [], "incomplete": []});
        Arc::new(Source {
            of: ("p/app".to_owned(), "sha256:00".to_owned()),
            content: serde_json::from_value(content).expect("an image"),
        })
    }

    #[tokio::test]
    async fn only_time_and_number_tell_two_documents_apart() {
        let print = source(3).print().await.expect("written");
        assert_eq!(source(3).print().await.expect("written"), print);
        assert_ne!(source(4).print().await.expect("written"), print);
        let at = |created: &str| {
            let made = source(3).document(spdx, created.to_owned());
            async move {
                let mut document: Value =
                    serde_json::from_slice(&made.await.expect("written")).expect("it is JSON");
                let fields = document.as_object_mut().expect("it is an object");
                let number = fields.remove("documentNamespace").expect("it has a number");
                let made = fields.remove("creationInfo").expect("it has a time");
                (number, made, document)
            }
        };
        let one = at("2026-01-01T00:00:00.000Z").await;
        let other = at("2026-01-02T00:00:00.000Z").await;
        assert_eq!(one.1["created"], "2026-01-01T00:00:00Z");
        assert_ne!((&one.0, &one.1), (&other.0, &other.1));
        assert_eq!(one.2, other.2);
    }

    #[tokio::test]
    async fn a_document_has_a_bound() {
        let most = source(PACKAGES).document(spdx, String::new()).await;
        assert!(most.is_ok());
        let more = source(PACKAGES + 1).document(spdx, String::new()).await;
        let told = more.expect_err("too many").to_string();
        assert!(told.contains("at most 100000"), "{told}");
    }
}
