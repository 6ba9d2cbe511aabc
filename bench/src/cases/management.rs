//! Berth as a large team has it: long lists, many pushers, much garbage, many events.

mod crowd;
mod events;
mod garbage;
mod lists;

use crate::report::Report;
use crate::site::Engine;
use crate::workspace::Workspace;

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    for engine in Engine::all() {
        lists::run(workspace, &engine, report).await?;
        crowd::run(workspace, &engine, report).await?;
        events::run(workspace, &engine, report).await?;
        garbage::run(workspace, &engine, report).await?;
    }
    Ok(())
}
