//! Reading what an image holds, layer by layer.
//!
//! Invariant: a layer that this revision of the code has read is not read again.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use berth_inspect::{INDEXER_REVISION, ImageReport, LayerReport, Limits, inspect_layer, merge};
use berth_jobs::TaskContext;
use berth_oci::{Descriptor, Manifest, RepositoryName};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::store::packages;
use crate::{Scanning, VulnError};

/// Pieces of a layer on their way to the thread that reads it.
const AHEAD: usize = 4;

/// Packages of all layers of an image together, those of databases included.
const PACKAGES: usize = 500_000;

/// Refuses images whose layers hold more together than is kept in memory.
fn bound(report: &LayerReport, held: &mut usize) -> Result<(), VulnError> {
    let databases = report.databases.iter().map(|it| it.packages.len());
    *held += databases.sum::<usize>() + report.packages.len();
    if *held > PACKAGES {
        return Err(VulnError::Invalid(format!(
            "its layers hold more than {PACKAGES} packages"
        )));
    }
    Ok(())
}

impl Scanning {
    /// What an image holds.
    pub(crate) async fn contents(
        &self,
        task: &TaskContext,
        repository: &RepositoryName,
        image: &Manifest,
    ) -> Result<ImageReport, VulnError> {
        let (mut layers, mut held) = (Vec::new(), 0);
        let total = image.layers.len() as u64;
        for (nr, layer) in image.layers.iter().enumerate() {
            task.check_stop().map_err(|_| VulnError::Stopped)?;
            let (report, read) = self.layer(repository, layer, task.stop()).await?;
            let how = if read { "read" } else { "known already" };
            task.log(format!("layer {}: {how}", layer.digest));
            bound(&report, &mut held)?;
            layers.push(report);
            task.progress(nr as u64 + 1, total);
        }
        Ok(merge(&layers))
    }

    /// What an image holds, as far as that is known without reading its layers; `None`: not all of
    /// them were read by this revision of the code.
    pub(crate) async fn known_contents(
        &self,
        image: &Manifest,
    ) -> Result<Option<ImageReport>, VulnError> {
        let (mut layers, mut held) = (Vec::new(), 0);
        for layer in &image.layers {
            let Some(report) = self.known_layer(layer).await? else {
                return Ok(None);
            };
            bound(&report, &mut held)?;
            layers.push(report);
        }
        Ok(Some(merge(&layers)))
    }

    async fn known_layer(&self, layer: &Descriptor) -> Result<Option<LayerReport>, VulnError> {
        let (digest, revision) = (layer.digest.as_str(), i64::from(INDEXER_REVISION));
        let content = packages::layer(&self.db, digest, revision).await?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// What a layer holds; whether it had to be read.
    pub(crate) async fn layer(
        &self,
        repository: &RepositoryName,
        layer: &Descriptor,
        stop: &CancellationToken,
    ) -> Result<(LayerReport, bool), VulnError> {
        if let Some(report) = self.known_layer(layer).await? {
            return Ok((report, false));
        }
        let (digest, revision) = (layer.digest.as_str(), i64::from(INDEXER_REVISION));
        let report = self.read_layer(repository, layer, stop).await?;
        let content = serde_json::to_vec(&report).map_err(|error| VulnError::Layer {
            layer: digest.to_owned(),
            cause: error.to_string(),
        })?;
        let (digest, now) = (digest.to_owned(), self.clock.now());
        self.db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    packages::put_layer(tx, &digest, revision, content, now).await?;
                    Ok(())
                })
            })
            .await?;
        Ok((report, true))
    }

    async fn read_layer(
        &self,
        repository: &RepositoryName,
        layer: &Descriptor,
        stop: &CancellationToken,
    ) -> Result<LayerReport, VulnError> {
        let broken = |cause: String| VulnError::Layer {
            layer: layer.digest.to_string(),
            cause,
        };
        let mut stream = self.registry.blob_stream(repository, &layer.digest).await?;
        let (pieces, coming) = mpsc::channel(AHEAD);
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let reading = tokio::task::spawn_blocking(move || {
            let reader = Pieces {
                coming,
                rest: Bytes::new(),
            };
            inspect_layer(reader, &Limits::default(), &|| seen.load(Ordering::Relaxed))
        });
        let sending = async {
            while let Some(piece) = stream.next().await {
                let failed = piece.is_err();
                let piece = piece.map_err(|error| std::io::Error::other(error.to_string()));
                if pieces.send(piece).await.is_err() || failed {
                    break;
                }
            }
        };
        tokio::select! {
            () = sending => {}
            () = stop.cancelled() => stopped.store(true, Ordering::Relaxed),
        }
        drop(pieces);
        let report = reading.await.map_err(|error| broken(error.to_string()))?;
        if stop.is_cancelled() {
            return Err(VulnError::Stopped);
        }
        report.map_err(|error| broken(error.to_string()))
    }
}

/// A stream of pieces as a reader for a thread that may wait.
struct Pieces {
    coming: mpsc::Receiver<std::io::Result<Bytes>>,
    rest: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.rest.is_empty() {
            match self.coming.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.rest.split_to(buffer.len().min(self.rest.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}
