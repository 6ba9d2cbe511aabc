//! Logins: Basic, remembered passwords, and what ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use berth_iam::{Actor, IamError, SERVICE};
use berth_model::{Code, Coded};
use berth_testkit::{TestDb, both_engines};
use futures_util::future::join_all;
use http::HeaderValue;

use crate::support::{Harbour, PASSWORD, address, by, new_user, profile, secret};

fn basic(name: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{name}:{password}"));
    HeaderValue::from_str(&format!("Basic {encoded}")).unwrap()
}

#[tokio::test]
async fn headers_become_actors() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        harbour.user("王小明").await;
        let from = address("10.0.0.1");
        let none = harbour.iam.authenticate(None, from).await.unwrap();
        assert!(matches!(none, Actor::Anonymous));
        for name in ["王小明", "王小明@example.com"] {
            let header = basic(name, PASSWORD);
            let actor = harbour.iam.authenticate(Some(&header), from).await.unwrap();
            assert!(matches!(actor, Actor::User(_)));
            assert_eq!(actor.name(), "王小明");
            let token = harbour
                .iam
                .issue(&actor, SERVICE, vec![], Duration::from_mins(1))
                .unwrap();
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.token)).unwrap();
            let holder = harbour.iam.authenticate(Some(&bearer), from).await.unwrap();
            assert!(matches!(holder, Actor::Token(_)));
            assert_eq!(holder.name(), "王小明");
        }
        for header in [
            HeaderValue::from_static("Basic %%%"),
            HeaderValue::from_static("Negotiate x"),
            HeaderValue::from_static("Bearer x"),
            basic("", ""),
            basic("jane", &"x".repeat(600)),
            basic(&"x".repeat(5_000), "x"),
        ] {
            let refused = harbour.iam.authenticate(Some(&header), from).await;
            assert_eq!(
                refused.unwrap_err().code(),
                Code::Unauthorized,
                "{header:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_look_alike() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    harbour.user("jane").await;
    let from = address("10.0.0.1");
    let mut answers = Vec::new();
    for name in ["jane", "nobody"] {
        let mut of_name = Vec::new();
        for _ in 0..7 {
            let error = harbour
                .iam
                .login(name, &secret("Wrong12345"), from)
                .await
                .unwrap_err();
            of_name.push((error.to_string(), error.code(), error.retry_after()));
        }
        answers.push(of_name);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][0].1, Code::Unauthorized);
    assert_eq!(answers[0][6].1, Code::TooManyRequests);
}

#[tokio::test]
async fn a_crowd_that_logs_in_as_one_user_costs_one_hash() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        harbour.user("jane").await;
        // Each hash that is computed is told of.
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        harbour.iam.watch_logins(Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let crowd = (0..300).map(|_| harbour.login("jane"));
        let users = join_all(crowd).await;
        assert!(users.iter().all(|user| user.name == "jane"));
        assert_eq!(told.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_remembered_password_ends_with_the_row_it_was_checked_against() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        let from = address("10.0.0.1");
        let login = |name: &'static str, password: &'static str| {
            let iam = harbour.iam.clone();
            async move { iam.login(name, &secret(password), from).await }
        };
        let wrong = |it: Result<_, IamError>| matches!(it, Err(IamError::Credentials));

        // A changed password, through another replica; the clock stands still.
        let admin = harbour.user("boss").await;
        let jane = harbour.user("jane").await;
        login("jane", PASSWORD).await.unwrap();
        login("jane@example.com", PASSWORD).await.unwrap();
        let replica = harbour.replica().await;
        replica
            .users()
            .set_password(jane, &secret("Changed12345"), &by())
            .await
            .unwrap();
        assert!(wrong(login("jane", PASSWORD).await));
        login("jane", "Changed12345").await.unwrap();

        // A changed address.
        login("jane@example.com", "Changed12345").await.unwrap();
        replica
            .users()
            .update_profile(jane, profile("doe@example.com"), &by())
            .await
            .unwrap();
        assert!(wrong(login("jane@example.com", "Changed12345").await));

        // A new right is seen at once.
        assert!(!login("jane", "Changed12345").await.unwrap().sysadmin);
        replica
            .users()
            .set_sysadmin(jane, true, &by())
            .await
            .unwrap();
        assert!(login("jane", "Changed12345").await.unwrap().sysadmin);

        // A deleted user, and another of the same name.
        replica
            .users()
            .remove(jane, Some(admin), &by())
            .await
            .unwrap();
        assert!(wrong(login("jane", "Changed12345").await));
        let second = harbour
            .iam
            .users()
            .create(new_user("jane"), &by())
            .await
            .unwrap();
        assert_eq!(login("jane", PASSWORD).await.unwrap().id, second);
    })
    .await;
}

#[tokio::test]
async fn refresh_tokens_stand_for_the_password_until_it_changes() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        let iam = &harbour.iam;
        let boss = harbour.user("boss").await;
        let id = harbour.user("jane").await;
        let jane = harbour.login("jane").await;
        let token = iam.issue_refresh(&jane, SERVICE).await.unwrap();
        assert_eq!(*iam.redeem_refresh(&token, SERVICE).await.unwrap(), *jane);
        for (token, service) in [
            (token.as_str(), "other"),
            ("", SERVICE),
            (&"x".repeat(10_000), SERVICE),
        ] {
            let refused = iam.redeem_refresh(token, service).await;
            assert!(matches!(refused, Err(IamError::Refresh)));
        }
        let stored: Vec<(String,)> = harbour
            .db
            .all("SELECT token_hash FROM refresh_token", berth_db::args![])
            .await
            .unwrap();
        assert!(stored.iter().all(|(hash,)| !hash.contains(&token)));

        iam.users()
            .set_password(id, &secret("Changed12345"), &by())
            .await
            .unwrap();
        assert!(iam.redeem_refresh(&token, SERVICE).await.is_err());

        let token = iam.issue_refresh(&jane, SERVICE).await.unwrap();
        harbour
            .clock
            .advance(Duration::from_hours(30 * 24) - Duration::from_secs(1));
        assert!(iam.redeem_refresh(&token, SERVICE).await.is_ok());
        harbour.clock.advance(Duration::from_secs(1));
        assert!(iam.redeem_refresh(&token, SERVICE).await.is_err());

        let token = iam.issue_refresh(&jane, SERVICE).await.unwrap();
        iam.users().remove(id, Some(boss), &by()).await.unwrap();
        assert!(iam.redeem_refresh(&token, SERVICE).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn refresh_tokens_of_one_user_are_bounded() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    harbour.user("jane").await;
    let jane = harbour.login("jane").await;
    let first = harbour.iam.issue_refresh(&jane, SERVICE).await.unwrap();
    let mut last = String::new();
    for _ in 0..100 {
        last = harbour.iam.issue_refresh(&jane, SERVICE).await.unwrap();
    }
    assert!(harbour.iam.redeem_refresh(&first, SERVICE).await.is_err());
    assert!(harbour.iam.redeem_refresh(&last, SERVICE).await.is_ok());
}
