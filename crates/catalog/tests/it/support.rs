//! Accounts, callers and a catalog to call.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use berth_catalog::{Catalog, CatalogError, NewProject, repositories};
use berth_db::{Db, args};
use berth_iam::{Actor, Caller, ProjectFacts, User};
use berth_model::{Clock, Coded, ProjectId, RepositoryId, Timestamp, UserId};

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Clock,
    pub(crate) admin: Caller,
    pub(crate) alice: Caller,
    pub(crate) bob: Caller,
}

pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2026-03-04T05:06:07").unwrap()
}

/// A seeded catalog with the users admin (a system administrator), alice and bob.
pub(crate) async fn world(db: Db) -> World {
    let clock = Clock::manual(start());
    let catalog = Catalog::open(db.clone(), clock.clone()).await.unwrap();
    let admin = account(&db, "admin", true).await;
    let alice = account(&db, "alice", false).await;
    let bob = account(&db, "bob", false).await;
    catalog.seed(id_of(&admin)).await.unwrap();
    World {
        db,
        catalog,
        clock,
        admin,
        alice,
        bob,
    }
}

pub(crate) fn anonymous() -> Caller {
    Caller::new(Actor::Anonymous, IpAddr::V4(Ipv4Addr::LOCALHOST))
}

pub(crate) fn id_of(caller: &Caller) -> UserId {
    caller.actor.user_id().unwrap()
}

pub(crate) async fn account(db: &Db, name: &'static str, sysadmin: bool) -> Caller {
    let id: Result<(i64,), berth_db::DbError> = db
        .write(move |tx| {
            Box::pin(async move {
                tx.one(
                    "INSERT INTO user_account (username, password_changed_at, sysadmin, \
                     created_at, updated_at) VALUES ($1, 0, $2, 0, 0) RETURNING id",
                    args![name, sysadmin],
                )
                .await
            })
        })
        .await;
    let user = User {
        id: UserId(id.unwrap().0),
        name: name.to_owned(),
        sysadmin,
    };
    Caller::new(Actor::User(Arc::new(user)), IpAddr::V4(Ipv4Addr::LOCALHOST))
}

pub(crate) fn new_project(name: &str, public: bool) -> NewProject {
    NewProject {
        name: name.to_owned(),
        public,
        metadata: Vec::new(),
        storage_limit: None,
        allowlist: None,
    }
}

impl World {
    pub(crate) async fn project(&self, caller: &Caller, name: &str, public: bool) -> ProjectId {
        self.catalog
            .create_project(caller, new_project(name, public))
            .await
            .unwrap()
    }

    pub(crate) async fn facts(&self, caller: &Caller, name: &str) -> ProjectFacts {
        self.catalog
            .project_facts(&caller.actor, name)
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn repository(&self, project: ProjectId, name: &str) -> RepositoryId {
        ensure(&self.db, project, name).await.unwrap().0
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        self.db.one::<(i64,)>(sql, args![]).await.unwrap().0
    }
}

pub(crate) async fn ensure(
    db: &Db,
    project: ProjectId,
    name: &str,
) -> Result<(RepositoryId, bool), CatalogError> {
    let name = name.to_owned();
    db.write(move |tx| {
        Box::pin(async move { repositories::ensure(tx, project, &name, start()).await })
    })
    .await
}

/// The HTTP status of a failure.
pub(crate) fn status<T: std::fmt::Debug>(result: Result<T, CatalogError>) -> u16 {
    result.unwrap_err().code().status()
}
