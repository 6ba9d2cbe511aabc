//! cosign: signatures stored beside images and found again, without any service of the internet.

use std::path::PathBuf;

use berth_e2e::command::tool;
use berth_e2e::{Home, Image, Options, Ran, Server};

struct Cosign<'a> {
    program: PathBuf,
    home: Home,
    server: &'a Server,
}

impl Cosign<'_> {
    fn run(&self, args: &[&str]) -> Ran {
        self.home
            .run(&self.program)
            .args(args)
            .env("COSIGN_PASSWORD", "secret")
            .run()
    }

    fn sign(&self, more: &[&str], name: &str) -> Ran {
        let offline = ["--tlog-upload=false", "--use-signing-config=false"];
        let sign = ["sign", "--yes", "--key=cosign.key", "--allow-http-registry"];
        self.run(&[&sign[..], &offline, more, &[name]].concat())
    }

    fn verify(&self, key: &str, more: &[&str], name: &str) -> Ran {
        let verify = [
            "verify",
            "--insecure-ignore-tlog",
            "--allow-http-registry",
            "--key",
            key,
        ];
        self.run(&[&verify[..], more, &[name]].concat())
    }
}

/// A server with a signed-in cosign that has a key pair, and an image to sign.
async fn cosign(server: &Server) -> Option<(Cosign<'_>, Image, String)> {
    let cosign = Cosign {
        program: tool("cosign")?,
        home: Home::new(),
        server,
    };
    let admin = server.admin();
    let image = Image::random(1, 1_000);
    server.api().push(&admin, "library/app", "v1", &image).await;
    cosign
        .run(&[
            "login",
            server.host(),
            "-u",
            &admin.name,
            "-p",
            &admin.password,
        ])
        .expect_ok();
    cosign.run(&["generate-key-pair"]).expect_ok();
    let name = format!("{}/library/app@{}", cosign.server.host(), image.digest());
    Some((cosign, image, name))
}

#[tokio::test]
async fn a_signature_is_stored_as_a_referrer_and_found() {
    let server = Server::start(Options::default());
    let Some((cosign, image, name)) = cosign(&server).await else {
        return;
    };
    assert!(
        !cosign.verify("cosign.pub", &[], &name).ok(),
        "nothing is signed yet"
    );
    cosign.sign(&[], &name).expect_ok();
    cosign.verify("cosign.pub", &[], &name).expect_ok();

    let (api, admin) = (server.api(), server.admin());
    let referrers = api.referrers(&admin, "library/app", &image.digest()).await;
    let kinds: Vec<_> = referrers.iter().map(|one| &one["artifactType"]).collect();
    assert_eq!(kinds, ["application/vnd.dev.sigstore.bundle.v0.3+json"]);
    assert_eq!(
        api.tags(&admin, "library/app").await,
        ["v1"],
        "no tag was needed"
    );

    // Another key did not sign it.
    cosign
        .run(&["generate-key-pair", "--output-key-prefix=other"])
        .expect_ok();
    assert!(!cosign.verify("other.pub", &[], &name).ok());
    server.stop();
}

#[tokio::test]
async fn an_older_signature_is_stored_under_its_tag_and_found() {
    let server = Server::start(Options::default());
    let Some((cosign, image, name)) = cosign(&server).await else {
        return;
    };
    let older = ["--new-bundle-format=false"];
    cosign.sign(&older, &name).expect_ok();
    cosign.verify("cosign.pub", &older, &name).expect_ok();
    let tag = format!("{}.sig", image.digest().replace(':', "-"));
    assert_eq!(
        server.api().tags(&server.admin(), "library/app").await,
        [tag.as_str(), "v1"]
    );
    server.stop();
}

#[tokio::test]
async fn an_attestation_is_stored_and_verified() {
    let server = Server::start(Options::default());
    let Some((cosign, image, name)) = cosign(&server).await else {
        return;
    };
    std::fs::write(cosign.home.join("facts.json"), br#"{"built": "here"}"#).unwrap();
    cosign
        .run(&[
            "attest",
            "--yes",
            "--key=cosign.key",
            "--allow-http-registry",
            "--tlog-upload=false",
            "--use-signing-config=false",
            "--predicate=facts.json",
            "--type=https://example.org/facts",
            &name,
        ])
        .expect_ok();
    cosign
        .run(&[
            "verify-attestation",
            "--insecure-ignore-tlog",
            "--allow-http-registry",
            "--key=cosign.pub",
            "--type=https://example.org/facts",
            &name,
        ])
        .expect_ok();
    let (api, admin) = (server.api(), server.admin());
    let referrers = api.referrers(&admin, "library/app", &image.digest()).await;
    assert_eq!(referrers.len(), 1);
    server.stop();
}
