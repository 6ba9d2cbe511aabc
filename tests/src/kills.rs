//! A server is worked hard and killed again and again; a model says what must be true after each
//! start, and at every answer in between.
//!
//! Invariant of the server that is shown here: each 201 that was not taken back reads to the byte,
//! what was deleted is unreachable at once and its bytes go in the end, quotas count what is held,
//! and fsck finds nothing. A violation is a panic.
//!
//! `BERTH_CRASH_SEED` repeats a run's choices, though not its timing.

mod deletions;
mod keeper;
mod ledger;
mod pusher;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, block_in_place};

use crate::content::Numbers;
use crate::{Api, Options, Server};
use pusher::Pusher;

const PUSHERS: usize = 4;

/// How long a run is, and how long a server lives in it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    end: End,
    /// A server lives for the shortest time or up to `spread` longer.
    shortest: Duration,
    spread: Duration,
    /// Seconds after which what nothing refers to may be collected.
    grace: u32,
    /// Whether `berth gc` collects beside the server's own collections.
    collect_beside: bool,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Kills(u64),
    After(Duration),
}

impl Plan {
    /// So many kills, each soon after a start.
    pub const fn kills(rounds: u64) -> Self {
        Self {
            end: End::Kills(rounds),
            shortest: Duration::from_millis(30),
            spread: Duration::from_millis(1_500),
            grace: 2,
            collect_beside: false,
        }
    }

    /// So many minutes with a kill each minute, or more often in a short run.
    pub fn soak(minutes: u64) -> Self {
        let whole = Duration::from_mins(minutes);
        let life = (whole / 10).min(Duration::from_mins(1));
        Self {
            end: End::After(whole),
            shortest: life / 2,
            spread: life,
            grace: 5,
            collect_beside: true,
        }
    }

    fn is_over(&self, kills: u64, began: Instant) -> bool {
        match self.end {
            End::Kills(rounds) => kills >= rounds,
            End::After(whole) => began.elapsed() >= whole,
        }
    }
}

/// What the pushers of one run share.
#[derive(Debug)]
struct Shared {
    /// Layers that all of them push again and again, so that the same bytes are collected,
    /// mounted and pushed at once.
    layers: Vec<Arc<[u8]>>,
    /// Seconds for which the server promises to keep what was just pushed.
    grace: u32,
    /// Whether the server is meant to be dead.
    killed: AtomicBool,
}

/// Reads a number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Works a server, kills it, looks what is left, until the plan is over.
pub async fn run(options: Options, plan: Plan) {
    let seed = setting("BERTH_CRASH_SEED", u64::from(std::process::id()));
    eprintln!("BERTH_CRASH_SEED={seed}");
    let mut numbers = Numbers::new(seed);
    let mut server = Server::start(options.collecting(1, plan.grace));
    let engine = server.database();
    let engine = engine.split(':').next().unwrap().to_owned();
    let shared = Arc::new(Shared {
        layers: (0..24).map(|number| layer(number, &mut numbers)).collect(),
        grace: plan.grace,
        killed: AtomicBool::new(false),
    });
    let mut pushers: Vec<_> = (0..PUSHERS)
        .map(|number| Pusher::new(number, server.admin(), shared.clone(), numbers.next()))
        .collect();
    let (began, mut kills) = (Instant::now(), 0);
    // A machine that is busy with other things gets a few more turns before something happened.
    while !plan.is_over(kills, began) || (too_little(&pushers) && kills < 100) {
        let life = plan.shortest + plan.spread.mul_f64(numbers.below(1_000) as f64 / 1_000.0);
        pushers = push_until_killed(&mut server, pushers, &shared, life, plan.collect_beside).await;
        kills += 1;
        block_in_place(|| server.check());
        let used = ledger::balance(&server).await;
        block_in_place(|| server.restart());
        shared.killed.store(false, Ordering::SeqCst);
        pushers = look_after(&server.api(), pushers).await;
        eprintln!(
            "{engine}, kill {kills}, {used} bytes: {}",
            summary(&pushers)
        );
    }
    assert!(
        !too_little(&pushers),
        "too little has happened: {}",
        summary(&pushers)
    );
    free_everything(&mut server, &mut pushers).await;
    block_in_place(|| server.kill());
    assert_eq!(ledger::balance(&server).await, 0, "bytes that nobody holds");
    block_in_place(|| server.restart());
    server.stop();
    eprintln!(
        "{engine}: no violation in {} minutes with {kills} kills, seed {seed}: {}",
        began.elapsed().as_secs() / 60,
        summary(&pushers)
    );
}

/// Whether the server had nothing to lose.
fn too_little(pushers: &[Pusher]) -> bool {
    let pushed: u64 = pushers.iter().map(|pusher| pusher.pushed).sum();
    let deleted: u64 = pushers.iter().map(|pusher| pusher.deleted).sum();
    pushed < 10 || deleted == 0
}

/// Half of the layers are small; the others take long enough to be cut through.
fn layer(number: u64, numbers: &mut Numbers) -> Arc<[u8]> {
    let len = if number.is_multiple_of(2) {
        2_000
    } else {
        300_000
    };
    numbers.bytes(len + number as usize).into()
}

async fn push_until_killed(
    server: &mut Server,
    pushers: Vec<Pusher>,
    shared: &Shared,
    life: Duration,
    collect_beside: bool,
) -> Vec<Pusher> {
    let dies = tokio::time::Instant::now() + life;
    let mut tasks = JoinSet::new();
    for mut pusher in pushers {
        let api = server.api();
        tasks.spawn(async move {
            pusher.work(&api).await;
            pusher
        });
    }
    if collect_beside {
        tokio::time::sleep(life / 2).await;
        block_in_place(|| server.command(&["gc"]).run().expect_ok().to_owned());
    }
    // The moment of the kill is what is random here, not a wait for something.
    tokio::time::sleep_until(dies).await;
    shared.killed.store(true, Ordering::SeqCst);
    block_in_place(|| server.kill());
    tasks.join_all().await
}

async fn look_after(api: &Api, pushers: Vec<Pusher>) -> Vec<Pusher> {
    let mut tasks = JoinSet::new();
    for mut pusher in pushers {
        let api = api.clone();
        tasks.spawn(async move {
            pusher.verify(&api).await;
            pusher
        });
    }
    tasks.join_all().await
}

fn summary(pushers: &[Pusher]) -> String {
    let sum = |count: fn(&Pusher) -> u64| pushers.iter().map(count).sum::<u64>();
    format!(
        "{} events: {} pushed, {} retagged, {} manifests, {} blobs and {} repositories deleted, \
         {} blobs uploaded, {} mounted, {} found there, {} uploads resumed",
        sum(|pusher| pusher.events),
        sum(|pusher| pusher.pushed),
        sum(|pusher| pusher.retagged),
        sum(|pusher| pusher.deleted),
        sum(|pusher| pusher.blobs_deleted),
        sum(|pusher| pusher.repositories_deleted),
        sum(|pusher| pusher.uploaded),
        sum(|pusher| pusher.mounted),
        sum(|pusher| pusher.found),
        sum(|pusher| pusher.resumed),
    )
}

/// Once nothing is referred to, all bytes go: what a kill left behind does not stay for ever.
async fn free_everything(server: &mut Server, pushers: &mut [Pusher]) {
    let api = server.api();
    for pusher in pushers {
        pusher.delete_all(&api).await;
    }
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let left = files(&server.data().join("store/blobs"));
        let Some(one) = left.first() else {
            return;
        };
        if Instant::now() > deadline {
            block_in_place(|| server.kill());
            panic!(
                "{} blobs were deleted and never collected, such as {}; what is known of them: {:#?}",
                left.len(),
                one.display(),
                ledger::left(server).await
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Folders come and go while the server works.
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
