//! `/configurations`: the settings.

use axum::extract::State;
use axum::routing::{get, put};
use berth_http::{ApiError, Json};
use berth_iam::{Caller, Endpoint};
use berth_model::{Action, Resource, Timestamp};
use http::Method;
use serde_json::{Map, Value, json};

use super::system;
use crate::{Catalog, Entry};

const PATH: &str = "/api/v2.0/configurations";

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let may = |action| system(Resource::Configuration, action);
    vec![
        Endpoint::new(
            Method::GET,
            PATH,
            may(Action::Read),
            get(read).with_state(catalog.clone()),
        ),
        Endpoint::new(
            Method::PUT,
            PATH,
            may(Action::Update),
            put(update).with_state(catalog.clone()),
        ),
    ]
}

async fn read(State(catalog): State<Catalog>) -> Json<Map<String, Value>> {
    let settings = catalog.settings().to_json().into_iter();
    let wrapped = settings.map(|(key, value)| (key, json!({ "value": value, "editable": true })));
    Json(wrapped.collect())
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Json(patch): Json<Map<String, Value>>,
) -> Result<(), ApiError> {
    let keys: Vec<&str> = patch.keys().map(String::as_str).collect();
    let resource = keys.join(", ");
    let entry = Entry {
        resource,
        ..Entry::by(&caller, "update", "configuration", Timestamp::default())
    };
    Ok(catalog.update_settings(patch, entry).await?)
}
