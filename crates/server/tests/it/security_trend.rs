//! Vulnerabilities day by day: what a day ended with stays, today is counted when it is asked for.

use std::time::Duration;

use serde_json::Value;

use crate::app::{App, both_with};
use crate::scanning::{advisory, import, layer, push, scan};
use crate::upkeep;

const TREND: &str = "/api/v2.0/security/trend";

async fn trend(app: &App, days: u32) -> Vec<Value> {
    let path = format!("{TREND}?days={days}");
    let answer = app.get(&path).send().await.expect(200).json();
    answer.as_array().unwrap().clone()
}

/// Waits until so many days are kept.
async fn kept(app: &App, days: i64) {
    for _ in 0..400 {
        app.parts.jobs.wake();
        if app.count("SELECT COUNT(*) FROM security_day").await == days {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no {days} days are kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_day_is_kept_as_it_ended() {
    both_with(&upkeep::setup(), async |app| {
        app.project("trend", false).await;
        import(app, &[advisory("CVE-2026-51", "libone", Some("2"), "")]).await;
        push(app, "trend/app", "v1", &layer(&[("libone", "1")])).await;
        // Where nothing is kept yet, there is today.
        let only = trend(app, 30).await;
        assert_eq!(only.len(), 1, "{only:?}");
        assert_eq!(only[0]["total_artifact"], 1);
        assert_eq!(only[0]["scanned_cnt"], 0);
        assert_eq!(only[0]["critical_cnt"], 0);
        app.clock.advance(Duration::from_hours(24));
        kept(app, 1).await;

        scan(app, "trend/app", "v1").await;
        app.clock.advance(Duration::from_hours(24));
        kept(app, 2).await;
        let found = trend(app, 30).await;
        let today = found.last().unwrap();
        assert_eq!(today["critical_cnt"], 1, "{found:?}");
        assert_eq!(today["fixable_cnt"], 1, "{found:?}");
        assert_eq!(today["scanned_cnt"], 1, "{found:?}");
        assert_eq!(found[0]["critical_cnt"], 0, "{found:?}");
        let days: Vec<_> = found.iter().map(|day| day["day"].to_string()).collect();
        assert!(days.is_sorted(), "{days:?}");
        assert!(days.iter().all(|day| day.contains("T00:00:00")), "{days:?}");
        assert_eq!(trend(app, 1).await.last(), Some(today));
        for wrong in ["0", "366", "-1", "x", "4294967296"] {
            let path = format!("{TREND}?days={wrong}");
            app.get(&path)
                .send()
                .await
                .refused(422, "UNPROCESSABLE_ENTITY");
        }
    })
    .await;
}
