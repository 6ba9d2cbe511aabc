//! What is said of a distribution depends on the day of the scan.

use std::time::Duration;

use berth_model::Timestamp;
use berth_scan::{FindingSeverity, Report, Verdicts, scan};
use serde_json::json;

use crate::made::{NOW, Stored, base, feeds, layout, osv};

const RULE: &str = "CIS-DI-0004";

fn at(now: Timestamp) -> Report {
    let image = layout(&[(base(&[("bash", "5.2-1")]), Stored::Gzip)]);
    let advisory = osv("CVE-2026-1", "Debian:12", "bash", Some("6"));
    scan(image.read(None).unwrap(), &feeds(&[advisory]), now)
}

fn grave(report: &Report) -> Option<FindingSeverity> {
    let found = report.practice.iter().find(|it| it.rule == RULE);
    found.map(|it| it.severity)
}

#[test]
fn a_distribution_is_old_when_it_is_scanned() {
    let day = |text: &str| Timestamp::parse(text).unwrap();
    assert_eq!(grave(&at(day("2026-07-11T23:59:59Z"))), None);
    assert_eq!(grave(&at(NOW)), Some(FindingSeverity::Info));
    let mut old = at(day("2028-07-01"));
    assert_eq!(grave(&old), Some(FindingSeverity::High));
    assert!(old.finds(FindingSeverity::High));
    // It can be accepted like any other finding.
    let mut verdicts = Verdicts::default();
    verdicts.ignore(RULE);
    verdicts.apply(&mut old, NOW.plus(Duration::from_secs(1)));
    assert_eq!(grave(&old), None, "{}", json!(old.practice));
}
