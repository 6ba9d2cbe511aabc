//! The referrers of a manifest (OCI distribution 1.1, end-12).
//!
//! Every manifest with a subject is found by an indexed row, whenever it was pushed. Besides, the
//! index that older clients keep under the fallback tag is read, so that what they attached is
//! listed too.

use std::collections::BTreeMap;

use berth_model::{Limits, RepositoryId};
use berth_oci::{Digest, Manifest, Reference, RepositoryName, TagName, fallback_tag, media_type};
use serde::Serialize;

use crate::store::manifests::{self as store, ReferrerRow};
use crate::{Registry, RegistryError};

/// A descriptor in the answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Referrer {
    media_type: String,
    digest: String,
    size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// One page of referrers, and the row to go on after if there are more.
pub(crate) struct ReferrersPage {
    pub(crate) referrers: Vec<Referrer>,
    pub(crate) next: Option<i64>,
}

impl From<ReferrerRow> for Referrer {
    fn from(row: ReferrerRow) -> Self {
        Self {
            media_type: row.media_type,
            digest: row.digest,
            size: row.size,
            artifact_type: row.artifact_type,
            annotations: serde_json::from_str(&row.annotations).unwrap_or_default(),
        }
    }
}

impl Registry {
    /// The manifests that have `subject` as their subject. An unknown subject or repository has
    /// none, which is an answer and not an error: clients ask to find out whether they may.
    pub(crate) async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: i64,
    ) -> Result<ReferrersPage, RegistryError> {
        let mut page = ReferrersPage {
            referrers: Vec::new(),
            next: None,
        };
        let found = self
            .inner
            .catalog
            .find_repository(repository.as_str())
            .await?;
        let Some(found) = found else { return Ok(page) };
        let rows = store::referrers(
            &self.inner.db,
            found.id,
            subject.as_str(),
            artifact_type,
            after,
            Limits::REFERRERS_PAGE as i64 + 1,
        )
        .await?;
        let mut bytes = 0;
        for row in rows {
            let id = row.id;
            bytes += row.annotations.len() + row.media_type.len() + 300;
            let full = page.referrers.len() == Limits::REFERRERS_PAGE;
            if full || (bytes > Limits::REFERRERS_BYTES && !page.referrers.is_empty()) {
                return Ok(page);
            }
            page.referrers.push(row.into());
            page.next = Some(id);
        }
        page.next = None;
        // The last page also has what only the fallback index names.
        self.add_fallback(repository, found.id, subject, artifact_type, &mut page)
            .await?;
        Ok(page)
    }

    async fn add_fallback(
        &self,
        repository: &RepositoryName,
        held_by: RepositoryId,
        subject: &Digest,
        artifact_type: Option<&str>,
        page: &mut ReferrersPage,
    ) -> Result<(), RegistryError> {
        let Ok(tag) = TagName::parse(&fallback_tag(subject)) else {
            return Ok(());
        };
        let row = match self.find_manifest(repository, &Reference::Tag(tag)).await {
            Ok(row) if row.media_type == media_type::OCI_INDEX => row,
            Ok(_) | Err(RegistryError::ManifestUnknown(_) | RegistryError::NameUnknown(_)) => {
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let payload = self.payload(&row).await?;
        let Ok(index) = Manifest::parse(&payload, Some(&row.media_type)) else {
            return Ok(());
        };
        for entry in index.manifests.into_iter().take(Limits::REFERRERS_PAGE) {
            let digest = entry.digest.to_string();
            let known = page.referrers.iter().any(|listed| listed.digest == digest);
            let wanted = artifact_type.is_none() || entry.artifact_type.as_deref() == artifact_type;
            // One with a subject of its own is listed by its row, here or on an earlier page.
            if known || !wanted || !store::lacks_subject(&self.inner.db, held_by, &digest).await? {
                continue;
            }
            page.referrers.push(Referrer {
                media_type: entry.media_type,
                digest,
                size: entry.size as i64,
                artifact_type: entry.artifact_type,
                annotations: entry.annotations.unwrap_or_default(),
            });
        }
        Ok(())
    }
}
