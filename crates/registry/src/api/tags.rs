//! Tags of an artifact: list, add, remove.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use berth_catalog::query::order_by;
use berth_catalog::{CatalogError, record_in};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::Caller;
use berth_model::ManifestId;
use berth_oci::{Digest, Reference, TagName};
use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::TagBody;
use super::not_found;
use super::params::{Params, address, created};
use super::place::Addressed;
use crate::store::listing::{self, condition, family};
use crate::store::manifests;
use crate::{Registry, RegistryError, immutable};

/// `GET` of an artifact's tags.
pub(super) async fn list(
    State(registry): State<Registry>,
    addressed: Addressed,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let artifact = registry.artifact(&addressed).await?;
    let filter = condition::tags_of(ManifestId(artifact.id), params.text("q"))?;
    let order = order_by(
        params.text("sort"),
        condition::TAG,
        "t.pushed_at DESC",
        "t.id DESC",
    )
    .map_err(CatalogError::from)?;
    let part = (page.limit(), page.offset());
    let (rows, total) = listing::tags(&registry.inner.db, &filter, &order, part).await?;
    let mut bodies: Vec<TagBody> = rows.into_iter().map(TagBody::from).collect();
    if params.flag("with_immutable_status", false)? {
        let place = &addressed.place;
        let name = place.repository.name.as_str();
        let rules = registry.immutability(place.facts.id).await?;
        let rules = rules.of(name);
        for tag in &mut bodies {
            tag.show(&rules);
        }
    }
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

/// A tag to be made. Whole tags are taken too; only the name counts.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NewTag {
    name: String,
}

/// `POST` of a tag: 409 when the repository has one of this name.
pub(super) async fn create(
    State(registry): State<Registry>,
    caller: Caller,
    addressed: Addressed,
    Json(request): Json<NewTag>,
) -> Result<impl IntoResponse, ApiError> {
    let tag =
        TagName::parse(&request.name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let location = format!(
        "{}/tags/{tag}",
        address(
            &addressed.place.repository.name,
            addressed.reference.as_str()
        )
    );
    registry.create_tag(&caller, addressed, tag).await?;
    Ok(created(&location))
}

/// `DELETE` of a tag; its artifact stays.
pub(super) async fn remove(
    State(registry): State<Registry>,
    caller: Caller,
    addressed: Addressed,
) -> Result<(), ApiError> {
    Ok(registry.remove_tag(&caller, addressed).await?)
}

impl Registry {
    async fn create_tag(
        &self,
        caller: &Caller,
        addressed: Addressed,
        tag: TagName,
    ) -> Result<(), RegistryError> {
        let place = &addressed.place;
        let name = place.repository.name.clone();
        let mut entry = place.entry(self, caller, "create", "tag");
        entry.resource = format!("{name}:{tag}");
        entry.tag = tag.to_string();
        let cache = self.inner.cache.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, project) = (addressed.place.repository.id, addressed.place.facts.id);
                    // Held, so that of two who make the same tag here one is told.
                    if !family::hold(tx, id, project.get()).await? {
                        return Err(addressed.place.gone());
                    }
                    let found = family::find(tx, id, &addressed.reference).await?;
                    let found = found.ok_or_else(|| addressed.gone())?;
                    let digest: Digest = found.digest.parse().map_err(|_| addressed.gone())?;
                    if manifests::lock(tx, id, digest.as_str()).await?.is_none() {
                        return Err(addressed.gone());
                    }
                    if family::find(tx, id, &Reference::Tag(tag.clone()))
                        .await?
                        .is_some()
                    {
                        return Err(CatalogError::Conflict(format!(
                            "tag {tag} exists already in repository {name}: delete it first"
                        ))
                        .into());
                    }
                    let by = entry.username.clone();
                    let tag = tag.as_str();
                    immutable::point(tx, id, tag, found.id, &digest, &by, entry.at).await?;
                    entry.digest = found.digest;
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(())
                })
            })
            .await
    }

    async fn remove_tag(&self, caller: &Caller, addressed: Addressed) -> Result<(), RegistryError> {
        let place = &addressed.place;
        let name = place.repository.name.clone();
        let written = format!("{name}:{}", addressed.tag_name);
        let missing = move |addressed: &Addressed| {
            not_found(format_args!(
                "tag {} of artifact {}",
                addressed.tag_name,
                addressed.written()
            ))
        };
        let Ok(tag) = TagName::parse(&addressed.tag_name) else {
            return Err(missing(&addressed));
        };
        let mut entry = place.entry(self, caller, "delete", "tag");
        let deletion = self.deletion(&entry.username, entry.at);
        entry.resource = written;
        entry.tag = tag.to_string();
        let cache = self.inner.cache.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, project) = (addressed.place.repository.id, addressed.place.facts.id);
                    if !family::hold(tx, id, project.get()).await? {
                        return Err(addressed.place.gone());
                    }
                    let artifact = family::find(tx, id, &addressed.reference).await?;
                    let artifact = artifact.ok_or_else(|| addressed.gone())?;
                    let tagged = family::find(tx, id, &Reference::Tag(tag.clone())).await?;
                    // A tag of another artifact is not one of this.
                    if tagged.as_ref() != Some(&artifact)
                        || !immutable::untag(tx, id, tag.as_str(), &deletion).await?
                    {
                        return Err(missing(&addressed));
                    }
                    entry.digest = artifact.digest;
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(())
                })
            })
            .await
    }
}
