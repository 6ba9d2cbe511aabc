//! The routes: shapes, statuses and headers, behind a small stand-in for the server's layer.

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use berth_catalog::{Catalog, SystemFacts, endpoints};
use berth_http::ApiError;
use berth_iam::{Access, Caller, access};
use berth_testkit::both_engines;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{World, anonymous, world};

type Asked = (Catalog, Access);

async fn enforce(
    State((catalog, asked)): State<Asked>,
    path: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = request.extensions().get::<Caller>().unwrap().clone();
    let decided = match asked {
        Access::Authenticated | Access::ByObject if caller.actor.is_anonymous() => {
            Err(access::Refusal::no_user(&caller.actor))
        }
        Access::Public | Access::Authenticated | Access::ByObject => Ok(()),
        Access::System(permission)
        | Access::Registration(permission)
        | Access::SelfOr(permission) => access::require_system(&caller.actor, permission),
        Access::Project(permission) | Access::ProjectEither(permission, _) => {
            let (_, name) = path.iter().next().unwrap();
            let found = catalog.resolve(&caller.actor, name, false).await.unwrap();
            match found {
                None => return StatusCode::NOT_FOUND.into_response(),
                Some(facts) => {
                    let decided = access::require(&caller.actor, &facts, permission);
                    request.extensions_mut().insert(facts);
                    decided
                }
            }
        }
    };
    match decided {
        Ok(()) => next.run(request).await,
        Err(refusal) => ApiError::from(refusal).into_response(),
    }
}

fn router(catalog: &Catalog) -> Router {
    let facts = SystemFacts {
        version: "v1.2.3".to_owned(),
        external_url: "https://berth.test:8443".to_owned(),
        storage: "filesystem".to_owned(),
        ca_root: false,
    };
    let mut router = Router::new();
    for endpoint in endpoints(catalog.clone(), facts) {
        let layer = from_fn_with_state((catalog.clone(), endpoint.access), enforce);
        router = router.route(endpoint.path, endpoint.handler.route_layer(layer));
    }
    router
}

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

struct Client<'a> {
    router: Router,
    world: &'a World,
}

impl Client<'_> {
    async fn send(&self, who: &str, method: &str, path: &str, body: Value) -> Answer {
        let caller = match who {
            "admin" => self.world.admin.clone(),
            "alice" => self.world.alice.clone(),
            "bob" => self.world.bob.clone(),
            _ => anonymous(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(caller);
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
        }
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        self.send(who, "GET", path, Value::Null).await
    }
}

fn client(world: &World) -> Client<'_> {
    Client {
        router: router(&world.catalog),
        world,
    }
}

#[tokio::test]
async fn a_project_over_http() {
    both_engines(|db| async move {
        let world = world(db).await;
        let client = client(&world);
        let request = json!({
            "project_name": "shop",
            "metadata": {"public": "false", "auto_scan": "true", "severity": null},
            "storage_limit": -1,
            "owner_id": 1,
        });
        let made = client
            .send("alice", "POST", "/api/v2.0/projects", request.clone())
            .await;
        assert_eq!((made.status, made.body), (201, json!("")));
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let again = client
            .send("alice", "POST", "/api/v2.0/projects", request)
            .await;
        assert_eq!(again.status, 409);
        assert_eq!(again.body["errors"][0]["code"], "CONFLICT");

        let read = client.get("alice", &location).await;
        let id = read.body["project_id"].as_i64().unwrap();
        assert_eq!(location, format!("/api/v2.0/projects/{id}"));
        assert_eq!(
            read.body,
            json!({
                "project_id": id,
                "owner_id": world.alice.actor.user_id().unwrap(),
                "name": "shop",
                "creation_time": "2026-03-04T05:06:07.000Z",
                "update_time": "2026-03-04T05:06:07.000Z",
                "deleted": false,
                "owner_name": "alice",
                "current_user_role_id": 1,
                "current_user_role_ids": [1],
                "repo_count": 0,
                "metadata": {"public": "false", "auto_scan": "true"},
                "cve_allowlist": {
                    "id": id, "project_id": id, "items": [],
                    "creation_time": "0001-01-01T00:00:00.000Z",
                    "update_time": "0001-01-01T00:00:00.000Z",
                },
            })
        );
        assert_eq!(
            client.get("bob", "/api/v2.0/projects/shop").await.status,
            403
        );
        assert_eq!(client.get("", "/api/v2.0/projects/shop").await.status, 401);
        let head = "/api/v2.0/projects?project_name=";
        for (who, name, status) in [
            ("bob", "shop", 200),
            ("bob", "none", 404),
            ("", "shop", 401),
        ] {
            let found = client
                .send(who, "HEAD", &format!("{head}{name}"), Value::Null)
                .await;
            assert_eq!(found.status, status, "{who} {name}");
        }
        let list = client.get("", "/api/v2.0/projects?page_size=1").await;
        assert_eq!(list.headers["x-total-count"], "1");
        assert_eq!(list.body[0]["name"], "library");
        assert_eq!(list.body[0].get("current_user_role_id"), None);
        assert_eq!(
            client.get("", "/api/v2.0/projects?q=oops%3D1").await.status,
            400
        );
        assert_eq!(
            client
                .get("", "/api/v2.0/projects?public=maybe")
                .await
                .status,
            422
        );

        let changed = client.send(
            "alice",
            "PUT",
            &location,
            json!({"metadata": {"public": "true"}}),
        );
        assert_eq!(changed.await.status, 200);
        assert_eq!(client.get("", "/api/v2.0/projects/shop").await.status, 200);
        world
            .repository(berth_model::ProjectId(id), "shop/web")
            .await;
        let verdict = client
            .get("alice", "/api/v2.0/projects/shop/_deletable")
            .await;
        assert_eq!(verdict.body["deletable"], false);
        let gone = client.send("alice", "DELETE", &location, Value::Null).await;
        assert_eq!(gone.status, 412);
        assert_eq!(gone.body["errors"][0]["code"], "PRECONDITION");

        let summary = client.get("alice", "/api/v2.0/projects/shop/summary").await;
        assert_eq!(summary.body["project_admin_count"], 1);
        assert_eq!(summary.body["quota"]["hard"], json!({"storage": -1}));
        let summary = client.get("", "/api/v2.0/projects/shop/summary").await;
        assert_eq!(summary.body, json!({"repo_count": 1}));
    })
    .await;
}

#[tokio::test]
async fn metadata_and_members_over_http() {
    both_engines(|db| async move {
        let world = world(db).await;
        let client = client(&world);
        world.project(&world.alice, "shop", false).await;
        let base = "/api/v2.0/projects/shop/metadatas";
        let add = |body| client.send("admin", "POST", "/api/v2.0/projects/shop/metadatas/", body);
        assert_eq!(add(json!({"prevent_vul": "true"})).await.status, 200);
        assert_eq!(add(json!({"prevent_vul": "true"})).await.status, 409);
        assert_eq!(add(json!({"unheard_of": "true"})).await.status, 400);
        assert_eq!(add(json!({})).await.status, 400);
        assert_eq!(
            client.get("admin", &format!("{base}/")).await.body,
            json!({"public": "false", "prevent_vul": "true"})
        );
        let one = format!("{base}/prevent_vul");
        let put = client
            .send("alice", "PUT", &one, json!({"prevent_vul": "false"}))
            .await;
        assert_eq!(put.status, 200);
        assert_eq!(
            client.get("alice", &one).await.body,
            json!({"prevent_vul": "false"})
        );
        assert_eq!(
            client
                .send("alice", "DELETE", &one, Value::Null)
                .await
                .status,
            200
        );
        assert_eq!(client.get("alice", &one).await.status, 404);

        let list = "/api/v2.0/projects/shop/members";
        let add = |body| client.send("alice", "POST", list, body);
        let made = add(json!({"role_id": 2, "member_user": {"username": "bob"}})).await;
        assert_eq!(made.status, 201);
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let read = client.get("bob", &location).await;
        assert_eq!(read.body["entity_name"], "bob");
        assert_eq!(read.body["role_name"], "developer");
        assert_eq!(read.body["entity_type"], "u");
        let group = json!({"role_id": 2, "member_group": {"id": 1}});
        assert_eq!(add(group).await.status, 404);
        let both = json!({"role_id": 2, "member_group": {"id": 1}, "member_user": {"user_id": 1}});
        assert_eq!(add(both).await.status, 400);
        assert_eq!(add(json!({"role_id": 2})).await.status, 400);
        let role = json!({"role_id": 9});
        assert_eq!(
            client.send("alice", "PUT", &location, role).await.status,
            400
        );
        let promoted = client
            .send("bob", "PUT", &location, json!({"role_id": 1}))
            .await;
        assert_eq!(promoted.status, 403);
        assert_eq!(
            client.get("alice", &format!("{list}/abc")).await.status,
            422
        );
        assert_eq!(
            client
                .send("alice", "DELETE", &location, Value::Null)
                .await
                .status,
            200
        );

        let log = client
            .get(
                "alice",
                "/api/v2.0/projects/shop/logs?q=resource_type%3Dmember",
            )
            .await;
        assert_eq!(log.headers["x-total-count"], "2");
        assert_eq!(log.body[0]["operation"], "delete");
        assert_eq!(log.body[0]["resource"], "shop/bob");
        assert_eq!(log.body[0]["username"], "alice");
        let ext = client
            .get("alice", "/api/v2.0/projects/shop/auditlog-exts")
            .await;
        assert_eq!(ext.body[0]["operation_result"], true);
        assert_eq!(
            client
                .get("bob", "/api/v2.0/projects/shop/logs")
                .await
                .status,
            403
        );
        let all = client.get("bob", "/api/v2.0/audit-logs").await;
        assert_eq!((all.status, all.body), (200, json!([])));
        assert_eq!(client.get("", "/api/v2.0/audit-logs").await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn the_system_over_http() {
    both_engines(|db| async move {
        let world = world(db).await;
        let client = client(&world);
        assert_eq!(client.get("", "/api/v2.0/ping").await.body, json!("Pong"));
        assert_eq!(
            client.get("", "/api/version").await.body,
            json!({"version": "v2.0"})
        );
        let told = client.get("", "/api/v2.0/systeminfo").await.body;
        assert_eq!(told["auth_mode"], "db_auth");
        assert_eq!(told.get("harbor_version"), None);
        assert_eq!(told.get("read_only"), None);
        let told = client.get("bob", "/api/v2.0/systeminfo").await.body;
        assert_eq!(told["harbor_version"], "v1.2.3");
        assert_eq!(told["registry_url"], "berth.test:8443");

        let path = "/api/v2.0/configurations";
        assert_eq!(client.get("bob", path).await.status, 403);
        let put = |who, body| client.send(who, "PUT", path, body);
        assert_eq!(put("bob", json!({"read_only": true})).await.status, 403);
        assert_eq!(put("admin", json!({"read_only": 1})).await.status, 400);
        assert_eq!(put("admin", json!({"read_only": true})).await.status, 200);
        let read = client.get("admin", path).await.body;
        assert_eq!(read["read_only"], json!({"value": true, "editable": true}));
        let log = client
            .get(
                "admin",
                "/api/v2.0/audit-logs?q=resource_type%3Dconfiguration",
            )
            .await;
        assert_eq!(log.body[0]["resource"], "read_only");

        let hidden = world.project(&world.alice, "hidden", false).await;
        world.repository(hidden, "hidden/lib").await;
        let library = world.facts(&world.admin, "library").await.id;
        world.repository(library, "library/app").await;
        let found = world.catalog.search(&anonymous(), "LIB").await.unwrap();
        assert_eq!(found.projects[0].name, "library");
        assert_eq!(found.repositories.len(), 1);
        let found = world.catalog.search(&world.alice, "lib").await.unwrap();
        assert_eq!(found.repositories[0].repository_name, "hidden/lib");
        assert_eq!(found.repositories.len(), 2);
        let counts = client.get("bob", "/api/v2.0/statistics").await.body;
        assert_eq!(
            counts,
            json!({
                "public_project_count": 1, "public_repo_count": 1,
                "private_project_count": 0, "private_repo_count": 0,
            })
        );
        let counts = client.get("admin", "/api/v2.0/statistics").await.body;
        assert_eq!(counts["total_project_count"], 2);
        assert_eq!(counts["total_repo_count"], 2);
    })
    .await;
}
