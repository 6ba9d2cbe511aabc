//! Guessing passwords: slowed down, without shutting the owner out.

use std::time::Duration;

use berth_model::{Clock, Timestamp};

use crate::app::{App, Setup, both_with};
use crate::client::Login;

fn setup() -> Setup {
    Setup {
        clock: Clock::manual(Timestamp::from_seconds(1_800_000_000)),
        ..Setup::default()
    }
}

fn guess(login: &Login) -> Login {
    Login {
        password: "Wrong-Guess-1".to_owned(),
        ..login.clone()
    }
}

async fn status(app: &App, login: &Login, path: &str) -> u16 {
    app.get(path).by(login).send().await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_are_slowed_down_on_every_door() {
    both_with(&setup(), async |app| {
        let doors = [
            "/v2/",
            "/service/token?service=harbor-registry",
            "/api/v2.0/users/current",
        ];
        for (n, door) in doors.into_iter().enumerate() {
            let jane = app.user(&format!("jane{n}")).await;
            let wrong = guess(&jane);
            for _ in 0..5 {
                assert_eq!(status(app, &wrong, door).await, 401, "{door}");
            }
            // From now on not even the right password is looked at, behind any door, for a while.
            for other in doors {
                let answer = app.get(other).by(&jane).send().await.expect(429);
                let wait: u64 = answer.need("retry-after").parse().unwrap();
                assert!((1..=900).contains(&wait), "{wait}");
                assert_eq!(answer.code().as_deref(), Some("TOOMANYREQUESTS"));
            }
            app.clock.advance(Duration::from_secs(2));
            assert_eq!(status(app, &jane, door).await, 200, "{door}");
            // What she got right is forgotten with what she got wrong.
            assert_eq!(status(app, &wrong, door).await, 401, "{door}");
            assert_eq!(status(app, &jane, door).await, 200, "{door}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wait_doubles_and_survives_a_restart() {
    both_with(&setup(), async |app| {
        let jane = app.user("jane").await;
        let wrong = guess(&jane);
        let mut waits = Vec::new();
        for _ in 0..4 {
            let mut refused = app.get("/v2/").by(&wrong).send().await;
            while refused.status == 401 {
                refused = app.get("/v2/").by(&wrong).send().await;
            }
            let wait: u64 = refused.expect(429).need("retry-after").parse().unwrap();
            waits.push(wait);
            app.restart().await;
            assert_eq!(status(app, &jane, "/v2/").await, 429);
            app.clock.advance(Duration::from_secs(wait));
        }
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
        assert_eq!(status(app, &jane, "/v2/").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_nobody_has_are_answered_alike() {
    both_with(&setup(), async |app| {
        let jane = app.user("jane").await;
        let nobody = Login {
            name: "nobody-at-all".to_owned(),
            ..jane.clone()
        };
        let mut seen = Vec::new();
        for login in [guess(&jane), guess(&nobody)] {
            let mut answers = Vec::new();
            for _ in 0..7 {
                let answer = app.get("/v2/").by(&login).send().await;
                answers.push((answer.status, answer.code(), answer.text()));
            }
            seen.push(answers);
        }
        assert_eq!(seen[0], seen[1]);
        // The neighbours are not disturbed.
        assert_eq!(status(app, &app.admin, "/v2/").await, 200);
    })
    .await;
}
