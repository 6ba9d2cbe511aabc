//! Statements put off to the next one, and rows kept until their tables change.

use std::cell::Cell;

use berth_db::{Db, DbError, Durability, Kept, Tx, args};
use berth_testkit::{TestDb, both_engines};

const INSERT: &str = "INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3)";
const VALUE: &str = "SELECT value FROM setting WHERE name = $1";

async fn value(tx: &mut Tx, name: &str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.optional(VALUE, args![name]).await?;
    Ok(row.map(|(value,)| value))
}

#[tokio::test]
async fn what_is_put_off_is_done_before_the_next_statement_and_at_the_end() {
    both_engines(|db| async move {
        db.write::<_, DbError, _>(|tx| {
            Box::pin(async move {
                tx.later(INSERT, args!["a", "1", 0_i64]);
                tx.later(INSERT, args!["b", "2 of $1", 0_i64]);
                // Its own $1 is not that of those before it.
                assert_eq!(value(tx, "b").await?.as_deref(), Some("2 of $1"));
                tx.later(
                    "UPDATE setting SET value = $2 WHERE name = $1",
                    args!["a", "3"],
                );
                let all: Vec<(String,)> = tx
                    .all("SELECT value FROM setting ORDER BY name", args![])
                    .await?;
                assert_eq!(all, [("3".to_owned(),), ("2 of $1".to_owned(),)]);
                tx.later(INSERT, args!["c", "4", 0_i64]);
                let changed = tx
                    .execute("DELETE FROM setting WHERE name = $1", args!["b"])
                    .await?;
                assert_eq!(changed, 1, "what was put off is not counted");
                tx.later(INSERT, args!["d", "5", 0_i64]);
                Ok(())
            })
        })
        .await
        .unwrap();
        let names: Vec<(String,)> = db
            .all("SELECT name FROM setting ORDER BY name", args![])
            .await
            .unwrap();
        assert_eq!(names, ["a", "c", "d"].map(|name| (name.to_owned(),)));
    })
    .await;
}

#[tokio::test]
async fn what_is_put_off_fails_the_whole_and_is_not_left_to_the_next() {
    both_engines(|db| async move {
        for with_query in [false, true] {
            let failed: Result<(), DbError> = db
                .write(move |tx| {
                    Box::pin(async move {
                        tx.later(INSERT, args!["x", "1", 0_i64]);
                        tx.later(INSERT, args!["x", "2", 0_i64]);
                        if with_query {
                            value(tx, "x").await?;
                        }
                        Ok(())
                    })
                })
                .await;
            assert!(matches!(failed, Err(DbError::Unique(_))), "{failed:?}");
        }
        let gave_up: Result<(), DbError> = db
            .write(|tx| {
                Box::pin(async move {
                    tx.later(INSERT, args!["y", "1", 0_i64]);
                    Err(DbError::NotFound)
                })
            })
            .await;
        assert!(matches!(gave_up, Err(DbError::NotFound)));
        put(&db, "z", "1").await;
        let names: Vec<(String,)> = db.all("SELECT name FROM setting", args![]).await.unwrap();
        assert_eq!(names, [("z".to_owned(),)]);
    })
    .await;
}

async fn put(db: &Db, name: &'static str, value: &'static str) {
    let done: Result<u64, DbError> = db
        .write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    args![name, value, 0_i64],
                )
                .await
            })
        })
        .await;
    done.expect("written");
}

#[tokio::test]
async fn a_single_statement_is_done_alone_and_among_others() {
    both_engines(|db| async move {
        for durability in [Durability::Full, Durability::Relaxed] {
            let put = |name: String| {
                let db = db.clone();
                async move {
                    db.execute(durability, INSERT, args![name, "1", 0_i64])
                        .await
                }
            };
            assert_eq!(put("alone".to_owned()).await.unwrap(), 1);
            let again = put("alone".to_owned()).await;
            assert!(matches!(again, Err(DbError::Unique(_))), "{again:?}");
            // Those that fail take none of the others along, wherever they stand in a group.
            let many = (0..60).map(|n| put(format!("{}", n - n % 3)));
            let outcomes = futures_util::future::join_all(many).await;
            let good = outcomes.iter().filter(|it| matches!(it, Ok(1))).count();
            assert_eq!(good, 20);
            let bad = |it: &&Result<u64, DbError>| matches!(it, Err(DbError::Unique(_)));
            assert_eq!(outcomes.iter().filter(bad).count(), 40);
            let gone = db.execute(
                durability,
                "DELETE FROM setting WHERE value = $1",
                args!["1"],
            );
            assert_eq!(gone.await.unwrap(), 21);
        }
    })
    .await;
}

struct Reader {
    db: Db,
    kept: Kept<&'static str, Option<String>>,
    reads: Cell<usize>,
}

impl Reader {
    fn new(db: Db) -> Self {
        let kept = db.kept(&["setting"], 10);
        let reads = Cell::new(0);
        Self { db, kept, reads }
    }

    async fn get(&self, name: &'static str) -> Option<String> {
        let read = async {
            self.reads.set(self.reads.get() + 1);
            let row: Option<(String,)> = self.db.optional(VALUE, args![name]).await?;
            Ok::<_, DbError>(row.map(|(value,)| value))
        };
        self.kept.get_or(name, read).await.expect("read")
    }
}

#[tokio::test]
async fn what_is_kept_is_never_older_than_an_answered_write() {
    both_engines(|db| async move {
        let reader = Reader::new(db.clone());
        for turn in ["1", "2", "3"] {
            put(&db, "a", turn).await;
            assert_eq!(reader.get("a").await.as_deref(), Some(turn));
            assert_eq!(reader.get("a").await.as_deref(), Some(turn));
            assert_eq!(reader.get("b").await, None);
        }
        if db.engine() == berth_db::Engine::Sqlite {
            // A slow machine reads again, what was kept a second ago; never more than each time.
            assert!(reader.reads.get() < 9, "{} reads", reader.reads.get());
        } else {
            assert_eq!(reader.reads.get(), 9, "others may write to PostgreSQL");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_read_while_a_change_is_open_is_not_kept_over_its_commit() {
    both_engines(|db| async move {
        put(&db, "a", "old").await;
        let reader = Reader::new(db.clone());
        let (changed, was_changed) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel();
        let both = std::sync::Arc::new(std::sync::Mutex::new(Some((changed, may_go_on))));
        let writer = db.clone();
        let writing = tokio::spawn(async move {
            let done: Result<(), DbError> = writer
                .write(move |tx| {
                    Box::pin(async move {
                        tx.execute("UPDATE setting SET value = 'new'", args![])
                            .await?;
                        let both = both.lock().unwrap().take();
                        if let Some((changed, may_go_on)) = both {
                            let _ = changed.send(());
                            let _ = may_go_on.await;
                        }
                        Ok(())
                    })
                })
                .await;
            done.unwrap();
        });
        was_changed.await.unwrap();
        assert_eq!(reader.get("a").await.as_deref(), Some("old"));
        go_on.send(()).unwrap();
        writing.await.unwrap();
        assert_eq!(reader.get("a").await.as_deref(), Some("new"));
    })
    .await;
}

#[tokio::test]
async fn what_another_process_writes_is_seen_soon() {
    let test = TestDb::sqlite().await;
    let (db, other) = (test.db(), Db::connect(test.url(), 2).await.unwrap());
    put(&db, "a", "ours").await;
    let reader = Reader::new(db.clone());
    assert_eq!(reader.get("a").await.as_deref(), Some("ours"));
    put(&other, "a", "theirs").await;
    let seen = async {
        while reader.get("a").await.as_deref() != Some("theirs") {
            tokio::task::yield_now().await;
        }
    };
    let soon = std::time::Duration::from_secs(20);
    tokio::time::timeout(soon, seen).await.expect("seen");
    other.close().await;
    db.close().await;
}
