//! What the registry asks: whether an image may be pulled, and what is known of it. A push is
//! scanned here where its project wants that.
//!
//! Invariant: an image of a project that holds vulnerable ones back is pulled only after a scan
//! has succeeded, and only while everything grave in it is let pass. What is no image, and what
//! belongs to an image, is not held back.

use std::collections::HashMap;

use berth_catalog::ScanRules;
use berth_db::{DbError, Tx};
use berth_jobs::Trigger;
use berth_model::Timestamp;
use berth_oci::media_type;
use berth_registry::{Artifact, Guard};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::store::images::{self, ScanRow};
use crate::store::sboms;
use crate::{Scanning, VulnError, report, sbom};

/// The tables that rules come from.
pub(crate) const TABLES: &[&str] = &["project", "project_metadata", "cve_allowlist"];
/// Vulnerabilities that a refusal names.
const NAMED: usize = 5;

/// A project's rules, or that it has none.
pub(crate) type Rules = ScanRules;

impl Guard for Scanning {
    fn pushed<'a>(
        &'a self,
        tx: &'a mut Tx,
        artifact: Artifact<'a>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            if !is_scannable(&artifact) {
                return Ok(());
            }
            let wanted = berth_catalog::wanted_of_pushes(tx, artifact.project).await;
            let wanted = wanted.map_err(into_db)?;
            let (repository, digest) = (artifact.repository, artifact.digest);
            if wanted.scan {
                let submitted = self.submit(tx, repository, digest, Trigger::Event, now);
                submitted.await.map_err(into_db)?;
            }
            if wanted.sbom {
                let submitted = self.submit_sbom(tx, repository, digest, Trigger::Event, now);
                submitted.await.map_err(into_db)?;
            }
            Ok(())
        })
    }

    fn refusal<'a>(
        &'a self,
        artifact: Artifact<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, DbError>> {
        Box::pin(async move {
            if !is_scannable(&artifact) || is_index(&artifact) {
                return Ok(None);
            }
            let read = self.catalog.scan_rules(artifact.project);
            let rules = self.rules.get_or(artifact.project, read).await;
            let rules = rules.map_err(into_db)?;
            let Some(prevent) = &rules.prevent else {
                return Ok(None);
            };
            self.judge(&artifact, &rules, prevent).await
        })
    }

    fn overviews<'a>(
        &'a self,
        digests: &'a [&'a str],
    ) -> BoxFuture<'a, Result<HashMap<String, Value>, DbError>> {
        Box::pin(async move {
            let rows = images::find_many(&self.db, digests).await?;
            Ok(rows
                .into_iter()
                .map(|(digest, row)| (digest, report::overview(&row)))
                .collect())
        })
    }

    fn sboms<'a>(
        &'a self,
        manifests: &'a [i64],
    ) -> BoxFuture<'a, Result<HashMap<i64, Value>, DbError>> {
        Box::pin(async move {
            let rows = sboms::find_many(&self.db, manifests).await?;
            Ok(rows
                .into_iter()
                .map(|(id, row)| (id, sbom::overview(&row)))
                .collect())
        })
    }
}

impl Scanning {
    async fn judge(
        &self,
        artifact: &Artifact<'_>,
        rules: &Rules,
        prevent: &str,
    ) -> Result<Option<String>, DbError> {
        let image = format!("{}@{}", artifact.repository, artifact.digest);
        let scanned = images::find(&self.db, artifact.digest).await?;
        let Some(scan) = scanned.filter(|scan| scan.scanned) else {
            return Ok(Some(format!(
                "{image} has not been scanned, and its project lets only scanned images be pulled: \
                 have it scanned, or ask an administrator of the project"
            )));
        };
        let at_least = threshold(prevent);
        if count_from(&scan, at_least) == 0 {
            return Ok(None);
        }
        let now = self.clock.now();
        let mut held: Vec<(i64, String, Option<String>)> =
            images::found(&self.db, scan.id, at_least)
                .await?
                .into_iter()
                .filter(|found| !rules.lets_pass(&found.name, now))
                .map(|found| (found.severity, found.name, found.fixed_version))
                .collect();
        held.dedup_by(|a, b| a.1 == b.1);
        if held.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = held
            .iter()
            .take(NAMED)
            .map(|(_, name, _)| name.as_str())
            .collect();
        let more = match held.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let fixable = held.iter().filter(|(.., fixed)| fixed.is_some()).count();
        let advice = if fixable > 0 {
            format!(
                "{fixable} of them are fixed in newer versions: rebuild the image, or have them \
                     put on the allow-list of the project"
            )
        } else {
            "none of them has a fix yet: use another image, or have them put on the allow-list of \
             the project"
                .to_owned()
        };
        Ok(Some(format!(
            "{image} has vulnerabilities of severity {prevent} or graver, which its project does \
             not let be pulled: {}{more}; {advice}",
            names.join(", ")
        )))
    }
}

/// Whether it is something that scans are for: an image or an index of images.
pub(crate) fn is_scannable(artifact: &Artifact<'_>) -> bool {
    artifact.kind == "IMAGE" && !artifact.accessory
}

fn is_index(artifact: &Artifact<'_>) -> bool {
    matches!(
        artifact.media_type,
        media_type::OCI_INDEX | media_type::DOCKER_LIST
    )
}

/// The least stored severity that is held back.
fn threshold(word: &str) -> i64 {
    match word {
        "critical" => 5,
        "high" => 4,
        "medium" => 3,
        "low" => 2,
        _ => 0,
    }
}

fn count_from(scan: &ScanRow, at_least: i64) -> i64 {
    [
        scan.unknown,
        scan.negligible,
        scan.low,
        scan.medium,
        scan.high,
        scan.critical,
    ]
    .iter()
    .skip(usize::try_from(at_least).unwrap_or(0))
    .sum()
}

/// An error of another part, as the transaction that it undoes can tell it.
pub(crate) fn into_db(error: impl Into<VulnError>) -> DbError {
    match error.into() {
        VulnError::Db(error) => error,
        other => DbError::Commit(other.to_string()),
    }
}
