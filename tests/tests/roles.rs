//! Who may push, pull and delete, as each client sees it: the table of `may` against every
//! client, project and person.

use std::path::PathBuf;

use berth_e2e::api::Role;
use berth_e2e::command::{is_root, tool};
use berth_e2e::{Home, Image, Login, Options, Ran, Server};
use tokio::task::block_in_place;

/// Whom the tables speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Person {
    Admin,
    ProjectAdmin,
    Maintainer,
    Developer,
    Guest,
    LimitedGuest,
    Stranger,
    Anonymous,
}

use Person::{
    Admin, Anonymous, Developer, Guest, LimitedGuest, Maintainer, ProjectAdmin, Stranger,
};

/// The five that every client is tried as.
const FIVE: [Person; 5] = [Admin, Developer, Guest, Stranger, Anonymous];
/// All of them, for the clients that are quick.
const ALL: [Person; 8] = [
    Admin,
    ProjectAdmin,
    Maintainer,
    Developer,
    Guest,
    LimitedGuest,
    Stranger,
    Anonymous,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Pull,
    Push,
    Delete,
}

const fn may(person: Person, action: Action, public: bool) -> bool {
    let keeper = matches!(person, Admin | ProjectAdmin | Maintainer);
    match action {
        Action::Pull => public || !matches!(person, Stranger | Anonymous),
        Action::Push => keeper || matches!(person, Developer),
        Action::Delete => keeper,
    }
}

/// What a client can do here. `home` is its own, with the image `in` as OCI layout and
/// `in.tar` as Docker archive to push.
trait Client {
    fn log_in(&self, home: &Home, host: &str, login: &Login) -> Ran;
    fn pull(&self, home: &Home, name: &str) -> Ran;
    fn push(&self, home: &Home, name: &str) -> Ran;
}

/// `skopeo`, `crane` and the others by their command lines: words of which `HOST`, `USER`,
/// `NAME`, `STORE` and `RUN` stand for what they say. What `;` parts runs one after the other,
/// and only the last may fail.
struct Words {
    program: PathBuf,
    log_in: &'static str,
    pull: &'static str,
    push: &'static str,
}

impl Words {
    fn run(&self, home: &Home, lines: &str, user: &str, name: &str, input: &str) -> Ran {
        let host = name.split('/').next().unwrap();
        let mut last = None;
        for line in lines.split(" ; ") {
            if let Some(before) = last.take() {
                Ran::expect_ok(&before);
            }
            let words = line.split(' ').map(|word| {
                word.replace("HOST", host)
                    .replace("USER", user)
                    .replace("NAME", name)
                    .replace("STORE", &home.text("store"))
                    .replace("RUN", &home.text("run"))
            });
            last = Some(home.run(&self.program).args(words).input(input).run());
        }
        last.unwrap()
    }
}

impl Client for Words {
    fn log_in(&self, home: &Home, host: &str, login: &Login) -> Ran {
        self.run(home, self.log_in, &login.name, host, &login.password)
    }

    fn pull(&self, home: &Home, name: &str) -> Ran {
        self.run(home, self.pull, "", name, "")
    }

    fn push(&self, home: &Home, name: &str) -> Ran {
        self.run(home, self.push, "", name, "")
    }
}

/// Docker keeps images in its daemon: they come and go around each step.
struct Docker(PathBuf);

impl Docker {
    fn run(&self, home: &Home, args: &[&str]) -> Ran {
        home.run(&self.0).args(args).run()
    }
}

impl Client for Docker {
    fn log_in(&self, home: &Home, host: &str, login: &Login) -> Ran {
        home.run(&self.0)
            .args(["login", "--username", &login.name, "--password-stdin", host])
            .input(&login.password)
            .run()
    }

    fn pull(&self, home: &Home, name: &str) -> Ran {
        let ran = self.run(home, &["pull", name]);
        if ran.ok() {
            self.run(home, &["rmi", "--force", name]).expect_ok();
        }
        ran
    }

    fn push(&self, home: &Home, name: &str) -> Ran {
        let loaded = self.run(home, &["load", "--quiet", "--input", "in.tar"]);
        let loaded = loaded
            .expect_ok()
            .trim_start_matches("Loaded image: ")
            .to_owned();
        self.run(home, &["tag", &loaded, name]).expect_ok();
        let ran = self.run(home, &["push", name]);
        self.run(home, &["rmi", "--force", name, &loaded])
            .expect_ok();
        ran
    }
}

/// A server with one private and one public project, and everyone in their places.
struct Place {
    server: Server,
    logins: Vec<(Person, Login)>,
}

impl Place {
    async fn new() -> Self {
        let server = Server::start(Options::default());
        let (api, admin) = (server.api(), server.admin());
        for (project, public) in [("private", false), ("public", true)] {
            api.create_project(&admin, project, public).await;
            api.push(
                &admin,
                &format!("{project}/app"),
                "there",
                &Image::random(1, 1_000),
            )
            .await;
        }
        let mut logins = vec![(Admin, admin.clone())];
        for (person, role) in [
            (ProjectAdmin, Some(Role::ProjectAdmin)),
            (Maintainer, Some(Role::Maintainer)),
            (Developer, Some(Role::Developer)),
            (Guest, Some(Role::Guest)),
            (LimitedGuest, Some(Role::LimitedGuest)),
            (Stranger, None),
        ] {
            let name = format!("{person:?}").to_lowercase();
            let login = api.create_user(&admin, &name).await;
            if let Some(role) = role {
                for project in ["private", "public"] {
                    api.add_member(&admin, project, &login, role).await;
                }
            }
            logins.push((person, login));
        }
        Self { server, logins }
    }

    fn login(&self, person: Person) -> Option<&Login> {
        let found = self.logins.iter().find(|(one, _)| *one == person);
        found.map(|(_, login)| login)
    }
}

/// Tries everyone on both projects, and looks at the server afterwards: a refusal must have
/// changed nothing.
async fn walk(client: impl Client, people: &[Person]) {
    let place = Place::new().await;
    let (api, admin) = (place.server.api(), place.server.admin());
    let host = place.server.host();
    for &person in people {
        let home = Home::new();
        if let Some(login) = place.login(person) {
            block_in_place(|| client.log_in(&home, host, login)).expect_ok();
        }
        for (project, public) in [("private", false), ("public", true)] {
            // Named apart, so that nobody finds what another has pushed.
            let repository = format!("{project}/{}", format!("{person:?}").to_lowercase());
            let pulled =
                block_in_place(|| client.pull(&home, &format!("{host}/{project}/app:there")));
            judge(&pulled, person, Action::Pull, public);

            let image = Image::random(1, 1_000);
            let _ = std::fs::remove_dir_all(home.join("in"));
            image.write_layout(&home.join("in"), "v1");
            image.write_docker_archive(&home.join("in.tar"), "in:v1");
            let pushed = block_in_place(|| client.push(&home, &format!("{host}/{repository}:v1")));
            judge(&pushed, person, Action::Push, public);
            let there = api.get_manifest(&admin, &repository, "v1").await.status == 200;
            assert_eq!(
                there,
                may(person, Action::Push, public),
                "{person:?} {repository}"
            );
        }
    }
    place.server.stop();
}

#[track_caller]
fn judge(ran: &Ran, person: Person, action: Action, public: bool) {
    let allowed = may(person, action, public);
    assert_eq!(
        ran.ok(),
        allowed,
        "{person:?} may {action:?} (public: {public}): {allowed}, but: {ran}"
    );
    if !allowed {
        ran.expect_refused();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo() {
    let Some(program) = tool("skopeo") else {
        return;
    };
    let client = Words {
        program,
        log_in: "login --tls-verify=false --username USER --password-stdin HOST",
        pull: "copy --src-tls-verify=false docker://NAME oci:out:v1",
        push: "copy --dest-tls-verify=false oci:in:v1 docker://NAME",
    };
    walk(client, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crane() {
    let Some(program) = tool("crane") else { return };
    let client = Words {
        program,
        log_in: "auth login --username USER --password-stdin HOST",
        pull: "pull NAME out.tar",
        push: "push in NAME",
    };
    walk(client, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oras() {
    let Some(program) = tool("oras") else { return };
    let client = Words {
        program,
        log_in: "login --plain-http --username USER --password-stdin HOST",
        pull: "pull --plain-http NAME --output out",
        push: "copy --from-oci-layout --to-plain-http in:v1 NAME",
    };
    walk(client, &FIVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podman() {
    let Some(program) = tool("podman") else {
        return;
    };
    if !is_root("podman") {
        return;
    }
    let client = Words {
        program,
        log_in: "--root STORE --runroot RUN --storage-driver vfs login --tls-verify=false \
                 --username USER --password-stdin HOST",
        pull: "--root STORE --runroot RUN --storage-driver vfs pull --tls-verify=false NAME",
        push: "--root STORE --runroot RUN --storage-driver vfs load --quiet --input in.tar ; \
               --root STORE --runroot RUN --storage-driver vfs push --tls-verify=false localhost/in:v1 NAME",
    };
    walk(client, &FIVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buildah() {
    let Some(program) = tool("buildah") else {
        return;
    };
    if !is_root("buildah") {
        return;
    }
    let client = Words {
        program,
        log_in: "--root STORE --runroot RUN --storage-driver vfs login --tls-verify=false \
                 --username USER --password-stdin HOST",
        pull: "--root STORE --runroot RUN --storage-driver vfs pull --tls-verify=false NAME",
        push: "--root STORE --runroot RUN --storage-driver vfs pull --quiet docker-archive:in.tar ; \
               --root STORE --runroot RUN --storage-driver vfs push --tls-verify=false localhost/in:v1 docker://NAME",
    };
    walk(client, &FIVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker() {
    let Some(program) = crate::docker::docker() else {
        return;
    };
    walk(Docker(program), &FIVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regctl() {
    let Some(program) = tool("regctl") else {
        return;
    };
    let client = Words {
        program,
        log_in: "--host reg=HOST,tls=disabled registry login --skip-check --user USER \
                 --pass-stdin HOST",
        pull: "--host reg=HOST,tls=disabled image copy NAME ocidir://out:v1",
        push: "--host reg=HOST,tls=disabled image copy ocidir://in:v1 NAME",
    };
    walk(client, &FIVE).await;
}

#[tokio::test]
async fn deletes_are_for_those_who_keep_the_project() {
    let place = Place::new().await;
    let (api, admin) = (place.server.api(), place.server.admin());
    for (project, public) in [("private", false), ("public", true)] {
        for person in ALL {
            let image = Image::random(1, 1_000);
            let repository = format!("{project}/app");
            api.push(&admin, &repository, "gone", &image).await;
            let allowed = may(person, Action::Delete, public);
            // By tag first, then the manifest itself: two ways to the same loss.
            for reference in ["gone".to_owned(), image.digest()] {
                let path = format!("/v2/{repository}/manifests/{reference}");
                let status = api.delete(&path, place.login(person)).await.status;
                let said = if allowed {
                    status == 202
                } else {
                    [401, 403].contains(&status)
                };
                assert!(said, "{person:?} deletes {path}: {status}");
            }
            let left = api.get_manifest(&admin, &repository, &image.digest()).await;
            assert_eq!(left.status == 404, allowed, "{person:?} {repository}");
        }
    }
    place.server.stop();
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_at_once() {
    let Some(program) = tool("skopeo") else {
        return;
    };
    let server = Server::start(Options::default());
    let (api, admin) = (server.api(), server.admin());
    api.create_project(&admin, "team", false).await;
    api.push(&admin, "team/app", "v1", &Image::random(1, 1_000))
        .await;
    let user = api.create_user(&admin, "user").await;
    let member = api.add_member(&admin, "team", &user, Role::Guest).await;
    let pull = || {
        let creds = format!("{}:{}", user.name, user.password);
        let name = format!("docker://{}/team/app:v1", server.host());
        Home::new()
            .run(&program)
            .args(["inspect", "--tls-verify=false", "--creds", &creds, &name])
            .run()
    };
    pull().expect_ok();
    let path = format!("/api/v2.0/projects/team/members/{member}");
    let _ = api.delete(&path, Some(&admin)).await.expect(200);
    pull().expect_refused();
    server.stop();
}
