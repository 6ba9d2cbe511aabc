//! A distribution gets old while its images lie there: a report says so as things are when it is
//! read, and nothing is scanned again.

use std::time::Duration;

use berth_model::{Clock, Timestamp};
use serde_json::Value;

use crate::app::{App, Engine, Setup};
use crate::scanning::{MIME, artifact, layer, push, scan};

/// How grave it is that the distribution is old, and what is said of it.
async fn said(app: &App) -> Option<(String, String)> {
    let path = format!("{}/additions/vulnerabilities", artifact("old/app", "v1"));
    let report = app.get(&path).send().await.expect(200).json();
    let practice = report[MIME]["notes"]["practice"].as_array().unwrap();
    let mut found = practice.iter().filter(|it| it["rule"] == "CIS-DI-0004");
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    let one = found
        .next()
        .map(|it| (text(it, "severity"), text(it, "title")));
    assert!(found.next().is_none(), "it is said twice: {report}");
    one
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_tells_of_the_end_of_the_distribution_as_time_goes_by() {
    // Each server has a clock of its own.
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let noon = Timestamp::parse("2026-07-11T12:00:00Z").unwrap();
        let setup = Setup {
            clock: Clock::manual(noon),
            ..Setup::default()
        };
        let Some(app) = App::start(engine, &setup).await else {
            continue;
        };
        app.project("old", false).await;
        // Debian 12.
        push(&app, "old/app", "v1", &layer(&[("bash", "5.2")])).await;
        let overview = scan(&app, "old/app", "v1").await;
        assert_eq!(overview["scan_status"], "Success", "{overview}");
        assert_eq!(said(&app).await, None);
        let day = Duration::from_hours(24);
        app.clock.advance(day);
        let (severity, title) = said(&app).await.unwrap();
        assert_eq!(
            (&*severity, &*title),
            ("info", "debian 12 is in long-term support")
        );
        app.clock.advance(day * 719);
        assert_eq!(said(&app).await.unwrap().0, "info", "2028-06-30");
        app.clock.advance(day);
        let (severity, title) = said(&app).await.unwrap();
        assert_eq!(
            (&*severity, &*title),
            ("high", "debian 12 is past its end of life")
        );
        app.stop().await;
    }
}
