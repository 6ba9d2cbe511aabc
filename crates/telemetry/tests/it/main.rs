//! Counters as Prometheus reads them.

use std::time::Duration;

use berth_http::{Observer, Outcome};
use berth_model::{Clock, Timestamp};
use berth_telemetry::{Direction, DroppedLines, GcRun, Metrics};
use http::Method;

fn metrics() -> (Metrics, Clock) {
    let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
    let metrics = Metrics::new("1.2.3", clock.clone(), &DroppedLines::default());
    (metrics, clock)
}

fn finish(metrics: &Metrics, method: &Method, operation: &'static str, status: u16) {
    metrics.finished(&Outcome {
        method,
        operation,
        status,
        elapsed: Duration::from_millis(3),
        bytes: 5,
        aborted: false,
    });
}

#[track_caller]
fn assert_line(text: &str, line: &str) {
    assert!(
        text.lines().any(|other| other == line),
        "{line} not in\n{text}"
    );
}

#[test]
fn requests_have_harbors_names() {
    let (metrics, _) = metrics();
    for _ in 0..3 {
        metrics.started();
    }
    finish(&metrics, &Method::GET, "GetManifest", 200);
    finish(&metrics, &Method::GET, "GetManifest", 200);
    let text = metrics.encode();
    assert_line(&text, "harbor_core_http_inflight_requests 1");
    assert_line(
        &text,
        r#"harbor_core_http_request_total{method="GET",code="200",operation="GetManifest"} 2"#,
    );
    assert_line(
        &text,
        r#"harbor_core_http_request_duration_seconds_count{method="GET",operation="GetManifest"} 2"#,
    );
    assert_line(
        &text,
        r#"harbor_core_http_request_duration_seconds_bucket{le="0.0025",method="GET",operation="GetManifest"} 0"#,
    );
    assert_line(
        &text,
        r#"harbor_core_http_request_duration_seconds_bucket{le="0.005",method="GET",operation="GetManifest"} 2"#,
    );
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains("_total_total"));
}

#[test]
fn made_up_methods_share_one_series() {
    let (metrics, _) = metrics();
    for number in 0..50 {
        let method = Method::from_bytes(format!("X{number}").as_bytes()).unwrap();
        finish(&metrics, &method, "", 404);
    }
    let text = metrics.encode();
    assert_line(
        &text,
        r#"harbor_core_http_request_total{method="OTHER",code="404",operation="unknown"} 50"#,
    );
    assert!(!text.contains("X1"));
}

#[test]
fn bytes_uploads_and_collections_are_counted() {
    let (metrics, clock) = metrics();
    metrics.blob_bytes(Direction::In, 10);
    metrics.blob_bytes(Direction::Out, 7);
    metrics.set_uploads_open(4);
    metrics.upload_opened();
    metrics.upload_closed();
    metrics.upload_closed();
    clock.advance(Duration::from_secs(90));
    metrics.gc_run(&GcRun {
        succeeded: true,
        blobs: 2,
        manifests: 1,
        bytes: 300,
        seconds: 1.5,
    });
    metrics.gc_run(&GcRun::default());
    let text = metrics.encode();
    for line in [
        r#"berth_blob_bytes_total{direction="in"} 10"#,
        r#"berth_blob_bytes_total{direction="out"} 7"#,
        "berth_uploads_open 3",
        r#"berth_gc_runs_total{result="ok"} 1"#,
        r#"berth_gc_runs_total{result="failed"} 1"#,
        "berth_gc_deleted_blobs_total 2",
        "berth_gc_deleted_manifests_total 1",
        "berth_gc_freed_bytes_total 300",
        "berth_gc_last_success_timestamp_seconds 1700000090",
        "process_start_time_seconds 1700000000",
        "berth_uptime_seconds 90",
        r#"berth_build_info{version="1.2.3"} 1"#,
        "berth_log_lines_dropped_total 0",
    ] {
        assert_line(&text, line);
    }
}
