//! `berth serve`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use berth_config::Settings;
use berth_model::{Clock, Secret};
use berth_server::{DataLock, Parts, Server};
use berth_telemetry::{LogFormat, LogOptions, Metrics, TraceOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let telemetry =
        berth_telemetry::init(&log_options(settings)).context("logging cannot be set up")?;
    Parts::make_data_folder(settings)?;
    let lock = if settings.is_shared() {
        DataLock::share(&settings.data)
    } else {
        DataLock::take(&settings.data)
    };
    let Some(lock) = lock.context("the data folder cannot be locked")? else {
        bail!(
            "another berth is running on the data folder {}",
            settings.data.display()
        );
    };
    // Before anything is made: a password that nobody saw would be lost if the address is taken.
    let server = Server::listen(settings)?;
    let parts = Parts::open(settings, Clock::system()).await?;
    let password = std::env::var("BERTH_ADMIN_PASSWORD").ok().map(Secret::new);
    let made_up = parts.first_start(password).await?;
    announce(&server.url(), made_up.as_ref());
    let shutdown = CancellationToken::new();
    tokio::spawn(stop_on_signal(shutdown.clone())?);
    let metrics = Metrics::new(
        env!("CARGO_PKG_VERSION"),
        Clock::system(),
        &telemetry.dropped_lines(),
    );
    server
        .run(parts, settings, Arc::new(metrics), lock.was_alone, shutdown)
        .await;
    Ok(ExitCode::SUCCESS)
}

fn log_options(settings: &Settings) -> LogOptions {
    LogOptions {
        format: match settings.log.format {
            berth_config::LogFormat::Text => LogFormat::Text,
            berth_config::LogFormat::Json => LogFormat::Json,
        },
        level: settings.log.level.clone(),
        access: settings.log.access,
        trace: settings
            .tracing
            .otlp_endpoint
            .clone()
            .map(|endpoint| TraceOptions {
                endpoint,
                sample_ratio: settings.tracing.sample_ratio,
            }),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Says where the server is and, once, how to log in.
fn announce(url: &str, made_up: Option<&Secret<String>>) {
    println!("Berth is ready at {url}");
    if let Some(password) = made_up {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        println!();
        println!("  User:      admin");
        println!("  Password:  {}", password.expose());
        println!("  Log in:    docker login {host} --username admin");
        println!();
        println!("This password is shown once. To set another: berth admin reset-password admin");
    }
}

/// The first signal asks for an orderly end, the second ends at once.
fn stop_on_signal(
    shutdown: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        for turn in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if turn == 1 {
                std::process::exit(1);
            }
            tracing::info!("stopping: requests under way are finished first");
            shutdown.cancel();
        }
    })
}
