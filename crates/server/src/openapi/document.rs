//! Puts the API document together: OpenAPI 3.1, from the endpoints that the router serves.
//!
//! Invariant: nothing is said here of a single operation. What differs between operations comes
//! from their [`Endpoint`]s.

use std::collections::BTreeSet;

use berth_iam::{Access, Actor, Endpoint, Operation, Paging, Permission, ProjectFacts, access};
use berth_model::{ProjectId, Timestamp};
use http::Method;
use serde_json::{Map, Value, json};

use crate::session;

use super::parameters;
use super::schemas::Schemas;

const BASE: &str = "/api/v2.0";

/// The document of all endpoints that are described and lie under `/api/v2.0`.
pub(super) fn document(endpoints: &[Endpoint]) -> Value {
    let mut schemas = Schemas::new();
    let errors = schemas.answer(berth_http::errors_schema);
    let mut paths = Map::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    let mut statuses: BTreeSet<u16> = BTreeSet::new();
    for endpoint in endpoints {
        let (Some(operation), Some(path)) = (&endpoint.operation, endpoint.path.strip_prefix(BASE))
        else {
            continue;
        };
        tags.insert(operation.tag);
        let refused = refusals(endpoint, operation);
        let described = describe(endpoint, operation, &refused, &mut schemas);
        statuses.extend(refused);
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[endpoint.method.as_str().to_lowercase()] = described;
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Berth",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The management API of the Berth container registry.",
            "description": "In the shapes of Harbor's API v2.0. Lists are in pages of `page_size` \
                entries; `X-Total-Count` says how many there are and `Link` names the neighbours. \
                Every error is a list of one, with a code, a sentence for people and, where it \
                helps, a detail.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "tags": tags.iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {
                    "type": "http", "scheme": "basic",
                    "description": "A user's name and password, or a robot's name and secret.",
                },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": session::COOKIE_NAME,
                    "description": "A browser's session, begun by `POST /c/login` with the form \
                        fields `principal` and `password`.",
                },
                "proof": {
                    "type": "apiKey", "in": "header", "name": session::PROOF_NAME,
                    "description": "With a session, every change needs this: the value that the \
                        last answer had in the header of the same name.",
                },
            },
            "parameters": parameters::shared(),
            "headers": headers(),
            "responses": responses(&statuses, &errors),
        },
    });
    schemas.finish(&mut document);
    document
}

fn headers() -> Value {
    json!({
        "requestId": {
            "description": "The id of the request, as it is in the log.",
            "schema": {"type": "string"},
        },
        "location": {
            "description": "The address of what was made.",
            "schema": {"type": "string"},
        },
        "totalCount": {
            "description": "How many entries the whole list has.",
            "schema": {"type": "integer", "format": "int64"},
        },
        "link": {
            "description": "The pages before and after this one: `<…>; rel=\"prev\" , <…>; \
                rel=\"next\"`.",
            "schema": {"type": "string"},
        },
    })
}

/// What each refusal is, once for all operations.
fn responses(statuses: &BTreeSet<u16>, errors: &Value) -> Value {
    let response = |about: &str| {
        json!({
            "description": about,
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/requestId"}},
            "content": {"application/json": {"schema": errors}},
        })
    };
    let mut responses = Map::new();
    for status in statuses {
        responses.insert(status.to_string(), response(refusal(*status)));
    }
    let other = "Anything else that keeps the server from answering; the code says what.";
    responses.insert("default".to_owned(), response(other));
    Value::Object(responses)
}

const fn refusal(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read, or asks for what cannot be.",
        401 => "Nobody is logged in, or name and password are wrong.",
        403 => "The caller may not do this, or the system is read-only.",
        404 => "It is not there, or the caller may not see it.",
        409 => "It exists already, or is in use.",
        412 => "The state of things does not allow it.",
        413 => "The body is too large.",
        415 => "The body is not sent as `application/json`.",
        422 => "A parameter or a field of the body has a value it cannot have.",
        _ => "It could not be done; the code says why.",
    }
}

/// The statuses of refusals that the endpoint is known to answer with.
fn refusals(endpoint: &Endpoint, operation: &Operation) -> BTreeSet<u16> {
    let mut refused: BTreeSet<u16> = operation.errors.iter().copied().collect();
    // Credentials that are wrong are refused even where none are needed.
    refused.insert(401);
    match endpoint.access {
        Access::Public => {}
        // Some of these are for people only, and not for robots.
        Access::Authenticated | Access::System(_) | Access::Registration(_) | Access::SelfOr(_) => {
            refused.insert(403);
        }
        Access::Project(_) | Access::ProjectEither(..) | Access::ByObject => {
            refused.extend([403, 404]);
        }
    }
    if parameters::names(endpoint.path).next().is_some() {
        refused.extend([400, 404]);
    }
    if parameters::names(endpoint.path).any(parameters::is_number) {
        refused.insert(422);
    }
    if operation.paging != Paging::Whole
        || operation.query.is_some()
        || !operation.parameters.is_empty()
    {
        refused.insert(422);
    }
    if operation.paging == Paging::Filtered {
        refused.insert(400);
    }
    if operation.body.is_some() {
        refused.extend([400, 413, 415, 422]);
    }
    if operation.takes_bytes {
        refused.extend([400, 408, 413]);
    }
    if !matches!(endpoint.method, Method::GET | Method::HEAD) {
        // Nothing is changed while the system is read-only.
        refused.insert(403);
    }
    refused
}

fn describe(
    endpoint: &Endpoint,
    operation: &Operation,
    refused: &BTreeSet<u16>,
    schemas: &mut Schemas,
) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": need(endpoint.access),
        "parameters": list_parameters(endpoint, operation, schemas),
    });
    if operation.deprecated {
        described["deprecated"] = true.into();
    }
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": schemas.request(body)}},
        });
    }
    if operation.takes_bytes {
        let schema = json!({"type": "string", "format": "binary"});
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/octet-stream": {"schema": schema}},
        });
    }
    let mut responses = Map::new();
    responses.insert(operation.status.to_string(), success(operation, schemas));
    for status in refused
        .iter()
        .map(ToString::to_string)
        .chain(["default".to_owned()])
    {
        let refer = json!({"$ref": format!("#/components/responses/{status}")});
        responses.insert(status, refer);
    }
    described["responses"] = Value::Object(responses);
    let safe = matches!(endpoint.method, Method::GET | Method::HEAD);
    let session = if safe {
        json!({"session": []})
    } else {
        json!({"session": [], "proof": []})
    };
    let mut security = vec![json!({"basic": []}), session];
    if open(endpoint.access) {
        security.push(json!({}));
    }
    described["security"] = security.into();
    described
}

fn list_parameters(
    endpoint: &Endpoint,
    operation: &Operation,
    schemas: &mut Schemas,
) -> Vec<Value> {
    let mut list: Vec<Value> = parameters::of_path(endpoint.path).collect();
    if parameters::names(endpoint.path).any(|name| name == "project_name_or_id") {
        list.push(parameters::refer("isResourceName"));
    }
    let shared: &[&str] = match operation.paging {
        Paging::Whole => &[],
        Paging::Pages => &["page", "pageSize"],
        Paging::Filtered => &["page", "pageSize", "query", "sort"],
    };
    list.extend(shared.iter().map(|name| parameters::refer(name)));
    // Types that read a list's query have its shared parameters as fields too.
    let is_shared = |name: &str| match operation.paging {
        Paging::Whole => false,
        Paging::Pages => matches!(name, "page" | "page_size"),
        Paging::Filtered => matches!(name, "page" | "page_size" | "q" | "sort"),
    };
    let fields = operation.query.map(|query| schemas.fields(query));
    for field in fields.into_iter().flatten() {
        if is_shared(&field.name) {
            continue;
        }
        let mut schema = field.schema;
        let about = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": field.name, "in": "query", "required": field.required, "schema": schema,
        });
        if let Some(about) = about {
            parameter["description"] = about;
        }
        list.push(parameter);
    }
    list.extend(operation.parameters.iter().map(parameters::named));
    list.push(parameters::refer("requestId"));
    list
}

fn success(operation: &Operation, schemas: &mut Schemas) -> Value {
    let header = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    let mut headers = json!({"X-Request-Id": header("requestId")});
    if operation.paging != Paging::Whole {
        headers["X-Total-Count"] = header("totalCount");
        headers["Link"] = header("link");
    }
    if operation.status == 201 {
        headers["Location"] = header("location");
    }
    let about = match operation.status {
        201 => "It was made.",
        202 => "It was begun.",
        _ if operation.paging != Paging::Whole => "A page of the list.",
        _ => "It is done.",
    };
    let mut response = json!({"description": about, "headers": headers});
    let content = match (operation.answer, operation.media_type) {
        (Some(answer), media_type) => {
            let schema = schemas.answer(answer);
            Some((media_type.unwrap_or("application/json"), schema))
        }
        (None, Some(media_type)) => Some((media_type, json!({"type": "string"}))),
        (None, None) => None,
    };
    if let Some((media_type, schema)) = content {
        let mut content = Map::new();
        content.insert(media_type.to_owned(), json!({"schema": schema}));
        for other in operation.other_media_types {
            let schema = if other.ends_with("json") {
                json!({})
            } else {
                json!({"type": "string"})
            };
            content.insert((*other).to_owned(), json!({"schema": schema}));
        }
        response["content"] = Value::Object(content);
    }
    response
}

/// What the caller needs, for people.
fn need(access: Access) -> String {
    let words =
        |permission: Permission| format!("`{}` on `{}`", permission.action, permission.resource);
    match access {
        Access::Public => "Needs no login.".to_owned(),
        Access::Authenticated => "Needs a login.".to_owned(),
        Access::System(permission) => format!(
            "Needs {} of the system: an administrator, or a robot that was given it.",
            words(permission)
        ),
        Access::Registration(permission) => format!(
            "Needs {} of the system; nothing where visitors may make accounts.",
            words(permission)
        ),
        Access::Project(permission) => format!("Needs {} in the project.", words(permission)),
        Access::ProjectEither(one, other) => format!(
            "Needs {} or {} in the project, as the request says.",
            words(one),
            words(other)
        ),
        Access::SelfOr(permission) => format!(
            "Needs to be that user, or {} of the system.",
            words(permission)
        ),
        Access::ByObject => {
            "Needs a login, and the right to do this where the thing belongs to.".to_owned()
        }
    }
}

/// Whether strangers may use it, if only on a public project.
fn open(access: Access) -> bool {
    match access {
        Access::Public | Access::Registration(_) => true,
        Access::Project(permission) | Access::ProjectEither(permission, _) => {
            let public = ProjectFacts {
                id: ProjectId(0),
                name: String::new(),
                public: true,
                created_at: Timestamp::default(),
                role: None,
            };
            access::allows(&Actor::Anonymous, &public, permission)
        }
        Access::Authenticated | Access::System(_) | Access::SelfOr(_) | Access::ByObject => false,
    }
}
