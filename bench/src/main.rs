//! Measures Berth beside nginx and docker-registry: every figure that is compared comes from one
//! run on one machine, the servers in turn, so that the ratios hold where the seconds do not.
//!
//! `cargo run --release -p berth-bench -- [case…]`; without a case, all of them. The table is
//! printed; a run of all cases also writes `bench/RESULTS.md`.
//!
//! Invariant: counts and times are bounded, and every process that is started is stopped.

mod cases;
mod http;
mod image;
mod load;
mod machine;
mod process;
mod report;
mod servers;
mod site;
mod stats;
mod workspace;

use std::process::ExitCode;

use anyhow::Context;

use cases::Case;
use report::Report;
use workspace::Workspace;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("berth-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let chosen = Case::choose(&names)?;
    let workspace = Workspace::make()?;
    let before = machine::load();
    let mut report = Report::default();
    // One thread makes all the load: the servers share the processors with it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for case in &chosen {
        eprintln!("{}: {}", case.name, case.about);
        // A case does not pay for what the one before it left to be written.
        workspace::settle_disk()?;
        runtime
            .block_on((case.run)(&workspace, &mut report))
            .with_context(|| format!("case {}", case.name))?;
    }
    let text = report.render(&machine::describe(), before, machine::load());
    println!("{text}");
    if chosen.len() == Case::ALL.len() {
        let path = workspace::results_file();
        std::fs::write(&path, &text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
