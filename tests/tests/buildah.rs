//! buildah: builds from the registry and pushes what it built.

use berth_e2e::command::{is_root, skip, tool};
use berth_e2e::{Home, Image, Options, Server};

use crate::podman::own_store;

#[tokio::test]
async fn builds_from_a_pulled_image_and_pushes() {
    let Some(program) = tool("buildah") else {
        return;
    };
    if !is_root("buildah") {
        return;
    }
    let Some(image) = Image::busybox() else {
        skip("there is no static busybox");
        return;
    };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    api.push(&admin, "library/base", "1", &image).await;
    let (home, elsewhere) = (Home::new(), Home::new());
    for home in [&home, &elsewhere] {
        own_store(&program, home)
            .args(["login", "--tls-verify=false", "--password-stdin"])
            .args(["--username", &admin.name, server.host()])
            .input(&admin.password)
            .run()
            .expect_ok();
    }
    let recipe = format!(
        "FROM {}/library/base:1\nRUN [\"/bin/sh\", \"-c\", \"echo made > /made\"]\n",
        server.host()
    );
    std::fs::write(home.join("Containerfile"), recipe).unwrap();
    let built = format!("{}/library/built:1", server.host());
    own_store(&program, &home)
        .args(["build", "--isolation=chroot", "--tls-verify=false"])
        .args(["--tag", &built, "--file", "Containerfile", &home.text("")])
        .run()
        .expect_ok();
    own_store(&program, &home)
        .args(["push", "--tls-verify=false", &built])
        .run()
        .expect_ok();
    assert_eq!(api.tags(&admin, "library/built").await, ["1"]);

    // With a store that has never seen it, what was made is there.
    let container = own_store(&program, &elsewhere)
        .args(["from", "--tls-verify=false", &built])
        .run();
    let container = container.expect_ok();
    let made = own_store(&program, &elsewhere)
        .args(["run", "--isolation=chroot", container, "/bin/cat", "/made"])
        .run();
    assert_eq!(made.expect_ok(), "made");
    server.stop();
}

#[tokio::test]
async fn pushes_a_manifest_list_with_all_its_images() {
    let Some(program) = tool("buildah") else {
        return;
    };
    if !is_root("buildah") {
        return;
    }
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    let home = Home::new();
    for architecture in ["amd64", "arm64"] {
        Image::random_for(architecture, 1, 2_000).write_layout(&home.join(architecture), "1");
    }
    let buildah = || own_store(&program, &home);
    buildah()
        .args(["manifest", "create", "list"])
        .run()
        .expect_ok();
    for architecture in ["amd64", "arm64"] {
        let image = format!("oci:{}:1", home.text(architecture));
        buildah()
            .args(["manifest", "add", "--arch", architecture, "list", &image])
            .run()
            .expect_ok();
    }
    let to = format!("docker://{}/library/list:1", server.host());
    let creds = format!("{}:{}", admin.name, admin.password);
    buildah()
        .args([
            "manifest",
            "push",
            "--all",
            "--tls-verify=false",
            "--creds",
            &creds,
            "list",
            &to,
        ])
        .run()
        .expect_ok();
    let list = api
        .get_manifest(&admin, "library/list", "1")
        .await
        .expect(200)
        .json();
    let entries = list["manifests"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{list}");
    for entry in entries {
        let digest = entry["digest"].as_str().unwrap();
        let _ = api
            .get_manifest(&admin, "library/list", digest)
            .await
            .expect(200);
    }
    server.stop();
}
