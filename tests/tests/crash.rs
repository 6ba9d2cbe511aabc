//! kill -9 at random moments, while images are pushed, deleted and collected. After each: what
//! was answered for is there to the byte, what was deleted is gone, and fsck finds nothing.
//!
//! `BERTH_CRASH_ROUNDS` says how often (20 if not set); `BERTH_CRASH_SEED` repeats a run's
//! choices, though not its timing.

mod keeper;
mod pusher;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use berth_e2e::content::{Numbers, digest};
use berth_e2e::{Api, Options, Server};
use tokio::task::{JoinSet, block_in_place};

use pusher::Pusher;

const PUSHERS: usize = 4;
/// Seconds after which what nothing refers to may be collected.
const GRACE: u32 = 2;

/// What the pushers of one run share.
#[derive(Debug)]
struct Shared {
    /// Layers that all of them push again and again, so that the same bytes are collected,
    /// mounted and pushed at once.
    layers: Vec<Arc<[u8]>>,
    /// Whether the server is meant to be dead.
    killed: AtomicBool,
}

/// Reads a number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_for_survives_kills() {
    let rounds = setting("BERTH_CRASH_ROUNDS", 20);
    run(Options::default(), rounds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_for_survives_kills_on_postgresql() {
    let rounds = setting("BERTH_CRASH_ROUNDS", 20).div_ceil(4);
    let Some(options) = Options::default().postgres() else {
        return;
    };
    run(options, rounds).await;
}

async fn run(options: Options, rounds: u64) {
    let seed = setting("BERTH_CRASH_SEED", u64::from(std::process::id()));
    eprintln!("BERTH_CRASH_SEED={seed}");
    let mut numbers = Numbers::new(seed);
    let mut server = Server::start(options.collecting(1, GRACE));
    let shared = Arc::new(Shared {
        layers: (0..24).map(|number| layer(number, &mut numbers)).collect(),
        killed: AtomicBool::new(false),
    });
    let mut pushers: Vec<_> = (0..PUSHERS)
        .map(|number| Pusher::new(number, server.admin(), shared.clone(), numbers.next()))
        .collect();
    for round in 0..rounds {
        pushers = push_until_killed(&mut server, pushers, &shared, &mut numbers).await;
        block_in_place(|| server.check());
        block_in_place(|| server.restart());
        shared.killed.store(false, Ordering::SeqCst);
        pushers = look_after(&server.api(), pushers).await;
        eprintln!("round {round}: {}", summary(&pushers));
    }
    let pushed: u64 = pushers.iter().map(|pusher| pusher.pushed).sum();
    let deleted: u64 = pushers.iter().map(|pusher| pusher.deleted).sum();
    assert!(
        pushed > rounds && deleted > 0,
        "too little has happened: {}",
        summary(&pushers)
    );
    free_everything(&server, pushers).await;
    server.stop();
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
    numbers: &mut Numbers,
) -> Vec<Pusher> {
    let mut tasks = JoinSet::new();
    for mut pusher in pushers {
        let api = server.api();
        tasks.spawn(async move {
            pusher.work(&api).await;
            pusher
        });
    }
    // The moment of the kill is what is random here, not a wait for something.
    tokio::time::sleep(Duration::from_millis(30 + numbers.below(1_500))).await;
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
        "{} pushed, {} deleted, {} blobs uploaded, {} mounted, {} found there, {} uploads resumed",
        sum(|pusher| pusher.pushed),
        sum(|pusher| pusher.deleted),
        sum(|pusher| pusher.uploaded),
        sum(|pusher| pusher.mounted),
        sum(|pusher| pusher.found),
        sum(|pusher| pusher.resumed),
    )
}

/// Once nothing is referred to, all bytes go: what a kill left behind does not stay for ever.
async fn free_everything(server: &Server, mut pushers: Vec<Pusher>) {
    let api = server.api();
    for pusher in &mut pushers {
        pusher.delete_all(&api).await;
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let left = files(&server.data().join("store"));
        let ours: Vec<_> = left
            .iter()
            .filter(|path| shared_layer(path, &pushers[0].shared))
            .collect();
        if ours.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{} layers were deleted and never collected, such as {}",
            ours.len(),
            ours[0].display()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn shared_layer(path: &std::path::Path, shared: &Shared) -> bool {
    let name = path.to_string_lossy();
    shared
        .layers
        .iter()
        .any(|layer| name.contains(digest(layer).trim_start_matches("sha256:")))
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
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
