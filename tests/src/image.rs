//! Images made from nothing: layers, configuration, manifest; as OCI layout or Docker archive.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::content::{digest, random_bytes};
use crate::tar::Archive;

/// Media type of an OCI image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of an OCI image configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of a layer that is not compressed.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image with all its bytes.
#[derive(Clone, Debug)]
pub struct Image {
    /// The layers, as tar archives.
    pub layers: Vec<Vec<u8>>,
    /// The configuration.
    pub config: Vec<u8>,
    /// The manifest.
    pub manifest: Vec<u8>,
    /// What the image runs on: Go's name of an architecture.
    pub architecture: String,
}

impl Image {
    /// An image of `layers` layers with one file of `bytes` random bytes in each.
    pub fn random(layers: usize, bytes: usize) -> Self {
        Self::random_for(architecture(), layers, bytes)
    }

    /// [`Self::random`] that says it runs on another architecture.
    pub fn random_for(architecture: &str, layers: usize, bytes: usize) -> Self {
        let layers = (0..layers).map(|number| {
            let mut archive = Archive::default();
            archive.file(&format!("layer-{number}"), 0o644, &random_bytes(bytes));
            archive.finish()
        });
        Self::of(architecture, layers.collect(), &["/layer-0"])
    }

    /// An image that can be run, with `/bin/busybox` of this machine; `None` where there is none
    /// that stands by itself.
    pub fn busybox() -> Option<Self> {
        let program = ["/bin/busybox", "/usr/bin/busybox"]
            .iter()
            .find_map(|path| fs::read(path).ok())
            .filter(|program| is_static(program))?;
        let mut base = Archive::default();
        base.folder("bin/");
        base.file("bin/busybox", 0o755, &program);
        for name in ["sh", "echo", "cat", "ls", "touch"] {
            base.link(&format!("bin/{name}"), "busybox");
        }
        // A layer of its own, so that two tests never share an image.
        let mut mark = Archive::default();
        mark.folder("etc/");
        let text = crate::content::unique("mark-");
        mark.file("etc/mark", 0o644, text.as_bytes());
        let layers = vec![base.finish(), mark.finish()];
        Some(Self::of(architecture(), layers, &["/bin/cat", "/etc/mark"]))
    }

    /// An image of Debian 12 that says it has this package, and has nothing else.
    pub fn debian(package: &str, version: &str) -> Self {
        let mut archive = Archive::default();
        let system = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
        archive.file("etc/os-release", 0o644, system.as_bytes());
        let status = format!(
            "Package: {package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        );
        archive.file("var/lib/dpkg/status", 0o644, status.as_bytes());
        // Two tests never share an image.
        archive.file("etc/mark", 0o644, &random_bytes(16));
        Self::of(architecture(), vec![archive.finish()], &["/none"])
    }

    /// An image of one layer with these files.
    pub fn with_files(files: &[(&str, &[u8])]) -> Self {
        let mut archive = Archive::default();
        for (path, content) in files {
            archive.file(path, 0o644, content);
        }
        Self::of(architecture(), vec![archive.finish()], &["/none"])
    }

    fn of(architecture: &str, layers: Vec<Vec<u8>>, command: &[&str]) -> Self {
        let diffs: Vec<_> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": command, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": diffs},
            "history": diffs.iter().map(|_| json!({"created_by": "test"})).collect::<Vec<_>>(),
        });
        let config = config.to_string().into_bytes();
        let descriptors: Vec<_> = layers
            .iter()
            .map(|layer| descriptor(LAYER, layer))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": descriptors,
        });
        Self {
            layers,
            config,
            manifest: manifest.to_string().into_bytes(),
            architecture: architecture.to_owned(),
        }
    }

    /// The manifest's digest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Every blob the manifest refers to.
    pub fn blobs(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.layers.iter().chain([&self.config])
    }

    /// What a client must print when it runs [`Image::busybox`] without a command.
    pub fn mark(&self) -> String {
        let layer = self.layers.last().unwrap();
        let start = layer.windows(5).position(|five| five == b"mark-").unwrap();
        String::from_utf8(layer[start..start + 17].to_vec()).unwrap()
    }

    fn write_blobs(&self, folder: &Path) {
        for blob in self.blobs().chain([&self.manifest]) {
            write_blob(folder, blob);
        }
    }

    /// Writes the image into an OCI layout; one layout can hold several, by tag.
    pub fn write_layout(&self, folder: &Path, tag: &str) {
        self.write_blobs(folder);
        let mut entry = descriptor(MANIFEST, &self.manifest);
        entry["platform"] = json!({"os": "linux", "architecture": self.architecture});
        add_to_layout(folder, entry, tag);
    }

    /// Writes the image as `docker save` does.
    pub fn write_docker_archive(&self, path: &Path, name: &str) {
        let mut archive = Archive::default();
        let mut layers = Vec::new();
        for layer in &self.layers {
            let file = format!("{}.tar", hash(layer));
            archive.file(&file, 0o644, layer);
            layers.push(file);
        }
        let config = format!("{}.json", hash(&self.config));
        archive.file(&config, 0o644, &self.config);
        let list = json!([{"Config": config, "RepoTags": [name], "Layers": layers}]);
        archive.file("manifest.json", 0o644, list.to_string().as_bytes());
        fs::write(path, archive.finish()).unwrap();
    }
}

/// An index over images for several architectures.
#[derive(Clone, Debug)]
pub struct MultiArch {
    /// The images.
    pub images: Vec<Image>,
    /// The index itself.
    pub index: Vec<u8>,
}

impl MultiArch {
    /// Small images for three architectures and an index over them.
    pub fn random() -> Self {
        let images: Vec<_> = ["amd64", "arm64", "riscv64"]
            .into_iter()
            .map(|architecture| Image::random_for(architecture, 1, 2_000))
            .collect();
        let manifests: Vec<_> = images
            .iter()
            .map(|image| {
                let mut entry = descriptor(MANIFEST, &image.manifest);
                entry["platform"] = json!({"os": "linux", "architecture": image.architecture});
                entry
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        Self {
            images,
            index: index.to_string().into_bytes(),
        }
    }

    /// The index's digest.
    pub fn digest(&self) -> String {
        digest(&self.index)
    }

    /// Writes index and images into an OCI layout.
    pub fn write_layout(&self, folder: &Path, tag: &str) {
        for image in &self.images {
            image.write_blobs(folder);
        }
        write_blob(folder, &self.index);
        add_to_layout(folder, descriptor(INDEX, &self.index), tag);
    }
}

/// A descriptor of `bytes`.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

/// This machine's architecture by Go's name.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn hash(bytes: &[u8]) -> String {
    digest(bytes).split_off("sha256:".len())
}

fn write_blob(folder: &Path, bytes: &[u8]) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(hash(bytes)), bytes).unwrap();
}

fn add_to_layout(folder: &Path, mut entry: Value, tag: &str) {
    let version = json!({"imageLayoutVersion": "1.0.0"});
    fs::write(folder.join("oci-layout"), version.to_string()).unwrap();
    let path = folder.join("index.json");
    let mut index = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => json!({"schemaVersion": 2, "manifests": []}),
    };
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    index["manifests"].as_array_mut().unwrap().push(entry);
    fs::write(path, index.to_string()).unwrap();
}

/// Whether a 64-bit ELF program asks for no interpreter (`PT_INTERP`), so that it runs alone.
fn is_static(program: &[u8]) -> bool {
    let number = |at: usize, len: usize| -> Option<usize> {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(program.get(at..at + len)?);
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let interpreter = || {
        let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count)
            .map(|index| number(start + index * size, 4))
            .find(|kind| *kind == Some(3))
            .or(Some(None))
    };
    program.starts_with(b"\x7fELF\x02\x01") && interpreter() == Some(None)
}
