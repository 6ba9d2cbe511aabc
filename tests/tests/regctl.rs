//! regctl: the client that uses most of the specification.

use std::path::PathBuf;

use berth_e2e::command::tool;
use berth_e2e::image::MultiArch;
use berth_e2e::{Home, Image, Options, Ran, Server};

struct Regctl<'a> {
    program: PathBuf,
    home: Home,
    server: &'a Server,
}

impl Regctl<'_> {
    fn run(&self, args: &[&str]) -> Ran {
        self.home.run(&self.program).args(args).run()
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.server.host())
    }
}

fn regctl(server: &Server) -> Option<Regctl<'_>> {
    let regctl = Regctl {
        program: tool("regctl")?,
        home: Home::new(),
        server,
    };
    let (host, admin) = (server.host(), server.admin());
    regctl
        .run(&["registry", "set", "--tls", "disabled", "--skip-check", host])
        .expect_ok();
    regctl
        .home
        .run(&regctl.program)
        .args([
            "registry",
            "login",
            "--pass-stdin",
            "--user",
            &admin.name,
            host,
        ])
        .input(&admin.password)
        .run()
        .expect_ok();
    Some(regctl)
}

#[tokio::test]
async fn copies_images_and_handles_tags() {
    let server = Server::start(Options::default());
    let Some(regctl) = regctl(&server) else {
        return;
    };
    let image = Image::random(2, 20_000);
    image.write_layout(&regctl.home.join("in"), "v1");
    let v1 = regctl.name("library/app:v1");
    regctl
        .run(&["image", "copy", "ocidir://in:v1", &v1])
        .expect_ok();
    let v2 = regctl.name("library/app:v2");
    regctl.run(&["image", "copy", &v1, &v2]).expect_ok();
    let repository = regctl.name("library/app");
    assert_eq!(
        regctl.run(&["tag", "ls", &repository]).expect_ok(),
        "v1\nv2"
    );

    // The specification's tag delete: the other tag and the manifest stay.
    regctl.run(&["tag", "delete", &v1]).expect_ok();
    assert_eq!(regctl.run(&["tag", "ls", &repository]).expect_ok(), "v2");
    assert_eq!(
        regctl.run(&["image", "digest", &v2]).expect_ok(),
        image.digest()
    );
    regctl
        .run(&["image", "copy", &v2, "ocidir://out:v2"])
        .expect_ok();
    let repositories = regctl.run(&["repo", "ls", server.host()]);
    assert_eq!(repositories.expect_ok(), "library/app");
    server.stop();
}

#[tokio::test]
async fn an_index_is_copied_with_its_images() {
    let server = Server::start(Options::default());
    let Some(regctl) = regctl(&server) else {
        return;
    };
    let index = MultiArch::random();
    index.write_layout(&regctl.home.join("in"), "v1");
    let name = regctl.name("library/multi:v1");
    regctl
        .run(&["image", "copy", "ocidir://in:v1", &name])
        .expect_ok();
    assert_eq!(
        regctl.run(&["image", "digest", &name]).expect_ok(),
        index.digest()
    );
    for image in &index.images {
        let platform = format!("linux/{}", image.architecture);
        let digest = regctl.run(&["image", "digest", "--platform", &platform, &name]);
        assert_eq!(digest.expect_ok(), image.digest());
    }
    server.stop();
}

#[tokio::test]
async fn uploads_in_chunks() {
    let server = Server::start(Options::default());
    let Some(regctl) = regctl(&server) else {
        return;
    };
    let sizes = ["--blob-chunk=65536", "--blob-max=65536", "--skip-check"];
    regctl
        .run(&[&["registry", "set"], &sizes[..], &[server.host()]].concat())
        .expect_ok();
    let image = Image::random(1, 300_000);
    image.write_layout(&regctl.home.join("in"), "v1");
    let name = regctl.name("library/chunked:v1");
    let copied = regctl.run(&["image", "copy", "ocidir://in:v1", &name, "-v", "trace"]);
    copied.expect_ok();
    // 300 kB in pieces of 64 KiB are five; a client that sent it whole would prove nothing.
    let chunks = copied.stderr.matches("method=PATCH").count();
    assert!(chunks >= 5, "{chunks} chunks: {copied}");
    for blob in image.blobs() {
        let path = format!(
            "/v2/library/chunked/blobs/{}",
            berth_e2e::content::digest(blob)
        );
        let stored = server
            .api()
            .get(&path, Some(&server.admin()))
            .await
            .expect(200);
        assert!(stored.body == *blob);
    }
    server.stop();
}

#[tokio::test]
async fn artifacts_form_a_tree() {
    let server = Server::start(Options::default());
    let Some(regctl) = regctl(&server) else {
        return;
    };
    let image = Image::random(1, 1_000);
    server
        .api()
        .push(&server.admin(), "library/app", "v1", &image)
        .await;
    std::fs::write(regctl.home.join("report"), b"all is well").unwrap();
    let name = regctl.name("library/app:v1");
    let kind = "application/vnd.example.report";
    regctl
        .run(&[
            "artifact",
            "put",
            "--artifact-type",
            kind,
            "--subject",
            &name,
            "-f",
            "report",
        ])
        .expect_ok();
    let tree = regctl.run(&["artifact", "tree", &name]);
    assert!(tree.expect_ok().contains(kind), "{tree}");
    let listed = regctl.run(&["artifact", "list", "--filter-artifact-type", kind, &name]);
    assert!(listed.expect_ok().contains(kind), "{listed}");
    let got = regctl.run(&[
        "artifact",
        "get",
        "--subject",
        &name,
        "--filter-artifact-type",
        kind,
    ]);
    assert_eq!(got.expect_ok(), "all is well");
    // No tag was made for it: the referrers API was used, not its fallback.
    assert_eq!(
        server.api().tags(&server.admin(), "library/app").await,
        ["v1"]
    );
    server.stop();
}
