//! Scans by external scanners, and what they found.
//!
//! Invariant: a scanner is given a way to pull this repository alone, for as long as it may take; its
//! findings count in the project that chose it and in no other; and no log has a credential, whatever
//! a scanner says.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_db::{DbError, Tx};
use berth_iam::{Authority, SCANNER};
use berth_jobs::{Status, TaskContext};
use berth_model::{ProjectId, Secret, Timestamp};
use berth_oci::{Digest, RepositoryName};
use berth_scanners::{
    Adapter, AdapterError, Item, ScanArtifact, ScanRegistry, ScanRequest, Scanners, Severity,
    external_of,
};
use serde_json::{Value, json};

use crate::events::Sought;
use crate::gate::into_db;
use crate::matching::word;
use crate::store::external::{self, FindingRow, NewFinding};
use crate::store::images::{self, ScanRow};
use crate::{SCAN, Scanning, VulnError, report};

/// The job type of scans by external scanners: they wait for other servers, and keep no other scan
/// waiting.
pub(crate) const SCAN_EXTERNAL: &str = "IMAGE_SCAN_EXTERNAL";
/// Time for one scan, and for what a scanner is given to pull with.
const LIMIT: Duration = Duration::from_hours(1);
/// Longest description in a report, characters.
const DESCRIPTION: usize = 2_000;

/// What scans by external scanners need.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The scanners.
    pub scanners: Scanners,
    /// What signs the tokens that scanners pull with.
    pub authority: Authority,
    /// Where everybody reaches the registry, if that is known.
    pub external_url: Option<String>,
    /// Where servers beside this one reach it.
    pub internal_url: String,
}

/// How a manifest is scanned for a project.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) project: ProjectId,
    /// Where the scan belongs; see [`images::key_for`].
    pub(crate) key: String,
    /// The scanner, if it is an external one.
    pub(crate) external: Option<String>,
}

impl Asked {
    /// The job type.
    pub(crate) const fn kind(&self) -> &'static str {
        if self.external.is_some() {
            SCAN_EXTERNAL
        } else {
            SCAN
        }
    }
}

/// How a manifest of a repository is scanned as things stand.
pub(crate) async fn asked(tx: &mut Tx, repository: &str, digest: &str) -> Result<Asked, DbError> {
    let found = berth_catalog::repositories::find(tx, repository).await;
    // Of a repository that is gone nobody chose anything.
    let project = found.map_err(into_db)?.map(|found| found.project_id);
    let external = match project {
        Some(project) => external_of(tx, project).await?,
        None => None,
    };
    let project = project.unwrap_or(ProjectId(0));
    let key = images::key_for(tx, (digest, project), external.is_some()).await?;
    Ok(Asked {
        project,
        key,
        external,
    })
}

/// The scan of a manifest that counts in a repository's project.
pub(crate) async fn in_force(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
) -> Result<Option<i64>, DbError> {
    let found = berth_catalog::repositories::find(tx, repository).await;
    let Some(found) = found.map_err(into_db)? else {
        return Ok(None);
    };
    images::id_in(tx, digest, found.project_id).await
}

/// A manifest to be scanned.
pub(crate) struct Target<'a> {
    pub(crate) repository: &'a RepositoryName,
    pub(crate) digest: &'a Digest,
    pub(crate) media_type: &'a str,
    /// The row of its scan.
    pub(crate) image: i64,
}

impl Scanning {
    /// Has the scanner with this id scan an image.
    pub(crate) async fn scan_outside(
        &self,
        task: &TaskContext,
        target: Target<'_>,
        uuid: &str,
    ) -> Result<(), VulnError> {
        let scanners = &self.outside.scanners;
        let who = scanners.registration(uuid).await?;
        let name = who.name.clone();
        task.log(format!("scanner {name}"));
        let adapter = scanners.adapter(uuid).await?;
        let asked = tokio::select! {
            biased;
            () = task.stop().cancelled() => return Err(VulnError::Stopped),
            asked = adapter.metadata() => asked,
        };
        let metadata = asked.map_err(|error| unusable(&name, &error.to_string()))?;
        let by = &metadata.scanner;
        task.log(format!("it is {} {} of {}", by.name, by.version, by.vendor));
        let Some(report) = metadata.report_of(target.media_type) else {
            return Err(VulnError::Invalid(format!(
                "the scanner {name} does not read {}: have the project use another scanner",
                target.media_type
            )));
        };
        let scanner = json!(metadata.scanner).to_string();
        let url = self.registry_for(&name, who.use_internal_addr)?;
        task.log(format!("it pulls {} from {url}", target.repository));
        let authorization =
            self.authorization(&name, target.repository, metadata.wants_bearer())?;
        let wanted = ScanRequest {
            registry: ScanRegistry { url, authorization },
            artifact: ScanArtifact {
                repository: target.repository.to_string(),
                digest: target.digest.to_string(),
                tag: self.tag_of(&target).await?.unwrap_or_default(),
                mime_type: target.media_type.to_owned(),
            },
            report,
        };
        let found = self.report_by(task, &adapter, &wanted, &name).await?;
        let count = found.len();
        let (this, image, now) = (self.clone(), target.image, self.clock.now());
        let (repository, digest) = (target.repository.to_string(), target.digest.to_string());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    external::put_report(tx, image, &scanner, &found, now).await?;
                    let scan = images::by_id(tx, image).await?;
                    let overview = scan.map(|scan| report::overview(&scan).to_string());
                    let (of, sought) = ((&*repository, &*digest), Sought::Vulnerabilities);
                    this.tell(tx, of, sought, Status::Success, overview).await?;
                    Ok(())
                })
            })
            .await?;
        task.log(format!("{count} vulnerabilities"));
        Ok(())
    }

    async fn report_by(
        &self,
        task: &TaskContext,
        adapter: &Adapter,
        wanted: &ScanRequest,
        name: &str,
    ) -> Result<Arc<Vec<NewFinding>>, VulnError> {
        let scanned = adapter
            .scan(wanted, LIMIT, task.stop(), &|line| task.log(line))
            .await;
        let report = scanned.map_err(|error| match error {
            AdapterError::Stopped => VulnError::Stopped,
            other => {
                let given = wanted.registry.authorization.expose();
                unusable(name, &adapter.without_secrets(other.to_string(), given))
            }
        })?;
        Ok(Arc::new(report.vulnerabilities.iter().map(row).collect()))
    }

    /// Where a scanner is to pull from.
    fn registry_for(&self, name: &str, internal: bool) -> Result<String, VulnError> {
        if internal {
            return Ok(self.outside.internal_url.clone());
        }
        self.outside.external_url.clone().ok_or_else(|| {
            VulnError::Invalid(format!(
                "the scanner {name} cannot be told where the registry is: set http.external_url, \
                 or have the scanner use the internal address"
            ))
        })
    }

    /// The header that a scanner pulls with.
    fn authorization(
        &self,
        name: &str,
        repository: &RepositoryName,
        bearer: bool,
    ) -> Result<Secret<String>, VulnError> {
        let authority = &self.outside.authority;
        let issued = authority.issue_to_scanner(name, repository.as_str(), LIMIT);
        let token = issued.map_err(berth_iam::IamError::from)?.token;
        Ok(Secret::new(if bearer {
            format!("Bearer {token}")
        } else {
            format!("Basic {}", STANDARD.encode(format!("{SCANNER}:{token}")))
        }))
    }

    async fn tag_of(&self, target: &Target<'_>) -> Result<Option<String>, VulnError> {
        let (repository, digest) = (target.repository.to_string(), target.digest.to_string());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let found = berth_catalog::repositories::find(tx, &repository).await?;
                    let Some(found) = found else { return Ok(None) };
                    Ok(berth_registry::newest_tag(tx, found.id, &digest).await?)
                })
            })
            .await
    }

    /// The rows of a report that an external scanner made, as Harbor's `VulnerabilityItem`.
    pub(crate) async fn external_items(&self, scan: &ScanRow) -> Result<Vec<Value>, DbError> {
        let rows = external::rows(&self.db, scan.id).await?;
        Ok(rows.iter().map(item).collect())
    }
}

fn unusable(name: &str, why: &str) -> VulnError {
    let why: String = why.chars().take(1_000).collect();
    VulnError::Invalid(format!(
        "the scanner {name} did not scan: {why}; see to the scanner and scan again, or have the \
         project use another one"
    ))
}

const fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::None | Severity::Unknown => 0,
        Severity::Negligible => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn row(item: &Item) -> NewFinding {
    let fixed = Some(&item.fix_version).filter(|it| !it.is_empty());
    let status = match item.status.as_str() {
        "" if fixed.is_some() => "fixed",
        "" => "affected",
        told => told,
    };
    NewFinding {
        name: item.id.clone(),
        severity: rank(item.severity),
        status: status.to_owned(),
        fixed_version: fixed.cloned(),
        score: item.score(),
        package: item.package.clone(),
        version: item.version.clone(),
        // Checked when it came; strings always are JSON.
        body: serde_json::to_vec(item).unwrap_or_default(),
    }
}

/// The text and the links of a stored row.
pub(crate) fn told(body: &[u8]) -> (String, Vec<String>) {
    let item: Item = serde_json::from_slice(body).unwrap_or_default();
    let description = item.description.chars().take(DESCRIPTION).collect();
    (description, item.links)
}

fn item(row: &FindingRow) -> Value {
    let told: Item = serde_json::from_slice(&row.body).unwrap_or_default();
    let mut item = json!({
        "id": told.id,
        "package": told.package,
        "version": told.version,
        "fix_version": told.fix_version,
        "severity": word(row.severity),
        "status": row.status,
        "description": told.description.chars().take(DESCRIPTION).collect::<String>(),
        "links": told.links,
        "cwe_ids": told.cwe_ids,
        "vendor_attributes": {},
    });
    if let Some(cvss) = told.preferred_cvss {
        item["preferred_cvss"] = Value::Object(cvss);
    }
    if let Some(since) = row.exploited_since {
        item["exploited_since"] = Timestamp::from_micros(since).to_rfc3339().into();
    }
    item
}
