//! Members of a project, users and groups, and the role each holds.
//!
//! Invariant: a member is only ever found through its project, so the id of another project's
//! member is the id of nobody.

use berth_db::{DbError, Tx};
use berth_iam::groups::{self, NewGroup};
use berth_iam::{Actor, Caller, Permission, ProjectFacts};
use berth_model::{Action, GroupId, MemberId, ProjectId, Resource, Role, Timestamp, UserId};
use futures_util::future::BoxFuture;

use crate::{Catalog, CatalogError, audit, record_in, store};

/// Who is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A user.
    User(UserId),
    /// Everybody in a group.
    Group(GroupId),
}

/// A user or a group in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// The project.
    pub project_id: ProjectId,
    /// Who it is.
    pub entity: Entity,
    /// The user's or the group's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Who is to become a member.
#[derive(Clone, Debug)]
pub enum NewEntity {
    /// A user: by id, or else by name.
    User {
        /// The user's id.
        id: Option<UserId>,
        /// The user's name.
        name: String,
    },
    /// A group that is there.
    Group(GroupId),
    /// A group by name and type, or by its distinguished name; it is made if it is not there.
    NamedGroup(NewGroup),
}

/// A member to be made.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Who.
    pub entity: NewEntity,
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

async fn find_entity(
    tx: &mut Tx,
    wanted: NewEntity,
    now: Timestamp,
) -> Result<(Entity, String), CatalogError> {
    match wanted {
        NewEntity::User { id, name } => {
            let found = store::member::find_user(tx, id, &name).await?;
            let (id, name) = found.ok_or_else(|| {
                CatalogError::NotFound(match id {
                    Some(id) => format!("user {id} not found"),
                    None => format!("user {name:?} not found"),
                })
            })?;
            Ok((Entity::User(id), name))
        }
        NewEntity::Group(id) => {
            let name = groups::name_in(tx, id).await?;
            let name =
                name.ok_or_else(|| CatalogError::NotFound(format!("user group {id} not found")))?;
            Ok((Entity::Group(id), name))
        }
        NewEntity::NamedGroup(group) => {
            let id = groups::ensure(tx, &group, now).await?;
            Ok((Entity::Group(id), group.name))
        }
    }
}

impl Catalog {
    /// Whether `actor` may make robots of some project: it administers one, or is a robot that
    /// was given that.
    pub async fn manages_a_project(&self, actor: &Actor) -> Result<bool, CatalogError> {
        match actor {
            Actor::User(user) => {
                store::member::holds_anywhere(self.db(), user.id, Role::ProjectAdmin).await
            }
            Actor::Robot(robot) => {
                let create = Permission::new(Resource::Robot, Action::Create);
                Ok(robot.grants.parts().any(|(_, set)| set.contains(create)))
            }
            Actor::Anonymous | Actor::Token(_) => Ok(false),
        }
    }

    /// Ends the memberships of accounts that are deleted; give it to
    /// [`Iam::on_removal`](berth_iam::Iam::on_removal).
    pub fn forget_user(tx: &mut Tx, user: UserId) -> BoxFuture<'_, Result<(), DbError>> {
        Box::pin(store::member::forget_user(tx, user))
    }

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

    /// Makes a user or a group a member.
    pub async fn create_member(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        new: NewMember,
    ) -> Result<MemberId, CatalogError> {
        let role = role_of(new.role)?;
        if let NewEntity::User { id: None, name } = &new.entity
            && name.is_empty()
        {
            return Err(CatalogError::Invalid(
                "member_user must say who: give a user_id or a username".to_owned(),
            ));
        }
        if let NewEntity::NamedGroup(group) = &new.entity {
            group.check()?;
        }
        let (now, facts) = (self.clock().now(), project.clone());
        let caller = caller.clone();
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let (entity, name) = find_entity(tx, new.entity, now).await?;
                    let id = store::member::insert(tx, facts.id, entity, role, now)
                        .await?
                        .ok_or_else(|| {
                            let kind = match entity {
                                Entity::User(_) => "user",
                                Entity::Group(_) => "group",
                            };
                            CatalogError::Conflict(format!(
                                "{kind} {name} is a member of project {} already",
                                facts.name
                            ))
                        })?;
                    let entry = audit::of_member(&caller, "create", now, &facts, &name);
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
                    let entry = audit::of_member(&caller, operation, now, &facts, &member.name);
                    record_in(tx, entry).await
                })
            })
            .await
    }
}
