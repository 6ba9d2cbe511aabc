//! What tests of several crates share: throw-away databases on both engines.
//!
//! PostgreSQL is the server that `BERTH_TEST_POSTGRES` names (a URL whose user may create
//! databases). Where it is not set the PostgreSQL half of a test is skipped and says so.

use std::future::Future;
use std::io::Write;

use berth_db::{DatabaseUrl, Db};
use sqlx::Connection as _;

/// An empty, migrated database that is gone when this is dropped.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    url: DatabaseUrl,
    _folder: Option<tempfile::TempDir>,
    _dropped: Option<Dropped>,
}

/// A database of a PostgreSQL server, which goes with this: a day of tests would fill a disk.
#[derive(Debug)]
struct Dropped {
    server: String,
    name: String,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // On a thread of its own: this one may be inside a runtime that is about to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut connection = sqlx::PgConnection::connect(&server).await?;
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                sqlx::query(sqlx::AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await?;
                connection.close().await
            })
        });
        // What is left behind is the server's to lose: no test fails of it.
        let _ = dropping.join();
    }
}

impl TestDb {
    /// On SQLite, in a folder of its own.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("berth.db"));
        Self::open(url, Some(folder), None).await
    }

    /// On PostgreSQL, in a database of its own; `None` when no server is named.
    pub async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("BERTH_TEST_POSTGRES") else {
            // Written past the harness, which keeps to itself what a passing test prints.
            let told = "SKIPPED on PostgreSQL: BERTH_TEST_POSTGRES is not set\n";
            let _ = std::io::stderr().write_all(told.as_bytes());
            return None;
        };
        let name = format!("berth_test_{}", uuid::Uuid::new_v4().simple());
        let pool = sqlx::PgPool::connect(&server)
            .await
            .expect("the test PostgreSQL server");
        let create = format!("CREATE DATABASE {name}");
        sqlx::query(sqlx::AssertSqlSafe(create))
            .execute(&pool)
            .await
            .expect("a new database");
        pool.close().await;
        let dropped = Dropped {
            server: server.clone(),
            name: name.clone(),
        };
        let (before, query) = server.split_once('?').unwrap_or((&server, ""));
        let base = before.rsplit_once('/').expect("postgres://…/database").0;
        Some(
            Self::open(
                DatabaseUrl::Postgres(format!("{base}/{name}?{query}")),
                None,
                Some(dropped),
            )
            .await,
        )
    }

    async fn open(
        url: DatabaseUrl,
        folder: Option<tempfile::TempDir>,
        dropped: Option<Dropped>,
    ) -> Self {
        let db = Db::connect(&url, 8).await.expect("a database");
        berth_schema::migrate(&db).await.expect("the schema");
        Self {
            db,
            url,
            _folder: folder,
            _dropped: dropped,
        }
    }

    /// The database.
    pub fn db(&self) -> Db {
        self.db.clone()
    }

    /// Where it is, to open it once more.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }
}

/// Runs one test on both engines, one after the other.
pub async fn both_engines<F, T>(test: T)
where
    T: Fn(Db) -> F,
    F: Future<Output = ()>,
{
    let sqlite = TestDb::sqlite().await;
    test(sqlite.db()).await;
    sqlite.db.close().await;
    if let Some(postgres) = TestDb::postgres().await {
        test(postgres.db()).await;
        postgres.db.close().await;
    }
}
