//! `/advisories/feeds`: what images are held against, where it comes from and how old it is.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use berth_http::{ApiError, IdleTimeout, Json, Query};
use berth_iam::{Access, Caller, Endpoint, Entry, Operation, Permission};
use berth_jobs::{Cadence, JobsError, ScheduleShown, ScheduleWanted};
use berth_model::{Action, Code, Resource, Timestamp};
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::feeds::{FeedChange, check_name};
use crate::sources::{FeedWanted, LARGEST, UPDATE, without_folder};
use crate::store::feeds::FeedRow;
use crate::{Scanning, VulnError};

const ALL: &str = "/api/v2.0/advisories/feeds";
const ONE: &str = "/api/v2.0/advisories/feeds/{feed_name}";
const NOW: &str = "/api/v2.0/advisories/feeds/{feed_name}/update";
const CONTENT: &str = "/api/v2.0/advisories/feeds/{feed_name}/content";

/// A feed of advisories.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdvisoryFeed")]
struct FeedBody {
    name: String,
    /// Where it is fetched from; none: somebody sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Whether names of distributions' packages are those of binary packages.
    binary_names: bool,
    /// When it is fetched.
    schedule: ScheduleShown,
    /// sha256 of what was imported; empty: nothing yet, or an import did not end.
    revision: String,
    advisories: i64,
    /// Entries that could not be used.
    skipped: i64,
    /// When it was imported; none: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    imported_at: Option<String>,
    /// When the youngest advisory was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    newest_at: Option<String>,
    /// When its address was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    checked_at: Option<String>,
    /// Why it could not be fetched then.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Whether it is being fetched.
    updating: bool,
    /// What the last update changed; none: it has not ended, failed, found what was imported before,
    /// or there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_update: Option<FeedChange>,
}

/// A feed that is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AdvisoryFeedRequest")]
struct FeedRequest {
    /// Letters, digits, `.`, `_` and `-`.
    name: String,
    #[serde(flatten)]
    rest: FeedChangeRequest,
}

/// What is to change of a feed: all of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AdvisoryFeedUpdate")]
struct FeedChangeRequest {
    /// `https://…` a file; `oci://host/repository:tag` an artifact; `registry:project/repository:tag`
    /// one in this registry; none: somebody sends the content.
    #[serde(default)]
    url: Option<String>,
    /// Names of distributions' packages are those of binary packages.
    #[serde(default)]
    binary_names: bool,
    /// When it is fetched; none: only when somebody says so.
    #[serde(default)]
    schedule: Option<ScheduleWanted>,
}

/// How content is to be read.
#[derive(Debug, Deserialize, JsonSchema)]
struct ContentQuery {
    /// Names of distributions' packages are those of binary packages.
    #[serde(default)]
    binary_names: bool,
}

impl FeedChangeRequest {
    fn wanted(self) -> Result<FeedWanted, ApiError> {
        let cadence = match self.schedule {
            Some(wanted) if wanted.kind == "Manual" => {
                return Err(ApiError::bad_request(
                    "Manual is no schedule: leave it away, and fetch the feed by its update",
                ));
            }
            Some(wanted) => Cadence::parse(&wanted.kind, &wanted.cron).map_err(JobsError::from)?,
            None => Cadence::none(),
        };
        Ok(FeedWanted {
            url: self.url.filter(|url| !url.is_empty()),
            binary_names: self.binary_names,
            cadence,
        })
    }
}

pub(super) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let operation = |id, summary| Operation::new(id, "advisories", summary);
    let routes = [
        (
            Method::GET,
            ALL,
            Action::List,
            get(list),
            operation(
                "listAdvisoryFeeds",
                "List what images are held against, with its age",
            )
            .answer::<Vec<FeedBody>>(),
        ),
        (
            Method::POST,
            ALL,
            Action::Create,
            post(create),
            operation("createAdvisoryFeed", "Make a feed, and fetch it at once")
                .body::<FeedRequest>()
                .creates()
                .errors(&[409]),
        ),
        (
            Method::GET,
            ONE,
            Action::Read,
            get(read),
            operation("getAdvisoryFeed", "Read how a feed stands").answer::<FeedBody>(),
        ),
        (
            Method::PUT,
            ONE,
            Action::Update,
            put(update),
            operation(
                "updateAdvisoryFeed",
                "Change where a feed comes from, and when it is fetched",
            )
            .body::<FeedChangeRequest>(),
        ),
        (
            Method::DELETE,
            ONE,
            Action::Delete,
            delete(remove),
            operation("deleteAdvisoryFeed", "Delete a feed with its advisories"),
        ),
        (
            Method::POST,
            NOW,
            Action::Update,
            post(fetch),
            operation("fetchAdvisoryFeed", "Fetch a feed now")
                .status(202)
                .errors(&[400, 409]),
        ),
        (
            Method::PUT,
            CONTENT,
            Action::Update,
            put(take),
            operation(
                "putAdvisoryFeedContent",
                "Send the content of a feed, which is made if there is none",
            )
            .query::<ContentQuery>()
            .bytes()
            .answer::<FeedChange>(),
        ),
    ];
    routes
        .into_iter()
        .map(|(method, path, action, handler, operation)| {
            let access = Access::System(Permission::new(Resource::Scanner, action));
            let handler = handler.with_state(scanning.clone());
            Endpoint::new(method, path, access, handler).describe(operation)
        })
        .collect()
}

impl Scanning {
    async fn shown(&self, row: FeedRow) -> Result<FeedBody, VulnError> {
        let time = |micros| Timestamp::from_micros(micros).to_rfc3339();
        let schedule = self.jobs.schedule(UPDATE, row.id).await?;
        let last = self.last_update(row.id).await?;
        Ok(FeedBody {
            updating: last.as_ref().is_some_and(|it| it.ended_at.is_none()),
            // One that has not ended has none of these fields yet.
            last_update: last.and_then(|it| serde_json::from_value(it.attributes).ok()),
            schedule: schedule.as_ref().into(),
            name: row.name,
            url: row.url,
            binary_names: row.binary_names,
            revision: row.revision,
            advisories: row.advisories,
            skipped: row.skipped,
            imported_at: Some(row.imported_at).filter(|at| *at > 0).map(time),
            newest_at: row.newest_at.map(time),
            checked_at: row.checked_at.map(time),
            problem: row.problem,
        })
    }

    fn note(&self, caller: &Caller, operation: &str) -> Entry {
        Entry::by(caller, operation, "advisory_feed", self.clock.now())
    }
}

async fn list(State(scanning): State<Scanning>) -> Result<Json<Vec<FeedBody>>, ApiError> {
    let mut bodies = Vec::new();
    for row in scanning.feeds().await? {
        bodies.push(scanning.shown(row).await?);
    }
    Ok(Json(bodies))
}

async fn read(
    State(scanning): State<Scanning>,
    Path(name): Path<String>,
) -> Result<Json<FeedBody>, ApiError> {
    let row = scanning.feed(&name).await?;
    Ok(Json(scanning.shown(row).await?))
}

async fn create(
    State(scanning): State<Scanning>,
    caller: Caller,
    Json(asked): Json<FeedRequest>,
) -> Result<Response, ApiError> {
    let entry = scanning.note(&caller, "create");
    let wanted = asked.rest.wanted()?;
    scanning.create_feed(&asked.name, wanted, entry).await?;
    let mut response = StatusCode::CREATED.into_response();
    // The name was checked: it has no character that headers do not have.
    if let Ok(place) = HeaderValue::from_str(&format!("{ALL}/{}", asked.name)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn update(
    State(scanning): State<Scanning>,
    Path(name): Path<String>,
    caller: Caller,
    Json(asked): Json<FeedChangeRequest>,
) -> Result<(), ApiError> {
    let entry = scanning.note(&caller, "update");
    Ok(scanning.change_feed(&name, asked.wanted()?, entry).await?)
}

async fn remove(
    State(scanning): State<Scanning>,
    Path(name): Path<String>,
    caller: Caller,
) -> Result<(), ApiError> {
    let entry = scanning.note(&caller, "delete");
    // It goes on if the client does not wait.
    let work = tokio::spawn(async move { scanning.delete_feed(&name, entry).await });
    Ok(work.await.map_err(ended)??)
}

async fn fetch(
    State(scanning): State<Scanning>,
    Path(name): Path<String>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let entry = scanning.note(&caller, "fetch");
    scanning.update_feed(&name, entry).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn take(
    State(scanning): State<Scanning>,
    Path(name): Path<String>,
    Query(query): Query<ContentQuery>,
    caller: Caller,
    request: Request,
) -> Result<Json<FeedChange>, ApiError> {
    check_name(&name)?;
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "a feed that was sent could not be written");
        ApiError::new(Code::Unknown, "the content could not be written")
    };
    let folder = tempfile::TempDir::new().map_err(failed)?;
    let path = folder.path().join("content");
    let mut file = tokio::fs::File::create(&path).await.map_err(failed)?;
    let mut body = std::pin::pin!(IdleTimeout::new(request.into_body()));
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame?.into_data() else {
            continue;
        };
        length += part.len() as u64;
        if length > LARGEST {
            let sentence = format!("the content is larger than {LARGEST} bytes");
            return Err(ApiError::new(Code::RequestEntityTooLarge, sentence));
        }
        file.write_all(&part).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    let entry = scanning.note(&caller, "import").on(name.clone());
    let work = tokio::spawn(async move {
        let change = scanning.import(&name, &path, query.binary_names).await;
        let change = change.map_err(|error| without_folder(error, &folder))?;
        drop(folder);
        scanning.record(entry).await?;
        Ok::<_, VulnError>(change)
    });
    Ok(Json(work.await.map_err(ended)??))
}

fn ended(error: tokio::task::JoinError) -> ApiError {
    tracing::error!(%error, "work on a feed ended early");
    ApiError::new(Code::Unknown, "the work ended early; try it again")
}
