//! Logins with the same name and password that come together: the first is looked at, and the
//! others have its answer out of the memory of right passwords.
//!
//! Without it, the two hundred jobs of a build farm that log in at once as one user would each
//! have a hash computed, and some of them would be turned away because too many wait.
//!
//! Invariant: there is an entry for a login exactly while somebody waits for it or holds it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::IamError;

type Key = [u8; 32];

/// How long one waits for those before.
const PATIENCE: Duration = Duration::from_secs(15);

/// The logins under way, by the keyed hash of name and password.
#[derive(Debug, Default)]
pub(crate) struct Together {
    under_way: Mutex<HashMap<Key, Arc<Semaphore>>>,
}

impl Together {
    /// Waits until no other login with this key is under way. Says whether there was one.
    ///
    /// # Errors
    /// [`IamError::Busy`] when it takes too long.
    pub(crate) async fn wait(&self, key: Key) -> Result<(Place<'_>, bool), IamError> {
        let semaphore = Arc::clone(
            self.lock()
                .entry(key)
                .or_insert_with(|| Arc::new(Semaphore::new(1))),
        );
        let mut place = Place {
            all: self,
            key,
            permit: None,
        };
        let (permit, waited) = if let Ok(permit) = Arc::clone(&semaphore).try_acquire_owned() {
            (permit, false)
        } else {
            match tokio::time::timeout(PATIENCE, semaphore.acquire_owned()).await {
                Ok(Ok(permit)) => (permit, true),
                Ok(Err(_)) | Err(_) => return Err(IamError::Busy),
            }
        };
        place.permit = Some(permit);
        Ok((place, waited))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Semaphore>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of one login, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    all: &'a Together,
    key: Key,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        // Before the count: a permit holds the semaphore too.
        self.permit = None;
        if let Entry::Occupied(entry) = all.entry(self.key)
            && Arc::strong_count(entry.get()) == 1
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_is_at_work_and_nothing_is_left_behind() {
        let together = Arc::new(Together::default());
        let (first, waited) = together.wait([1; 32]).await.unwrap();
        assert!(!waited);
        assert!(!together.wait([2; 32]).await.unwrap().1, "another login");
        let second = {
            let together = together.clone();
            tokio::spawn(async move { together.wait([1; 32]).await.map(|(_, waited)| waited) })
        };
        let gave_up = {
            let together = together.clone();
            tokio::spawn(async move { together.wait([1; 32]).await.map(drop) })
        };
        tokio::task::yield_now().await;
        gave_up.abort();
        assert!(gave_up.await.unwrap_err().is_cancelled());
        drop(first);
        assert!(second.await.unwrap().unwrap());
        assert!(together.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let together = Together::default();
        let first = together.wait([1; 32]).await.unwrap();
        assert!(matches!(together.wait([1; 32]).await, Err(IamError::Busy)));
        drop(first);
        assert!(together.lock().is_empty());
    }
}
