//! From packages and advisories in the database to vulnerabilities.
//!
//! Invariant: what is stored of a package is what [`findings`] says of all advisories in force.

use berth_advisories::{
    Advisory, AdvisoryIndex, Distro, Ecosystem, Lookup, Package, Severity, cvss_score, findings,
};
use berth_db::{Db, DbError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::feeds;
use crate::store::packages::{MatchRow, NewPackage};

/// What makes a package the same one in two images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Identified {
    pub(crate) package: Package,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) distro: Option<Distro>,
}

impl Identified {
    /// Licences change nothing, nor does the distribution for what a language's tools installed.
    pub(crate) fn new(package: &Package, distro: Option<&Distro>) -> Self {
        let mut package = package.clone();
        package.licenses.clear();
        let distro = distro.filter(|_| package.kind.is_os()).cloned();
        Self { package, distro }
    }

    pub(crate) fn row(&self) -> NewPackage {
        // Strings always are JSON.
        let body = serde_json::to_vec(self).unwrap_or_default();
        let lookup = Lookup::new(&self.package, self.distro.as_ref()).ok();
        NewPackage {
            identity: hex::encode(Sha256::digest(&body)),
            name: self.package.name.clone(),
            version: self.package.version.clone(),
            body,
            ecosystem: lookup.as_ref().map(|lookup| lookup.ecosystem().to_string()),
            names: lookup
                .iter()
                .flat_map(|lookup| lookup.names().map(|(_, name)| name.to_owned()))
                .collect(),
        }
    }

    /// Whether some feed speaks of such packages.
    pub(crate) async fn covered(&self, db: &Db) -> Result<bool, DbError> {
        match Ecosystem::of(self.package.kind, self.distro.as_ref()) {
            Some(ecosystem) => feeds::covers(db, &ecosystem.to_string()).await,
            None => Ok(false),
        }
    }

    /// Its vulnerabilities, by the advisories as they are now; in order.
    pub(crate) async fn matches(&self, db: &Db) -> Result<Vec<MatchRow>, DbError> {
        let Ok(lookup) = Lookup::new(&self.package, self.distro.as_ref()) else {
            return Ok(Vec::new());
        };
        let names: Vec<&str> = lookup.names().map(|(_, name)| name).collect();
        let about = feeds::about(db, &lookup.ecosystem().to_string(), &names).await?;
        Ok(self.among(about))
    }

    fn among(&self, about: Vec<(i64, Advisory)>) -> Vec<MatchRow> {
        let ids: Vec<(String, i64)> = about
            .iter()
            .map(|(id, advisory)| (advisory.feed_id.clone(), *id))
            .collect();
        let index: AdvisoryIndex = about.into_iter().map(|(_, advisory)| advisory).collect();
        let Ok(hits) = index.matches(&self.package, self.distro.as_ref()) else {
            return Vec::new();
        };
        let mut rows: Vec<MatchRow> = findings(self.package.kind, &hits)
            .into_iter()
            .filter_map(|found| {
                let told_most = found.advisories.first()?;
                let (_, advisory_id) = ids.iter().find(|(key, _)| *key == told_most.feed_id)?;
                Some(MatchRow {
                    name: found.id,
                    severity: rank(found.severity),
                    status: found.status.as_str().to_owned(),
                    fixed_version: found.fixed_version,
                    advisory_id: *advisory_id,
                    score: third(told_most).map_or(0, |(_, score)| (score * 10.0).round() as i64),
                })
            })
            .collect();
        rows.sort();
        rows.dedup_by(|a, b| a.name == b.name);
        rows
    }
}

/// The CVSS 3 vector of an advisory, and its score.
pub(crate) fn third(advisory: &Advisory) -> Option<(&str, f64)> {
    let mut vectors: Vec<&str> = advisory
        .cvss
        .iter()
        .map(String::as_str)
        .filter(|vector| vector.starts_with("CVSS:3"))
        .collect();
    vectors.sort_unstable();
    vectors
        .into_iter()
        .find_map(|vector| Some((vector, cvss_score(vector)?.score)))
}

/// As it is stored, so that graver is greater.
pub(crate) const fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::None | Severity::Unknown => 0,
        Severity::Negligible => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

/// Harbor's word for a stored severity.
pub(crate) const fn word(rank: i64) -> &'static str {
    match rank {
        5 => "Critical",
        4 => "High",
        3 => "Medium",
        2 => "Low",
        1 => "Negligible",
        _ => "Unknown",
    }
}
