//! skopeo: copies between everything, and what it can tell and delete.

use std::fs;
use std::path::Path;

use berth_e2e::command::tool;
use berth_e2e::image::MultiArch;
use berth_e2e::{Home, Image, Login, Options, Ran, Server};

struct Skopeo<'a> {
    program: std::path::PathBuf,
    home: Home,
    server: &'a Server,
}

impl Skopeo<'_> {
    fn run(&self, args: &[&str]) -> Ran {
        self.home.run(&self.program).args(args).run()
    }

    fn log_in(&self, login: &Login) -> Ran {
        self.home
            .run(&self.program)
            .args(["login", "--tls-verify=false", "--password-stdin"])
            .args(["--username", &login.name, self.server.host()])
            .input(&login.password)
            .run()
    }

    fn name(&self, rest: &str) -> String {
        format!("docker://{}/{rest}", self.server.host())
    }

    fn copy(&self, more: &[&str], from: &str, to: &str) -> Ran {
        let insecure = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
        self.run(&[&insecure, more, &[from, to]].concat())
    }
}

fn skopeo(server: &Server) -> Option<Skopeo<'_>> {
    let skopeo = Skopeo {
        program: tool("skopeo")?,
        home: Home::new(),
        server,
    };
    skopeo.log_in(&server.admin()).expect_ok();
    Some(skopeo)
}

#[tokio::test]
async fn copies_in_and_out_byte_for_byte() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    let image = Image::random(3, 40_000);
    image.write_layout(&skopeo.home.join("in"), "v1");
    let pushed = skopeo.name("library/app:v1");
    // Without this, skopeo would compress the layers.
    skopeo
        .copy(&["--preserve-digests"], "oci:in:v1", &pushed)
        .expect_ok();

    let copied = skopeo.name("library/copy:v1");
    skopeo.copy(&[], &pushed, &copied).expect_ok();
    skopeo
        .copy(&["--preserve-digests"], &copied, "oci:out:v1")
        .expect_ok();
    same_blobs(&skopeo.home.join("in"), &skopeo.home.join("out"));
    server.stop();
}

/// Every blob of one layout is in the other, with the same bytes.
fn same_blobs(one: &Path, other: &Path) {
    let blobs = fs::read_dir(one.join("blobs/sha256")).unwrap();
    let mut count = 0;
    for blob in blobs {
        let blob = blob.unwrap();
        let copy = other.join("blobs/sha256").join(blob.file_name());
        let name = copy.display();
        let bytes = fs::read(&copy).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(fs::read(blob.path()).unwrap() == bytes, "{name} changed");
        count += 1;
    }
    assert!(count > 1);
}

#[tokio::test]
async fn an_index_keeps_all_its_architectures() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    let index = MultiArch::random();
    index.write_layout(&skopeo.home.join("in"), "v1");
    let pushed = skopeo.name("library/multi:v1");
    skopeo
        .copy(&["--all", "--preserve-digests"], "oci:in:v1", &pushed)
        .expect_ok();
    skopeo
        .copy(&["--all", "--preserve-digests"], &pushed, "oci:out:v1")
        .expect_ok();
    same_blobs(&skopeo.home.join("in"), &skopeo.home.join("out"));

    // By architecture, each client gets its own.
    for image in &index.images {
        let one = skopeo.run(&[
            "inspect",
            "--tls-verify=false",
            "--config",
            "--override-arch",
            &image.architecture,
            &pushed,
        ]);
        let config: serde_json::Value = serde_json::from_str(one.expect_ok()).unwrap();
        assert_eq!(config["architecture"], image.architecture.as_str());
    }
    server.stop();
}

#[tokio::test]
async fn converts_to_dockers_own_manifest_and_back() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    Image::random(2, 10_000).write_layout(&skopeo.home.join("in"), "v1");
    let pushed = skopeo.name("library/v2s2:v1");
    skopeo
        .copy(&["--format", "v2s2"], "oci:in:v1", &pushed)
        .expect_ok();
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let answer = server
        .api()
        .get_manifest(&server.admin(), "library/v2s2", "v1")
        .await;
    assert_eq!(answer.expect(200).header("content-type"), kind);
    skopeo
        .copy(&["--format", "oci"], &pushed, "oci:out:v1")
        .expect_ok();
    server.stop();
}

#[tokio::test]
async fn inspects_lists_and_deletes() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    let (api, admin) = (server.api(), server.admin());
    let images = [Image::random(2, 1_000), Image::random(1, 1_000)];
    for (image, tag) in images.iter().zip(["v1", "v2"]) {
        api.push(&admin, "library/app", tag, image).await;
    }
    let v1 = skopeo.name("library/app:v1");
    let told = skopeo.run(&["inspect", "--tls-verify=false", &v1]);
    let told: serde_json::Value = serde_json::from_str(told.expect_ok()).unwrap();
    assert_eq!(told["Digest"], images[0].digest());
    assert_eq!(told["Layers"].as_array().unwrap().len(), 2);
    assert_eq!(told["RepoTags"], serde_json::json!(["v1", "v2"]));

    let repository = skopeo.name("library/app");
    let tags = skopeo.run(&["list-tags", "--tls-verify=false", &repository]);
    let tags: serde_json::Value = serde_json::from_str(tags.expect_ok()).unwrap();
    assert_eq!(tags["Tags"], serde_json::json!(["v1", "v2"]));

    skopeo
        .run(&["delete", "--tls-verify=false", &v1])
        .expect_ok();
    assert_eq!(api.tags(&admin, "library/app").await, ["v2"]);
    assert!(!skopeo.run(&["inspect", "--tls-verify=false", &v1]).ok());
    server.stop();
}

#[tokio::test]
async fn synchronises_a_repository_with_a_folder_and_back() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    let (api, admin) = (server.api(), server.admin());
    for tag in ["v1", "v2", "v3"] {
        api.push(&admin, "library/app", tag, &Image::random(1, 1_000))
            .await;
    }
    let from = format!("{}/library/app", server.host());
    fs::create_dir(skopeo.home.join("folder")).unwrap();
    let out = [
        "sync",
        "--src",
        "docker",
        "--dest",
        "dir",
        "--src-tls-verify=false",
    ];
    skopeo
        .run(&[&out[..], &[&from, "folder"]].concat())
        .expect_ok();

    api.create_project(&admin, "mirror", true).await;
    let to = format!("{}/mirror", server.host());
    let back = [
        "sync",
        "--src",
        "dir",
        "--dest",
        "docker",
        "--dest-tls-verify=false",
    ];
    skopeo
        .run(&[&back[..], &["folder", &to]].concat())
        .expect_ok();
    assert_eq!(api.tags(&admin, "mirror/app").await, ["v1", "v2", "v3"]);
    for tag in ["v1", "v2", "v3"] {
        let source = api
            .get_manifest(&admin, "library/app", tag)
            .await
            .expect(200);
        let mirrored = api
            .get_manifest(&admin, "mirror/app", tag)
            .await
            .expect(200);
        assert_eq!(source.body, mirrored.body);
    }
    server.stop();
}

#[tokio::test]
async fn a_push_over_the_quota_is_refused_and_says_why() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    let (api, admin) = (server.api(), server.admin());
    let id = api.create_project(&admin, "full", false).await;
    let quota = format!("/api/v2.0/quotas/{id}");
    let limit = serde_json::json!({"hard": {"storage": 100_000}});
    let _ = api.put(&quota, Some(&admin), &limit).await.expect(200);
    // Two layers fit, the third does not.
    Image::random(3, 40_000).write_layout(&skopeo.home.join("in"), "v1");
    let pushed = skopeo.name("full/app:v1");
    let refused = skopeo.copy(&["--preserve-digests"], "oci:in:v1", &pushed);
    refused.expect_refused();
    for told in [
        "quota of project full",
        "100000 bytes",
        "garbage collection",
    ] {
        assert!(refused.stderr.contains(told), "{refused}");
    }
    let used = api.get(&quota, Some(&admin)).await.expect(200).json();
    assert!(used["used"]["storage"].as_i64().unwrap() <= 100_000);
    // With a larger one what is missing is sent, and no more.
    let limit = serde_json::json!({"hard": {"storage": 200_000}});
    let _ = api.put(&quota, Some(&admin), &limit).await.expect(200);
    skopeo
        .copy(&["--preserve-digests"], "oci:in:v1", &pushed)
        .expect_ok();
    server.stop();
}

#[tokio::test]
async fn an_immutable_tag_is_neither_overwritten_nor_deleted() {
    let server = Server::start(Options::default());
    let Some(skopeo) = skopeo(&server) else {
        return;
    };
    let (api, admin) = (server.api(), server.admin());
    for folder in ["one", "two"] {
        Image::random(1, 2_000).write_layout(&skopeo.home.join(folder), "v1");
    }
    let name = skopeo.name("library/app:v1");
    skopeo.copy(&[], "oci:one:v1", &name).expect_ok();
    let rule = serde_json::json!({
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository":
            [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    });
    let rules = "/api/v2.0/projects/library/immutabletagrules";
    let _ = api.post(rules, Some(&admin), &rule).await.expect(201);
    // The same once more is no change.
    skopeo.copy(&[], "oci:one:v1", &name).expect_ok();
    for refused in [
        skopeo.copy(&[], "oci:two:v1", &name),
        skopeo.run(&["delete", "--tls-verify=false", &name]),
    ] {
        assert!(!refused.ok(), "this should have been refused: {refused}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            said.contains("immutable") || said.contains("412"),
            "{refused}"
        );
    }
    skopeo
        .copy(&[], "oci:two:v1", &skopeo.name("library/app:main"))
        .expect_ok();
    server.stop();
}
