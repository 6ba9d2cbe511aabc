//! Accounts that visitors make for themselves, where the settings let them.
//!
//! Invariant: what is remembered of visitors is bounded, and an address makes few accounts a hour.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::{Iam, IamError};

/// Seconds of a window.
const WINDOW: i64 = 3600;
/// Accounts of one address, and of all together, in a window.
const OF_ADDRESS: u32 = 10;
const OF_ALL: u32 = 300;

/// Says whether visitors may make an account now.
pub type RegistrationSwitch = Arc<dyn Fn() -> bool + Send + Sync>;

#[derive(Default)]
pub(crate) struct Registration {
    switch: OnceLock<RegistrationSwitch>,
    recent: Mutex<Recent>,
}

/// Attempts of the window that began at `since`. It never holds more addresses than [`OF_ALL`].
#[derive(Default)]
struct Recent {
    since: i64,
    all: u32,
    addresses: HashMap<IpAddr, u32>,
}

impl Recent {
    /// Takes one attempt, or says for how many seconds there are none left.
    fn take(&mut self, address: IpAddr, now: i64) -> Result<(), u64> {
        if now >= self.since.saturating_add(WINDOW) || now < self.since {
            *self = Self {
                since: now,
                ..Self::default()
            };
        }
        let left = self.since.saturating_add(WINDOW).saturating_sub(now);
        let of_address = self.addresses.get(&address).copied().unwrap_or(0);
        if of_address >= OF_ADDRESS || self.all >= OF_ALL {
            return Err(left.unsigned_abs());
        }
        self.addresses.insert(address, of_address + 1);
        self.all += 1;
        Ok(())
    }
}

/// A customer's network is one visitor: the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let kept = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(kept.into())
        }
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

impl Iam {
    /// Asks `switch` from now on whether visitors may make an account; only the first one counts.
    pub fn let_register(&self, switch: RegistrationSwitch) {
        let _ = self.registration().switch.set(switch);
    }

    /// Whether visitors may make an account.
    pub fn visitors_may_register(&self) -> bool {
        let switch = self.registration().switch.get();
        switch.is_some_and(|switch| switch())
    }

    /// Counts that a visitor tries to make an account.
    pub(crate) fn count_registration(&self, address: IpAddr) -> Result<(), IamError> {
        let now = self.clock().now();
        let recent = &self.registration().recent;
        let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = recent.take(network(address), now.micros() / 1_000_000);
        taken.map_err(IamError::Registrations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_makes_few_accounts_and_all_together_not_too_many() {
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        let mut recent = Recent::default();
        for _ in 0..OF_ADDRESS {
            assert_eq!(recent.take(address(1), 10_000), Ok(()));
        }
        assert_eq!(recent.take(address(1), 10_600), Err(3000));
        assert_eq!(recent.take(address(2), 10_600), Ok(()));
        assert_eq!(recent.take(address(1), 10_000 + WINDOW), Ok(()));
        let mut recent = Recent::default();
        let made = (0..1000).filter(|n| {
            let address = IpAddr::from([10, 0, (n / 250) as u8, (n % 250) as u8]);
            recent.take(address, 5).is_ok()
        });
        assert_eq!(made.count(), OF_ALL as usize);
        assert!(recent.addresses.len() <= OF_ALL as usize);
    }

    #[test]
    fn the_addresses_of_one_customer_are_one() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8:0:1::1"), parse("2001:db8:0:1:ffff::2"));
        assert_ne!(parse("2001:db8:0:1::1"), parse("2001:db8:0:2::1"));
        assert_eq!(parse("::ffff:10.0.0.1"), parse("10.0.0.1"));
        assert_ne!(parse("10.0.0.1"), parse("10.0.0.2"));
    }
}
