//! Measures reading a layer: `cargo run --release -p berth-inspect --example walk -- inspect|plain|list FILE`.
//!
//! `plain` decompresses with the same library and walks with the crate `tar`, and does nothing
//! else; `list` prints the packages that were found.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers"
)]

use std::fs::File;
use std::io::{BufReader, Read};
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let path = arguments.next().unwrap_or_default();
    let started = Instant::now();
    if mode == "plain" {
        let mut file = BufReader::with_capacity(128 * 1024, File::open(&path).unwrap());
        let mut head = [0; 2];
        file.read_exact(&mut head).unwrap();
        let file = BufReader::with_capacity(128 * 1024, File::open(&path).unwrap());
        let reader: Box<dyn Read> = match head {
            [0x1f, 0x8b] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            [0x28, 0xb5] => Box::new(zstd::stream::read::Decoder::with_buffer(file).unwrap()),
            _ => Box::new(file),
        };
        let mut archive = tar::Archive::new(reader);
        let count = archive.entries().unwrap().map(Result::unwrap).count();
        println!("entries {count}");
    } else {
        let limits = berth_inspect::Limits::default();
        let file = File::open(&path).unwrap();
        let report = berth_inspect::inspect_layer(file, &limits, &|| false).unwrap();
        if mode == "list" {
            for package in report
                .databases
                .iter()
                .flat_map(|database| &database.packages)
            {
                let architecture = package.architecture.as_deref().unwrap_or_default();
                println!(
                    "{} {} {} {architecture}",
                    package.kind.as_str(),
                    package.name,
                    package.version
                );
            }
            for found in &report.packages {
                let (kind, package) = (found.package.kind.as_str(), &found.package);
                let owner = found.owned_by.as_deref().unwrap_or_default();
                println!(
                    "{kind} {} {} {} {owner}",
                    package.name, package.version, found.path
                );
            }
            return;
        }
        println!(
            "entries {} bytes {} packages {} findings {} replaced {} links {} json {} incomplete {:?}",
            report.entries,
            report.bytes,
            report
                .databases
                .iter()
                .map(|one| one.packages.len())
                .sum::<usize>()
                + report.packages.len(),
            report.findings.len(),
            report.replaced.len(),
            report.links.len(),
            serde_json::to_string(&report).unwrap().len(),
            report.incomplete,
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    println!("{:.3} s, {peak}", started.elapsed().as_secs_f64());
}
