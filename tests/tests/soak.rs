//! The soak: `BERTH_SOAK_MINUTES` (2 if not set) of pushes, mounts, tags, deletes, collections and
//! kills on each database, held against a model. `make soak` runs it for three hours.

use berth_e2e::Options;
use berth_e2e::kills::{Plan, run, setting};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    run(
        Options::default(),
        Plan::soak(setting("BERTH_SOAK_MINUTES", 2)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    let Some(options) = Options::default().postgres() else {
        return;
    };
    run(options, Plan::soak(setting("BERTH_SOAK_MINUTES", 2))).await;
}
