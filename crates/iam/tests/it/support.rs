//! An [`Iam`] over a database of its own, with quick hashes and a clock that stands still.

use std::net::IpAddr;
use std::sync::Arc;

use berth_crypto::KeyFile;
use berth_db::Db;
use berth_iam::{Author, HashCost, Iam, IamOptions, NewUser, Profile, User};
use berth_model::{Clock, Secret, Timestamp, UserId, UserName};

pub(crate) const PASSWORD: &str = "Sailor12345";

pub(crate) struct Harbour {
    pub(crate) iam: Iam,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) folder: tempfile::TempDir,
}

impl Harbour {
    pub(crate) async fn new(db: Db) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_seconds(1_800_000_000));
        Self {
            iam: open(&db, &clock, &folder).await,
            db,
            clock,
            folder,
        }
    }

    /// A second process on the same database and key file.
    pub(crate) async fn replica(&self) -> Iam {
        open(&self.db, &self.clock, &self.folder).await
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        self.iam
            .users()
            .create(new_user(name), &by())
            .await
            .unwrap()
    }

    pub(crate) async fn login(&self, name: &str) -> Arc<User> {
        self.iam
            .login(name, &secret(PASSWORD), address("10.0.0.1"))
            .await
            .unwrap()
    }
}

async fn open(db: &Db, clock: &Clock, folder: &tempfile::TempDir) -> Iam {
    let key_file = KeyFile::load_or_create(folder.path().join("key")).unwrap();
    let options = IamOptions {
        hash_cost: HashCost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        },
        ..IamOptions::default()
    };
    Iam::open(db.clone(), clock.clone(), &key_file, options)
        .await
        .unwrap()
}

/// Who makes the changes of these tests.
pub(crate) fn by() -> Author {
    Author::console()
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        name: UserName::try_from(name.to_owned()).unwrap(),
        profile: profile(&format!("{}@example.com", name.replace(' ', "."))),
        password: secret(PASSWORD),
    }
}

pub(crate) fn profile(email: &str) -> Profile {
    Profile {
        email: email.to_owned(),
        realname: "Jane Doe".to_owned(),
        comment: String::new(),
    }
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
