//! Sessions of browsers: begun by the password only, proved with every change, over in time.

use std::time::Duration;

use berth_model::Clock;
use http::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::app::{App, Setup, both, both_with};
use crate::client::{Call, Login};

const LOGIN: &str = "/c/login";
const PROOF: &str = "x-harbor-csrf-token";
const CURRENT: &str = "/api/v2.0/users/current";

/// A browser after signing in.
struct Browser {
    cookie: String,
    proof: String,
}

impl Browser {
    fn of(answer: &Answer) -> Self {
        let cookie = answer.need("set-cookie").split(';').next().unwrap();
        Self {
            cookie: cookie.to_owned(),
            proof: answer.need(PROOF).to_owned(),
        }
    }

    async fn sign_in(app: &App, login: &Login) -> Self {
        let pairs = [("principal", &*login.name), ("password", &*login.password)];
        let answer = app.post(LOGIN).nobody().form(&pairs).await.expect(200);
        Self::of(&answer)
    }

    fn call(&self, app: &App, method: Method, path: &str) -> Call {
        app.call(method, path)
            .nobody()
            .header("cookie", &format!("other=1; {}", self.cookie))
    }

    fn changes(&self, app: &App, method: Method, path: &str) -> Call {
        self.call(app, method, path).header(PROOF, &self.proof)
    }

    async fn status(&self, app: &App) -> u16 {
        self.call(app, Method::GET, CURRENT).send().await.status
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_begins_a_session_of_that_user_and_signing_out_ends_it() {
    both(async |app| {
        let jane = app.user("jane").await;
        let pairs = [("principal", "jane"), ("password", &*jane.password)];
        let answer = app.post(LOGIN).nobody().form(&pairs).await.expect(200);
        let cookie = answer.need("set-cookie");
        for part in ["sid=", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Secure"), "plain HTTP: {cookie}");
        let told = app
            .post(LOGIN)
            .nobody()
            .header("x-forwarded-proto", "https")
            .form(&pairs)
            .await;
        assert!(told.need("set-cookie").contains("; Secure"));
        let browser = Browser::of(&answer);
        let who = browser.call(app, Method::GET, CURRENT).send().await;
        assert_eq!(who.expect(200).json()["username"], "jane");
        // The rights are the user's.
        let users = browser.call(app, Method::GET, "/api/v2.0/users");
        assert_eq!(users.send().await.status, 403);
        // Nothing in the database opens it.
        let secret = browser.cookie.strip_prefix("sid=").unwrap();
        let row: (String,) = app
            .parts
            .db
            .one("SELECT MIN(token_hash) FROM session", berth_db::args![])
            .await
            .unwrap();
        assert_ne!(row.0, secret);
        let stolen = Browser {
            cookie: format!("sid={}", row.0),
            proof: String::new(),
        };
        assert_eq!(stolen.status(app).await, 401);

        let out = browser.call(app, Method::GET, "/c/log_out").send().await;
        assert!(out.expect(200).need("set-cookie").contains("Max-Age=0"));
        assert_eq!(browser.status(app).await, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_alone_changes_nothing() {
    both(async |app| {
        let (jane, john) = (app.user("jane").await, app.user("john").await);
        let (hers, his) = (
            Browser::sign_in(app, &jane).await,
            Browser::sign_in(app, &john).await,
        );
        let body = |name: &str| json!({"project_name": name});
        let projects = "/api/v2.0/projects";
        let bare = hers
            .call(app, Method::POST, projects)
            .json(&body("a"))
            .await;
        bare.refused(403, "FORBIDDEN");
        for wrong in [
            "",
            "x",
            &his.proof,
            hers.cookie.strip_prefix("sid=").unwrap(),
        ] {
            let call = hers.call(app, Method::POST, projects).header(PROOF, wrong);
            assert_eq!(call.json(&body("a")).await.status, 403, "{wrong}");
        }
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let call = hers.call(app, method.clone(), "/api/v2.0/projects/library");
            assert_eq!(call.json(&body("a")).await.status, 403, "{method}");
        }
        let proved = hers.changes(app, Method::POST, projects);
        assert_eq!(proved.json(&body("a")).await.status, 201);
        // Every answer of the session has the proof, no other one.
        let read = hers.call(app, Method::GET, projects).send().await;
        assert_eq!(read.need(PROOF), hers.proof);
        let plain = app.get(projects).by(&jane).send().await;
        assert_eq!(plain.header(PROOF), None);
        // Credentials that are sent on purpose need none, whatever cookie goes along.
        let call = app.post(projects).by(&john).header("cookie", &hers.cookie);
        assert_eq!(call.json(&body("b")).await.status, 201);
        let mine = app.get("/api/v2.0/projects/b").by(&jane).send().await;
        assert_eq!(mine.status, 403);
        // A cookie that opens nothing is nobody's.
        let dead = Browser {
            cookie: "sid=nothing".to_owned(),
            proof: hers.proof.clone(),
        };
        let call = dead.changes(app, Method::POST, projects);
        assert_eq!(call.json(&body("c")).await.status, 401);
        // The registry does not know cookies.
        let call = hers.call(app, Method::GET, "/v2/").send().await;
        assert_eq!(call.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_plant_a_session_or_sign_others_in() {
    both(async |app| {
        let (jane, john) = (app.user("jane").await, app.user("john").await);
        let planted = Browser::sign_in(app, &john).await;
        let pairs = [("principal", "jane"), ("password", &*jane.password)];
        let call = app.post(LOGIN).nobody().header("cookie", &planted.cookie);
        let after = Browser::of(&call.form(&pairs).await.expect(200));
        assert_ne!(after.cookie, planted.cookie);
        assert_eq!(planted.status(app).await, 401, "the one before is over");
        let chosen = app.post(LOGIN).nobody().header("cookie", "sid=chosen");
        let after = Browser::of(&chosen.form(&pairs).await.expect(200));
        assert_ne!(after.cookie, "sid=chosen");
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let call = app.post(LOGIN).nobody().header(name, value);
            assert_eq!(call.form(&pairs).await.status, 403, "{name}: {value}");
        }
        let own = app
            .post(LOGIN)
            .nobody()
            .header("sec-fetch-site", "same-origin");
        own.form(&pairs).await.expect(200);
        for wrong in [
            [("principal", "jane"), ("password", "Wrong-1-guess")],
            [("principal", "nobody"), ("password", "Wrong-1-guess")],
        ] {
            let answer = app.post(LOGIN).nobody().form(&wrong).await;
            assert_eq!(answer.status, 401);
            assert_eq!(answer.header("set-cookie"), None);
        }
        let answer = app
            .post(LOGIN)
            .nobody()
            .form(&[("principal", "jane")])
            .await;
        assert_eq!(answer.status, 400);
        let long = "x".repeat(20_000);
        let answer = app
            .post(LOGIN)
            .nobody()
            .form(&[("principal", &*long)])
            .await;
        assert_eq!(answer.status, 400);
        // Guessing is slowed down as everywhere.
        let mut last = 0;
        for _ in 0..12 {
            let guess = [("principal", "john"), ("password", "Wrong-1-guess")];
            last = app.post(LOGIN).nobody().form(&guess).await.status;
        }
        assert_eq!(last, 429);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_unused_with_the_password_and_with_the_account() {
    let setup = Setup {
        clock: Clock::manual(Clock::system().now()),
        ..Setup::default()
    };
    both_with(&setup, async |app| {
        let put = app.put("/api/v2.0/configurations");
        put.json(&json!({"session_timeout": 10})).await.expect(200);
        let jane = app.user("jane").await;
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let browser = Browser::sign_in(app, &jane).await;
        for _ in 0..3 {
            app.clock.advance(minutes(9));
            assert_eq!(browser.status(app).await, 200, "use keeps it");
        }
        app.clock.advance(minutes(10));
        assert_eq!(browser.status(app).await, 401);

        let browser = Browser::sign_in(app, &jane).await;
        let other = Browser::sign_in(app, &app.admin).await;
        let path = format!("/api/v2.0/users/{}/password", jane.id);
        let body = json!({"old_password": jane.password, "new_password": "Another-1-word"});
        let call = browser.changes(app, Method::PUT, &path);
        call.json(&body).await.expect(200);
        assert_eq!(browser.status(app).await, 401, "over with the password");
        assert_eq!(other.status(app).await, 200);
        let jane = Login {
            password: "Another-1-word".to_owned(),
            ..jane
        };
        let browser = Browser::sign_in(app, &jane).await;
        let path = format!("/api/v2.0/users/{}", jane.id);
        app.delete(&path).send().await.expect(200);
        assert_eq!(browser.status(app).await, 401, "over with the account");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_are_read_anew_and_read_only_mode_lets_people_in() {
    both(async |app| {
        let jane = app.user("jane").await;
        let browser = Browser::sign_in(app, &jane).await;
        let users = async || {
            let call = browser.call(app, Method::GET, "/api/v2.0/users");
            call.send().await.status
        };
        let admin = async |on: bool| {
            let path = format!("/api/v2.0/users/{}/sysadmin", jane.id);
            app.put(&path)
                .json(&json!({"sysadmin_flag": on}))
                .await
                .expect(200);
        };
        assert_eq!(users().await, 403);
        admin(true).await;
        assert_eq!(users().await, 200);
        admin(false).await;
        assert_eq!(users().await, 403);

        let put = app.put("/api/v2.0/configurations");
        put.json(&json!({"read_only": true})).await.expect(200);
        let boss = Browser::sign_in(app, &app.admin).await;
        let call = boss.changes(app, Method::POST, "/api/v2.0/projects");
        call.json(&json!({"project_name": "x"}))
            .await
            .refused(403, "DENIED");
        let put = boss.changes(app, Method::PUT, "/api/v2.0/configurations");
        put.json(&json!({"read_only": false})).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_learns_whether_a_name_is_taken() {
    both(async |app| {
        let jane = app.user("jane").await;
        let path = "/c/userExists";
        let ask = [("target", "username"), ("value", "jane")];
        assert_eq!(app.post(path).nobody().form(&ask).await.status, 401);
        assert_eq!(app.post(path).by(&jane).form(&ask).await.status, 403);
        let told = app.post(path).form(&ask).await.expect(200);
        assert_eq!(told.json(), json!(true));
        let told = app
            .post(path)
            .form(&[("target", "username"), ("value", "none")])
            .await;
        assert_eq!(told.expect(200).json(), json!(false));
        let wrong = app
            .post(path)
            .form(&[("target", "password"), ("value", "x")])
            .await;
        assert_eq!(wrong.status, 400);
    })
    .await;
}
