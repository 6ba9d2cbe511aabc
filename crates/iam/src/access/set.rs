//! [`PermissionSet`]: permissions as bits, one word of actions a resource.

use berth_model::{Action, Resource};

use super::Permission;

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermissionSet([u16; Resource::ALL.len()]);

impl PermissionSet {
    /// The set of nothing.
    pub const EMPTY: Self = Self([0; Resource::ALL.len()]);

    /// Adds a permission.
    pub const fn insert(&mut self, permission: Permission) {
        self.0[permission.resource as usize] |= 1 << permission.action as u16;
    }

    /// Whether it holds this permission.
    pub const fn contains(&self, permission: Permission) -> bool {
        self.0[permission.resource as usize] & (1 << permission.action as u16) != 0
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|actions| *actions == 0)
    }

    /// Whether `other` holds all of it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.beyond(other).next().is_none()
    }

    /// What it holds and `other` does not.
    pub fn beyond(&self, other: &Self) -> impl Iterator<Item = Permission> {
        let mut left = *self;
        for (mine, theirs) in left.0.iter_mut().zip(other.0) {
            *mine &= !theirs;
        }
        left.iter()
    }

    /// This and `other` together.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
        self
    }

    /// Every permission in it, by resource.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Resource::ALL.iter().flat_map(move |resource| {
            Action::ALL
                .iter()
                .map(|action| Permission::new(*resource, *action))
                .filter(move |permission| self.contains(*permission))
        })
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        let mut set = Self::EMPTY;
        for permission in permissions {
            set.insert(permission);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_compared_by_what_they_hold() {
        let pull = Permission::new(Resource::Repository, Action::Pull);
        let push = Permission::new(Resource::Repository, Action::Push);
        let last = Permission::new(Resource::LdapUser, Action::Stop);
        let one: PermissionSet = [pull].into_iter().collect();
        let two: PermissionSet = [pull, push, last].into_iter().collect();
        assert!(one.is_within(&two) && !two.is_within(&one));
        assert_eq!(two.beyond(&one).collect::<Vec<_>>(), [push, last]);
        assert_eq!(one.with(&two), two);
        assert!(PermissionSet::EMPTY.is_empty() && PermissionSet::EMPTY.is_within(&one));
        assert!(two.contains(last) && !one.contains(last));
    }
}
