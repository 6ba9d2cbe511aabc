//! An image on this machine, inspected.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use berth_inspect::findings::{Finding, practice};
use berth_inspect::{ImageReport, Incomplete, LayerReport, Limits, Reason, inspect_layer, merge};
use serde::Serialize;
use serde_json::Value;

use crate::files::Files;
use crate::layout::Parts;
use crate::{ScanError, layout, rootfs};

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder with an OCI layout.
    OciLayout(PathBuf),
    /// A tar archive: an OCI layout, or what `docker save` writes.
    Archive(PathBuf),
    /// A folder that is a root file system.
    Rootfs(PathBuf),
}

/// What an image is to run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The architecture, by Go's name.
    pub architecture: String,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            os: "linux".to_owned(),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            }
            .to_owned(),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

impl FromStr for Platform {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next()) {
            (Some(os), Some(architecture)) if !os.is_empty() && !architecture.is_empty() => {
                Ok(Self {
                    os: os.to_owned(),
                    architecture: architecture.to_owned(),
                })
            }
            _ => Err("write it as os/architecture, like linux/amd64"),
        }
    }
}

/// A layer that was read.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its digest, as the manifest names it.
    pub digest: String,
    /// The digest of its uncompressed bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<String>,
    /// Its bytes as stored.
    pub size: u64,
}

/// An image whose layers have been read.
#[derive(Clone, Debug)]
pub struct Image {
    /// How people call it.
    pub name: String,
    /// The digest of its manifest, where it has one.
    pub digest: Option<String>,
    /// The digests of the indexes that lead to it.
    pub indexes: Vec<String>,
    /// Its layers, the base first.
    pub layers: Vec<Layer>,
    /// What they hold.
    pub content: ImageReport,
    /// What its configuration and history are blamed for.
    pub practice: Vec<Finding>,
    /// What could not be looked at, for people.
    pub warnings: Vec<String>,
}

impl Image {
    /// Reads the image at `source`: the one that `reference` names, or the only one.
    ///
    /// # Errors
    /// When it is not there or no image. A layer that is broken or too large is read as far as
    /// that goes, which [`ImageReport::incomplete`] says.
    pub fn read(
        source: &Source,
        reference: Option<&str>,
        platform: &Platform,
        limits: &Limits,
    ) -> Result<Self, ScanError> {
        match source {
            Source::OciLayout(path) => Self::of(&Files::folder(path), reference, platform, limits),
            Source::Archive(path) => Self::of(&Files::archive(path)?, reference, platform, limits),
            Source::Rootfs(path) => Self::of_rootfs(path, limits),
        }
    }

    fn of_rootfs(path: &Path, limits: &Limits) -> Result<Self, ScanError> {
        let (report, unread) = rootfs::inspect(path, limits)?;
        let mut warnings = Vec::new();
        if unread.count > 0 {
            warnings.push(format!(
                "{} files or folders could not be read",
                unread.count
            ));
        }
        let mut content = merge(&[report]);
        content
            .incomplete
            .extend(unread.database.map(|path| Incomplete {
                reason: Reason::Database,
                path,
                detail: "it could not be read: run the scan as a user who may".to_owned(),
            }));
        Ok(Self {
            name: path.display().to_string(),
            digest: None,
            indexes: Vec::new(),
            layers: Vec::new(),
            content,
            practice: Vec::new(),
            warnings,
        })
    }

    fn of(
        files: &Files,
        reference: Option<&str>,
        platform: &Platform,
        limits: &Limits,
    ) -> Result<Self, ScanError> {
        let parts = layout::find(files, reference, platform)?;
        let mut assembly = Assembly::new(files.path(), &parts.config);
        for (digest, file) in &parts.layers {
            let open = || {
                files
                    .open(file)?
                    .ok_or_else(|| ScanError::no_image(files.path(), format!("{file} is missing")))
            };
            // Without the digest of its content, its own is all there is to hold it against.
            if !assembly.is_named() && digest.starts_with("sha256:") {
                layout::check(files, digest, open()?)?;
            }
            assembly.read(digest, open()?, limits)?;
        }
        let name = parts
            .tag
            .clone()
            .or_else(|| reference.map(str::to_owned))
            .unwrap_or_else(|| files.path().display().to_string());
        Ok(assembly.finish(parts, name))
    }
}

/// An image whose layers are read one after the other.
pub(crate) struct Assembly {
    path: PathBuf,
    config: Value,
    layers: Vec<Layer>,
    reports: Vec<LayerReport>,
}

impl Assembly {
    /// One with this configuration; `path` is what people are told of.
    pub(crate) fn new(path: impl AsRef<Path>, config: &[u8]) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            config: serde_json::from_slice(config).unwrap_or_default(),
            layers: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// What the content of the next layer is to be.
    fn said(&self) -> Option<&str> {
        self.config["rootfs"]["diff_ids"][self.layers.len()].as_str()
    }

    /// Whether the configuration names the content of the next layer.
    fn is_named(&self) -> bool {
        self.said().is_some()
    }

    /// Reads the next layer.
    pub(crate) fn read(
        &mut self,
        digest: &str,
        reader: impl Read + Send,
        limits: &Limits,
    ) -> Result<(), ScanError> {
        let report =
            inspect_layer(reader, limits, &|| false).map_err(|cause| ScanError::Layer {
                layer: digest.to_owned(),
                cause,
            })?;
        if let (Some(found), Some(said)) = (&report.diff_id, self.said())
            && found != said
        {
            let problem = format!(
                "{digest} is not the layer that the image's configuration names: its content is \
                 {found} and should be {said}"
            );
            return Err(ScanError::no_image(&self.path, problem));
        }
        self.layers.push(Layer {
            digest: digest.to_owned(),
            diff_id: report.diff_id.clone(),
            size: report.compressed_bytes,
        });
        self.reports.push(report);
        Ok(())
    }

    /// All of them put together.
    pub(crate) fn finish(self, parts: Parts, name: String) -> Image {
        let mut warnings = Vec::new();
        let tag = parts.tag.as_deref().map(tag_of);
        let practice = practice::check(&parts.config, tag).unwrap_or_else(|_| {
            warnings.push("the image's configuration is broken and was not checked".to_owned());
            Vec::new()
        });
        Image {
            name,
            digest: parts.digest,
            indexes: parts.indexes,
            layers: self.layers,
            content: merge(&self.reports),
            practice,
            warnings,
        }
    }
}

/// The tag of `name:tag`; OCI layouts often have the tag alone.
fn tag_of(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => name,
    }
}
