//! Workers that end: in good order, and without a word.

use berth_db::Engine;
use berth_jobs::Status;
use berth_testkit::both_engines;

use crate::support::Service;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_worker_held_is_taken_over() {
    both_engines(async |db| {
        let first = Service::start(&db);
        let id = first.submit(&["hang", "hang"]).await;
        first.runs(id).await;
        first.kill().await;
        let second = Service::start(&db);
        second
            .until("the second attempt", async || {
                let tasks = second.tasks(id).await;
                tasks.iter().all(|task| task.attempt == 2)
            })
            .await;
        let task = second.tasks(id).await.remove(0);
        let (log, _) = second.jobs.task_log(task.id, 0).await.unwrap();
        assert!(log.contains("its worker ended without a word"), "{log}");
        second.jobs.stop_execution(id).await.unwrap();
        assert_eq!(second.ended(id).await.status, Status::Stopped);
        second.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_kills_its_worker_each_time_comes_to_an_end() {
    both_engines(async |db| {
        let first = Service::start(&db);
        let id = first.submit(&["hang"]).await;
        first.runs(id).await;
        first.kill().await;
        for _ in 0..2 {
            let next = Service::start(&db);
            next.until("another attempt", async || {
                let task = next.tasks(id).await.remove(0);
                task.attempt > 1 && next.done.all().len() == 1
            })
            .await;
            next.kill().await;
        }
        let last = Service::start(&db);
        let ended = last.ended(id).await;
        assert_eq!(ended.status, Status::Error);
        assert!(last.done.all().is_empty());
        last.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_leaves_its_work_to_the_next() {
    both_engines(async |db| {
        let first = Service::start(&db);
        let id = first.submit(&["hang"]).await;
        first.runs(id).await;
        first.stop().await;
        let second = Service::start(&db);
        second.runs(id).await;
        let task = second.tasks(id).await.remove(0);
        assert_eq!(task.attempt, 1, "an end of the process is no attempt");
        second.jobs.stop_execution(id).await.unwrap();
        second.ended(id).await;
        assert_eq!(second.jobs.pools().await.unwrap().len(), 1);
        second.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_work_and_run_nothing_twice() {
    both_engines(async |db| {
        if db.engine() == Engine::Sqlite {
            // One process a database there.
            return;
        }
        let (one, two) = (Service::start(&db), Service::start(&db));
        let mut all = Vec::new();
        for _ in 0..20 {
            all.push(one.submit(&["succeed"; 5]).await);
        }
        for id in all {
            let ended = one.ended(id).await;
            assert_eq!((ended.status, ended.succeeded), (Status::Success, 5));
        }
        assert_eq!(one.done.all().len() + two.done.all().len(), 100);
        // A stop reaches the process that has the task, whichever it is.
        let id = one.submit(&["wait", "wait", "wait", "wait", "wait"]).await;
        one.runs(id).await;
        two.jobs.stop_execution(id).await.unwrap();
        assert_eq!(one.ended(id).await.status, Status::Stopped);
        one.stop().await;
        two.stop().await;
    })
    .await;
}
