//! The layer under all SQL: the same behaviour on both engines.

mod batches;
mod conflicts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use berth_db::{
    AssertSqlSafe, AtEnd, Db, DbError, Durability, MigrationFile, Tx, args, like, placeholders,
};
use berth_testkit::{TestDb, both_engines};
use futures_util::future::BoxFuture;

async fn put(db: &Db, name: &'static str, value: &'static str) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.execute(
                "INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3)",
                args![name, value, 0_i64],
            )
            .await?;
            Ok(())
        })
    })
    .await
}

async fn count(db: &Db) -> i64 {
    db.one::<(i64,)>("SELECT COUNT(*) FROM setting", args![])
        .await
        .expect("a count")
        .0
}

#[tokio::test]
async fn a_write_is_seen_and_a_failed_one_leaves_nothing() {
    both_engines(|db| async move {
        put(&db, "a", "1").await.unwrap();
        let failed: Result<(), DbError> = db
            .write(|tx| {
                Box::pin(async move {
                    tx.execute(
                        "INSERT INTO setting (name, value, updated_at) VALUES ('b', '2', 0)",
                        args![],
                    )
                    .await?;
                    Err(DbError::NotFound)
                })
            })
            .await;
        assert!(matches!(failed, Err(DbError::NotFound)));
        assert_eq!(count(&db).await, 1);
        assert!(matches!(
            put(&db, "a", "again").await,
            Err(DbError::Unique(_))
        ));
        let missing = db.one::<(String,)>("SELECT value FROM setting WHERE name = $1", args!["x"]);
        assert!(matches!(missing.await, Err(DbError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn one_failing_write_of_a_group_takes_no_other_with_it() {
    both_engines(|db| async move {
        let hooks = Arc::new(AtomicUsize::new(0));
        let mut running = Vec::new();
        for n in 0..200_i64 {
            let (db, hooks) = (db.clone(), hooks.clone());
            running.push(tokio::spawn(async move {
                let durability = if n % 2 == 0 {
                    Durability::Full
                } else {
                    Durability::Relaxed
                };
                db.write_with(durability, move |tx| {
                    Box::pin(async move {
                        tx.after_commit(move || {
                            hooks.fetch_add(1, Ordering::SeqCst);
                        });
                        tx.execute(
                            "INSERT INTO setting (name, value, updated_at) VALUES ($1, 'v', $2)",
                            args![format!("k{n}"), n],
                        )
                        .await?;
                        assert!(n % 7 != 3, "boom");
                        if n % 5 == 0 {
                            Err(DbError::NotFound)
                        } else {
                            Ok(n)
                        }
                    })
                })
                .await
            }));
        }
        let mut good = 0;
        for (n, task) in running.into_iter().enumerate() {
            match task.await.unwrap() {
                Ok(_) => good += 1,
                Err(DbError::Panicked) => assert_eq!(n % 7, 3),
                Err(DbError::NotFound) => assert_eq!(n % 5, 0),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(count(&db).await, good);
        assert_eq!(hooks.load(Ordering::SeqCst) as i64, good);
        put(&db, "after", "works").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_its_commit() {
    both_engines(|db| async move {
        let (entered, mut inside) = tokio::sync::mpsc::channel::<()>(1);
        let (committed, mut done) = tokio::sync::mpsc::channel::<()>(1);
        let writer = db.clone();
        let caller = tokio::spawn(async move {
            writer
                .write::<(), DbError, _>(move |tx| {
                    Box::pin(async move {
                        tx.after_commit(move || {
                            let _ = committed.try_send(());
                        });
                        let _ = entered.try_send(());
                        tokio::task::yield_now().await;
                        tx.execute(
                            "INSERT INTO setting (name, value, updated_at) VALUES ('k', 'v', 0)",
                            args![],
                        )
                        .await?;
                        Ok(())
                    })
                })
                .await
        });
        inside.recv().await.unwrap();
        caller.abort();
        done.recv().await.unwrap();
        assert_eq!(count(&db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn nulls_lists_and_patterns_bind_alike() {
    both_engines(|db| async move {
        for name in ["a_b", "a%b", "axb", "A_B"] {
            put(&db, name, "v").await.unwrap();
        }
        let found: Vec<(String,)> = db
            .all(
                "SELECT name FROM setting WHERE LOWER(name) LIKE $1 ESCAPE '\\' ORDER BY name",
                args![like("a_b")],
            )
            .await
            .unwrap();
        let mut found: Vec<_> = found.into_iter().map(|(name,)| name).collect();
        found.sort();
        assert_eq!(found, ["A_B", "a_b"]);
        let sql = format!(
            "SELECT name FROM setting WHERE name IN ({})",
            placeholders(1, 2)
        );
        let rows: Vec<(String,)> = db
            .all(AssertSqlSafe(sql), args!["axb", "nope"])
            .await
            .unwrap();
        assert_eq!(rows, [("axb".to_owned(),)]);
        let (null, yes): (Option<i64>, bool) = db
            .one(
                "SELECT CAST($1 AS BIGINT), CAST($2 AS BOOLEAN)",
                args![None::<i64>, true],
            )
            .await
            .unwrap();
        assert_eq!((null, yes), (None, true));
    })
    .await;
}

#[tokio::test]
async fn committed_rows_survive_closing_and_reopening() {
    let sqlite = TestDb::sqlite().await;
    put(&sqlite.db(), "kept", "v").await.unwrap();
    sqlite.db().close().await;
    let again = Db::connect(sqlite.url(), 8).await.unwrap();
    assert_eq!(count(&again).await, 1);
    assert!(matches!(
        put(&sqlite.db(), "late", "v").await,
        Err(DbError::Closed)
    ));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    both_engines(|db| async move {
        let newer = MigrationFile {
            version: 9_999,
            name: "later",
            sql: "SELECT 1",
        };
        let with_newer: Vec<_> = berth_schema::MIGRATIONS
            .iter()
            .copied()
            .chain([newer])
            .collect();
        db.migrate(&with_newer).await.unwrap();
        let refused = db.migrate(berth_schema::MIGRATIONS).await;
        assert!(
            matches!(refused, Err(DbError::NewerSchema { found: 9_999, .. })),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn both_engines_hold_the_same_columns() {
    let Some(postgres) = TestDb::postgres().await else {
        return;
    };
    let sqlite = TestDb::sqlite().await;
    let mut left: Vec<(String, String, bool)> = sqlite
        .db()
        .all(
            "SELECT m.name, c.name, c.\"notnull\" = 1 OR c.pk > 0 FROM sqlite_master m \
             JOIN pragma_table_info(m.name) c WHERE m.type = 'table' \
             AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'schema_migration'",
            args![],
        )
        .await
        .unwrap();
    let mut right: Vec<(String, String, bool)> = postgres
        .db()
        .all(
            "SELECT table_name::text, column_name::text, is_nullable = 'NO' \
             FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> 'schema_migration'",
            args![],
        )
        .await
        .unwrap();
    left.sort();
    right.sort();
    assert_eq!(left, right);
}

/// Writes the sum of what was added under one name, and refuses more than ten.
#[derive(Default)]
struct Sum(i64);

impl AtEnd for Sum {
    fn run(self: Box<Self>, tx: &mut Tx) -> BoxFuture<'_, Result<(), DbError>> {
        Box::pin(async move {
            if self.0 > 10 {
                return Err(DbError::Full);
            }
            tx.execute(
                "INSERT INTO setting (name, value, updated_at) VALUES ('sum', 'v', $1) \
                 ON CONFLICT (name) DO UPDATE SET updated_at = setting.updated_at + $1",
                args![self.0],
            )
            .await?;
            Ok(())
        })
    }
}

async fn add(db: &Db, name: &'static str, numbers: &'static [i64]) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            for number in numbers {
                tx.at_end(|sum: &mut Sum| sum.0 += number);
            }
            tx.execute(
                "INSERT INTO setting (name, value, updated_at) VALUES ($1, 'v', 0)",
                args![name],
            )
            .await?;
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn what_is_put_off_is_done_once_and_is_part_of_the_transaction() {
    both_engines(|db| async move {
        add(&db, "a", &[1, 2]).await.unwrap();
        // Refused at the end: nothing of it is left, and nothing of it is done by the next.
        assert!(matches!(add(&db, "b", &[4, 7]).await, Err(DbError::Full)));
        // Failed before the end.
        assert!(matches!(add(&db, "a", &[5]).await, Err(DbError::Unique(_))));
        add(&db, "c", &[4]).await.unwrap();
        let (sum,): (i64,) = db
            .one("SELECT updated_at FROM setting WHERE name = 'sum'", args![])
            .await
            .unwrap();
        assert_eq!(sum, 7);
        assert_eq!(count(&db).await, 3);
        // In a group too, where only the ones that are refused are undone.
        let many = (0..40).map(|n| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(move |tx| {
                    Box::pin(async move {
                        tx.at_end(|sum: &mut Sum| sum.0 += if n % 4 == 0 { 11 } else { 1 });
                        Ok::<_, DbError>(())
                    })
                })
                .await
            })
        });
        let mut refused = 0;
        for one in many.collect::<Vec<_>>() {
            refused += i64::from(one.await.unwrap().is_err());
        }
        let (sum,): (i64,) = db
            .one("SELECT updated_at FROM setting WHERE name = 'sum'", args![])
            .await
            .unwrap();
        assert_eq!((refused, sum), (10, 7 + 30));
    })
    .await;
}
