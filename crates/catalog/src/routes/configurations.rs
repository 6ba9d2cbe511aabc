//! `/configurations`: the settings.

use axum::extract::State;
use axum::routing::{get, put};
use berth_http::{ApiError, Json};
use berth_iam::{Access, Caller, Endpoint, Operation};
use berth_model::{Action, Code, Resource, Timestamp};
use http::Method;
use serde_json::{Map, Value, json};

use super::system;
use crate::settings::EMPTY_SECRET;
use crate::{Catalog, Configurations, ConfigurationsResponse, Entry};

const PATH: &str = "/api/v2.0/configurations";

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let may = |action| system(Resource::Configuration, action);
    vec![
        Endpoint::new(
            Method::GET,
            PATH,
            may(Action::Read),
            get(read).with_state(catalog.clone()),
        )
        .describe(
            Operation::new("getConfigurations", "configure", "Get the settings")
                .answer::<ConfigurationsResponse>(),
        ),
        Endpoint::new(
            Method::PUT,
            PATH,
            may(Action::Update),
            put(update).with_state(catalog.clone()),
        )
        .describe(
            Operation::new("updateConfigurations", "configure", "Change settings")
                .body::<Configurations>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/internalconfig",
            Access::Authenticated,
            get(internal),
        )
        .describe(Operation::new(
            "getInternalconfig",
            "configure",
            "Always refused: there are no parts to tell secrets to",
        )),
    ]
}

async fn read(State(catalog): State<Catalog>) -> Json<Map<String, Value>> {
    let settings = catalog.settings().to_json().into_iter();
    let wrapped = settings.map(|(key, value)| {
        let editable = catalog.setting_is_editable(&key);
        (key, json!({ "value": value, "editable": editable }))
    });
    let mut answer: Map<String, Value> = wrapped.collect();
    let editable = catalog.setting_is_editable(EMPTY_SECRET);
    let empty = json!({ "value": "", "editable": editable });
    answer.insert(EMPTY_SECRET.to_owned(), empty);
    Json(answer)
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

/// Harbor's parts tell each other their secrets here; Berth is one program.
async fn internal() -> ApiError {
    ApiError::new(
        Code::Forbidden,
        "this is not for users: read /api/v2.0/configurations",
    )
}
