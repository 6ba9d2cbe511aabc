//! Images and feeds made here, right or wrong.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use berth_model::Timestamp;
use berth_scan::{Feeds, Image, Limits, Platform, Report, ScanError, Source, scan};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The time of every scan: noon of 1 November 2026.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_793_534_400_000_000);

pub(crate) const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n";

pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A status file of dpkg.
pub(crate) fn status(packages: &[(&str, &str)]) -> String {
    let stanza = |(name, version): &(&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        )
    };
    packages.iter().map(stanza).collect()
}

/// A tar archive under construction.
pub(crate) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn header(kind: tar::EntryType, size: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header.set_mode(0o644);
        header
    }

    pub(crate) fn file(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut header = Self::header(tar::EntryType::Regular, bytes.len());
        self.0
            .append_data(&mut header, name, bytes)
            .expect("memory");
        self
    }

    /// A file whose name is written as it is, wherever it leads.
    pub(crate) fn raw_name(mut self, name: &str, bytes: &[u8]) -> Self {
        let mut header = Self::header(tar::EntryType::Regular, bytes.len());
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).expect("memory");
        self
    }

    pub(crate) fn link(mut self, name: &str, target: &str) -> Self {
        let mut header = Self::header(tar::EntryType::Symlink, 0);
        self.0
            .append_link(&mut header, name, target)
            .expect("memory");
        self
    }

    pub(crate) fn end(self) -> Vec<u8> {
        self.0.into_inner().expect("memory")
    }
}

/// The first layer of most images here.
pub(crate) fn base(packages: &[(&str, &str)]) -> Vec<u8> {
    Tar::new()
        .file("etc/os-release", DEBIAN)
        .file("var/lib/dpkg/status", status(packages))
        .end()
}

/// How a layer is stored.
#[derive(Clone, Copy)]
pub(crate) enum Stored {
    Plain,
    Gzip,
    Zstd,
}

impl Stored {
    pub(crate) fn pack(self, bytes: &[u8]) -> (Vec<u8>, &'static str) {
        match self {
            Self::Plain => (bytes.to_vec(), "application/vnd.oci.image.layer.v1.tar"),
            Self::Gzip => (gzip(bytes), "application/vnd.oci.image.layer.v1.tar+gzip"),
            Self::Zstd => (
                zstd::encode_all(bytes, 1).expect("memory"),
                "application/vnd.oci.image.layer.v1.tar+zstd",
            ),
        }
    }
}

/// An OCI layout under construction.
pub(crate) struct Layout {
    pub(crate) folder: TempDir,
    pub(crate) entries: Vec<Value>,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::create_dir_all(folder.path().join("blobs/sha256")).expect("a folder");
        fs::write(
            folder.path().join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .expect("a file");
        Self {
            folder,
            entries: Vec::new(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn file_of(&self, digest: &str) -> PathBuf {
        self.folder
            .path()
            .join("blobs")
            .join(digest.replacen(':', "/", 1))
    }

    pub(crate) fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let digest = digest(bytes);
        fs::write(self.file_of(&digest), bytes).expect("a file");
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// An image of these layers; `config` is what goes into its configuration.
    pub(crate) fn image(&self, layers: &[(Vec<u8>, Stored)], config: Value) -> Value {
        let mut document = config;
        let ids: Vec<String> = layers.iter().map(|(bytes, _)| digest(bytes)).collect();
        document["rootfs"] = json!({"type": "layers", "diff_ids": ids});
        self.image_of(layers, &document)
    }

    /// An image whose configuration is this and nothing else.
    pub(crate) fn image_of(&self, layers: &[(Vec<u8>, Stored)], config: &Value) -> Value {
        let layers: Vec<Value> = layers
            .iter()
            .map(|(bytes, stored)| {
                let (packed, media_type) = stored.pack(bytes);
                self.blob(&packed, media_type)
            })
            .collect();
        let config = self.blob(
            config.to_string().as_bytes(),
            "application/vnd.oci.image.config.v1+json",
        );
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.blob(
            manifest.to_string().as_bytes(),
            "application/vnd.oci.image.manifest.v1+json",
        )
    }

    pub(crate) fn index(&self, manifests: &[Value]) -> Value {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.blob(
            index.to_string().as_bytes(),
            "application/vnd.oci.image.index.v1+json",
        )
    }

    /// Names the image in `index.json`.
    pub(crate) fn tag(mut self, mut image: Value, name: Option<&str>) -> Self {
        if let Some(name) = name {
            image["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        }
        self.entries.push(image);
        let index = json!({"schemaVersion": 2, "manifests": self.entries});
        fs::write(self.folder.path().join("index.json"), index.to_string()).expect("a file");
        self
    }

    pub(crate) fn read(&self, reference: Option<&str>) -> Result<Image, ScanError> {
        read(&Source::OciLayout(self.path()), reference)
    }
}

/// A layout of one image.
pub(crate) fn layout(layers: &[(Vec<u8>, Stored)]) -> Layout {
    let layout = Layout::new();
    let image = layout.image(layers, json!({"architecture": "amd64", "os": "linux"}));
    layout.tag(image, None)
}

pub(crate) fn read(source: &Source, reference: Option<&str>) -> Result<Image, ScanError> {
    Image::read(source, reference, &amd64(), &Limits::default())
}

pub(crate) fn amd64() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

/// `name version @layer` of everything in an image.
pub(crate) fn packages(image: &Image) -> Vec<String> {
    let line = |one: &berth_inspect::ImagePackage| {
        format!(
            "{} {} @{}",
            one.package.name, one.package.version, one.layer
        )
    };
    image.content.packages.iter().map(line).collect()
}

/// An advisory in OSV's form: fixed in `fixed`, or not at all.
pub(crate) fn osv(id: &str, ecosystem: &str, package: &str, fixed: Option<&str>) -> Value {
    let mut events = vec![json!({"introduced": "0"})];
    events.extend(fixed.map(|version| json!({"fixed": version})));
    json!({
        "id": id,
        "modified": "2026-01-02T03:04:05Z",
        "summary": format!("Something bad in {package}"),
        "affected": [{
            "package": {"ecosystem": ecosystem, "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "references": [{"type": "WEB", "url": format!("https://advisories.example/{id}")}],
    })
}

/// A folder of advisories.
pub(crate) fn feed(advisories: &[Value]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (nr, advisory) in advisories.iter().enumerate() {
        let file = folder.path().join(format!("{nr}.json"));
        fs::write(file, advisory.to_string()).expect("a file");
    }
    folder
}

pub(crate) fn feeds(advisories: &[Value]) -> Feeds {
    let folder = feed(advisories);
    let mut feeds = Feeds::default();
    feeds.add(folder.path(), false).expect("a feed");
    feeds
}

pub(crate) fn report(layout: &Layout, advisories: &[Value]) -> Report {
    scan(
        layout.read(None).expect("an image"),
        &feeds(advisories),
        NOW,
    )
}

/// `package version id` of everything found.
pub(crate) fn found(report: &Report) -> Vec<String> {
    let mut found: Vec<String> = report
        .vulnerabilities
        .iter()
        .map(|it| format!("{} {} {}", it.package, it.version, it.id))
        .collect();
    found.sort();
    found
}

pub(crate) fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}
