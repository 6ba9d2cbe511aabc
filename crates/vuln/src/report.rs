//! Reports in Harbor's shapes.
//!
//! Source: the pluggable scanner specification 1.1, "vulnerability report", and Harbor's
//! `NativeReportSummary`.

use berth_advisories::{Advisory, Distro};
use berth_inspect::findings::eol;
use berth_model::Timestamp;
use serde_json::{Map, Value, json};

use crate::matching::{third, word};
use crate::store::images::{FoundRow, ScanRow};
use crate::vex::Where;
use crate::{Scanning, VulnError};

/// The one report there is.
pub(crate) const MIME: &str = "application/vnd.security.vulnerability.report; version=1.1";
/// What Harbor's clients may ask for instead, and get the same.
pub(crate) const MIMES: [&str; 3] = [
    MIME,
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0",
    "application/vnd.security.vulnerability.report; version=1.0",
];
/// Links of one vulnerability.
const LINKS: usize = 10;

/// Who scanned.
pub(crate) fn scanner() -> Value {
    json!({"name": "Berth", "vendor": "Berth", "version": env!("CARGO_PKG_VERSION")})
}

/// Who made a report.
fn scanner_of(scan: &ScanRow) -> Value {
    if scan.is_external() {
        // Written here alone, as JSON.
        return serde_json::from_str(&scan.scanner).unwrap_or_default();
    }
    scanner()
}

/// The gravest severity of a scan, by Harbor's word.
fn gravest(scan: &ScanRow) -> &'static str {
    let counts = [
        (scan.critical, 5),
        (scan.high, 4),
        (scan.medium, 3),
        (scan.low, 2),
        (scan.negligible, 1),
        (scan.unknown, 0),
    ];
    let found = counts.iter().find(|(count, _)| *count > 0);
    found.map_or("None", |(_, rank)| word(*rank))
}

/// Harbor's `scan_overview` of a manifest.
pub(crate) fn overview(scan: &ScanRow) -> Value {
    let time = |micros: i64| Timestamp::from_micros(micros).to_rfc3339();
    let ended = scan.ended_at.map(time);
    let mut counts = Map::new();
    for (name, count) in [
        ("Critical", scan.critical),
        ("High", scan.high),
        ("Medium", scan.medium),
        ("Low", scan.low),
        ("Negligible", scan.negligible),
        ("Unknown", scan.unknown),
    ] {
        if count > 0 {
            counts.insert(name.to_owned(), count.into());
        }
    }
    let total = scan.critical + scan.high + scan.medium + scan.low + scan.negligible + scan.unknown;
    let duration = scan
        .ended_at
        .map_or(0, |end| (end - scan.started_at) / 1_000_000);
    let mut overview = json!({
        "report_id": scan.report_id,
        "scan_status": scan.status,
        "start_time": time(scan.started_at),
        "duration": duration.max(0),
        "complete_percent": if scan.status == "Success" { 100 } else { 0 },
        "scanner": scanner_of(scan),
    });
    if let Some(ended) = ended {
        overview["end_time"] = ended.into();
    }
    if scan.scanned {
        overview["severity"] = gravest(scan).into();
        overview["summary"] = json!({"total": total, "fixable": scan.fixable, "summary": counts});
    }
    json!({MIME: overview})
}

impl Scanning {
    /// The report of an image, by the advisories as they are now.
    pub(crate) async fn report(
        &self,
        place: Where<'_>,
        scan: &ScanRow,
    ) -> Result<Value, VulnError> {
        let generated = scan.ended_at.unwrap_or(scan.started_at);
        if scan.is_external() {
            let report = json!({
                "generated_at": Timestamp::from_micros(generated).to_rfc3339(),
                "artifact": {"repository": place.repository, "digest": scan.digest},
                "scanner": scanner_of(scan),
                "severity": gravest(scan),
                "vulnerabilities": self.external_items(scan).await?,
            });
            return Ok(json!({MIME: report}));
        }
        let found = crate::store::images::found(&self.db, scan.id, 0).await?;
        let mut ids: Vec<i64> = found.iter().map(|row| row.advisory_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let advisories = crate::store::feeds::bodies(&self.db, &ids).await?;
        let mut items: Vec<Value> = found
            .iter()
            .map(|row| item(row, advisories.get(&row.advisory_id)))
            .collect();
        let said = self.said(place, &found).await?.unwrap_or_default();
        for (item, said) in items.iter_mut().zip(said) {
            if let Some(said) = said {
                item["vex"] = json!({
                    "status": said.status,
                    "justification": said.justification,
                    "document": said.document,
                });
            }
        }
        let feeds: Vec<Value> = crate::store::feeds::all(&self.db)
            .await?
            .into_iter()
            .map(|feed| {
                json!({
                    "name": feed.name,
                    "revision": feed.revision,
                    "imported_at": Timestamp::from_micros(feed.imported_at).to_rfc3339(),
                    "newest": feed.newest_at.map(|at| Timestamp::from_micros(at).to_rfc3339()),
                })
            })
            .collect();
        let not_covered = crate::store::images::not_covered(&self.db, scan.id).await?;
        let not_covered: Map<String, Value> = not_covered
            .into_iter()
            .map(|(ecosystem, count)| {
                let nobody = || "packages of other builders".to_owned();
                (ecosystem.unwrap_or_else(nobody), count.into())
            })
            .collect();
        let notes = crate::store::images::notes(&self.db, scan.id).await?;
        let mut notes: Value = serde_json::from_slice(&notes).unwrap_or_default();
        if let Some(practice) = notes["practice"].as_array_mut() {
            practice.extend(end_of_life(&scan.distro, self.clock.now()));
        }
        let report = json!({
            "generated_at": Timestamp::from_micros(generated).to_rfc3339(),
            "artifact": {"repository": place.repository, "digest": scan.digest},
            "scanner": scanner(),
            "severity": gravest(scan),
            "vulnerabilities": items,
            "distribution": scan.distro,
            "feeds": feeds,
            "not_covered": not_covered,
            "notes": notes,
        });
        Ok(json!({MIME: report}))
    }
}

/// What is to be said of a distribution, `debian 12`, now.
fn end_of_life(distribution: &str, now: Timestamp) -> Option<Value> {
    let (id, version) = distribution.split_once(' ').unwrap_or((distribution, ""));
    let distro = Distro {
        id: id.to_owned(),
        version_id: version.to_owned(),
        ..Distro::default()
    };
    let now = now.to_rfc3339();
    let finding = eol::check(&distro, now.get(..10)?)?;
    serde_json::to_value(finding).ok()
}

/// Harbor's `VulnerabilityItem`.
fn item(row: &FoundRow, advisory: Option<&Advisory>) -> Value {
    let text = |of: fn(&Advisory) -> &str| advisory.map(of).unwrap_or_default();
    let mut description = text(|it| &it.details);
    if description.is_empty() {
        description = text(|it| &it.summary);
    }
    let links: Vec<&str> = advisory
        .iter()
        .flat_map(|it| it.references.iter().map(|link| link.url.as_str()))
        .take(LINKS)
        .collect();
    let mut item = json!({
        "id": row.name,
        "package": row.package,
        "version": row.version,
        "fix_version": row.fixed_version.as_deref().unwrap_or_default(),
        "severity": word(row.severity),
        "status": row.status,
        "description": description.chars().take(2000).collect::<String>(),
        "links": links,
        "artifact_digests": [row.layer],
        "layer": row.layer,
        "path": row.path,
        "cwe_ids": advisory.map(|it| it.cwes.clone()).unwrap_or_default(),
        "vendor_attributes": {},
    });
    if let Some((vector, score)) = advisory.and_then(third) {
        item["preferred_cvss"] = json!({"score_v3": score, "vector_v3": vector});
    }
    if let Some(since) = row.exploited_since {
        item["exploited_since"] = Timestamp::from_micros(since).to_rfc3339().into();
    }
    if let Some(millionths) = row.probability {
        item["epss"] = (millionths as f64 / 1e6).into();
    }
    item
}
