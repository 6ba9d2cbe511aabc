//! The management API by HTTP, as scripts written for Harbor use it: on both databases.

use berth_e2e::api::Role;
use berth_e2e::content::digest;
use berth_e2e::image::MultiArch;
use berth_e2e::{Api, Image, Login, Options, Server};
use serde_json::{Value, json};

/// A server with its API and administrator.
struct Site {
    server: Server,
    api: Api,
    admin: Login,
}

/// The servers to try: one on each database.
fn sites() -> impl Iterator<Item = Site> {
    let databases = [Some(Options::default()), Options::default().postgres()];
    databases.into_iter().flatten().map(|options| {
        let server = Server::start(options);
        let (api, admin) = (server.api(), server.admin());
        Site { server, api, admin }
    })
}

impl Site {
    /// GET of JSON as the administrator.
    async fn get(&self, path: &str) -> Value {
        self.get_as(path, &self.admin).await
    }

    async fn get_as(&self, path: &str, who: &Login) -> Value {
        let path = format!("/api/v2.0{path}");
        self.api.get(&path, Some(who)).await.expect(200).json()
    }

    async fn status(&self, path: &str, who: Option<&Login>) -> u16 {
        self.api.get(&format!("/api/v2.0{path}"), who).await.status
    }

    async fn put(&self, path: &str, body: Value, status: u16) {
        let path = format!("/api/v2.0{path}");
        let answer = self.api.put(&path, Some(&self.admin), &body).await;
        let _ = answer.expect(status);
    }

    async fn delete(&self, path: &str, status: u16) {
        let path = format!("/api/v2.0{path}");
        let _ = self
            .api
            .delete(&path, Some(&self.admin))
            .await
            .expect(status);
    }
}

/// The value of `key` in every element.
fn all(list: &Value, key: &str) -> Vec<Value> {
    let list = list.as_array().unwrap();
    list.iter().map(|element| element[key].clone()).collect()
}

#[tokio::test]
async fn says_that_it_is_well_before_anyone_logs_in() {
    for site in sites() {
        assert_eq!(site.api.get("/api/v2.0/ping", None).await.body, "Pong");
        let health = site
            .api
            .get("/api/v2.0/health", None)
            .await
            .expect(200)
            .json();
        assert_eq!(health["status"], "healthy");
        assert_eq!(site.status("/users/current", None).await, 401);
        assert_eq!(site.get("/systeminfo").await["auth_mode"], "db_auth");
        site.server.stop();
    }
}

#[tokio::test]
async fn users_come_change_and_go() {
    for site in sites() {
        let jane = site.api.create_user(&site.admin, "jane").await;
        let me = site.get_as("/users/current", &jane).await;
        assert_eq!(
            (&me["username"], &me["sysadmin_flag"]),
            (&json!("jane"), &json!(false))
        );
        let again = json!({"username": "jane", "email": "other@example.org",
            "realname": "Jane", "password": "User-pass-1"});
        let again = site
            .api
            .post("/api/v2.0/users", Some(&site.admin), &again)
            .await;
        assert_eq!(again.expect(409).json()["errors"][0]["code"], "CONFLICT");
        assert_eq!(site.status("/users", Some(&jane)).await, 403);
        assert_eq!(site.status("/users", None).await, 401);
        assert!(all(&site.get("/users").await, "username").contains(&json!("jane")));

        let path = format!("/users/{}", jane.id);
        let profile = json!({"email": "jane@example.com", "realname": "Jane D", "comment": "c"});
        site.put(&path, profile, 200).await;
        assert_eq!(site.get(&path).await["email"], "jane@example.com");

        // The old password ends with the answer to the change.
        let body = json!({"old_password": jane.password, "new_password": "Other-pass-2"});
        let change = format!("/api/v2.0{path}/password");
        let _ = site.api.put(&change, Some(&jane), &body).await.expect(200);
        assert_eq!(site.status("/users/current", Some(&jane)).await, 401);
        let jane = Login {
            password: "Other-pass-2".to_owned(),
            ..jane
        };
        site.put(
            &format!("{path}/sysadmin"),
            json!({"sysadmin_flag": true}),
            200,
        )
        .await;
        assert_eq!(site.status("/users", Some(&jane)).await, 200);
        site.delete(&path, 200).await;
        assert_eq!(site.status("/users/current", Some(&jane)).await, 401);
        assert_eq!(site.status(&path, Some(&site.admin)).await, 404);
        site.server.stop();
    }
}

#[tokio::test]
async fn projects_come_change_and_go() {
    for site in sites() {
        let owner = site.api.create_user(&site.admin, "owner").await;
        let stranger = site.api.create_user(&site.admin, "stranger").await;
        let id = site.api.create_project(&owner, "team", false).await;
        let team = site.get_as("/projects/team", &owner).await;
        assert_eq!(team["project_id"], id);
        assert_eq!(team["owner_name"], "owner");
        assert_eq!(team["metadata"]["public"], "false");
        assert_eq!(site.get(&format!("/projects/{id}")).await["name"], "team");
        let head = "/api/v2.0/projects?project_name=team";
        assert_eq!(site.api.head(head, Some(&owner)).await.status, 200);
        let head = "/api/v2.0/projects?project_name=none";
        assert_eq!(site.api.head(head, Some(&owner)).await.status, 404);
        let again = json!({"project_name": "team"});
        let again = site
            .api
            .post("/api/v2.0/projects", Some(&owner), &again)
            .await;
        assert_eq!(again.status, 409);

        // Who may not see it is not told that it is there.
        let seen = site.get_as("/projects", &stranger).await;
        assert_eq!(all(&seen, "name"), ["library"]);
        assert_eq!(site.status("/projects/team", Some(&stranger)).await, 403);
        assert_eq!(site.status("/projects/none", Some(&stranger)).await, 403);
        assert_eq!(site.status("/projects/none", Some(&site.admin)).await, 404);
        site.put(
            "/projects/team",
            json!({"metadata": {"public": "true"}}),
            200,
        )
        .await;
        assert_eq!(site.status("/projects/team", Some(&stranger)).await, 200);
        assert_eq!(site.status("/projects/team", None).await, 200);

        site.api
            .push(&owner, "team/app", "v1", &Image::random(1, 1_000))
            .await;
        assert_eq!(site.get("/projects/team/summary").await["repo_count"], 1);
        assert_eq!(
            site.get("/projects/team/_deletable").await["deletable"],
            false
        );
        site.delete("/projects/team", 412).await;
        site.delete("/projects/team/repositories/app", 200).await;
        site.delete("/projects/team", 200).await;
        assert_eq!(site.status("/projects/team", Some(&site.admin)).await, 404);
        // The name is free again, and nothing of the old project comes back with it.
        site.api.create_project(&site.admin, "team", false).await;
        assert_eq!(site.status("/projects/team", Some(&owner)).await, 403);
        site.server.stop();
    }
}

#[tokio::test]
async fn members_have_their_role_and_no_more() {
    for site in sites() {
        site.api.create_project(&site.admin, "team", false).await;
        let jane = site.api.create_user(&site.admin, "jane").await;
        let joe = site.api.create_user(&site.admin, "joe").await;
        let member = site
            .api
            .add_member(&site.admin, "team", &jane, Role::Guest)
            .await;
        let path = format!("/projects/team/members/{member}");
        assert_eq!(site.get(&path).await["role_name"], "guest");
        let image = Image::random(1, 1_000);
        let push = format!(
            "/v2/team/app/blobs/uploads/?digest={}",
            digest(&image.config)
        );
        let push = || {
            let request = site.api.request(reqwest::Method::POST, &push, Some(&jane));
            site.api.send(request.body(image.config.clone()))
        };
        assert_eq!(push().await.status, 403);

        site.put(&path, json!({"role_id": Role::Developer as u8}), 200)
            .await;
        assert_eq!(push().await.status, 201);
        let names = all(&site.get("/projects/team/members").await, "entity_name");
        assert_eq!(names, ["admin", "jane"]);
        let found = site.get("/projects/team/members?entityname=ja").await;
        assert_eq!(all(&found, "entity_name"), ["jane"]);

        // A developer reads the list and does not add to it.
        assert_eq!(
            site.status("/projects/team/members", Some(&jane)).await,
            200
        );
        let body = json!({"role_id": 1, "member_user": {"username": joe.name}});
        let add = "/api/v2.0/projects/team/members";
        assert_eq!(site.api.post(add, Some(&jane), &body).await.status, 403);
        site.delete(&path, 200).await;
        assert_eq!(push().await.status, 403);
        assert_eq!(site.status(&path, Some(&site.admin)).await, 404);
        site.server.stop();
    }
}

#[tokio::test]
async fn what_was_pushed_can_be_seen_tagged_and_removed() {
    for site in sites() {
        let (api, admin) = (&site.api, &site.admin);
        api.create_project(admin, "team", false).await;
        let image = Image::random(2, 3_000);
        api.push(admin, "team/deep/app", "v1", &image).await;
        api.push(admin, "team/deep/app", "v2", &Image::random(1, 1_000))
            .await;
        let _ = api
            .get_manifest(admin, "team/deep/app", "v1")
            .await
            .expect(200);

        assert_eq!(
            all(&site.get("/projects/team/repositories").await, "name"),
            ["team/deep/app"]
        );
        // A slash in a repository's name is encoded twice.
        let repository = "/projects/team/repositories/deep%252Fapp";
        assert_eq!(site.get(repository).await["artifact_count"], 2);
        site.put(repository, json!({"description": "about"}), 200)
            .await;
        assert_eq!(site.get(repository).await["description"], "about");

        let list = format!("/api/v2.0{repository}/artifacts?page_size=1");
        let page = api.get(&list, Some(admin)).await.expect(200);
        assert_eq!(page.header("x-total-count"), "2");
        assert!(page.header("link").contains("rel=\"next\""), "{page:?}");
        let artifact = format!("{repository}/artifacts/v1");
        let found = site.get(&artifact).await;
        assert_eq!(found["digest"], image.digest());
        assert_eq!(found["type"], "IMAGE");
        assert_eq!(all(&found["tags"], "name"), ["v1"]);
        let size = image.blobs().map(Vec::len).sum::<usize>() + image.manifest.len();
        assert_eq!(found["size"], size);

        let tags = format!("/api/v2.0{artifact}/tags");
        let _ = api
            .post(&tags, Some(admin), &json!({"name": "latest"}))
            .await
            .expect(201);
        assert_eq!(
            api.tags(admin, "team/deep/app").await,
            ["latest", "v1", "v2"]
        );
        site.delete(&format!("{artifact}/tags/latest"), 200).await;
        assert_eq!(api.tags(admin, "team/deep/app").await, ["v1", "v2"]);
        site.delete(&artifact, 200).await;
        assert_eq!(site.status(&artifact, Some(admin)).await, 404);
        let gone = api
            .get_manifest(admin, "team/deep/app", &image.digest())
            .await;
        assert_eq!(gone.status, 404);
        site.delete(repository, 200).await;
        assert_eq!(site.get("/projects/team/repositories").await, json!([]));
        site.server.stop();
    }
}

#[tokio::test]
async fn an_index_is_one_artifact_with_its_images_inside() {
    for site in sites() {
        let index = MultiArch::random();
        site.api
            .push_index(&site.admin, "library/multi", "v1", &index)
            .await;
        let artifacts = site
            .get("/projects/library/repositories/multi/artifacts")
            .await;
        assert_eq!(all(&artifacts, "digest"), [index.digest()]);
        let children = all(&artifacts[0]["references"], "child_digest");
        assert_eq!(children.len(), index.images.len());
        for image in &index.images {
            assert!(children.contains(&json!(image.digest())));
        }
        // What the index needs does not go before it, and goes with it.
        let child = index.images[0].digest();
        let child = format!("/projects/library/repositories/multi/artifacts/{child}");
        site.delete(&child, 412).await;
        site.delete("/projects/library/repositories/multi/artifacts/v1", 200)
            .await;
        assert_eq!(site.status(&child, Some(&site.admin)).await, 404);
        site.server.stop();
    }
}

#[tokio::test]
async fn the_log_tells_who_did_what() {
    for site in sites() {
        let (api, admin) = (&site.api, &site.admin);
        api.create_project(admin, "team", false).await;
        let jane = api.create_user(admin, "jane").await;
        api.add_member(admin, "team", &jane, Role::Maintainer).await;
        api.push(&jane, "team/app", "v1", &Image::random(1, 1_000))
            .await;
        let _ = api.get_manifest(&jane, "team/app", "v1").await.expect(200);
        let delete = "/api/v2.0/projects/team/repositories/app/artifacts/v1";
        let _ = api.delete(delete, Some(&jane)).await.expect(200);

        let log = logged(&site, "/projects/team/logs?q=username=jane", 3).await;
        let mut operations = all(&log, "operation");
        operations.sort_by_key(ToString::to_string);
        assert_eq!(operations, ["create", "delete", "pull"], "{log}");
        assert!(
            all(&log, "resource")
                .iter()
                .all(|one| one.to_string().contains("team/app"))
        );
        let pulls = logged(&site, "/audit-logs?q=operation=pull,username=jane", 1).await;
        assert_eq!(all(&pulls, "operation"), ["pull"]);
        // A maintainer sees no log; the project's administrator would.
        assert_eq!(site.status("/projects/team/logs", Some(&jane)).await, 403);
        site.server.stop();
    }
}

/// Reads a log until it has this many entries: pulls are written a moment later.
async fn logged(site: &Site, path: &str, count: usize) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let log = site.get(path).await;
        if log.as_array().unwrap().len() >= count || std::time::Instant::now() > deadline {
            return log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_command_line_manages_users_beside_the_server() {
    for site in sites() {
        let create = ["admin", "create-user", "operator", "--sysadmin"];
        site.server
            .command(&create)
            .env("BERTH_PASSWORD", "Operator-pass-1")
            .run()
            .expect_ok();
        let operator = Login {
            id: 0,
            name: "operator".to_owned(),
            password: "Operator-pass-1".to_owned(),
        };
        let me = site.get_as("/users/current", &operator).await;
        assert_eq!(me["sysadmin_flag"], true);
        let reset = site
            .server
            .command(&["admin", "reset-password", "operator"])
            .run();
        let line = reset
            .expect_ok()
            .lines()
            .find(|line| line.contains("Password:"));
        let password = line.unwrap().split_whitespace().last().unwrap().to_owned();
        let operator = Login {
            password,
            ..operator
        };
        assert_eq!(site.status("/users/current", Some(&operator)).await, 200);
        let nobody = site
            .server
            .command(&["admin", "reset-password", "nobody"])
            .run();
        assert!(
            !nobody.ok() && nobody.stderr.contains("there is no user nobody"),
            "{nobody}"
        );
        site.server.stop();
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    for mut site in sites() {
        let image = Image::random(2, 5_000);
        site.api
            .push(&site.admin, "library/app", "v1", &image)
            .await;
        let jane = site.api.create_user(&site.admin, "jane").await;
        site.server.restart();
        site.api = site.server.api();
        let found = site
            .api
            .get_manifest(&jane, "library/app", "v1")
            .await
            .expect(200);
        assert!(found.body == image.manifest);
        let gc = site.server.command(&["gc"]).run();
        assert!(gc.expect_ok().contains("blobs deleted:       0"), "{gc}");
        site.server.stop();
    }
}
