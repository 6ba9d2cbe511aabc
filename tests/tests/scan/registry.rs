//! `berth scan IMAGE`: from a private project of a Berth of this build, by everybody's ways of
//! logging in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use berth_e2e::image::MultiArch;
use berth_e2e::server::binary;
use berth_e2e::{Api, Home, Image, Login, Options, Ran, Run, Server};
use serde_json::{Value, json};

use super::text;

/// A server with a private project, an image in it, and advisories.
struct Private {
    server: Server,
    api: Api,
    user: Login,
    home: Home,
    image: Image,
}

impl Private {
    async fn open() -> Self {
        let server = Server::start(Options::default());
        let (api, admin) = (server.api(), server.admin());
        let user = api.create_user(&admin, "reader").await;
        api.create_project(&user, "secret", false).await;
        let image = Image::debian("libbad", "1.9");
        api.push(&user, "secret/app", "v1", &image).await;
        let home = Home::new();
        let advisory = json!({
            "id": "CVE-2026-88",
            "affected": [{
                "package": {"ecosystem": "Debian:12", "name": "libbad"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            }],
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        });
        fs::write(home.join("feed.json"), advisory.to_string()).unwrap();
        Self {
            server,
            api,
            user,
            home,
            image,
        }
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/secret/{rest}", self.server.host())
    }

    /// The command, for somebody with no other files than those of this home.
    fn scan(&self, image: &str) -> Run {
        let nowhere = self.home.join("nowhere");
        Run::new(binary())
            .args(["scan", image, "--insecure", "--format", "json"])
            .args(["--db", text(&self.home.join("feed.json"))])
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", &nowhere)
            .env("XDG_CONFIG_HOME", &nowhere)
            .env("DOCKER_CONFIG", self.home.join("docker"))
    }

    fn write(&self, path: &str, content: &Value) {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }

    fn auths(&self) -> Value {
        let both = format!("{}:{}", self.user.name, self.user.password);
        let auth = base64::engine::general_purpose::STANDARD.encode(both);
        let mut auths = json!({});
        auths[self.server.host()] = json!({"auth": auth});
        json!({"auths": auths})
    }
}

#[track_caller]
fn finds(ran: &Ran) -> Value {
    let report: Value = serde_json::from_str(ran.expect_ok()).unwrap();
    assert_eq!(report["vulnerabilities"][0]["id"], "CVE-2026-88", "{ran}");
    report
}

#[track_caller]
fn fails(ran: &Ran, says: &str) {
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stdout.is_empty() && ran.stderr.contains(says), "{ran}");
}

#[tokio::test]
async fn a_private_image_is_scanned_by_whoever_may_pull_it() {
    let private = Private::open().await;
    let name = private.name("app:v1");
    fails(&private.scan(&name).run(), "wants a login");
    let by = |user: &str, password: &str| {
        let run = private.scan(&name).args(["--username", user]);
        run.arg("--password-stdin")
            .input(format!("{password}\n"))
            .run()
    };
    let report = finds(&by(&private.user.name, &private.user.password));
    assert_eq!(report["digest"], private.image.digest());
    assert_eq!(report["name"], name);
    assert_eq!(report["distro"]["id"], "debian");
    let layer = &report["layers"][0];
    assert_eq!(layer["size"], private.image.layers[0].len());
    fails(&by(&private.user.name, "wrong-Pass-1"), "refuses the login");
    let other = private
        .api
        .create_user(&private.server.admin(), "other")
        .await;
    fails(
        &by(&other.name, &other.password),
        "does not show it to other",
    );
    // Exit codes are as they are elsewhere.
    let graver = private
        .scan(&name)
        .args(["--fail-on", "high", "--username", &private.user.name])
        .arg("--password-stdin")
        .input(&private.user.password)
        .run();
    assert_eq!(graver.code, Some(1), "{graver}");
    private.server.stop();
}

#[tokio::test]
async fn logins_are_those_of_docker_and_podman() {
    let private = Private::open().await;
    let name = private.name("app:v1");
    private.write("docker/config.json", &private.auths());
    finds(&private.scan(&name).run());
    private.write("podman.json", &private.auths());
    private.write("docker/config.json", &json!({}));
    fails(&private.scan(&name).run(), "wants a login");
    let podman = private.home.join("podman.json");
    finds(&private.scan(&name).env("REGISTRY_AUTH_FILE", podman).run());
    // A helper, which is asked for this registry and no other.
    let helper = private.home.join("bin/docker-credential-made");
    let answer = json!({
        "ServerURL": private.server.host(),
        "Username": private.user.name,
        "Secret": private.user.password,
    });
    let script = format!(
        "#!/bin/sh\nread -r asked || true\n[ \"$1 $asked\" = 'get {}' ] || exit 1\ncat <<'END'\n{answer}\nEND\n",
        private.server.host()
    );
    private.write("bin/docker-credential-made", &Value::Null);
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        private.home.join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    for config in [
        json!({"credsStore": "made"}),
        json!({"credHelpers": {private.server.host(): "made"}}),
    ] {
        private.write("docker/config.json", &config);
        finds(&private.scan(&name).env("PATH", &path).run());
    }
    private.write("docker/config.json", &json!({"credsStore": "missing"}));
    let ran = private.scan(&name).run();
    fails(&ran, "docker-credential-missing");
    fs::write(private.home.join("docker/config.json"), "{").unwrap();
    fails(&private.scan(&name).run(), "no file of credentials");
    private.server.stop();
}

#[tokio::test]
async fn the_image_is_the_one_that_was_named() {
    let private = Private::open().await;
    private.write("docker/config.json", &private.auths());
    let digest = private.image.digest();
    for name in [format!("app@{digest}"), format!("app:other@{digest}")] {
        let report = finds(&private.scan(&private.name(&name)).run());
        assert_eq!(report["digest"], digest);
    }
    let missing = private.scan(&private.name("app:v2")).run();
    fails(&missing, "has no secret/app v2");
    fails(&private.scan("Wrong/NAME").run(), "no repository");
    // Of an index the image for the platform.
    let index = MultiArch::random();
    private
        .api
        .push_index(&private.user, "secret/many", "v1", &index)
        .await;
    let many = private.name("many:v1");
    let run = private.scan(&many).args(["--platform", "linux/riscv64"]);
    let report: Value = serde_json::from_str(run.run().expect_ok()).unwrap();
    let wanted = index.images.iter().find(|it| it.architecture == "riscv64");
    assert_eq!(report["digest"], wanted.unwrap().digest());
    assert_eq!(report["indexes"], json!([index.digest()]));
    let run = private.scan(&many).args(["--platform", "linux/s390x"]);
    fails(&run.run(), "no image for linux/s390x");
    // One thing at a time.
    let folder: &Path = private.home.path();
    let both = Run::new(binary())
        .args(["scan", "--db", text(&private.home.join("feed.json")), &many])
        .args(["rootfs", text(folder)])
        .run();
    fails(&both, "one thing at a time");
    private.server.stop();
}
