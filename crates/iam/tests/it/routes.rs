//! Harbor's user API, by HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use berth_iam::{
    Access, Actor, Caller, FIRST_ADMIN, Permission, ProjectFacts, ProjectLookup, User, endpoints,
};
use berth_model::{Action, ProjectId, Resource, Role, Timestamp, UserId};
use berth_testkit::both_engines;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Harbour, PASSWORD, address, secret};

struct Api {
    harbour: Harbour,
    router: Router,
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn message(&self) -> String {
        self.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Api {
    async fn new(db: berth_db::Db) -> Self {
        let harbour = Harbour::new(db).await;
        harbour
            .iam
            .ensure_admin(Some(secret(PASSWORD)))
            .await
            .unwrap();
        let mut router = Router::new();
        for endpoint in endpoints(harbour.iam.clone(), one_project()) {
            router = router.route(endpoint.path, endpoint.handler);
        }
        Self { harbour, router }
    }

    async fn send(&self, actor: Actor, method: Method, path: &str, body: Value) -> Answer {
        let mut request = Request::new(match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        });
        *request.method_mut() = method;
        *request.uri_mut() = format!("/api/v2.0/users{path}").parse().unwrap();
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        request
            .extensions_mut()
            .insert(Caller::new(actor, address("10.0.0.1")));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, actor: Actor, path: &str) -> Answer {
        self.send(actor, Method::GET, path, Value::Null).await
    }

    async fn put(&self, actor: Actor, path: &str, body: Value) -> Answer {
        self.send(actor, Method::PUT, path, body).await
    }

    async fn post(&self, body: Value) -> Answer {
        self.send(admin(), Method::POST, "", body).await
    }
}

/// Project 7, in which everybody is a limited guest.
fn one_project() -> ProjectLookup {
    Arc::new(|_, id| {
        Box::pin(async move {
            Ok((id == ProjectId(7)).then(|| ProjectFacts {
                id,
                name: "library".to_owned(),
                public: false,
                created_at: Timestamp::default(),
                role: Some(Role::LimitedGuest),
            }))
        })
    })
}

fn user(id: UserId, name: &str, sysadmin: bool) -> Actor {
    Actor::User(Arc::new(User {
        id,
        name: name.to_owned(),
        sysadmin,
    }))
}

fn admin() -> Actor {
    user(FIRST_ADMIN, "admin", true)
}

fn jane() -> Value {
    json!({
        "username": "jane", "email": "jane@example.com", "realname": "Jane Doe",
        "comment": "hello", "password": PASSWORD, "sysadmin_flag": true, "user_id": 77,
    })
}

#[tokio::test]
async fn a_user_is_made_shown_changed_and_deleted() {
    both_engines(|db| async move {
        let api = Api::new(db).await;
        let made = api.post(jane()).await;
        assert_eq!((made.status.as_u16(), made.text.as_str()), (201, ""));
        let location = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(location, "/api/v2.0/users/2");

        let shown = api.get(admin(), "/2").await;
        let created = "2027-01-15T08:00:00.000Z";
        assert_eq!(
            shown.json(),
            json!({
                "user_id": 2, "username": "jane", "email": "jane@example.com",
                "realname": "Jane Doe", "comment": "hello", "sysadmin_flag": false,
                "admin_role_in_auth": false, "creation_time": created, "update_time": created,
            })
        );
        let actor = user(UserId(2), "jane", false);
        assert_eq!(api.get(actor.clone(), "/current").await.text, shown.text);

        // Nothing but the profile can be changed with a profile.
        let body = json!({
            "email": "j@example.com", "realname": "J", "comment": "", "sysadmin_flag": true,
            "username": "root", "password": "Mallory12345", "password_hash": "x", "deleted": true,
        });
        let changed = api.put(actor.clone(), "/2", body).await;
        assert_eq!((changed.status.as_u16(), changed.text.as_str()), (200, ""));
        let shown = api.get(admin(), "/2").await.json();
        assert_eq!(shown["email"], "j@example.com");
        assert_eq!(
            (&shown["username"], &shown["sysadmin_flag"]),
            (&json!("jane"), &json!(false))
        );
        api.harbour.login("jane").await;

        let path = "/2/sysadmin";
        let made = api.put(admin(), path, json!({"sysadmin_flag": true})).await;
        assert_eq!(made.status, 200);
        assert_eq!(api.get(admin(), "/2").await.json()["sysadmin_flag"], true);

        let own = api.send(admin(), Method::DELETE, "/1", Value::Null).await;
        assert_eq!(own.status, 403);
        let gone = api.send(admin(), Method::DELETE, "/2", Value::Null).await;
        assert_eq!((gone.status.as_u16(), gone.text.as_str()), (200, ""));
        assert_eq!(api.get(admin(), "/2").await.status, 404);
        assert_eq!(api.get(actor, "/current").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn lists_page_and_searches_tell_names_only() {
    both_engines(|db| async move {
        let api = Api::new(db).await;
        api.post(jane()).await;
        let page = api.get(admin(), "?page_size=1&sort=-username").await;
        assert_eq!(page.headers["x-total-count"], "2");
        assert_eq!(
            page.headers["link"],
            "</api/v2.0/users?sort=-username&page=2&page_size=1>; rel=\"next\""
        );
        assert_eq!(page.json()[0]["username"], "jane");
        for text in [page.text, api.get(admin(), "/2").await.text] {
            assert!(
                !text.contains("password") && !text.contains("argon2"),
                "{text}"
            );
        }
        assert_eq!(
            api.get(admin(), "?q=username%3D~JAN").await.json()[0]["user_id"],
            2
        );
        for query in ["?q=password_hash%3D~a", "?sort=password_hash", "?q=x"] {
            assert_eq!(api.get(admin(), query).await.status, 400, "{query}");
        }
        assert_eq!(api.get(admin(), "?page_size=101").await.status, 422);

        let actor = user(UserId(2), "jane", false);
        let found = api.get(actor.clone(), "/search?username=adm&page=9").await;
        assert_eq!(found.json(), json!([{"user_id": 1, "username": "admin"}]));
        assert_eq!(api.get(actor, "/search").await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn passwords_change_with_the_old_one_or_by_an_administrator() {
    both_engines(|db| async move {
        let api = Api::new(db).await;
        api.post(jane()).await;
        let actor = || user(UserId(2), "jane", false);
        let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
        let path = "/2/password";
        let wrong = api
            .put(actor(), path, change("Wrong12345", "Changed12345"))
            .await;
        assert_eq!(wrong.status, 403);
        assert_eq!(wrong.message(), "the current password is wrong");
        let missing = json!({"new_password": "Changed12345"});
        assert_eq!(api.put(actor(), path, missing.clone()).await.status, 403);
        assert_eq!(
            api.put(actor(), path, change(PASSWORD, "weak"))
                .await
                .status,
            400
        );
        assert_eq!(
            api.put(actor(), path, change(PASSWORD, PASSWORD))
                .await
                .status,
            400
        );
        let done = api
            .put(actor(), path, change(PASSWORD, "Changed12345"))
            .await;
        assert_eq!((done.status.as_u16(), done.text.as_str()), (200, ""));
        let old = api
            .put(actor(), path, change(PASSWORD, "Another12345"))
            .await;
        assert_eq!(old.status, 403);

        let by_admin = json!({"new_password": "Another12345"});
        assert_eq!(api.put(admin(), path, by_admin.clone()).await.status, 200);
        assert_eq!(api.put(admin(), "/99/password", by_admin).await.status, 404);
        // Administrators, too, prove who they are before they change their own.
        assert_eq!(api.put(admin(), "/1/password", missing).await.status, 403);

        // Guesses at the old password are slowed down like logins.
        for _ in 0..5 {
            api.put(actor(), path, change("Wrong12345", "Changed12345"))
                .await;
        }
        let slowed = api
            .put(actor(), path, change("Another12345", "Changed12345"))
            .await;
        assert_eq!(slowed.status, 429);
        assert!(slowed.headers.contains_key("retry-after"));
    })
    .await;
}

#[tokio::test]
async fn bad_requests_are_told_apart() {
    both_engines(|db| async move {
        let api = Api::new(db).await;
        api.post(jane()).await;
        for (key, value, status) in [
            ("username", json!("jane"), 409),
            ("email", json!("jane@example.com"), 409),
            ("username", json!("a:b"), 400),
            ("username", json!(""), 400),
            ("username", json!("robot$x"), 400),
            ("username", json!(5), 422),
            ("username", Value::Null, 422),
            ("email", json!("x"), 400),
            ("email", json!(""), 400),
            ("password", json!("weak"), 400),
            ("password", Value::Null, 422),
            ("realname", json!("x".repeat(256)), 400),
        ] {
            let mut body = json!({
                "username": "joe", "email": "joe@example.com", "realname": "", "comment": "",
                "password": PASSWORD,
            });
            body[key] = value.clone();
            let answer = api.post(body).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{key} {value}: {}",
                answer.text
            );
            assert!(!answer.text.contains(PASSWORD));
        }
        assert_eq!(api.get(admin(), "/abc").await.status, 422);
        assert_eq!(api.get(admin(), "/99999999999999999999").await.status, 422);
        assert_eq!(api.get(admin(), "/99").await.status, 404);
        let flag = json!({"sysadmin_flag": "yes"});
        assert_eq!(api.put(admin(), "/2/sysadmin", flag).await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn permissions_of_the_caller() {
    both_engines(|db| async move {
        let api = Api::new(db).await;
        let actor = || user(UserId(2), "jane", false);
        let path = "/current/permissions";
        assert_eq!(api.get(actor(), path).await.json(), json!([]));
        let stranger = api.get(actor(), &format!("{path}?scope=/project/8")).await;
        assert_eq!(stranger.json(), json!([]));
        let relative = api
            .get(actor(), &format!("{path}?scope=/project/7&relative=true"))
            .await
            .json();
        assert_eq!(relative.as_array().unwrap().len(), 14);
        let pull = json!({"resource": "repository", "action": "pull"});
        assert!(relative.as_array().unwrap().contains(&pull));
        let absolute = api.get(actor(), &format!("{path}?scope=/project/7")).await;
        let pull = json!({"resource": "/project/7/repository", "action": "pull"});
        assert!(absolute.json().as_array().unwrap().contains(&pull));
        let bad = api.get(actor(), &format!("{path}?relative=maybe")).await;
        assert_eq!(bad.status, 422);
        let nobody = api.get(Actor::Anonymous, path).await;
        assert_eq!(nobody.status, 401);
    })
    .await;
}

#[tokio::test]
async fn the_table_asks_for_what_harbor_asks() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        let permission = |action| Permission::new(Resource::User, action);
        let table: Vec<_> = endpoints(harbour.iam.clone(), one_project())
            .into_iter()
            .filter_map(|it| {
                let path = it.path.strip_prefix("/api/v2.0/users")?;
                Some((it.method, path, it.access))
            })
            .collect();
        let expected = [
            (Method::GET, "", Access::System(permission(Action::List))),
            (
                Method::POST,
                "",
                Access::Registration(permission(Action::Create)),
            ),
            (Method::GET, "/current", Access::Authenticated),
            (Method::GET, "/current/permissions", Access::Authenticated),
            (Method::GET, "/search", Access::Authenticated),
            (
                Method::GET,
                "/{user_id}",
                Access::SelfOr(permission(Action::Read)),
            ),
            (
                Method::PUT,
                "/{user_id}",
                Access::SelfOr(permission(Action::Update)),
            ),
            (
                Method::DELETE,
                "/{user_id}",
                Access::System(permission(Action::Delete)),
            ),
            (
                Method::PUT,
                "/{user_id}/sysadmin",
                Access::System(permission(Action::Update)),
            ),
            (
                Method::PUT,
                "/{user_id}/password",
                Access::SelfOr(permission(Action::Update)),
            ),
        ];
        assert_eq!(table, expected);
    })
    .await;
}

#[tokio::test]
async fn a_route_without_the_authentication_layer_fails() {
    let db = berth_testkit::TestDb::sqlite().await;
    let api = Api::new(db.db()).await;
    let request = Request::get("/api/v2.0/users/current")
        .body(Body::empty())
        .unwrap();
    let response = api.router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 500);
}
