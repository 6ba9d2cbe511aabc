//! Webhooks from a push to a real receiver: what arrives, what does not, and what is kept secret.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_crypto::hmac_sha256;
use berth_db::args;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::app::{App, Setup, both, both_with};

const SECRET: &str = "a-signing-secret";
const HEADER: &str = "Bearer hunter2-of-the-hook";

/// A receiver that answers with these statuses in turn, the last one for ever.
pub(crate) struct Receiver {
    pub(crate) address: String,
    got: mpsc::UnboundedReceiver<(String, String)>,
}

impl Receiver {
    pub(crate) async fn start(statuses: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook/s3cret-path", listener.local_addr().unwrap());
        let (told, got) = mpsc::unbounded_channel();
        let statuses = Arc::new(Mutex::new(statuses));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (told, statuses) = (told.clone(), statuses.clone());
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    let mut buffer = vec![0; 16 * 1024];
                    loop {
                        let read = stream.read(&mut buffer).await.unwrap_or(0);
                        seen.extend_from_slice(&buffer[..read]);
                        let text = String::from_utf8_lossy(&seen).into_owned();
                        let whole = text.split_once("\r\n\r\n").filter(|(head, body)| {
                            let length = head
                                .lines()
                                .find_map(|line| {
                                    line.to_lowercase()
                                        .strip_prefix("content-length: ")
                                        .map(str::to_owned)
                                })
                                .and_then(|length| length.parse::<usize>().ok());
                            length == Some(body.len())
                        });
                        if let Some((head, body)) = whole {
                            let _ = told.send((head.to_owned(), body.to_owned()));
                            break;
                        }
                        if read == 0 {
                            return;
                        }
                    }
                    let status = {
                        let mut statuses = statuses.lock().unwrap();
                        if statuses.len() > 1 {
                            statuses.remove(0)
                        } else {
                            statuses[0]
                        }
                    };
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 6\r\n\r\nansWER"
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address, got }
    }

    /// The head and the body of the next request.
    pub(crate) async fn next(&mut self) -> (String, String) {
        let waiting = tokio::time::timeout(Duration::from_secs(30), self.got.recv());
        waiting.await.unwrap().unwrap()
    }
}

pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

pub(crate) fn setup() -> Setup {
    Setup {
        tweak: |settings| settings.egress.allow = Some(vec!["127.0.0.0/8".to_owned()]),
        ..Setup::default()
    }
}

fn policies(project: &str) -> String {
    format!("/api/v2.0/projects/{project}/webhook/policies")
}

pub(crate) async fn make(
    app: &App,
    project: &str,
    name: &str,
    kinds: &[&str],
    targets: Value,
) -> String {
    let body = json!({"name": name, "enabled": true, "event_types": kinds, "targets": targets});
    let made = app.post(&policies(project)).json(&body).await.expect(201);
    made.need("location").to_owned()
}

/// The executions of a policy once none is under way.
pub(crate) async fn settled(app: &App, policy: &str) -> Vec<Value> {
    for _ in 0..600 {
        let path = format!("{policy}/executions?page_size=100");
        let found = app.get(&path).send().await.expect(200).json();
        let found = found.as_array().unwrap().clone();
        let ended = |it: &Value| matches!(it["status"].as_str(), Some("Success" | "Error"));
        if !found.is_empty() && found.iter().all(ended) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the deliveries of {policy} do not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_told_signed_and_logged_and_can_be_told_again() {
    both_with(&setup(), async |app| {
        app.project("team", false).await;
        let mut plain = Receiver::start(vec![200]).await;
        let mut cloud = Receiver::start(vec![204]).await;
        let mut slack = Receiver::start(vec![200]).await;
        let targets = json!([
            {"type": "http", "address": plain.address, "auth_header": HEADER, "signing_secret": SECRET},
            {"type": "http", "address": cloud.address, "payload_format": "CloudEvents"},
            {"type": "slack", "address": slack.address},
        ]);
        let kinds = ["PUSH_ARTIFACT", "DELETE_ARTIFACT", "PULL_ARTIFACT"];
        let policy = make(app, "team", "ci", &kinds, targets).await;
        let image = app.push_image("team/app", "v1", "webhooks").await;
        let (head, body) = plain.next().await;
        assert!(head.starts_with("POST /hook/s3cret-path"), "{head}");
        assert_eq!(header(&head, "authorization"), Some(HEADER));
        let timestamp = header(&head, "x-berth-timestamp").unwrap();
        let parts = [timestamp.as_bytes(), b".", body.as_bytes()];
        let signature = hex::encode(hmac_sha256(SECRET.as_bytes(), &parts));
        let expected = format!("sha256={signature}");
        assert_eq!(header(&head, "x-berth-signature"), Some(expected.as_str()));
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "PUSH_ARTIFACT");
        assert_eq!(told["operator"], "admin");
        let resource = &told["event_data"]["resources"][0];
        assert_eq!(resource["digest"], image.digest);
        assert_eq!(resource["tag"], "v1");
        assert_eq!(told["event_data"]["repository"]["repo_full_name"], "team/app");
        assert_eq!(told["event_data"]["repository"]["repo_type"], "private");
        let (head, body) = cloud.next().await;
        assert_eq!(header(&head, "content-type"), Some("application/cloudevents+json"));
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "harbor.artifact.pushed");
        let (_, body) = slack.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["blocks"].as_array().unwrap().len(), 6);

        let deliveries = settled(app, &policy).await;
        assert_eq!(deliveries.len(), 3);
        let delivery = deliveries.iter().find(|it| {
            it["vendor_type"] == "WEBHOOK" && it["extra_attrs"]["payload_format"] == "Default"
        });
        let delivery = delivery.unwrap();
        assert_eq!(delivery["status"], "Success");
        assert_eq!(delivery["extra_attrs"]["event_type"], "PUSH_ARTIFACT");
        let one = format!("{policy}/executions/{}", delivery["id"]);
        let tasks = app.get(&format!("{one}/tasks")).send().await.expect(200).json();
        let log = format!("{one}/tasks/{}/log", tasks[0]["id"]);
        let log = app.get(&log).send().await.expect(200).text();
        assert!(log.contains("200"), "{log}");
        // Nothing secret is shown anywhere.
        let shown = app.get(&policy).send().await.expect(200);
        assert_eq!(shown.json()["targets"][0]["has_auth_header"], true);
        assert_eq!(shown.json()["targets"][0]["signed"], true);
        for text in [shown.text(), log, tasks.to_string(), delivery.to_string()] {
            assert!(!text.contains("hunter2") && !text.contains(SECRET), "{text}");
            assert!(!text.contains("ansWER"), "{text}");
        }
        let (held,): (i64,) = app
            .parts
            .db
            .one(
                "SELECT COUNT(*) FROM task WHERE params LIKE '%hunter2%' OR params LIKE '%signing%'",
                args![],
            )
            .await
            .unwrap();
        assert_eq!(held, 0);
        // A change that does not speak of the secrets keeps them, for the same address only.
        let mut body = shown.json();
        body["name"] = "ci2".into();
        app.put(&policy).json(&body).await.expect(200);
        let again = app.post(&format!("{one}/redeliver")).send().await.expect(201);
        assert!(again.need("location").contains("/executions/"));
        let (head, _) = plain.next().await;
        assert_eq!(header(&head, "authorization"), Some(HEADER));
        let last = app.get("/api/v2.0/projects/team/webhook/lasttrigger").send().await;
        let last = last.expect(200).json();
        assert_eq!(last.as_array().unwrap().len(), 3);
        let pushed = last.as_array().unwrap().iter();
        let pushed = pushed.clone().find(|it| it["event_type"] == "PUSH_ARTIFACT").unwrap();
        assert!(pushed["last_trigger_time"].is_string());

        app.get("/v2/team/app/manifests/v1").send().await.expect(200);
        let (_, body) = plain.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "PULL_ARTIFACT");
        app.delete("/api/v2.0/projects/team/repositories/app").send().await.expect(200);
        let (_, body) = plain.next().await;
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "DELETE_ARTIFACT");
        assert_eq!(told["event_data"]["resources"][0]["tag"], "v1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_a_stopped_server_left_are_told_by_the_next() {
    both_with(&setup(), async |app| {
        let project = app.project("team", false).await;
        let mut receiver = Receiver::start(vec![200]).await;
        let targets = json!([{"type": "http", "address": receiver.address}]);
        let policy = make(app, "team", "ci", &["PUSH_ARTIFACT"], targets).await;
        // Committed, and the process that would have been woken is gone.
        let db = app.parts.db.clone();
        let written: Result<(), berth_db::DbError> = db
            .write(move |tx| {
                Box::pin(async move {
                    for n in 0..40 {
                        let what = json!({"kind": "PUSH_ARTIFACT", "data":
                            {"repository": "team/app", "digest": format!("sha256:{n}"), "tags": []}});
                        tx.execute(
                            "INSERT INTO event (project_id, at, operator, what) VALUES ($1, 1, 'a', $2)",
                            args![project, what.to_string()],
                        )
                        .await?;
                    }
                    Ok(())
                })
            })
            .await;
        written.unwrap();
        app.restart().await;
        let mut digests: Vec<String> = Vec::new();
        for _ in 0..40 {
            let (_, body) = receiver.next().await;
            let told: Value = serde_json::from_str(&body).unwrap();
            digests.push(told["event_data"]["resources"][0]["digest"].to_string());
        }
        let in_order: Vec<String> = (0..40).map(|n| format!("\"sha256:{n}\"")).collect();
        assert_eq!(digests, in_order);
        // Made in the order of the events, newest first in the list.
        let deliveries = settled(app, &policy).await;
        for (n, delivery) in deliveries.iter().rev().enumerate() {
            let payload = delivery["extra_attrs"]["payload"].as_str().unwrap();
            assert!(payload.contains(&format!("\"sha256:{n}\"")), "{n}: {payload}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM event").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_that_pass_are_tried_again_and_others_are_not() {
    both_with(&setup(), async |app| {
        app.project("team", false).await;
        let mut shaky = Receiver::start(vec![503, 200]).await;
        let mut gone = Receiver::start(vec![410]).await;
        let shaky_target = json!([{"type": "http", "address": shaky.address}]);
        let gone_target = json!([{"type": "http", "address": gone.address}]);
        let first = make(app, "team", "shaky", &["PUSH_ARTIFACT"], shaky_target).await;
        let second = make(app, "team", "gone", &["PUSH_ARTIFACT"], gone_target).await;
        app.push_image("team/app", "v1", "retries").await;
        gone.next().await;
        shaky.next().await;
        shaky.next().await;
        assert_eq!(settled(app, &first).await[0]["status"], "Success");
        let failed = &settled(app, &second).await[0];
        assert_eq!(failed["status"], "Error");
        assert!(
            failed["status_message"].to_string().contains("410"),
            "{failed}"
        );
        assert!(gone.got.try_recv().is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_checked_before_they_are_kept() {
    both(async |app| {
        app.project("team", false).await;
        let good = json!({"type": "http", "address": "https://8.8.8.8/x"});
        let policy = |targets: Value, kinds: Value| json!({"name": "p", "enabled": true, "event_types": kinds, "targets": targets});
        for address in [
            "http://127.0.0.1/", "http://localhost:9/", "http://[::1]/", "http://0x7f.1/",
            "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/",
        ] {
            let body = policy(json!([{"type": "http", "address": address}]), json!(["PUSH_ARTIFACT"]));
            let told = app.post(&policies("team")).json(&body).await.refused(400, "BAD_REQUEST");
            assert!(told.text().contains("egress.allow"), "{}", told.text());
        }
        for (targets, kinds) in [
            (json!([]), json!(["PUSH_ARTIFACT"])),
            (json!([good.clone()]), json!([])),
            (json!([good.clone()]), json!(["PUSH"])),
            (json!([{"type": "mail", "address": "https://8.8.8.8/"}]), json!(["PUSH_ARTIFACT"])),
            (json!([{"type": "slack", "address": "https://8.8.8.8/", "payload_format": "Default"}]), json!(["PUSH_ARTIFACT"])),
            (json!([{"type": "http", "address": "ftp://8.8.8.8/"}]), json!(["PUSH_ARTIFACT"])),
            (json!([{"type": "http", "address": "https://a:b@8.8.8.8/"}]), json!(["PUSH_ARTIFACT"])),
            (json!([{"type": "http", "address": "https://8.8.8.8/", "auth_header": "a\r\nb: c"}]), json!(["PUSH_ARTIFACT"])),
            (json!(vec![good.clone(); 11]), json!(["PUSH_ARTIFACT"])),
        ] {
            let body = policy(targets, kinds);
            app.post(&policies("team")).json(&body).await.refused(400, "BAD_REQUEST");
        }
        let body = policy(json!([good]), json!(["PUSH_ARTIFACT"]));
        app.post(&policies("team")).json(&body).await.expect(201);
        app.post(&policies("team")).json(&body).await.refused(409, "CONFLICT");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_and_deliveries_of_another_project_are_not_there() {
    both_with(&setup(), async |app| {
        app.project("mine", false).await;
        app.project("theirs", false).await;
        let owner = app.user("owner").await;
        app.member("mine", &owner, 1).await;
        let mut receiver = Receiver::start(vec![200]).await;
        let targets = json!([{"type": "http", "address": receiver.address}]);
        let theirs = make(app, "theirs", "p", &["PUSH_ARTIFACT"], targets.clone()).await;
        let mine = make(app, "mine", "p", &["PUSH_ARTIFACT"], targets).await;
        app.push_image("theirs/app", "v1", "idor").await;
        receiver.next().await;
        let delivery = settled(app, &theirs).await[0]["id"].clone();
        let tasks = app
            .get(&format!("{theirs}/executions/{delivery}/tasks"))
            .send()
            .await;
        let task = tasks.expect(200).json()[0]["id"].clone();
        let id = theirs.rsplit('/').next().unwrap();
        let foreign = format!("{}/{id}", policies("mine"));
        let mut paths = Vec::new();
        for policy in [foreign.as_str(), mine.as_str()] {
            paths.push(format!("{policy}/executions/{delivery}/tasks"));
            paths.push(format!("{policy}/executions/{delivery}/tasks/{task}/log"));
        }
        paths.push(foreign.clone());
        paths.push(format!("{foreign}/executions"));
        paths.push(format!(
            "/api/v2.0/projects/mine/webhook/jobs?policy_id={id}"
        ));
        for path in &paths {
            app.get(path)
                .by(&owner)
                .send()
                .await
                .refused(404, "NOT_FOUND");
        }
        for policy in [&foreign, &mine] {
            let path = format!("{policy}/executions/{delivery}/redeliver");
            app.post(&path)
                .by(&owner)
                .send()
                .await
                .refused(404, "NOT_FOUND");
        }
        app.delete(&foreign)
            .by(&owner)
            .send()
            .await
            .refused(404, "NOT_FOUND");
        let body = json!({"name": "x", "event_types": ["PUSH_ARTIFACT"], "targets":
            [{"type": "http", "address": receiver.address}]});
        app.put(&foreign)
            .by(&owner)
            .json(&body)
            .await
            .refused(404, "NOT_FOUND");
        app.get(&theirs).send().await.expect(200);
    })
    .await;
}
