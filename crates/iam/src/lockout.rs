//! Slowing down those who guess passwords.
//!
//! Failures are counted for an account from one address, for an account from everywhere and for
//! an address. Each has its own threshold, after which every further failure doubles the time in
//! which no guess is looked at. Names that belong to nobody are counted alike, so that being
//! slowed down says nothing about them.
//!
//! Invariant: someone who guesses at an account from elsewhere reaches its owner only through the
//! highest threshold, and an owner whose password was right a moment ago not at all.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use berth_crypto::sha256_hex;
use berth_db::{Db, DbError, Durability, Tx, args};
use berth_model::{Clock, RobotId, Timestamp, UserId};

use crate::IamError;

/// Failures after which an account is slowed down for the address they came from.
const PER_PAIR: i64 = 5;
/// Failures after which an address is slowed down: many people may share one.
const PER_ADDRESS: i64 = 30;
/// Failures after which an account is slowed down for everybody.
const PER_ACCOUNT: i64 = 100;
/// Failures are forgotten after this much peace.
const WINDOW: Duration = Duration::from_mins(15);
/// Longest time without a look at a guess.
const LONGEST: Duration = Duration::from_mins(15);
/// Time between two sweeps of what is forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// What a login's failure counts against, in the order all transactions take them.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    account: String,
    address: String,
    pair: String,
}

impl Subjects {
    /// `user` is the user the name belongs to: name and e-mail address count as one.
    pub(crate) fn of(name: &str, user: Option<UserId>, address: IpAddr) -> Self {
        // Hashed, because people type passwords into the field for the name.
        let account = user.map_or_else(
            || format!("?{}", &sha256_hex(name.as_bytes())[..32]),
            |id| id.to_string(),
        );
        Self::account(account, address)
    }

    /// Guesses at a robot's secret.
    pub(crate) fn of_robot(id: RobotId, address: IpAddr) -> Self {
        Self::account(format!("robot-{id}"), address)
    }

    fn account(account: String, address: IpAddr) -> Self {
        let address = network(address);
        Self {
            pair: format!("pair:{account}@{address}"),
            account: format!("account:{account}"),
            address: format!("address:{address}"),
        }
    }

    fn counted(&self) -> [(&str, i64); 3] {
        [
            (&self.account, PER_ACCOUNT),
            (&self.address, PER_ADDRESS),
            (&self.pair, PER_PAIR),
        ]
    }
}

/// One subscriber has a whole /64 of IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64")
        }
    }
}

/// The time after the `failures`-th failure: 1 s at the threshold, then twice as long each time.
fn pause(failures: i64, threshold: i64) -> Duration {
    let beyond = failures - threshold;
    if beyond < 0 {
        return Duration::ZERO;
    }
    let seconds = 1_u64 << beyond.min(20);
    Duration::from_secs(seconds).min(LONGEST)
}

/// Whether anything is counted against a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Clean,
    Failures,
}

/// Counts failed logins.
#[derive(Debug)]
pub(crate) struct Lockout {
    db: Db,
    clock: Clock,
    swept_at: AtomicI64,
}

impl Lockout {
    pub(crate) const fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            swept_at: AtomicI64::new(0),
        }
    }

    /// Refuses a login that has to wait.
    pub(crate) async fn check(&self, subjects: &Subjects) -> Result<Record, IamError> {
        let (counted, until): (i64, Option<i64>) = self
            .db
            .one(
                "SELECT COUNT(*), MAX(blocked_until) FROM login_failure \
                 WHERE subject IN ($1, $2, $3)",
                args![&subjects.account, &subjects.address, &subjects.pair],
            )
            .await?;
        let until = Timestamp::from_micros(until.unwrap_or(0));
        let left = until.since(self.clock.now());
        if !left.is_zero() {
            return Err(IamError::Locked(left.as_millis().div_ceil(1_000) as u64));
        }
        Ok(if counted == 0 {
            Record::Clean
        } else {
            Record::Failures
        })
    }

    /// Counts one failure.
    pub(crate) async fn fail(&self, subjects: &Subjects) -> Result<(), IamError> {
        let subjects = subjects.clone();
        let now = self.clock.now();
        let sweep = self.sweep_is_due(now);
        self.db
            .write_with(Durability::Relaxed, move |tx| {
                Box::pin(async move {
                    for (subject, threshold) in subjects.counted() {
                        count(tx, subject, threshold, now).await?;
                    }
                    if sweep {
                        forget(tx, now).await?;
                    }
                    Ok::<_, DbError>(())
                })
            })
            .await?;
        Ok(())
    }

    /// Forgets the account's failures after a right password. The address keeps its own: who has
    /// one account could otherwise try passwords of others for ever.
    pub(crate) async fn succeed(&self, subjects: &Subjects) -> Result<(), IamError> {
        let Subjects { account, pair, .. } = subjects.clone();
        self.db
            .write_with(Durability::Relaxed, move |tx| {
                Box::pin(async move {
                    tx.execute(
                        "DELETE FROM login_failure WHERE subject IN ($1, $2)",
                        args![account, pair],
                    )
                    .await
                })
            })
            .await
            .map(drop)
            .map_err(|error: DbError| error.into())
    }

    fn sweep_is_due(&self, now: Timestamp) -> bool {
        let last = self.swept_at.load(Ordering::Relaxed);
        now.since(Timestamp::from_micros(last)) >= SWEEP_EVERY
            && self
                .swept_at
                .compare_exchange(last, now.micros(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

async fn count(tx: &mut Tx, subject: &str, threshold: i64, now: Timestamp) -> Result<(), DbError> {
    let horizon = now.minus(WINDOW);
    let (failures,): (i64,) = tx
        .one(
            "INSERT INTO login_failure (subject, failures, first_at, blocked_until) \
             VALUES ($1, 1, $2, 0) \
             ON CONFLICT (subject) DO UPDATE SET \
               failures = CASE WHEN login_failure.first_at < $3 AND login_failure.blocked_until < $3 \
                 THEN 1 ELSE login_failure.failures + 1 END, \
               first_at = CASE WHEN login_failure.first_at < $3 AND login_failure.blocked_until < $3 \
                 THEN $2 ELSE login_failure.first_at END \
             RETURNING failures",
            args![subject, now, horizon],
        )
        .await?;
    let pause = pause(failures, threshold);
    if !pause.is_zero() {
        tx.execute(
            "UPDATE login_failure SET blocked_until = $2 WHERE subject = $1",
            args![subject, now.plus(pause)],
        )
        .await?;
    }
    Ok(())
}

async fn forget(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM login_failure WHERE first_at < $1 AND blocked_until < $1",
        args![now.minus(WINDOW)],
    )
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        let seconds = |failures| pause(failures, 5).as_secs();
        assert_eq!([1, 4, 5, 6, 7, 14].map(seconds), [0, 0, 1, 2, 4, 512]);
        assert_eq!([15, 60, i64::MAX].map(seconds), [900; 3]);
    }

    #[test]
    fn subjects_hide_names_and_join_a_subscribers_addresses() {
        let of = |name, address: &str| Subjects::of(name, None, address.parse().unwrap());
        let jane = of("Sup3r-secret", "2001:db8:1:2:3::4");
        assert!(!format!("{jane:?}").contains("Sup3r"));
        assert_eq!(jane.address, "address:2001:db8:1:2::/64");
        assert_eq!(jane.pair, of("Sup3r-secret", "2001:db8:1:2:ffff::").pair);
        assert_ne!(jane.pair, of("Sup3r-secret", "2001:db8:1:3::4").pair);
        assert_ne!(jane.account, of("jane", "10.0.0.1").account);
        assert_eq!(of("x", "::ffff:10.0.0.1").address, "address:10.0.0.1");
        let by_id = |name| Subjects::of(name, Some(UserId(3)), "10.0.0.1".parse().unwrap());
        assert_eq!(by_id("jane").pair, by_id("jane@example.com").pair);
    }
}
