//! Berth: a container registry platform in one binary.
//!
//! The command line and nothing else: reads settings, opens the parts, runs one command.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to people"
)]

mod admin;
mod cli;
mod maintain;
mod openapi;
mod scan;
mod serve;
mod vulndb;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("berth: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if matches!(cli.command, Command::Version) {
        println!("berth {}", env!("CARGO_PKG_VERSION"));
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::IndexLayer(options) = &cli.command {
        return Ok(berth_indexer::index_layer(&options.limited()));
    }
    if let Command::Scan(options) = &cli.command {
        return Ok(scan::run(options));
    }
    let settings = cli.settings()?;
    if let Command::Config(command) = &cli.command {
        cli::print_config(&settings, command);
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(_) => serve::run(&settings).await,
            Command::Admin(command) => admin::run(&settings, command).await,
            Command::Gc(options) => maintain::gc(&settings, &options).await,
            Command::Fsck(options) => maintain::fsck(&settings, &options).await,
            Command::Vulndb(command) => vulndb::run(&settings, command).await,
            Command::Openapi => openapi::print().await,
            Command::Version | Command::Config(_) | Command::Scan(_) | Command::IndexLayer(_) => {
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}
