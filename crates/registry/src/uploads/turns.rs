//! One request at a time works on an upload.
//!
//! Invariant: whoever reads an upload's row in order to go on with the upload holds its turn, so
//! that the row is what the request before left. Without it, a request that waited for another's
//! bytes would go on from where that one began, and cut off what it was answered for.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a request waits for the one before it: long enough for that one's last write, too
/// short to pile up behind an upload that goes on.
const WAIT: Duration = Duration::from_secs(5);

/// The uploads that requests of this process work on.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    held: Mutex<HashSet<String>>,
    freed: Notify,
}

impl Turns {
    /// Waits for a turn at an upload, for a moment at most; `None` when it did not come.
    pub(crate) async fn take(self: &Arc<Self>, id: &str) -> Option<Turn> {
        let taken = async {
            loop {
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                if self.lock().insert(id.to_owned()) {
                    break;
                }
                freed.await;
            }
        };
        tokio::time::timeout(WAIT, taken).await.ok()?;
        Some(Turn {
            turns: Arc::clone(self),
            id: id.to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn at one upload, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    id: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.id);
        self.turns.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_waited_for_and_not_for_ever() {
        let turns = Arc::new(Turns::default());
        let first = turns.take("a").await.unwrap();
        assert!(turns.take("b").await.is_some());
        assert!(turns.take("a").await.is_none());
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take("a").await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
        assert!(turns.take("a").await.is_some());
    }
}
