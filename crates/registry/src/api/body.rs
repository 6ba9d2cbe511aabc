//! What the API answers, in Harbor's words.

use std::collections::BTreeMap;

use berth_catalog::{Label, LabelBody, LabelText};
use berth_model::{LabelId, ProjectId, Timestamp};
use berth_policy::Immutability;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::additions::Addition;
use super::icons::icon;
use super::params::address;
use crate::guard::Scanned;
use crate::store::labels::BorneRow;
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

/// A repository. Its name begins with that of its project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Repository")]
pub(super) struct RepositoryBody {
    id: i64,
    project_id: i64,
    name: String,
    description: String,
    artifact_count: i64,
    pull_count: i64,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
    /// Of its newest image that has a report, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_scan: Option<NewestScan>,
}

/// The newest image of a repository that has a report of its vulnerabilities.
#[derive(Debug, Serialize, JsonSchema)]
struct NewestScan {
    digest: String,
    /// As artifacts have it.
    #[schemars(with = "Map<String, Value>")]
    scan_overview: Value,
}

impl RepositoryBody {
    /// With the newest image that a scanner knows of.
    pub(super) fn scanned(mut self, newest: Option<Scanned>) -> Self {
        self.newest_scan = newest.map(|Scanned { digest, overview }| NewestScan {
            digest,
            scan_overview: overview,
        });
        self
    }

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
            newest_scan: None,
        }
    }
}

/// An artifact: an image, an index of images, or anything else with a manifest.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Artifact")]
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
    #[schemars(extend("format" = "date-time"))]
    push_time: String,
    #[schemars(extend("format" = "date-time"))]
    pull_time: String,
    #[schemars(with = "Option<Map<String, Value>>")]
    extra_attrs: Option<Box<RawValue>>,
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    annotations: Option<Box<RawValue>>,
    references: Option<Vec<ReferenceBody>>,
    tags: Option<Vec<TagBody>>,
    addition_links: BTreeMap<&'static str, AdditionLink>,
    labels: Option<Vec<LabelBody>>,
    accessories: Option<Vec<AccessoryBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    scan_overview: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<SbomOverview>")]
    sbom_overview: Option<Value>,
}

/// How the SBOM of an artifact stands.
#[derive(JsonSchema)]
#[schemars(rename = "SBOMOverview")]
#[expect(
    dead_code,
    reason = "answered as the scanner made it; here only for its schema"
)]
struct SbomOverview {
    #[schemars(extend("format" = "date-time"))]
    start_time: String,
    #[schemars(extend("format" = "date-time"), skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    /// `Pending`, `Running`, `Success`, `Error` or `Stopped`.
    scan_status: String,
    /// The accessory that is the SBOM.
    #[schemars(skip_serializing_if = "Option::is_none")]
    sbom_digest: Option<String>,
    report_id: String,
    /// Seconds.
    duration: i64,
    #[schemars(schema_with = "scanner")]
    scanner: Value,
}

/// Harbor's `Scanner`, which the part that speaks to scanners describes.
fn scanner(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"$ref": "#/components/schemas/Scanner"})
}

/// Where an addition is.
#[derive(Debug, Serialize, JsonSchema)]
struct AdditionLink {
    absolute: bool,
    href: String,
}

impl ArtifactBody {
    /// With what a scanner knows of it.
    pub(super) fn scanned(mut self, overview: Option<Value>, sbom: Option<Value>) -> Self {
        self.scan_overview = overview;
        self.sbom_overview = sbom;
        self
    }

    /// What belongs to the artifact is null where it was not asked for or there is none.
    pub(super) fn new(
        row: ArtifactRow,
        tags: Option<Vec<TagBody>>,
        references: Option<Vec<ReferenceBody>>,
        accessories: Option<Vec<AccessoryBody>>,
        labels: Option<Vec<LabelBody>>,
    ) -> Self {
        let additions = Addition::of(&row.kind, row.config_media_type.as_deref());
        let names = additions.iter().map(|addition| addition.name());
        let sbom = Addition::may_have_sbom(&row.kind, row.config_media_type.as_deref());
        let addition_links = names.chain(sbom.then_some("sbom")).map(|name| {
            let place = address(&row.repository_name, &row.digest);
            let link = AdditionLink {
                absolute: false,
                href: format!("{place}/additions/{name}"),
            };
            (name, link)
        });
        let addition_links = addition_links.collect();
        Self {
            id: row.id,
            kind: row.kind.clone(),
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
            icon: icon(&row.kind),
            push_time: time(row.pushed_at),
            pull_time: time_or_never(row.pulled_at),
            extra_attrs: stored(row.attributes),
            annotations: Some(row.annotations)
                .filter(|text| text != "{}")
                .and_then(stored),
            references,
            tags,
            addition_links,
            labels,
            accessories,
            scan_overview: None,
            sbom_overview: None,
        }
    }
}

/// A tag.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tag")]
pub(super) struct TagBody {
    id: i64,
    repository_id: i64,
    artifact_id: i64,
    name: String,
    #[schemars(extend("format" = "date-time"))]
    push_time: String,
    #[schemars(extend("format" = "date-time"))]
    pull_time: String,
    immutable: bool,
}

impl TagBody {
    /// Says whether it is immutable.
    pub(super) fn show(&mut self, rules: &Immutability) {
        self.immutable = rules.protects(&self.name);
    }
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

/// What an index names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reference")]
pub(super) struct ReferenceBody {
    parent_id: i64,
    child_id: i64,
    child_digest: String,
    #[schemars(with = "Option<Platform>")]
    platform: Option<Box<RawValue>>,
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    annotations: Option<Box<RawValue>>,
    #[schemars(with = "Option<Vec<String>>")]
    urls: Option<Box<RawValue>>,
}

/// What an image runs on, as its index says it.
#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "answered as it was pushed; here only for its schema"
)]
struct Platform {
    architecture: String,
    os: String,
    #[schemars(rename = "os.version", skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[schemars(rename = "os.features", skip_serializing_if = "Option::is_none")]
    os_features: Option<Vec<String>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
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

/// What belongs to an artifact, such as a signature.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Accessory")]
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
    #[schemars(extend("format" = "date-time"))]
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
            icon: icon(&row.accessory_type),
            kind: row.accessory_type,
            creation_time: time(row.pushed_at),
        }
    }
}

impl BorneRow {
    pub(super) fn body(self) -> LabelBody {
        LabelBody::from(Label {
            id: LabelId(self.id),
            text: LabelText {
                name: self.name,
                description: self.description,
                color: self.color,
            },
            project_id: self.project_id.map(ProjectId),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}
