//! Labels of an artifact: put on and taken off.
//!
//! Invariant: an artifact bears labels of the system and of its own project only.

use axum::extract::{Path, State};
use berth_catalog::{CatalogError, LabelRequest, record_in};
use berth_http::{ApiError, Json};
use berth_iam::Caller;
use berth_model::LabelId;

use super::not_found;
use super::place::Addressed;
use crate::store::labels as store;
use crate::store::listing::family;
use crate::{Registry, RegistryError};

/// Most labels of one artifact.
const MOST: i64 = 100;

/// `POST` of a label on an artifact: 409 when it bears it already. Clients send a whole label, of
/// which only the id counts.
pub(super) async fn add(
    State(registry): State<Registry>,
    caller: Caller,
    addressed: Addressed,
    Json(chosen): Json<LabelRequest>,
) -> Result<(), ApiError> {
    let id = chosen
        .id
        .ok_or_else(|| ApiError::unprocessable("the body must hold the label's id"))?;
    let label = LabelId(id);
    Ok(registry.add_label(&caller, addressed, label).await?)
}

/// `DELETE` of a label from an artifact; the label itself stays.
pub(super) async fn remove(
    State(registry): State<Registry>,
    caller: Caller,
    Path(path): Path<std::collections::HashMap<String, String>>,
    addressed: Addressed,
) -> Result<(), ApiError> {
    let id = path.get("label_id").and_then(|text| text.parse().ok());
    let label =
        id.ok_or_else(|| ApiError::unprocessable("label_id in path must be a whole number"))?;
    let label = LabelId(label);
    Ok(registry.remove_label(&caller, addressed, label).await?)
}

impl Registry {
    async fn add_label(
        &self,
        caller: &Caller,
        addressed: Addressed,
        label: LabelId,
    ) -> Result<(), RegistryError> {
        let mut entry = addressed.place.entry(self, caller, "update", "artifact");
        entry.resource = addressed.written();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, project) = (addressed.place.repository.id, addressed.place.facts.id);
                    if !family::hold(tx, id, project.get()).await? {
                        return Err(addressed.place.gone());
                    }
                    let found = family::find(tx, id, &addressed.reference).await?;
                    let found = found.ok_or_else(|| addressed.gone())?;
                    let name = store::name_for(tx, label, project).await?;
                    let name = name.ok_or_else(|| not_found(format_args!("label {label}")))?;
                    if store::count(tx, found.id).await? >= MOST {
                        return Err(CatalogError::Precondition(format!(
                            "an artifact bears at most {MOST} labels: take one off first"
                        ))
                        .into());
                    }
                    if !store::put(tx, found.id, label).await? {
                        return Err(CatalogError::Conflict(format!(
                            "artifact {} bears the label {name} already",
                            addressed.written()
                        ))
                        .into());
                    }
                    entry.digest = found.digest;
                    let entry = entry.saying(format!("put on the label {name}"));
                    Ok(record_in(tx, entry).await?)
                })
            })
            .await
    }

    async fn remove_label(
        &self,
        caller: &Caller,
        addressed: Addressed,
        label: LabelId,
    ) -> Result<(), RegistryError> {
        let mut entry = addressed.place.entry(self, caller, "update", "artifact");
        entry.resource = addressed.written();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, project) = (addressed.place.repository.id, addressed.place.facts.id);
                    if !family::hold(tx, id, project.get()).await? {
                        return Err(addressed.place.gone());
                    }
                    let found = family::find(tx, id, &addressed.reference).await?;
                    let found = found.ok_or_else(|| addressed.gone())?;
                    if !store::take(tx, found.id, label).await? {
                        let what = format!("label {label} of artifact {}", addressed.written());
                        return Err(not_found(what));
                    }
                    entry.digest = found.digest;
                    let entry = entry.saying(format!("took off the label {label}"));
                    Ok(record_in(tx, entry).await?)
                })
            })
            .await
    }
}
