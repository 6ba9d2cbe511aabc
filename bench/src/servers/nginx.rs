//! Debian's nginx, serving the same bytes as files under the same paths.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Server, answers, free_port};
use crate::image::Blob;
use crate::process::Process;

/// Files for nginx.
pub(crate) struct Files {
    root: PathBuf,
}

impl Files {
    pub(crate) fn new(data: &Path) -> anyhow::Result<Self> {
        let root = data.join("root");
        std::fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    pub(crate) fn manifest(&self, repository: &str, tag: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let folder = self.root.join(format!("v2/{repository}/manifests"));
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(tag), bytes)?)
    }

    pub(crate) fn blob(&self, repository: &str, blob: &Blob) -> anyhow::Result<()> {
        let folder = self.root.join(format!("v2/{repository}/blobs"));
        std::fs::create_dir_all(&folder)?;
        blob.save(&folder.join(&blob.digest))
    }
}

impl Server {
    /// Starts nginx in `data` on `files`, with or without sendfile.
    pub(crate) fn nginx(data: &Path, files: &Files, sendfile: bool) -> anyhow::Result<Self> {
        let port = free_port()?;
        let config = data.join("nginx.conf");
        // Workers of a master that root started would otherwise be another user, who cannot read
        // the files. A folder in the same place as nginx's own data is not touched.
        let user = if std::fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
            "user root;\n"
        } else {
            ""
        };
        let place = data.display();
        std::fs::write(
            &config,
            format!(
                "{user}daemon off;\nworker_processes auto;\npid {place}/nginx.pid;\n\
                 error_log stderr error;\n\
                 events {{ worker_connections 1024; }}\n\
                 http {{\n\
                 \x20 access_log off;\n  sendfile {};\n  tcp_nopush on;\n\
                 \x20 keepalive_requests 100000000;\n\
                 \x20 default_type application/octet-stream;\n\
                 \x20 client_body_temp_path {place}/body;\n  proxy_temp_path {place}/proxy;\n\
                 \x20 fastcgi_temp_path {place}/fastcgi;\n  uwsgi_temp_path {place}/uwsgi;\n\
                 \x20 scgi_temp_path {place}/scgi;\n\
                 \x20 server {{ listen 127.0.0.1:{port}; root '{}'; }}\n}}\n",
                if sendfile { "on" } else { "off" },
                files.root.display()
            ),
        )?;
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(data)
            .arg("-e")
            .arg("stderr")
            .arg("-c")
            .arg(&config);
        let mut process = Process::start("nginx", &mut command, data.join("output"))?;
        process.wait(|_| answers(port))?;
        Ok(Self {
            process,
            port,
            authorization: "none".to_owned(),
        })
    }
}

fn is_root(own: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    own.uid() == 0
}
