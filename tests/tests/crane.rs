//! crane, and with it every tool built on go-containerregistry.

use std::path::PathBuf;

use berth_e2e::command::tool;
use berth_e2e::image::MultiArch;
use berth_e2e::{Home, Image, Login, Options, Ran, Server};

struct Crane<'a> {
    program: PathBuf,
    home: Home,
    server: &'a Server,
}

impl Crane<'_> {
    fn run(&self, args: &[&str]) -> Ran {
        self.home.run(&self.program).args(args).run()
    }

    fn log_in(&self, login: &Login) -> Ran {
        self.home
            .run(&self.program)
            .args(["auth", "login", "--password-stdin"])
            .args(["--username", &login.name, self.server.host()])
            .input(&login.password)
            .run()
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.server.host())
    }
}

fn crane(server: &Server) -> Option<Crane<'_>> {
    let crane = Crane {
        program: tool("crane")?,
        home: Home::new(),
        server,
    };
    crane.log_in(&server.admin()).expect_ok();
    Some(crane)
}

#[tokio::test]
async fn pushes_reads_copies_and_deletes() {
    let server = Server::start(Options::default());
    let Some(crane) = crane(&server) else { return };
    let image = Image::random(2, 20_000);
    image.write_layout(&crane.home.join("in"), "v1");
    let v1 = crane.name("library/app:v1");
    let pushed = crane.run(&["push", "in", &v1]);
    assert!(pushed.expect_ok().ends_with(&image.digest()));
    assert_eq!(crane.run(&["digest", &v1]).expect_ok(), image.digest());
    assert_eq!(
        crane.run(&["manifest", &v1]).stdout.as_bytes(),
        image.manifest
    );
    assert_eq!(crane.run(&["config", &v1]).stdout.as_bytes(), image.config);

    crane.run(&["tag", &v1, "v2"]).expect_ok();
    let copy = crane.name("library/other/deep:v3");
    crane.run(&["copy", &v1, &copy]).expect_ok();
    assert_eq!(
        crane.run(&["ls", &crane.name("library/app")]).expect_ok(),
        "v1\nv2"
    );
    assert_eq!(
        crane.run(&["catalog", server.host()]).expect_ok(),
        "library/app\nlibrary/other/deep"
    );
    assert_eq!(crane.run(&["digest", &copy]).expect_ok(), image.digest());

    let by_digest = crane.name(&format!("library/app@{}", image.digest()));
    crane.run(&["delete", &by_digest]).expect_ok();
    assert!(!crane.run(&["digest", &v1]).ok());
    // The copy does not depend on what it was copied from.
    crane
        .run(&["pull", "--format=oci", &copy, "out"])
        .expect_ok();
    for blob in image.blobs() {
        let hash = berth_e2e::content::digest(blob).replace(':', "/");
        let stored = std::fs::read(crane.home.join(&format!("out/blobs/{hash}"))).unwrap();
        assert!(stored == *blob, "{hash} changed");
    }
    server.stop();
}

#[tokio::test]
async fn an_index_travels_whole_and_is_changed_by_hand() {
    let server = Server::start(Options::default());
    let Some(crane) = crane(&server) else { return };
    let index = MultiArch::random();
    server
        .api()
        .push_index(&server.admin(), "library/multi", "v1", &index)
        .await;
    let (from, to) = (
        crane.name("library/multi:v1"),
        crane.name("library/copy:v1"),
    );
    crane.run(&["copy", &from, &to]).expect_ok();
    assert_eq!(crane.run(&["digest", &to]).expect_ok(), index.digest());
    for image in &index.images {
        let platform = format!("linux/{}", image.architecture);
        let digest = crane.run(&["digest", "--platform", &platform, &to]);
        assert_eq!(digest.expect_ok(), image.digest());
    }
    let fewer = crane.name("library/copy:fewer");
    crane
        .run(&[
            "index",
            "filter",
            &to,
            "--platform",
            "linux/arm64",
            "--tag",
            &fewer,
        ])
        .expect_ok();
    let left = crane.run(&["manifest", &fewer]);
    let left: serde_json::Value = serde_json::from_str(left.expect_ok()).unwrap();
    assert_eq!(left["manifests"].as_array().unwrap().len(), 1);
    server.stop();
}

#[tokio::test]
async fn appends_changes_and_validates() {
    let server = Server::start(Options::default());
    let Some(crane) = crane(&server) else { return };
    let layer = Image::random(1, 5_000).layers.remove(0);
    std::fs::write(crane.home.join("layer.tar"), layer).unwrap();
    let name = crane.name("library/made:v1");
    crane
        .run(&["append", "--oci-empty-base", "-f", "layer.tar", "-t", &name])
        .expect_ok();
    // Reads every layer and compares digest and diff id.
    crane.run(&["validate", "--remote", &name]).expect_ok();
    let labelled = crane.name("library/made:v2");
    crane
        .run(&["mutate", &name, "--label", "key=value", "-t", &labelled])
        .expect_ok();
    let config = crane.run(&["config", &labelled]);
    let config: serde_json::Value = serde_json::from_str(config.expect_ok()).unwrap();
    assert_eq!(config["config"]["Labels"]["key"], "value");
    server.stop();
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let server = Server::start(Options::default());
    let Some(crane) = crane(&server) else { return };
    let wrong = Login {
        password: "Wrong-pass-1".to_owned(),
        ..server.admin()
    };
    // crane does not ask the server at login.
    crane.log_in(&wrong).expect_ok();
    crane
        .run(&["ls", &crane.name("library/app")])
        .expect_refused();
    server.stop();
}
