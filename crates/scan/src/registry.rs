//! An image in a registry: found, pulled as a stream and inspected; nothing of it is kept.
//!
//! Invariant: manifest, configuration and layers have the digests that lead to them, the first one
//! that of the tag or digest that was asked for.

mod credentials;
mod name;

use std::io::{self, Read};

use berth_inspect::Limits;
use berth_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestKind, Reference};
use berth_remote::{
    Allowed, Arriving, Credentials, Egress, EgressError, EgressOptions, PullError, RemoteRepository,
};
use bytes::Bytes;
use sha2::{Digest as _, Sha256, Sha512};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::ScanError;
use crate::image::{Assembly, Image, Platform};
use crate::layout::Parts;

pub use credentials::find as find_credentials;
pub use name::ImageName;

/// Indexes in indexes.
const DEPTH: usize = 4;
/// Layers of an image.
const MOST_LAYERS: usize = 1_000;
/// Largest configuration.
const CONFIG: u64 = 8 * 1024 * 1024;
/// Parts of a layer on their way to the thread that reads them.
const AHEAD: usize = 16;

/// How an image is pulled.
#[derive(Clone, Debug, Default)]
pub struct Pulling {
    /// Who pulls; everybody without.
    pub credentials: Option<Credentials>,
    /// Whether the registry speaks without TLS.
    pub insecure: bool,
    /// A proxy that calls go through, `http://host:port`.
    pub proxy: Option<String>,
    /// Hosts that are called without the proxy, separated by commas.
    pub no_proxy: Option<String>,
}

impl Image {
    /// Pulls an image and reads it.
    ///
    /// # Errors
    /// When it is not there, not to be had with these credentials, or no image. A layer that is
    /// broken or too large is read as far as that goes, which the report says.
    pub fn pull(
        name: &ImageName,
        pulling: Pulling,
        platform: &Platform,
        limits: &Limits,
    ) -> Result<Self, ScanError> {
        let failed = |cause: PullError| ScanError::Pull {
            image: name.to_string(),
            cause,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|cause| ScanError::read(name.to_string(), cause))?;
        let egress = egress(&pulling).map_err(|error| failed(error.into()))?;
        let scheme = if pulling.insecure { "http" } else { "https" };
        let base = format!("{scheme}://{}", name.host());
        let mut pull = RemoteRepository::new(egress, &base, name.repository(), pulling.credentials);
        let (parts, layers) = runtime.block_on(find(&mut pull, name, platform))?;
        let mut assembly = Assembly::new(name.to_string(), &parts.config);
        for layer in layers {
            let digest = layer.digest.to_string();
            let arriving = pull.blob(&layer.digest, layer.size);
            let arriving = runtime.block_on(arriving).map_err(failed)?;
            let mut coming = Coming::new(&runtime, arriving, &layer.digest);
            assembly.read(&digest, &mut coming, limits)?;
            coming.finish().map_err(|cause| ScanError::Layer {
                layer: digest,
                cause: berth_inspect::Error::Read(cause),
            })?;
        }
        Ok(assembly.finish(parts, name.to_string()))
    }
}

/// A client for somebody who may call whom they like.
fn egress(pulling: &Pulling) -> Result<Egress, EgressError> {
    let everywhere = Allowed::parse(&["0.0.0.0/0", "::/0"]);
    Egress::new(EgressOptions {
        allowed: everywhere.map_err(|error| EgressError::Setup(error.to_string()))?,
        proxy: pulling.proxy.clone(),
        no_proxy: pulling.no_proxy.clone(),
        authorities: Vec::new(),
    })
}

/// The parts of the image for a platform.
async fn find(
    pull: &mut RemoteRepository,
    name: &ImageName,
    platform: &Platform,
) -> Result<(Parts, Vec<Descriptor>), ScanError> {
    let no_image = |problem: String| ScanError::no_image(name.to_string(), problem);
    let failed = |cause: PullError| ScanError::Pull {
        image: name.to_string(),
        cause,
    };
    let mut reference = name.reference().clone();
    let mut indexes = Vec::new();
    for _ in 0..DEPTH {
        let found = pull.manifest(&reference).await.map_err(failed)?;
        let manifest = Manifest::parse(&found.bytes, Some(&found.media_type))
            .map_err(|error| no_image(error.to_string()))?;
        if manifest.kind == ManifestKind::Index {
            let chosen = pick(&manifest.manifests, platform)
                .ok_or_else(|| no_image(format!("it holds no image for {platform}")))?;
            indexes.push(found.digest.to_string());
            reference = Reference::Digest(chosen.digest.clone());
            continue;
        }
        let config = manifest
            .config
            .filter(|_| manifest.kind == ManifestKind::Image)
            .ok_or_else(|| no_image("it is no image".to_owned()))?;
        if manifest.layers.len() > MOST_LAYERS {
            return Err(no_image("it has too many layers".to_owned()));
        }
        if config.size > CONFIG {
            return Err(no_image("its configuration is too large".to_owned()));
        }
        let mut arriving = pull
            .blob(&config.digest, config.size)
            .await
            .map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(part) = arriving
            .part()
            .await
            .map_err(|error| failed(error.into()))?
        {
            bytes.extend_from_slice(&part);
        }
        if Digest::of(config.digest.algorithm(), &bytes) != config.digest {
            return Err(no_image("its configuration has another digest".to_owned()));
        }
        let tag = name.reference().tag().map(ToString::to_string);
        let parts = Parts {
            digest: Some(found.digest.to_string()),
            indexes,
            tag,
            config: bytes,
            layers: Vec::new(),
        };
        return Ok((parts, manifest.layers));
    }
    Err(no_image("its indexes are nested too deeply".to_owned()))
}

/// The image for the platform, or the only one there is.
fn pick<'a>(entries: &'a [Descriptor], platform: &Platform) -> Option<&'a Descriptor> {
    let fits = |entry: &&Descriptor| {
        let named = entry.platform.as_ref();
        named.is_some_and(|it| it.os == platform.os && it.architecture == platform.architecture)
    };
    match (entries.iter().find(fits), entries) {
        (Some(entry), _) | (None, [entry]) => Some(entry),
        (None, _) => None,
    }
}

/// The hash of what has come.
enum Hash {
    Sha256(Sha256),
    Sha512(Sha512),
}

/// A layer that comes, for a thread that may wait; hashed.
struct Coming {
    parts: mpsc::Receiver<Result<Bytes, EgressError>>,
    rest: Bytes,
    hash: Hash,
    wanted: Digest,
}

impl Coming {
    fn new(runtime: &Runtime, mut arriving: Arriving, wanted: &Digest) -> Self {
        let (sender, parts) = mpsc::channel(AHEAD);
        runtime.spawn(async move {
            while let Some(part) = arriving.part().await.transpose() {
                let over = part.is_err();
                if sender.send(part).await.is_err() || over {
                    break;
                }
            }
        });
        Self {
            parts,
            rest: Bytes::new(),
            hash: match wanted.algorithm() {
                Algorithm::Sha256 => Hash::Sha256(Sha256::new()),
                Algorithm::Sha512 => Hash::Sha512(Sha512::new()),
            },
            wanted: wanted.clone(),
        }
    }

    /// Reads what was left, and compares the digest.
    fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink())?;
        let hex = match self.hash {
            Hash::Sha256(hash) => hex::encode(hash.finalize()),
            Hash::Sha512(hash) => hex::encode(hash.finalize()),
        };
        if hex == self.wanted.hex() {
            return Ok(());
        }
        Err(io::Error::other(
            "the registry sent something else than what the manifest names",
        ))
    }
}

impl Read for Coming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.parts.blocking_recv() {
                Some(Ok(part)) => self.rest = part,
                Some(Err(error)) => return Err(io::Error::other(error.to_string())),
                None => return Ok(0),
            }
        }
        let taken = self.rest.split_to(buffer.len().min(self.rest.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        match &mut self.hash {
            Hash::Sha256(hash) => hash.update(&taken),
            Hash::Sha512(hash) => hash.update(&taken),
        }
        Ok(taken.len())
    }
}
