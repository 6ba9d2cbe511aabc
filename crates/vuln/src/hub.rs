//! The security hub: what is known of vulnerabilities across all images, by Harbor's routes.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use berth_advisories::Advisory;
use berth_http::{ApiError, Json, ListQuery, Page, Query, list_response};
use berth_iam::{Access, Endpoint, Operation, Permission};
use berth_model::{Action, Resource};
use http::{HeaderValue, Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::external::told;
use crate::matching::word;
use crate::store::{feeds, hub};
use crate::{Scanning, VulnError};

/// How many of the most dangerous are named.
const NAMED: usize = 5;
/// Rows that are looked through for as many different vulnerabilities.
const LOOKED_THROUGH: i64 = 500;
/// Longest description, characters.
const DESCRIPTION: usize = 2_000;
/// Links of one vulnerability.
const LINKS: usize = 10;

/// How many there are of what.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SecuritySummary")]
struct SummaryBody {
    critical_cnt: i64,
    high_cnt: i64,
    medium_cnt: i64,
    low_cnt: i64,
    /// Negligible ones, for which Harbor has no count of their own.
    none_cnt: i64,
    unknown_cnt: i64,
    total_vuls: i64,
    /// Artifacts that have been scanned.
    scanned_cnt: i64,
    total_artifact: i64,
    fixable_cnt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dangerous_cves: Option<Vec<CveBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dangerous_artifacts: Option<Vec<ArtifactBody>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DangerousCVE")]
struct CveBody {
    cve_id: String,
    severity: &'static str,
    #[schemars(extend("format" = "float64"))]
    cvss_score_v3: f64,
    desc: String,
    package: String,
    version: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DangerousArtifact")]
struct ArtifactBody {
    project_id: i64,
    repository_name: String,
    digest: String,
    critical_cnt: i64,
    high_cnt: i64,
    medium_cnt: i64,
}

/// A vulnerability of a package of an artifact.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VulnerabilityItem")]
struct ItemBody {
    project_id: i64,
    repository_name: String,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    cve_id: String,
    severity: &'static str,
    status: String,
    #[schemars(extend("format" = "float"))]
    cvss_v3_score: f64,
    package: String,
    version: String,
    fixed_version: String,
    desc: String,
    links: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct SummaryQuery {
    /// With the five vulnerabilities of the highest score.
    with_dangerous_cve: bool,
    /// With the five artifacts with most of the gravest vulnerabilities.
    with_dangerous_artifact: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct ListParameters {
    /// Count no further than 1000: `X-Total-Count` is -1 where there are more.
    tune_count: bool,
    /// With the tags of each artifact.
    with_tag: bool,
}

pub(crate) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let may = |action| Access::System(Permission::new(Resource::SecurityHub, action));
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/security/summary",
            may(Action::Read),
            get(summary).with_state(scanning.clone()),
        )
        .describe(
            Operation::new(
                "getSecuritySummary",
                "securityhub",
                "Count vulnerabilities in all images",
            )
            .query::<SummaryQuery>()
            .answer::<SummaryBody>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/security/vul",
            may(Action::List),
            get(list).with_state(scanning.clone()),
        )
        .describe(
            Operation::new(
                "ListVulnerabilities",
                "securityhub",
                "Find vulnerabilities in all images",
            )
            .query::<ListParameters>()
            .paged()
            .errors(&[400])
            .answer::<Vec<ItemBody>>(),
        ),
    ]
}

/// Tenths as the number they are.
fn score(tenths: i64) -> f64 {
    tenths as f64 / 10.0
}

pub(crate) fn description(advisory: Option<&Advisory>) -> String {
    let text = advisory.map_or("", |it| {
        if it.details.is_empty() {
            &it.summary
        } else {
            &it.details
        }
    });
    text.chars().take(DESCRIPTION).collect()
}

async fn summary(
    State(scanning): State<Scanning>,
    Query(wanted): Query<SummaryQuery>,
) -> Result<Json<SummaryBody>, ApiError> {
    let db = &scanning.db;
    let totals = hub::totals(db).await?;
    let (total_artifact, scanned_cnt) = hub::artifacts(db).await?;
    let dangerous_cves = if wanted.with_dangerous_cve {
        Some(dangerous(&scanning).await?)
    } else {
        None
    };
    let dangerous_artifacts = if wanted.with_dangerous_artifact {
        let worst = hub::worst(db, NAMED as i64).await?;
        let bodies = worst.into_iter().map(|row| ArtifactBody {
            project_id: row.project_id,
            repository_name: row.repository,
            digest: row.digest,
            critical_cnt: row.critical,
            high_cnt: row.high,
            medium_cnt: row.medium,
        });
        Some(bodies.collect())
    } else {
        None
    };
    Ok(Json(SummaryBody {
        critical_cnt: totals.critical,
        high_cnt: totals.high,
        medium_cnt: totals.medium,
        low_cnt: totals.low,
        none_cnt: totals.negligible,
        unknown_cnt: totals.unknown,
        total_vuls: totals.critical
            + totals.high
            + totals.medium
            + totals.low
            + totals.negligible
            + totals.unknown,
        scanned_cnt,
        total_artifact,
        fixable_cnt: totals.fixable,
        dangerous_cves,
        dangerous_artifacts,
    }))
}

async fn dangerous(scanning: &Scanning) -> Result<Vec<CveBody>, VulnError> {
    let mut rows = hub::dangerous(&scanning.db, LOOKED_THROUGH).await?;
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(row.name.clone()));
    rows.truncate(NAMED);
    let ids: Vec<i64> = rows.iter().map(|row| row.advisory_id).collect();
    let advisories = feeds::bodies(&scanning.db, &ids).await?;
    let outside = rows.iter().filter(|row| row.advisory_id == 0);
    let outside: Vec<_> = outside.map(|row| (row.image_id, row.place)).collect();
    let outside = hub::told(&scanning.db, &outside).await?;
    let bodies = rows.into_iter().map(|row| CveBody {
        desc: match outside.get(&(row.image_id, row.place)) {
            Some(body) if row.advisory_id == 0 => told(body).0,
            _ => description(advisories.get(&row.advisory_id)),
        },
        cve_id: row.name,
        severity: word(row.severity),
        cvss_score_v3: score(row.score),
        package: row.package,
        version: row.version,
    });
    Ok(bodies.collect())
}

async fn list(
    State(scanning): State<Scanning>,
    page: Page,
    asked: ListQuery,
    Query(wanted): Query<ListParameters>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let db = &scanning.db;
    let part = (page.limit(), page.offset());
    let (rows, total) = hub::list(db, (&asked.q, &asked.sort), part, !wanted.tune_count).await?;
    let unique = |of: fn(&hub::HubRow) -> i64| {
        let mut ids: Vec<i64> = rows.iter().map(of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let advisories = feeds::bodies(db, &unique(|row| row.advisory_id)).await?;
    let outside = rows.iter().filter(|row| row.advisory_id == 0);
    let outside: Vec<_> = outside.map(|row| (row.image_id, row.place)).collect();
    let outside = hub::told(db, &outside).await?;
    let mut tags = std::collections::HashMap::new();
    if wanted.with_tag {
        tags = hub::tags(db, &unique(|row| row.manifest_id)).await?;
    }
    let bodies: Vec<ItemBody> = rows
        .into_iter()
        .map(|row| {
            let advisory = advisories.get(&row.advisory_id);
            let (desc, mut links) = match outside.get(&(row.image_id, row.place)) {
                Some(body) if row.advisory_id == 0 => told(body),
                _ => {
                    let links = advisory.iter().flat_map(|it| &it.references);
                    let links = links.map(|link| link.url.clone()).collect();
                    (description(advisory), links)
                }
            };
            links.truncate(LINKS);
            ItemBody {
                tags: wanted
                    .with_tag
                    .then(|| tags.get(&row.manifest_id).cloned().unwrap_or_default()),
                desc,
                links,
                project_id: row.project_id,
                repository_name: row.repository,
                digest: row.digest,
                cve_id: row.name,
                severity: word(row.severity),
                status: row.status,
                cvss_v3_score: score(row.score),
                package: row.package,
                version: row.version,
                fixed_version: row.fixed_version.unwrap_or_default(),
            }
        })
        .collect();
    let counted = total.unwrap_or(hub::COUNTED + 1).unsigned_abs();
    let mut response = list_response(&bodies, counted, &page, &uri);
    if total.is_none() {
        let more = HeaderValue::from_static("-1");
        response.headers_mut().insert("x-total-count", more);
    }
    Ok(response)
}
