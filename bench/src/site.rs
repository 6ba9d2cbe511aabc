//! A Berth on SQLite or on PostgreSQL, with a folder and a database of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use berth_db::{DatabaseUrl, Db};

use crate::servers::{self, Server};
use crate::workspace::Workspace;

/// The variable that names a PostgreSQL server whose user may create databases.
const POSTGRES: &str = "BERTH_TEST_POSTGRES";

/// What rows are kept in.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Postgres(String),
}

impl Engine {
    /// SQLite, and PostgreSQL where there is one.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Sqlite];
        match std::env::var(POSTGRES) {
            Ok(server) => all.push(Self::Postgres(server)),
            Err(_) => eprintln!("SKIPPED on PostgreSQL: {POSTGRES} is not set"),
        }
        all
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// SQL for the number `i` with leading zeros.
    pub(crate) fn padded(&self, width: usize) -> String {
        match self {
            Self::Sqlite => format!("printf('%0{width}d', i)"),
            Self::Postgres(_) => format!("lpad(CAST(i AS TEXT), {width}, '0')"),
        }
    }
}

/// Where one Berth keeps its things. Dropped, its database is gone too.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    data: PathBuf,
    url: DatabaseUrl,
    env: Vec<(String, String)>,
}

impl Site {
    pub(crate) fn make(workspace: &Workspace, engine: &Engine, name: &str) -> anyhow::Result<Self> {
        let data = workspace.folder(name)?;
        let mut env = vec![
            // The measure says when what runs.
            ("BERTH_GC__INTERVAL_SECONDS".to_owned(), "604800".to_owned()),
            ("BERTH_EGRESS__ALLOW".to_owned(), "127.0.0.0/8".to_owned()),
        ];
        let url = match engine {
            Engine::Sqlite => DatabaseUrl::Sqlite(data.join("berth.db")),
            Engine::Postgres(server) => {
                let name = format!("bench_{}_{name}", std::process::id()).replace('-', "_");
                psql(server, &format!("CREATE DATABASE {name}"))?;
                let (base, _) = server.rsplit_once('/').context("no database in the URL")?;
                let url = format!("{base}/{name}");
                env.push(("BERTH_DATABASE__URL".to_owned(), url.clone()));
                DatabaseUrl::Postgres(url)
            }
        };
        Ok(Self {
            engine: engine.clone(),
            data,
            url,
            env,
        })
    }

    /// Sets a variable of the servers and commands from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Starts a server whose requests are the administrator's.
    pub(crate) fn serve(&self, workspace: &Workspace) -> anyhow::Result<Server> {
        Server::berth_as_administrator(workspace, &self.data, &self.env)
    }

    /// Runs a command of the binary on the data.
    pub(crate) fn run(&self, workspace: &Workspace, command: &str) -> anyhow::Result<String> {
        let output = servers::command(workspace)
            .args([command, "--data"])
            .arg(&self.data)
            .current_dir(&self.data)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "berth {command} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The number that a query gives.
    pub(crate) async fn count(&self, sql: &'static str) -> anyhow::Result<i64> {
        let db = Db::connect(&self.url, 1).await?;
        let (count,): (i64,) = db.one(sql, berth_db::args![]).await?;
        db.close().await;
        Ok(count)
    }

    /// Runs statements on the database: what the API would take hours to write.
    pub(crate) async fn seed(&self, statements: Vec<String>) -> anyhow::Result<()> {
        let db = Db::connect(&self.url, 2).await?;
        db.write::<_, berth_db::DbError, _>(move |tx| {
            let statements = statements.clone();
            Box::pin(async move {
                for sql in statements {
                    tx.execute(berth_db::AssertSqlSafe(sql), berth_db::Args::new())
                        .await?;
                }
                Ok(())
            })
        })
        .await?;
        db.close().await;
        // Both engines plan by what they know of the tables, which no one has told them yet; and
        // PostgreSQL would have seen to so many new rows within a minute.
        if let Engine::Postgres(_) = self.engine
            && let DatabaseUrl::Postgres(url) = &self.url
        {
            psql(url, "VACUUM ANALYZE")?;
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let (Engine::Postgres(server), DatabaseUrl::Postgres(url)) = (&self.engine, &self.url)
            && let Some((_, name)) = url.rsplit_once('/')
        {
            // What is left behind is the server's to lose.
            let _ = psql(
                server,
                &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            );
        }
    }
}

fn psql(url: &str, sql: &str) -> anyhow::Result<()> {
    let output = Command::new("psql").args([url, "-qc", sql]).output()?;
    anyhow::ensure!(
        output.status.success(),
        "psql: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
