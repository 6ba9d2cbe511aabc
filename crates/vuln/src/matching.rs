//! From packages and advisories in the database to vulnerabilities.
//!
//! Invariant: what is stored of a package is what [`findings`] says of all advisories in force.

use std::collections::HashMap;

use berth_advisories::{
    Advisory, AdvisoryIndex, Distro, Lookup, Package, Severity, cvss_score, findings,
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

    /// Its vulnerabilities, by the advisories as they are now; in order.
    pub(crate) async fn matches(&self, db: &Db) -> Result<Vec<MatchRow>, DbError> {
        let Some(key) = self.key() else {
            return Ok(Vec::new());
        };
        Ok(self.among(&Said::about(db, &key).await?))
    }

    /// Where advisories that mean it are looked up: the ecosystem and the names in it.
    pub(crate) fn key(&self) -> Option<Key> {
        let lookup = Lookup::new(&self.package, self.distro.as_ref()).ok()?;
        let mut names: Vec<String> = lookup.names().map(|(_, name)| name.to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        Some((lookup.ecosystem().to_string(), names))
    }

    /// Its vulnerabilities by these advisories; in order.
    pub(crate) fn among(&self, said: &Said) -> Vec<MatchRow> {
        let Ok(hits) = said.index.matches(&self.package, self.distro.as_ref()) else {
            return Vec::new();
        };
        let mut rows: Vec<MatchRow> = findings(self.package.kind, &hits)
            .into_iter()
            .filter_map(|found| {
                let told_most = found.advisories.first()?;
                Some(MatchRow {
                    name: found.id,
                    severity: rank(found.severity),
                    status: found.status.as_str().to_owned(),
                    fixed_version: found.fixed_version,
                    advisory_id: *said.ids.get(&told_most.feed_id)?,
                    score: third(told_most).map_or(0, |(_, score)| (score * 10.0).round() as i64),
                })
            })
            .collect();
        rows.sort();
        rows.dedup_by(|a, b| a.name == b.name);
        rows
    }
}

/// An ecosystem, and names in it.
pub(crate) type Key = (String, Vec<String>);

/// What advisories say of a few names.
#[derive(Debug)]
pub(crate) struct Said {
    index: AdvisoryIndex,
    /// By the names that feeds give advisories.
    ids: HashMap<String, i64>,
}

impl Said {
    pub(crate) async fn about(db: &Db, (ecosystem, names): &Key) -> Result<Self, DbError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let about = feeds::about(db, ecosystem, &names).await?;
        let mut ids = HashMap::with_capacity(about.len());
        for (id, advisory) in &about {
            ids.entry(advisory.feed_id.clone()).or_insert(*id);
        }
        let index = about.into_iter().map(|(_, advisory)| advisory).collect();
        Ok(Self { index, ids })
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
