//! Groups of users: the API, and the roles their members get by them.

use berth_db::{DbError, args};
use http::Method;
use serde_json::json;

use crate::app::{App, both};
use crate::client::Login;

const GROUPS: &str = "/api/v2.0/usergroups";

/// What a directory will say at a login.
async fn put_in(app: &App, user: &Login, group: i64) {
    let user = user.id;
    let put: Result<u64, DbError> = app
        .parts
        .db
        .write(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO user_group_member (group_id, user_id) VALUES ($1, $2)";
                tx.execute(sql, args![group, user]).await
            })
        })
        .await;
    put.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_come_and_go() {
    both(async |app| {
        let crew = json!({"group_name": "crew", "group_type": 3});
        let made = app.post(GROUPS).json(&crew).await.expect(201);
        let one = made.need("location").to_owned();
        let read = app.get(&one).send().await.expect(200).json();
        assert_eq!(
            (&read["group_name"], &read["group_type"]),
            (&json!("crew"), &json!(3))
        );
        assert_eq!(app.post(GROUPS).json(&crew).await.status, 409);
        let http = json!({"group_name": "crew", "group_type": 2});
        app.post(GROUPS).json(&http).await.expect(201);
        let ldap = json!({"group_name": "l", "group_type": 1, "ldap_group_dn": "cn=l,dc=x"});
        app.post(GROUPS).json(&ldap).await.expect(201);
        assert_eq!(app.post(GROUPS).json(&ldap).await.status, 409);
        for bad in [
            json!({"group_name": "x", "group_type": 4}),
            json!({"group_name": "", "group_type": 3}),
            json!({"group_name": "x", "group_type": 1}),
        ] {
            assert_eq!(app.post(GROUPS).json(&bad).await.status, 400, "{bad}");
        }
        let listed = app
            .get(&format!("{GROUPS}?group_name=CRE"))
            .send()
            .await
            .expect(200);
        assert_eq!(listed.need("x-total-count"), "2");
        let jane = app.user("jane").await;
        let found = app
            .get(&format!("{GROUPS}/search?groupname=l"))
            .by(&jane)
            .send()
            .await;
        let found = found.expect(200).json();
        assert_eq!(found[0]["group_name"], "l");
        assert!(found[0].get("ldap_group_dn").is_none());
        let renamed = json!({"group_name": "sailors"});
        app.put(&one).json(&renamed).await.expect(200);
        assert_eq!(app.get(&one).send().await.json()["group_name"], "sailors");
        app.call(Method::DELETE, &one).send().await.expect(200);
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(app.call(method, &one).send().await.status, 404);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_is_the_best_of_ones_own_and_the_groups() {
    both(async |app| {
        app.project("app", false).await;
        app.push_image("app/x", "1", "groups").await;
        let jane = app.user("jane").await;
        let members = "/api/v2.0/projects/app/members";
        let add = json!({"role_id": 3, "member_group": {"group_name": "crew", "group_type": 3}});
        let guest = app.post(members).json(&add).await.expect(201);
        let guest = guest.need("location").to_owned();
        let member = app.get(&guest).send().await.expect(200).json();
        assert_eq!(
            (&member["entity_type"], &member["entity_name"]),
            (&json!("g"), &json!("crew"))
        );
        assert_eq!(app.post(members).json(&add).await.status, 409);
        let crew = member["entity_id"].as_i64().unwrap();

        let role = async || {
            let read = app.get("/api/v2.0/projects/app").by(&jane).send().await;
            (read.status == 200).then(|| read.json()["current_user_role_id"].as_i64().unwrap())
        };
        let lists = async || {
            let catalog = app.get("/v2/_catalog").by(&jane).send().await.text();
            let repositories = app
                .get("/api/v2.0/repositories")
                .by(&jane)
                .send()
                .await
                .text();
            let projects = app
                .get("/api/v2.0/projects?name=app")
                .by(&jane)
                .send()
                .await
                .text();
            [catalog, repositories, projects].map(|text| text.contains("\"app"))
        };
        assert_eq!((role().await, lists().await), (None, [false; 3]));
        put_in(app, &jane, crew).await;
        assert_eq!((role().await, lists().await), (Some(3), [true; 3]));

        // A stronger role of her own, then a stronger one of the group.
        let own = app.member("app", &jane, 2).await;
        assert_eq!(role().await, Some(2));
        app.put(&guest)
            .json(&json!({"role_id": 1}))
            .await
            .expect(200);
        assert_eq!(role().await, Some(1));
        let log = app
            .get("/api/v2.0/audit-logs")
            .by(&jane)
            .send()
            .await
            .expect(200);
        assert_ne!(log.need("x-total-count"), "0");
        let own = format!("{members}/{own}");
        app.call(Method::DELETE, &own).send().await.expect(200);
        app.put(&guest)
            .json(&json!({"role_id": 5}))
            .await
            .expect(200);
        assert_eq!(role().await, Some(5));
        let summary = app
            .get("/api/v2.0/projects/app/summary")
            .send()
            .await
            .json();
        assert_eq!(summary["limited_guest_count"], 1);
        let named = app
            .get(&format!("{members}?entityname=cre"))
            .send()
            .await
            .expect(200);
        assert_eq!(named.need("x-total-count"), "1");

        // With the group goes what it gave.
        app.call(Method::DELETE, &format!("{GROUPS}/{crew}"))
            .send()
            .await
            .expect(200);
        assert_eq!((role().await, lists().await), (None, [false; 3]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_leaves_no_membership() {
    both(async |app| {
        app.project("app", false).await;
        let jane = app.user("jane").await;
        app.member("app", &jane, 2).await;
        let token = app
            .token(Some(&jane), &["repository:app/x:pull,push"])
            .await;
        let push = async || {
            let call = app.post("/v2/app/x/blobs/uploads/").bearer(&token);
            call.body(&b""[..]).send().await.status
        };
        assert_eq!(push().await, 202);
        let of_jane = format!("/api/v2.0/users/{}", jane.id);
        app.call(Method::DELETE, &of_jane).send().await.expect(200);
        assert_eq!(app.get("/v2/").by(&jane).send().await.status, 401);
        // The token is not good for another push.
        assert_eq!(push().await, 401);
        let rows = "SELECT COUNT(*) FROM project_member WHERE user_id <> 1";
        assert_eq!(app.count(rows).await, 0);
    })
    .await;
}
