//! Guessing passwords gets slower, and only for those who guess.

use std::time::Duration;

use berth_db::args;
use berth_iam::IamError;
use berth_model::Coded;
use berth_testkit::{TestDb, both_engines};

use crate::support::{Harbour, PASSWORD, address, secret};

/// What one login gives: `None` right, `Some(0)` wrong, `Some(n)` to wait n seconds.
async fn attempt(harbour: &Harbour, name: &str, password: &str, from: &str) -> Option<u64> {
    match harbour
        .iam
        .login(name, &secret(password), address(from))
        .await
    {
        Ok(_) => None,
        Err(IamError::Credentials) => Some(0),
        Err(error) => Some(error.retry_after().unwrap()),
    }
}

async fn guess(harbour: &Harbour, name: &str, from: &str) -> u64 {
    attempt(harbour, name, "Wrong12345", from).await.unwrap()
}

#[tokio::test]
async fn pauses_double_and_end() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        harbour.user("jane").await;
        for _ in 0..5 {
            assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 0);
        }
        for pause in [1, 2, 4, 8] {
            // Name and address are one account; a right password has to wait as well.
            assert_eq!(guess(&harbour, "jane@example.com", "10.0.0.1").await, pause);
            let right = attempt(&harbour, "jane", PASSWORD, "10.0.0.1").await;
            assert_eq!(right, Some(pause));
            harbour
                .clock
                .advance(Duration::from_millis(pause * 1000 - 1));
            assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 1);
            harbour.clock.advance(Duration::from_millis(1));
            assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 0);
        }
        harbour.clock.advance(Duration::from_secs(16));
        assert_eq!(attempt(&harbour, "jane", PASSWORD, "10.0.0.1").await, None);
        // The right password has wiped the slate.
        for _ in 0..5 {
            assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 0);
        }
        assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 1);
        // So does peace.
        harbour.clock.advance(Duration::from_mins(16));
        for _ in 0..5 {
            assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 0);
        }
        assert_eq!(guess(&harbour, "jane", "10.0.0.1").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_owner_elsewhere_is_not_locked_out() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    harbour.user("jane").await;
    assert_eq!(attempt(&harbour, "jane", PASSWORD, "10.0.0.1").await, None);
    for _ in 0..5 {
        assert_eq!(guess(&harbour, "jane", "10.9.9.9").await, 0);
    }
    assert_eq!(guess(&harbour, "jane", "10.9.9.9").await, 1);
    // From elsewhere even a password that is not remembered is looked at.
    harbour.clock.advance(Duration::from_secs(31));
    assert_eq!(attempt(&harbour, "jane", PASSWORD, "10.0.0.2").await, None);
    // Guesses from everywhere reach the account's own threshold; who was right just now goes on.
    for host in 0..100 {
        guess(&harbour, "jane", &format!("10.1.0.{host}")).await;
    }
    assert_eq!(guess(&harbour, "jane", "10.2.0.1").await, 1);
    assert_eq!(attempt(&harbour, "jane", PASSWORD, "10.0.0.2").await, None);
    assert_eq!(attempt(&harbour, "jane", PASSWORD, "10.3.0.1").await, None);
}

#[tokio::test]
async fn an_address_is_slowed_down_over_all_names() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    harbour.user("jane").await;
    for name in 0..30 {
        assert_eq!(guess(&harbour, &format!("n{name}"), "2001:db8::1").await, 0);
    }
    assert_eq!(
        guess(&harbour, "jane", "2001:db8::2").await,
        1,
        "one network"
    );
    assert_eq!(guess(&harbour, "jane", "2001:db8:0:1::1").await, 0);
    // An account of one's own does not clear the address.
    harbour.clock.advance(Duration::from_secs(1));
    assert_eq!(
        attempt(&harbour, "jane", PASSWORD, "2001:db8::1").await,
        None
    );
    assert_eq!(guess(&harbour, "n99", "2001:db8::1").await, 0);
    assert_eq!(guess(&harbour, "n99", "2001:db8::1").await, 2);
}

#[tokio::test]
async fn guesses_at_the_same_time_are_counted_too() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        harbour.user("jane").await;
        let guesses: Vec<_> = (0..40)
            .map(|n| {
                let iam = harbour.iam.clone();
                tokio::spawn(async move {
                    let password = secret(&format!("Wrong{n:05}"));
                    iam.login("jane", &password, address("10.0.0.1")).await
                })
            })
            .collect();
        let mut looked_at = 0;
        for guess in guesses {
            match guess.await.unwrap() {
                Err(IamError::Credentials) => looked_at += 1,
                Err(IamError::Locked(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        // Two are hashed at a time, so one may slip in beside the fifth.
        assert!((5..=6).contains(&looked_at), "{looked_at}");
    })
    .await;
}

#[tokio::test]
async fn what_is_forgotten_is_swept() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        for name in 0..10 {
            guess(&harbour, &format!("n{name}"), "10.0.0.1").await;
        }
        let count = async || {
            let (count,): (i64,) = harbour
                .db
                .one("SELECT COUNT(*) FROM login_failure", args![])
                .await
                .unwrap();
            count
        };
        assert_eq!(count().await, 21);
        harbour.clock.advance(Duration::from_mins(16));
        guess(&harbour, "other", "10.0.0.2").await;
        assert_eq!(count().await, 3);
    })
    .await;
}
