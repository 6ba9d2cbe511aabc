//! Members of a project and the role each holds.
//!
//! Invariant: a member is only ever found through its project, so the id of another project's
//! member is the id of nobody.

use berth_iam::{Caller, ProjectFacts};
use berth_model::{MemberId, ProjectId, Role, UserId};

use crate::{Catalog, CatalogError, audit, record_in, store};

/// A user in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// The project.
    pub project_id: ProjectId,
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub username: String,
    /// What the user may do.
    pub role: Role,
}

/// A user to become a member: by id, or else by name.
#[derive(Clone, Debug, Default)]
pub struct NewMember {
    /// The user's id.
    pub user_id: Option<UserId>,
    /// The user's name.
    pub username: String,
    /// The id of the role.
    pub role: i64,
}

fn role_of(id: i64) -> Result<Role, CatalogError> {
    Role::from_id(id).ok_or_else(|| {
        CatalogError::Invalid(format!(
            "there is no role {id}; use 1 projectAdmin, 2 developer, 3 guest, 4 maintainer or \
             5 limitedGuest"
        ))
    })
}

fn not_found(id: MemberId, project: &str) -> CatalogError {
    CatalogError::NotFound(format!("member {id} not found in project {project}"))
}

impl Catalog {
    /// A page of a project's members whose name contains `name`, and how many there are.
    pub async fn list_members(
        &self,
        project: ProjectId,
        name: &str,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Member>, i64), CatalogError> {
        store::member::list(self.db(), project, name, limit, offset).await
    }

    /// One member of a project.
    pub async fn get_member(
        &self,
        project: &ProjectFacts,
        id: MemberId,
    ) -> Result<Member, CatalogError> {
        store::member::get(self.db(), project.id, id)
            .await?
            .ok_or_else(|| not_found(id, &project.name))
    }

    /// Makes a user a member.
    pub async fn create_member(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        new: NewMember,
    ) -> Result<MemberId, CatalogError> {
        let role = role_of(new.role)?;
        if new.user_id.is_none() && new.username.is_empty() {
            return Err(CatalogError::Invalid(
                "member_user must say who: give a user_id or a username".to_owned(),
            ));
        }
        let (now, facts) = (self.clock().now(), project.clone());
        let caller = caller.clone();
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let user = store::member::find_user(tx, new.user_id, &new.username).await?;
                    let (user, username) = user.ok_or_else(|| {
                        CatalogError::NotFound(match new.user_id {
                            Some(id) => format!("user {id} not found"),
                            None => format!("user {:?} not found", new.username),
                        })
                    })?;
                    let id = store::member::insert(tx, facts.id, user, role, now)
                        .await?
                        .ok_or_else(|| {
                            CatalogError::Conflict(format!(
                                "user {username} is a member of project {} already",
                                facts.name
                            ))
                        })?;
                    let entry = audit::of_member(&caller, "create", now, &facts, &username);
                    record_in(tx, entry).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Gives a member another role.
    pub async fn update_member(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        id: MemberId,
        role: i64,
    ) -> Result<(), CatalogError> {
        self.change_member(caller, project, id, Some(role_of(role)?))
            .await
    }

    /// Ends a membership.
    pub async fn delete_member(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        id: MemberId,
    ) -> Result<(), CatalogError> {
        self.change_member(caller, project, id, None).await
    }

    async fn change_member(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        id: MemberId,
        role: Option<Role>,
    ) -> Result<(), CatalogError> {
        let (now, facts, caller) = (self.clock().now(), project.clone(), caller.clone());
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let member = store::member::get_in(tx, facts.id, id)
                        .await?
                        .ok_or_else(|| not_found(id, &facts.name))?;
                    let (operation, changed) = match role {
                        Some(role) => {
                            let set = store::member::set_role(tx, facts.id, id, role, now);
                            ("update", set.await?)
                        }
                        None => ("delete", store::member::delete(tx, facts.id, id).await?),
                    };
                    if !changed {
                        return Err(not_found(id, &facts.name));
                    }
                    let entry = audit::of_member(&caller, operation, now, &facts, &member.username);
                    record_in(tx, entry).await
                })
            })
            .await
    }
}
