//! Tag retention: what a rule keeps is kept, the rest goes, and a dry run says the same.

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, Setup, both_with};
use crate::audit;
use crate::client::Login;
use crate::immutable::rule;
use crate::webhooks::{self, Receiver};

const API: &str = "/api/v2.0/retentions";
const DAY: Duration = Duration::from_hours(24);

fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    }
}

fn keep(template: &str, number: i64, tags: &str) -> Value {
    json!({
        "action": "retain",
        "template": template,
        "params": {template: number},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags,
            "extras": "{\"untagged\":false}"}],
        "scope_selectors": {"repository":
            [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    })
}

fn policy(project: i64, rules: &[Value]) -> Value {
    json!({
        "algorithm": "or",
        "rules": rules,
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}, "references": {}},
        "scope": {"level": "project", "ref": project},
    })
}

async fn make(app: &App, policy: &Value) -> String {
    let made = app.post(API).json(policy).await.expect(201);
    made.need("location").to_owned()
}

/// Runs a policy to its end; gives the lines of the log that say what became of what.
async fn run(app: &App, policy: &str, dry_run: bool) -> Vec<String> {
    let executions = format!("{policy}/executions");
    let started = app
        .post(&executions)
        .json(&json!({"dry_run": dry_run}))
        .await;
    let execution = started.expect(201).need("location").to_owned();
    let ended = ended(app, policy, &execution).await;
    assert_eq!(ended["status"], "Success", "{ended}");
    assert_eq!(ended["dry_run"], dry_run);
    let tasks = app
        .get(&format!("{execution}/tasks"))
        .send()
        .await
        .expect(200)
        .json();
    let mut lines = Vec::new();
    for task in tasks.as_array().unwrap() {
        if task["repository"] == "" {
            continue;
        }
        let path = format!("{execution}/tasks/{}", task["id"]);
        let log = app.get(&path).send().await.expect(200).text();
        let marks = log.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let judged = cells.len() == 9 && cells[1].starts_with("sha256:");
            judged.then(|| format!("{} {} {}", cells[2], cells[6], cells[7]))
        });
        lines.extend(marks);
    }
    lines.sort();
    lines
}

/// The execution, as soon as it has ended.
async fn ended(app: &App, policy: &str, execution: &str) -> Value {
    let id: i64 = execution.rsplit('/').next().unwrap().parse().unwrap();
    loop {
        let list = app
            .get(&format!("{policy}/executions"))
            .send()
            .await
            .expect(200)
            .json();
        let found = list
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["id"] == id)
            .unwrap();
        if found["end_time"] != "" {
            return found.clone();
        }
        tokio::task::yield_now().await;
    }
}

async fn tags(app: &App, repository: &str) -> Vec<String> {
    let list = app
        .get(&format!("/v2/{repository}/tags/list"))
        .send()
        .await
        .expect(200)
        .json();
    let names = list["tags"].as_array().unwrap().iter();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_the_run_does() {
    both_with(&setup(), async |app| {
        let project = app.project("kept", false).await;
        for (n, tag) in ["v1", "v2", "v3", "v4"].into_iter().enumerate() {
            app.push_image("kept/app", tag, tag).await;
            if n == 0 {
                // Another tag of the same image, which nothing keeps.
                app.push_image("kept/app", "old", tag).await;
                app.push_image("kept/app", "fixed", "fixed").await;
            }
            app.clock.advance(DAY);
        }
        let gone = app.push_image("kept/app", "other", "other").await;
        app.fix("kept", &rule("**", "fixed")).await;
        let rules = [keep("latestPushedK", 2, "v*"), keep("always", 0, "v1")];
        let path = make(app, &policy(project, &rules)).await;
        let foretold = run(app, &path, true).await;
        assert_eq!(tags(app, "kept/app").await.len(), 7);
        let done = run(app, &path, false).await;
        assert_eq!(foretold, done);
        assert_eq!(
            done,
            [
                "fixed immutable IMMUTABLE",
                "old none DEL",
                "other none DEL",
                "v1 rule 2 RETAIN",
                "v2 none DEL",
                "v3 rule 1 RETAIN",
                "v4 rule 1 RETAIN",
            ]
        );
        assert_eq!(tags(app, "kept/app").await, ["fixed", "v1", "v3", "v4"]);
        let manifest = format!("/v2/kept/app/manifests/{}", gone.digest);
        app.get(&manifest).send().await.expect(404);
        // Nothing is left to be done.
        assert!(
            run(app, &path, false)
                .await
                .iter()
                .all(|line| !line.ends_with("DEL"))
        );
        let task = app
            .get(&format!("{path}/executions"))
            .send()
            .await
            .expect(200);
        assert_eq!(task.need("x-total-count"), "3");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_index_names_and_what_is_new_stays() {
    both_with(&setup(), async |app| {
        let project = app.project("kept", false).await;
        let child = app.push_image("kept/app", "child", "child").await;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": child.digest, "size": child.bytes.len()}],
        });
        app.put_manifest("kept/app", "v1", &index).await.expect(201);
        let old = app.push_image("kept/app", "moved", "old").await;
        app.push_image("kept/app", "moved", "new").await;
        app.clock.advance(DAY);
        // Pushed by its digest, and about to be named by an index.
        let new = app.push_image("kept/app", "gone", "fresh").await;
        app.push_image("kept/app", "gone", "gone").await;
        let rules = [keep("always", 0, "{v1,moved}")];
        let path = make(app, &policy(project, &rules)).await;
        run(app, &path, false).await;
        assert_eq!(tags(app, "kept/app").await, ["moved", "v1"]);
        let status = async |digest: &str| {
            let path = format!("/v2/kept/app/manifests/{digest}");
            app.get(&path).send().await.status
        };
        assert_eq!(status(&child.digest).await, 200);
        assert_eq!(status(&old.digest).await, 404);
        assert_eq!(status(&new.digest).await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_kept_and_refused_as_harbor_does() {
    both_with(&setup(), async |app| {
        let project = app.project("kept", false).await;
        let rules = [keep("latestPushedK", 2, "**")];
        let path = make(app, &policy(project, &rules)).await;
        app.post(API)
            .json(&policy(project, &rules))
            .await
            .expect(400);
        let meta = app
            .get("/api/v2.0/projects/kept/metadatas/retention_id")
            .send()
            .await;
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(meta.expect(200).json()["retention_id"], id);
        let mut read = app.get(&path).send().await.expect(200).json();
        assert_eq!(read["rules"][0]["params"]["latestPushedK"], 2);
        assert_eq!(read["scope"], json!({"level": "project", "ref": project}));
        read["trigger"]["settings"]["cron"] = json!("0 0 3 * * *");
        app.put(&path).json(&read).await.expect(200);
        let schedules = app
            .get("/api/v2.0/schedules")
            .send()
            .await
            .expect(200)
            .json();
        let mine = |it: &&Value| it["vendor_type"] == "RETENTION";
        assert!(
            schedules.as_array().unwrap().iter().any(|it| mine(&it)),
            "{schedules}"
        );
        for cron in ["x", "* * * * *", "0 0 0 31 2 *", &"*,".repeat(2_000)] {
            let mut wrong = read.clone();
            wrong["trigger"]["settings"]["cron"] = json!(cron);
            app.put(&path).json(&wrong).await.expect(400);
        }
        for (rules, status) in [
            (vec![keep("latestPushedK", 0, "**")], 400),
            (vec![keep("nothing", 1, "**")], 400),
            (vec![keep("always", 1, "[")], 400),
            (vec![keep("always", 1, "**"), keep("always", 1, "**")], 409),
            (
                (1..=16).map(|n| keep("latestPushedK", n, "**")).collect(),
                400,
            ),
        ] {
            app.put(&path)
                .json(&policy(project, &rules))
                .await
                .expect(status);
        }
        // A policy stays in its project.
        let other = app.project("other", false).await;
        app.put(&path).json(&policy(other, &[])).await.expect(404);
        app.delete(&path).send().await.expect(200);
        app.get(&path).send().await.expect(404);
        app.get("/api/v2.0/projects/kept/metadatas/retention_id")
            .send()
            .await
            .expect(404);
        let offered = app
            .get("/api/v2.0/retentions/metadatas")
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(offered["templates"].as_array().unwrap().len(), 5);
        app.post(API).json(&policy(999_999, &[])).await.expect(400);
    })
    .await;
}

async fn try_all(app: &App, who: &Login, policy: &str, execution: &str) -> Vec<(String, Answer)> {
    let body = json!({"rules": []});
    let mut answers = Vec::new();
    let paths = [
        policy.to_owned(),
        format!("{policy}/executions"),
        format!("{execution}/tasks"),
        format!("{execution}/tasks/1"),
    ];
    for path in &paths {
        answers.push((format!("GET {path}"), app.get(path).by(who).send().await));
    }
    answers.push(("PUT".to_owned(), app.put(policy).by(who).json(&body).await));
    let run = app
        .post(&paths[1])
        .by(who)
        .json(&json!({"dry_run": true}))
        .await;
    answers.push(("POST".to_owned(), run));
    let stop = app
        .patch(execution)
        .by(who)
        .json(&json!({"action": "stop"}))
        .await;
    answers.push(("PATCH".to_owned(), stop));
    answers.push(("DELETE".to_owned(), app.delete(policy).by(who).send().await));
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_reached_through_its_project_alone() {
    both_with(&setup(), async |app| {
        let mine = app.project("mine", false).await;
        let theirs = app.project("theirs", false).await;
        let public = app.project("open", true).await;
        let (admin, guest) = (app.user("mine-admin").await, app.user("guest").await);
        app.member("mine", &admin, 1).await;
        app.member("theirs", &guest, 3).await;
        let foreign = make(app, &policy(theirs, &[])).await;
        let own = make(app, &policy(mine, &[])).await;
        let open = make(app, &policy(public, &[])).await;
        run(app, &foreign, true).await;
        let list = app
            .get(&format!("{foreign}/executions"))
            .send()
            .await
            .expect(200)
            .json();
        let execution = format!("{foreign}/executions/{}", list[0]["id"]);
        for (what, answer) in try_all(app, &admin, &foreign, &execution).await {
            assert_eq!(answer.status, 404, "{what}: {}", answer.text());
        }
        for (what, answer) in try_all(app, &admin, &open, &execution).await {
            assert_eq!(answer.status, 404, "{what}: {}", answer.text());
        }
        // Somebody of the project who may not is told so.
        for (what, answer) in try_all(app, &guest, &foreign, &execution).await {
            assert_eq!(answer.status, 403, "{what}: {}", answer.text());
        }
        app.post(API)
            .by(&admin)
            .json(&policy(theirs, &[]))
            .await
            .expect(403);
        app.post(API)
            .by(&admin)
            .json(&policy(999_999, &[]))
            .await
            .expect(403);
        // Another's execution through one's own policy.
        let borrowed = execution.replace(&foreign, &own);
        app.get(&format!("{borrowed}/tasks"))
            .by(&admin)
            .send()
            .await
            .expect(404);
        let stop = json!({"action": "stop"});
        app.patch(&borrowed)
            .by(&admin)
            .json(&stop)
            .await
            .expect(404);
        app.get(&own).by(&admin).send().await.expect(200);
        app.get(&foreign).nobody().send().await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_deletes_is_told_and_written_down() {
    both_with(&webhooks::setup(), async |app| {
        let project = app.project("kept", false).await;
        let gone = app.push_image("kept/app", "gone", "gone").await;
        app.push_image("kept/app", "stays", "stays").await;
        let mut receiver = Receiver::start(vec![200]).await;
        let targets = json!([{"type": "http", "address": receiver.address}]);
        webhooks::make(app, "kept", "ci", &["TAG_RETENTION"], targets).await;
        let path = make(app, &policy(project, &[keep("always", 0, "stays")])).await;
        // A dry run does nothing, so nobody is told: the first thing that arrives is the run.
        run(app, &path, true).await;
        assert!(
            audit::lines(app, "operation=delete,resource=kept/app:gone")
                .await
                .is_empty()
        );
        run(app, &path, false).await;
        let (_, body) = receiver.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "TAG_RETENTION", "{told}");
        let retention = &told["event_data"]["retention"];
        assert_eq!(retention["result"], "SUCCESS", "{told}");
        assert_eq!(retention["total"], 2, "{told}");
        assert_eq!(retention["retained"], 1, "{told}");
        assert_eq!(retention["project_name"], "kept", "{told}");
        let deleted = retention["deleted_artifact"].as_array().unwrap();
        assert_eq!(deleted.len(), 1, "{told}");
        assert!(deleted[0].to_string().contains("app:gone"), "{told}");
        let lines = audit::lines(app, "operation=delete,resource=kept/app:gone").await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["resource_type"], "tag", "{lines:?}");
        let manifest = format!("/v2/kept/app/manifests/{}", gone.digest);
        app.get(&manifest).send().await.expect(404);
        let policies = audit::lines(app, "resource_type=tag_retention").await;
        // The policy was made, tried and run.
        assert_eq!(policies.len(), 3, "{policies:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_runs_the_policy_when_its_time_comes() {
    both_with(&setup(), async |app| {
        let project = app.project("kept", false).await;
        for tag in ["gone", "stays"] {
            app.push_image("kept/app", tag, tag).await;
        }
        let mut nightly = policy(project, &[keep("always", 0, "stays")]);
        nightly["trigger"]["settings"]["cron"] = "0 0 2 * * *".into();
        let path = make(app, &nightly).await;
        let executions = format!("{path}/executions");
        let none = app.get(&executions).send().await.expect(200).json();
        assert_eq!(none, json!([]));
        app.clock.advance(DAY);
        app.parts.jobs.wake();
        let run = loop {
            let runs = app.get(&executions).send().await.expect(200).json();
            if let Some(run) = runs.get(0).filter(|run| run["end_time"] != "") {
                break run.clone();
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(run["trigger"], "SCHEDULE", "{run}");
        assert_eq!(run["status"], "Success", "{run}");
        assert_eq!(tags(app, "kept/app").await, ["stays"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stopped_run_deleted_is_told_too() {
    const TAGS: usize = 150;
    both_with(&webhooks::setup(), async |app| {
        let project = app.project("kept", false).await;
        let image = app.push_image("kept/app", "stays", "stays").await;
        let artifact = "/api/v2.0/projects/kept/repositories/app/artifacts";
        for n in 0..TAGS {
            let made = app.post(&format!("{artifact}/{}/tags", image.digest));
            made.json(&json!({"name": format!("t{n}")}))
                .await
                .expect(201);
        }
        let mut receiver = Receiver::start(vec![200]).await;
        let targets = json!([{"type": "http", "address": receiver.address}]);
        webhooks::make(app, "kept", "ci", &["TAG_RETENTION"], targets).await;
        let path = make(app, &policy(project, &[keep("always", 0, "stays")])).await;
        let started = app.post(&format!("{path}/executions"));
        let started = started.json(&json!({"dry_run": false})).await;
        let execution = started.expect(201).need("location").to_owned();
        while tags(app, "kept/app").await.len() > TAGS {
            tokio::task::yield_now().await;
        }
        let stop = app.patch(&execution).json(&json!({"action": "stop"})).await;
        stop.expect(200);
        let run = ended(app, &path, &execution).await;
        let (_, body) = receiver.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        let retention = &told["event_data"]["retention"];
        // A machine may be so fast that the run is over before it hears of the stop.
        let result = if run["status"] == "Stopped" {
            "STOPPED"
        } else {
            "SUCCESS"
        };
        assert_eq!(retention["result"], result, "{run} {told}");
        let left = tags(app, "kept/app").await.len();
        let deleted = retention["deleted_artifact"].as_array().unwrap();
        assert_eq!(deleted.len(), TAGS + 1 - left, "{run}");
        assert_eq!(retention["retained"], left, "{told}");
    })
    .await;
}
