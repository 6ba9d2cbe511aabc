//! helm: charts as OCI artifacts.

use berth_e2e::api::Role;
use berth_e2e::command::tool;
use berth_e2e::{Home, Login, Options, Ran, Server};

/// A version that cannot be a tag as it is: `+` becomes `_`.
const VERSION: &str = "1.2.3+build.5";

struct Helm<'a> {
    program: std::path::PathBuf,
    home: Home,
    server: &'a Server,
}

impl Helm<'_> {
    fn run(&self, args: &[&str]) -> Ran {
        self.home.run(&self.program).args(args).run()
    }

    fn log_in(&self, login: &Login) -> Ran {
        self.home
            .run(&self.program)
            .args(["registry", "login", "--plain-http", "--password-stdin"])
            .args(["--username", &login.name, self.server.host()])
            .input(&login.password)
            .run()
    }

    fn push(&self, project: &str) -> Ran {
        let chart = format!("app-{VERSION}.tgz");
        let to = format!("oci://{}/{project}", self.server.host());
        self.run(&["push", "--plain-http", &chart, &to])
    }

    fn pull(&self, project: &str) -> Ran {
        let from = format!("oci://{}/{project}/app", self.server.host());
        self.run(&[
            "pull",
            "--plain-http",
            &from,
            "--version",
            VERSION,
            "-d",
            "out",
        ])
    }

    fn make_chart(&self) {
        let chart = format!("apiVersion: v2\nname: app\nversion: {VERSION}\n");
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n";
        std::fs::create_dir_all(self.home.join("app/templates")).unwrap();
        std::fs::create_dir_all(self.home.join("out")).unwrap();
        std::fs::write(self.home.join("app/Chart.yaml"), chart).unwrap();
        std::fs::write(self.home.join("app/templates/map.yaml"), template).unwrap();
        self.run(&["package", "app"]).expect_ok();
    }
}

fn helm(server: &Server) -> Option<Helm<'_>> {
    let helm = Helm {
        program: tool("helm")?,
        home: Home::new(),
        server,
    };
    helm.make_chart();
    Some(helm)
}

#[tokio::test]
async fn packages_pushes_and_pulls_a_chart() {
    let server = Server::start(Options::default());
    let Some(helm) = helm(&server) else { return };
    let admin = server.admin();
    helm.log_in(&admin).expect_ok();
    helm.push("library").expect_ok();
    assert_eq!(
        server.api().tags(&admin, "library/app").await,
        ["1.2.3_build.5"]
    );

    helm.pull("library").expect_ok();
    let chart = format!("app-{VERSION}.tgz");
    let sent = std::fs::read(helm.home.join(&chart)).unwrap();
    let got = std::fs::read(helm.home.join("out").join(&chart)).unwrap();
    assert!(sent == got, "the chart changed on its way");

    let from = format!("oci://{}/library/app", server.host());
    let shown = helm.run(&[
        "template",
        "--plain-http",
        "name",
        &from,
        "--version",
        VERSION,
    ]);
    assert!(shown.expect_ok().contains("name: name"), "{shown}");
    let manifest = server
        .api()
        .get_manifest(&admin, "library/app", "1.2.3_build.5")
        .await;
    assert_eq!(
        manifest.json()["config"]["mediaType"],
        "application/vnd.cncf.helm.config.v1+json"
    );
    server.stop();
}

#[tokio::test]
async fn a_chart_is_kept_from_those_who_may_not_have_it() {
    let server = Server::start(Options::default());
    let Some(helm) = helm(&server) else { return };
    let (api, admin) = (server.api(), server.admin());
    api.create_project(&admin, "team", false).await;
    let [developer, guest, stranger] = [
        api.create_user(&admin, "developer").await,
        api.create_user(&admin, "guest").await,
        api.create_user(&admin, "stranger").await,
    ];
    api.add_member(&admin, "team", &developer, Role::Developer)
        .await;
    api.add_member(&admin, "team", &guest, Role::Guest).await;

    let wrong = Login {
        password: "Wrong-pass-1".to_owned(),
        ..developer.clone()
    };
    helm.log_in(&wrong).expect_refused();
    helm.push("team").expect_refused();
    helm.log_in(&developer).expect_ok();
    helm.push("team").expect_ok();
    helm.log_in(&guest).expect_ok();
    helm.push("team").expect_refused();
    helm.pull("team").expect_ok();
    helm.log_in(&stranger).expect_ok();
    helm.pull("team").expect_refused();
    helm.run(&["registry", "logout", server.host()]).expect_ok();
    helm.pull("team").expect_refused();
    server.stop();
}
