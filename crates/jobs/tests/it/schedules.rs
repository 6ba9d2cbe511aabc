//! What begins by itself, on a clock that the test moves.

use std::time::Duration;

use berth_jobs::{Cadence, ExecutionQuery, Kind, Status, Trigger};
use berth_model::{Clock, Timestamp};
use berth_testkit::both_engines;
use serde_json::json;

use crate::support::{KIND, Service};

fn clock() -> Clock {
    Clock::manual(Timestamp::parse("2026-03-04T05:06:07").unwrap())
}

async fn count(service: &Service) -> i64 {
    let query = ExecutionQuery {
        vendors: &["TEST"],
        ..Default::default()
    };
    service.jobs.executions(query, 10, 0).await.unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_comes_true_once_a_time() {
    both_engines(async |db| {
        let clock = clock();
        let service = Service::start_with(&db, clock.clone(), Kind::new(KIND));
        let params = json!({ "do": "succeed" });
        let jobs = &service.jobs;
        jobs.set_schedule("TEST", 3, &Cadence::hourly(), KIND, &params)
            .await
            .unwrap();
        let schedule = jobs.schedule("TEST", 3).await.unwrap().unwrap();
        let next = schedule.next_at.unwrap().to_rfc3339();
        assert_eq!(next, "2026-03-04T06:00:00.000Z");
        clock.advance(Duration::from_hours(1));
        jobs.wake();
        service
            .until("the first run", async || count(&service).await == 1)
            .await;
        // While one runs, the next is passed over.
        let query = ExecutionQuery {
            vendors: &["TEST"],
            ..Default::default()
        };
        let (first, _) = jobs.executions(query, 1, 0).await.unwrap();
        service.ended(first[0].id).await;
        // Hours in which nothing ran are made up for once.
        clock.advance(Duration::from_hours(5));
        jobs.wake();
        service
            .until("the second run", async || count(&service).await == 2)
            .await;
        let query = ExecutionQuery {
            vendors: &["TEST"],
            trigger: Some(Trigger::Schedule),
            ..Default::default()
        };
        let (executions, total) = jobs.executions(query, 10, 0).await.unwrap();
        assert_eq!(total, 2);
        assert_eq!(executions[0].attributes, params);
        service.ended(executions[0].id).await;
        jobs.set_schedule("TEST", 3, &Cadence::none(), KIND, &params)
            .await
            .unwrap();
        assert_eq!(jobs.schedules(("", ""), 10, 0).await.unwrap().1, 0);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_not_ended_is_not_joined_by_another() {
    both_engines(async |db| {
        let clock = clock();
        let service = Service::start_with(&db, clock.clone(), Kind::new(KIND));
        let jobs = &service.jobs;
        let params = json!({ "do": "wait" });
        jobs.set_schedule("TEST", 3, &Cadence::hourly(), KIND, &params)
            .await
            .unwrap();
        for _ in 0..3 {
            clock.advance(Duration::from_hours(1));
            jobs.wake();
            let now = clock.now();
            service
                .until("the next time", async || {
                    let schedule = jobs.schedule("TEST", 3).await.unwrap().unwrap();
                    schedule.next_at.unwrap() > now
                })
                .await;
        }
        assert_eq!(count(&service).await, 1);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_schedules_wait() {
    both_engines(async |db| {
        let clock = clock();
        let service = Service::start_with(&db, clock.clone(), Kind::new(KIND));
        let jobs = &service.jobs;
        let params = json!({ "do": "succeed" });
        jobs.set_schedule("TEST", 3, &Cadence::daily(), KIND, &params)
            .await
            .unwrap();
        jobs.pause("SCHEDULER", true).await.unwrap();
        assert!(jobs.is_paused("all").await.unwrap());
        clock.advance(Duration::from_hours(24));
        // A job that is run all the same shows that the workers looked.
        let id = service.submit(&["succeed"]).await;
        assert_eq!(service.ended(id).await.status, Status::Success);
        assert_eq!(count(&service).await, 1);
        jobs.pause("SCHEDULER", false).await.unwrap();
        service
            .until("the run", async || count(&service).await == 2)
            .await;
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_does_not_undo_what_an_operator_chose() {
    both_engines(async |db| {
        let service = Service::start(&db);
        let jobs = &service.jobs;
        let params = json!({ "do": "succeed" });
        for _ in 0..2 {
            jobs.default_schedule("TEST", &Cadence::daily(), KIND, &params)
                .await
                .unwrap();
        }
        jobs.set_schedule("TEST", 0, &Cadence::none(), KIND, &params)
            .await
            .unwrap();
        jobs.default_schedule("TEST", &Cadence::daily(), KIND, &params)
            .await
            .unwrap();
        let schedule = jobs.schedule("TEST", 0).await.unwrap().unwrap();
        assert_eq!(schedule.next_at, None);
        service.stop().await;
    })
    .await;
}
