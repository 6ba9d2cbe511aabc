//! Requests as [`Metrics`] counts them.

use berth_http::{Observer, Outcome};
use http::Method;

use crate::metrics::{DurationLabels, RequestLabels};
use crate::{Direction, Metrics};

impl Observer for Metrics {
    fn started(&self) {
        self.inflight.inc();
    }

    fn finished(&self, outcome: &Outcome<'_>) {
        self.inflight.dec();
        let method = method_label(outcome.method);
        let operation = if outcome.operation.is_empty() {
            "unknown"
        } else {
            outcome.operation
        };
        if operation == "v2_blob" {
            self.blob_bytes(Direction::Out, outcome.bytes);
        }
        let code = u32::from(outcome.status);
        let labels = RequestLabels {
            method,
            code,
            operation,
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&DurationLabels { method, operation })
            .observe(outcome.elapsed.as_secs_f64());
    }
}

/// A client may send any token as the method; only known ones become labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
