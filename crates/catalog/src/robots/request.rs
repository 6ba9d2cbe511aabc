//! What a request says of a robot, checked before anything is looked up.

use std::time::Duration;

use berth_iam::access::{Level, PermissionSet, parse_offered};
use berth_model::Timestamp;

use crate::CatalogError;

/// Most permissions of one robot, and most pairs in each.
const MOST_PERMISSIONS: usize = 1_000;
const MOST_PAIRS: usize = 500;
/// Most days; Harbor's bound.
const MOST_DAYS: i64 = i32::MAX as i64;
/// The duration of what does not end.
const FOREVER: i64 = -1;

/// A resource and an action.
#[derive(Clone, Debug, Default)]
pub struct AccessRequest {
    /// The resource's name.
    pub resource: String,
    /// The action's name.
    pub action: String,
    /// "allow", or empty.
    pub effect: String,
}

/// What is allowed in one namespace.
#[derive(Clone, Debug, Default)]
pub struct PermissionRequest {
    /// "system" or "project".
    pub kind: String,
    /// "/", a project's name, or "*" for every project.
    pub namespace: String,
    /// What is allowed there.
    pub access: Vec<AccessRequest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    System,
    EveryProject,
    Project(String),
}

pub(super) type Parts = Vec<(Namespace, PermissionSet)>;

/// Reads the permissions of a robot of this level.
pub(super) fn read_parts(
    level: Level,
    permissions: &[PermissionRequest],
) -> Result<Parts, CatalogError> {
    if permissions.is_empty() || permissions.len() > MOST_PERMISSIONS {
        return Err(CatalogError::Invalid(format!(
            "a robot has 1 to {MOST_PERMISSIONS} permissions"
        )));
    }
    let parts: Parts = permissions
        .iter()
        .map(read_part)
        .collect::<Result<_, _>>()?;
    let fits = match (level, &parts[..]) {
        (Level::System, _) | (Level::Project, [(Namespace::Project(_), _)]) => true,
        (Level::Project, _) => false,
    };
    if !fits {
        return Err(CatalogError::Invalid(
            "a project's robot has exactly one permission, of kind \"project\", whose namespace is the project's name"
                .to_owned(),
        ));
    }
    Ok(parts)
}

fn read_part(permission: &PermissionRequest) -> Result<(Namespace, PermissionSet), CatalogError> {
    let kind = Level::parse(&permission.kind).ok_or_else(|| {
        CatalogError::Invalid(format!(
            "the kind of a permission is \"system\" or \"project\", not {:?}",
            permission.kind
        ))
    })?;
    let namespace = match (kind, permission.namespace.as_str()) {
        (Level::System, "/") => Namespace::System,
        (Level::System, other) => {
            return Err(CatalogError::Invalid(format!(
                "the namespace of a permission of kind \"system\" is \"/\", not {other:?}"
            )));
        }
        (Level::Project, "*") => Namespace::EveryProject,
        (Level::Project, name) => Namespace::Project(name.to_owned()),
    };
    if permission.access.is_empty() || permission.access.len() > MOST_PAIRS {
        return Err(CatalogError::Invalid(
            "a permission lists what it allows in access: at least one resource and action"
                .to_owned(),
        ));
    }
    let mut set = PermissionSet::EMPTY;
    for pair in &permission.access {
        if !matches!(pair.effect.as_str(), "" | "allow") {
            return Err(CatalogError::Invalid(format!(
                "the effect of an access is \"allow\", not {:?}",
                pair.effect
            )));
        }
        let found = parse_offered(kind, &pair.resource, &pair.action).ok_or_else(|| {
            CatalogError::Invalid(format!(
                "no robot can be given {}:{} in a permission of kind {:?}; GET /permissions lists what it can",
                pair.resource,
                pair.action,
                kind.as_str()
            ))
        })?;
        set.insert(found);
    }
    Ok((namespace, set))
}

/// How many days a robot lives from `since` on, and when it ends.
pub(super) fn expiry(
    duration: i64,
    default: i64,
    since: Timestamp,
) -> Result<(i64, Option<Timestamp>), CatalogError> {
    let days = if duration == 0 { default } else { duration };
    match days {
        FOREVER => Ok((FOREVER, None)),
        1..=MOST_DAYS => {
            let life = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
            Ok((days, Some(since.plus(life))))
        }
        _ => Err(CatalogError::Invalid(format!(
            "the duration of a robot is -1 for ever, 0 for the default, or 1 to {MOST_DAYS} days"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(kind: &str, namespace: &str, pairs: &[(&str, &str)]) -> PermissionRequest {
        PermissionRequest {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            access: pairs
                .iter()
                .map(|(resource, action)| AccessRequest {
                    resource: (*resource).to_owned(),
                    action: (*action).to_owned(),
                    effect: String::new(),
                })
                .collect(),
        }
    }

    const PULL: &[(&str, &str)] = &[("repository", "pull")];

    #[test]
    fn a_project_robot_has_one_project() {
        let one = permission("project", "app", PULL);
        assert!(read_parts(Level::Project, std::slice::from_ref(&one)).is_ok());
        for bad in [
            vec![],
            vec![one.clone(), one.clone()],
            vec![permission("project", "*", PULL)],
            vec![permission("system", "/", &[("robot", "list")])],
        ] {
            assert!(read_parts(Level::Project, &bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_what_is_offered_can_be_asked_for() {
        let both = [
            permission("system", "/", &[("project", "create")]),
            permission("project", "*", PULL),
        ];
        assert_eq!(read_parts(Level::System, &both).unwrap().len(), 2);
        let mut denied = permission("project", "app", PULL);
        denied.access[0].effect = "deny".to_owned();
        for bad in [
            denied,
            permission("project", "app", &[]),
            permission("project", "app", &[("robot", "update")]),
            permission("project", "app", &[("repository", "*")]),
            permission("project", "app", &[("configuration", "update")]),
            permission("system", "app", &[("robot", "list")]),
            permission("system", "/", &[("configuration", "update")]),
            permission("system", "/", PULL),
            permission("", "/", PULL),
        ] {
            assert!(
                read_parts(Level::System, std::slice::from_ref(&bad)).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn durations() {
        let start = Timestamp::from_seconds(0);
        let day = |days: i64| Some(Timestamp::from_seconds(days * 86_400));
        assert_eq!(expiry(-1, 30, start).unwrap(), (-1, None));
        assert_eq!(expiry(0, 30, start).unwrap(), (30, day(30)));
        assert_eq!(expiry(0, -1, start).unwrap(), (-1, None));
        assert_eq!(expiry(7, 30, start).unwrap(), (7, day(7)));
        for bad in [-2, i64::MIN, i64::MAX, MOST_DAYS + 1] {
            assert!(expiry(bad, 30, start).is_err(), "{bad}");
        }
    }
}
