//! Groups of users, as directories know them: LDAP, HTTP and OIDC.
//!
//! Who is in a group is for the directory to say, at each login; a role given to a group is held
//! by everybody who is in it then. Invariant: an LDAP group is known by its distinguished name, a
//! group of another kind by its name; no two share one.

mod store;

use std::fmt;

use berth_db::query::{Column, Filter, Kind, order_by};
use berth_db::{Db, DbError, Tx};
use berth_model::{Clock, GroupId, Timestamp};

use crate::IamError;
use crate::audit::{self, Author, Entry};

/// Longest name and distinguished name, characters.
const LONGEST: usize = 512;
/// Harbor's type of LDAP groups; HTTP is 2 and OIDC 3.
const LDAP: i64 = 1;

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The row of `user_group`.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Harbor's group type: 1 LDAP, 2 HTTP, 3 OIDC.
    pub kind: i64,
    /// Its distinguished name, if it is one of LDAP.
    pub ldap_dn: String,
}

/// A group to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// Harbor's group type: 1 LDAP, 2 HTTP, 3 OIDC.
    pub kind: i64,
    /// Its distinguished name, if it is one of LDAP.
    pub ldap_dn: String,
}

impl NewGroup {
    /// Refuses what no group can be.
    pub fn check(&self) -> Result<(), IamError> {
        if !(1..=3).contains(&self.kind) {
            return Err(IamError::Profile(
                "the group_type is 1 (LDAP), 2 (HTTP) or 3 (OIDC)",
            ));
        }
        if self.kind == LDAP && self.ldap_dn.trim().is_empty() {
            return Err(IamError::Profile(
                "an LDAP group is named by its ldap_group_dn",
            ));
        }
        if self.ldap_dn.chars().count() > LONGEST || self.ldap_dn.chars().any(char::is_control) {
            return Err(IamError::Profile(
                "an ldap_group_dn has at most 512 characters",
            ));
        }
        check_name(&self.name)
    }
}

fn check_name(name: &str) -> Result<(), IamError> {
    let ok = !name.trim().is_empty()
        && name.chars().count() <= LONGEST
        && !name.chars().any(char::is_control);
    if ok {
        Ok(())
    } else {
        Err(IamError::Profile(
            "a group_name has 1 to 512 characters on one line",
        ))
    }
}

/// Which groups are listed.
#[derive(Clone, Debug, Default)]
pub struct GroupFilter {
    /// Those whose name contains this.
    pub name: String,
    /// The one with this distinguished name.
    pub ldap_dn: String,
    /// A `q` of the API.
    pub q: String,
    /// A `sort` of the API.
    pub sort: String,
}

const COLUMNS: &[Column] = &[
    Column::new("id", "g.id", Kind::Integer),
    Column::new("group_name", "g.name", Kind::Text),
    Column::new("group_type", "g.kind", Kind::Integer),
    Column::new("ldap_group_dn", "g.ldap_dn", Kind::Text),
];

/// The groups. Cheap to clone.
#[derive(Clone)]
pub struct Groups {
    db: Db,
    clock: Clock,
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Groups")
    }
}

impl Groups {
    pub(crate) const fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// A page of the groups a filter finds, and how many it finds in all.
    pub async fn list(
        &self,
        wanted: &GroupFilter,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Group>, i64), IamError> {
        let mut filter = Filter::new();
        if !wanted.name.is_empty() {
            filter.and_contains("g.name", &wanted.name);
        }
        if !wanted.ldap_dn.is_empty() {
            let dn = filter.bind(&wanted.ldap_dn);
            filter.and(format!("g.ldap_dn = {dn}"));
        }
        let refused = |error: berth_db::query::QueryError| IamError::Query(error.to_string());
        filter.and_query(&wanted.q, COLUMNS).map_err(refused)?;
        let order = order_by(&wanted.sort, COLUMNS, "g.name", "g.id").map_err(refused)?;
        Ok(store::list(&self.db, &filter, &order, limit, offset).await?)
    }

    /// The group with this id.
    pub async fn get(&self, id: GroupId) -> Result<Group, IamError> {
        store::find(&self.db, id)
            .await?
            .ok_or(IamError::GroupNotFound(id))
    }

    /// Makes a group.
    pub async fn create(&self, group: NewGroup, by: &Author) -> Result<GroupId, IamError> {
        group.check()?;
        let now = self.clock.now();
        let entry = by.did("create", "usergroup", now).on(group.name.as_str());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let made = store::insert(tx, &group, now).await?;
                    let id = made.ok_or(IamError::GroupTaken)?;
                    audit::record(tx, entry).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Gives a group another name.
    pub async fn rename(&self, id: GroupId, name: String, by: &Author) -> Result<(), IamError> {
        check_name(&name)?;
        let now = self.clock.now();
        let entry = by.did("update", "usergroup", now).on(name.as_str());
        self.change(id, entry, move |tx| {
            Box::pin(async move { store::rename(tx, id, &name, now).await })
        })
        .await
    }

    /// Deletes a group and its memberships in projects.
    pub async fn remove(&self, id: GroupId, by: &Author) -> Result<(), IamError> {
        let name = self.get(id).await?.name;
        let entry = by.did("delete", "usergroup", self.clock.now()).on(name);
        self.change(id, entry, move |tx| Box::pin(store::delete(tx, id)))
            .await
    }

    async fn change<F>(&self, id: GroupId, entry: Entry, work: F) -> Result<(), IamError>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> futures_util::future::BoxFuture<'t, Result<bool, DbError>>
            + Clone
            + Send
            + 'static,
    {
        let changed: Result<bool, DbError> = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let changed = work(tx).await?;
                    if changed {
                        audit::record(tx, entry).await?;
                    }
                    Ok(changed)
                })
            })
            .await;
        match changed {
            Ok(true) => Ok(()),
            Ok(false) => Err(IamError::GroupNotFound(id)),
            Err(DbError::Unique(_)) => Err(IamError::GroupTaken),
            Err(other) => Err(other.into()),
        }
    }
}

/// The name of a group that is there.
pub async fn name_in(tx: &mut Tx, id: GroupId) -> Result<Option<String>, DbError> {
    store::name(tx, id).await
}

/// The group of this name, or of this distinguished name, made if it is not there.
pub async fn ensure(tx: &mut Tx, group: &NewGroup, now: Timestamp) -> Result<GroupId, DbError> {
    if let Some(id) = store::insert(tx, group, now).await? {
        return Ok(id);
    }
    store::find_like(tx, group).await
}
