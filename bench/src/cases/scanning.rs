//! What scanning costs: a layer that is new, feeds of advisories that change, questions across all
//! images, and pushes while what is pushed is scanned.

mod cold;
mod fleet;
mod pushes;
mod rematch;

use crate::report::Report;
use crate::site::Engine;
use crate::workspace::Workspace;

pub(crate) async fn run(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    cold::run(workspace, report)?;
    for engine in Engine::all() {
        rematch::run(workspace, &engine, report).await?;
    }
    pushes::run(workspace, report).await
}
