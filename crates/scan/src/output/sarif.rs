//! SARIF 2.1.0 (OASIS): each vulnerability a rule, each package that has it a result.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use berth_advisories::Severity;
use serde_json::{Value, json};

use crate::{Report, Vulnerability};

pub(super) fn document(report: &Report) -> Value {
    let mut rules: BTreeMap<&str, &Vulnerability> = BTreeMap::new();
    for it in &report.vulnerabilities {
        rules.entry(&it.id).or_insert(it);
    }
    let places: BTreeMap<&str, usize> = rules
        .keys()
        .enumerate()
        .map(|(place, id)| (*id, place))
        .collect();
    let described: Vec<Value> = rules.values().map(|it| rule(it)).collect();
    let results: Vec<Value> = report
        .vulnerabilities
        .iter()
        .map(|it| result(it, places[it.id.as_str()]))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Berth",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": described,
            }},
            "automationDetails": {"id": format!("berth-scan/{}", report.name)},
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::None | Severity::Unknown | Severity::Negligible | Severity::Low => "note",
    }
}

/// The number by which code hosts sort, where no score is known.
fn score(it: &Vulnerability) -> f64 {
    it.score.unwrap_or(match it.severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::None | Severity::Unknown | Severity::Negligible => 0.0,
    })
}

fn rule(it: &Vulnerability) -> Value {
    let title = if it.title.is_empty() {
        &it.id
    } else {
        &it.title
    };
    let mut rule = json!({
        "id": it.id,
        "shortDescription": {"text": title},
        "defaultConfiguration": {"level": level(it.severity)},
        "properties": {
            "security-severity": format!("{:.1}", score(it)),
            "tags": ["security", "vulnerability", it.severity.as_str()],
        },
    });
    if let Some(link) = it.links.first() {
        rule["helpUri"] = json!(link);
    }
    rule
}

fn result(it: &Vulnerability, rule: usize) -> Value {
    let fix = match &it.fixed_version {
        Some(version) => format!("fixed in {version}"),
        None => it.status.replace('_', " "),
    };
    json!({
        "ruleId": it.id,
        "ruleIndex": rule,
        "level": level(it.severity),
        "message": {"text": format!("{} {} has {}: {fix}", it.package, it.version, it.id)},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": encode(&it.path)}},
            "logicalLocations": [{"fullyQualifiedName": it.purl, "kind": "package"}],
        }],
        "partialFingerprints": {"vulnerabilityOfPackage/v1": format!("{} {} {}", it.id, it.purl, it.path)},
    })
}

/// A path as a relative URI (RFC 3986).
fn encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b'+' => {
                uri.push(char::from(byte));
            }
            other => {
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}
