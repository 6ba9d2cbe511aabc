//! Robots over the API: who may make, see, change and delete which.
//!
//! Invariant: nobody gives a robot what they could not do themselves. A project's administrators
//! make robots of that project only; a robot gives only what it holds and lets nothing live longer
//! than itself; and a robot of a project the caller does not manage is the id of nobody.

mod request;

use std::collections::HashMap;

use berth_iam::robots::{self, Creator, NewSecret, RobotChange, RobotEntry, full_name};
use berth_iam::{
    Caller, Grants, Level, Permission, Place, ProjectFacts, Refusal, RobotAccount, Robots, access,
};
use berth_model::{
    Action, NameError, ProjectId, ProjectName, Resource, RobotId, Secret, Timestamp,
};
use percent_encoding::percent_decode_str;

use crate::query::{Column, Filter, Kind, order_by};
use crate::{Catalog, CatalogError, audit, record_in, store};

pub use request::{AccessRequest, PermissionRequest};
use request::{Namespace, Parts, expiry, read_parts};

/// Longest description, characters.
const LONGEST_DESCRIPTION: usize = 1024;

/// A robot to be made.
#[derive(Debug)]
pub struct NewRobot {
    /// Its name, without prefix and project.
    pub name: String,
    /// A remark.
    pub description: String,
    /// Its secret; none: one is made up.
    pub secret: Option<Secret<String>>,
    /// Whether it is a project's or the system's.
    pub level: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Days it lives; -1: it does not end; 0: as long as the setting says.
    pub duration: i64,
    /// What it may do, and where.
    pub permissions: Vec<PermissionRequest>,
}

/// What of a robot is replaced.
#[derive(Debug)]
pub struct RobotUpdate {
    /// Its name as it is; it cannot be changed. Empty: not said.
    pub name: String,
    /// Its level as it is; it cannot be changed. Empty: not said.
    pub level: String,
    /// A remark.
    pub description: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Days it lives, from its making on; -1: it does not end; 0: as long as the setting says.
    pub duration: i64,
    /// What it may do, and where.
    pub permissions: Vec<PermissionRequest>,
}

/// A robot that was just made, with its secret, to be shown once.
#[derive(Debug)]
pub struct MadeRobot {
    /// Its id.
    pub id: RobotId,
    /// The name it logs in with.
    pub name: String,
    /// Its secret.
    pub secret: Secret<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

const COLUMNS: &[Column] = &[
    Column::new("id", "r.id", Kind::Integer),
    Column::new("name", "r.name", Kind::Text),
    Column::new("description", "r.description", Kind::Text),
    Column::new("disable", "r.disabled", Kind::Bool),
    Column::new("disabled", "r.disabled", Kind::Bool),
    Column::new("duration", "r.duration", Kind::Integer),
    Column::new(
        "expires_at",
        "COALESCE(r.expires_at / 1000000, -1)",
        Kind::Integer,
    ),
    Column::new("creator_type", "r.creator_type", Kind::Text),
    Column::new("creator_ref", "r.creator_id", Kind::Integer),
    Column::new("creation_time", "r.created_at", Kind::Time),
    Column::new("update_time", "r.updated_at", Kind::Time),
];

const fn robot(action: Action) -> Permission {
    Permission::new(Resource::Robot, action)
}

fn not_found(id: RobotId) -> CatalogError {
    CatalogError::NotFound(format!("robot {id} not found"))
}

impl Catalog {
    /// The name a robot logs in with.
    pub fn robot_name(&self, name: &str) -> String {
        format!("{}{name}", self.settings().robot_name_prefix)
    }

    /// The names of the projects that robots' permissions speak of.
    pub async fn robot_projects(
        &self,
        robots: &[RobotAccount],
    ) -> Result<HashMap<ProjectId, String>, CatalogError> {
        let parts = robots.iter().flat_map(|robot| robot.grants.parts());
        let mut ids: Vec<ProjectId> = parts
            .filter_map(|(place, _)| match place {
                Place::Project(id) => Some(id),
                Place::System | Place::EveryProject => None,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        store::project::names(self.db(), &ids).await
    }

    /// A page of the robots a `q` asks for, and how many there are: of a project with
    /// `Level=project,ProjectID=1` in it, else of the system.
    pub async fn list_robots(
        &self,
        robots: &Robots,
        caller: &Caller,
        (q, sort): (&str, &str),
        (limit, offset): (i64, i64),
    ) -> Result<(Vec<RobotAccount>, i64), CatalogError> {
        let (project, rest) = split_query(q)?;
        let mut filter = Filter::new();
        if let Some(id) = project {
            self.require_in(caller, id, robot(Action::List)).await?;
            let id = filter.bind(id);
            filter.and(format!("r.project_id = {id}"));
        } else {
            access::require_system(&caller.actor, robot(Action::List))?;
            filter.and("r.project_id IS NULL");
        }
        filter.and_query(&rest, COLUMNS)?;
        let order = order_by(sort, COLUMNS, "r.name", "r.id")?;
        Ok(robots.list(&filter, &order, limit, offset).await?)
    }

    /// One robot, if the caller may do this to it.
    pub async fn get_robot(
        &self,
        robots: &Robots,
        caller: &Caller,
        id: RobotId,
        action: Action,
    ) -> Result<RobotAccount, CatalogError> {
        let found = robots.find(id).await?.ok_or_else(|| not_found(id))?;
        let facts = match found.project {
            Some(project) => {
                let facts = self.project_facts_by_id(&caller.actor, project).await?;
                Some(facts.ok_or_else(|| not_found(id))?)
            }
            None => None,
        };
        let may = |action| match &facts {
            Some(facts) => access::allows(&caller.actor, facts, robot(action)),
            None => access::allows_system(&caller.actor, robot(action)),
        };
        if may(action) {
            return Ok(found);
        }
        if !may(Action::Read) {
            return Err(not_found(id));
        }
        let project = facts.as_ref().map(|facts| facts.name.as_str());
        Err(Refusal::of(&caller.actor, robot(action), project).into())
    }

    /// Makes a robot.
    pub async fn create_robot(
        &self,
        robots: &Robots,
        caller: &Caller,
        new: NewRobot,
    ) -> Result<MadeRobot, CatalogError> {
        let name = ProjectName::try_from(new.name).map_err(|_| NameError::Robot)?;
        check_description(&new.description)?;
        let level = read_level(&new.level)?;
        let parts = read_parts(level, &new.permissions)?;
        let project = self.place_of(caller, level, &parts).await?;
        let grants = self.grants_of(caller, project.as_ref(), &parts).await?;
        check_reach(caller, &grants)?;
        let now = self.clock().now();
        let default = self.settings().robot_token_duration;
        let mut ends = expiry(new.duration, default, now)?;
        if let Some(last) = caller.actor.robot().and_then(|robot| robot.expires_at) {
            ends = within_the_makers_life(ends, last, now);
        }
        let secret = robots.secret(new.secret).await?;
        let entry = RobotEntry {
            name: full_name(
                project.as_ref().map(|facts| facts.name.as_str()),
                name.as_str(),
            ),
            project: project.map(|facts| facts.id),
            description: new.description,
            duration: ends.0,
            expires_at: ends.1,
            disabled: new.disabled,
            creator: creator(caller)?,
            grants,
        };
        let shown = self.robot_name(&entry.name);
        let log = audit::of_robot(caller, "create", now, &shown, entry.project);
        let (expires_at, named) = (entry.expires_at, shown.clone());
        let (id, secret) = self
            .db()
            .write(move |tx| {
                Box::pin(async move {
                    let made = robots::insert(tx, &entry, &secret, now).await?;
                    let id = made.ok_or_else(|| {
                        CatalogError::Conflict(format!("robot {named} exists already"))
                    })?;
                    if let Some(project) = entry.project
                        && store::project::live_name(tx, project).await?.is_none()
                    {
                        return Err(CatalogError::project_not_found(project));
                    }
                    record_in(tx, log).await?;
                    Ok((id, secret.secret))
                })
            })
            .await?;
        Ok(MadeRobot {
            id,
            name: shown,
            secret,
            created_at: now,
            expires_at,
        })
    }

    /// Changes a robot.
    pub async fn update_robot(
        &self,
        robots: &Robots,
        caller: &Caller,
        id: RobotId,
        update: RobotUpdate,
    ) -> Result<(), CatalogError> {
        let found = self.get_robot(robots, caller, id, Action::Update).await?;
        let level = level_of(&found);
        let shown = self.robot_name(&found.name);
        let same_level = update.level.is_empty() || update.level == level.as_str();
        let same_name = update.name.is_empty() || update.name == shown;
        if !same_level || !same_name {
            return Err(CatalogError::Invalid(
                "the name and the level of a robot cannot be changed".to_owned(),
            ));
        }
        check_description(&update.description)?;
        let parts = read_parts(level, &update.permissions)?;
        let project = self.place_of(caller, level, &parts).await?;
        if project.as_ref().map(|facts| facts.id) != found.project {
            return Err(CatalogError::Invalid(
                "a project's robot stays in its project".to_owned(),
            ));
        }
        let grants = self.grants_of(caller, project.as_ref(), &parts).await?;
        check_reach(caller, &grants)?;
        let default = self.settings().robot_token_duration;
        let (duration, expires_at) = if update.duration == found.duration {
            (found.duration, found.expires_at)
        } else {
            expiry(update.duration, default, found.created_at)?
        };
        let now = self.clock().now();
        let log = audit::of_robot(caller, "update", now, &shown, found.project);
        let change = RobotChange {
            description: update.description,
            duration,
            expires_at,
            disabled: update.disabled,
            grants,
        };
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if !robots::update(tx, id, &change, now).await? {
                        return Err(not_found(id));
                    }
                    record_in(tx, log).await
                })
            })
            .await
    }

    /// Gives a robot another secret, and ends the old one at once.
    pub async fn refresh_robot(
        &self,
        robots: &Robots,
        caller: &Caller,
        id: RobotId,
        given: Option<Secret<String>>,
    ) -> Result<NewSecret, CatalogError> {
        let found = self.get_robot(robots, caller, id, Action::Update).await?;
        let secret = robots.secret(given).await?;
        let now = self.clock().now();
        let shown = self.robot_name(&found.name);
        let log = audit::of_robot(caller, "update", now, &shown, found.project)
            .saying("changed the secret");
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if !robots::set_secret(tx, id, &secret, now).await? {
                        return Err(not_found(id));
                    }
                    record_in(tx, log).await?;
                    Ok(secret)
                })
            })
            .await
    }

    /// Deletes a robot.
    pub async fn delete_robot(
        &self,
        robots: &Robots,
        caller: &Caller,
        id: RobotId,
    ) -> Result<(), CatalogError> {
        let found = self.get_robot(robots, caller, id, Action::Delete).await?;
        let now = self.clock().now();
        let shown = self.robot_name(&found.name);
        let log = audit::of_robot(caller, "delete", now, &shown, found.project);
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if !robots::delete(tx, id).await? {
                        return Err(not_found(id));
                    }
                    record_in(tx, log).await
                })
            })
            .await
    }

    /// Checks that the caller may make robots at this level, and gives a project robot's project.
    async fn place_of(
        &self,
        caller: &Caller,
        level: Level,
        parts: &Parts,
    ) -> Result<Option<ProjectFacts>, CatalogError> {
        let create = robot(Action::Create);
        if let (Level::Project, Some((Namespace::Project(name), _))) = (level, parts.first()) {
            let facts = self.project_facts(&caller.actor, name).await?;
            require_found(caller, facts, name, create).map(Some)
        } else {
            access::require_system(&caller.actor, create)?;
            Ok(None)
        }
    }

    async fn grants_of(
        &self,
        caller: &Caller,
        project: Option<&ProjectFacts>,
        parts: &Parts,
    ) -> Result<Grants, CatalogError> {
        if let Some(project) = project {
            let place = Place::Project(project.id);
            return Ok(Grants::new(parts.iter().map(|(_, set)| (place, *set))));
        }
        let names: Vec<&str> = parts
            .iter()
            .filter_map(|(namespace, _)| match namespace {
                Namespace::Project(name) => Some(name.as_str()),
                Namespace::System | Namespace::EveryProject => None,
            })
            .collect();
        let ids = store::project::ids(self.db(), &names).await?;
        let mut grants = Vec::with_capacity(parts.len());
        for (namespace, set) in parts {
            let place = match namespace {
                Namespace::System => Place::System,
                Namespace::EveryProject => Place::EveryProject,
                Namespace::Project(name) => match ids.get(name) {
                    Some(id) => Place::Project(*id),
                    // A robot is told the same of a project that is hidden from it.
                    None => match (caller.actor.robot(), set.iter().next()) {
                        (Some(_), Some(first)) => {
                            return Err(Refusal::to_give(&caller.actor, first).into());
                        }
                        _ => return Err(CatalogError::project_not_found(name)),
                    },
                },
            };
            grants.push((place, *set));
        }
        Ok(Grants::new(grants))
    }

    async fn require_in(
        &self,
        caller: &Caller,
        id: ProjectId,
        permission: Permission,
    ) -> Result<ProjectFacts, CatalogError> {
        let facts = self.project_facts_by_id(&caller.actor, id).await?;
        require_found(caller, facts, &id.to_string(), permission)
    }
}

/// The project, if the caller holds the permission in it. Only system administrators are told
/// that there is no such project.
fn require_found(
    caller: &Caller,
    facts: Option<ProjectFacts>,
    named: &str,
    permission: Permission,
) -> Result<ProjectFacts, CatalogError> {
    let Some(mut facts) = facts else {
        return Err(match caller.actor.user() {
            Some(user) if user.sysadmin => CatalogError::project_not_found(named),
            _ => Refusal::of(&caller.actor, permission, Some(named)).into(),
        });
    };
    let name = std::mem::replace(&mut facts.name, named.to_owned());
    access::require(&caller.actor, &facts, permission)?;
    facts.name = name;
    Ok(facts)
}

const fn level_of(robot: &RobotAccount) -> Level {
    match robot.project {
        Some(_) => Level::Project,
        None => Level::System,
    }
}

/// A robot gives only what it holds itself.
fn check_reach(caller: &Caller, grants: &Grants) -> Result<(), CatalogError> {
    let own = caller.actor.robot().map(|robot| &robot.grants);
    match own.and_then(|own| grants.beyond(own)) {
        Some((_, permission)) => Err(Refusal::to_give(&caller.actor, permission).into()),
        None => Ok(()),
    }
}

/// The days and the end of what a robot makes: it ends with its maker at the latest.
fn within_the_makers_life(
    ends: (i64, Option<Timestamp>),
    last: Timestamp,
    now: Timestamp,
) -> (i64, Option<Timestamp>) {
    const DAY: u64 = 24 * 60 * 60;
    if ends.1.is_some_and(|end| end <= last) {
        return ends;
    }
    let days = last.since(now).as_secs().div_ceil(DAY).max(1);
    (days.cast_signed(), Some(last))
}

fn creator(caller: &Caller) -> Result<Creator, CatalogError> {
    if let Some(robot) = caller.actor.robot() {
        return Ok(Creator::Robot(robot.id));
    }
    let user = caller.actor.user();
    user.map(|user| Creator::User(user.id))
        .ok_or_else(|| Refusal::no_user(&caller.actor).into())
}

fn read_level(text: &str) -> Result<Level, CatalogError> {
    Level::parse(text).ok_or_else(|| {
        CatalogError::Invalid(format!(
            "the level of a robot is \"system\" or \"project\", not {text:?}"
        ))
    })
}

fn check_description(text: &str) -> Result<(), CatalogError> {
    if text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(char::is_control) {
        return Err(CatalogError::Invalid(format!(
            "a description is at most {LONGEST_DESCRIPTION} characters on one line"
        )));
    }
    Ok(())
}

/// Takes Harbor's `Level` and `ProjectID` out of a `q`; what is left is read as any other.
fn split_query(q: &str) -> Result<(Option<ProjectId>, String), CatalogError> {
    // The common grammar unescapes once more (Harbor's rule); so must whoever reads it before.
    let spaced = q.replace('+', " ");
    let plain = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| CatalogError::Invalid(format!("q {q:?} is not readable")))?;
    let (mut level, mut project) = (Level::System, None);
    let mut rest: Vec<&str> = Vec::new();
    for condition in plain.split(',') {
        match condition
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
        {
            Some(("Level" | "level", value)) => level = read_level(value)?,
            Some(("ProjectID" | "project_id", value)) => {
                let id = value.parse().map_err(|_| {
                    CatalogError::Invalid(format!("ProjectID in q is a number, not {value:?}"))
                })?;
                project = Some(ProjectId(id));
            }
            _ => rest.push(condition),
        }
    }
    let rest = rest.join(",").replace('%', "%25").replace('+', "%2B");
    match (level, project) {
        (Level::System, _) => Ok((None, rest)),
        (Level::Project, Some(id)) => Ok((Some(id), rest)),
        (Level::Project, None) => Err(CatalogError::Invalid(
            "project robots are listed by project: add ProjectID=<id> to q".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_and_project_are_taken_out_of_a_q() {
        for (q, project, rest) in [
            ("", None, ""),
            ("Level=system", None, ""),
            ("Level=project,ProjectID=3", Some(3), ""),
            ("name=~ci,Level%3Dproject,ProjectID=3", Some(3), "name=~ci"),
            ("name=a%252Bb", None, "name=a%252Bb"),
            // Harbor's own scripts send it so.
            ("Level=system,ProjectID=0", None, ""),
        ] {
            let found = split_query(q).unwrap();
            assert_eq!(found, (project.map(ProjectId), rest.to_owned()), "{q}");
        }
        for q in [
            "Level=project",
            "Level=x",
            "Level=project,ProjectID=x",
            "%ff",
        ] {
            assert!(split_query(q).is_err(), "{q}");
        }
    }

    #[test]
    fn nothing_outlives_the_robot_that_makes_it() {
        let at = |days: i64| Some(Timestamp::from_seconds(days * 86_400));
        let (now, last) = (at(0).unwrap(), at(9).unwrap());
        let within = |days, end| within_the_makers_life((days, end), last, now);
        assert_eq!(within(5, at(5)), (5, at(5)));
        assert_eq!(within(9, at(9)), (9, at(9)));
        assert_eq!(within(12, at(12)), (9, at(9)));
        assert_eq!(within(-1, None), (9, at(9)));
    }
}
