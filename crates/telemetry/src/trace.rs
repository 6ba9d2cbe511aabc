//! Traces go to an OpenTelemetry collector when one is named.
//!
//! Invariant: without an endpoint nothing of this runs; with one, spans wait in a bounded queue
//! on a thread of its own.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Tracer};

/// Where traces go and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceOptions {
    /// The collector, like `http://localhost:4318`.
    pub endpoint: String,
    /// Share of requests that are traced, 0 to 1; a caller's own decision is followed.
    pub sample_ratio: f64,
}

pub(crate) fn start(
    options: &TraceOptions,
    version: &str,
) -> Result<(SdkTracerProvider, Tracer), ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(signal_url(&options.endpoint))
        .build()?;
    let resource = Resource::builder()
        .with_service_name("berth")
        .with_attribute(KeyValue::new("service.version", version.to_owned()))
        .build();
    let sampler = Sampler::TraceIdRatioBased(options.sample_ratio);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(resource)
        .build();
    let tracer = provider.tracer("berth");
    Ok((provider, tracer))
}

/// The exporter takes the address as it is; operators give the collector's (OTLP 1.x, "OTLP/HTTP
/// Request": traces go to `/v1/traces`).
fn signal_url(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with("/v1/traces") {
        base.to_owned()
    } else {
        format!("{base}/v1/traces")
    }
}

#[cfg(test)]
mod tests {
    use super::signal_url;

    #[test]
    fn the_signals_path_is_added_once() {
        for given in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            assert_eq!(signal_url(given), "http://c:4318/v1/traces");
        }
    }
}
