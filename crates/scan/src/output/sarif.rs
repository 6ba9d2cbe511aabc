//! SARIF 2.1.0 (OASIS): each vulnerability and each check a rule, each package or place a result.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use berth_advisories::Severity;
use berth_inspect::findings::{Finding, Severity as FindingSeverity};
use serde_json::{Value, json};

use crate::{Report, Vulnerability};

pub(super) fn document(report: &Report) -> Value {
    let ignored = report.ignored.iter().map(|it| &it.vulnerability);
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for it in report.vulnerabilities.iter().chain(ignored) {
        rules
            .entry(&it.id)
            .or_insert_with(|| vulnerability_rule(it));
    }
    let findings = || {
        let in_layers = report.findings.iter().map(|it| &it.finding);
        in_layers.chain(&report.practice)
    };
    for it in findings() {
        rules.entry(&it.rule).or_insert_with(|| finding_rule(it));
    }
    let places: BTreeMap<&str, usize> = rules
        .keys()
        .enumerate()
        .map(|(place, id)| (*id, place))
        .collect();
    let place = |id: &str| places.get(id).copied().unwrap_or_default();
    let mut results: Vec<Value> = Vec::new();
    for it in &report.vulnerabilities {
        results.push(result(it, place(&it.id)));
    }
    for it in &report.ignored {
        let mut result = result(&it.vulnerability, place(&it.vulnerability.id));
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": it.reason,
        }]);
        results.push(result);
    }
    for it in findings() {
        results.push(finding(it, place(&it.rule), report));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Berth",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("berth-scan/{}", report.name)},
            "invocations": [{
                "executionSuccessful": report.is_whole(),
                "endTimeUtc": report.created,
            }],
            "columnKind": "unicodeCodePoints",
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

/// The grade of a finding in the words of vulnerabilities.
fn graded(severity: FindingSeverity) -> Severity {
    match severity {
        FindingSeverity::Critical => Severity::Critical,
        FindingSeverity::High => Severity::High,
        FindingSeverity::Medium => Severity::Medium,
        FindingSeverity::Low => Severity::Low,
        FindingSeverity::Info => Severity::Negligible,
    }
}

/// The number by which code hosts sort, where no score is known.
fn score(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::None | Severity::Unknown | Severity::Negligible => 0.0,
    }
}

fn rule(id: &str, title: &str, help: &str, severity: Severity, score: f64, tag: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": help},
        "defaultConfiguration": {"level": level(severity)},
        "properties": {
            "security-severity": format!("{score:.1}"),
            "tags": ["security", tag, severity.as_str()],
        },
    })
}

fn vulnerability_rule(it: &Vulnerability) -> Value {
    let title = if it.title.is_empty() {
        &it.id
    } else {
        &it.title
    };
    let score = it.score.unwrap_or_else(|| score(it.severity));
    let help = it.links.join("\n");
    let help = if help.is_empty() { &it.id } else { &help };
    let mut rule = rule(&it.id, title, help, it.severity, score, "vulnerability");
    if let Some(link) = it.links.first() {
        rule["helpUri"] = json!(link);
    }
    rule
}

fn finding_rule(it: &Finding) -> Value {
    let severity = graded(it.severity);
    let tag = if it.path.is_empty() {
        "practice"
    } else {
        "content"
    };
    rule(
        &it.rule,
        &it.title,
        &it.title,
        severity,
        score(severity),
        tag,
    )
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
        "partialFingerprints": {
            "vulnerabilityOfPackage/v1": format!("{} {} {}", it.id, it.purl, it.path),
        },
    })
}

fn finding(it: &Finding, rule: usize, report: &Report) -> Value {
    // What is in the configuration is in no file.
    let in_file = !it.path.is_empty();
    let path = if in_file { &it.path } else { &report.name };
    let mut place = json!({"artifactLocation": {"uri": encode(path)}});
    if let Some(line) = it.line.filter(|line| in_file && *line > 0) {
        place["region"] = json!({"startLine": line});
    }
    let text = match (it.detail.as_str(), it.line) {
        ("", _) => it.title.clone(),
        (detail, Some(step)) if !in_file => format!("{}, step {step}: {detail}", it.title),
        (detail, _) => format!("{}: {detail}", it.title),
    };
    json!({
        "ruleId": it.rule,
        "ruleIndex": rule,
        "level": level(graded(it.severity)),
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {
            "finding/v1": format!("{} {} {}", it.rule, it.path, it.line.unwrap_or_default()),
        },
    })
}

/// A path as a relative URI (RFC 3986).
fn encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
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
