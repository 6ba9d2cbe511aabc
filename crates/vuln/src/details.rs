//! The vulnerabilities of an image as Harbor 1.x told them, for scripts that were written for it.
//!
//! Source: Harbor 1.8, `GET /api/repositories/…/tags/…/vulnerability/details`.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::routing::get;
use berth_http::{ApiError, Json};
use berth_iam::{Access, Endpoint, Operation, Permission, ProjectFacts};
use berth_model::{Action, Resource};
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Scanning;
use crate::hub::description;
use crate::store::{feeds, images};

/// A vulnerability of a package, in the words of Harbor 1.x.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VulnerabilityDetail")]
struct DetailBody {
    id: String,
    /// 1 none, 2 unknown, 3 low, 4 medium, 5 high or critical.
    severity: u8,
    package: String,
    version: String,
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(rename = "fixedVersion", skip_serializing_if = "Option::is_none")]
    fixed_version: Option<String>,
}

pub(crate) fn endpoint(scanning: &Scanning) -> Endpoint {
    Endpoint::new(
        Method::GET,
        "/api/repositories/{project_name}/{repository_name}/tags/{reference}/vulnerability/details",
        Access::Project(Permission::new(Resource::ArtifactAddition, Action::Read)),
        get(details).with_state(scanning.clone()),
    )
    .describe(
        Operation::new(
            "getVulnerabilityDetails",
            "artifact",
            "Read the vulnerabilities of a tag as Harbor 1.x told them",
        )
        .answer::<Vec<DetailBody>>(),
    )
}

/// A stored severity as Harbor 1.x numbered them, which knew nothing graver than high.
const fn severity(stored: i64) -> u8 {
    match stored {
        4.. => 5,
        3 => 4,
        2 => 3,
        1 => 1,
        _ => 2,
    }
}

async fn details(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Json<Vec<DetailBody>>, ApiError> {
    let named = scanning.named(&facts, &path).await?;
    let row = images::find(&scanning.db, &named.digest, named.project).await?;
    // As Harbor answered for what was not scanned.
    let Some(scan) = row.filter(|row| row.scanned) else {
        return Ok(Json(Vec::new()));
    };
    let found = images::found(&scanning.db, scan.id, 0).await?;
    let mut ids: Vec<i64> = found.iter().map(|row| row.advisory_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let advisories = feeds::bodies(&scanning.db, &ids).await?;
    let bodies = found.into_iter().map(|row| {
        let advisory = advisories.get(&row.advisory_id);
        let link = advisory.and_then(|it| it.references.first());
        DetailBody {
            severity: severity(row.severity),
            description: description(advisory),
            link: link.map(|link| link.url.clone()).unwrap_or_default(),
            id: row.name,
            package: row.package,
            version: row.version,
            fixed_version: row.fixed_version,
        }
    });
    Ok(Json(bodies.collect()))
}
