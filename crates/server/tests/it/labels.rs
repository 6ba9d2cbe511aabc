//! Labels of the system and of projects, on artifacts, and across the borders between projects.

use serde_json::{Value, json};

use crate::app::{App, both};
use crate::client::Login;

const LABELS: &str = "/api/v2.0/labels";

async fn make(app: &App, who: &Login, body: &Value) -> (u16, i64) {
    let answer = app.post(LABELS).by(who).json(body).await;
    let id = answer
        .header("location")
        .and_then(|at| at.rsplit('/').next()?.parse().ok());
    (answer.status, id.unwrap_or_default())
}

async fn names(app: &App, who: Option<&Login>, path: &str, key: &str) -> Vec<String> {
    let call = app.get(path);
    let call = who.map_or_else(|| app.get(path).nobody(), |who| call.by(who));
    let answer = call.send().await.expect(200);
    let list = answer.json();
    let list = list.as_array().unwrap().clone();
    assert_eq!(answer.need("x-total-count"), list.len().to_string());
    list.iter()
        .map(|one| one[key].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_are_made_once_a_scope_and_changed_by_those_who_may() {
    both(async |app| {
        let (jane, guest) = (app.user("jane").await, app.user("guest").await);
        let project = app.project("team", false).await;
        app.member("team", &jane, 4).await;
        app.member("team", &guest, 3).await;
        let global = json!({"name": "good", "scope": "g", "color": "#0065AB"});
        let own = json!({"name": "good", "scope": "p", "project_id": project});
        let (status, global_id) = make(app, &app.admin, &global).await;
        assert_eq!(status, 201);
        assert_eq!(make(app, &app.admin, &global).await.0, 409);
        assert_eq!(make(app, &jane, &global).await.0, 403);
        let (status, id) = make(app, &jane, &own).await;
        assert_eq!(status, 201);
        assert_eq!(make(app, &jane, &own).await.0, 409);
        assert_eq!(make(app, &guest, &own).await.0, 403);
        for wrong in [
            json!({"name": "x"}),
            json!({"name": "x", "scope": "q"}),
            json!({"name": "x", "scope": "p"}),
            json!({"name": "", "scope": "g"}),
            json!({"name": " ", "scope": "g"}),
            json!({"name": "a\nb", "scope": "g"}),
            json!({"name": "x".repeat(129), "scope": "g"}),
            json!({"name": "x", "scope": "g", "color": "red;}"}),
            json!({"name": "x", "scope": "g", "color": "#01234567890123456"}),
            json!({"name": "x", "scope": "g", "description": "x".repeat(1025)}),
        ] {
            assert_eq!(make(app, &app.admin, &wrong).await.0, 400, "{wrong}");
        }
        let odd = json!({"name": 7, "scope": "g"});
        assert!([400, 422].contains(&make(app, &app.admin, &odd).await.0));

        let read = app.get(&format!("{LABELS}/{id}")).by(&guest).send().await;
        let read = read.expect(200).json();
        assert_eq!(read["scope"], "p");
        assert_eq!(read["project_id"], project);
        assert_eq!(
            names(app, None, "/api/v2.0/labels?scope=g", "name").await,
            ["good"]
        );
        let of_team = format!("{LABELS}?scope=p&project_id={project}&name=OO");
        assert_eq!(names(app, Some(&guest), &of_team, "name").await, ["good"]);
        for (path, status) in [
            ("?scope=x", 400),
            ("", 400),
            ("?scope=p", 400),
            ("?scope=p&project_id=a", 422),
            ("?scope=g&q=secret%3D1", 400),
            ("?scope=g&sort=password", 400),
            ("?scope=g&page_size=101", 422),
        ] {
            let answer = app.get(&format!("{LABELS}{path}")).send().await;
            assert_eq!(answer.status, status, "{path}");
        }

        // What is not said of a label's owner cannot be said: it stays where it is.
        let moved = json!({"name": "fine", "scope": "g", "project_id": 1, "id": global_id});
        let one = format!("{LABELS}/{id}");
        assert_eq!(app.put(&one).by(&guest).json(&moved).await.status, 403);
        app.put(&one).by(&jane).json(&moved).await.expect(200);
        let read = app.get(&one).by(&jane).send().await.expect(200).json();
        assert_eq!((&read["name"], &read["id"]), (&json!("fine"), &json!(id)));
        assert_eq!(read["project_id"], project);
        make(app, &jane, &own).await;
        assert_eq!(app.put(&one).by(&jane).json(&own).await.status, 409);
        assert_eq!(app.delete(&one).by(&guest).send().await.status, 403);
        app.delete(&one).by(&jane).send().await.expect(200);
        assert_eq!(app.get(&one).by(&jane).send().await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_of_another_project_is_not_there() {
    both(async |app| {
        let (jane, john) = (app.user("jane").await, app.user("john").await);
        let team = app.project("team", false).await;
        app.project("other", false).await;
        app.member("team", &jane, 1).await;
        app.member("other", &john, 1).await;
        app.push_image("other/app", "v1", "a").await;
        let own = json!({"name": "ours", "scope": "p", "project_id": team});
        let (_, id) = make(app, &jane, &own).await;
        let one = format!("{LABELS}/{id}");
        let told = app.get(&one).by(&john).send().await;
        assert_eq!(told.status, 404);
        let nothing = app.get(&format!("{LABELS}/999999")).by(&john).send().await;
        let same = nothing.text().replace("999999", &id.to_string());
        assert_eq!(told.text(), same, "the two must not be told apart");
        assert_eq!(app.put(&one).by(&john).json(&own).await.status, 404);
        assert_eq!(app.delete(&one).by(&john).send().await.status, 404);
        let list = format!("{LABELS}?scope=p&project_id={team}");
        assert_eq!(app.get(&list).by(&john).send().await.status, 404);
        assert_eq!(app.get(&list).nobody().send().await.status, 404);
        assert_eq!(make(app, &john, &own).await.0, 404);
        let put_on = "/api/v2.0/projects/other/repositories/app/artifacts/v1/labels";
        let answer = app.post(put_on).by(&john).json(&json!({"id": id})).await;
        assert_eq!(answer.status, 404);
        assert_eq!(app.count("SELECT COUNT(*) FROM artifact_label").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_bear_labels_and_are_found_by_them() {
    both(async |app| {
        let project = app.project("team", false).await;
        let first = app.push_image("team/app", "v1", "a").await;
        let second = app.push_image("team/app", "v2", "b").await;
        let mut ids = Vec::new();
        for name in ["red", "green"] {
            let body = json!({"name": name, "scope": "p", "project_id": project});
            ids.push(make(app, &app.admin, &body).await.1);
        }
        let (_, global) = make(app, &app.admin, &json!({"name": "all", "scope": "g"})).await;
        let artifacts = "/api/v2.0/projects/team/repositories/app/artifacts";
        let put = async |tag: &str, id: i64| {
            let path = format!("{artifacts}/{tag}/labels");
            app.post(&path).json(&json!({"id": id})).await.status
        };
        assert_eq!(put("v1", ids[0]).await, 200);
        assert_eq!(put("v1", ids[0]).await, 409);
        assert_eq!(put("v1", ids[1]).await, 200);
        assert_eq!(put("v2", ids[1]).await, 200);
        assert_eq!(put(&second.digest, global).await, 200);
        assert_eq!(put("v1", 999_999).await, 404);
        assert_eq!(put("none", global).await, 404);

        let found = async |q: &str| {
            let path = format!("{artifacts}?q={q}&sort=id");
            names(app, Some(&app.admin), &path, "digest").await
        };
        let (red, green) = (ids[0], ids[1]);
        assert_eq!(
            found(&format!("labels%3D({red})")).await,
            std::slice::from_ref(&first.digest)
        );
        assert_eq!(
            found(&format!("labels%3D({red}%20{green})")).await,
            std::slice::from_ref(&first.digest)
        );
        assert_eq!(found(&format!("labels%3D({green})")).await.len(), 2);
        assert_eq!(
            found(&format!("labels%3D({red}%20{global})")).await.len(),
            0
        );
        let all = format!("/api/v2.0/projects/team/artifacts?q=labels%3D({global})");
        assert_eq!(
            names(app, Some(&app.admin), &all, "digest").await,
            std::slice::from_ref(&second.digest)
        );

        let shown = app
            .get(&format!("{artifacts}/v1?with_label=true"))
            .send()
            .await;
        let shown = shown.expect(200).json();
        assert_eq!(shown["labels"][0]["name"], "green");
        assert_eq!(shown["labels"][1]["name"], "red");
        let hidden = app.get(&format!("{artifacts}/v1")).send().await.expect(200);
        assert_eq!(hidden.json()["labels"], Value::Null);

        let take = async |tag: &str, id: &str| {
            let path = format!("{artifacts}/{tag}/labels/{id}");
            app.delete(&path).send().await.status
        };
        assert_eq!(take("v1", "x").await, 422);
        assert_eq!(take("v1", &global.to_string()).await, 404);
        assert_eq!(take("v1", &red.to_string()).await, 200);
        assert_eq!(take("v1", &red.to_string()).await, 404);
        // With the label goes what bears it; with the artifact what it bears.
        let one = format!("{LABELS}/{green}");
        app.delete(&one).send().await.expect(200);
        assert_eq!(app.count("SELECT COUNT(*) FROM artifact_label").await, 1);
        app.delete(&format!("{artifacts}/v2"))
            .send()
            .await
            .expect(200);
        assert_eq!(app.count("SELECT COUNT(*) FROM artifact_label").await, 0);
        app.get(&format!("{LABELS}/{global}"))
            .send()
            .await
            .expect(200);
    })
    .await;
}
