//! podman, with a store of its own so that this machine's containers are left alone.

use std::path::Path;

use berth_e2e::command::{is_root, skip, tool};
use berth_e2e::{Home, Image, Login, Options, Run, Server};

/// podman or buildah with their state below one home.
pub(crate) fn own_store(program: &Path, home: &Home) -> Run {
    home.run(program)
        .args([
            "--root",
            &home.text("store"),
            "--runroot",
            &home.text("run"),
        ])
        .args(["--storage-driver", "vfs"])
}

fn podman(program: &Path, home: &Home) -> Run {
    own_store(program, home).args(["--cgroup-manager=cgroupfs", "--events-backend=none"])
}

fn log_in(program: &Path, home: &Home, server: &Server, login: &Login) -> berth_e2e::Ran {
    podman(program, home)
        .args(["login", "--tls-verify=false", "--password-stdin"])
        .args(["--username", &login.name, server.host()])
        .input(&login.password)
        .run()
}

#[tokio::test]
async fn logs_in_pushes_pulls_and_runs() {
    let Some(program) = tool("podman") else {
        return;
    };
    if !is_root("podman") {
        return;
    }
    let Some(image) = Image::busybox() else {
        skip("there is no static busybox");
        return;
    };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    let home = Home::new();
    let name = format!("{}/library/busybox:1", server.host());
    image.write_docker_archive(&home.join("image.tar"), &name);
    let podman = || podman(&program, &home);
    podman()
        .args(["load", "--input", "image.tar"])
        .run()
        .expect_ok();

    log_in(&program, &home, &server, &admin).expect_ok();
    podman()
        .args(["push", "--tls-verify=false", &name])
        .run()
        .expect_ok();
    assert_eq!(api.tags(&admin, "library/busybox").await, ["1"]);
    podman().args(["rmi", "--force", &name]).run().expect_ok();
    podman()
        .args(["pull", "--tls-verify=false", &name])
        .run()
        .expect_ok();
    run_it(&podman, &name, &image.mark());
    server.stop();
}

/// Runs an image with whichever runtime this machine's control groups allow.
fn run_it(podman: &dyn Fn() -> Run, name: &str, expected: &str) {
    let mut failures = String::new();
    for runtime in ["crun", "runc"] {
        if tool(runtime).is_none() {
            continue;
        }
        let ran = podman()
            .args(["--runtime", runtime, "run", "--rm", "--network=none"])
            .args([
                "--ulimit=nofile=1024:1024",
                "--ulimit=nproc=1024:1024",
                name,
            ])
            .run();
        if ran.ok() {
            assert_eq!(ran.stdout.trim(), expected);
            return;
        }
        failures.push_str(&ran.to_string());
    }
    panic!("no runtime could run {name}: {failures}");
}

#[tokio::test]
async fn a_wrong_password_and_a_logout_shut_the_door() {
    let Some(program) = tool("podman") else {
        return;
    };
    if !is_root("podman") {
        return;
    }
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    api.create_project(&admin, "team", false).await;
    api.push(&admin, "team/app", "1", &Image::random(1, 1_000))
        .await;
    let home = Home::new();
    let name = format!("{}/team/app:1", server.host());
    let pull = || {
        podman(&program, &home)
            .args(["pull", "--tls-verify=false", &name])
            .run()
    };

    let wrong = Login {
        password: "Wrong-pass-1".to_owned(),
        ..admin.clone()
    };
    log_in(&program, &home, &server, &wrong).expect_refused();
    pull().expect_refused();
    log_in(&program, &home, &server, &admin).expect_ok();
    pull().expect_ok();
    podman(&program, &home)
        .args(["logout", server.host()])
        .run()
        .expect_ok();
    pull().expect_refused();
    server.stop();
}
