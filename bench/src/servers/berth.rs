//! Berth, as it starts by itself, without access lines.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Server;
use crate::http::{Connection, request};
use crate::process::Process;
use crate::workspace::Workspace;

const PASSWORD: &str = "Bench-Mark-1";

/// What a Berth is started with.
pub(crate) struct BerthOptions<'a> {
    /// Its data folder.
    pub(crate) data: &'a Path,
    /// What its tokens are for.
    pub(crate) scopes: &'a [&'a str],
}

impl Server {
    /// Starts Berth and waits until it says that it is ready.
    pub(crate) fn berth(workspace: &Workspace, data: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(workspace.berth());
        for (name, _) in std::env::vars_os() {
            // The measurement must not depend on who runs it.
            if name.to_string_lossy().starts_with("BERTH_") {
                command.env_remove(&name);
            }
        }
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .current_dir(data)
            .env("BERTH_ADMIN_PASSWORD", PASSWORD)
            .env("BERTH_LOG__ACCESS", "false")
            .env("BERTH_LOG__LEVEL", "warn")
            .env("BERTH_AUTH__TOKEN_LIFETIME_SECONDS", "3600");
        let mut process = Process::start("berth", &mut command, data.join("output"))?;
        let port = process.wait(|said| {
            let (_, url) = said.split_once("Berth is ready at http://127.0.0.1:")?;
            let (port, _) = url.split_once('\n')?;
            port.trim().parse().ok()
        })?;
        Ok(Self {
            process,
            port,
            authorization: String::new(),
        })
    }

    /// Starts Berth and gets a token.
    pub(crate) async fn berth_with_token(
        workspace: &Workspace,
        options: &BerthOptions<'_>,
    ) -> anyhow::Result<Self> {
        let mut server = Self::berth(workspace, options.data)?;
        let mut path = "/service/token?service=harbor-registry".to_owned();
        for scope in options.scopes {
            path.push_str("&scope=");
            path.push_str(scope);
        }
        let basic = format!("Basic {}", STANDARD.encode(format!("admin:{PASSWORD}")));
        let ask = request("GET", &path, &[("Authorization", &basic)]);
        let mut connection = Connection::open(server.port, 0).await?;
        let answer = connection.call(&ask, &[], false).await?.expect(200)?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let token = answer["token"].as_str().context("no token was given")?;
        server.authorization = format!("Bearer {token}");
        Ok(server)
    }
}
