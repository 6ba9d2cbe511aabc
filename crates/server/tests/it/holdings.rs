//! A project with one of everything that has an id, and a body for every operation that takes one.
//!
//! A route with a parameter or a body that is not known here fails the tests that use it, so they
//! are complete by construction.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::app::{App, Setup};
use crate::client::Login;
use crate::content::sha256;
use crate::cve_export;
use crate::sbom_attached::forge;
use crate::scanners::Stub;
use crate::scanning::advisory;
use crate::vex;

/// What a path may name that is the same for all projects: words, and things of the system.
const COMMON: [&str; 10] = [
    "meta_name",
    "addition",
    "digest",
    "job_type",
    "pool_id",
    "gc_id",
    "purge_id",
    "scrub_id",
    "repair_id",
    // A name that means something only in its repository.
    "tag_name",
];

/// A server whose webhooks may call this machine.
pub(crate) fn setup() -> Setup {
    Setup {
        tweak: |settings| {
            settings.egress.allow = Some(vec!["127.0.0.0/8".to_owned()]);
            settings.registry.undelete_days = 7;
        },
        ..Setup::default()
    }
}

/// A project and what it holds.
pub(crate) struct Holding {
    pub(crate) project: String,
    pub(crate) id: i64,
    /// Its administrator, who has no other right.
    pub(crate) owner: Login,
    params: BTreeMap<&'static str, String>,
}

fn last(location: &str) -> String {
    location.rsplit('/').next().unwrap().to_owned()
}

impl Holding {
    pub(crate) async fn make(app: &App, name: &str) -> Self {
        let owner = app.user(&format!("{name}-owner")).await;
        let id = app.project(name, false).await;
        let mut holding = Self {
            project: name.to_owned(),
            id,
            params: BTreeMap::new(),
            owner: owner.clone(),
        };
        holding.set("scanner", Stub::start().await.url);
        let member = app.member(name, &owner, 1).await;
        holding.set("mid", member);
        holding.set("project_name", name);
        holding.set("project_name_or_id", name);
        holding.set("user_id", owner.id);
        for (name, value) in [
            ("meta_name", "auto_scan"),
            ("addition", "build_history"),
            ("digest", sha256(b"no icon").as_str()),
            ("job_type", "WEBHOOK"),
            ("pool_id", "all"),
            ("report_id", "nothing"),
            ("tag_name", "latest"),
        ] {
            holding.set(name, value);
        }
        for (param, operation, path) in [
            ("group_id", "createUserGroup", "/usergroups"),
            ("label_id", "CreateLabel", "/labels"),
            (
                "webhook_policy_id",
                "CreateWebhookPolicyOfProject",
                "/projects/{project_name}/webhook/policies",
            ),
            ("robot_id", "CreateRobot", "/robots"),
            ("registration_id", "createScanner", "/scanners"),
            ("feed_name", "createAdvisoryFeed", "/advisories/feeds"),
            ("vex_id", "addVex", "/projects/{project_name}/vex"),
            ("gc_id", "createGCSchedule", "/system/gc/schedule"),
            (
                "purge_id",
                "createPurgeSchedule",
                "/system/purgeaudit/schedule",
            ),
            ("scrub_id", "createScrubSchedule", "/system/scrub/schedule"),
            (
                "repair_id",
                "createRepairSchedule",
                "/system/repair/schedule",
            ),
        ] {
            let path = holding.fill(&format!("/api/v2.0{path}"));
            let body = holding.body(operation, "kept");
            let made = app.post(&path).json(&body).await;
            // One run of each upkeep at a time: the first holding began it.
            let id = match made.status {
                409 if COMMON.contains(&param) => "1".to_owned(),
                _ => last(made.expect(201).need("location")),
            };
            holding.set(param, id);
        }
        let metadata = holding.fill("/api/v2.0/projects/{project_name}/metadatas/");
        let kept = json!({"auto_scan": "false"});
        app.post(&metadata).json(&kept).await.expect(200);
        holding.push(app).await;
        holding.lose(app).await;
        holding.set_rules(app).await;
        holding.export(app).await;
        let quotas = format!("/api/v2.0/quotas?reference=project&reference_id={id}");
        let quotas = app.get(&quotas).send().await.expect(200).json();
        holding.set("quota", &quotas[0]["id"]);
        holding
    }

    /// Pushes, which the webhook policy is told of.
    async fn push(&mut self, app: &App) {
        let repository = format!("{0}-app", self.project);
        let name = format!("{0}/{repository}", self.project);
        // The second time, so that there is something to go back to.
        app.push_image(&name, "latest", "before").await;
        let image = app.push_image(&name, "latest", &self.project).await;
        self.set("repository_name", repository);
        let bill = Bytes::from_static(b"{}\n");
        forge(app, &name, &image.digest, &bill, true).await;
        self.set("reference", image.digest);
        let policies = "/api/v2.0/projects/{project_name}/webhook/policies/{webhook_policy_id}";
        let executions = format!("{}/executions", self.fill(policies));
        let execution = first(app, &executions).await;
        let task = first(app, &format!("{executions}/{execution}/tasks")).await;
        self.set("execution_id", execution);
        self.set("job_id", &task);
        self.set("task_id", task);
    }

    /// Deletes a repository, which can be brought back.
    async fn lose(&mut self, app: &App) {
        let name = format!("{}/gone", self.project);
        app.push_image(&name, "latest", &self.project).await;
        let gone = self.fill("/api/v2.0/projects/{project_name}/repositories/gone");
        app.delete(&gone).send().await.expect(200);
        let deleted = self.fill("/api/v2.0/projects/{project_name}/deletedrepositories");
        self.set("deleted_repository_id", first(app, &deleted).await);
    }

    /// Makes rules for tags, and lets those of retention run once.
    async fn set_rules(&mut self, app: &App) {
        let bare = app.project(&format!("{}-bare", self.project), false).await;
        self.set("bare", bare);
        let rules = self.fill("/api/v2.0/projects/{project_name}/immutabletagrules");
        let rule = self.body("CreateImmuRule", "kept");
        let made = app.post(&rules).json(&rule).await.expect(201);
        self.set("immutable_rule_id", last(made.need("location")));
        let policy = self.body("createRetention", "kept");
        let made = app.post("/api/v2.0/retentions").json(&policy).await;
        let made = made.expect(201).need("location").to_owned();
        self.set("retention", last(&made));
        let dry = self.body("triggerRetentionExecution", "kept");
        let runs = format!("{made}/executions");
        let run = app.post(&runs).json(&dry).await.expect(201);
        let run = last(run.need("location"));
        self.set("tid", first(app, &format!("{runs}/{run}/tasks")).await);
        self.set("eid", run);
        for _ in 0..600 {
            let found = app.get(&runs).send().await.expect(200).json();
            if !matches!(
                found[0]["status"].as_str(),
                Some("Pending" | "Running" | "InProgress")
            ) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the run of {made} does not end");
    }

    /// Exports the vulnerabilities of the project, for the administrator of the system.
    async fn export(&mut self, app: &App) {
        let body = self.body("exportScanData", "kept");
        let made = cve_export::ask(app, &app.admin, &body).await.expect(200);
        let id = made.json()["id"].as_i64().unwrap();
        cve_export::ended(app, &app.admin, id).await;
        self.set("export", id);
    }

    fn set(&mut self, name: &'static str, value: impl ToString) {
        self.params.insert(name, value.to_string());
    }

    /// The value of a parameter of this path.
    fn value(&self, path: &str, name: &str) -> &str {
        let name = match name {
            "id" if path.starts_with("/api/v2.0/quotas/") => "quota",
            "id" if path.starts_with("/api/v2.0/retentions/") => "retention",
            "execution_id" if path.starts_with("/api/v2.0/export/") => "export",
            other => other,
        };
        let Some(value) = self.params.get(name) else {
            panic!("{path}: no {name} is known; add it to the holdings");
        };
        value
    }

    /// The path with everything in braces put in.
    pub(crate) fn fill(&self, path: &str) -> String {
        self.fill_but(path, None)
    }

    /// As [`Self::fill`], with one parameter that is another holding's.
    fn fill_but(&self, path: &str, foreign: Option<(&str, &Self)>) -> String {
        let mut filled = path.to_owned();
        for name in names(path) {
            let of = match foreign {
                Some((one, other)) if one == name => other,
                _ => self,
            };
            filled = filled.replace(&format!("{{{name}}}"), of.value(path, name));
        }
        filled
    }

    /// Every way in which one id of the path can be another holding's.
    pub(crate) fn with_one_of(&self, other: &Self, path: &str) -> Vec<String> {
        let foreign =
            names(path).filter(|name| !name.starts_with("project_name") && !COMMON.contains(name));
        foreign
            .map(|name| self.fill_but(path, Some((name, other))))
            .collect()
    }

    /// A body that the operation takes; `name` for what it makes.
    pub(crate) fn body(&self, operation: &str, name: &str) -> Value {
        let own = format!("{}-{name}", self.project);
        let hook = json!({
            "name": own, "enabled": true, "event_types": ["PUSH_ARTIFACT"],
            "targets": [{"type": "http", "address": "http://127.0.0.1:9/"}],
        });
        let run = json!({
            "schedule": {"type": "Manual"},
            "parameters": {"audit_retention_hour": 24},
        });
        let plan = json!({"schedule": {"type": "None"}});
        let robot = json!({
            "name": own, "level": "project", "duration": 30,
            "permissions": [{
                "kind": "project", "namespace": self.project,
                "access": [{"resource": "repository", "action": "pull"}],
            }],
        });
        let label = json!({"name": own, "scope": "p", "project_id": self.id});
        let select = |decoration: &str, pattern: &str| json!({"kind": "doublestar", "decoration": decoration, "pattern": pattern});
        match operation {
            "createUserGroup" | "updateUserGroup" => json!({"group_name": own, "group_type": 3}),
            "createUser" => json!({
                "username": own, "email": format!("{own}@example.org"),
                "realname": own, "password": "Sailor12345",
            }),
            "updateUserProfile" => {
                json!({"email": format!("{own}@example.org"), "realname": own})
            }
            "setUserSysAdmin" => json!({"sysadmin_flag": false}),
            "updateUserPassword" => {
                json!({"old_password": self.owner.password, "new_password": format!("Aa1-{own}-x")})
            }
            "createProject" => json!({"project_name": own}),
            "updateProject" => json!({"public": false}),
            "addProjectMetadatas" => json!({"prevent_vul": "true"}),
            "updateProjectMetadata" => json!({"auto_scan": "false"}),
            "createProjectMember" => json!({
                "role_id": 2, "member_user": {"username": "somebody"},
            }),
            "updateProjectMember" => json!({"role_id": 1}),
            "createScanner" | "updateScanner" | "pingScanner" => {
                json!({"name": own, "url": format!("{}/{name}", self.params["scanner"])})
            }
            "putAdvisoryFeedContent" => advisory("CVE-2026-1", "lib", None, ""),
            "setScannerAsDefault" => json!({"is_default": true}),
            "setScannerOfProject" => json!({"uuid": self.params["registration_id"]}),
            "putSystemCVEAllowlist" => json!({"items": []}),
            "CreateLabel" | "UpdateLabel" => label,
            "addLabel" => json!({"id": self.params["label_id"].parse::<i64>().unwrap()}),
            "updateQuota" => json!({"hard": {"storage": -1}}),
            "updateConfigurations" => json!({"read_only": false}),
            "CreateRobot" => robot,
            "UpdateRobot" => {
                // A robot keeps its name.
                let mut robot = robot;
                robot.as_object_mut().unwrap().remove("name");
                robot
            }
            "RefreshSec" => json!({"secret": "Aa1-of-the-robot"}),
            "updateRepository" => json!({"description": own}),
            "createTag" | "createAdvisoryFeed" => json!({"name": own}),
            "addVex" => vex::document(
                name,
                &json!([vex::statement("CVE-2026-1", "fixed", json!("pkg:npm/x"))]),
            ),
            "exportScanData" => json!({"job_name": own, "projects": [self.id]}),
            "CreateWebhookPolicyOfProject" | "UpdateWebhookPolicyOfProject" => hook,
            "CreateImmuRule" | "UpdateImmuRule" => json!({
                "action": "immutable",
                "template": "immutable_template",
                "tag_selectors": [select("matches", &format!("never-{name}"))],
                "scope_selectors": {"repository": [select("repoMatches", "**")]},
            }),
            "createRetention" | "updateRetention" => {
                let of = if operation == "createRetention" && name != "kept" {
                    self.params["bare"].parse().unwrap()
                } else {
                    self.id
                };
                json!({
                    "algorithm": "or",
                    "rules": [{
                        "action": "retain",
                        "template": "always",
                        "params": {},
                        "tag_selectors": [select("matches", "**")],
                        "scope_selectors": {"repository": [select("repoMatches", "**")]},
                    }],
                    "trigger": {"kind": "Schedule", "settings": {"cron": ""}, "references": {}},
                    "scope": {"level": "project", "ref": of},
                })
            }
            "triggerRetentionExecution" => json!({"dry_run": true}),
            "operateRetentionExecution" => json!({"action": "stop"}),
            "restoreTag" | "updateAdvisoryFeed" => json!({}),
            "scanArtifact" | "stopScanArtifact" => json!({"scan_type": "vulnerability"}),
            "actionPendingJobs" => json!({"action": "resume"}),
            "createGCSchedule"
            | "createScanAllSchedule"
            | "createPurgeSchedule"
            | "createScrubSchedule"
            | "createRepairSchedule"
                if name == "kept" =>
            {
                run
            }
            "createGCSchedule"
            | "createScanAllSchedule"
            | "createPurgeSchedule"
            | "createScrubSchedule"
            | "createRepairSchedule"
            | "updateGCSchedule"
            | "updateScanAllSchedule"
            | "updatePurgeSchedule"
            | "updateScrubSchedule"
            | "updateRepairSchedule" => plan,
            other => panic!("no body is known for {other}; add it to the holdings"),
        }
    }
}

/// The names in braces.
pub(crate) fn names(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.split('{').skip(1);
    parts.map(|part| part.split('}').next().unwrap())
}

/// The id of the first entry of a list, as soon as there is one.
async fn first(app: &App, list: &str) -> String {
    for _ in 0..600 {
        let found = app.get(list).send().await.expect(200).json();
        if let Some(entry) = found.get(0) {
            return entry["id"].to_string();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{list} stays empty");
}
