//! Debian's `docker-registry` on the local disk, with its in-memory cache of descriptors and
//! without authentication, as fast as it goes.

use std::path::Path;
use std::process::Command;

use super::{Server, answers, free_port};
use crate::process::Process;

impl Server {
    /// Starts docker-registry on a folder.
    pub(crate) fn distribution(data: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let storage = data.join("storage");
        let config = data.join("config.yml");
        std::fs::write(
            &config,
            format!(
                "version: 0.1\n\
                 log: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage:\n\
                 \x20 cache: {{blobdescriptor: inmemory}}\n\
                 \x20 filesystem: {{rootdirectory: '{}'}}\n\
                 \x20 delete: {{enabled: true}}\n\
                 http: {{addr: '127.0.0.1:{port}', relativeurls: true}}\n",
                storage.display()
            ),
        )?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).current_dir(data);
        let mut process = Process::start("docker-registry", &mut command, data.join("output"))?;
        process.wait(|_| answers(port))?;
        Ok(Self {
            process,
            port,
            authorization: "none".to_owned(),
        })
    }
}
