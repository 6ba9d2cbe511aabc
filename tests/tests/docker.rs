//! Docker Engine: the daemon that `DOCKER_HOST` names, or this machine's own.

use std::path::PathBuf;

use berth_e2e::api::Role;
use berth_e2e::command::{skip, tool};
use berth_e2e::{Home, Image, Login, Options, Ran, Server};

/// The `docker` program, if there is also a daemon for it.
pub(crate) fn docker() -> Option<PathBuf> {
    let docker = tool("docker")?;
    let version = Home::new()
        .run(&docker)
        .args(["version", "--format", "{{.Server.Version}}"])
        .run();
    if !version.ok() {
        skip("no Docker daemon answers: name one in DOCKER_HOST");
        return None;
    }
    Some(docker)
}

pub(crate) struct Docker {
    program: PathBuf,
    pub(crate) home: Home,
}

impl Docker {
    pub(crate) const fn new(program: PathBuf, home: Home) -> Self {
        Self { program, home }
    }

    pub(crate) fn run<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.home.run(&self.program).args(args).run()
    }

    pub(crate) fn login(&self, server: &Server, login: &Login) -> Ran {
        self.home
            .run(&self.program)
            .args(["login", "--username", &login.name, "--password-stdin"])
            .arg(server.host())
            .input(&login.password)
            .run()
    }
}

#[tokio::test]
async fn logs_in_pushes_pulls_and_runs() {
    let Some(program) = docker() else { return };
    let Some(image) = Image::busybox() else {
        skip("there is no static busybox");
        return;
    };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    let home = Home::new();
    let docker = Docker { program, home };
    let name = format!("{}/library/busybox:1", server.host());
    let archive = docker.home.join("image.tar");
    image.write_docker_archive(&archive, &name);
    docker
        .run(["load", "--input", &docker.home.text("image.tar")])
        .expect_ok();

    docker.login(&server, &admin).expect_ok();
    docker.run(["push", &name]).expect_ok();
    assert_eq!(api.tags(&admin, "library/busybox").await, ["1"]);

    docker.run(["rmi", "--force", &name]).expect_ok();
    docker.run(["pull", &name]).expect_ok();
    // A machine of its own class may not let containers have cgroups or system call filters.
    let run = docker.run([
        "run",
        "--rm",
        "--network=none",
        "--security-opt=seccomp=unconfined",
        "--cgroupns=host",
        &name,
    ]);
    assert_eq!(run.expect_ok(), image.mark());

    let digest = api.get_manifest(&admin, "library/busybox", "1").await;
    let digest = digest
        .expect(200)
        .header("docker-content-digest")
        .to_owned();
    docker.run(["rmi", "--force", &name]).expect_ok();
    let by_digest = format!("{}/library/busybox@{digest}", server.host());
    docker.run(["pull", &by_digest]).expect_ok();
    docker.run(["rmi", "--force", &by_digest]).expect_ok();
    server.stop();
}

#[tokio::test]
async fn a_second_push_sends_no_layer_again() {
    let Some(program) = docker() else { return };
    let server = Server::start(Options::default());
    let home = Home::new();
    let docker = Docker { program, home };
    let first = format!("{}/library/one:1", server.host());
    let second = format!("{}/library/two:1", server.host());
    let archive = docker.home.join("image.tar");
    Image::random(2, 50_000).write_docker_archive(&archive, &first);
    docker
        .run(["load", "--input", &docker.home.text("image.tar")])
        .expect_ok();
    docker.run(["tag", &first, &second]).expect_ok();
    docker.login(&server, &server.admin()).expect_ok();
    docker.run(["push", &first]).expect_ok();
    let again = docker.run(["push", &first]);
    assert_eq!(
        again.expect_ok().matches("Layer already exists").count(),
        2,
        "{again}"
    );
    let mounted = docker.run(["push", &second]);
    assert_eq!(
        mounted
            .expect_ok()
            .matches("Mounted from library/one")
            .count(),
        2,
        "{mounted}"
    );
    docker.run(["rmi", "--force", &first, &second]).expect_ok();
    server.stop();
}

#[tokio::test]
async fn a_wrong_password_and_a_logout_shut_the_door() {
    let Some(program) = docker() else { return };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    api.create_project(&admin, "team", false).await;
    let image = Image::random(1, 1_000);
    api.push(&admin, "team/app", "1", &image).await;
    let home = Home::new();
    let docker = Docker { program, home };
    let name = format!("{}/team/app:1", server.host());

    let wrong = Login {
        password: "Wrong-pass-1".to_owned(),
        ..admin.clone()
    };
    docker.login(&server, &wrong).expect_refused();
    docker.run(["pull", &name]).expect_refused();

    docker.login(&server, &admin).expect_ok();
    docker.run(["pull", &name]).expect_ok();
    docker.run(["logout", server.host()]).expect_ok();
    docker.run(["rmi", "--force", &name]).expect_ok();
    docker.run(["pull", &name]).expect_refused();
    server.stop();
}

#[tokio::test]
async fn picks_its_own_architecture_from_an_index() {
    let Some(program) = docker() else { return };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    let index = berth_e2e::image::MultiArch::random();
    api.push_index(&admin, "library/multi", "1", &index).await;
    let home = Home::new();
    let docker = Docker { program, home };
    let guest = api.create_user(&admin, "guest").await;
    api.add_member(&admin, "library", &guest, Role::Guest).await;
    docker.login(&server, &guest).expect_ok();
    let name = format!("{}/library/multi:1", server.host());
    docker.run(["pull", &name]).expect_ok();
    let found = docker.run(["image", "inspect", "--format", "{{.Architecture}}", &name]);
    assert_eq!(found.expect_ok(), berth_e2e::image::architecture());
    docker.run(["push", &name]).expect_refused();
    docker.run(["rmi", "--force", &name]).expect_ok();
    server.stop();
}

#[tokio::test]
async fn a_push_over_the_quota_is_refused_and_says_why() {
    let Some(program) = docker() else { return };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    let id = api.create_project(&admin, "full", false).await;
    let quota = format!("/api/v2.0/quotas/{id}");
    let limit = serde_json::json!({"hard": {"storage": 20_000}});
    let _ = api.put(&quota, Some(&admin), &limit).await.expect(200);
    let home = Home::new();
    let docker = Docker { program, home };
    let name = format!("{}/full/app:1", server.host());
    let archive = docker.home.join("image.tar");
    Image::random(1, 50_000).write_docker_archive(&archive, &name);
    docker
        .run(["load", "--input", &docker.home.text("image.tar")])
        .expect_ok();
    docker.login(&server, &admin).expect_ok();
    let refused = docker.run(["push", &name]);
    refused.expect_refused();
    let told = refused.stderr.contains("quota of project full");
    assert!(told, "{refused}");
    docker.run(["rmi", "--force", &name]).expect_ok();
    server.stop();
}
