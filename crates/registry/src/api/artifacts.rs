//! Artifacts: list and read, with what belongs to them; their accessories.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use berth_catalog::query::order_by;
use berth_catalog::{CatalogError, LabelBody};
use berth_db::DbError;
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Parameter, ProjectFacts};
use berth_model::{ManifestId, ProjectId, RepositoryId};
use futures_util::future::try_join;
use http::Uri;

use super::body::{AccessoryBody, ArtifactBody, ReferenceBody, TagBody};
use super::params::Params;
use super::place::{Addressed, Place};
use crate::Registry;
use crate::store::labels;
use crate::store::listing::condition::{self, Scope};
use crate::store::listing::{self, ArtifactRow, Depth, Sought};

pub(super) const WITH_IMMUTABLE: Parameter = Parameter::flag(
    "with_immutable_status",
    "Say of each tag whether it must stay as it is.",
);

/// What can be asked for with artifacts.
pub(super) const WITH: &[Parameter] = &[
    Parameter::flag("with_tag", "Show its tags; true unless said otherwise."),
    Parameter::flag(
        "with_accessory",
        "Show what belongs to it, such as signatures.",
    ),
    Parameter::flag("with_label", "Show the labels it bears."),
    WITH_IMMUTABLE,
    Parameter::flag("with_scan_overview", "Count its vulnerabilities."),
    Parameter::flag("with_sbom_overview", "Say how its SBOM stands."),
];
/// The same, and more, for those of a whole project.
pub(super) const OF_PROJECT: &[Parameter] = &[
    WITH[0],
    WITH[1],
    WITH[2],
    WITH[3],
    WITH[4],
    WITH[5],
    Parameter::flag(
        "latest_in_repository",
        "Only the newest of each repository.",
    ),
];

/// What Harbor's clients may ask for besides, which is not there: read, and without effect.
const WITHOUT: &[&str] = &["with_inherited_accessory", "with_signature"];

/// What is shown with an artifact.
#[derive(Clone, Copy, Debug)]
struct With {
    tags: bool,
    accessories: bool,
    labels: bool,
    immutable: bool,
    scans: bool,
    sboms: bool,
}

impl With {
    fn read(params: &Params) -> Result<Self, ApiError> {
        for without in WITHOUT {
            params.flag(without, false)?;
        }
        Ok(Self {
            tags: params.flag("with_tag", true)?,
            accessories: params.flag("with_accessory", false)?,
            labels: params.flag("with_label", false)?,
            immutable: params.flag("with_immutable_status", false)?,
            scans: params.flag("with_scan_overview", false)?,
            sboms: params.flag("with_sbom_overview", false)?,
        })
    }
}

/// `GET` of a repository's artifacts.
pub(super) async fn list(
    State(registry): State<Registry>,
    place: Place,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let scope = Scope::Repository(place.repository.id);
    registry.list_artifacts(scope, &params, page, &uri).await
}

/// `GET` of a project's artifacts, in all its repositories.
pub(super) async fn list_of_project(
    State(registry): State<Registry>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let latest = params.flag("latest_in_repository", false)?;
    registry
        .list_artifacts(
            Scope::Project {
                id: facts.id,
                latest,
            },
            &params,
            page,
            &uri,
        )
        .await
}

/// `GET` of one artifact, by tag or digest.
pub(super) async fn read(
    State(registry): State<Registry>,
    addressed: Addressed,
    params: Params,
) -> Result<Json<ArtifactBody>, ApiError> {
    let with = With::read(&params)?;
    let row = registry.artifact(&addressed).await?;
    let bodies = registry.dress(vec![row], with, Depth::ONE).await?;
    let body = bodies.into_iter().next().ok_or_else(|| addressed.gone())?;
    Ok(Json(body))
}

/// `GET` of an artifact's accessories.
pub(super) async fn list_accessories(
    State(registry): State<Registry>,
    addressed: Addressed,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let subject = registry.artifact(&addressed).await?;
    let of = (RepositoryId(subject.repository_id), ManifestId(subject.id));
    let asked = condition::accessories_of(of, params.text("q"))?;
    let order = order_by(
        params.text("sort"),
        condition::ACCESSORY,
        "m.id DESC",
        "m.id DESC",
    )
    .map_err(CatalogError::from)?;
    let (db, part) = (&registry.inner.db, (page.limit(), page.offset()));
    let (rows, total) = listing::accessories(db, &asked, &order, part).await?;
    let repository = &addressed.place.repository.name;
    let bodies: Vec<_> = rows
        .into_iter()
        .map(|row| AccessoryBody::new(row, repository))
        .collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

impl Registry {
    /// The artifact that a path names; 404 if there is none.
    pub(super) async fn artifact(&self, addressed: &Addressed) -> Result<ArtifactRow, ApiError> {
        let id = addressed.place.repository.id;
        let found = listing::artifact(&self.inner.db, id, &addressed.reference).await?;
        found.ok_or_else(|| addressed.gone().into())
    }

    async fn list_artifacts(
        &self,
        scope: Scope,
        params: &Params,
        page: Page,
        uri: &Uri,
    ) -> Result<Response, ApiError> {
        let with = With::read(params)?;
        let db = &self.inner.db;
        let asked = condition::artifacts(db.engine(), scope, params.text("q"))?;
        let order = order_by(
            params.text("sort"),
            condition::ARTIFACT,
            "m.pushed_at DESC",
            "m.id DESC",
        )
        .map_err(CatalogError::from)?;
        let part = (page.limit(), page.offset());
        let sought = Sought::new(db, asked).await?;
        // To count a long list takes as long as to find a page deep in it and what belongs there.
        let bodies = async {
            let rows = sought.page(db, &order, part).await?;
            self.dress(rows, with, Depth::PAGE).await
        };
        let (bodies, total) = try_join(bodies, sought.total(db)).await?;
        Ok(list_response(&bodies, total.unsigned_abs(), &page, uri))
    }

    /// Says of each tag whether it is immutable. All artifacts are of one project.
    async fn show_immutable(
        &self,
        rows: &[ArtifactRow],
        tags: &mut HashMap<i64, Vec<TagBody>>,
    ) -> Result<(), DbError> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let rules = self.immutability(ProjectId(first.project_id)).await?;
        let mut known = HashMap::new();
        for row in rows {
            let name = row.repository_name.as_str();
            let rules = known.entry(name).or_insert_with(|| rules.of(name));
            for tag in tags.get_mut(&row.id).into_iter().flatten() {
                tag.show(rules);
            }
        }
        Ok(())
    }

    /// Adds to each artifact what belongs to it: one statement for each kind of thing, two at a time.
    async fn dress(
        &self,
        rows: Vec<ArtifactRow>,
        with: With,
        depth: Depth,
    ) -> Result<Vec<ArtifactBody>, DbError> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let named = async {
            let tags = self.tags_shown(&rows, &ids, with, depth).await?;
            let labels = self.labels_shown(&ids, with).await?;
            Ok::<_, DbError>((tags, labels, self.references_shown(&rows, depth).await?))
        };
        let attached = async {
            let accessories = self.accessories_shown(&rows, with, depth).await?;
            let scans = match self.inner.guard.get() {
                Some(guard) if with.scans => {
                    let digests: Vec<&str> = rows.iter().map(|row| row.digest.as_str()).collect();
                    let project = ProjectId(rows.first().map_or(0, |row| row.project_id));
                    guard.overviews(project, &digests).await?
                }
                _ => HashMap::new(),
            };
            let sboms = match self.inner.guard.get() {
                Some(guard) if with.sboms => guard.sboms(&ids).await?,
                _ => HashMap::new(),
            };
            Ok((accessories, scans, sboms))
        };
        let (named, attached) = try_join(named, attached).await?;
        let (mut tags, mut borne, mut references) = named;
        let (mut accessories, scans, mut sboms) = attached;
        let bodies = rows
            .into_iter()
            .map(|row| {
                let id = row.id;
                let scan = scans.get(&row.digest).cloned();
                let (tags, references) = (tags.remove(&id), references.remove(&id));
                let (accessories, labels) = (accessories.remove(&id), borne.remove(&id));
                let body = ArtifactBody::new(row, tags, references, accessories, labels);
                body.scanned(scan, sboms.remove(&id))
            })
            .collect();
        Ok(bodies)
    }

    async fn tags_shown(
        &self,
        rows: &[ArtifactRow],
        ids: &[i64],
        with: With,
        depth: Depth,
    ) -> Result<HashMap<i64, Vec<TagBody>>, DbError> {
        let mut tags: HashMap<i64, Vec<TagBody>> = HashMap::new();
        if with.tags {
            for tag in listing::tags_of(&self.inner.db, ids, depth.tags).await? {
                tags.entry(tag.manifest_id).or_default().push(tag.into());
            }
            if with.immutable {
                self.show_immutable(rows, &mut tags).await?;
            }
        }
        Ok(tags)
    }

    async fn labels_shown(
        &self,
        ids: &[i64],
        with: With,
    ) -> Result<HashMap<i64, Vec<LabelBody>>, DbError> {
        let mut borne: HashMap<i64, Vec<LabelBody>> = HashMap::new();
        if with.labels {
            for row in labels::of(&self.inner.db, ids).await? {
                borne.entry(row.manifest_id).or_default().push(row.body());
            }
        }
        Ok(borne)
    }

    async fn references_shown(
        &self,
        rows: &[ArtifactRow],
        depth: Depth,
    ) -> Result<HashMap<i64, Vec<ReferenceBody>>, DbError> {
        // Only what has no config can be an index.
        let indexes: Vec<i64> = rows
            .iter()
            .filter(|row| row.config_media_type.is_none())
            .map(|row| row.id)
            .collect();
        let mut references: HashMap<i64, Vec<ReferenceBody>> = HashMap::new();
        for entry in listing::references_of(&self.inner.db, &indexes, depth.references).await? {
            references
                .entry(entry.manifest_id)
                .or_default()
                .push(entry.into());
        }
        Ok(references)
    }

    async fn accessories_shown(
        &self,
        rows: &[ArtifactRow],
        with: With,
        depth: Depth,
    ) -> Result<HashMap<i64, Vec<AccessoryBody>>, DbError> {
        let names: HashMap<i64, &str> = rows
            .iter()
            .map(|row| (row.id, row.repository_name.as_str()))
            .collect();
        let mut accessories: HashMap<i64, Vec<AccessoryBody>> = HashMap::new();
        if with.accessories {
            for row in listing::accessories_of(&self.inner.db, rows, depth.accessories).await? {
                let (subject, repository) = (row.subject_id, names.get(&row.subject_id));
                let body = AccessoryBody::new(row, repository.copied().unwrap_or_default());
                accessories.entry(subject).or_default().push(body);
            }
        }
        Ok(accessories)
    }
}
