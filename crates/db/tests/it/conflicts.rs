//! Transactions that PostgreSQL undoes for the sake of others are done again, unseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use berth_db::{Db, DbError, Tx, args};
use berth_testkit::TestDb;
use tokio::sync::Barrier;

/// What happened in the transactions of one test.
#[derive(Clone)]
struct Seen {
    attempts: Arc<AtomicUsize>,
    hooks: Arc<AtomicUsize>,
    errors: Arc<AtomicUsize>,
    met: Arc<Barrier>,
}

impl Seen {
    fn new() -> Self {
        Self {
            attempts: Arc::default(),
            hooks: Arc::default(),
            errors: Arc::default(),
            met: Arc::new(Barrier::new(2)),
        }
    }

    fn counts(&self) -> [usize; 3] {
        [&self.attempts, &self.hooks, &self.errors].map(|count| count.load(Ordering::SeqCst))
    }
}

async fn add(tx: &mut Tx, name: &str) -> Result<u64, DbError> {
    let sql = "UPDATE setting SET updated_at = updated_at + 1 WHERE name = $1";
    tx.execute(sql, args![name]).await
}

async fn values(db: &Db) -> Vec<(i64,)> {
    let sql = "SELECT updated_at FROM setting WHERE name IN ('a', 'b') ORDER BY name";
    db.all(sql, args![]).await.expect("two rows")
}

async fn with_rows() -> Option<TestDb> {
    let database = TestDb::postgres().await?;
    for name in ["a", "b"] {
        crate::put(&database.db(), name, "v").await.expect("a row");
    }
    Some(database)
}

/// Adds one to `first`, waits until the other transaction holds its row too, and adds one to
/// `second`. A `careless` one takes no notice of what its last statement answers.
async fn both_rows(
    db: Db,
    (first, second): (&'static str, &'static str),
    careless: bool,
    seen: Seen,
) -> Result<(), DbError> {
    let tried = Arc::new(AtomicUsize::new(0));
    db.write(move |tx| {
        Box::pin(async move {
            seen.attempts.fetch_add(1, Ordering::SeqCst);
            let hooks = seen.hooks.clone();
            tx.after_commit(move || {
                hooks.fetch_add(1, Ordering::SeqCst);
            });
            add(tx, first).await?;
            if tried.fetch_add(1, Ordering::SeqCst) == 0 {
                seen.met.wait().await;
            }
            let last = add(tx, second).await;
            if last.is_err() {
                seen.errors.fetch_add(1, Ordering::SeqCst);
            }
            if careless {
                return Ok(());
            }
            last.map(drop)
        })
    })
    .await
}

#[tokio::test]
async fn both_sides_of_a_deadlock_succeed() {
    let Some(database) = with_rows().await else {
        return;
    };
    for (round, careless) in [(1, false), (2, true)] {
        let (db, seen) = (database.db(), Seen::new());
        let (left, right) = tokio::join!(
            both_rows(db.clone(), ("a", "b"), careless, seen.clone()),
            both_rows(db.clone(), ("b", "a"), careless, seen.clone()),
        );
        left.unwrap();
        right.unwrap();
        // Two and the victim's second attempt: one error that nobody saw, hooks of commits only.
        assert_eq!(seen.counts(), [3, 2, 1]);
        assert_eq!(values(&db).await, [(2 * round,), (2 * round,)]);
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_be_serialised_is_done_again() {
    let Some(database) = with_rows().await else {
        return;
    };
    let (db, seen) = (database.db(), Seen::new());
    let other = {
        let (db, met) = (db.clone(), seen.met.clone());
        async move {
            met.wait().await;
            db.write::<_, DbError, _>(|tx| Box::pin(add(tx, "a")))
                .await
                .unwrap();
            met.wait().await;
        }
    };
    let ours = seen.clone();
    let write = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
            tx.execute(sql, args![]).await?;
            let sql = "SELECT updated_at FROM setting WHERE name = 'a'";
            let _: (i64,) = tx.one(sql, args![]).await?;
            if ours.attempts.fetch_add(1, Ordering::SeqCst) == 0 {
                // The row is changed between our look and our change.
                ours.met.wait().await;
                ours.met.wait().await;
            }
            add(tx, "a").await
        })
    });
    let (written, ()) = tokio::join!(write, other);
    assert_eq!(written.unwrap(), 1);
    assert_eq!(seen.counts()[0], 2);
    assert_eq!(values(&db).await, [(2,), (0,)]);
}

#[tokio::test]
async fn what_fails_for_another_reason_is_not_done_again() {
    let Some(database) = with_rows().await else {
        return;
    };
    let (db, seen) = (database.db(), Seen::new());
    let ours = seen.clone();
    let failed: Result<u64, DbError> = db
        .write(move |tx| {
            Box::pin(async move {
                ours.attempts.fetch_add(1, Ordering::SeqCst);
                tx.execute("INSERT INTO no_such_table VALUES (1)", args![])
                    .await
            })
        })
        .await;
    assert!(matches!(failed, Err(DbError::Engine(_))), "{failed:?}");
    assert_eq!(seen.counts(), [1, 0, 0]);
}
