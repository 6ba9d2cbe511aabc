//! Audit lines to a log server (RFC 5424), over UDP (RFC 5426), TCP with counted octets (RFC 6587)
//! or TLS (RFC 5425).
//!
//! Invariant: lines are sent from the database and leave it after they were sent, in their order,
//! by one process at a time. No request waits for it. A connection that breaks may take along what
//! was under way, so a batch counts as sent only when the other side has not hung up a moment later:
//! lines may come twice. The protocol has no receipts: what a network swallows without a word after
//! the system took it is lost, as is what waits beyond what is kept.

mod destination;
mod message;
mod wire;

use std::time::Duration;

use berth_db::{DbError, Engine};
use berth_iam::audit::outbox::{self, Waiting};
use berth_model::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{Notify, NotifyError};
use destination::Destination;
use wire::Wire;

/// Lines sent together.
const BATCH: i64 = 500;
/// Lines kept while the server cannot be reached; older ones are dropped.
const MOST: i64 = 1_000_000;
/// How often new lines are looked for.
const POLL: Duration = Duration::from_secs(1);
/// The pause after a failure, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long a process has the turn to send without asking again.
const TURN: Duration = Duration::from_mins(1);

/// What one process knows of its sending.
struct Forwarder {
    notify: Notify,
    owner: String,
    host: String,
    /// Until when this process has the turn.
    turn: Option<Timestamp>,
    open: Option<(String, Wire)>,
    pause: Duration,
    failing: bool,
}

impl Notify {
    /// Sends audit lines to the log server of the settings until `stop` is cancelled.
    pub async fn forward_audit(&self, stop: CancellationToken) {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let mut forwarder = Forwarder {
            notify: self.clone(),
            owner: uuid::Uuid::new_v4().simple().to_string(),
            host: host.trim().to_owned(),
            turn: None,
            open: None,
            pause: FIRST_PAUSE,
            failing: false,
        };
        loop {
            let work = forwarder.work();
            let Some(pause) = stop.run_until_cancelled(work).await else {
                break;
            };
            let pause = tokio::time::sleep(pause);
            if stop.run_until_cancelled(pause).await.is_none() {
                break;
            }
        }
        forwarder.leave().await;
    }
}

impl Forwarder {
    /// Sends what waits, if this process may, and says how long to rest.
    async fn work(&mut self) -> Duration {
        let address = {
            let settings = self.notify.inner.catalog.settings();
            settings.audit_log_forward_endpoint.clone()
        };
        if address.is_empty() {
            self.open = None;
            return POLL;
        }
        match self.send_some(&address).await {
            Ok(sent) => {
                if self.failing && sent > 0 {
                    tracing::info!(address, "audit lines are forwarded again");
                }
                if sent > 0 {
                    self.failing = false;
                    self.pause = FIRST_PAUSE;
                }
                if sent < BATCH { POLL } else { Duration::ZERO }
            }
            Err(error) => {
                self.open = None;
                if !self.failing {
                    tracing::error!(
                        address,
                        %error,
                        "audit lines cannot be forwarded; they are kept and it is tried again"
                    );
                }
                self.failing = true;
                self.trim().await;
                let pause = self.pause;
                self.pause = (pause * 2).min(LONGEST_PAUSE);
                pause
            }
        }
    }

    /// Sends a batch; gives its lines.
    async fn send_some(&mut self, address: &str) -> Result<i64, NotifyError> {
        let db = self.notify.inner.db.clone();
        let waiting = outbox::waiting(&db, BATCH).await?;
        if waiting.is_empty() || !self.has_turn().await? {
            return Ok(0);
        }
        let lines: Vec<String> = waiting
            .iter()
            .filter_map(|Waiting { entry, times, .. }| {
                let entry = entry.as_ref()?;
                Some(message::message(entry, *times, &self.host))
            })
            .collect();
        let mut wire = match self.open.take() {
            Some((to, wire)) if to == address => wire,
            _ => {
                let destination = Destination::parse(address)?;
                Wire::open(&self.notify.inner.egress, &destination).await?
            }
        };
        wire.send(&lines).await?;
        self.open = Some((address.to_owned(), wire));
        let ids: Vec<i64> = waiting.iter().map(|line| line.id).collect();
        let sent = ids.len() as i64;
        db.write(move |tx| Box::pin(async move { outbox::remove(tx, &ids).await }))
            .await?;
        Ok(sent)
    }

    /// Whether this is the process that sends. One that is alone with its database always is.
    async fn has_turn(&mut self) -> Result<bool, DbError> {
        let db = &self.notify.inner.db;
        if db.engine() == Engine::Sqlite {
            return Ok(true);
        }
        let now = self.notify.inner.catalog.now();
        if self.turn.is_some_and(|until| until.since(now) > TURN / 2) {
            return Ok(true);
        }
        let (owner, until) = (self.owner.clone(), now.plus(TURN));
        let taken = db
            .write(move |tx| {
                Box::pin(async move { outbox::take_turn(tx, &owner, now, until).await })
            })
            .await?;
        self.turn = taken.then_some(until);
        Ok(taken)
    }

    /// Drops the oldest of too many lines.
    async fn trim(&self) {
        let db = &self.notify.inner.db;
        let trimmed = db
            .write(move |tx| Box::pin(async move { outbox::trim(tx, MOST).await }))
            .await;
        match trimmed {
            Ok(0) => {}
            Ok(lost) => tracing::error!(
                lost,
                "audit lines were not forwarded and are dropped: too many wait"
            ),
            Err(error) => tracing::warn!(%error, "waiting audit lines could not be bounded"),
        }
    }

    /// Lets another process send at once.
    async fn leave(self) {
        if self.turn.is_none() {
            return;
        }
        let owner = self.owner;
        let now = self.notify.inner.catalog.now();
        let left = self
            .notify
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let over = Timestamp::from_micros(0);
                    outbox::take_turn(tx, &owner, now, over).await
                })
            })
            .await;
        if let Err(error) = left {
            tracing::debug!(%error, "another process forwards audit lines a little later");
        }
    }
}
