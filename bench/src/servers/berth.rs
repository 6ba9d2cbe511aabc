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
        Self::berth_with(workspace, data, &[])
    }

    /// Starts Berth with these variables; requests are the administrator's.
    pub(crate) fn berth_as_administrator(
        workspace: &Workspace,
        data: &Path,
        env: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut server = Self::berth_with(workspace, data, env)?;
        server.authorization = basic();
        Ok(server)
    }

    fn berth_with(
        workspace: &Workspace,
        data: &Path,
        env: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut command = command(workspace);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .current_dir(data)
            .env("BERTH_ADMIN_PASSWORD", PASSWORD)
            .env("BERTH_LOG__ACCESS", "false")
            .env("BERTH_LOG__LEVEL", "warn")
            .env("BERTH_AUTH__TOKEN_LIFETIME_SECONDS", "3600")
            .envs(env.iter().map(|(name, value)| (name, value)));
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
        let ask = request("GET", &path, &[("Authorization", &basic())]);
        let mut connection = Connection::open(server.port, 0).await?;
        let answer = connection.call(&ask, &[], false).await?.expect(200)?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let token = answer["token"].as_str().context("no token was given")?;
        server.authorization = format!("Bearer {token}");
        Ok(server)
    }

    /// Sends JSON and demands a status.
    pub(crate) async fn send(
        &self,
        connection: &mut Connection,
        method: &str,
        path: &str,
        body: &serde_json::Value,
        status: u16,
    ) -> anyhow::Result<()> {
        let body = body.to_string();
        let length = body.len().to_string();
        let headers = [
            self.authorization(),
            ("Content-Type", "application/json"),
            ("Content-Length", &length),
        ];
        let head = request(method, path, &headers);
        connection
            .call(&head, &[body.as_bytes()], false)
            .await?
            .expect(status)?;
        Ok(())
    }
}

/// A command of the binary. What is measured must not depend on who measures.
pub(crate) fn command(workspace: &Workspace) -> Command {
    let mut command = Command::new(workspace.berth());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BERTH_") {
            command.env_remove(&name);
        }
    }
    command
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("admin:{PASSWORD}")))
}
