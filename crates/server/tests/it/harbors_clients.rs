//! What Harbor's Terraform provider and command line send, where it is more than the document says.

use serde_json::{Value, json};

use crate::app::{App, both};

const CONFIGURATIONS: &str = "/api/v2.0/configurations";
const PURGE: &str = "/api/v2.0/system/purgeaudit/schedule";

async fn list(app: &App, path: &str) -> Vec<Value> {
    let answer = app.get(path).send().await.expect(200).json();
    answer.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_asked_for_as_a_whole_and_with_a_slash() {
    both(async |app| {
        for number in 0..105 {
            app.project(&format!("many-{number}"), false).await;
        }
        for path in ["projects", "quotas"] {
            let whole = format!("/api/v2.0/{path}?page=0&page_size=0");
            assert_eq!(list(app, &whole).await.len(), 106, "{path}");
            let slashed = format!("/api/v2.0/{path}/?page=2&page_size=100");
            assert_eq!(list(app, &slashed).await.len(), 6, "{path}");
        }
        // The slash opens nothing to those for whom the list is closed.
        let jane = app.user("jane").await;
        let quotas = app.get("/api/v2.0/quotas/");
        assert_eq!(quotas.by(&jane).send().await.status, 403);
        let quotas = app.get("/api/v2.0/quotas/").nobody().send().await;
        assert_eq!(quotas.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_without_a_value_stay() {
    both(async |app| {
        let secret = json!({"uaa_client_secret": "Aa1-of-the-client", "session_timeout": 61});
        app.put(CONFIGURATIONS).json(&secret).await.expect(200);
        let body = json!({
            "scan_all_policy": {"parameter": {}}, "read_only": null, "session_timeout": null,
            "uaa_client_secret": "", "token_expiration": 31,
        });
        app.put(CONFIGURATIONS).json(&body).await.expect(200);
        let answer = app.get(CONFIGURATIONS).send().await.expect(200);
        assert!(!answer.text().contains("Aa1-of-the-client"));
        let settings = answer.json();
        assert_eq!(settings["uaa_client_secret"]["value"], "");
        assert_eq!(settings["session_timeout"]["value"], 61);
        assert_eq!(settings["token_expiration"]["value"], 31);
        assert_eq!(settings["read_only"]["value"], false);
        assert_eq!(settings["scan_all_policy"]["value"]["type"], "none");
        let kept = "SELECT COUNT(*) FROM setting WHERE name = 'uaa_client_secret' \
            AND LENGTH(value) > 40";
        assert_eq!(app.count(kept).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_members_labels_and_schedules_are_read() {
    both(async |app| {
        let jane = app.user("jane").await;
        let id = app.project("team", false).await;
        let members = format!("/api/v2.0/projects/{id}/members");
        for (status, body) in [
            (
                400,
                json!({"role_id": 2, "member_user": {}, "member_group": {}}),
            ),
            (
                201,
                json!({"role_id": 2, "member_user": {"username": jane.name},
                    "member_group": {"group_name": "", "group_type": 0}}),
            ),
            (
                201,
                json!({"role_id": 2, "member_user": {"user_id": 0},
                    "member_group": {"group_name": "crew", "group_type": 3}}),
            ),
            (
                400,
                json!({"role_id": 2, "member_user": {"username": jane.name},
                    "member_group": {"group_name": "crew2", "group_type": 3}}),
            ),
        ] {
            let answer = app.post(&members).json(&body).await;
            assert_eq!(answer.status, status, "{body}");
        }

        for color in ["red", "AlmostDarkBlue16", "#12", "#FFFFF"] {
            let label = json!({"name": color, "scope": "g", "color": color});
            app.post("/api/v2.0/labels").json(&label).await.expect(201);
        }
        let colors = list(app, "/api/v2.0/labels?scope=g&q=color=red").await;
        assert_eq!(colors.len(), 1);

        let weekly = json!({"Schedule": {"type": "Weekly", "Cron": "0 0 0 * * 0"}});
        let all = "/api/v2.0/system/scanAll/schedule";
        app.put(all).json(&weekly).await.expect(200);
        let found = app.get(all).send().await.expect(200).json();
        assert_eq!(found["schedule"]["type"], "Weekly");

        for events in ["other", "create_artifact,other", "create,pull,delete"] {
            let body = json!({
                "schedule": {"type": "Daily", "cron": "0 0 0 * * *"},
                "parameters": {"audit_retention_hour": 24, "include_event_types": events,
                    "include_operations": "create,pull"},
            });
            app.put(PURGE).json(&body).await.expect(200);
        }
        let body = json!({
            "schedule": {"type": "Daily", "cron": "0 0 0 * * *"},
            "parameters": {"audit_retention_hour": 24, "include_event_types": "others"},
        });
        assert_eq!(app.put(PURGE).json(&body).await.status, 400);
    })
    .await;
}
