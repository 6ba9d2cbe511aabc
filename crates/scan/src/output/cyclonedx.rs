//! CycloneDX 1.6 (ECMA-424): what the image is made of, and the vulnerabilities of that.

use std::collections::{BTreeMap, BTreeSet};

use berth_advisories::{Purl, Severity};
use serde_json::{Value, json};

use super::Bill;
use crate::Vulnerability;

/// What it is made of; what is known of that belongs into it where `vulnerabilities` are given.
pub(super) fn document(bill: &Bill<'_>, vulnerabilities: Option<&[Vulnerability]>) -> Value {
    let distro = bill.distro;
    let mut components: BTreeMap<String, Value> = BTreeMap::new();
    for found in bill.packages {
        let purl = Purl::of(&found.package, distro).to_string();
        let component = components.entry(purl.clone()).or_insert_with(|| {
            let mut component = json!({
                "type": "library",
                "bom-ref": purl,
                "name": found.package.name,
                "version": found.package.version,
                "purl": purl,
                "evidence": {"occurrences": []},
            });
            let licenses: Vec<Value> = found
                .package
                .licenses
                .iter()
                .map(|name| json!({"license": {"name": name}}))
                .collect();
            if !licenses.is_empty() {
                component["licenses"] = json!(licenses);
            }
            component
        });
        if let Some(places) = component["evidence"]["occurrences"].as_array_mut() {
            let place = json!({"location": found.path});
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    let mut components: Vec<Value> = components.into_values().collect();
    if let Some(distro) = distro {
        components.push(json!({
            "type": "operating-system",
            "bom-ref": format!("os:{}", distro.id),
            "name": distro.id,
            "version": distro.version_id,
        }));
    }
    let name = bill.digest.unwrap_or(bill.name);
    let mut root = json!({"type": "container", "bom-ref": name, "name": bill.name});
    if let Some(digest) = bill.digest {
        root["version"] = json!(digest);
    }
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", bill.serial()),
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "component": root,
            "tools": {"components": [{
                "type": "application",
                "name": "berth",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
        },
        "components": components,
    });
    if let Some(found) = vulnerabilities {
        document["vulnerabilities"] = rows(found).into();
    }
    document
}

fn rows(found: &[Vulnerability]) -> Vec<Value> {
    let mut by_id: BTreeMap<&str, Vec<&Vulnerability>> = BTreeMap::new();
    for it in found {
        by_id.entry(&it.id).or_default().push(it);
    }
    by_id
        .into_iter()
        .filter_map(|(id, those)| {
            let first = those.iter().max_by_key(|it| it.severity)?;
            let affects: BTreeSet<&str> = those.iter().map(|it| it.purl.as_str()).collect();
            let affects: Vec<Value> = affects
                .into_iter()
                .map(|purl| json!({"ref": purl}))
                .collect();
            let mut rating = json!({"severity": severity(first.severity)});
            if let Some(score) = first.score {
                rating["score"] = json!(score);
            }
            let cwes: Vec<u32> = first
                .cwes
                .iter()
                .filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse().ok())
                .collect();
            let links: Vec<Value> = first.links.iter().map(|url| json!({"url": url})).collect();
            Some(json!({
                "id": id,
                "bom-ref": format!("vulnerability:{id}"),
                "ratings": [rating],
                "cwes": cwes,
                "description": first.title,
                "recommendation": recommendation(&those),
                "advisories": links,
                "affects": affects,
            }))
        })
        .collect()
}

fn recommendation(those: &[&Vulnerability]) -> String {
    let fixes: BTreeSet<String> = those
        .iter()
        .filter_map(|it| Some(format!("{} to {}", it.package, it.fixed_version.as_ref()?)))
        .collect();
    if fixes.is_empty() {
        return String::new();
    }
    format!(
        "Upgrade {}",
        fixes.into_iter().collect::<Vec<_>>().join(", ")
    )
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "info",
        Severity::None => "none",
        Severity::Unknown => "unknown",
    }
}
