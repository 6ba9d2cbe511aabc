//! Projects: made by users, seen by members and, if public, by everybody.
//!
//! Invariant: a project is deleted only when it holds no repository, and its name is free from
//! then on.

use berth_iam::{
    Actor, Caller, FIRST_ADMIN, Permission, Place, ProjectFacts, Refusal, access, robots,
};
use berth_model::{Action, ProjectId, ProjectName, Resource, RobotId, Role, Timestamp, UserId};

use crate::query::{Column, Kind, order_by};
use crate::quotas::check_limit;
use crate::{
    Allowlist, Catalog, CatalogError, NewAllowlist, QuotaUse, Restriction, Viewer, audit, metadata,
    record_in, store,
};

/// A project as one actor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Who made it.
    pub owner_id: UserId,
    /// The name of who made it.
    pub owner_name: String,
    /// Whether everybody may pull from it.
    pub public: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The role the actor holds in it.
    pub role: Option<Role>,
    /// How many repositories it holds.
    pub repo_count: i64,
    /// Its metadata without `public`, by key.
    pub metadata: Vec<(String, String)>,
    /// The vulnerabilities that are let pass in it.
    pub allowlist: Allowlist,
}

/// A project to be made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// Whether everybody may pull from it.
    pub public: bool,
    /// Its metadata; `public` in it overrules the field.
    pub metadata: Vec<(String, String)>,
    /// Bytes it may hold; -1 is any number. Of system administrators only: the limit of everybody
    /// else's projects is the one in the settings.
    pub storage_limit: Option<i64>,
    /// The vulnerabilities that are let pass in it.
    pub allowlist: Option<NewAllowlist>,
}

/// What of a project is changed; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct ProjectUpdate {
    /// Whether everybody may pull from it.
    pub public: Option<bool>,
    /// Metadata to set; `public` in it overrules the field.
    pub metadata: Vec<(String, String)>,
    /// The vulnerabilities that are let pass in it, to replace those that are.
    pub allowlist: Option<NewAllowlist>,
}

/// Which projects are listed.
#[derive(Clone, Debug, Default)]
pub struct ProjectFilter {
    /// Those whose name contains this.
    pub name: Option<String>,
    /// Those that are public, or are not.
    pub public: Option<bool>,
    /// Those made by this user.
    pub owner: Option<String>,
    /// A `q` of the API.
    pub q: String,
    /// A `sort` of the API.
    pub sort: String,
}

/// How many of what a project holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Repositories.
    pub repo_count: i64,
    /// Members of each role.
    pub members: Vec<(Role, i64)>,
    /// Its quota, while quotas are in force.
    pub quota: Option<QuotaUse>,
}

const COLUMNS: &[Column] = &[
    Column::new("project_id", "p.id", Kind::Integer),
    Column::new("id", "p.id", Kind::Integer),
    Column::new("name", "p.name", Kind::Text),
    Column::new("public", "p.public", Kind::Bool),
    Column::new("owner_id", "p.owner_id", Kind::Integer),
    Column::new("owner", "u.username", Kind::Text),
    Column::new("owner_name", "u.username", Kind::Text),
    Column::new("creation_time", "p.created_at", Kind::Time),
    Column::new("update_time", "p.updated_at", Kind::Time),
];

/// Whoever may change quotas may also set one while making a project.
const QUOTA: Permission = Permission::new(Resource::Quota, Action::Update);

impl Catalog {
    /// Makes a project, whose first administrator is the caller.
    ///
    /// A robot that may make projects gets all that robots can get in its own; the administrator
    /// is then the first user of the system.
    pub async fn create_project(
        &self,
        caller: &Caller,
        new: NewProject,
    ) -> Result<ProjectId, CatalogError> {
        let (owner, robot) = self.maker(&caller.actor)?;
        let name = ProjectName::try_from(new.name.clone())?;
        if let Some(limit) = new.storage_limit {
            check_limit("storage_limit", limit)?;
        }
        let limit = new
            .storage_limit
            .filter(|_| access::allows_system(&caller.actor, QUOTA))
            .unwrap_or_else(|| self.settings().storage_per_project);
        let changes = metadata::Changes::read(&new.metadata)?;
        let public = changes.public.unwrap_or(new.public);
        let now = self.clock().now();
        let entry = audit::of_project(caller, "create", now, name.as_str());
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let id = store::project::insert(tx, name.as_str(), owner, public, now)
                        .await?
                        .ok_or_else(|| {
                            CatalogError::Conflict(format!("project {name} exists already"))
                        })?;
                    let owner = store::member::Entity::User(owner);
                    store::member::insert(tx, id, owner, Role::ProjectAdmin, now).await?;
                    if let Some(robot) = robot {
                        robots::give_project(tx, robot, id).await?;
                    }
                    store::quota::insert(tx, id, limit, now).await?;
                    changes.write(tx, id).await?;
                    if let Some(list) = &new.allowlist {
                        store::allowlist::put(tx, id, list, now).await?;
                    }
                    record_in(tx, entry.in_project(id)).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Who owns the project that `actor` makes, and the robot that makes it.
    fn maker(&self, actor: &Actor) -> Result<(UserId, Option<RobotId>), CatalogError> {
        match actor {
            Actor::User(user) => {
                let restriction = self.settings().project_creation_restriction;
                if restriction == Restriction::AdminOnly && !user.sysadmin {
                    return Err(CatalogError::Forbidden(
                        "only system administrators may create projects here".to_owned(),
                    ));
                }
                Ok((user.id, None))
            }
            Actor::Robot(robot) => {
                let create = Permission::new(Resource::SystemProject, Action::Create);
                access::require_system(actor, create)?;
                Ok((FIRST_ADMIN, Some(robot.id)))
            }
            Actor::Anonymous | Actor::Token(_) => Err(Refusal::no_user(actor).into()),
        }
    }

    /// Whether a project of this name is there, for those who may ask. Every user may, as for
    /// Harbor's form; a robot may ask for what it sees, and if it may make projects for all.
    pub async fn project_exists(&self, actor: &Actor, name: &str) -> Result<bool, CatalogError> {
        let Some(facts) = self.project_facts(actor, name).await? else {
            return Ok(false);
        };
        let Some(robot) = actor.robot() else {
            return Ok(true);
        };
        let may =
            |action| access::allows_system(actor, Permission::new(Resource::SystemProject, action));
        let given = !robot.grants.at(Place::Project(facts.id)).is_empty();
        Ok(given || facts.public || may(Action::Create) || may(Action::List))
    }

    /// A page of the projects the caller sees, and how many there are in all.
    pub async fn list_projects(
        &self,
        caller: &Caller,
        wanted: &ProjectFilter,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Project>, i64), CatalogError> {
        let viewer = Viewer::of(&caller.actor);
        let user = caller.actor.user().map(|user| user.id);
        let mut filter = store::project::visible(viewer);
        if let Some(name) = &wanted.name {
            filter.and_contains("p.name", name);
        }
        if let Some(public) = wanted.public {
            let public = filter.bind(public);
            filter.and(format!("p.public = {public}"));
        }
        if let Some(owner) = &wanted.owner {
            let owner = filter.bind(owner);
            filter.and(format!("u.username = {owner}"));
        }
        filter.and_query(&wanted.q, COLUMNS)?;
        let order = order_by(&wanted.sort, COLUMNS, "p.name", "p.id")?;
        let total = store::project::count(self.db(), &filter).await?;
        let mut projects =
            store::project::list(self.db(), &filter, user, &order, (limit, offset)).await?;
        self.add_metadata(&mut projects).await?;
        Ok((projects, total))
    }

    /// The project with this id; the caller's right to see it was checked.
    pub async fn get_project(
        &self,
        caller: &Caller,
        id: ProjectId,
    ) -> Result<Project, CatalogError> {
        let user = caller.actor.user().map(|user| user.id);
        let project = store::project::get(self.db(), id, user)
            .await?
            .ok_or_else(|| CatalogError::project_not_found(id))?;
        let mut projects = [project];
        self.add_metadata(&mut projects).await?;
        let [project] = projects;
        Ok(project)
    }

    pub(crate) async fn add_metadata(&self, projects: &mut [Project]) -> Result<(), CatalogError> {
        let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
        for (id, key, value) in store::metadata::of_projects(self.db(), &ids).await? {
            if let Some(project) = projects.iter_mut().find(|project| project.id.get() == id) {
                project.metadata.push((key, value));
            }
        }
        let lists = self.allowlists(&ids).await?;
        for (project, list) in projects.iter_mut().zip(lists) {
            project.allowlist = list;
        }
        Ok(())
    }

    /// Changes what `update` names and leaves the rest.
    pub async fn update_project(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        update: ProjectUpdate,
    ) -> Result<(), CatalogError> {
        let mut changes = metadata::Changes::read(&update.metadata)?;
        changes.public = changes.public.or(update.public);
        let (now, id) = (self.clock().now(), project.id);
        let entry = audit::of_project(caller, "update", now, &project.name).in_project(id);
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if !store::project::touch(tx, id, now).await? {
                        return Err(CatalogError::project_not_found(id));
                    }
                    changes.write(tx, id).await?;
                    if let Some(list) = &update.allowlist {
                        store::allowlist::put(tx, id, list, now).await?;
                    }
                    record_in(tx, entry).await
                })
            })
            .await
    }

    /// Whether a project may be deleted, or why not.
    pub async fn deletable(&self, project: &ProjectFacts) -> Result<(), CatalogError> {
        match self.repository_count(project.id).await? {
            0 => Ok(()),
            count => Err(holds_repositories(&project.name, Some(count))),
        }
    }

    /// Deletes an empty project. Its name is free at once; its row stays for the log.
    pub async fn delete_project(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
    ) -> Result<(), CatalogError> {
        let (now, id, name) = (self.clock().now(), project.id, project.name.clone());
        let entry = audit::of_project(caller, "delete", now, &name).in_project(id);
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    // In this order: see `mark_deleted`.
                    if !store::project::mark_deleted(tx, id, now).await? {
                        return Err(CatalogError::project_not_found(&name));
                    }
                    if store::repository::any(tx, id).await? {
                        return Err(holds_repositories(&name, None));
                    }
                    record_in(tx, entry).await?;
                    robots::forget_project(tx, id).await?;
                    store::allowlist::delete(tx, id).await?;
                    store::quota::delete(tx, id).await
                })
            })
            .await
    }

    /// How many of what the project holds.
    pub async fn summary(&self, project: ProjectId) -> Result<Summary, CatalogError> {
        let counts = store::member::count_by_role(self.db(), project).await?;
        let members = counts
            .into_iter()
            .filter_map(|(role, count)| Some((Role::from_id(role)?, count)));
        let quota = if self.settings().quota_per_project_enable {
            store::quota::get(self.db(), project).await?
        } else {
            None
        };
        Ok(Summary {
            quota: quota.map(|quota| quota.storage),
            repo_count: self.repository_count(project).await?,
            members: members.collect(),
        })
    }
}

fn holds_repositories(name: &str, count: Option<i64>) -> CatalogError {
    let what = match count {
        Some(1) => "1 repository".to_owned(),
        Some(count) => format!("{count} repositories"),
        None => "repositories".to_owned(),
    };
    CatalogError::Precondition(format!(
        "project {name} holds {what}: delete what it holds first"
    ))
}
