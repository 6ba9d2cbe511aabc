//! What the API answers, in Harbor's words.

use std::collections::BTreeMap;

use berth_model::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::params::address;
use crate::store::listing::{AccessoryRow, ArtifactRow, ReferenceRow, RepositoryRow, TagRow};

/// When something that was never pulled was pulled.
const NEVER: &str = "0001-01-01T00:00:00.000Z";

fn time(micros: i64) -> String {
    Timestamp::from_micros(micros).to_rfc3339()
}

fn time_or_never(micros: Option<i64>) -> String {
    micros.map_or_else(|| NEVER.to_owned(), time)
}

/// JSON that was made here before it was stored.
fn stored(text: String) -> Option<Box<RawValue>> {
    RawValue::from_string(text).ok()
}

#[derive(Debug, Serialize)]
pub(super) struct RepositoryBody {
    id: i64,
    project_id: i64,
    name: String,
    description: String,
    artifact_count: i64,
    pull_count: i64,
    creation_time: String,
    update_time: String,
}

impl RepositoryBody {
    pub(super) fn new(row: RepositoryRow, artifact_count: i64) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            description: row.description,
            artifact_count,
            pull_count: row.pull_count,
            creation_time: time(row.created_at),
            update_time: time(row.updated_at),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ArtifactBody {
    id: i64,
    #[serde(rename = "type")]
    kind: String,
    media_type: String,
    manifest_media_type: String,
    artifact_type: String,
    project_id: i64,
    repository_id: i64,
    repository_name: String,
    digest: String,
    size: i64,
    icon: &'static str,
    push_time: String,
    pull_time: String,
    extra_attrs: Option<Box<RawValue>>,
    annotations: Option<Box<RawValue>>,
    references: Option<Vec<ReferenceBody>>,
    tags: Option<Vec<TagBody>>,
    addition_links: BTreeMap<&'static str, AdditionLink>,
    /// Always null: there are no labels.
    labels: Option<()>,
    accessories: Option<Vec<AccessoryBody>>,
}

#[derive(Debug, Serialize)]
struct AdditionLink {
    absolute: bool,
    href: String,
}

impl ArtifactBody {
    /// What belongs to the artifact is null where it was not asked for or there is none.
    pub(super) fn new(
        row: ArtifactRow,
        tags: Option<Vec<TagBody>>,
        references: Option<Vec<ReferenceBody>>,
        accessories: Option<Vec<AccessoryBody>>,
    ) -> Self {
        let mut addition_links = BTreeMap::new();
        if row.kind == "IMAGE" && row.config_media_type.is_some() {
            let href = address(&row.repository_name, &row.digest) + "/additions/build_history";
            addition_links.insert(
                "build_history",
                AdditionLink {
                    absolute: false,
                    href,
                },
            );
        }
        Self {
            id: row.id,
            kind: row.kind,
            media_type: row
                .config_media_type
                .unwrap_or_else(|| row.media_type.clone()),
            manifest_media_type: row.media_type,
            artifact_type: row.artifact_type.unwrap_or_default(),
            project_id: row.project_id,
            repository_id: row.repository_id,
            repository_name: row.repository_name,
            digest: row.digest,
            size: row.total_size,
            icon: "",
            push_time: time(row.pushed_at),
            pull_time: time_or_never(row.pulled_at),
            extra_attrs: stored(row.attributes),
            annotations: Some(row.annotations)
                .filter(|text| text != "{}")
                .and_then(stored),
            references,
            tags,
            addition_links,
            labels: None,
            accessories,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TagBody {
    id: i64,
    repository_id: i64,
    artifact_id: i64,
    name: String,
    push_time: String,
    pull_time: String,
    immutable: bool,
}

impl From<TagRow> for TagBody {
    fn from(row: TagRow) -> Self {
        Self {
            id: row.id,
            repository_id: row.repository_id,
            artifact_id: row.manifest_id,
            name: row.name,
            push_time: time(row.pushed_at),
            pull_time: time_or_never(row.pulled_at),
            immutable: false,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ReferenceBody {
    parent_id: i64,
    child_id: i64,
    child_digest: String,
    platform: Option<Box<RawValue>>,
    annotations: Option<Box<RawValue>>,
    urls: Option<Box<RawValue>>,
}

impl From<ReferenceRow> for ReferenceBody {
    fn from(row: ReferenceRow) -> Self {
        Self {
            parent_id: row.manifest_id,
            child_id: row.child_id,
            child_digest: row.child_digest,
            platform: row.platform.and_then(stored),
            annotations: row.annotations.and_then(stored),
            urls: row.urls.and_then(stored),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct AccessoryBody {
    id: i64,
    artifact_id: i64,
    subject_artifact_id: i64,
    subject_artifact_digest: String,
    subject_artifact_repo: String,
    size: i64,
    digest: String,
    #[serde(rename = "type")]
    kind: String,
    icon: &'static str,
    creation_time: String,
}

impl AccessoryBody {
    pub(super) fn new(row: AccessoryRow, repository: &str) -> Self {
        Self {
            // An accessory is its artifact: it has no row, and so no id, of its own.
            id: row.id,
            artifact_id: row.id,
            subject_artifact_id: row.subject_id,
            subject_artifact_digest: row.subject_digest,
            subject_artifact_repo: repository.to_owned(),
            size: row.total_size,
            digest: row.digest,
            kind: row.accessory_type,
            icon: "",
            creation_time: time(row.pushed_at),
        }
    }
}
