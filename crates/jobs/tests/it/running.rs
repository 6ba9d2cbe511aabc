//! From submission to the end: success, failure, retries, stops, pauses, logs.

use std::time::{Duration, Instant};

use berth_jobs::{JobsError, Kind, Status};
use berth_model::Clock;
use berth_testkit::both_engines;
use serde_json::json;

use crate::support::{KIND, Service, execution};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_and_says_what_it_did() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let id = service.submit(&["succeed"]).await;
        let ended = service.ended(id).await;
        assert_eq!(ended.status, Status::Success);
        assert_eq!(ended.attributes, json!({ "asked": true }));
        let task = service.tasks(id).await.remove(0);
        assert_eq!(task.attributes, json!({ "counted": 7 }));
        assert_eq!(task.progress, (1, 2));
        let (log, piece) = service.jobs.task_log(task.id, 0).await.unwrap();
        assert!(log.ends_with("doing succeed\n"), "{log}");
        assert_eq!(service.jobs.task_log(task.id, piece).await.unwrap().0, "");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_as_good_as_its_tasks() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let mixed = service.submit(&["succeed", "fail", "succeed"]).await;
        let ended = service.ended(mixed).await;
        assert_eq!(ended.status, Status::Error);
        assert_eq!(ended.message, "it cannot be done");
        assert_eq!((ended.succeeded, ended.failed), (2, 1));
        let fan = service.submit(&["fan"]).await;
        let ended = service.ended(fan).await;
        assert_eq!((ended.status, ended.tasks), (Status::Success, 6));
        let none = service.submit(&[]).await;
        assert_eq!(service.ended(none).await.status, Status::Success);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_succeed_later_is_tried_again() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let id = service.submit(&["retry"]).await;
        assert_eq!(service.ended(id).await.status, Status::Success);
        assert_eq!(service.done.all(), ["retry 1", "retry 2", "retry 3"]);
        let never = service.submit(&["never"]).await;
        let ended = service.ended(never).await;
        assert_eq!(
            (ended.status, ended.message.as_str()),
            (Status::Error, "not yet")
        );
        assert_eq!(service.done.all().len(), 6);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_the_task_and_nothing_else() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let id = service.submit(&["panic", "succeed"]).await;
        let ended = service.ended(id).await;
        assert_eq!((ended.failed, ended.succeeded), (1, 1));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_interrupts_what_runs_and_drops_what_waits() {
    both_engines(async |db| {
        let service = Service::start(&db);
        // More than there are workers; one of them does not listen.
        let id = service
            .submit(&["hang", "wait", "wait", "wait", "wait", "wait"])
            .await;
        service.runs(id).await;
        let asked = Instant::now();
        service.jobs.stop_execution(id).await.unwrap();
        let ended = service.ended(id).await;
        assert_eq!((ended.status, ended.stopped), (Status::Stopped, 6));
        // A bound that only a stop that hangs would break.
        assert!(asked.elapsed() < Duration::from_secs(10));
        // One that has ended stays as it is.
        service.jobs.stop_execution(id).await.unwrap();
        assert_eq!(service.read(id).await.stopped, 6);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_takes_too_long_is_given_up() {
    both_engines(async |db| {
        let kind = Kind {
            time_out: Some(Duration::from_millis(50)),
            ..Kind::new(KIND)
        };
        let service = Service::start_with(&db, Clock::system(), kind);
        let id = service.submit(&["hang"]).await;
        assert_eq!(service.ended(id).await.status, Status::Error);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_every_task_is_told_once_whether_it_ran_or_not() {
    both_engines(async |db| {
        let service = Service::start(&db);
        service.jobs.pause(KIND, true).await.unwrap();
        let id = service
            .submit(&["succeed", "fail", "retry", "wait", "begin"])
            .await;
        let one = json!({"do": "begin"});
        service.jobs.stop_tasks_with(id, &one).await.unwrap();
        assert_eq!(service.done.ends(), ["begin Stopped"]);
        service.jobs.pause(KIND, false).await.unwrap();
        service
            .until("the end of four", async || service.done.ends().len() == 4)
            .await;
        service.jobs.stop_execution(id).await.unwrap();
        service.ended(id).await;
        let expected = [
            "begin Stopped",
            "fail Error",
            "retry Success",
            "succeed Success",
            "wait Stopped",
        ];
        assert_eq!(service.done.ends(), expected);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_waits_and_can_be_dropped() {
    both_engines(async |db| {
        let service = Service::start(&db);
        service.jobs.pause(KIND, true).await.unwrap();
        let id = service.submit(&["succeed"]).await;
        let dropped = service.submit(&["succeed", "succeed"]).await;
        let queues = service.jobs.queues().await.unwrap();
        let queue = queues.iter().find(|queue| queue.kind == KIND).unwrap();
        assert_eq!((queue.count, queue.paused), (3, true));
        service.jobs.stop_execution(dropped).await.unwrap();
        assert_eq!(service.read(dropped).await.status, Status::Stopped);
        assert_eq!(service.read(id).await.status, Status::Pending);
        service.jobs.pause("all", false).await.unwrap();
        assert_eq!(service.ended(id).await.status, Status::Success);
        service.jobs.pause("all", true).await.unwrap();
        let id = service.submit(&["succeed"]).await;
        service.jobs.stop_waiting("all").await.unwrap();
        assert_eq!(service.read(id).await.status, Status::Stopped);
        let unknown = service.jobs.pause("NONSENSE", true).await;
        assert!(matches!(unknown, Err(JobsError::NotFound(_))));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_is_refused_at_once() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let mut unknown = execution(&["succeed"]);
        unknown.tasks[0].kind = "NONSENSE";
        let refused = service.jobs.submit(unknown).await;
        assert!(matches!(refused, Err(JobsError::UnknownKind(_))));
        let mut wrong = execution(&["succeed"]);
        wrong.tasks[0].params = json!({});
        let refused = service.jobs.submit(wrong).await;
        assert!(matches!(refused, Err(JobsError::Parameters { .. })));
        let (executions, _) = service
            .jobs
            .executions(
                berth_jobs::ExecutionQuery {
                    vendors: &["TEST"],
                    ..Default::default()
                },
                10,
                0,
            )
            .await
            .unwrap();
        assert!(executions.is_empty());
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_execution_is_alone_until_it_ends() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let unique = |what| {
            let mut new = execution(&[what]);
            new.unique = Some("TEST:3".to_owned());
            new
        };
        let first = service.jobs.submit(unique("wait")).await.unwrap();
        let second = service.jobs.submit(unique("succeed")).await;
        assert!(matches!(second, Err(JobsError::Running)));
        service.runs(first).await;
        service.jobs.stop_execution(first).await.unwrap();
        service.ended(first).await;
        let third = service.jobs.submit(unique("succeed")).await.unwrap();
        assert_eq!(service.ended(third).await.status, Status::Success);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_executions_are_forgotten() {
    both_engines(async |db| {
        let service = Service::start(&db);
        service.jobs.keep("TEST", 2);
        let mut last = None;
        for _ in 0..6 {
            let id = service.submit(&["succeed"]).await;
            service.ended(id).await;
            last = Some(id);
        }
        service
            .until("two executions", async || {
                let query = berth_jobs::ExecutionQuery {
                    vendors: &["TEST"],
                    ..Default::default()
                };
                service.jobs.executions(query, 10, 0).await.unwrap().1 == 2
            })
            .await;
        service.read(last.unwrap()).await;
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_with_a_bound_of_its_own_keeps_it() {
    both_engines(async |db| {
        let kind = Kind {
            concurrency: 1,
            ..Kind::new(KIND)
        };
        let service = Service::start_with(&db, Clock::system(), kind);
        let id = service.submit(&["wait", "wait", "wait"]).await;
        service.runs(id).await;
        let running = service.jobs.running_tasks(None).await.unwrap();
        assert_eq!(running.len(), 1);
        service.jobs.stop_execution(id).await.unwrap();
        assert_eq!(service.ended(id).await.status, Status::Stopped);
        assert_eq!(service.done.all().len(), 1);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_a_lane_run_in_their_order_and_a_retry_gives_up_its_turn() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let submit = async |what: &str, lane: &str| {
            let mut new = execution(&[what]);
            new.tasks = new
                .tasks
                .into_iter()
                .map(|task| task.in_lane(lane))
                .collect();
            service.jobs.submit(new).await.unwrap()
        };
        let retried = submit("retry", "a").await;
        let mut last = Vec::new();
        for n in 0..20 {
            let (a, b) = (format!("a{n}"), format!("b{n}"));
            last = vec![submit(&a, "a").await, submit(&b, "b").await];
        }
        // One that is asked to stop while it has the turn gives it up, too.
        let held = submit("wait", "b").await;
        last.push(submit("after", "b").await);
        service
            .until("the turn", async || {
                service.done.all().iter().any(|it| it == "wait 1")
            })
            .await;
        service.jobs.stop_execution(held).await.unwrap();
        for id in last {
            assert_eq!(service.ended(id).await.status, Status::Success);
        }
        assert_eq!(service.ended(retried).await.status, Status::Success);
        let done = service.done.all();
        for lane in ["a", "b"] {
            let seen: Vec<&String> = done
                .iter()
                .filter(|it| it.starts_with(lane) && !it.starts_with("after"))
                .collect();
            let expected: Vec<String> = (0..20).map(|n| format!("{lane}{n} 1")).collect();
            assert_eq!(seen, expected.iter().collect::<Vec<_>>());
        }
        let at = |what: &str| done.iter().position(|it| it == what);
        assert!(at("retry 1") < at("a0 1"), "{done:?}");
        service.stop().await;
    })
    .await;
}
