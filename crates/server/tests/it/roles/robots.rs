//! The robots that the matrix is walked by, and what each may, written down once more.

use berth_iam::{Access, Endpoint};
use serde_json::json;

use crate::app::App;
use crate::client::Login;

/// Where a robot's project permissions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// In the project "private".
    Private,
    /// In a project the matrix does not ask about.
    Elsewhere,
    /// In every project.
    Every,
}

/// What a robot holds, as `resource:action` in Harbor's words. `*` is all that is offered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights {
    system: &'static [&'static str],
    reach: Reach,
    project: &'static [&'static str],
}

const FEW: Rights = Rights {
    system: &[],
    reach: Reach::Private,
    project: &[
        "repository:pull",
        "repository:list",
        "artifact:read",
        "log:list",
    ],
};
const OTHERS: Rights = Rights {
    system: &[],
    reach: Reach::Elsewhere,
    project: &["*"],
};
const SOME: Rights = Rights {
    system: &["user:list", "quota:list", "robot:list", "user-group:read"],
    reach: Reach::Every,
    project: &[
        "repository:list",
        "repository:pull",
        "repository:push",
        "member:list",
    ],
};
const ALL: Rights = Rights {
    system: &["*"],
    reach: Reach::Every,
    project: &["*"],
};

/// Routes that any user may use and no robot.
const FOR_USERS: &[&str] = &["GET /api/v2.0/users/current"];

/// Routes that any user may use, and robots with one of these.
const FOR_SOME: &[(&str, &[&str])] = &[
    (
        "GET /api/v2.0/users/search",
        &["user:list", "member:create"],
    ),
    (
        "GET /api/v2.0/usergroups/search",
        &["user-group:list", "member:create"],
    ),
    ("GET /api/v2.0/permissions", &["robot:create"]),
    ("GET /api/v2.0/robots", &["robot:list"]),
];

impl Rights {
    fn has(held: &[&str], word: &str) -> bool {
        // What no robot can be given, not even by a star: it is not offered.
        const NEVER: &[&str] = &[
            "configuration:read",
            "configuration:update",
            "robot:update",
            "label:list",
        ];
        !NEVER.contains(&word) && (held.contains(&"*") || held.contains(&word))
    }

    /// Whether the robot sees what is in the private project.
    pub(super) fn sees_private(&self) -> bool {
        self.reach != Reach::Elsewhere
    }

    /// `resource:A` of the matrix, in the private or the public project.
    pub(super) fn cell(&self, public: bool, cell: &str) -> bool {
        let here = match self.reach {
            Reach::Private => !public,
            Reach::Elsewhere => false,
            Reach::Every => true,
        };
        let (resource, letter) = cell.split_once(':').unwrap();
        let resource = if resource == "self" {
            "project"
        } else {
            resource
        };
        let action = match letter {
            "C" => "create",
            "R" => "read",
            "U" => "update",
            "D" => "delete",
            "L" => "list",
            "<" => "pull",
            ">" => "push",
            "s" => "stop",
            other => panic!("what is {other}?"),
        };
        here && Self::has(self.project, &format!("{resource}:{action}"))
    }

    /// What is asked on the system.
    pub(super) fn system(&self, endpoint: &Endpoint) -> bool {
        let (Access::System(wanted) | Access::Registration(wanted) | Access::SelfOr(wanted)) =
            endpoint.access
        else {
            return false;
        };
        // Of the sysadmin flag robots are told only after the body was read.
        Self::has(
            self.system,
            &format!("{}:{}", wanted.resource, wanted.action),
        )
    }

    /// A route for anybody who is known: `None` if it treats robots like everybody.
    pub(super) fn of_its_own(&self, route: &str) -> Option<bool> {
        if FOR_USERS.contains(&route) {
            return Some(false);
        }
        if route == "POST /c/userExists" {
            return Some(Self::has(self.system, "user:list"));
        }
        let (_, words) = FOR_SOME.iter().find(|(some, _)| *some == route)?;
        let held = |word: &&&str| match **word {
            // Robots of the system are another's than those of a project.
            "robot:list" => Self::has(self.system, word),
            _ => Self::has(self.system, word) || Self::has(self.project, word),
        };
        Some(words.iter().any(|word| held(&word)))
    }
}

/// The robots with their rights.
pub(super) async fn all(app: &App) -> Vec<(&'static str, Login, Rights)> {
    app.project("elsewhere", false).await;
    let offered = app.get("/api/v2.0/permissions").send().await.expect(200);
    let offered = offered.json();
    let mut made = Vec::new();
    for (name, rights) in [
        ("robot-of-private", FEW),
        ("robot-of-elsewhere", OTHERS),
        ("robot-with-some", SOME),
        ("robot-with-all", ALL),
    ] {
        let access = |level: &str, held: &[&str]| -> Vec<serde_json::Value> {
            let all = offered[level].as_array().unwrap().iter();
            all.filter(|pair| {
                let word = format!(
                    "{}:{}",
                    pair["resource"].as_str().unwrap(),
                    pair["action"].as_str().unwrap()
                );
                Rights::has(held, &word)
            })
            .cloned()
            .collect()
        };
        let namespace = match rights.reach {
            Reach::Private => "private",
            Reach::Elsewhere => "elsewhere",
            Reach::Every => "*",
        };
        let project = json!({
            "kind": "project", "namespace": namespace,
            "access": access("project", rights.project),
        });
        let system = json!({
            "kind": "system", "namespace": "/", "access": access("system", rights.system),
        });
        let (level, permissions) = if rights.reach == Reach::Every {
            ("system", json!([system, project]))
        } else {
            ("project", json!([project]))
        };
        let body = json!({
            "name": name, "level": level, "duration": -1, "permissions": permissions,
        });
        made.push((name, app.robot(&body).await, rights));
    }
    made
}
