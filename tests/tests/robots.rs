//! Robots with real clients: what they may push, and how they are shut out.

use berth_e2e::command::tool;
use berth_e2e::{Api, Home, Image, Login, Options, Ran, Server};
use serde_json::{Value, json};

use crate::docker::{Docker, docker};

const ROBOTS: &str = "/api/v2.0/robots";

/// Makes a robot that may do this in a project; gives its path, too.
async fn robot(api: &Api, admin: &Login, project: &str, actions: &[&str]) -> (Login, String) {
    let access: Vec<Value> = actions
        .iter()
        .map(|action| json!({"resource": "repository", "action": action}))
        .collect();
    let body = json!({
        "name": "ci",
        "level": "project",
        "duration": -1,
        "permissions": [{"kind": "project", "namespace": project, "access": access}],
    });
    let made = api.post(ROBOTS, Some(admin), &body).await.expect(201);
    let made = made.json();
    let id = made["id"].as_i64().unwrap();
    let login = Login {
        id,
        name: made["name"].as_str().unwrap().to_owned(),
        password: made["secret"].as_str().unwrap().to_owned(),
    };
    (login, format!("{ROBOTS}/{id}"))
}

fn refused(ran: &Ran, words: &[&str]) {
    assert!(!ran.ok(), "{ran}");
    assert!(words.iter().any(|word| ran.stderr.contains(word)), "{ran}");
}

#[tokio::test]
async fn docker_works_as_a_robot_within_its_scope_only() {
    let Some(program) = docker() else { return };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    let docker = Docker::new(program, Home::new());
    for project in ["mine", "theirs"] {
        api.create_project(&admin, project, false).await;
    }
    let (ci, path) = robot(&api, &admin, "mine", &["pull", "push"]).await;
    assert_eq!(ci.name, "robot$mine+ci");
    docker.login(&server, &ci).expect_ok();

    let names = ["mine", "theirs"].map(|project| format!("{}/{project}/app:1", server.host()));
    let archive = docker.home.join("image.tar");
    Image::random(1, 2_000).write_docker_archive(&archive, &names[0]);
    let archive = docker.home.text("image.tar");
    docker.run(["load", "--input", &archive]).expect_ok();
    docker.run(["tag", &names[0], &names[1]]).expect_ok();
    docker.run(["push", &names[0]]).expect_ok();
    refused(
        &docker.run(["push", &names[1]]),
        &["denied", "unauthorized"],
    );
    docker
        .run(["rmi", "--force", &names[0], &names[1]])
        .expect_ok();
    docker.run(["pull", &names[0]]).expect_ok();

    // A new secret ends the old one.
    let renewed = api
        .request(reqwest::Method::PATCH, &path, Some(&admin))
        .json(&json!({}));
    let renewed = api.send(renewed).await.expect(200).json();
    refused(&docker.run(["pull", &names[0]]), &["unauthorized"]);
    refused(&docker.login(&server, &ci), &["unauthorized"]);
    let ci = Login {
        password: renewed["secret"].as_str().unwrap().to_owned(),
        ..ci
    };
    docker.login(&server, &ci).expect_ok();
    docker.run(["pull", &names[0]]).expect_ok();

    // Disabled, it is out at once.
    let mut body = api.get(&path, Some(&admin)).await.expect(200).json();
    body["disable"] = json!(true);
    let _ = api.put(&path, Some(&admin), &body).await.expect(200);
    refused(&docker.run(["pull", &names[0]]), &["unauthorized"]);
    docker.run(["rmi", "--force", &names[0]]).expect_ok();
    server.stop();
}

#[tokio::test]
async fn a_robot_that_may_pull_copies_out_and_not_in() {
    let Some(program) = tool("skopeo") else {
        return;
    };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    api.create_project(&admin, "mine", false).await;
    let image = Image::random(1, 1_000);
    api.push(&admin, "mine/app", "1", &image).await;
    let (reader, path) = robot(&api, &admin, "mine", &["pull"]).await;
    let home = Home::new();
    let credentials = format!("{}:{}", reader.name, reader.password);
    let stored = format!("docker://{}/mine/app:1", server.host());
    let copy = |side: &str, from: &str, to: &str| {
        let insecure = format!("--{side}-tls-verify=false");
        let credentials = format!("--{side}-creds={credentials}");
        home.run(&program)
            .args(["copy", &insecure, &credentials, from, to])
            .run()
    };
    copy("src", &stored, "oci:out:1").expect_ok();
    refused(
        &copy("dest", "oci:out:1", &stored),
        &["denied", "unauthorized"],
    );
    let _ = api.delete(&path, Some(&admin)).await.expect(200);
    refused(&copy("src", &stored, "oci:out:2"), &["unauthorized"]);
    server.stop();
}
