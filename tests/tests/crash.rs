//! kill -9 at random moments, while images are pushed, deleted and collected. After each: what
//! was answered for is there to the byte, what was deleted is gone, and fsck finds nothing.
//!
//! `BERTH_CRASH_ROUNDS` says how often (20 if not set).

use berth_e2e::Options;
use berth_e2e::kills::{Plan, run, setting};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_for_survives_kills() {
    let rounds = setting("BERTH_CRASH_ROUNDS", 20);
    run(Options::default(), Plan::kills(rounds)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_for_survives_kills_on_postgresql() {
    let rounds = setting("BERTH_CRASH_ROUNDS", 20).div_ceil(4);
    let Some(options) = Options::default().postgres() else {
        return;
    };
    run(options, Plan::kills(rounds)).await;
}
