//! What operators ask a server for: allow-lists of vulnerabilities, the disk, the root
//! certificate, icons, the search, accounts that visitors make, and what is kept of pulls.

use base64::Engine;
use http::Method;
use serde_json::{Value, json};

use crate::app::{App, Setup, both, both_with};
use crate::client::Login;
use crate::content::sha256;

/// When something that was never pulled was pulled.
const NEVER: &str = "0001-01-01T00:00:00.000Z";
const SYSTEM_LIST: &str = "/api/v2.0/system/CVEAllowlist";

async fn read(app: &App, path: &str, who: &Login) -> Value {
    app.get(path).by(who).send().await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_has_an_allow_list_that_all_users_read() {
    both(async |app| {
        let jane = app.user("jane").await;
        let list = read(app, SYSTEM_LIST, &jane).await;
        assert_eq!(
            (&list["items"], &list["project_id"]),
            (&json!([]), &json!(0))
        );
        assert!(list.get("expires_at").is_none());
        let wanted = json!({"items": [{"cve_id": "CVE-2019-12310"}], "expires_at": 1_900_000_000});
        let call = app.put(SYSTEM_LIST).by(&jane);
        call.json(&wanted).await.refused(403, "FORBIDDEN");
        let nobody = app.get(SYSTEM_LIST).nobody().send().await;
        nobody.refused(401, "UNAUTHORIZED");
        app.put(SYSTEM_LIST).json(&wanted).await.expect(200);
        let list = read(app, SYSTEM_LIST, &jane).await;
        assert_eq!(list["items"], wanted["items"]);
        assert_eq!(list["expires_at"], 1_900_000_000);
        // What is not said is gone.
        let bare = json!({"items": [], "project_id": 7, "id": 9});
        app.put(SYSTEM_LIST).json(&bare).await.expect(200);
        let list = read(app, SYSTEM_LIST, &jane).await;
        assert_eq!(
            (&list["items"], &list["project_id"]),
            (&json!([]), &json!(0))
        );
        assert!(list.get("expires_at").is_none());
        for bad in [
            json!({"items": [{"cve_id": "CVE-1"}, {"cve_id": "CVE-1"}]}),
            json!({"items": [{"cve_id": ""}]}),
            json!({"items": [], "expires_at": -1}),
        ] {
            let refused = app.put(SYSTEM_LIST).json(&bad).await;
            refused.refused(400, "BAD_REQUEST");
        }
        let log = "/api/v2.0/audit-logs?q=resource%3DCVE%20allow-list";
        let log = app.get(log).send().await.expect(200);
        assert_eq!(log.need("x-total-count"), "2");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_has_an_allow_list_of_its_own() {
    both(async |app| {
        let jane = app.user("jane").await;
        let id = app.project("listed", false).await;
        app.project("other", false).await;
        let member = app.member("listed", &jane, 3).await;
        let path = format!("/api/v2.0/projects/{id}");
        let found = read(app, &path, &jane).await;
        assert!(found["metadata"].get("reuse_sys_cve_allowlist").is_none());
        assert_eq!(found["cve_allowlist"]["items"], json!([]));
        assert_eq!(found["cve_allowlist"]["project_id"], id);

        let list = json!({"items": [{"cve_id": "CVE-2019-12310"}], "expires_at": 1_900_000_000});
        let change = json!({ "cve_allowlist": list });
        let call = app.put(&path).by(&jane);
        call.json(&change).await.refused(403, "FORBIDDEN");
        let role = format!("{path}/members/{member}");
        let role = app.put(&role).json(&json!({"role_id": 1})).await;
        role.expect(200);
        app.put(&path).by(&jane).json(&change).await.expect(200);
        let found = read(app, &path, &jane).await;
        assert_eq!(found["cve_allowlist"]["items"], list["items"]);
        assert_eq!(found["cve_allowlist"]["expires_at"], 1_900_000_000);
        // Another's is another.
        let other = read(app, "/api/v2.0/projects/other", &app.admin).await;
        assert_eq!(other["cve_allowlist"]["items"], json!([]));
        // What is not named stays.
        let reuse = json!({"metadata": {"reuse_sys_cve_allowlist": "true"}});
        app.put(&path).by(&jane).json(&reuse).await.expect(200);
        let found = read(app, &path, &jane).await;
        assert_eq!(found["metadata"]["reuse_sys_cve_allowlist"], "true");
        assert_eq!(found["cve_allowlist"]["items"], list["items"]);
        let bare = json!({"cve_allowlist": {"items": []}});
        app.put(&path).by(&jane).json(&bare).await.expect(200);
        let found = read(app, &path, &jane).await;
        assert_eq!(found["cve_allowlist"]["items"], json!([]));
        assert!(found["cve_allowlist"].get("expires_at").is_none());

        // With the project it goes, and with the project it is made.
        app.put(&path).json(&change).await.expect(200);
        app.delete(&path).send().await.expect(200);
        let again =
            json!({"project_name": "listed", "cve_allowlist": {"items": [{"cve_id": "CVE-2"}]}});
        let made = app.post("/api/v2.0/projects").json(&again).await;
        let made = made.expect(201).need("location").to_owned();
        let found = read(app, &made, &app.admin).await;
        assert_eq!(
            found["cve_allowlist"]["items"],
            json!([{"cve_id": "CVE-2"}])
        );
        let listed = read(app, "/api/v2.0/projects?name=listed", &app.admin).await;
        assert_eq!(listed[0]["cve_allowlist"], found["cve_allowlist"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_measured() {
    both(async |app| {
        let path = "/api/v2.0/systeminfo/volumes";
        let found = app.get(path).send().await.expect(200).json();
        let disk = &found["storage"][0];
        let (total, free) = (
            disk["total"].as_u64().unwrap(),
            disk["free"].as_u64().unwrap(),
        );
        assert!(total > 1024 * 1024 && free <= total, "{found}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_certificate_is_for_everybody() {
    let path = "/api/v2.0/systeminfo/getcert";
    both(async |app| {
        let none = app.get(path).nobody().send().await;
        none.refused(404, "NOT_FOUND");
    })
    .await;
    let setup = Setup {
        tweak: |settings| {
            let file = settings.data.with_extension("ca");
            std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n").unwrap();
            settings.http.ca_file = Some(file);
        },
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        let found = app.get(path).nobody().send().await.expect(200);
        assert_eq!(found.body, "-----BEGIN CERTIFICATE-----\n");
        assert_eq!(
            found.need("content-disposition"),
            "attachment; filename=ca.crt"
        );
        let info = read(app, "/api/v2.0/systeminfo", &app.admin).await;
        assert_eq!(info["has_ca_root"], true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn icons_are_found_by_what_artifacts_name() {
    both(async |app| {
        app.push_image("library/app", "1", "icon").await;
        let artifact = "/api/v2.0/projects/library/repositories/app/artifacts/1";
        let artifact = read(app, artifact, &app.admin).await;
        let digest = artifact["icon"].as_str().unwrap();
        let path = format!("/api/v2.0/icons/{digest}");
        let icon = app.get(&path).nobody().send().await.expect(200).json();
        assert_eq!(icon["content-type"], "image/svg+xml");
        let picture = base64::engine::general_purpose::STANDARD
            .decode(icon["content"].as_str().unwrap())
            .unwrap();
        assert_eq!(sha256(&picture), digest);
        let unknown = format!("/api/v2.0/icons/{}", sha256(b"none"));
        app.get(&unknown).send().await.refused(404, "NOT_FOUND");
        let wrong = app.get("/api/v2.0/icons/none").send().await;
        wrong.refused(400, "BAD_REQUEST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_counts_artifacts() {
    both(async |app| {
        for (repository, seeds) in [("library/found", 2), ("library/found-too", 1)] {
            for n in 0..seeds {
                let seed = format!("{repository}{n}");
                app.push_image(repository, &format!("v{n}"), &seed).await;
            }
        }
        let found = app.get("/api/v2.0/search?q=found").nobody();
        let found = found.send().await.expect(200).json();
        let hits: Vec<_> = found["repository"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| {
                (
                    hit["repository_name"].as_str().unwrap(),
                    &hit["artifact_count"],
                )
            })
            .collect();
        assert_eq!(
            hits,
            [
                ("library/found", &json!(2)),
                ("library/found-too", &json!(1))
            ]
        );
    })
    .await;
}

async fn set(app: &App, settings: Value) {
    let path = "/api/v2.0/configurations";
    app.put(path).json(&settings).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_make_accounts_where_they_may_and_nothing_more() {
    both(async |app| {
        let account = |name: &str| {
            json!({
                "username": name, "email": format!("{name}@example.org"),
                "realname": name, "password": "Sailor12345",
                "sysadmin_flag": true, "admin_role_in_auth": true, "user_id": 1,
            })
        };
        let jane = app.user("jane").await;
        let path = "/api/v2.0/users";
        let visit = async |name: &str| app.post(path).nobody().json(&account(name)).await;
        visit("early").await.refused(401, "UNAUTHORIZED");
        set(app, json!({"self_registration": true})).await;
        let made = visit("visitor").await.expect(201);
        let login = Login {
            id: made
                .need("location")
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap(),
            name: "visitor".to_owned(),
            password: "Sailor12345".to_owned(),
        };
        assert_ne!(login.id, 1);
        let own = read(app, "/api/v2.0/users/current", &login).await;
        assert_eq!(own["sysadmin_flag"], false);
        let all = app.get(path).by(&login).send().await;
        all.refused(403, "FORBIDDEN");
        visit("visitor").await.refused(409, "CONFLICT");
        visit("no/good").await.refused(400, "BAD_REQUEST");
        // Who has an account makes none for others.
        let call = app.post(path).by(&jane);
        call.json(&account("friend"))
            .await
            .refused(403, "FORBIDDEN");
        // The log has it under the new name.
        let log =
            "/api/v2.0/auditlog-exts?q=operation%3Dcreate,resource_type%3Duser,username%3Dvisitor";
        let log = app.get(log).send().await.expect(200).json();
        assert_eq!(log[0]["username"], "visitor");
        // An address makes a few.
        let mut refused = 0;
        for n in 0..12 {
            let answer = visit(&format!("more{n}")).await;
            if answer.status == 429 {
                assert!(answer.need("retry-after").parse::<u64>().unwrap() <= 3600);
                refused += 1;
            } else {
                answer.expect(201);
            }
        }
        assert!(refused >= 2, "{refused}");
        // Administrators make as many as they like.
        app.user("by-admin").await;
        set(app, json!({"self_registration": false})).await;
        visit("late").await.refused(401, "UNAUTHORIZED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pulls_are_counted_and_timed_as_the_settings_say() {
    both(async |app| {
        app.push_image("library/app", "1", "pulls").await;
        let pull = async || {
            let call = app.call(Method::GET, "/v2/library/app/manifests/1");
            call.send().await.expect(200);
            app.parts.catalog.recorder().flush().await.unwrap();
            let repository = "/api/v2.0/projects/library/repositories/app";
            let counted = read(app, repository, &app.admin).await["pull_count"].clone();
            let artifact = format!("{repository}/artifacts/1");
            let artifact = read(app, &artifact, &app.admin).await;
            let at = artifact["pull_time"].as_str().unwrap().to_owned();
            assert_eq!(artifact["tags"][0]["pull_time"], at.as_str());
            (counted.as_i64().unwrap(), at)
        };
        let both = |value: bool| {
            json!({"pull_count_update_disable": value, "pull_time_update_disable": value})
        };
        set(app, both(true)).await;
        assert_eq!(pull().await, (0, NEVER.to_owned()));
        set(app, json!({"pull_count_update_disable": false})).await;
        assert_eq!(pull().await, (1, NEVER.to_owned()));
        set(app, both(false)).await;
        let (count, first) = pull().await;
        assert_eq!(count, 2);
        assert_ne!(first, NEVER);
        set(app, json!({"pull_count_update_disable": true})).await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let (count, second) = pull().await;
        assert_eq!(count, 2);
        assert!(second > first, "{second} after {first}");
    })
    .await;
}
