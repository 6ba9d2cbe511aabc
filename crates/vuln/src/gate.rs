//! What the registry asks: whether an image may be pulled, and what is known of it. A push is
//! scanned here where its project wants that.
//!
//! Invariant: an image of a project that has rules is pulled only while they let it; what they ask
//! is in [`judgement`](crate::judgement). What is no image, and what belongs to an image, is not
//! held back.

use std::collections::HashMap;

use berth_catalog::ScanRules;
use berth_db::{DbError, Tx};
use berth_jobs::Trigger;
use berth_model::{ProjectId, Timestamp};
use berth_oci::media_type;
use berth_registry::{Artifact, Guard, Scanned};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::store::{images, newest, sboms};
use crate::{Scanning, VulnError, report, sbom};

/// The tables that rules come from.
pub(crate) const TABLES: &[&str] = &["project", "project_metadata", "cve_allowlist"];

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
            if rules.is_empty() {
                return Ok(None);
            }
            self.judge(&artifact, &rules).await
        })
    }

    fn overviews<'a>(
        &'a self,
        project: ProjectId,
        digests: &'a [&'a str],
    ) -> BoxFuture<'a, Result<HashMap<String, Value>, DbError>> {
        Box::pin(async move {
            let rows = images::find_many(&self.db, project, digests).await?;
            Ok(rows
                .into_iter()
                .map(|(digest, row)| (digest, report::overview(&row)))
                .collect())
        })
    }

    fn newest<'a>(
        &'a self,
        repositories: &'a [i64],
    ) -> BoxFuture<'a, Result<HashMap<i64, Scanned>, DbError>> {
        Box::pin(async move {
            let rows = newest::scans(&self.db, repositories).await?;
            Ok(rows
                .into_iter()
                .map(|(repository, scan)| {
                    let overview = report::overview(&scan);
                    let digest = scan.digest;
                    (repository, Scanned { digest, overview })
                })
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

/// An error of another part, as the transaction that it undoes can tell it.
pub(crate) fn into_db(error: impl Into<VulnError>) -> DbError {
    match error.into() {
        VulnError::Db(error) => error,
        other => DbError::Commit(other.to_string()),
    }
}
