//! [`Grants`]: what a robot may do, and where.

use berth_model::ProjectId;

use super::{Permission, PermissionSet};

/// Where a part of a robot's permissions counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The system.
    System,
    /// Every project, those to come included.
    EveryProject,
    /// One project.
    Project(ProjectId),
}

/// What a robot may do, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<(Place, PermissionSet)>);

impl Grants {
    /// These sets at these places. A place that is named twice holds both sets.
    pub fn new(parts: impl IntoIterator<Item = (Place, PermissionSet)>) -> Self {
        let mut grants: Vec<(Place, PermissionSet)> = Vec::new();
        for (place, set) in parts {
            match grants.iter_mut().find(|(held, _)| *held == place) {
                Some((_, held)) => *held = held.with(&set),
                None => grants.push((place, set)),
            }
        }
        Self(grants)
    }

    /// The parts, each place once.
    pub fn parts(&self) -> impl Iterator<Item = (Place, &PermissionSet)> {
        self.0.iter().map(|(place, set)| (*place, set))
    }

    /// All that is held at a place: in a project also what is held in every one.
    pub fn at(&self, place: Place) -> PermissionSet {
        self.0
            .iter()
            .filter(|(held, _)| {
                *held == place
                    || (*held == Place::EveryProject && matches!(place, Place::Project(_)))
            })
            .fold(PermissionSet::EMPTY, |all, (_, set)| all.with(set))
    }

    /// Whether a permission is held at a place.
    pub fn hold(&self, place: Place, permission: Permission) -> bool {
        self.0.iter().any(|(held, set)| {
            let here = *held == place
                || (*held == Place::EveryProject && matches!(place, Place::Project(_)));
            here && set.contains(permission)
        })
    }

    /// The first permission, and its place, that `self` holds and `other` does not.
    pub fn beyond(&self, other: &Self) -> Option<(Place, Permission)> {
        self.0.iter().find_map(|(place, set)| {
            let first = set.beyond(&other.at(*place)).next();
            first.map(|permission| (*place, permission))
        })
    }
}

#[cfg(test)]
mod tests {
    use berth_model::{Action, Resource};

    use super::*;

    const PULL: Permission = Permission::new(Resource::Repository, Action::Pull);
    const PUSH: Permission = Permission::new(Resource::Repository, Action::Push);
    const ONE: Place = Place::Project(ProjectId(1));
    const TWO: Place = Place::Project(ProjectId(2));

    fn set(permissions: &[Permission]) -> PermissionSet {
        permissions.iter().copied().collect()
    }

    #[test]
    fn every_project_is_each_of_them_and_not_the_system() {
        let grants = Grants::new([(Place::EveryProject, set(&[PULL])), (ONE, set(&[PUSH]))]);
        assert!(grants.hold(ONE, PULL) && grants.hold(ONE, PUSH));
        assert!(grants.hold(TWO, PULL) && !grants.hold(TWO, PUSH));
        assert!(!grants.hold(Place::System, PULL));
        assert!(!grants.hold(Place::EveryProject, PUSH));
    }

    #[test]
    fn what_reaches_further_is_found() {
        let narrow = Grants::new([(ONE, set(&[PULL]))]);
        let wide = Grants::new([(Place::EveryProject, set(&[PULL, PUSH]))]);
        assert_eq!(narrow.beyond(&wide), None);
        assert_eq!(wide.beyond(&narrow), Some((Place::EveryProject, PULL)));
        let other = Grants::new([(TWO, set(&[PULL]))]);
        assert_eq!(other.beyond(&narrow), Some((TWO, PULL)));
        // All of today's projects are not those to come.
        let both = Grants::new([(ONE, set(&[PULL, PUSH])), (TWO, set(&[PULL, PUSH]))]);
        assert!(wide.beyond(&both).is_some());
    }

    #[test]
    fn a_place_named_twice_holds_both() {
        let grants = Grants::new([(ONE, set(&[PULL])), (ONE, set(&[PUSH]))]);
        assert_eq!(grants.parts().count(), 1);
        assert!(grants.hold(ONE, PULL) && grants.hold(ONE, PUSH));
    }
}
