//! Which artifacts that a caller may see have a vulnerability, by its id.
//!
//! Invariant: what a caller may not see is told apart in SQL from what is not there.

use std::collections::HashSet;

use axum::extract::State;
use axum::routing::get;
use berth_catalog::Viewer;
use berth_http::{ApiError, Json, Query};
use berth_iam::{Access, Caller, Endpoint, Operation};
use berth_model::{Action, Resource};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Scanning;
use crate::matching::word;
use crate::store::hub;

/// Artifacts that are shown.
const HITS: usize = 20;
/// Rows that are looked through for as many different artifacts.
const LOOKED_THROUGH: i64 = 400;
/// Longest id, bytes.
const LONGEST: usize = 255;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct SearchQuery {
    /// The id of a vulnerability, such as `CVE-2026-1234`.
    q: String,
}

/// An artifact that has the vulnerability, with one of the packages that have it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FoundVulnerability")]
struct FoundBody {
    cve_id: String,
    severity: &'static str,
    repository_name: String,
    digest: String,
    package: String,
    version: String,
    fixed_version: String,
}

pub(crate) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/search/vulnerabilities",
            Access::Public,
            get(search).with_state(scanning.clone()),
        )
        .describe(
            Operation::new(
                "searchVulnerabilities",
                "search",
                "Find artifacts you may see by the id of a vulnerability",
            )
            .query::<SearchQuery>()
            .errors(&[400])
            .answer::<Vec<FoundBody>>(),
        ),
    ]
}

/// How the id may be written where it is known: people write any of it in small letters.
fn spellings(id: &str) -> Vec<String> {
    let mut found = vec![id.to_owned(), id.to_uppercase()];
    if let Some((first, rest)) = id.split_once('-') {
        found.push(format!("{}-{}", first.to_uppercase(), rest.to_lowercase()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

async fn search(
    State(scanning): State<Scanning>,
    caller: Caller,
    Query(wanted): Query<SearchQuery>,
) -> Result<Json<Vec<FoundBody>>, ApiError> {
    let id = wanted.q.trim();
    if id.len() > LONGEST {
        return Err(ApiError::bad_request(format!(
            "q is limited to {LONGEST} bytes"
        )));
    }
    if id.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let viewer = Viewer::to(&caller.actor, Resource::ArtifactAddition, Action::Read);
    let rows = hub::seen(&scanning.db, viewer, &spellings(id), LOOKED_THROUGH).await?;
    let mut told = HashSet::new();
    let bodies = rows
        .into_iter()
        .filter(|row| told.insert(row.manifest_id))
        .take(HITS)
        .map(|row| FoundBody {
            cve_id: row.name,
            severity: word(row.severity),
            repository_name: row.repository,
            digest: row.digest,
            package: row.package,
            version: row.version,
            fixed_version: row.fixed_version.unwrap_or_default(),
        });
    Ok(Json(bodies.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_however_they_are_written() {
        assert!(spellings("cve-2026-1").contains(&"CVE-2026-1".to_owned()));
        assert!(spellings("ghsa-ab12-cd34").contains(&"GHSA-ab12-cd34".to_owned()));
        assert_eq!(spellings("CVE-2026-1"), ["CVE-2026-1"]);
    }
}
