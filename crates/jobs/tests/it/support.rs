//! A job service whose one job type does what each task's parameters say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_db::{Db, DbError, Tx};
use berth_jobs::{
    Execution, Handler, JobError, Jobs, JobsOptions, Kind, NewExecution, NewTask, Status, Task,
    TaskContext, TaskEnd, Trigger,
};
use berth_model::{Clock, ExecutionId};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const KIND: &str = "TEST";

/// What the handlers of one test have done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done(
    pub(crate) Arc<Mutex<Vec<String>>>,
    pub(crate) Arc<Mutex<Vec<String>>>,
);

impl Done {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The ends that were told, in the order of their words.
    pub(crate) fn ends(&self) -> Vec<String> {
        let mut ends = self.1.lock().unwrap().clone();
        ends.sort();
        ends
    }

    fn add(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

pub(crate) struct TestHandler {
    pub(crate) done: Done,
    pub(crate) kind: Kind,
}

impl Handler for TestHandler {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        match params["do"].as_str() {
            Some(_) => Ok(()),
            None => Err("`do` must say what to do".to_owned()),
        }
    }

    fn task_ended<'a>(
        &'a self,
        _: &'a mut Tx,
        task: TaskEnd<'a>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let what = task.params["do"].as_str().unwrap_or_default();
        let end = format!("{what} {}", task.status);
        self.done.1.lock().unwrap().push(end);
        Box::pin(async { Ok(()) })
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let what = task.params()["do"].as_str().unwrap_or_default().to_owned();
            self.done.add(format!("{what} {}", task.attempt()));
            task.log(format!("doing {what}"));
            task.progress(1, 2);
            match what.as_str() {
                "succeed" => {
                    task.set_attributes(&json!({ "counted": 7 }));
                    Ok(())
                }
                "fail" => Err(JobError::fail("it cannot be done")),
                "retry" if task.attempt() < 3 => Err(JobError::retry("not yet")),
                "never" => Err(JobError::retry("not yet")),
                "panic" => panic!("asked to"),
                "fan" => {
                    let new = (0..5).map(|_| NewTask::new(KIND, json!({ "do": "succeed" })));
                    task.add_tasks(new.collect()).await
                }
                "wait" => {
                    task.stop().cancelled().await;
                    Err(JobError::Stopped)
                }
                "hang" => std::future::pending().await,
                _ => Ok(()),
            }
        })
    }
}

/// A job service and its workers.
pub(crate) struct Service {
    pub(crate) jobs: Jobs,
    pub(crate) done: Done,
    stop: CancellationToken,
    work: JoinHandle<()>,
}

pub(crate) fn options() -> JobsOptions {
    JobsOptions {
        workers: 4,
        lease: Duration::from_millis(600),
        poll: Duration::from_millis(50),
        back_off: Duration::from_millis(10),
        longest_back_off: Duration::from_millis(50),
    }
}

pub(crate) fn jobs(db: &Db, clock: Clock, done: &Done, kind: Kind) -> Jobs {
    let jobs = Jobs::new(db.clone(), clock, options());
    jobs.register(TestHandler {
        done: done.clone(),
        kind,
    });
    jobs
}

impl Service {
    pub(crate) fn start(db: &Db) -> Self {
        Self::start_with(
            db,
            Clock::system(),
            Kind {
                max_attempts: 3,
                ..Kind::new(KIND)
            },
        )
    }

    pub(crate) fn start_with(db: &Db, clock: Clock, kind: Kind) -> Self {
        let done = Done::default();
        let jobs = jobs(db, clock, &done, kind);
        let stop = CancellationToken::new();
        let work = tokio::spawn({
            let (jobs, stop) = (jobs.clone(), stop.clone());
            async move { jobs.work(stop).await }
        });
        Self {
            jobs,
            done,
            stop,
            work,
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.work.await.unwrap();
    }

    /// Ends without a word, as a killed process does.
    pub(crate) async fn kill(self) {
        self.work.abort();
        let _ = self.work.await;
    }

    pub(crate) async fn submit(&self, what: &[&str]) -> ExecutionId {
        self.jobs.submit(execution(what)).await.unwrap()
    }

    pub(crate) async fn read(&self, id: ExecutionId) -> Execution {
        self.jobs.execution("TEST", Some(3), id).await.unwrap()
    }

    pub(crate) async fn tasks(&self, id: ExecutionId) -> Vec<Task> {
        self.jobs.tasks(id, None, 100, 0).await.unwrap().0
    }

    /// Waits for what must come.
    pub(crate) async fn until<F>(&self, what: &str, come: F)
    where
        F: AsyncFn() -> bool,
    {
        let limit = Duration::from_secs(20);
        let waited = tokio::time::timeout(limit, async {
            while !come().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what} did not come");
    }

    pub(crate) async fn ended(&self, id: ExecutionId) -> Execution {
        self.until("the end", async || self.read(id).await.ended_at.is_some())
            .await;
        self.read(id).await
    }

    pub(crate) async fn runs(&self, id: ExecutionId) {
        self.until("a running task", async || {
            let tasks = self.tasks(id).await;
            tasks.iter().any(|task| task.status == Status::Running)
        })
        .await;
    }
}

pub(crate) fn execution(what: &[&str]) -> NewExecution {
    NewExecution {
        vendor: "TEST",
        vendor_id: 3,
        trigger: Trigger::Manual,
        attributes: json!({ "asked": true }),
        unique: None,
        tasks: what
            .iter()
            .map(|what| NewTask::new(KIND, json!({ "do": what })))
            .collect(),
    }
}
