//! Runs other programs: with a time limit, in a home folder of their own, their output caught.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a program may run unless a test says otherwise.
const LIMIT: Duration = Duration::from_mins(2);

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    /// The command line, for messages.
    pub line: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Whether it succeeded.
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// Demands success; gives standard output without the space around it.
    #[track_caller]
    pub fn expect_ok(&self) -> &str {
        assert!(self.ok(), "this should have worked: {self}");
        self.stdout.trim()
    }

    /// Demands that the server refused, and nothing else went wrong.
    #[track_caller]
    pub fn expect_refused(&self) {
        assert!(!self.ok(), "this should have been refused: {self}");
        let said = format!("{}{}", self.stdout, self.stderr).to_lowercase();
        let words = [
            "unauthorized",
            "denied",
            "forbidden",
            "invalid username/password",
            "401",
            "403",
        ];
        assert!(
            words.iter().any(|word| said.contains(word)),
            "this failed, but was not refused: {self}"
        );
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\nexit code {:?}\n{}\n{}",
            self.line, self.code, self.stdout, self.stderr
        )
    }
}

/// A program about to run.
#[derive(Debug)]
#[must_use]
pub struct Run {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    input: Vec<u8>,
    limit: Duration,
}

impl Run {
    /// Prepares to run `program`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            input: Vec::new(),
            limit: LIMIT,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs in this folder.
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Gives it this to read.
    pub fn input(mut self, input: impl AsRef<[u8]>) -> Self {
        self.input = input.as_ref().into();
        self
    }

    /// Gives it another time than usual.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Ran {
        let line = std::iter::once(&self.program)
            .chain(&self.args)
            .map(|word| word.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ");
        let mut command = clean(&self.program);
        command.args(&self.args).envs(self.env);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let input = self.input;
        // A program that does not read must not stop the test.
        thread::spawn(move || stdin.write_all(&input));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let deadline = Instant::now() + self.limit;
        let mut read = |output: mpsc::Receiver<String>| {
            let left = deadline.saturating_duration_since(Instant::now());
            output.recv_timeout(left).unwrap_or_else(|_| {
                let _ = child.kill();
                panic!("{line}\nhas not ended within {:?}", self.limit)
            })
        };
        let (stdout, stderr) = (read(stdout), read(stderr));
        let status = child.wait().unwrap();
        Ran {
            line,
            code: status.code(),
            stdout,
            stderr,
        }
    }
}

/// A command without the settings of the server that the caller may have: they must not change
/// what is tested.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("BERTH_") {
            command.env_remove(name);
        }
    }
    command
}

/// Reads to the end on a thread, because a full pipe stops its writer.
fn collect(mut output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = output.read_to_end(&mut bytes);
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}

/// Where a program is, or `None` after saying loudly that its test is skipped.
pub fn tool(name: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// Where a program of PostgreSQL is, which Debian keeps out of the way.
pub fn find_postgres(name: &str) -> Option<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|file| file.is_file())
        .collect();
    versions.sort();
    versions.pop().or_else(|| tool(name))
}

/// Says that a test is skipped, past the test runner, which keeps what passing tests print.
pub fn skip(why: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED: {why} ({test})\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Whether this process is root's; says that the test is skipped if not.
pub fn is_root(what: &str) -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        skip(&format!("{what} needs root here"));
    }
    root
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = env::var_os("HOME").map(|home| Path::new(&home).join(".cache/berth/tools"));
    env::split_paths(&path)
        .chain(own)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A home folder for clients: their logins and caches end with it.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// An empty home.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("berth-home-").unwrap();
        // Some clients take a missing file for a mistake.
        fs::write(folder.path().join("auth.json"), r#"{"auths": {}}"#).unwrap();
        Self { folder }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path below it.
    pub fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    /// A path below it, as text.
    pub fn text(&self, path: &str) -> String {
        self.join(path).display().to_string()
    }

    /// Prepares to run a client at home here.
    pub fn run(&self, program: &Path) -> Run {
        Run::new(program)
            .folder(self.path())
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.join(".config"))
            .env("XDG_CACHE_HOME", self.join(".cache"))
            .env("XDG_DATA_HOME", self.join(".local"))
            .env("XDG_RUNTIME_DIR", self.path())
            .env("DOCKER_CONFIG", self.join(".docker"))
            .env("REGISTRY_AUTH_FILE", self.join("auth.json"))
    }
}
