//! What is told of changes of artifacts: see [`Outbox`].
//!
//! A tag that is removed while its artifact stays is no event, as in Harbor: whoever hears that an
//! artifact was deleted takes it for gone.

use berth_catalog::{Entry, Outbox};
use berth_db::{DbError, Tx};
use berth_model::{ArtifactEvent, Event, EventKind, Happening, ManifestId, RepositoryId};

use crate::store::listing::removing;

/// Artifacts read at once of a repository that is deleted.
const PART: i64 = 500;

/// What happened, by whom and where the log entry has it.
pub(crate) fn of(entry: &Entry, what: Happening) -> Option<Event> {
    Some(Event {
        project: entry.project_id?,
        at: entry.at,
        operator: entry.username.clone(),
        what,
    })
}

/// An artifact was deleted with its tags.
pub(crate) fn deleted(entry: &Entry, digest: &str, mut tags: Vec<String>) -> Option<Event> {
    // The tag that was asked for comes first.
    tags.sort_by_key(|tag| (*tag != entry.tag, tag.clone()));
    of(
        entry,
        Happening::DeleteArtifact(ArtifactEvent {
            repository: entry.repository.clone(),
            digest: digest.to_owned(),
            tags,
        }),
    )
}

/// The digest of an artifact that was deleted, and its tags.
pub(crate) type Gone = (String, Vec<String>);

/// Artifacts were deleted together.
pub(crate) fn of_removed(entry: &Entry, gone: Vec<Gone>) -> Vec<Event> {
    let told = gone
        .into_iter()
        .filter_map(|(digest, tags)| deleted(entry, &digest, tags));
    told.collect()
}

/// Every artifact of a repository is about to be deleted.
pub(crate) async fn all_deleted(
    tx: &mut Tx,
    outbox: &Outbox,
    entry: &Entry,
    repository: RepositoryId,
) -> Result<(), DbError> {
    let Some(project) = entry.project_id else {
        return Ok(());
    };
    if !outbox
        .is_heard(tx, project, EventKind::DeleteArtifact)
        .await?
    {
        return Ok(());
    }
    let mut after = ManifestId(0);
    loop {
        let part = removing::digests_after(tx, repository, after, PART).await?;
        let Some(last) = part.last() else {
            return Ok(());
        };
        let through = last.id;
        let mut tags = removing::tags_between(tx, repository, after, through).await?;
        let told = part.into_iter().filter_map(|manifest| {
            let names = tags.remove(&manifest.id).unwrap_or_default();
            deleted(entry, &manifest.digest, names)
        });
        let told: Vec<Event> = told.collect();
        outbox.publish_all(tx, &told).await?;
        after = through;
    }
}
