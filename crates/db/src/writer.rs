//! SQLite's one writer: a task that owns the writing connection and commits in groups.
//!
//! Whatever is waiting when a commit ends goes into the next one, each piece of work under its
//! own savepoint, so that one that fails takes nothing else with it. One COMMIT, one fsync.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::SqlStr;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::watch::Watches;
use crate::{Args, DbError, Durability, Tx};

/// Most pieces of work in one commit: bounds how long the first of them waits.
const GROUP: usize = 64;
/// Pieces of work that may wait; callers beyond it wait to enqueue.
const QUEUE: usize = 1024;

type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, (bool, Answer)> + Send>;
type Hook = Box<dyn FnOnce() + Send>;
/// A statement that is a whole piece of work.
type Statement = (SqlStr, Args);
type Changed = Box<dyn FnOnce(Result<u64, DbError>) + Send>;

struct Job {
    durability: Durability,
    work: Work,
    /// The same, for when nothing else is waiting: then it needs no transaction around it.
    single: Option<(Statement, Changed)>,
    /// Answers a job that panicked or was never run.
    unfinished: Answer,
}

enum Message {
    Job(Job),
    Close(oneshot::Sender<()>),
}

pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    path: PathBuf,
}

impl Writer {
    pub(crate) fn start(connection: SqliteConnection, path: PathBuf, watches: Watches) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(Tx::sqlite(connection), waiting, watches));
        Self { queue, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    pub(crate) async fn run<T, E, F>(&self, durability: Durability, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let (job, answered) = job(durability, work);
        self.send(job, answered).await
    }

    /// Runs one statement, and gives the number of rows it changed.
    pub(crate) async fn execute(
        &self,
        durability: Durability,
        sql: SqlStr,
        args: Args,
    ) -> Result<u64, DbError> {
        let statement = (sql.clone(), args.clone());
        let (mut job, answered) = job(durability, move |tx: &mut Tx| {
            Box::pin(async move { tx.execute(sql, args).await }) as BoxFuture<'_, _>
        });
        let (changed, single) = oneshot::channel();
        let changed: Changed = Box::new(move |outcome| {
            let _ = changed.send(outcome);
        });
        job.single = Some((statement, changed));
        let queued = self.queue.send(Message::Job(job)).await;
        queued.map_err(|_| DbError::Closed)?;
        // The way that was not taken drops its sender.
        match single.await {
            Ok(outcome) => outcome,
            Err(_) => answered.await.unwrap_or(Err(DbError::Closed)),
        }
    }

    async fn send<T, E: From<DbError>>(
        &self,
        job: Job,
        answered: oneshot::Receiver<Result<T, E>>,
    ) -> Result<T, E> {
        let queued = self.queue.send(Message::Job(job)).await;
        queued.map_err(|_| E::from(DbError::Closed))?;
        answered
            .await
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }
}

/// Work for the writer, and where its outcome comes.
fn job<T, E, F>(durability: Durability, work: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    let (answer, answered) = oneshot::channel::<Result<T, E>>();
    // Either the work answers or its panic does; both must be able to reach the caller.
    let answer = std::sync::Arc::new(std::sync::Mutex::new(Some(answer)));
    let on_panic = answer.clone();
    let send = move |outcome: Result<T, E>| {
        let sender = answer.lock().ok().and_then(|mut slot| slot.take());
        if let Some(sender) = sender {
            let _ = sender.send(outcome);
        }
    };
    let work: Work = Box::new(move |tx| {
        Box::pin(async move {
            let outcome = tx.whole(work).await;
            let keep = outcome.is_ok();
            let answer: Answer = Box::new(move |committed| match committed {
                Err(cause) if keep => send(Err(DbError::Commit(cause).into())),
                // What failed by itself keeps its own error.
                Ok(()) | Err(_) => send(outcome),
            });
            (keep, answer)
        })
    });
    let unfinished: Answer = Box::new(move |committed| {
        let sender = on_panic.lock().ok().and_then(|mut slot| slot.take());
        if let Some(sender) = sender {
            let error = committed.map_or_else(DbError::Commit, |()| DbError::Panicked);
            let _ = sender.send(Err(error.into()));
        }
    });
    let job = Job {
        durability,
        work,
        single: None,
        unfinished,
    };
    (job, answered)
}

async fn run(mut tx: Tx, mut waiting: mpsc::Receiver<Message>, watches: Watches) {
    // What the connection is set to; `None` where that is not known for certain.
    let mut relaxed = Some(false);
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let mut jobs = Vec::with_capacity(group.len());
        let mut closing = None;
        for message in group.drain(..) {
            match message {
                Message::Job(job) => jobs.push(job),
                Message::Close(done) => closing = Some(done),
            }
        }
        if !jobs.is_empty() {
            commit_group(&mut tx, jobs, &mut relaxed, &watches).await;
        }
        if let Some(done) = closing {
            waiting.close();
            tx.close().await;
            let _ = done.send(());
            return;
        }
    }
    tx.close().await;
}

/// Runs `jobs` in one transaction and answers each of them once it is over.
///
/// Several run one after the other under one savepoint, which each that is kept moves on. Each
/// command to SQLite is a way to its thread and back, so what follows upon each other is one.
async fn commit_group(tx: &mut Tx, jobs: Vec<Job>, relaxed: &mut Option<bool>, watches: &Watches) {
    let Some(jobs) = run_single(tx, jobs, relaxed, watches).await else {
        return;
    };
    let wants_relaxed = jobs.iter().all(|job| job.durability == Durability::Relaxed);
    let alone = jobs.len() == 1;
    let begun = begin(tx, wants_relaxed, relaxed, alone).await;
    let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
    let mut hooks = Vec::new();
    let mut failure = begun.err().map(|error| error.to_string());
    let last = jobs.len() - 1;
    for (nr, job) in jobs.into_iter().enumerate() {
        if failure.is_some() {
            // Not run: the caller is told that its transaction was not committed.
            answers.push(job.unfinished);
            continue;
        }
        let place = if alone {
            Place::Alone
        } else if nr == last {
            Place::Last
        } else {
            Place::Before
        };
        let (answer, ended) = run_job(tx, job, place, &mut hooks).await;
        answers.push(answer);
        failure = ended.err().map(|error| error.to_string());
    }
    if failure.is_none()
        && let Err(error) = tx.control("COMMIT").await
    {
        failure = Some(error.to_string());
    }
    if let Some(cause) = &failure {
        tracing::error!(cause, "a group of writes was rolled back");
        tx.go_ahead("");
        // Fails when SQLite has rolled back by itself, as it does on a full disk.
        let _ = tx.control("ROLLBACK").await;
    }
    watches.ended();
    if failure.is_none() {
        for hook in hooks {
            hook();
        }
    }
    for answer in answers {
        answer(failure.clone().map_or(Ok(()), Err));
    }
}

/// Runs the only job as one command, if it is one statement; gives the jobs back otherwise.
async fn run_single(
    tx: &mut Tx,
    mut jobs: Vec<Job>,
    relaxed: &mut Option<bool>,
    watches: &Watches,
) -> Option<Vec<Job>> {
    let [job] = jobs.as_mut_slice() else {
        return Some(jobs);
    };
    let Some(((sql, args), changed)) = job.single.take() else {
        return Some(jobs);
    };
    let wants_relaxed = job.durability == Durability::Relaxed;
    let first = match (*relaxed != Some(wants_relaxed), wants_relaxed) {
        (false, _) => "",
        (true, true) => "PRAGMA synchronous = NORMAL",
        (true, false) => "PRAGMA synchronous = FULL",
    };
    let done = tx.alone(first, sql, args).await;
    // The first of two commands may be done although the second failed.
    *relaxed = done.is_ok().then_some(wants_relaxed);
    watches.ended();
    changed(done);
    None
}

/// Where a job stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is the group, and has no savepoint: the transaction itself is its own.
    Alone,
    /// Another follows.
    Before,
    Last,
}

async fn begin(
    tx: &mut Tx,
    wants_relaxed: bool,
    relaxed: &mut Option<bool>,
    alone: bool,
) -> Result<(), DbError> {
    // In WAL mode NORMAL leaves the log unforced at commit; a later FULL commit forces it whole.
    let sql = match (*relaxed != Some(wants_relaxed), wants_relaxed, alone) {
        (false, _, true) => "BEGIN IMMEDIATE",
        (false, _, false) => "BEGIN IMMEDIATE; SAVEPOINT job",
        (true, true, true) => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
        (true, true, false) => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; SAVEPOINT job",
        (true, false, true) => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
        (true, false, false) => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE; SAVEPOINT job",
    };
    // Of two commands the first may be done although the second failed.
    *relaxed = None;
    tx.control(sql).await?;
    *relaxed = Some(wants_relaxed);
    Ok(())
}

/// Runs one job. The error is one that dooms the whole group.
async fn run_job(
    tx: &mut Tx,
    job: Job,
    place: Place,
    hooks: &mut Vec<Hook>,
) -> (Answer, Result<(), DbError>) {
    let outcome: Result<_, Box<dyn Any + Send>> =
        AssertUnwindSafe((job.work)(tx)).catch_unwind().await;
    let (keep, answer) = match outcome {
        Ok((keep, answer)) => (keep, answer),
        Err(_) => (false, job.unfinished),
    };
    let added = tx.take_hooks();
    tx.drop_end();
    let ended = match (keep, place) {
        // The commit takes an open savepoint with it.
        (true, Place::Alone | Place::Last) => Ok(()),
        (true, Place::Before) => {
            tx.go_ahead("RELEASE job; SAVEPOINT job");
            Ok(())
        }
        // An empty transaction is committed in its place.
        (false, Place::Alone) => tx.control("ROLLBACK; BEGIN IMMEDIATE").await,
        // The savepoint stays, for the next.
        (false, Place::Before | Place::Last) => tx.control("ROLLBACK TO job").await,
    };
    if keep {
        hooks.extend(added);
    }
    (answer, ended)
}
