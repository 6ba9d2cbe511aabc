//! Work that goes on beside requests: garbage collection and what it counts.

use std::sync::Arc;
use std::time::Duration;

use berth_lifecycle::Collected;
use berth_telemetry::{Direction, GcRun, Metrics};
use berth_vuln::Scanning;
use tokio_util::sync::CancellationToken;

use crate::Parts;

/// Longer than any request takes between its bytes and their row.
const LONGEST_REQUEST: Duration = Duration::from_hours(24);
/// Time between two counts of open uploads.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// Collects garbage every `interval` until `stop` is cancelled.
pub(crate) async fn collect(
    parts: Parts,
    interval: Duration,
    was_alone: bool,
    stop: CancellationToken,
) {
    // What a crash left behind is older than this process. Beside others, it is what no request
    // can be at work on any more.
    let mut before = parts.lifecycle.clock().now();
    if !was_alone {
        before = before.minus(LONGEST_REQUEST);
    }
    if let Err(error) = parts.lifecycle.sweep_orphans(before, &stop).await {
        tracing::error!(%error, "the sweep of orphaned files failed");
    }
    if let Err(error) = parts.lifecycle.resume_deletions().await {
        tracing::error!(%error, "deletions that a crash interrupted are finished only later");
    }
    while !stop.is_cancelled() {
        if let Err(error) = parts.lifecycle.collect(&stop).await {
            tracing::error!(%error, "garbage collection failed; it is tried again later");
        }
        pause(interval, &stop).await;
    }
}

/// Finishes what an import of advisories began that was interrupted.
pub(crate) async fn match_again(scanning: Scanning, stop: CancellationToken) {
    tokio::select! {
        done = scanning.match_again() => {
            if let Err(error) = done {
                tracing::error!(%error, "advisories are matched again with the next import only");
            }
        }
        () = stop.cancelled() => {}
    }
}

/// Counts every collection that ends, however it was begun.
pub(crate) fn count_collections(parts: &Parts, metrics: Arc<Metrics>) {
    parts.lifecycle.observe(move |collected: &Collected| {
        let report = collected.report.unwrap_or_default();
        metrics.gc_run(&GcRun {
            succeeded: collected.report.is_some(),
            blobs: report.blobs,
            manifests: report.manifests,
            bytes: report.bytes,
            seconds: collected.took.as_secs_f64(),
        });
    });
}

/// Keeps the counts of open uploads and of waiting tasks up to date.
pub(crate) async fn count(parts: Parts, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut counted = 0;
    while !stop.is_cancelled() {
        match parts.registry.open_uploads().await {
            Ok(count) => metrics.set_uploads_open(count),
            Err(error) => tracing::debug!(%error, "open uploads could not be counted"),
        }
        match parts.jobs.queues().await {
            Ok(queues) => {
                for queue in queues {
                    metrics.set_queue(&queue.kind, queue.count, queue.latency);
                }
            }
            Err(error) => tracing::debug!(%error, "waiting tasks could not be counted"),
        }
        let received = parts.registry.received_bytes();
        metrics.blob_bytes(Direction::In, received - counted);
        counted = received;
        pause(COUNT_EVERY, &stop).await;
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}
