//! What tags pointed to before, and bringing back what was deleted.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use berth_catalog::Entry;
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Caller, Operation, ProjectFacts};
use berth_model::{Action, Resource, Timestamp};
use berth_oci::{Digest, TagName};
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::immutable::number;
use super::place::Place;
use super::{Route, may};
use crate::Registry;
use crate::store::trash::{DeletedRow, HistoryRow};
use crate::trash::Restored;

const HISTORY: &str =
    "/api/v2.0/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/history";
const RESTORE: &str =
    "/api/v2.0/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/_restore";
const DELETED: &str = "/api/v2.0/projects/{project_name}/deletedrepositories";
const RESTORE_DELETED: &str =
    "/api/v2.0/projects/{project_name}/deletedrepositories/{deleted_repository_id}/_restore";

pub(super) fn routes() -> Vec<Route> {
    vec![
        (
            Method::GET,
            HISTORY,
            may(Resource::Tag, Action::List),
            get(history),
            Operation::new(
                "listTagHistory",
                "artifact",
                "List what a tag pointed to, since when, until when and by whom",
            )
            .pages()
            .answer::<Vec<TagSpan>>(),
        ),
        (
            Method::POST,
            RESTORE,
            may(Resource::Repository, Action::Push),
            post(restore_tag),
            Operation::new(
                "restoreTag",
                "artifact",
                "Point a tag to what it pointed to before, deleted or not",
            )
            .body::<TagRestoration>()
            .answer::<RestoredBody>()
            .errors(&[412]),
        ),
        (
            Method::GET,
            DELETED,
            may(Resource::Repository, Action::Delete),
            get(deleted),
            Operation::new(
                "listDeletedRepositories",
                "repository",
                "List the deleted repositories that can be brought back",
            )
            .pages()
            .answer::<Vec<DeletedRepository>>(),
        ),
        (
            Method::POST,
            RESTORE_DELETED,
            may(Resource::Repository, Action::Delete),
            post(restore_repository),
            Operation::new(
                "restoreRepository",
                "repository",
                "Bring a deleted repository back",
            )
            .answer::<RestoredBody>()
            .errors(&[412]),
        ),
    ]
}

/// What a tag pointed to for some time.
#[derive(Debug, Serialize, JsonSchema)]
struct TagSpan {
    digest: String,
    /// When it was pointed there.
    from: String,
    /// By whom.
    from_by: String,
    /// Until when; null while it points there.
    to: Option<String>,
    /// Who moved or deleted it.
    to_by: Option<String>,
    /// `current`; `held`: the repository holds the artifact; `deleted`: it can be brought back;
    /// `gone`: it cannot.
    state: &'static str,
}

impl From<HistoryRow> for TagSpan {
    fn from(row: HistoryRow) -> Self {
        let time = |micros| Timestamp::from_micros(micros).to_rfc3339();
        Self {
            state: match row {
                _ if row.to_at.is_none() => "current",
                _ if row.held => "held",
                _ if row.trashed => "deleted",
                _ => "gone",
            },
            digest: row.digest,
            from: time(row.from_at),
            from_by: row.from_by,
            to: row.to_at.map(time),
            to_by: row.to_by,
        }
    }
}

async fn history(
    State(registry): State<Registry>,
    place: Place,
    Path(path): Path<Vec<(String, String)>>,
    page: Page,
    uri: Uri,
) -> Result<Response, ApiError> {
    let part = (page.limit(), page.offset());
    let tag = tag_in(&path)?;
    let found = registry.tag_history(place.repository.id, &tag, part);
    let (rows, total) = found.await?;
    let spans: Vec<TagSpan> = rows.into_iter().map(TagSpan::from).collect();
    Ok(list_response(&spans, total.unsigned_abs(), &page, &uri))
}

/// What a tag shall point to again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct TagRestoration {
    /// One of the digests of its history; if left out, the newest that it does not point to now.
    digest: Option<String>,
}

/// What was brought back.
#[derive(Debug, Serialize, JsonSchema)]
struct RestoredBody {
    /// What the tag points to now.
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    /// Artifacts that were deleted and are there again.
    artifacts: usize,
    /// Tags that are there again.
    tags: usize,
}

impl From<Restored> for RestoredBody {
    fn from(restored: Restored) -> Self {
        Self {
            digest: restored.digest,
            artifacts: restored.artifacts,
            tags: restored.tags,
        }
    }
}

async fn restore_tag(
    State(registry): State<Registry>,
    caller: Caller,
    place: Place,
    Path(path): Path<Vec<(String, String)>>,
    Json(request): Json<TagRestoration>,
) -> Result<Json<RestoredBody>, ApiError> {
    let tag = tag_in(&path)?;
    let digest = request
        .digest
        .map(|digest| digest.parse::<Digest>())
        .transpose()
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let entry = place
        .entry(&registry, &caller, "create", "tag")
        .saying("restored");
    let target = (place.facts.id, place.repository.name);
    let restored = registry.restore_tag(&caller, target, tag, digest, entry);
    Ok(Json(restored.await?.into()))
}

fn tag_in(path: &[(String, String)]) -> Result<TagName, ApiError> {
    let found = path.iter().find(|(name, _)| name == "tag_name");
    let name = found.map_or("", |(_, value)| value.as_str());
    TagName::parse(name).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// A repository that was deleted.
#[derive(Debug, Serialize, JsonSchema)]
struct DeletedRepository {
    id: i64,
    name: String,
    description: String,
    artifact_count: i64,
    deletion_time: String,
    deleted_by: String,
}

impl From<DeletedRow> for DeletedRepository {
    fn from(row: DeletedRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            artifact_count: row.manifests,
            deletion_time: Timestamp::from_micros(row.deleted_at).to_rfc3339(),
            deleted_by: row.deleted_by,
        }
    }
}

async fn deleted(
    State(registry): State<Registry>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    uri: Uri,
) -> Result<Response, ApiError> {
    let part = (page.limit(), page.offset());
    let (rows, total) = registry.deleted_repositories(facts.id, part).await?;
    let bodies: Vec<DeletedRepository> = rows.into_iter().map(DeletedRepository::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn restore_repository(
    State(registry): State<Registry>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<RestoredBody>, ApiError> {
    let id = number(&id)?;
    let now = registry.now();
    let entry = Entry::by(&caller, "create", "repository", now)
        .in_project(facts.id)
        .saying("restored");
    let restored = registry.restore_repository(&caller, facts.id, id, entry);
    Ok(Json(restored.await?.into()))
}
