//! What a project's rules do to people who push and pull with Docker Engine.

use std::time::{Duration, Instant};

use berth_e2e::{Api, Home, Image, Login, Options, Server};
use serde_json::{Value, json};

use crate::docker::{Docker, docker};

/// Time a run has on a machine with other things to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// Docker, logged in as the administrator of a new server.
struct Dock {
    server: Server,
    api: Api,
    admin: Login,
    docker: Docker,
}

impl Dock {
    fn open() -> Option<Self> {
        let docker = Docker::new(docker()?, Home::new());
        let server = Server::start(Options::default());
        let (api, admin) = (server.api(), server.admin());
        docker.login(&server, &admin).expect_ok();
        Some(Self {
            server,
            api,
            admin,
            docker,
        })
    }

    /// Gives the daemon a new image under a name of this registry.
    fn build(&self, name: &str) -> String {
        self.load(&Image::random(1, 2_000), name)
    }

    fn load(&self, image: &Image, name: &str) -> String {
        let name = format!("{}/{name}", self.server.host());
        let archive = self.docker.home.join("image.tar");
        image.write_docker_archive(&archive, &name);
        let archive = self.docker.home.text("image.tar");
        self.docker.run(["load", "--input", &archive]).expect_ok();
        name
    }

    fn forget(&self, name: &str) {
        self.docker.run(["rmi", "--force", name]).expect_ok();
    }

    async fn post(&self, path: &str, body: Value) -> String {
        let path = format!("/api/v2.0{path}");
        let made = self.api.post(&path, Some(&self.admin), &body).await;
        made.expect(201).header("location").to_owned()
    }
}

#[tokio::test]
async fn a_push_to_an_immutable_tag_is_refused_and_says_why() {
    let Some(dock) = Dock::open() else { return };
    let name = dock.build("library/app:v1");
    dock.docker.run(["push", &name]).expect_ok();
    let rule = json!({
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository":
            [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    });
    dock.post("/projects/library/immutabletagrules", rule).await;
    // The same once more is no change.
    dock.docker.run(["push", &name]).expect_ok();
    let before = dock.api.get_manifest(&dock.admin, "library/app", "v1");
    let before = before.await.expect(200);
    dock.forget(&name);
    let name = dock.build("library/app:v1");
    let refused = dock.docker.run(["push", &name]);
    assert!(!refused.ok(), "{refused}");
    assert!(
        refused.stderr.contains("configured as immutable"),
        "{refused}"
    );
    let after = dock.api.get_manifest(&dock.admin, "library/app", "v1");
    assert_eq!(after.await.expect(200).body, before.body);
    dock.forget(&name);
    dock.server.stop();
}

#[tokio::test]
async fn retention_deletes_what_no_rule_keeps_and_it_can_be_brought_back() {
    let Some(dock) = Dock::open() else { return };
    let names: Vec<String> = ["1", "2", "3"]
        .iter()
        .map(|tag| {
            let name = dock.build(&format!("library/app:{tag}"));
            dock.docker.run(["push", &name]).expect_ok();
            dock.forget(&name);
            name
        })
        .collect();
    let policy = json!({
        "algorithm": "or",
        "rules": [{
            "action": "retain",
            "template": "latestPushedK",
            "params": {"latestPushedK": 1},
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
            "scope_selectors": {"repository":
                [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
        }],
        "scope": {"level": "project", "ref": 1},
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
    });
    let policy = dock.post("/retentions", policy).await;
    let policy = policy.trim_start_matches("/api/v2.0").to_owned();
    let runs = format!("{policy}/executions");
    dock.post(&runs, json!({"dry_run": false})).await;
    let began = Instant::now();
    loop {
        let path = format!("/api/v2.0{runs}");
        let listed = dock.api.get(&path, Some(&dock.admin)).await.expect(200);
        let listed = listed.json();
        if listed[0]["status"] == "Success" {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{listed}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(dock.api.tags(&dock.admin, "library/app").await, ["3"]);
    let gone = dock.docker.run(["pull", &names[0]]);
    assert!(!gone.ok() && gone.stderr.contains("not found"), "{gone}");
    dock.docker.run(["pull", &names[2]]).expect_ok();
    dock.forget(&names[2]);

    let restore = "/api/v2.0/projects/library/repositories/app/tags/1/_restore";
    let restored = dock.api.post(restore, Some(&dock.admin), &json!({})).await;
    assert!(restored.status < 300, "{restored:?}");
    dock.docker.run(["pull", &names[0]]).expect_ok();
    dock.forget(&names[0]);
    dock.server.stop();
}

/// An advisory in OSV's form: every version of this package below that one.
fn advisory(id: &str, package: &str, fixed: &str) -> String {
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "modified": "2026-01-02T00:00:00Z",
        "details": format!("A flaw of {package}."),
        "affected": [{
            "package": {"ecosystem": "Debian:12", "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    })
    .to_string()
}

#[tokio::test]
async fn a_vulnerable_image_is_scanned_when_pushed_and_held_back_until_it_is_allowed() {
    let Some(dock) = Dock::open() else { return };
    let feed = dock.docker.home.join("advisory.json");
    std::fs::write(&feed, advisory("CVE-2026-77", "libbad", "2.0")).unwrap();
    let feed = dock.docker.home.text("advisory.json");
    let imported = dock.server.command(&["vulndb", "import", &feed]).run();
    imported.expect_ok();
    let project = "/api/v2.0/projects/library";
    let rules = json!({"metadata":
        {"auto_scan": "true", "prevent_vul": "true", "severity": "high"}});
    let set = dock.api.put(project, Some(&dock.admin), &rules).await;
    let _ = set.expect(200);

    let bad = dock.load(&Image::debian("libbad", "1.9"), "library/app:bad");
    let good = dock.load(&Image::debian("libbad", "2.0"), "library/app:good");
    for name in [&bad, &good] {
        dock.docker.run(["push", name]).expect_ok();
        dock.forget(name);
    }
    let began = Instant::now();
    let severity = |tag: &'static str| {
        let path = format!("{project}/repositories/app/artifacts/{tag}?with_scan_overview=true");
        let call = async |path: String| dock.api.get(&path, Some(&dock.admin)).await;
        async move {
            loop {
                let found = call(path.clone()).await.expect(200).json();
                let overview = found["scan_overview"].as_object();
                let overview = overview.and_then(|it| it.values().next());
                if let Some(ended) = overview.filter(|it| it["scan_status"] == "Success") {
                    return ended["severity"].as_str().unwrap_or_default().to_owned();
                }
                assert!(began.elapsed() < PATIENCE, "{found}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    assert_eq!(severity("bad").await, "Critical");
    assert_eq!(severity("good").await, "None");
    dock.docker.run(["pull", &good]).expect_ok();
    dock.forget(&good);
    let refused = dock.docker.run(["pull", &bad]);
    assert!(!refused.ok(), "{refused}");
    assert!(refused.stderr.contains("CVE-2026-77"), "{refused}");
    let allowed = json!({"items": [{"cve_id": "CVE-2026-77"}]});
    let list = "/api/v2.0/system/CVEAllowlist";
    let allow = dock.api.put(list, Some(&dock.admin), &allowed).await;
    let _ = allow.expect(200);
    dock.docker.run(["pull", &bad]).expect_ok();
    dock.forget(&bad);
    dock.server.stop();
}
