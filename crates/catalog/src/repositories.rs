//! Repositories: made by the first push into them, listed in the order of their bytes.

use berth_db::Tx;
use berth_model::{ProjectId, RepositoryId, Timestamp};

use crate::{Catalog, CatalogError, Viewer, store};

/// Rows read at once by [`Catalog::page_after`] for somebody who does not see everything.
const WINDOW: i64 = 256;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// The project it is in.
    pub project_id: ProjectId,
    /// Its whole name, `project/rest`.
    pub name: String,
    /// What its owners say about it.
    pub description: String,
    /// How often something was pulled from it.
    pub pull_count: i64,
    /// When the first push made it.
    pub created_at: Timestamp,
    /// When something in it was changed last.
    pub updated_at: Timestamp,
}

/// The repository `name` of `project`, made if it is not there; whether it was made.
///
/// Safe against a concurrent push of the same name and against a concurrent deletion of the
/// repository or of the project: the repository stays until the transaction ends.
///
/// # Errors
/// [`CatalogError::NotFound`] when the project was deleted meanwhile, or `name` is not in it.
pub async fn ensure(
    tx: &mut Tx,
    project: ProjectId,
    name: &str,
    now: Timestamp,
) -> Result<(RepositoryId, bool), CatalogError> {
    // Each turn loses only against another transaction that made or deleted the repository.
    for _ in 0..4 {
        if let Some((id, owner)) = store::repository::lock(tx, name).await? {
            return if owner == project {
                Ok((id, false))
            } else {
                Err(CatalogError::project_not_found(project))
            };
        }
        if let Some(id) = store::repository::insert(tx, project, name, now).await? {
            // Only now, when the row's foreign key holds the project, is the answer final.
            let holder = store::project::live_name(tx, project).await?;
            let inside = holder
                .as_deref()
                .and_then(|holder| name.strip_prefix(holder))
                .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
            return if inside {
                Ok((id, true))
            } else {
                Err(CatalogError::project_not_found(project))
            };
        }
    }
    Err(CatalogError::Conflict(format!(
        "repository {name} is being made and deleted at the same time; try again"
    )))
}

/// Says that something in a repository was changed; never waits.
pub fn touch(tx: &mut Tx, id: RepositoryId, now: Timestamp) {
    store::repository::touch(tx, id, now);
}

/// Deletes a repository and, by their foreign keys, everything in it. `false` when it is gone.
pub async fn delete(tx: &mut Tx, id: RepositoryId) -> Result<bool, CatalogError> {
    store::repository::delete(tx, id).await
}

impl Catalog {
    /// The repository called `name`, if it is there.
    pub async fn find_repository(&self, name: &str) -> Result<Option<Repository>, CatalogError> {
        store::repository::find(self.db(), name).await
    }

    /// Changes what a repository says about itself.
    pub async fn set_description(
        &self,
        id: RepositoryId,
        description: String,
    ) -> Result<(), CatalogError> {
        let now = self.clock().now();
        let changed = self
            .db()
            .write(move |tx| {
                Box::pin(async move {
                    store::repository::set_description(tx, id, &description, now).await
                })
            })
            .await?;
        if changed {
            Ok(())
        } else {
            Err(CatalogError::NotFound("repository not found".to_owned()))
        }
    }

    /// The first `most` names after `after`, in the order of their bytes, of repositories that
    /// `viewer` may pull from.
    ///
    /// What it costs depends on the page and on the projects the viewer does not see, never on the
    /// number of repositories: a project that is not seen is skipped as a whole.
    pub async fn page_after(
        &self,
        after: &str,
        most: usize,
        viewer: Viewer,
    ) -> Result<Vec<String>, CatalogError> {
        if viewer == Viewer::Everything {
            return store::repository::names_after(self.db(), after, most).await;
        }
        let mut page = Vec::new();
        let mut after = after.to_owned();
        let mut window = WINDOW;
        while page.len() < most {
            let rows = store::repository::window_after(self.db(), &after, window, viewer).await?;
            let last_window = (rows.len() as i64) < window;
            let mut hidden = None;
            for row in rows {
                hidden = (!row.visible).then_some(row.project);
                after = row.name;
                if row.visible && page.len() < most {
                    page.push(after.clone());
                }
            }
            if last_window {
                break;
            }
            window = WINDOW;
            if let Some(project) = hidden {
                // '0' is the byte after '/': all that is left of this project is passed over.
                after = format!("{project}0");
                // `after` is exclusive, and a repository cannot be called so: it has a '/'.
                window = WINDOW / 8;
            }
        }
        Ok(page)
    }
}

/// Reads inside a transaction.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Repository>, CatalogError> {
    store::repository::find_in(tx, name).await
}
