//! Files that have grown past one subject.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Most lines of a source file.
const LINES: usize = 600;

/// The source files that are too long.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut problems = Vec::new();
    let mut folders: Vec<PathBuf> = ["crates", "tests", "bench"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.context("a folder could not be read")?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path)?.lines().count();
                if lines > LINES {
                    problems.push(format!(
                        "{} has {lines} lines, more than {LINES}",
                        path.display()
                    ));
                }
            }
        }
    }
    Ok(problems)
}
