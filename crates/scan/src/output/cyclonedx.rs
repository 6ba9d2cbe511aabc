//! CycloneDX 1.6 (ECMA-424): what the image is made of, and the vulnerabilities of that.

use std::collections::{BTreeMap, BTreeSet};

use berth_advisories::{Package, Severity};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{Bill, Each, Places};
use crate::Vulnerability;

/// What an image is made of; what is known of that belongs into it where vulnerabilities are given.
pub(super) struct Document<'a> {
    pub(super) bill: &'a Bill<'a>,
    pub(super) vulnerabilities: Option<&'a [Vulnerability]>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bill = self.bill;
        let held = bill.held();
        let components = || {
            let rows = held.iter();
            let rows = rows.map(|(purl, (found, places))| library(purl, found, places));
            rows.chain(system(bill))
        };
        let name = bill.digest.unwrap_or(bill.name);
        let mut root = json!({"type": "container", "bom-ref": name, "name": bill.name});
        if let Some(digest) = bill.digest {
            root["version"] = json!(digest);
        }
        let metadata = json!({
            "timestamp": bill.created,
            "component": root,
            "tools": {"components": [{
                "type": "application",
                "name": "berth",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")?;
        map.serialize_entry("bomFormat", "CycloneDX")?;
        map.serialize_entry("specVersion", "1.6")?;
        map.serialize_entry("serialNumber", &format!("urn:uuid:{}", bill.serial()))?;
        map.serialize_entry("version", &1)?;
        map.serialize_entry("metadata", &metadata)?;
        map.serialize_entry("components", &Each(components))?;
        if let Some(found) = self.vulnerabilities {
            map.serialize_entry("vulnerabilities", &rows(found))?;
        }
        map.end()
    }
}

fn library(purl: &str, found: &Package, places: &Places<'_>) -> Value {
    let places: Vec<Value> = places.iter().map(|at| json!({"location": at})).collect();
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": found.name,
        "version": found.version,
        "purl": purl,
        "evidence": {"occurrences": places},
    });
    let licenses = found.licenses.iter();
    let licenses: Vec<Value> = licenses
        .map(|name| json!({"license": {"name": name}}))
        .collect();
    if !licenses.is_empty() {
        component["licenses"] = licenses.into();
    }
    component
}

fn system(bill: &Bill<'_>) -> Option<Value> {
    let distro = bill.distro?;
    Some(json!({
        "type": "operating-system",
        "bom-ref": format!("os:{}", distro.id),
        "name": distro.id,
        "version": distro.version_id,
    }))
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
