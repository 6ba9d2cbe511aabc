//! [`init`] sets up log lines and traces for the process.
//!
//! Invariant: the target `access` is governed by its own switch, not by the level, and the target
//! `request` (the spans) is seen by traces only.

use std::io::{self, IsTerminal};
use std::time::Duration;

use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, fmt};

use crate::lines::{DroppedLines, Farewell, Lines};
use crate::trace::{self, TraceOptions};

/// Longest wait for the last spans at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// What is logged and traced.
#[derive(Clone, Debug, PartialEq)]
pub struct LogOptions {
    /// How lines look.
    pub format: LogFormat,
    /// A level, or levels by target like `info,berth_registry=debug`.
    pub level: String,
    /// Whether each request is logged.
    pub access: bool,
    /// Where traces go; nowhere by default.
    pub trace: Option<TraceOptions>,
    /// The program's version, told with traces.
    pub version: String,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            access: true,
            trace: None,
            version: String::new(),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The level is not one.
    #[error("log level '{level}' cannot be used: {source}")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The exporter of traces could not be set up.
    #[error("traces cannot be sent to '{endpoint}': {source}")]
    Trace {
        /// The collector.
        endpoint: String,
        /// What is wrong.
        source: ExporterBuildError,
    },
    /// The thread that writes could not be started.
    #[error("the log's thread cannot be started: {0}")]
    Thread(#[from] io::Error),
    /// Somebody set logging up before.
    #[error("logging is set up already")]
    Twice,
}

/// Keeps logging alive; when dropped, it writes the last lines and sends the last spans.
#[must_use = "logging ends when the guard is dropped"]
pub struct Guard {
    dropped: DroppedLines,
    provider: Option<SdkTracerProvider>,
    // Last, so that what the provider says at its end is still written.
    _farewell: Farewell,
}

impl Guard {
    /// The count of lost lines, for [`Metrics`](crate::Metrics).
    pub fn dropped_lines(&self) -> DroppedLines {
        self.dropped.clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown_with_timeout(FAREWELL)
        {
            tracing::warn!(%error, "last traces were not sent");
        }
    }
}

/// Sets up logging to standard error, and traces if they are wanted, for the whole process.
pub fn init(options: &LogOptions) -> Result<Guard, InitError> {
    let colour = options.format == LogFormat::Text && io::stderr().is_terminal();
    let (subscriber, guard) = build(options, io::stderr(), colour)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::Twice)?;
    Ok(guard)
}

fn build(
    options: &LogOptions,
    sink: impl io::Write + Send + 'static,
    colour: bool,
) -> Result<(impl Subscriber + Send + Sync, Guard), InitError> {
    let filter = filter(options)?;
    let traced = options
        .trace
        .as_ref()
        .map(|wanted| {
            trace::start(wanted, &options.version).map_err(|source| InitError::Trace {
                endpoint: wanted.endpoint.clone(),
                source,
            })
        })
        .transpose()?;
    let (lines, farewell) = Lines::start(sink)?;
    let dropped = lines.dropped();
    let (provider, tracer) = traced.unzip();
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_filter(
                Targets::new()
                    .with_target("request", Level::INFO)
                    .with_target("berth", Level::INFO),
            )
    });
    let subscriber = Registry::default()
        .with(spans)
        .with(printer(options.format, lines, colour).with_filter(filter));
    let guard = Guard {
        dropped,
        provider,
        _farewell: farewell,
    };
    Ok((subscriber, guard))
}

fn filter(options: &LogOptions) -> Result<EnvFilter, InitError> {
    let access = if options.access { "info" } else { "off" };
    let directives = format!("{},access={access},request=off", options.level);
    EnvFilter::builder()
        .with_regex(false)
        .parse(directives)
        .map_err(|source| InitError::Level {
            level: options.level.clone(),
            source,
        })
}

fn printer<S, W>(format: LogFormat, lines: W, colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(lines).with_ansi(colour);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of a fixed set of events.
    fn written(options: &LogOptions) -> String {
        let page = Page::default();
        let (subscriber, guard) = build(options, page.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!(target: "request", "request", path = "/p").entered();
            tracing::info!(target: "access", method = "GET", "");
            tracing::info!(count = 3, "hello");
            tracing::warn!("careful");
        });
        drop(guard);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_access_switch_and_the_level_are_independent() {
        let options = |level: &str, access| LogOptions {
            level: level.to_owned(),
            access,
            ..LogOptions::default()
        };
        for (level, access, lines) in [
            ("info", true, 3),
            ("info", false, 2),
            ("warn", true, 2),
            ("off", false, 0),
            ("off,berth_telemetry=info", false, 2),
        ] {
            let text = written(&options(level, access));
            assert_eq!(text.lines().count(), lines, "{level} {access}: {text}");
            assert_eq!(text.contains("GET"), access, "{text}");
            assert!(!text.contains('\u{1b}'), "no colours in a file");
        }
    }

    #[test]
    fn json_lines_are_flat_objects() {
        let text = written(&LogOptions {
            format: LogFormat::Json,
            ..LogOptions::default()
        });
        let line: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(line["message"], "hello");
        assert_eq!(line["count"], 3);
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_bad_level_is_named() {
        let options = LogOptions {
            level: "berth=loud".to_owned(),
            ..LogOptions::default()
        };
        let error = build(&options, io::sink(), false).err().unwrap();
        assert!(error.to_string().contains("berth=loud"), "{error}");
    }

    /// Takes one request and answers it; returns its bytes.
    fn collector() -> (String, std::thread::JoinHandle<Vec<u8>>) {
        use std::io::{Read, Write};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let taken = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            // The span's name is in the body.
            while !bytes.windows(5).any(|part| part == b"/seen") {
                let length = stream.read(&mut chunk).unwrap();
                assert!(length > 0, "ended early");
                bytes.extend_from_slice(&chunk[..length]);
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            bytes
        });
        (endpoint, taken)
    }

    /// In a runtime, as in the server: the exporter must neither need it nor mind it.
    #[tokio::test]
    async fn the_last_spans_reach_the_collector() {
        let (endpoint, taken) = collector();
        let options = LogOptions {
            trace: Some(TraceOptions {
                endpoint,
                sample_ratio: 1.0,
            }),
            ..LogOptions::default()
        };
        let (subscriber, guard) = build(&options, io::sink(), false).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!(target: "request", "request", path = "/seen").entered();
            let _other = tracing::info_span!(target: "hyper", "unwanted").entered();
        });
        drop(guard);
        let sent = taken.join().unwrap();
        assert!(sent.starts_with(b"POST /v1/traces HTTP/1.1"));
        assert!(!sent.windows(8).any(|part| part == b"unwanted"));
    }
}
