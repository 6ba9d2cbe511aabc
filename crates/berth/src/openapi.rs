//! `berth openapi`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use berth_config::Settings;
use berth_model::Clock;
use berth_server::{Parts, endpoints, openapi};
use berth_telemetry::{DroppedLines, Metrics};

/// Prints the API document. It is the same whatever is configured, so it is made from a server
/// of its own that is never started.
pub(crate) async fn print() -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let mut settings = Settings::default();
    settings.data = folder.path().join("berth");
    let clock = Clock::system();
    let parts = Parts::open(&settings, clock.clone()).await?;
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), clock, &DroppedLines::default());
    let document = openapi(&endpoints(&parts, &settings, &Arc::new(metrics)));
    parts.close().await;
    println!("{document:#}");
    Ok(ExitCode::SUCCESS)
}
