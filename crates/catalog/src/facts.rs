//! What has to be known of a project before anything in it may be done.

use berth_db::{Db, Kept};
use berth_iam::{Actor, ProjectFacts};
use berth_model::{ProjectId, UserId};

use crate::{Catalog, CatalogError, store};

/// What was read of projects for `/v2`, by name and user.
pub(crate) type KeptFacts = Kept<(String, Option<UserId>), Option<ProjectFacts>>;

/// Most of them that are kept.
const KEPT: usize = 4096;

pub(crate) fn kept(db: &Db) -> KeptFacts {
    let tables = &[
        "project",
        "project_member",
        "user_group",
        "user_group_member",
    ];
    db.kept(tables, KEPT)
}

impl Catalog {
    /// The project called `name` and the role `actor` holds in it; one indexed read, or none where
    /// nothing was written since the last one.
    pub async fn project_facts(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Option<ProjectFacts>, CatalogError> {
        let (db, user) = (self.db(), actor.user_id());
        let read = store::project::facts_by_name(db, name, user);
        self.facts().get_or((name.to_owned(), user), read).await
    }

    /// The project with this id and the role `actor` holds in it; one indexed read.
    pub async fn project_facts_by_id(
        &self,
        actor: &Actor,
        id: ProjectId,
    ) -> Result<Option<ProjectFacts>, CatalogError> {
        store::project::facts_by_id(self.db(), id, actor.user_id()).await
    }

    /// The project that a `{project_name_or_id}` means.
    ///
    /// Digits are an id, as Harbor has it, unless the request says `X-Is-Resource-Name: true`
    /// (`is_name`).
    pub async fn resolve(
        &self,
        actor: &Actor,
        name_or_id: &str,
        is_name: bool,
    ) -> Result<Option<ProjectFacts>, CatalogError> {
        let numeric = !name_or_id.is_empty() && name_or_id.bytes().all(|b| b.is_ascii_digit());
        if is_name || !numeric {
            return self.project_facts(actor, name_or_id).await;
        }
        match name_or_id.parse() {
            Ok(id) => self.project_facts_by_id(actor, ProjectId(id)).await,
            // More digits than any id has.
            Err(_) => Ok(None),
        }
    }
}
