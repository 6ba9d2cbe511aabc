//! oras: artifacts of any type, and what refers to them.

use std::path::PathBuf;

use berth_e2e::command::tool;
use berth_e2e::content::{digest, random_bytes};
use berth_e2e::{Home, Options, Ran, Server};
use serde_json::Value;

struct Oras<'a> {
    program: PathBuf,
    home: Home,
    server: &'a Server,
}

impl Oras<'_> {
    fn run(&self, args: &[&str]) -> Ran {
        let run = self.home.run(&self.program).args(args);
        run.arg("--plain-http").run()
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.server.host())
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.home.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.home.join(name)).unwrap()
    }

    fn discover(&self, name: &str) -> Vec<Value> {
        let found = self.run(&["discover", "--format", "json", name]);
        let found: Value = serde_json::from_str(found.expect_ok()).unwrap();
        found["referrers"].as_array().cloned().unwrap_or_default()
    }
}

fn oras(server: &Server) -> Option<Oras<'_>> {
    let oras = Oras {
        program: tool("oras")?,
        home: Home::new(),
        server,
    };
    let admin = server.admin();
    oras.home
        .run(&oras.program)
        .args(["login", "--plain-http", "--password-stdin"])
        .args(["--username", &admin.name, server.host()])
        .input(&admin.password)
        .run()
        .expect_ok();
    Some(oras)
}

#[tokio::test]
async fn pushes_and_pulls_an_artifact() {
    let server = Server::start(Options::default());
    let Some(oras) = oras(&server) else { return };
    let model = random_bytes(100_000);
    oras.write("model.bin", &model);
    oras.write("empty.txt", b"");
    let name = oras.name("library/model:v1");
    oras.run(&[
        "push",
        "--artifact-type=application/vnd.example.model",
        &name,
        "model.bin:application/vnd.example.weights",
        "empty.txt:text/plain",
    ])
    .expect_ok();
    oras.run(&["pull", &name, "--output", "out"]).expect_ok();
    assert!(oras.read("out/model.bin") == model);
    assert!(oras.read("out/empty.txt").is_empty());

    let artifact = server
        .api()
        .get_manifest(&server.admin(), "library/model", "v1")
        .await;
    assert_eq!(
        artifact.json()["artifactType"],
        "application/vnd.example.model"
    );
    let tags = oras.run(&["repo", "tags", &oras.name("library/model")]);
    assert_eq!(tags.expect_ok(), "v1");
    server.stop();
}

#[tokio::test]
async fn attaches_discovers_and_copies_with_what_refers() {
    let server = Server::start(Options::default());
    let Some(oras) = oras(&server) else { return };
    oras.write("subject.txt", b"subject");
    oras.write("sbom.json", b"{}");
    let name = oras.name("library/subject:v1");
    oras.run(&["push", &name, "subject.txt:text/plain"])
        .expect_ok();
    assert!(oras.discover(&name).is_empty());
    for kind in [
        "application/vnd.example.sbom",
        "application/vnd.example.report",
    ] {
        oras.run(&[
            "attach",
            "--artifact-type",
            kind,
            &name,
            "sbom.json:application/json",
        ])
        .expect_ok();
    }
    assert_eq!(oras.discover(&name).len(), 2);
    let filtered = oras.run(&[
        "discover",
        "--format",
        "json",
        "--artifact-type=application/vnd.example.sbom",
        &name,
    ]);
    let filtered: Value = serde_json::from_str(filtered.expect_ok()).unwrap();
    assert_eq!(filtered["referrers"].as_array().unwrap().len(), 1);

    let copy = oras.name("library/copy:v1");
    oras.home
        .run(&oras.program)
        .args([
            "copy",
            "--recursive",
            "--from-plain-http",
            "--to-plain-http",
            &name,
            &copy,
        ])
        .run()
        .expect_ok();
    assert_eq!(oras.discover(&copy).len(), 2);

    // What refers goes, the subject stays.
    let one = oras.discover(&name).remove(0);
    let one = one["reference"].as_str().unwrap().to_owned();
    oras.run(&["manifest", "delete", "--force", &one])
        .expect_ok();
    assert_eq!(oras.discover(&name).len(), 1);
    server.stop();
}

#[tokio::test]
async fn handles_blobs_one_by_one() {
    let server = Server::start(Options::default());
    let Some(oras) = oras(&server) else { return };
    let bytes = random_bytes(30_000);
    oras.write("blob", &bytes);
    let repository = oras.name("library/blobs");
    oras.run(&["blob", "push", &repository, "blob"]).expect_ok();
    let name = format!("{repository}@{}", digest(&bytes));
    oras.run(&["blob", "fetch", "--output", "back", &name])
        .expect_ok();
    assert!(oras.read("back") == bytes);
    oras.run(&["blob", "delete", "--force", &name]).expect_ok();
    assert!(
        !oras
            .run(&["blob", "fetch", "--output", "again", &name])
            .ok()
    );
    server.stop();
}
