//! [`Watch`]: who follows a long piece of work.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Takes what a long piece of work says, and tells it when to end.
pub trait Watch: Send + Sync {
    /// Cancelled when the work should end early, with what is done.
    fn stop(&self) -> &CancellationToken;

    /// A line for the log of this run.
    fn say(&self, line: String);

    /// How far it has come.
    fn progress(&self, done: u64, total: u64);
}

/// Nobody listens; the token may still end the work.
#[derive(Clone, Debug, Default)]
pub struct Unwatched(pub CancellationToken);

impl Watch for Unwatched {
    fn stop(&self) -> &CancellationToken {
        &self.0
    }

    fn say(&self, line: String) {
        tracing::debug!(line, "upkeep");
    }

    fn progress(&self, _: u64, _: u64) {}
}

/// Waits, unless the work should end.
pub(crate) async fn pause(watch: &dyn Watch, time: Duration) {
    if !time.is_zero() {
        let _ = watch
            .stop()
            .run_until_cancelled(tokio::time::sleep(time))
            .await;
    }
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" {
        format!("{bytes} bytes")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (3 << 50, "3072.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
