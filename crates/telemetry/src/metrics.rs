//! [`Metrics`] counts, with Harbor's names where Harbor has them.
//!
//! Invariant: every label is the program's own text or a status code, so that no client can make the set
//! of series grow.

use berth_model::{Clock, Timestamp};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::DroppedLines;

/// From a manifest in memory to a large layer over a thin line, seconds.
const BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) method: &'static str,
    pub(crate) code: u32,
    pub(crate) operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DurationLabels {
    pub(crate) method: &'static str,
    pub(crate) operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabel {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// The job type, of which there are as many as the program registers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabel {
    r#type: String,
}

/// Which way bytes of blobs went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Pushed by a client.
    In,
    /// Pulled by a client.
    Out,
}

/// What one garbage collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GcRun {
    /// Whether it came to its end.
    pub succeeded: bool,
    /// Blobs removed.
    pub blobs: u64,
    /// Manifests removed.
    pub manifests: u64,
    /// Bytes freed.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

/// All counters of the process. It is an [`Observer`](berth_http::Observer) of requests.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    clock: Clock,
    started: Timestamp,
    uptime: Gauge,
    pub(crate) inflight: Gauge,
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) durations: Family<DurationLabels, Histogram, fn() -> Histogram>,
    bytes_in: Counter,
    bytes_out: Counter,
    uploads: Gauge,
    waiting: Family<TypeLabel, Gauge>,
    latency: Family<TypeLabel, Gauge>,
    gc: Gc,
}

#[derive(Debug, Default)]
struct Gc {
    runs: Family<ResultLabel, Counter>,
    blobs: Counter,
    manifests: Counter,
    bytes: Counter,
    seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    last_success: Gauge,
}

impl Metrics {
    /// The content type of what [`Metrics::encode`] returns.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Counters that begin at nought, for a program of this `version` that starts now.
    pub fn new(version: &str, clock: Clock, dropped: &DroppedLines) -> Self {
        let started = clock.now();
        let bytes = Family::<DirectionLabel, Counter>::default();
        let direction = |direction| bytes.get_or_create_owned(&DirectionLabel { direction });
        let mut metrics = Self {
            registry: Registry::default(),
            clock,
            started,
            uptime: Gauge::default(),
            inflight: Gauge::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            bytes_in: direction("in"),
            bytes_out: direction("out"),
            uploads: Gauge::default(),
            waiting: Family::default(),
            latency: Family::default(),
            gc: Gc::default(),
        };
        metrics.register(version, bytes, dropped);
        metrics
    }

    /// Names are given without the `_total` that the encoder adds to counters.
    fn register(
        &mut self,
        version: &str,
        bytes: Family<DirectionLabel, Counter>,
        dropped: &DroppedLines,
    ) {
        let registry = &mut self.registry;
        registry.register(
            "harbor_core_http_inflight_requests",
            "Requests under way",
            self.inflight.clone(),
        );
        registry.register(
            "harbor_core_http_request",
            "Requests answered",
            self.requests.clone(),
        );
        registry.register(
            "harbor_core_http_request_duration_seconds",
            "Time from a request's head to the last byte of its answer",
            self.durations.clone(),
        );
        registry.register(
            "berth_blob_bytes",
            "Bytes of blobs pushed and pulled",
            bytes,
        );
        registry.register(
            "berth_uploads_open",
            "Uploads begun and not ended",
            self.uploads.clone(),
        );
        registry.register(
            "harbor_task_queue_size",
            "Tasks that wait",
            self.waiting.clone(),
        );
        registry.register(
            "harbor_task_queue_latency",
            "For how long the oldest task has been waiting, seconds",
            self.latency.clone(),
        );
        self.gc.register(registry);
        registry.register(
            "berth_log_lines_dropped",
            "Log lines lost because they were not read fast enough",
            dropped.0.clone(),
        );
        let started = Gauge::<i64>::default();
        started.set(self.started.seconds());
        registry.register(
            "process_start_time_seconds",
            "When the process started, seconds since the epoch",
            started,
        );
        registry.register(
            "berth_uptime_seconds",
            "Seconds since the start",
            self.uptime.clone(),
        );
        registry.register(
            "berth_build",
            "What is running",
            Info::new([("version", version.to_owned())]),
        );
    }

    /// Counts bytes of blobs as they pass.
    pub fn blob_bytes(&self, direction: Direction, bytes: u64) {
        match direction {
            Direction::In => self.bytes_in.inc_by(bytes),
            Direction::Out => self.bytes_out.inc_by(bytes),
        };
    }

    /// An upload was begun.
    pub fn upload_opened(&self) {
        self.uploads.inc();
    }

    /// An upload was finished, cancelled or dropped.
    pub fn upload_closed(&self) {
        self.uploads.dec();
    }

    /// Sets the uploads that are open, as the database counts them.
    pub fn set_uploads_open(&self, count: u64) {
        self.uploads.set(count as i64);
    }

    /// Sets what waits of a job type, as the database counts it, and for how long the oldest has.
    pub fn set_queue(&self, kind: &str, count: i64, seconds: i64) {
        let label = TypeLabel {
            r#type: kind.to_owned(),
        };
        self.waiting.get_or_create(&label).set(count);
        self.latency.get_or_create(&label).set(seconds);
    }

    /// Counts one garbage collection.
    pub fn gc_run(&self, run: &GcRun) {
        self.gc.count(run, self.clock.now());
    }

    /// Everything as OpenMetrics text, which Prometheus reads.
    pub fn encode(&self) -> String {
        let uptime = self.clock.now().since(self.started);
        self.uptime.set(uptime.as_secs() as i64);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

impl Gc {
    fn register(&self, registry: &mut Registry) {
        registry.register("berth_gc_runs", "Garbage collections", self.runs.clone());
        registry.register(
            "berth_gc_deleted_blobs",
            "Blobs removed",
            self.blobs.clone(),
        );
        registry.register(
            "berth_gc_deleted_manifests",
            "Manifests removed",
            self.manifests.clone(),
        );
        registry.register("berth_gc_freed_bytes", "Bytes freed", self.bytes.clone());
        registry.register(
            "berth_gc_duration_seconds",
            "How long the last garbage collection took",
            self.seconds.clone(),
        );
        registry.register(
            "berth_gc_last_success_timestamp_seconds",
            "When garbage was last collected to the end",
            self.last_success.clone(),
        );
    }

    fn count(&self, run: &GcRun, now: Timestamp) {
        let result = if run.succeeded { "ok" } else { "failed" };
        self.runs.get_or_create(&ResultLabel { result }).inc();
        self.blobs.inc_by(run.blobs);
        self.manifests.inc_by(run.manifests);
        self.bytes.inc_by(run.bytes);
        self.seconds.set(run.seconds);
        if run.succeeded {
            self.last_success.set(now.seconds());
        }
    }
}
