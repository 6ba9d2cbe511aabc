//! What to do when the kernel refuses a connection.
//!
//! Invariant: an error that will come again at once (no descriptors left) makes the loop wait,
//! one that belongs to a single client does not.

use std::io::{self, ErrorKind};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// The pause after accept errors in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    /// A connection was accepted: trouble is over.
    pub(super) fn reset(&mut self) {
        if self.last.take().is_some() {
            tracing::info!("connections are accepted again");
        }
    }

    /// How long to wait after `error`, if at all.
    pub(super) fn after(&mut self, error: &io::Error) -> Option<Duration> {
        if is_clients_own(error) {
            return None;
        }
        let pause = match self.last {
            None => {
                // Logged once, not once a retry: a full disk would be next.
                tracing::error!(%error, "cannot accept connections, trying again");
                FIRST
            }
            Some(last) => (last * 2).min(LONGEST),
        };
        self.last = Some(pause);
        Some(pause)
    }
}

fn is_clients_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_start_over() {
        let mut backoff = Backoff::default();
        let no_descriptors = io::Error::from_raw_os_error(24);
        let pauses: Vec<u128> = (0..9)
            .filter_map(|_| backoff.after(&no_descriptors))
            .map(|pause| pause.as_millis())
            .collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        backoff.reset();
        assert_eq!(backoff.after(&no_descriptors), Some(FIRST));
    }

    #[test]
    fn a_client_that_hung_up_costs_nothing() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.after(&ErrorKind::ConnectionAborted.into()), None);
    }
}
