//! `/projects/{project_name_or_id}/metadatas`: one key at a time.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post, put};
use berth_http::{ApiError, Json};
use berth_iam::{Caller, Endpoint, Operation, ProjectFacts};
use berth_model::{Action, Resource};
use http::Method;
use serde_json::{Map, Value};

use super::project;
use crate::Catalog;

type Pairs = BTreeMap<String, String>;

// Harbor's path ends in a slash, and so does the one that is described; clients use both.
const LISTS: [&str; 2] = [
    "/api/v2.0/projects/{project_name_or_id}/metadatas",
    "/api/v2.0/projects/{project_name_or_id}/metadatas/",
];
const ONE: &str = "/api/v2.0/projects/{project_name_or_id}/metadatas/{meta_name}";

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let may = |action| project(Resource::Metadata, action);
    let state = || catalog.clone();
    let mut endpoints = vec![
        Endpoint::new(
            Method::GET,
            ONE,
            may(Action::Read),
            get(read).with_state(state()),
        )
        .describe(
            Operation::new(
                "getProjectMetadata",
                "projectMetadata",
                "Read one setting of a project",
            )
            .answer::<Pairs>(),
        ),
        Endpoint::new(
            Method::PUT,
            ONE,
            may(Action::Update),
            put(update).with_state(state()),
        )
        .describe(
            Operation::new(
                "updateProjectMetadata",
                "projectMetadata",
                "Change one setting of a project",
            )
            .body::<Pairs>(),
        ),
        Endpoint::new(
            Method::DELETE,
            ONE,
            may(Action::Delete),
            delete(remove).with_state(state()),
        )
        .describe(Operation::new(
            "deleteProjectMetadata",
            "projectMetadata",
            "Take one setting of a project back",
        )),
    ];
    for path in LISTS {
        let mut list = Endpoint::new(
            Method::GET,
            path,
            may(Action::List),
            get(list).with_state(state()),
        );
        let mut add = Endpoint::new(
            Method::POST,
            path,
            may(Action::Create),
            post(create).with_state(state()),
        );
        if path.ends_with('/') {
            list = list.describe(
                Operation::new(
                    "listProjectMetadatas",
                    "projectMetadata",
                    "List the settings of a project",
                )
                .answer::<Pairs>(),
            );
            add = add.describe(
                Operation::new(
                    "addProjectMetadatas",
                    "projectMetadata",
                    "Make one setting of a project",
                )
                .body::<Pairs>()
                .errors(&[409]),
            );
        }
        endpoints.extend([list, add]);
    }
    endpoints
}

async fn list(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let pairs = catalog.list_metadata(&facts).await?;
    let pairs = pairs.into_iter().map(|(key, value)| (key, value.into()));
    Ok(Json(pairs.collect()))
}

async fn create(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Json(mut pairs): Json<Pairs>,
) -> Result<(), ApiError> {
    match (pairs.pop_first(), pairs.is_empty()) {
        (Some((key, value)), true) => {
            let added = catalog.add_metadata_key(&caller, &facts, key, value);
            Ok(added.await?)
        }
        _ => Err(ApiError::bad_request(
            "the body must hold exactly one key with its value",
        )),
    }
}

async fn read(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<Pairs>, ApiError> {
    let pairs = catalog.list_metadata(&facts).await?;
    let found = pairs.into_iter().find(|(name, _)| *name == key);
    found
        .map(|pair| Json(Pairs::from([pair])))
        .ok_or_else(|| ApiError::not_found(format!("project metadata {key:?} is not set")))
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, key)): Path<(String, String)>,
    Json(mut pairs): Json<Pairs>,
) -> Result<(), ApiError> {
    let value = pairs
        .remove(&key)
        .ok_or_else(|| ApiError::bad_request(format!("the body must hold a value for {key:?}")))?;
    let replaced = catalog.replace_metadata_key(&caller, &facts, key, value);
    Ok(replaced.await?)
}

async fn remove(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, key)): Path<(String, String)>,
) -> Result<(), ApiError> {
    Ok(catalog.remove_metadata_key(&caller, &facts, key).await?)
}
