//! What a report says of a package: one row for each vulnerability, however many advisories speak
//! of it.
//!
//! Invariant: advisories that share a name speak of one vulnerability. Their row is fixed if one
//! of them knows a fix, by the highest version that any of them demands; its severity is the
//! gravest rating by words, else the gravest by CVSS.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{Advisory, Hit, PackageKind, Severity, Status, cvss_severity, text, version};

/// One vulnerability of one package.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    /// The name by which people know it.
    pub id: String,
    /// Every other name of it, those of the advisories among them.
    pub aliases: Vec<String>,
    /// How grave it is.
    pub severity: Severity,
    /// What can be done.
    pub status: Status,
    /// The lowest version that mends it.
    pub fixed_version: Option<String>,
    /// The advisories that speak of it, the one with the longest text first.
    pub advisories: Vec<&'a Advisory>,
}

/// Makes the rows for one package of the kind from everything that affects it.
pub fn findings<'a>(kind: PackageKind, hits: &[Hit<'a>]) -> Vec<Finding<'a>> {
    // Names that lead to a better known one: PYSEC-2024-1 and GHSA-… to their CVE.
    let mut known: HashMap<&str, &str> = HashMap::new();
    for hit in hits {
        if let [id] = hit.advisory.vulnerabilities.as_slice()
            && text::is_cve(id)
        {
            let aliases = hit.advisory.aliases.iter();
            known.extend(aliases.map(|alias| (alias.as_str(), id.as_str())));
        }
    }
    let mut rows: BTreeMap<&str, Vec<&Hit<'a>>> = BTreeMap::new();
    for hit in hits {
        let mut ids: Vec<&str> = hit
            .advisory
            .vulnerabilities
            .iter()
            .map(String::as_str)
            .collect();
        for id in &mut ids {
            if !text::is_cve(id) {
                *id = known.get(*id).copied().unwrap_or(*id);
            }
        }
        ids.dedup();
        for id in ids {
            rows.entry(id).or_default().push(hit);
        }
    }
    rows.into_iter()
        .map(|(id, hits)| finding(kind, id, &hits))
        .collect()
}

fn finding<'a>(kind: PackageKind, id: &str, hits: &[&Hit<'a>]) -> Finding<'a> {
    let mut aliases = BTreeSet::new();
    let mut advisories: Vec<&Advisory> = Vec::new();
    for hit in hits {
        let advisory = hit.advisory;
        aliases.insert(advisory.feed_id.clone());
        if let [_] = advisory.vulnerabilities.as_slice() {
            aliases.extend(advisory.aliases.iter().cloned());
            aliases.insert(advisory.id.clone());
        }
        if !advisories.iter().any(|one| one.feed_id == advisory.feed_id) {
            advisories.push(advisory);
        }
    }
    aliases.remove(id);
    advisories.sort_by_key(|advisory| std::cmp::Reverse(advisory.details.len()));
    let rated = hits
        .iter()
        .filter_map(|hit| hit.affected.rating.or(hit.advisory.rating))
        .max();
    let scored = || {
        hits.iter()
            .filter_map(|hit| cvss_severity(hit.advisory.cvss.iter().map(String::as_str)))
            .max()
    };
    let fixed = hits
        .iter()
        .filter_map(|hit| hit.matched.fixed_version.as_deref())
        .max_by(|a, b| version::compare(kind, a, b));
    let status = hits.iter().map(|hit| hit.matched.status).max();
    Finding {
        id: id.to_owned(),
        aliases: aliases.into_iter().collect(),
        severity: rated.or_else(scored).unwrap_or_default(),
        status: status.unwrap_or(Status::Unfixed(crate::Unfixed::Affected)),
        fixed_version: fixed.map(str::to_owned),
        advisories,
    }
}
