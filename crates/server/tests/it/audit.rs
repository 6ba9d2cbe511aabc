//! What the access log says of administrative actions and logins, and what it never says.

use berth_db::args;
use berth_model::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::app::{App, Setup, both, both_with};
use crate::client::Login;

/// The lines that `q` finds, newest first, as Harbor's newer shape has them.
pub(crate) async fn lines(app: &App, q: &str) -> Vec<Value> {
    app.parts.catalog.recorder().flush().await.unwrap();
    let path = format!("/api/v2.0/auditlog-exts?page_size=100&q={q}");
    let answer = app.get(&path).send().await.expect(200);
    answer.json().as_array().unwrap().clone()
}

fn pick<'a>(line: &'a Value, keys: &[&str]) -> Vec<&'a str> {
    keys.iter().map(|key| line[key].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_and_projects_are_written_down_with_their_author() {
    both(async |app| {
        let jane = app.user("jane").await;
        let user = format!("/api/v2.0/users/{}", jane.id);
        let profile = json!({"email": "jane@example.net", "realname": "J", "comment": ""});
        app.put(&user).json(&profile).await.expect(200);
        let flag = json!({"sysadmin_flag": true});
        app.put(&format!("{user}/sysadmin"))
            .json(&flag)
            .await
            .expect(200);
        let new = json!({"old_password": jane.password, "new_password": "Changed-Jane-2"});
        app.put(&format!("{user}/password"))
            .by(&jane)
            .json(&new)
            .await
            .expect(200);
        let reset = json!({"new_password": "Changed-Jane-3"});
        app.put(&format!("{user}/password"))
            .json(&reset)
            .await
            .expect(200);
        app.project("team", false).await;
        let member = app.member("team", &jane, 2).await;
        let member = format!("/api/v2.0/projects/team/members/{member}");
        app.put(&member)
            .json(&json!({"role_id": 3}))
            .await
            .expect(200);
        app.delete(&member).send().await.expect(200);
        let public = json!({"metadata": {"public": "true"}});
        app.put("/api/v2.0/projects/team")
            .json(&public)
            .await
            .expect(200);
        app.put("/api/v2.0/projects/team/metadatas/public")
            .json(&json!({"public": "false"}))
            .await
            .expect(200);
        app.delete("/api/v2.0/projects/team")
            .send()
            .await
            .expect(200);
        app.put("/api/v2.0/configurations")
            .json(&json!({"banner_message": "{\"message\":\"hello\"}"}))
            .await
            .expect(200);
        app.delete(&user).send().await.expect(200);
        // What came to nothing is not said to have been done.
        app.delete(&user).send().await.expect(404);
        app.post("/api/v2.0/projects")
            .json(&json!({"project_name": "library"}))
            .await
            .expect(409);

        let mut found = lines(app, "operation={create update delete}").await;
        found.reverse();
        let found: Vec<Vec<&str>> = found
            .iter()
            .map(|line| {
                assert_eq!(line["operation_result"], true, "{line}");
                pick(
                    line,
                    &["username", "operation", "resource_type", "resource"],
                )
            })
            .collect();
        let expected = [
            ["#server", "create", "user", "admin"],
            ["#server", "create", "project", "library"],
            ["admin", "create", "user", "jane"],
            ["admin", "update", "user", "jane"],
            ["admin", "update", "user", "jane"],
            ["jane", "update", "user", "jane"],
            ["admin", "update", "user", "jane"],
            ["admin", "create", "project", "team"],
            ["admin", "create", "member", "team/jane"],
            ["admin", "update", "member", "team/jane"],
            ["admin", "delete", "member", "team/jane"],
            ["admin", "update", "project", "team"],
            ["admin", "update", "project", "team"],
            ["admin", "delete", "project", "team"],
            ["admin", "update", "configuration", "banner_message"],
            ["admin", "delete", "user", "jane"],
        ];
        assert_eq!(found, expected);
        let said = lines(app, "operation_description=~administrator").await;
        assert_eq!(
            said[0]["operation_description"],
            "update user jane: made a system administrator"
        );
        let here = lines(app, "source_ip=127.0.0.1,resource_type=member").await;
        assert_eq!(here.len(), 3);
    })
    .await;
}

fn with(login: &Login, password: &str) -> Login {
    Login {
        password: password.to_owned(),
        ..login.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_written_down_good_and_bad() {
    let setup = Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        let jane = app.user("jane").await;
        for _ in 0..3 {
            // Asked for once: the others are remembered and no logins.
            app.get("/api/v2.0/users/current")
                .by(&jane)
                .send()
                .await
                .expect(200);
        }
        let wrong = with(&jane, "Wrong-Guess-1");
        app.token_answer(Some(&wrong), &[]).await.expect(401);
        // What is typed as a name may be a password.
        let nobody = Login {
            name: "Typed-In-The-Wrong-Field-1".to_owned(),
            ..wrong.clone()
        };
        app.get("/v2/").by(&nobody).send().await.expect(401);
        for _ in 0..4 {
            app.get("/v2/").by(&wrong).send().await.expect(401);
        }
        app.get("/v2/").by(&wrong).send().await.expect(429);

        let good = lines(app, "operation=login,username=jane,operation_result=true").await;
        assert_eq!(good.len(), 1, "{good:?}");
        assert_eq!(
            pick(&good[0], &["resource_type", "resource"]),
            ["user", "jane"]
        );
        let bad = lines(app, "operation=login,operation_result=false").await;
        let times = |why: &str| -> i64 {
            let why = bad.iter().filter(|line| {
                line["operation_description"]
                    .as_str()
                    .unwrap()
                    .ends_with(why)
            });
            why.map(|line| line["times"].as_i64().unwrap_or(1)).sum()
        };
        assert_eq!(times("jane: the password was wrong"), 5, "{bad:?}");
        assert_eq!(times("there is no such account"), 1, "{bad:?}");
        assert_eq!(
            times("jane: locked out after too many failed logins"),
            1,
            "{bad:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_were_refused_are_written_down() {
    both(async |app| {
        let jane = app.user("jane").await;
        app.project("team", false).await;
        let body = json!({"username": "x"});
        app.post("/api/v2.0/users")
            .by(&jane)
            .json(&body)
            .await
            .expect(403);
        app.delete("/api/v2.0/projects/team")
            .by(&jane)
            .send()
            .await
            .expect(403);
        // Looking is no change, and nobody is nobody.
        app.get("/api/v2.0/users")
            .by(&jane)
            .send()
            .await
            .expect(403);
        app.delete("/api/v2.0/projects/team")
            .nobody()
            .send()
            .await
            .expect(401);
        let mut found = lines(app, "operation_result=false").await;
        found.sort_by_key(|line| line["operation"].to_string());
        let keys = ["username", "operation", "resource_type", "resource"];
        let found: Vec<Vec<&str>> = found.iter().map(|line| pick(line, &keys)).collect();
        assert_eq!(
            found,
            [
                ["jane", "create", "user", "/api/v2.0/users"],
                ["jane", "delete", "project", "/api/v2.0/projects/team"],
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_found_by_both_its_names() {
    both(async |app| {
        app.push_image("library/app", "v1", "a").await;
        let pushed = lines(app, "operation=push").await;
        assert_eq!(pushed.len(), 1);
        assert_eq!(pushed[0]["operation"], "create");
        assert_eq!(pushed[0]["resource"], "library/app:v1");
        let created = lines(app, "operation=create,resource_type=artifact").await;
        assert_eq!(created, pushed);
        let either = lines(app, "operation={delete create},resource_type=artifact").await;
        assert_eq!(either, pushed);
        let old = app
            .get("/api/v2.0/audit-logs?q=operation=push")
            .send()
            .await;
        assert_eq!(old.expect(200).json()[0]["operation"], "create");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn muted_events_are_not_written_down_and_muting_is() {
    both(async |app| {
        let events = app.get("/api/v2.0/auditlog-exts/events").send().await;
        let events = events.expect(200).json();
        let known = |name| {
            events
                .as_array()
                .unwrap()
                .contains(&json!({"event_type": name}))
        };
        for name in [
            "create_artifact",
            "create_user",
            "login_user",
            "update_configuration",
        ] {
            assert!(known(name), "{name}");
        }
        let put = async |value: &str| {
            let body = json!({"disabled_audit_log_event_types": value});
            app.put("/api/v2.0/configurations").json(&body).await.status
        };
        assert_eq!(put("create_user,eat_artifact").await, 400);
        let muted = "create_user, login_user,create_artifact,update_configuration";
        assert_eq!(put(muted).await, 200);
        let jane = app.user("jane").await;
        app.get("/api/v2.0/users/current")
            .by(&jane)
            .send()
            .await
            .expect(200);
        app.push_image("library/app", "v1", "a").await;
        app.project("team", false).await;
        app.parts.catalog.recorder().flush().await.unwrap();
        assert_eq!(put("").await, 200);
        app.user("john").await;
        let since = lines(app, "username={admin jane},operation={create update login}").await;
        let keys = ["operation", "resource_type", "resource"];
        let mut since: Vec<Vec<&str>> = since.iter().map(|line| pick(line, &keys)).collect();
        since.retain(|line| *line != ["login", "user", "admin"]);
        since.reverse();
        let setting = ["update", "configuration", "disabled_audit_log_event_types"];
        assert_eq!(
            since,
            [
                setting,
                ["create", "project", "team"],
                setting,
                ["create", "user", "john"]
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_holds_a_secret() {
    both(async |app| {
        let jane = app.user("jane").await;
        let path = format!("/api/v2.0/users/{}/password", jane.id);
        let old = json!({"old_password": "Not-My-Password-1", "new_password": "Never-Seen-1"});
        app.put(&path).by(&jane).json(&old).await.expect(403);
        let new = json!({"old_password": jane.password, "new_password": "Never-Seen-2"});
        app.put(&path).by(&jane).json(&new).await.expect(200);
        app.put(&path)
            .json(&json!({"new_password": "Never-Seen-3"}))
            .await
            .expect(200);
        app.get("/v2/")
            .by(&with(&jane, "Never-Seen-4"))
            .send()
            .await
            .expect(401);
        app.token(Some(&app.admin), &["repository:library/app:pull"])
            .await;
        app.parts.catalog.recorder().flush().await.unwrap();
        let rows: Vec<(String, String, String, String)> = app
            .parts
            .db
            .all(
                "SELECT username || ' ' || address, operation || ' ' || resource_type, \
                 resource || ' ' || repository || ' ' || tag || ' ' || digest, description \
                 FROM access_log",
                args![],
            )
            .await
            .unwrap();
        assert!(rows.len() > 5);
        let text = format!("{rows:?}");
        for secret in [
            jane.password.as_str(),
            app.admin.password.as_str(),
            "Not-My-Password",
            "Never-Seen",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    })
    .await;
}
