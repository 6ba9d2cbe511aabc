//! Every route × every role × private and public projects, against Harbor's matrix written down
//! once more. A route that is not in the table fails the test.

mod robots;
mod routes;

use berth_iam::Endpoint;
use berth_oci::media_type;
use http::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{App, both};
use crate::client::Login;
use crate::content::sha256;
use routes::ROUTES;

/// Who holds what in a project: project administrator, maintainer, developer, guest, limited
/// guest, everybody on a public project. C create, R read, U update, D delete, L list, `<` pull,
/// `>` push.
const MATRIX: &[(&str, [&str; 6])] = &[
    ("self", ["RUD", "R", "R", "R", "R", "R"]),
    ("member", ["CRUDL", "RL", "RL", "RL", "", ""]),
    ("metadata", ["CRUD", "R", "", "", "", ""]),
    ("log", ["L", "", "", "", "", ""]),
    (
        "repository",
        ["CRUDL<>", "CRUDL<>", "CRUL<>", "RL<", "RL<", "L<"],
    ),
    ("artifact", ["CRDL", "CRDL", "CRL", "RL", "RL", "RL"]),
    ("notification-policy", ["CRUDL", "RL", "", "", "", ""]),
    ("artifact-addition", ["R", "R", "R", "R", "R", "R"]),
    ("tag", ["CDL", "CDL", "CL", "L", "L", "L"]),
    ("scan", ["CRs", "CRs", "R", "R", "R", "R"]),
    ("sbom", ["CRs", "CRs", "R", "R", "R", ""]),
    ("accessory", ["L", "L", "L", "L", "L", "L"]),
    ("artifact-label", ["CD", "CD", "CD", "", "", ""]),
    ("immutable-tag", ["CUDL", "CUDL", "", "", "", ""]),
    ("scanner", ["CR", "R", "R", "R", "R", "R"]),
];

/// What a request under `/v2` asks. `{p}` is the project; nothing named here is there, so that
/// whoever may do it changes nothing.
const REGISTRY: &[(&str, &str)] = &[
    ("GET /v2/", "user"),
    ("GET /v2/_oci/ext/discover", "user"),
    ("GET /v2/{p}/app/tags/list", "repository:<"),
    ("GET /v2/{p}/app/manifests/none", "repository:<"),
    ("HEAD /v2/{p}/app/manifests/none", "repository:<"),
    ("GET /v2/{p}/app/blobs/{digest}", "repository:<"),
    ("HEAD /v2/{p}/app/blobs/{digest}", "repository:<"),
    ("GET /v2/{p}/app/referrers/{digest}", "repository:<"),
    ("PUT /v2/{p}/app/manifests/none", "repository:>"),
    ("POST /v2/{p}/app/blobs/uploads/", "repository:>"),
    (
        "POST /v2/{p}/app/blobs/uploads/?mount={digest}",
        "repository:>",
    ),
    (
        "POST /v2/{p}/app/blobs/uploads/?mount={digest}&from=library/x",
        "repository:>",
    ),
    (
        "POST /v2/{p}/app/blobs/uploads/?digest={digest}",
        "repository:>",
    ),
    ("GET /v2/{p}/app/blobs/uploads/{id}", "repository:>"),
    ("PATCH /v2/{p}/app/blobs/uploads/{id}", "repository:>"),
    (
        "PUT /v2/{p}/app/blobs/uploads/{id}?digest={digest}",
        "repository:>",
    ),
    ("DELETE /v2/{p}/app/blobs/uploads/{id}", "repository:>"),
    ("DELETE /v2/{p}/app/manifests/none", "artifact:D"),
    ("DELETE /v2/{p}/app/manifests/{digest}", "artifact:D"),
    ("DELETE /v2/{p}/app/blobs/{digest}", "artifact:D"),
];

/// Somebody who calls.
struct Somebody {
    name: &'static str,
    login: Option<Login>,
    /// The column of the matrix.
    column: Option<usize>,
    sysadmin: bool,
    robot: Option<robots::Rights>,
}

impl Somebody {
    fn may(&self, public: bool, asked: &str) -> bool {
        match asked {
            "any" => true,
            "nobody" => false,
            _ if self.sysadmin => true,
            "user" => self.login.is_some(),
            "system" => false,
            "project-admin" => self.column == Some(0),
            either if either.contains('|') => either.split('|').any(|cell| self.may(public, cell)),
            cell => {
                let (resource, action) = cell.split_once(':').unwrap();
                let row = MATRIX.iter().find(|(name, _)| *name == resource).unwrap().1;
                self.column
                    .is_some_and(|column| row[column].contains(action))
                    || (public && row[5].contains(action))
                    || self.robot.is_some_and(|robot| robot.cell(public, cell))
            }
        }
    }
}

impl Somebody {
    /// As [`Self::may`], of a route of the API.
    fn may_use(&self, public: bool, asked: &str, endpoint: &Endpoint) -> bool {
        let route = format!("{} {}", endpoint.method, endpoint.path);
        match self.robot {
            Some(robot) => robot.of_its_own(&route).unwrap_or_else(|| match asked {
                "system" => robot.system(endpoint),
                other => self.may(public, other),
            }),
            None => self.may(public, asked),
        }
    }
}

/// One of each, with their role in both projects.
async fn everybody(app: &App) -> Vec<Somebody> {
    app.project("private", false).await;
    app.project("public", true).await;
    for project in ["private", "public"] {
        app.push_image(&format!("{project}/app"), "latest", "roles")
            .await;
    }
    let mut all = vec![
        Somebody {
            name: "anonymous",
            login: None,
            column: None,
            sysadmin: false,
            robot: None,
        },
        Somebody {
            name: "sysadmin",
            login: Some(app.admin.clone()),
            column: None,
            sysadmin: true,
            robot: None,
        },
        Somebody {
            name: "stranger",
            login: Some(app.user("stranger").await),
            column: None,
            sysadmin: false,
            robot: None,
        },
    ];
    let roles = [
        ("project-admin", 1),
        ("maintainer", 4),
        ("developer", 2),
        ("guest", 3),
        ("limited-guest", 5),
    ];
    for (column, (name, role)) in roles.into_iter().enumerate() {
        let login = app.user(name).await;
        app.member("private", &login, role).await;
        app.member("public", &login, role).await;
        all.push(Somebody {
            name,
            login: Some(login),
            column: Some(column),
            sysadmin: false,
            robot: None,
        });
    }
    for (name, login, rights) in robots::all(app).await {
        all.push(Somebody {
            name,
            login: Some(login),
            column: None,
            sysadmin: false,
            robot: Some(rights),
        });
    }
    all
}

fn asked_by(method: &Method, path: &str) -> Option<&'static str> {
    const REPOSITORIES: &str = "/api/v2.0/projects/{project_name}/repositories";
    let wanted = format!("{method} {path}");
    let found = ROUTES.iter().find(|(route, _)| {
        let artifacts = format!("{REPOSITORIES}/{{repository_name}}/artifacts");
        route
            .replace("{repositories}", REPOSITORIES)
            .replace("{artifacts}", &artifacts)
            == wanted
    });
    found.map(|(_, asked)| *asked)
}

/// Calls a route of the API so that nothing changes, whoever may.
async fn try_route(app: &App, who: &Somebody, method: &Method, path: &str) -> Answer {
    let mut call = app.call(method.clone(), path);
    call = match &who.login {
        Some(login) => call.by(login),
        None => call.nobody(),
    };
    if matches!(*method, Method::POST | Method::PUT) {
        // No route takes a text.
        return call.json(&json!("nothing")).await;
    }
    call.send().await
}

#[track_caller]
fn check(answer: &Answer, may: bool, refused: u16, what: &str) {
    let refused_here = matches!(answer.status, 401 | 403);
    assert!(answer.status < 500, "{what}: {}", answer.text());
    if may {
        assert!(
            !refused_here,
            "{what} must be let through: {}",
            answer.text()
        );
    } else {
        assert_eq!(
            answer.status,
            refused,
            "{what} must be refused: {}",
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_of_the_api_asks_what_the_matrix_says() {
    both(async |app| {
        let endpoints = berth_server::endpoints(&app.parts, &app.settings, &app.metrics);
        let missing: Vec<String> = endpoints
            .iter()
            .filter(|it| asked_by(&it.method, it.path).is_none())
            .map(|it| format!("{} {}", it.method, it.path))
            .collect();
        assert!(missing.is_empty(), "not in the table: {missing:#?}");
        let gone = ROUTES.len() - endpoints.len().min(ROUTES.len());
        assert_eq!(gone, 0, "{gone} routes of the table are not served");
        let everybody = everybody(app).await;
        for endpoint in &endpoints {
            let asked = asked_by(&endpoint.method, endpoint.path).unwrap();
            let projects: &[bool] = if endpoint.path.contains("{project_name") {
                &[false, true]
            } else {
                &[false]
            };
            for who in &everybody {
                let refused = if who.login.is_some() { 403 } else { 401 };
                for public in projects {
                    let path = endpoint
                        .path
                        .replace(
                            "{project_name_or_id}",
                            if *public { "public" } else { "private" },
                        )
                        .replace("{project_name}", if *public { "public" } else { "private" })
                        .replace("{mid}", "999999")
                        .replace("{robot_id}", "999999")
                        .replace("{group_id}", "999999")
                        .replace("{webhook_policy_id}", "999999")
                        .replace("{execution_id}", "999999")
                        .replace("{task_id}", "999999")
                        .replace("{deleted_repository_id}", "999999")
                        .replace("{immutable_rule_id}", "999999")
                        .replace("{id}", "999999")
                        .replace("{label_id}", "999999")
                        .replace("{meta_name}", "auto_scan")
                        .replace("{repository_name}", "nothing")
                        .replace("{reference}", "latest")
                        .replace("{tag_name}", "nothing")
                        .replace("{report_id}", "nothing");
                    let what = |path: &str| format!("{} {path} by {}", endpoint.method, who.name);
                    if asked == "own" && who.robot.is_none() {
                        let id = who.login.as_ref().map_or(1, |login| login.id);
                        let own = path.replace("{user_id}", &id.to_string());
                        let answer = try_route(app, who, &endpoint.method, &own).await;
                        check(&answer, who.login.is_some(), refused, &what(&own));
                    }
                    let path = path.replace("{user_id}", "999999");
                    let asked = if asked == "own" { "system" } else { asked };
                    let answer = try_route(app, who, &endpoint.method, &path).await;
                    let may = who.may_use(*public, asked, endpoint);
                    check(&answer, may, refused, &what(&path));
                }
            }
        }
        // All of it changed nothing.
        for project in ["private", "public"] {
            let path = format!("/v2/{project}/app/manifests/latest");
            app.get(&path).send().await.expect(200);
        }
    })
    .await;
}

/// Calls under `/v2` so that nothing changes, whoever may.
async fn try_registry(app: &App, method: &str, path: &str, auth: &Auth<'_>) -> Answer {
    let call = app.call(method.parse().unwrap(), path);
    let call = match auth {
        Auth::None => call.nobody(),
        Auth::Password(login) => call.by(login),
        Auth::Token(token) => call.bearer(token),
    };
    let call = call.header("content-type", media_type::OCI_MANIFEST);
    call.body(&b"no manifest"[..]).send().await
}

enum Auth<'a> {
    None,
    Password(&'a Login),
    Token(&'a str),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_asks_what_the_matrix_says() {
    both(async |app| {
        let everybody = everybody(app).await;
        let digest = sha256(b"not here");
        // An upload that is another's.
        let upload = app.begin("library/app").await;
        let upload = upload.rsplit('/').next().unwrap();
        for public in [false, true] {
            let project = if public { "public" } else { "private" };
            for who in &everybody {
                let scope = format!("repository:{project}/app:pull,push,delete");
                let token = app.token(who.login.as_ref(), &[&scope]).await;
                for (route, asked) in REGISTRY {
                    let route = route
                        .replace("{p}", project)
                        .replace("{digest}", &digest)
                        .replace("{id}", upload);
                    let (method, path) = route.split_once(' ').unwrap();
                    let may = who.may(public, asked);
                    let what = format!("{route} by {}", who.name);
                    if let Some(login) = &who.login {
                        let answer = try_registry(app, method, path, &Auth::Password(login)).await;
                        check(&answer, may, 403, &format!("{what} with a password"));
                    } else {
                        // Even where it is public: a token of nobody's is had for the asking.
                        let answer = try_registry(app, method, path, &Auth::None).await;
                        check(&answer, false, 401, &format!("{what} with nothing"));
                    }
                    let may = may || *asked == "user";
                    let answer = try_registry(app, method, path, &Auth::Token(&token)).await;
                    check(&answer, may, 401, &format!("{what} with a token"));
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_show_nobody_what_is_not_theirs() {
    both(async |app| {
        let everybody = everybody(app).await;
        for who in &everybody {
            let token = app
                .token(
                    who.login.as_ref(),
                    &["repository:public/app:pull", "registry:catalog:*"],
                )
                .await;
            let member = who.sysadmin
                || who.column.is_some()
                || who.robot.is_some_and(|robot| robot.sees_private());
            let mut seen = vec![app.get("/v2/_catalog").bearer(&token).send().await];
            for path in [
                "/api/v2.0/repositories",
                "/api/v2.0/projects",
                "/api/v2.0/search?q=app",
            ] {
                let call = app.get(path);
                let call = match &who.login {
                    Some(login) => call.by(login),
                    None => call.nobody(),
                };
                seen.push(call.send().await);
            }
            for answer in seen {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                if answer.status == 401 && who.login.is_none() {
                    continue;
                }
                assert_eq!(answer.status, 200, "{}: {text}", who.name);
                assert!(text.contains("public"), "{}: {text}", who.name);
                let shown = text.contains("\"private") || text.contains("private/app");
                assert_eq!(shown, member, "{}: {text}", who.name);
            }
        }
    })
    .await;
}
