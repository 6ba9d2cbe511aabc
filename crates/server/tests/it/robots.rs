//! Robots: logging in, what they may, and that none gets more than it was given.

mod escalation;

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use http::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, Setup, both, both_with};
use crate::client::Login;

const ROBOTS: &str = "/api/v2.0/robots";

fn project(namespace: &str, words: &[&str]) -> Value {
    part("project", namespace, words)
}

fn system(words: &[&str]) -> Value {
    part("system", "/", words)
}

fn part(kind: &str, namespace: &str, words: &[&str]) -> Value {
    let access: Vec<Value> = words
        .iter()
        .map(|word| {
            let (resource, action) = word.split_once(':').unwrap();
            json!({"resource": resource, "action": action})
        })
        .collect();
    json!({"kind": kind, "namespace": namespace, "access": access})
}

fn robot(level: &str, name: &str, permissions: &[Value]) -> Value {
    json!({"name": name, "level": level, "duration": -1, "permissions": permissions})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

const PUSH: &[&str] = &["repository:pull", "repository:push"];

async fn create(app: &App, by: &Login, body: &Value) -> Answer {
    app.post(ROBOTS).by(by).json(body).await
}

async fn scopes(app: &App, login: &Login, name: &str) -> usize {
    let scope = format!("repository:{name}:pull,push,delete");
    let token = app.token(Some(login), &[&scope]).await;
    app.parts.iam.verify(&token).unwrap().access()[0]
        .actions
        .len()
}

async fn is_let_in(app: &App, login: &Login) -> u16 {
    let answer = app.token_answer(Some(login), &[]).await;
    let direct = app.get("/v2/").by(login).send().await;
    let api = app.get("/api/v2.0/statistics").by(login).send().await;
    assert_eq!(answer.status, direct.status);
    assert_eq!(answer.status, api.status);
    answer.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_pushes_where_it_was_let_and_nowhere_else() {
    both(async |app| {
        app.project("mine", false).await;
        app.project("theirs", false).await;
        app.push_image("theirs/app", "1", "theirs").await;
        app.push_image("library/base", "1", "base").await;
        let body = robot("project", "ci", &[project("mine", PUSH)]);
        let ci = app.robot(&body).await;
        assert_eq!(ci.name, "robot$mine+ci");
        assert_eq!(ci.password.len(), 32);
        assert_eq!(is_let_in(app, &ci).await, 200);
        assert_eq!(scopes(app, &ci, "mine/app").await, 2);
        assert_eq!(scopes(app, &ci, "theirs/app").await, 0);
        // What everybody may pull, it may too.
        assert_eq!(scopes(app, &ci, "library/base").await, 1);
        let wrong = Login {
            password: "Wrong12345".to_owned(),
            ..ci.clone()
        };
        assert_eq!(is_let_in(app, &wrong).await, 401);

        let begun = app
            .post("/v2/mine/app/blobs/uploads/")
            .by(&ci)
            .body(&b""[..])
            .send()
            .await;
        assert_eq!(begun.status, 202);
        let refused = app
            .post("/v2/theirs/app/blobs/uploads/")
            .by(&ci)
            .body(&b""[..])
            .send()
            .await;
        assert_eq!(refused.status, 403);
        let hidden = app.get("/v2/theirs/app/manifests/1").by(&ci).send().await;
        assert_eq!(hidden.status, 403);
        app.get("/v2/library/base/manifests/1")
            .by(&ci)
            .send()
            .await
            .expect(200);
        // It has no refresh token: its secret is one already.
        let path = "/service/token?service=harbor-registry&offline_token=true";
        let answer = app.get(path).by(&ci).send().await.expect(200).json();
        assert!(answer.get("refresh_token").is_none());
        let form = [
            ("grant_type", "password"),
            ("client_id", "test"),
            ("service", "harbor-registry"),
            ("username", ci.name.as_str()),
            ("password", ci.password.as_str()),
            ("scope", "repository:mine/app:pull"),
        ];
        let posted = app.post("/service/token").nobody().form(&form).await;
        posted.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_have_harbors_shape() {
    both(async |app| {
        let id = app.project("app", false).await;
        let body = robot("project", "ci", &[project("app", PUSH)]);
        let body = with(body, "description", json!("builds"));
        let made = create(app, &app.admin, &body).await.expect(201);
        let one = made.need("location").to_owned();
        let made = made.json();
        assert_eq!(one, format!("{ROBOTS}/{}", made["id"]));
        let mut keys: Vec<&String> = made.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(
            keys,
            ["creation_time", "expires_at", "id", "name", "secret"]
        );
        assert_eq!(made["expires_at"], -1);

        let read = app.get(&one).send().await.expect(200).json();
        assert_eq!(read["name"], "robot$app+ci");
        assert_eq!(read["description"], "builds");
        assert_eq!(read["level"], "project");
        assert_eq!(read["duration"], -1);
        assert_eq!(read["editable"], true);
        assert_eq!(read["disable"], false);
        assert_eq!(read["creator_type"], "local");
        assert_eq!(read["creator_ref"], 1);
        assert!(read.get("secret").is_none());
        let permission = &read["permissions"][0];
        assert_eq!(
            (&permission["kind"], &permission["namespace"]),
            (&json!("project"), &json!("app"))
        );
        assert_eq!(
            permission["access"][0],
            json!({"resource": "repository", "action": "pull", "effect": "allow"})
        );

        let again = create(app, &app.admin, &body).await;
        assert_eq!(again.status, 409);
        for (bad, status) in [
            (with(body.clone(), "name", json!("Big")), 400),
            (with(body.clone(), "name", json!("a+b")), 400),
            (with(body.clone(), "level", json!("world")), 400),
            (with(body.clone(), "duration", json!(-2)), 400),
            (with(body.clone(), "duration", json!("x")), 422),
            (with(body.clone(), "secret", json!("weak")), 400),
            (with(body.clone(), "permissions", json!([])), 400),
            (
                with(body.clone(), "permissions", json!([project("*", PUSH)])),
                400,
            ),
            (
                with(
                    body.clone(),
                    "permissions",
                    json!([project("app", &["robot:update"])]),
                ),
                400,
            ),
            (
                with(body.clone(), "permissions", json!([project("none", PUSH)])),
                404,
            ),
        ] {
            let refused = create(app, &app.admin, &bad).await;
            assert_eq!(refused.status, status, "{bad}: {}", refused.text());
        }

        // Lists: of the system, and of a project.
        for name in ["a", "b", "c"] {
            app.robot(&robot("system", name, &[project("*", PUSH)]))
                .await;
        }
        let listed = async |query: &str| {
            let answer = app
                .get(&format!("{ROBOTS}{query}"))
                .send()
                .await
                .expect(200);
            let total: usize = answer.need("x-total-count").parse().unwrap();
            let names: Vec<String> = answer
                .json()
                .as_array()
                .unwrap()
                .iter()
                .map(|robot| robot["name"].as_str().unwrap().to_owned())
                .collect();
            (names, total)
        };
        let (names, total) = listed("?page=2&page_size=2").await;
        assert_eq!((names, total), (vec!["robot$c".to_owned()], 3));
        let (names, _) = listed("?q=name=~b&sort=-name").await;
        assert_eq!(names, ["robot$b"]);
        let of_project = format!("?q=Level%3Dproject%2CProjectID%3D{id}");
        assert_eq!(listed(&of_project).await.0, ["robot$app+ci"]);
        for (query, status) in [
            ("?q=Level=project", 400),
            ("?q=Level=project,ProjectID=999999", 404),
            ("?q=secret_hash=~a", 400),
            ("?page_size=101", 422),
        ] {
            let refused = app.get(&format!("{ROBOTS}{query}")).send().await;
            assert_eq!(refused.status, status, "{query}");
        }
        app.call(Method::DELETE, &one).send().await.expect(200);
        assert_eq!(app.get(&one).send().await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_counts_at_once() {
    both(async |app| {
        app.project("app", false).await;
        let body = robot("project", "ci", &[project("app", PUSH)]);
        let ci = app.robot(&body).await;
        let one = format!("{ROBOTS}/{}", ci.id);
        let token = app.token(Some(&ci), &["repository:app/x:pull,push"]).await;
        let push = async || {
            let call = app.post("/v2/app/x/blobs/uploads/").bearer(&token);
            call.body(&b""[..]).send().await.status
        };
        assert_eq!((is_let_in(app, &ci).await, push().await), (200, 202));

        let full = with(body.clone(), "name", json!(ci.name));
        let disabled = with(full.clone(), "disable", json!(true));
        app.put(&one).json(&disabled).await.expect(200);
        // With its token it cannot even push any more.
        assert_eq!((is_let_in(app, &ci).await, push().await), (401, 401));
        app.put(&one).json(&full).await.expect(200);
        assert_eq!((is_let_in(app, &ci).await, push().await), (200, 202));

        let less = with(
            full.clone(),
            "permissions",
            json!([project("app", &["repository:pull"])]),
        );
        app.put(&one).json(&less).await.expect(200);
        assert_eq!(scopes(app, &ci, "app/x").await, 1);
        for (key, value) in [("name", "robot$app+other"), ("level", "system")] {
            let other = with(full.clone(), key, json!(value));
            assert_eq!(app.put(&one).json(&other).await.status, 400);
        }
        let elsewhere = with(
            full.clone(),
            "permissions",
            json!([project("library", PUSH)]),
        );
        assert_eq!(app.put(&one).json(&elsewhere).await.status, 400);

        // A chosen secret, then a random one.
        let patch = async |body: Value| app.call(Method::PATCH, &one).json(&body).await;
        assert_eq!(patch(json!({"secret": "short"})).await.status, 400);
        let chosen = patch(json!({"secret": "Chosen12345"})).await.expect(200);
        assert_eq!(chosen.json()["secret"], "");
        assert_eq!(is_let_in(app, &ci).await, 401);
        let chosen = Login {
            password: "Chosen12345".to_owned(),
            ..ci.clone()
        };
        assert_eq!(is_let_in(app, &chosen).await, 200);
        let random = patch(json!({})).await.expect(200).json();
        let random = Login {
            password: random["secret"].as_str().unwrap().to_owned(),
            ..ci.clone()
        };
        assert_eq!(is_let_in(app, &chosen).await, 401);
        assert_eq!(is_let_in(app, &random).await, 200);

        // Another prefix renames all at once.
        let settings = json!({"robot_name_prefix": "bot-"});
        app.put("/api/v2.0/configurations")
            .json(&settings)
            .await
            .expect(200);
        assert_eq!(is_let_in(app, &random).await, 401);
        let renamed = Login {
            name: "bot-app+ci".to_owned(),
            ..random.clone()
        };
        assert_eq!(is_let_in(app, &renamed).await, 200);
        let like_one = json!({
            "username": "bot-jane", "email": "j@example.com", "password": "Sailor12345",
        });
        let refused = app.post("/api/v2.0/users").json(&like_one).await;
        assert_eq!(refused.status, 400);

        app.call(Method::DELETE, &one).send().await.expect(200);
        assert_eq!((is_let_in(app, &renamed).await, push().await), (401, 401));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_ends_when_its_time_is_over() {
    let setup = Setup {
        clock: Clock::manual(Timestamp::parse("2026-03-04T05:06:07").unwrap()),
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        let day = Duration::from_hours(24);
        let body = robot("system", "brief", &[project("*", PUSH)]);
        let made = create(app, &app.admin, &with(body.clone(), "duration", json!(1))).await;
        let made = made.expect(201).json();
        let end = (app.clock.now().plus(day)).seconds();
        assert_eq!(made["expires_at"], end);
        let brief = Login {
            id: made["id"].as_i64().unwrap(),
            name: "robot$brief".to_owned(),
            password: made["secret"].as_str().unwrap().to_owned(),
        };
        let standard = with(
            with(body.clone(), "name", json!("standard")),
            "duration",
            json!(0),
        );
        let standard = create(app, &app.admin, &standard).await.expect(201).json();
        assert_eq!(
            standard["expires_at"],
            (app.clock.now().plus(30 * day)).seconds()
        );

        app.clock
            .advance(day.checked_sub(Duration::from_secs(30)).unwrap());
        assert_eq!(is_let_in(app, &brief).await, 200);
        // Its token does not outlive it.
        let answer = app.token_answer(Some(&brief), &[]).await.expect(200).json();
        assert_eq!(answer["expires_in"], 30);
        app.clock.advance(Duration::from_secs(30));
        assert_eq!(is_let_in(app, &brief).await, 401);
        let told = app.get("/api/v2.0/projects").by(&brief).send().await;
        assert!(told.text().contains("expired"), "{}", told.text());

        // From its making on, not from now on.
        let one = format!("{ROBOTS}/{}", brief.id);
        let longer = with(with(body, "name", json!(brief.name)), "duration", json!(3));
        app.put(&one).json(&longer).await.expect(200);
        assert_eq!(is_let_in(app, &brief).await, 200);
        app.clock.advance(2 * day);
        assert_eq!(is_let_in(app, &brief).await, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permissions_that_can_be_given_are_listed_for_those_who_give_them() {
    both(async |app| {
        app.project("app", false).await;
        let boss = app.user("boss").await;
        let stranger = app.user("stranger").await;
        app.member("app", &boss, 1).await;
        let ask = async |who: &Login| app.get("/api/v2.0/permissions").by(who).send().await;
        let all = ask(&app.admin).await.expect(200).json();
        assert_eq!(all["system"].as_array().unwrap().len(), 70);
        assert_eq!(all["project"].as_array().unwrap().len(), 70);
        let part = ask(&boss).await.expect(200).json();
        assert!(part.get("system").is_none());
        assert_eq!(part["project"], all["project"]);
        assert_eq!(ask(&stranger).await.status, 403);
        let anonymous = app.get("/api/v2.0/permissions").nobody().send().await;
        assert_eq!(anonymous.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_shown_once_and_the_log_names_the_robot() {
    both(async |app| {
        let id = app.project("app", false).await;
        let words = &["repository:pull", "project:update", "project:read"];
        let ci = app
            .robot(&robot("project", "ci", &[project("app", words)]))
            .await;
        let (kept,): (String,) = app
            .parts
            .db
            .one("SELECT secret_hash FROM robot", berth_db::args![])
            .await
            .unwrap();
        assert!(!kept.contains(&ci.password));
        let change = json!({"metadata": {"auto_scan": "true"}});
        let path = format!("/api/v2.0/projects/{id}");
        app.put(&path).by(&ci).json(&change).await.expect(200);
        let log = app
            .get("/api/v2.0/auditlog-exts?page_size=100")
            .send()
            .await
            .expect(200);
        let text = log.text();
        assert!(text.contains("robot$app+ci"), "{text}");
        assert!(!text.contains(&ci.password));
        let held = app
            .get(&format!(
                "/api/v2.0/users/current/permissions?scope=/project/{id}&relative=true"
            ))
            .by(&ci)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(held.as_array().unwrap().len(), 3);
    })
    .await;
}
