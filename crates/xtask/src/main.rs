//! Checks of the workspace itself: `cargo run -p xtask -- check`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to people"
)]

mod arrows;
mod sizes;

use std::process::ExitCode;

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let checked = match command.as_str() {
        "check-arrows" => arrows::check(),
        "check-sizes" => sizes::check(),
        "check" => arrows::check().and_then(|mut problems| {
            problems.extend(sizes::check()?);
            Ok(problems)
        }),
        _ => {
            eprintln!("usage: cargo run -p xtask -- check | check-arrows | check-sizes");
            return ExitCode::FAILURE;
        }
    };
    match checked {
        Ok(problems) if problems.is_empty() => {
            println!("{command}: good");
            ExitCode::SUCCESS
        }
        Ok(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
