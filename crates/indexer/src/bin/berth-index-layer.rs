//! The child of [`berth_indexer`] alone: `MEMORY SECONDS FOLDER`, as `berth index-layer` takes them.

use std::process::ExitCode;

use berth_indexer::{Limited, index_layer};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|text| text.parse().ok());
    let (Some(memory), Some(seconds)) = (number(), number()) else {
        return ExitCode::FAILURE;
    };
    index_layer(&Limited {
        memory,
        seconds,
        scratch: arguments.next().unwrap_or_default().into(),
    })
}
