//! Accounts: made, found, changed, deleted.

use std::time::Duration;

use berth_iam::{FIRST_ADMIN, IamError, NewUser, UserQuery};
use berth_model::{UserId, check_password};
use berth_testkit::{TestDb, both_engines};

use crate::support::{Harbour, PASSWORD, address, by, new_user, profile, secret};

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        let replica = harbour.replica().await;
        let (a, b) = tokio::join!(harbour.iam.ensure_admin(None), replica.ensure_admin(None));
        let shown: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
        assert_eq!(shown.len(), 1, "one replica made it");
        check_password(shown[0].expose()).unwrap();
        let admin = harbour
            .iam
            .login("admin", &shown[0], address("10.0.0.1"))
            .await
            .unwrap();
        assert_eq!((admin.id, admin.sysadmin), (FIRST_ADMIN, true));
        assert!(harbour.iam.ensure_admin(None).await.unwrap().is_none());
        // The next user's id does not meet the administrator's.
        assert_eq!(harbour.user("jane").await, UserId(2));
    })
    .await;
}

#[tokio::test]
async fn a_given_administrators_password_is_used_and_not_shown() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let none = harbour.iam.ensure_admin(Some(secret(""))).await;
    assert!(matches!(none, Err(IamError::Name(_))));
    let shown = harbour.iam.ensure_admin(Some(secret(PASSWORD))).await;
    assert!(shown.unwrap().is_none());
    harbour.login("admin").await;
    // A later start with another password changes nothing.
    harbour
        .iam
        .ensure_admin(Some(secret("Another12345")))
        .await
        .unwrap();
    harbour.login("admin").await;
}

#[tokio::test]
async fn an_account_lives_and_gives_its_name_back() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        let users = harbour.iam.users();
        let boss = harbour.user("boss").await;
        let id = harbour.user("jane doe").await;
        let made = users.get(id).await.unwrap();
        assert_eq!(made.name, "jane doe");
        assert_eq!(made.email.as_deref(), Some("jane.doe@example.com"));
        assert!(!made.sysadmin);
        assert_eq!(
            users.find("jane.doe@example.com").await.unwrap(),
            Some(made)
        );

        let same_name = NewUser {
            profile: profile("other@example.com"),
            ..new_user("jane doe")
        };
        let again = users.create(same_name, &by()).await;
        assert!(matches!(again, Err(IamError::Taken("username"))));
        let same_address = NewUser {
            profile: profile("jane.doe@example.com"),
            ..new_user("other")
        };
        let again = users.create(same_address, &by()).await;
        assert!(matches!(again, Err(IamError::Taken("email"))));
        let taken = users
            .update_profile(id, profile("boss@example.com"), &by())
            .await;
        assert!(matches!(taken, Err(IamError::Taken("email"))));

        harbour.clock.advance(Duration::from_secs(5));
        users
            .update_profile(id, profile("new@example.com"), &by())
            .await
            .unwrap();
        let changed = users.get(id).await.unwrap();
        assert_eq!(changed.email.as_deref(), Some("new@example.com"));
        assert!(changed.updated_at > changed.created_at);

        users.remove(id, Some(boss), &by()).await.unwrap();
        for gone in [
            users.get(id).await.map(drop),
            users.remove(id, Some(boss), &by()).await,
            users.set_sysadmin(id, true, &by()).await,
            users.set_password(id, &secret("Changed12345"), &by()).await,
            users
                .update_profile(id, profile("x@example.com"), &by())
                .await,
        ] {
            assert!(matches!(gone, Err(IamError::NotFound(_))));
        }
        assert_eq!(users.find("jane doe").await.unwrap(), None);
        assert_eq!(users.find(&format!("jane doe#{id}")).await.unwrap(), None);
        assert_ne!(harbour.user("jane doe").await, id);
    })
    .await;
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let users = harbour.iam.users();
    harbour
        .iam
        .ensure_admin(Some(secret(PASSWORD)))
        .await
        .unwrap();
    let id = harbour.user("jane").await;
    for weak in ["", "short1A", "alllowercase1", &"Aa1".repeat(60)] {
        let refused = users.set_password(id, &secret(weak), &by()).await;
        assert!(matches!(refused, Err(IamError::Name(_))), "{weak}");
    }
    let same = users.set_password(id, &secret(PASSWORD), &by()).await;
    assert!(matches!(same, Err(IamError::SamePassword)));
    for email in ["", "jane", "jane@host"] {
        let refused = users.update_profile(id, profile(email), &by()).await;
        assert!(matches!(refused, Err(IamError::Profile(_))), "{email}");
    }
    for protected in [
        users.remove(id, Some(id), &by()).await,
        users.remove(FIRST_ADMIN, Some(id), &by()).await,
        users.set_sysadmin(FIRST_ADMIN, false, &by()).await,
    ] {
        assert!(matches!(protected, Err(IamError::Protected(_))));
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    both_engines(|db| async move {
        let harbour = Harbour::new(db).await;
        let users = harbour.iam.users();
        let boss = harbour.user("boss").await;
        for name in ["anna", "Annika", "a_c", "abc", "gone"] {
            harbour.clock.advance(Duration::from_secs(1));
            harbour.user(name).await;
        }
        let gone = users.find("gone").await.unwrap().unwrap().id;
        users.remove(gone, Some(boss), &by()).await.unwrap();
        users.set_sysadmin(boss, true, &by()).await.unwrap();
        let names = async |q: &str, sort: &str, limit, offset| {
            let query = UserQuery::parse(q, sort).unwrap();
            let (accounts, total) = users.list(&query, limit, offset).await.unwrap();
            let names: Vec<String> = accounts.into_iter().map(|it| it.name).collect();
            (names.join(" "), total)
        };
        let all = "boss anna Annika a_c abc".to_owned();
        assert_eq!(names("", "", 10, 0).await, (all, 5));
        assert_eq!(names("", "", 2, 3).await, ("a_c abc".to_owned(), 5));
        assert_eq!(names("", "-creation_time", 2, 0).await.0, "abc a_c");
        let anns = "anna Annika".to_owned();
        assert_eq!(
            names("username=~ANN", "creation_time", 10, 0).await,
            (anns, 2)
        );
        assert_eq!(names("username=~_", "", 10, 0).await.0, "a_c");
        assert_eq!(names("username=anna", "", 10, 0).await.0, "anna");
        assert_eq!(names("username=%61nna", "", 10, 0).await.0, "anna");
        assert_eq!(names("sysadmin_flag=true", "", 10, 0).await.0, "boss");
        assert_eq!(names("email=~abc@", "", 10, 0).await.0, "abc");
        assert_eq!(names("creation_time=[~2020-01-01]", "", 10, 0).await.1, 0);
        assert_eq!(names("username=' OR 1=1 --", "", 10, 0).await.1, 0);
        let (found, total) = users.search("ann", 1).await.unwrap();
        assert_eq!((found.len(), total), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let db = TestDb::sqlite().await;
    let harbour = Harbour::new(db.db()).await;
    let id = harbour.user("jane").await;
    let account = harbour.iam.users().get(id).await.unwrap();
    let printed = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        new_user("joe"),
        account,
        harbour.iam,
        harbour.iam.authority(),
        harbour.iam.users(),
    );
    assert!(printed.contains("joe"));
    assert!(
        !printed.contains(PASSWORD) && !printed.contains("argon2"),
        "{printed}"
    );
}
