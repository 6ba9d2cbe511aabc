//! Nobody gives a robot more than their own, and no robot gets at more than it was given.

use http::Method;
use serde_json::json;

use super::{PUSH, ROBOTS, create, is_let_in, project, robot, scopes, system, with};
use crate::app::both;
use crate::client::Login;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_a_robot_more_than_their_own() {
    both(async |app| {
        let own = app.project("own", false).await;
        let other = app.project("other", false).await;
        let boss = app.user("boss").await;
        let dev = app.user("dev").await;
        app.member("own", &boss, 1).await;
        app.member("own", &dev, 2).await;
        let foreign = app
            .robot(&robot("project", "x", &[project("other", PUSH)]))
            .await;
        let whole = app
            .robot(&robot("system", "x", &[project("*", PUSH)]))
            .await;

        // A project's administrator, of that project only.
        let body = robot(
            "project",
            "by-boss",
            &[project(
                "own",
                &[
                    "robot:create",
                    "robot:list",
                    "robot:read",
                    "repository:pull",
                ],
            )],
        );
        let made = create(app, &boss, &body).await.expect(201).json();
        let maker = Login {
            id: made["id"].as_i64().unwrap(),
            name: made["name"].as_str().unwrap().to_owned(),
            password: made["secret"].as_str().unwrap().to_owned(),
        };
        for body in [
            robot("project", "r", &[project("other", PUSH)]),
            robot("project", "r", &[project("missing", PUSH)]),
            robot("system", "r", &[project("own", PUSH)]),
            robot("system", "r", &[system(&["user:list"])]),
            robot("system", "r", &[project("*", PUSH)]),
        ] {
            let refused = create(app, &boss, &body).await;
            assert_eq!(refused.status, 403, "{body}: {}", refused.text());
        }
        let by_dev = robot("project", "r", &[project("own", PUSH)]);
        assert_eq!(create(app, &dev, &by_dev).await.status, 403);
        let one = format!("{ROBOTS}/{}", maker.id);
        app.get(&one).by(&dev).send().await.expect(200);
        let removed = app.call(Method::DELETE, &one).by(&dev).send().await;
        assert_eq!(removed.status, 403);

        // Robots of others are robots of nobody.
        for id in [foreign.id, whole.id, 999_999] {
            let one = format!("{ROBOTS}/{id}");
            for who in [&boss, &dev, &maker] {
                for method in [Method::GET, Method::DELETE] {
                    let answer = app.call(method, &one).by(who).send().await;
                    assert_eq!(answer.status, 404, "{}: {}", who.name, answer.text());
                }
                let put = app.put(&one).by(who).json(&body).await;
                let patch = app.call(Method::PATCH, &one).by(who).json(&json!({})).await;
                assert_eq!((put.status, patch.status), (404, 404));
            }
        }
        for who in [&boss, &dev, &maker] {
            let list = |id: i64| format!("{ROBOTS}?q=Level=project,ProjectID={id}");
            app.get(&list(own)).by(who).send().await.expect(200);
            for hidden in [other, 999_999] {
                assert_eq!(app.get(&list(hidden)).by(who).send().await.status, 403);
            }
            assert_eq!(app.get(ROBOTS).by(who).send().await.status, 403);
        }

        // A robot gives what it holds, and never more.
        let held = robot("project", "child", &[project("own", &["repository:pull"])]);
        let child = create(app, &maker, &held).await.expect(201).json();
        let read = app
            .get(&format!("{ROBOTS}/{}", child["id"]))
            .send()
            .await
            .json();
        assert_eq!(
            (&read["creator_type"], &read["creator_ref"]),
            (&json!("robot"), &json!(maker.id))
        );
        for body in [
            robot("project", "r", &[project("own", PUSH)]),
            robot("project", "r", &[project("own", &["robot:delete"])]),
            robot("project", "r", &[project("other", &["repository:pull"])]),
            robot("system", "r", &[project("own", &["repository:pull"])]),
            robot("system", "r", &[project("*", &["repository:pull"])]),
        ] {
            let refused = create(app, &maker, &body).await;
            assert_eq!(refused.status, 403, "{body}: {}", refused.text());
        }
        // Nor can it change itself, or another.
        for id in [maker.id, child["id"].as_i64().unwrap()] {
            let one = format!("{ROBOTS}/{id}");
            let more = robot("project", "", &[project("own", PUSH)]);
            assert_eq!(app.put(&one).by(&maker).json(&more).await.status, 403);
            let patch = app.call(Method::PATCH, &one).by(&maker);
            assert_eq!(patch.json(&json!({})).await.status, 403);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_robot_stays_within_its_list() {
    both(async |app| {
        app.project("one", false).await;
        app.project("two", false).await;
        let words = &["repository:pull", "robot:create"];
        let body = robot(
            "system",
            "maker",
            &[
                system(&[
                    "robot:create",
                    "robot:list",
                    "user:update",
                    "user:delete",
                    "user:list",
                ]),
                project("one", words),
            ],
        );
        let body = with(body, "duration", json!(10));
        let maker = app.robot(&body).await;
        let pull = &["repository:pull"];
        let within = [project("one", pull), system(&["robot:list"])];
        let own = app
            .get(&format!("{ROBOTS}/{}", maker.id))
            .send()
            .await
            .json();
        // What it makes ends with it.
        for (name, duration) in [("ever", -1), ("long", 100), ("default", 0)] {
            let body = with(robot("system", name, &within), "duration", json!(duration));
            let made = create(app, &maker, &body).await.expect(201).json();
            assert_eq!(made["expires_at"], own["expires_at"], "{name}");
        }
        let short = with(robot("system", "short", &within), "duration", json!(1));
        let short = create(app, &maker, &short).await.expect(201).json();
        assert!(short["expires_at"].as_i64() < own["expires_at"].as_i64());
        for permissions in [
            vec![project("two", pull)],
            vec![project("missing", pull)],
            vec![project("*", pull)],
            vec![system(&["user:create"])],
            vec![project("one", &["repository:push"])],
        ] {
            let wider = with(robot("system", "r", &permissions), "duration", json!(1));
            let refused = create(app, &maker, &wider).await;
            assert_eq!(refused.status, 403, "{wider}: {}", refused.text());
        }

        // The accounts of administrators are above it.
        let jane = app.user("jane").await;
        let of_jane = format!("/api/v2.0/users/{}", jane.id);
        let sysadmin = json!({"sysadmin_flag": true});
        let password = json!({"new_password": "Stolen12345"});
        let raised = app
            .put(&format!("{of_jane}/sysadmin"))
            .by(&maker)
            .json(&sysadmin)
            .await;
        assert_eq!(raised.status, 403);
        let taken = app
            .put("/api/v2.0/users/1/password")
            .by(&maker)
            .json(&password)
            .await;
        assert_eq!(taken.status, 403);
        let profile = json!({"email": "m@example.com", "realname": "", "comment": ""});
        assert_eq!(
            app.put("/api/v2.0/users/1")
                .by(&maker)
                .json(&profile)
                .await
                .status,
            403
        );
        let reset = app
            .put(&format!("{of_jane}/password"))
            .by(&maker)
            .json(&password)
            .await;
        reset.expect(200);
        app.call(Method::DELETE, &of_jane)
            .by(&maker)
            .send()
            .await
            .expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_that_makes_a_project_can_use_it() {
    both(async |app| {
        let maker = app
            .robot(&robot("system", "maker", &[system(&["project:create"])]))
            .await;
        let whole = &["project:create", "repository:pull"];
        assert_eq!(
            create(
                app,
                &app.admin,
                &robot("project", "p", &[project("library", whole)])
            )
            .await
            .status,
            400
        );
        let within = app
            .robot(&robot("project", "p", &[project("library", PUSH)]))
            .await;
        let new = json!({"project_name": "made", "metadata": {"public": "false"}});
        let refused = app.post("/api/v2.0/projects").by(&within).json(&new).await;
        assert_eq!(refused.status, 403);
        let settings = json!({"project_creation_restriction": "adminonly"});
        app.put("/api/v2.0/configurations")
            .json(&settings)
            .await
            .expect(200);
        app.post("/api/v2.0/projects")
            .by(&maker)
            .json(&new)
            .await
            .expect(201);
        assert_eq!(scopes(app, &maker, "made/app").await, 3);
        assert_eq!(scopes(app, &maker, "library/app").await, 1);
        app.get("/api/v2.0/projects/made/metadatas")
            .by(&maker)
            .send()
            .await
            .expect(200);
        // Deleted, and another of its name: nothing is left of the rights.
        let inner = app
            .robot(&robot("project", "inner", &[project("made", PUSH)]))
            .await;
        app.call(Method::DELETE, "/api/v2.0/projects/made")
            .by(&maker)
            .send()
            .await
            .expect(200);
        app.project("made", false).await;
        assert_eq!(scopes(app, &maker, "made/app").await, 0);
        assert_eq!(is_let_in(app, &inner).await, 401);
        let read = app
            .get(&format!("{ROBOTS}/{}", maker.id))
            .send()
            .await
            .json();
        assert_eq!(read["permissions"].as_array().unwrap().len(), 1);
    })
    .await;
}
