//! `berth scan`: what it finds is what other people's tools find, none missing and none extra; its
//! documents are what their formats demand; and its exit code says what CI has to know.

mod images;
mod real;
mod registry;
mod rpm;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use berth_e2e::command::{skip, tool};
use berth_e2e::server::binary;
use berth_e2e::{Ran, Run};
use serde_json::Value;

/// Runs the command.
fn scan(args: &[&str]) -> Ran {
    Run::new(binary()).arg("scan").args(args).run()
}

/// The report of a scan that must work.
fn report(args: &[&str]) -> Value {
    let ran = scan(&[args, &["--format", "json"]].concat());
    serde_json::from_str(ran.expect_ok()).unwrap()
}

/// `name version id` of every finding of this kind: the advisories, and the CVEs they are about.
fn found(report: &Value, kind: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for it in report["vulnerabilities"].as_array().unwrap() {
        if it["kind"] != kind {
            continue;
        }
        let text = |key: &str| it[key].as_str().unwrap();
        let list = |key: &str| it[key].as_array().cloned().unwrap_or_default();
        let mut names: Vec<String> = list("advisories")
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        let cves = [it["id"].clone()].into_iter().chain(list("aliases"));
        let cves = cves.map(|id| id.as_str().unwrap().to_owned());
        names.extend(cves.filter(|id| id.starts_with("CVE-")));
        for name in names {
            let version = text("version").trim_start_matches('v');
            found.insert(format!("{} {version} {name}", text("package")));
        }
    }
    found
}

/// What the independent tools say.
fn judged(ecosystem: &str, feed: &Path, place: &Path) -> BTreeSet<String> {
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scan/judge.py");
    let ran = Run::new("python3")
        .arg(judge)
        .arg(ecosystem)
        .arg(feed)
        .arg(place)
        .run();
    let lines = ran.expect_ok().lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Demands that both found the same, and says what differs.
#[track_caller]
fn assert_same(what: &str, found: &BTreeSet<String>, judged: &BTreeSet<String>) {
    let missing: Vec<_> = judged.difference(found).collect();
    let extra: Vec<_> = found.difference(judged).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{what}: missing {missing:#?}, extra {extra:#?}"
    );
    eprintln!("{what}: {} lines, the same", found.len());
}

/// The folder with whole feeds, or a loud skip.
fn feeds() -> Option<PathBuf> {
    let folder = std::env::var_os("BERTH_TEST_ADVISORIES").map(PathBuf::from);
    if folder.is_none() {
        skip("BERTH_TEST_ADVISORIES names no folder with feeds");
    }
    folder
}

/// Whether all these programs are there; says which is not.
fn tools(names: &[&str]) -> bool {
    names.iter().all(|name| tool(name).is_some())
}

/// Runs what needs a package registry; where there is none the test is skipped.
fn fetched(run: Run, what: &str) -> bool {
    let ran = run.run();
    if !ran.ok() {
        let why: Vec<&str> = ran.stderr.lines().rev().take(2).collect();
        skip(&format!("{what} could not be had: {}", why.join(" / ")));
    }
    ran.ok()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
