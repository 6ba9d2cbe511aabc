//! The server under test: the real binary, on a data folder and a port of its own.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::command::{Ran, Run, clean, find_postgres, skip};
use crate::content::unique;
use crate::{Api, Login};

/// Time to start, also on a machine with other things to do.
const START: Duration = Duration::from_mins(1);
/// The first administrator's password.
const ADMIN_PASSWORD: &str = "Admin-pass-1";

/// The variable that names the database.
const DATABASE: &str = "BERTH_DATABASE__URL";

/// How a server is to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    env: Vec<(String, String)>,
    open_files: Option<u32>,
    database: Option<Arc<Database>>,
}

impl Options {
    /// Sets an environment variable of the server.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the server open so many files and no more.
    #[must_use]
    pub const fn open_files(mut self, limit: u32) -> Self {
        self.open_files = Some(limit);
        self
    }

    /// Collects garbage this often, after this grace, in seconds.
    #[must_use]
    pub fn collecting(self, interval: u32, grace: u32) -> Self {
        self.env("BERTH_GC__INTERVAL_SECONDS", &interval.to_string())
            .env("BERTH_GC__GRACE_SECONDS", &grace.to_string())
            .env("BERTH_REGISTRY__UNDELETE_DAYS", "0")
    }

    /// Keeps rows in a new PostgreSQL database; `None`, said loudly, where there is no server.
    #[must_use]
    pub fn postgres(mut self) -> Option<Self> {
        let Ok(server) = env::var("BERTH_TEST_POSTGRES") else {
            skip("PostgreSQL: BERTH_TEST_POSTGRES is not set");
            return None;
        };
        let psql = find_postgres("psql")?;
        let name = unique("e2e_");
        Run::new(&psql)
            .args([&server, "-c", &format!("CREATE DATABASE {name}")])
            .run()
            .expect_ok();
        let (base, _) = server.rsplit_once('/').unwrap();
        let base = base.to_owned();
        self.database = Some(Arc::new(Database {
            psql,
            server,
            name: name.clone(),
        }));
        Some(self.env(DATABASE, &format!("{base}/{name}")))
    }
}

/// A PostgreSQL database, dropped with the last server that may use it: a day of tests would fill
/// a disk.
#[derive(Debug)]
struct Database {
    psql: PathBuf,
    server: String,
    name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // What is left behind is the server's to lose: no test fails of it.
        Run::new(&self.psql)
            .args([&self.server, "-qc", &drop])
            .run();
    }
}

/// A running server. Dropped, it is killed and its data removed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    options: Options,
    folder: Arc<TempDir>,
}

impl Server {
    /// Starts a server on an empty data folder and waits until it is ready.
    #[track_caller]
    pub fn start(options: Options) -> Self {
        let folder = Arc::new(TempDir::with_prefix("berth-e2e-").unwrap());
        Self::start_in(folder, options)
    }

    /// Starts another process on this one's data, which must be on PostgreSQL.
    #[must_use]
    #[track_caller]
    pub fn beside(&self, options: Options) -> Self {
        Self::start_in(self.folder.clone(), options)
    }

    #[track_caller]
    fn start_in(folder: Arc<TempDir>, options: Options) -> Self {
        let (child, url) = launch(folder.path(), &options);
        Self {
            child,
            url,
            options,
            folder,
        }
    }

    /// The URL it is at.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Host and port, as clients name a registry.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Speaks to it over HTTP.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// The administrator that the first start makes.
    pub fn admin(&self) -> Login {
        Login {
            id: 1,
            name: "admin".to_owned(),
            password: ADMIN_PASSWORD.to_owned(),
        }
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where its rows are, to look at them while it does not run.
    pub fn database(&self) -> String {
        let mut set = self.options.env.iter().rev();
        set.find(|(name, _)| name == DATABASE).map_or_else(
            || format!("sqlite://{}", self.data().join("berth.db").display()),
            |(_, url)| url.clone(),
        )
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Prepares to run a command of the binary on this server's data.
    pub fn command(&self, args: &[&str]) -> Run {
        let mut run = Run::new(binary()).args(args).folder(self.folder.path());
        for (name, value) in &self.options.env {
            run = run.env(name, value);
        }
        run.arg("--data").arg(self.data())
    }

    /// Kills it without a warning, as a power cut of the process would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same data, on another port.
    pub fn restart(&mut self) {
        self.kill();
        (self.child, self.url) = launch(self.folder.path(), &self.options);
    }

    /// Asks it to stop, demands that it ends well, and that nothing in the store is wrong.
    #[track_caller]
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        Run::new("kill").args(["-TERM", &id]).run().expect_ok();
        let status = self.child.wait().unwrap();
        assert!(
            status.success(),
            "the server ended with {status}\n{}",
            self.log()
        );
        self.check();
    }

    /// Demands that database and store agree, down to the bytes.
    #[track_caller]
    pub fn check(&self) -> Ran {
        let ran = self.command(&["fsck", "--rehash"]).run();
        assert!(
            ran.expect_ok().contains("no problems"),
            "fsck says: {}",
            ran.stdout
        );
        ran
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().rev().take(40).collect();
            eprintln!("the end of the server's log:");
            for line in lines.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

/// The binary under test.
pub fn binary() -> PathBuf {
    if let Some(path) = env::var_os("BERTH_TEST_BINARY") {
        return path.into();
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let target = env::var_os("CARGO_TARGET_DIR").map_or(beside, PathBuf::from);
    let path = target.join("debug/berth");
    assert!(
        path.is_file(),
        "there is no {}: build it with `cargo build -p berth`, or name one in BERTH_TEST_BINARY",
        path.display()
    );
    path
}

fn launch(folder: &Path, options: &Options) -> (Child, String) {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut command = match options.open_files {
        Some(limit) => {
            let mut shell = clean("sh");
            let limited = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
            shell.args(["-c", &limited]).arg(binary());
            shell
        }
        None => clean(binary()),
    };
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.join("data"))
        .env("BERTH_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .envs(options.env.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    // Reads to the end: a server whose output nobody takes would stop at a full pipe.
    thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, url)) = line.split_once("Berth is ready at ") {
                let _ = sender.send(url.trim().to_owned());
            }
        }
    });
    let url = receiver.recv_timeout(START).unwrap_or_else(|_| {
        let _ = child.kill();
        let _ = child.wait();
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("the server did not start:\n{log}")
    });
    (child, url)
}
